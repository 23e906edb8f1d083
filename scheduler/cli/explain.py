"""``rackwatt explain``: why is a job here, why is it not placed, what would let it in?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.console import fail, output, print_json, safe

if TYPE_CHECKING:
    from scheduler.model import Plan, Problem
    from scheduler.why import Reasons


TRIED = (
    "fewer units, looser level, other GPU type, power action, outside `within`, "
    "other jobs or parts of them less, higher rating"
)


def command(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[JOB] DIR | [JOB] SITE WORKLOAD PLAN",
            help="A job or contract, then what `plan` wrote or three files.",
        ),
    ],
    unplaced: Annotated[
        bool, typer.Option("--unplaced", help="List all that is not placed in full; no JOB.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reasons as JSON.")] = False,
) -> None:
    """Say what holds a job where it is, or what keeps it out and what would let it in."""
    from scheduler.cli.reading import planned
    from scheduler.why import why

    if unplaced:
        _list_unplaced(*planned([Path(word) for word in words]), as_json=as_json)
        return
    if len(words) < 2:
        fail("expected JOB DIR, JOB SITE WORKLOAD PLAN, or --unplaced DIR")
    name = words[0]
    problem, plan = planned([Path(word) for word in words[1:]])
    if name not in problem.jobs:
        fail(_unknown(name, problem))
    reasons = why(problem, plan, name)
    if as_json:
        print_json(dataclasses.asdict(reasons))
        return
    _print(reasons, problem)


def _print(reasons: Reasons, problem: Problem) -> None:
    job = problem.jobs[reasons.job]
    console = output()
    if reasons.placed_units == 0:
        state = f"not placed, asks for {reasons.asked_gpus:,} GPUs"
    else:
        state = (
            f"placed {reasons.placed_units:,} units ({reasons.placed_gpus:,} GPUs), "
            f"asked {reasons.asked_units:,} ({reasons.asked_gpus:,} GPUs)"
        )
    console.print(f"{safe(job.name)} of {safe(job.tenant)}: {state}")
    if reasons.where:
        console.print(f"where: {safe(reasons.where)}")
    for line in reasons.lines:
        console.print(f"- {safe(line)}")
    if reasons.is_kept_out and not reasons.changes:
        console.print(f"no single change found that lets it in; tried: {TRIED}")
    for i, change in enumerate(reasons.changes):
        console.print(f"{'or' if i else 'smallest change found'}: {safe(change)}")


def _list_unplaced(problem: Problem, plan: Plan, *, as_json: bool) -> None:
    from scheduler.why import unplaced_reasons

    reasons = unplaced_reasons(problem, plan)
    if as_json:
        print_json([{"job": job, "reason": reason} for job, reason in reasons.items()])
        return
    console = output()
    for name, reason in reasons.items():
        job = problem.jobs[name]
        console.print(f"{safe(name)} ({safe(job.tenant)}, {job.gpus:,} GPUs): {safe(reason)}")
    console.print(f"{len(reasons):,} not placed in full")


def _unknown(name: str, problem: Problem) -> str:
    from difflib import get_close_matches

    from scheduler.words import some

    owned = [job.name for job in problem.jobs.values() if job.tenant == name]
    if owned:
        return f"{name} is a tenant; expected one of its jobs or contracts: {some(owned, 5)}"
    like = [job for job in problem.jobs if name.lower() in job.lower()]
    close = list(dict.fromkeys([*get_close_matches(name, problem.jobs, n=3), *like]))[:3]
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    return f"expected the name of a job or contract, got {name!r}{hint}"
