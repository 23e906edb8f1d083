"""``rackwatt replan``: something failed or changed; a better plan with few moves, in safe waves."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.console import BROKEN, INTERRUPTED, fail, print_json
from scheduler.cli.reading import DIR_OR_FILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scheduler.model import Plan, Problem


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar=DIR_OR_FILES, help="What `plan` wrote, or three files; the plan runs now."
        ),
    ],
    failed: Annotated[
        list[str] | None,
        typer.Option("--failed", help="Power node or loop that is out; may be repeated."),
    ] = None,
    max_moves: Annotated[
        int | None,
        typer.Option("--max-moves", min=0, help="Units that may leave their rack at will."),
    ] = None,
    max_moves_per_tenant: Annotated[
        int | None,
        typer.Option("--max-moves-per-tenant", min=0, help="The same, of any one tenant."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=0.1, max=604_800, help="Seconds of the search.")
    ] = 30.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the planner, if moves are free.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the files.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print replan.json on stdout.")] = False,
) -> None:
    """Go from the running plan to a better one: repair, few moves, waves that are always safe.

    Exit codes: 0 feasible and checked, 1 a limit or a promise is broken, 2 bad input,
    130 interrupted (the best checked plan is kept).
    """
    started = time.monotonic()
    from scheduler.cli.replan_tables import print_replan
    from scheduler.cli.watching import Recorder, stopping
    from scheduler.questions.replan import Budget, replan
    from scheduler.questions.replan.files import write_replan
    from scheduler.questions.replan.record import replan_record, status
    from scheduler.write import prepare_folder

    problem, running = _read(paths)
    names = tuple(failed or ())
    _known(problem, names)
    if out is not None:
        prepare_folder(out)
    recorder = Recorder()
    with stopping(recorder):
        found = replan(
            problem,
            running,
            failed=names,
            budget=Budget(max_moves, max_moves_per_tenant),
            time_limit_s=time_limit,
            seed=seed,
            stopped=recorder.stopped,
            told=lambda news: print(
                f"{time.monotonic() - started:6.1f} s  {news}", file=sys.stderr
            ),
        )
    if out is not None:
        write_replan(out, found, seed, time.monotonic() - started)
    if as_json:
        print_json(replan_record(found))
    else:
        print_replan(found, out)
    if found.interrupted:
        raise typer.Exit(INTERRUPTED)
    if status(found) == "infeasible":
        raise typer.Exit(BROKEN)


def _tell(started: float, news: str) -> None:
    print(f"{time.monotonic() - started:6.1f} s  {news}", file=sys.stderr, flush=True)


def _read(paths: Sequence[Path]) -> tuple[Problem, Plan]:
    """Read a problem and the running plan, which may know jobs that have ended since."""
    from scheduler.cli.reading import plan_of, planned, problem_of

    if len(paths) != 3:
        return planned(paths)
    site, workload, plan = paths
    return problem_of(site, workload), plan_of(plan, None)


def _known(problem: Problem, failed: Sequence[str]) -> None:
    from scheduler.questions.replan import unknown_components

    unknown = unknown_components(problem.site, failed)
    if unknown:
        fail(
            f"--failed: expected power nodes or cooling loops of the site, got {', '.join(unknown)}"
        )
