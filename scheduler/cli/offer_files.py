"""Writes the answer to an offer: its figures, its frontier, and every plan that it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.cli.saving import Folder
from scheduler.inputs import workload_document
from scheduler.questions.offer.joined import at_terms, joined, obligations, resized
from scheduler.questions.offer.points import Record, frontier_csv, points
from scheduler.write import (
    PLAN_FORMAT,
    as_json,
    placement_rows,
    placements_csv,
    prepare_folder,
    write_together,
)

if TYPE_CHECKING:
    from scheduler.model import Plan, Problem
    from scheduler.questions.offer import Answer
    from scheduler.solve import Solution


def write_answer(out: Path, found: Answer, record: Record, started: float) -> None:
    """Write the folders of the plans, then those of the frontier's points, then the answer.

    ``without/`` and ``with/`` are what ``rackwatt plan`` writes. Of several offers ``with-1/``,
    ``with-2/`` ... hold each alone, in the order of the file, and ``with/`` the best choice.
    """
    for name, solution in _solutions(found):
        _write_plan(out / name, solution, started)
    for number, (problem, plan) in enumerate(_points(found), 1):
        _write_point(out / "frontier" / f"{number:02}", problem, plan)
    write_together(out, {"frontier.csv": frontier_csv(found), "offer.json": as_json(record)})


def _solutions(found: Answer) -> Iterator[tuple[str, Solution]]:
    yield "without", found.without
    alone = [each.deal for each in found.weighed]
    if found.together is not None:
        yield "with", found.together.best
    for number, deal in enumerate(alone, 1):
        if deal is not None:
            yield ("with" if len(alone) == 1 else f"with-{number}"), deal.solution


def _points(found: Answer) -> Iterator[tuple[Problem, Plan]]:
    """Yield the problem of firm contracts and the block that each point plans, and its plan."""
    owed = obligations(found.problem)
    for each in found.weighed:
        for _, block in points(each):
            terms = block.terms
            offer = at_terms(each.offer, terms.isolation, terms.survives, terms.spare_permille)
            sized = (resized(offer, block.units),) if block.units else ()
            yield joined(owed, sized), block.plan


def _write_plan(folder: Path, solution: Solution, started: float) -> None:
    prepare_folder(folder)
    written = Folder(folder, solution.problem, started)
    written.write(solution, written.record(solution, in_full=False), {})


def _write_point(folder: Path, problem: Problem, plan: Plan) -> None:
    prepare_folder(folder)
    rows = placement_rows(problem, plan)
    contents = {
        "workload.json": as_json(workload_document(problem.workload)),
        "placements.csv": placements_csv(rows),
        "plan.json": as_json({"format": PLAN_FORMAT, "placements": rows}),
    }
    write_together(folder, contents)
