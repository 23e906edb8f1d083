"""``rackwatt score``: what is left below every limit, in normal and in every failure state."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.console import output, print_json, print_notes, safe, table

if TYPE_CHECKING:
    from kernels.backend import Evaluator
    from kernels.forms import Compiled, Shards
    from kernels.score import Score
    from scheduler.model import Finding

TIGHTEST = 15
NUMBERS = ("left", "of", "share left")


@dataclass(frozen=True, slots=True)
class Left:
    """What is left below the limits of one component, in its worst state."""

    term: str
    subject: str
    state: str
    load: int
    limit: int
    unit: str

    @property
    def share(self) -> float:
        """Share of the limit that is left; negative if it is broken."""
        left = self.limit - self.load
        return left / self.limit if self.limit > 0 else float(left)


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR | SITE WORKLOAD PLAN", help="What `plan` wrote, or three files."
        ),
    ],
    every: Annotated[
        bool, typer.Option("--all", help=f"All components, not the {TIGHTEST} tightest of a rule.")
    ] = False,
    backend: Annotated[str, typer.Option(help="Who computes: auto, cpu or cuda.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the headroom as JSON.")] = False,
) -> None:
    """Show headroom per power node, loop, hall and rack: worst state, tightest first."""
    from kernels.backend import select
    from scheduler.check import check
    from scheduler.cli.reading import backend_of, planned
    from scheduler.compile import compile_problem
    from scheduler.evaluate import to_shards
    from scheduler.topology import Topology
    from scheduler.words import money

    problem, plan = planned(paths)
    compiled = compile_problem(problem, Topology(problem.site))
    shards = to_shards(compiled, plan)
    scorer, note = select(backend_of(backend))
    if scorer.name != backend and backend != "auto":
        print_notes((note,))
    evaluator = scorer.load(compiled)
    score, kernels_ms = timed(evaluator, shards)
    print_notes(evaluator.notes)
    checked = of_findings(check(problem, plan).findings)
    by_term = worst_states(chain(headrooms(compiled, shards, evaluator), checked))
    if as_json:
        print_json(
            {
                "violation": score.violation,
                "unmet_firm_gpus": score.unmet_firm_gpus,
                "margin_usd_per_h": score.margin_mills / 1000,
                "backend": scorer.name,
                "kernels_ms": round(kernels_ms, 3),
                "headroom": {
                    term: [_record(left) for left in found[: None if every else TIGHTEST]]
                    for term, found in by_term.items()
                },
            }
        )
        return
    for term, found in by_term.items():
        if every or found[0].unit != "nodes":
            _print_term(term, found[: None if every else TIGHTEST])
    _print_racks(by_term)
    output().print(
        f"violation {score.violation:,}, unmet firm {score.unmet_firm_gpus:,} GPUs, "
        f"margin {money(score.margin_mills)}"
    )
    output().print(f"scored in {kernels_ms:.1f} ms by the kernels on {scorer.name}")


def timed(evaluator: Evaluator, shards: Shards) -> tuple[Score, float]:
    """Return the score of a plan and the milliseconds of a second run, when all is in place."""
    evaluator.score(shards)
    began = time.perf_counter()
    score = evaluator.score(shards)
    return score, (time.perf_counter() - began) * 1000


def headrooms(compiled: Compiled, shards: Shards, evaluator: Evaluator) -> Iterator[Left]:
    """Yield what is left in every row of every load, and the nodes left on every rack."""
    from kernels.forms import UNLIMITED, LinearLoad, Packing
    from kernels.reference import bins_used

    for form in compiled.forms:
        if isinstance(form, LinearLoad):
            lefts = evaluator.headroom(form, shards).tolist()
            limits = (form.limit // form.scale).tolist()
            for left, limit, subject, state in zip(
                lefts, limits, form.subject, form.state, strict=True
            ):
                if limit < UNLIMITED // form.scale:
                    yield Left(form.term, subject, state, limit - left, limit, form.unit)
        elif isinstance(form, Packing):
            used = bins_used(form, shards).tolist()
            for load, limit, subject in zip(used, form.bins.tolist(), form.subject, strict=True):
                yield Left(form.term, subject, "normal", load, limit, "nodes")


def of_findings(findings: Iterable[Finding]) -> Iterator[Left]:
    """Yield what is left below every limit on a continuous quantity.

    The check looks at every component in every state; limits that no plan could break are left
    out of the compiled problem.
    """
    from scheduler.model import Kind
    from scheduler.words import HEADROOM_UNITS

    for f in findings:
        if f.kind is Kind.LIMIT and f.unit in HEADROOM_UNITS:
            yield Left(f.term, f.subject, f.state, f.amount, f.limit, f.unit)


def worst_states(lefts: Iterable[Left]) -> dict[str, list[Left]]:
    """Keep the worst state of every component, by term, the tightest component first."""
    worst: dict[tuple[str, str, str], Left] = {}
    for left in lefts:
        key = (left.term, left.subject, left.unit)
        if key not in worst or left.share < worst[key].share:
            worst[key] = left
    by_term: dict[str, list[Left]] = {}
    for left in sorted(worst.values(), key=lambda each: (each.share, each.subject)):
        by_term.setdefault(left.term, []).append(left)
    return by_term


def _record(left: Left) -> dict[str, object]:
    return {
        "subject": left.subject,
        "state": left.state,
        "amount": left.load,
        "limit": left.limit,
        "headroom": left.limit - left.load,
        "unit": left.unit,
        "share": round(left.share, 6),
    }


def _print_term(term: str, found: list[Left]) -> None:
    from scheduler.words import quantity

    shown = table(term, "left", "of", "share left", "worst state", numbers=NUMBERS)
    for left in found:
        shown.add_row(
            safe(left.subject),
            quantity(left.limit - left.load, left.unit),
            quantity(left.limit, left.unit),
            f"{left.share * 100:.1f} %" if left.limit > 0 else "-",
            safe(left.state),
        )
    output().print(shown)


def _print_racks(by_term: Mapping[str, Sequence[Left]]) -> None:
    """Say how many racks are full; a full rack is no alarm."""
    racks = [left for found in by_term.values() for left in found if left.unit == "nodes"]
    full = sum(left.load >= left.limit for left in racks)
    nodes = sum(max(0, left.limit - left.load) for left in racks)
    output().print(f"racks: {full:,} of {len(racks):,} are full, {nodes:,} nodes are free")
