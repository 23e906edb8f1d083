"""Failure rates: the built-in table, each figure with its source, and a file that overrides it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, TypeAdapter

from scheduler.inputs.catalogue import Figure
from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Mistakes
from scheduler.inputs.quantities import Percent, Record, permille_up, quantity
from scheduler.inputs.validation import closest, one_of, validate
from scheduler.model import Site
from scheduler.model.rates import OTHER, KindRates, Overheads, Rates
from scheduler.model.units import round_up

SECONDS_PER_H = 3600
MOST_H = 1e9
MOST_REPAIR_H = 1e5

Row = Mapping[str, Figure]


class KindEntry(Record):
    """Rates of one kind of component; what is left out keeps the built-in figure."""

    mtbf_h: float | None = quantity("h", "Mean time between failures.", None, gt=0, le=MOST_H)
    mttr_h: float | None = quantity("h", "Mean time to repair.", None, gt=0, le=MOST_REPAIR_H)
    beta: Percent | None = None
    group: Literal["hall", "loop", "site"] | None = None


class FiguresEntry(Record):
    """Figures that are not rates; what is left out keeps the built-in figure."""

    hot_day: Percent | None = None
    electrical_loss: Percent | None = None
    liquid: Percent | None = None
    fans: Percent | None = None
    other: Percent | None = None
    air_approach_k: float | None = quantity("K", "Facility water to supply air.", None, ge=0, le=50)


class RatesFile(Record):
    """A file that overrides built-in rates."""

    kinds: dict[str, KindEntry] = Field(default_factory=dict)
    figures: FiguresEntry = FiguresEntry()


class _BuiltIn(Record):
    kinds: dict[str, dict[str, Figure]]
    figures: dict[str, Figure]


def read_rates(path: Path | None, site: Site) -> Rates:
    """Return the built-in rates, with what the file at `path` says instead.

    A kind must be built in or a kind of power node of the site.

    Raises
    ------
    InputError
        With every mistake.
    """
    mistakes = Mistakes()
    found: RatesFile | None = RatesFile()
    if path is not None:
        document = Document.load(path, mistakes)
        found = None if document is None else validate(RatesFile, document, mistakes)
        if document is not None and found is not None:
            _check(found, site, document, mistakes)
    mistakes.raise_if_any()
    assert found, "a reader that gives up says why"
    built_in = _built_in()
    kinds = {
        kind: _kind(kind, built_in.kinds.get(kind, built_in.kinds[OTHER]), found.kinds.get(kind))
        for kind in {**built_in.kinds, **found.kinds}
    }
    figures = {**_values(built_in.figures), **_given(found.figures)}
    return Rates(
        kinds=kinds,
        hot_day_permille=_permille(figures["hot_day"]),
        overheads=Overheads(
            electrical_permille=_permille(figures["electrical_loss"]),
            liquid_permille=_permille(figures["liquid"]),
            fans_permille=_permille(figures["fans"]),
            other_permille=_permille(figures["other"]),
            air_approach_mk=round_up(figures["air_approach_k"], 1000),
        ),
    )


@cache
def _built_in() -> _BuiltIn:
    text = resources.files("scheduler.inputs").joinpath("failure_rates.yaml").read_text("utf-8")
    return TypeAdapter(_BuiltIn).validate_python(yaml.safe_load(text))


def _check(found: RatesFile, site: Site, document: Document, mistakes: Mistakes) -> None:
    """Add what is wrong with values that are right by themselves."""
    nodes = (node.kind for node in site.power_nodes.values())
    known = list(dict.fromkeys((*_built_in().kinds, *nodes)))
    for kind in found.kinds:
        if kind not in known:
            loc, hint = ("kinds", kind), closest(kind, known)
            mistakes.add(document, loc, one_of(known, kind), kind, hint)
    if found.figures.hot_day is not None and found.figures.hot_day > 100:
        mistakes.add(document, ("figures", "hot_day"), "at most 100 %", found.figures.hot_day)
    for kind, entry in found.kinds.items():
        if entry.beta is not None and entry.beta > 100:
            mistakes.add(document, ("kinds", kind, "beta"), "at most 100 %", entry.beta)


def _kind(kind: str, row: Row, entry: KindEntry | None) -> KindRates:
    given = {} if entry is None else _given(entry)
    values = {**_values(row), **given}
    sources = [
        f"{name} as given" if name in given else f"{name} [{figure.tag}] {figure.source}"
        for name, figure in row.items()
    ]
    return KindRates(
        kind=kind,
        mtbf_s=max(1, int(values["mtbf_h"] * SECONDS_PER_H)),
        mttr_s=max(1, round_up(values["mttr_h"], SECONDS_PER_H)),
        beta_permille=_permille(values["beta"]),
        group=values["group"],
        source="; ".join(sources),
    )


def _values(row: Row) -> dict[str, Any]:
    """Return the built-in figures as values; percentages as numbers."""
    return {
        name: float(str(figure.value).rstrip("% "))
        if str(figure.value).endswith("%")
        else figure.value
        for name, figure in row.items()
    }


def _given(entry: Record) -> dict[str, Any]:
    return {name: value for name, value in entry.model_dump().items() if value is not None}


def _permille(percent: float) -> int:
    return permille_up(percent)
