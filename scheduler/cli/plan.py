"""``rackwatt plan``: where does everything go, and how far is that at most from the best?"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.console import BROKEN, INTERRUPTED, print_json, print_notes

if TYPE_CHECKING:
    from scheduler.cli.watching import Recorder
    from scheduler.solve import Solution

RESERVE = 0.1  # of the time limit, for why firm contracts are not met, if they are not
LEAST_RESERVE_S = 2.0


def command(
    site: Annotated[Path, typer.Argument(help="Site: YAML, JSON, or a folder of tables.")],
    workload: Annotated[Path, typer.Argument(help="Workload: YAML, JSON, or a folder of tables.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the files of the plan.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same plan.")] = 0,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=0.1, max=604_800, help="Seconds of planning.")
    ] = 60.0,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Threads of the planner.")] = 2,
    backend: Annotated[str, typer.Option(help="Scores: auto, cpu or cuda.")] = "auto",
    current: Annotated[
        Path | None, typer.Option(help="The plan that runs now; moves away from it cost.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print result.json on stdout.")] = False,
) -> None:
    """Plan a workload on a site, check the plan, and write it to a folder.

    Exit codes: 0 feasible and checked, 1 infeasible or a limit broken, 2 bad input,
    130 interrupted (the best checked plan is kept).
    """
    from scheduler.cli.plan_tables import print_plan
    from scheduler.cli.reading import backend_of, problem_of
    from scheduler.cli.watching import Reserving, display_on_stderr, watched
    from scheduler.conflicts import explain_conflict
    from scheduler.result import result_record
    from scheduler.solve import solve
    from scheduler.why import unplaced_reasons
    from scheduler.write import prepare_folder, write_solution

    started = time.monotonic()
    scorer = backend_of(backend)
    prepare_folder(out)
    problem = problem_of(site, workload, current)
    reserve_s = min(max(LEAST_RESERVE_S, RESERVE * time_limit), time_limit / 2)

    def run(watch: Recorder) -> Solution:
        return solve(
            problem,
            seed=seed,
            time_limit_s=time_limit,
            workers=workers,
            backend=scorer,
            watch=Reserving(watch, reserve_s),
        )

    def save(solution: Solution) -> None:
        if solution.verdict.checked:
            write_solution(out, solution, result_record(solution, time.monotonic() - started), {})

    solution, interrupted = watched(run, save, display_on_stderr(time_limit))
    if interrupted and solution.status != "optimal":
        solution = dataclasses.replace(solution, status="interrupted")
    why = explain_conflict(solution, 0.0 if interrupted else reserve_s, workers)
    conflict = None if why is None else why.record()
    record = result_record(solution, time.monotonic() - started, conflict)
    unplaced = unplaced_reasons(problem, solution.plan)
    write_solution(out, solution, record, unplaced)
    if as_json:
        print_json(record)
        print_notes(solution.notes)
    else:
        print_plan(solution, record, unplaced, out, () if why is None else why.lines)
    if solution.status == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if solution.status == "infeasible" or not solution.verdict.checked:
        raise typer.Exit(BROKEN)
