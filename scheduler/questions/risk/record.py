"""An assessment as plain data, and as rows for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from scheduler.questions.risk.assess import Assessment
from scheduler.questions.risk.estimates import Estimate
from scheduler.questions.risk.figures import Figures, LimitFigures, PartyFigures, SourceFigures
from scheduler.questions.risk.sources import MONTH_S
from scheduler.write import spreadsheet_cell

FORMAT = "rackwatt-risk/1"
COLUMNS = ("section", "subject", "figure", "value", "low", "high")
STRATA_NAMES = ("no major failure", "one", "two or more")
ACTIONS = {"capped": "capped_s", "shed": "shed_s", "something_out": "outage_s"}

Record = dict[str, Any]


def record_of(found: Assessment) -> Record:
    """Return everything that ``risk.json`` holds."""
    figures = Figures(found)
    margin = {"without_failures": figures.margin_without_failures(), "mean": figures.margin()}
    percentiles = {f"p{percent}": each for percent, each in figures.margin_percentiles()}
    record: Record = {
        "format": FORMAT,
        "samples": figures.count,
        "effective_samples": round(figures.sample.effective),
        "seed": found.seed,
        "backend": found.backend,
        "wall_s": round(found.wall_s, 3),
        "checked": found.verdict.checked,
        "weather": f"{found.hours} measured hours" if found.hours else "design days",
        "month_h": MONTH_S // 3600,
        "strata": _strata(found, figures),
        "rates": _rates(found),
        "actions": {name: _action(figures, field) for name, field in ACTIONS.items()},
        "limits": [_limit(each) for each in figures.limits()],
        "subjects": [_limit(each) for each in figures.subjects()],
        "parties": [_party(each) for each in figures.parties()],
        "credits_usd_per_month": {
            "mean": figures.credits(),
            "cvar95": figures.credits_tail(),
        },
        "margin_usd_per_month": {**margin, "cvar95": figures.margin_tail(), **percentiles},
        "energy": {
            "it_mw": figures.it_mw(),
            "pue": figures.pue(),
            "mwh_per_year": figures.energy_mwh(),
        },
        "sources": [_source(each) for each in figures.sources()],
        "convergence": [_stage(each) for each in figures.halvings()],
    }
    return {key: plain(value) for key, value in record.items()}


def csv_of(record: Mapping[str, Any]) -> bytes:
    """Return every figure with an interval as one row."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in _rows(record):
        writer.writerow([spreadsheet_cell(cell) for cell in row])
    return text.getvalue().encode("utf-8", "backslashreplace")


def plain(value: Any) -> Any:
    """Return a record in which every estimate is a mapping of value, low and high."""
    match value:
        case Estimate():
            ends = (value.value, value.low, value.high)
            return dict(zip(("value", "low", "high"), map(_short, ends), strict=True))
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case float():
            return _short(value)
    return value


def _rows(record: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    for section, content in record.items():
        entries = content if isinstance(content, list) else [content]
        for entry in entries:
            if isinstance(entry, dict):
                subject = _subject(entry)
                yield from ((section, subject, name, *ends) for name, ends in _estimates(entry, ""))


def _estimates(entry: Mapping[str, Any], path: str) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield the name and the three numbers of every estimate in an entry."""
    for name, value in entry.items():
        if isinstance(value, dict):
            if value.keys() == {"value", "low", "high"}:
                yield path + name, (value["value"], value["low"], value["high"])
            else:
                yield from _estimates(value, f"{path}{name}.")


def _subject(entry: Mapping[str, Any]) -> str:
    words = [str(entry[key]) for key in ("kind", "name", "samples") if entry.get(key)]
    return " ".join(words)


def _strata(found: Assessment, figures: Figures) -> list[Record]:
    columns = zip(STRATA_NAMES, found.sample.probability, figures.sample.counts, strict=True)
    return [
        {"majors": name, "probability": float(share), "months": int(months)}
        for name, share, months in columns
    ]


def _rates(found: Assessment) -> list[Record]:
    used = {source.kind for source in found.study.sources} | {"node"}
    return [
        {
            "kind": kind,
            "mtbf_h": row.mtbf_s / 3600,
            "mttr_h": row.mttr_s / 3600,
            "beta": row.beta_permille / 1000,
            "group": row.group,
            "source": row.source,
        }
        for kind in sorted(used)
        for row in (found.rates.of(kind),)
    ]


def _action(figures: Figures, name: str) -> Record:
    hours = figures.hours(name)
    return {
        "hours_per_year": hours,
        "probability": hours.times(1 / 8760),
    }


def _limit(each: LimitFigures) -> Record:
    return {
        "kind": each.kind,
        "name": each.subject,
        "calls_for_action_h_per_year": each.called,
        "exceeded_h_per_year": each.over,
    }


def _party(each: PartyFigures) -> Record:
    party = each.party
    return {
        "name": party.name,
        "tenant": party.tenant,
        "contract": party.is_contract,
        "promised_gpus": party.promised_gpus,
        "held_gpus": party.held_gpus,
        "availability": each.availability,
        "all_promised": each.all_there,
        "sla": None if each.sla_permille is None else each.sla_permille / 1000,
        "months_below_sla": each.below_sla,
        "credits_usd_per_month": each.credits,
    }


def _source(each: SourceFigures) -> Record:
    source = each.source
    return {
        "kind": source.kind,
        "name": source.name,
        "common_cause": source.is_common,
        "failures_per_year": source.failures_per_year,
        "mttr_h": source.mttr_s / 3600,
        "gpus_alone": each.gpus_alone,
        "harm_usd_per_year": each.harm,
    }


def _stage(figures: Figures) -> Record:
    return {
        "samples": figures.count,
        "effective_samples": round(figures.sample.effective),
        "shed_h_per_year": figures.hours("shed_s"),
        "credits_usd_per_month": figures.credits(),
        "margin_usd_per_month": figures.margin(),
    }


def _short(value: float) -> float:
    """Return a number without digits that nobody can use."""
    return float(f"{value:.10g}")
