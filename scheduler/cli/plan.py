"""``rackwatt plan``: where does everything go, and how far is that at most from the best?"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.console import BROKEN, INTERRUPTED, fail, print_json, print_notes

if TYPE_CHECKING:
    from scheduler.cli.watching import Recorder
    from scheduler.solve import Solution

CONFLICT_SHARE = 0.1  # of the time limit, for why firm contracts are not met, if they are not
LEAST_CONFLICT_S = 2.0
SAVE_PER_READING = 2.0  # what a save takes, in times of reading, until one has been timed
REASONS_SHARE = 0.05  # of the time limit, for why jobs are not placed


def command(
    site: Annotated[Path, typer.Argument(help="Site: YAML, JSON, or a folder of tables.")],
    workload: Annotated[Path, typer.Argument(help="Workload: YAML, JSON, or a folder of tables.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the files of the plan.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same plan.")] = 0,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=0.1, max=604_800, help="Seconds of planning.")
    ] = 60.0,
    workers: Annotated[
        int, typer.Option(min=1, max=1024, help="Threads or processes of the planner.")
    ] = 2,
    engine: Annotated[str, typer.Option(help="Workers: auto, local, ray or inline.")] = "auto",
    memory_limit_mib: Annotated[
        int | None,
        typer.Option("--memory-limit-mib", min=64, help="Memory of each worker, in MiB."),
    ] = None,
    backend: Annotated[str, typer.Option(help="Scores: auto, cpu or cuda.")] = "auto",
    current: Annotated[
        Path | None, typer.Option(help="The plan that runs now; moves away from it cost.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Folder of an earlier plan to begin with.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print result.json on stdout.")] = False,
) -> None:
    """Plan a workload on a site, check the plan, and write it to a folder.

    Exit codes: 0 feasible and checked, 1 infeasible or a limit broken, 2 bad input,
    130 interrupted (the best checked plan is kept).
    """
    started = time.monotonic()  # what is imported now takes its time as well
    from scheduler.cli.plan_tables import print_plan
    from scheduler.cli.reading import backend_of, engine_of, problem_of
    from scheduler.cli.resuming import earlier_run
    from scheduler.cli.saving import Folder
    from scheduler.cli.watching import (
        FIGURES_PER_CHECK,
        Reserving,
        display_on_stderr,
        watched,
    )
    from scheduler.conflicts import explain_conflict
    from scheduler.solve import EngineError, solve
    from scheduler.why import unplaced_reasons
    from scheduler.write import prepare_folder

    scorer, crew = backend_of(backend), engine_of(engine)
    prepare_folder(out)
    problem = problem_of(site, workload, current)
    folder = Folder(out, problem, started)
    earlier = earlier_run(resume, folder.digest)
    reading_s = time.monotonic() - started
    conflict_s = min(max(LEAST_CONFLICT_S, CONFLICT_SHARE * time_limit), time_limit / 2)
    guess_s = SAVE_PER_READING * reading_s
    reasons_s = REASONS_SHARE * time_limit

    def run(watch: Recorder) -> Solution:
        return solve(
            problem,
            seed=seed,
            time_limit_s=max(0.1, time_limit - reading_s),
            workers=workers,
            backend=scorer,
            watch=Reserving(watch, always_s=reasons_s, unmet_s=conflict_s),
            start=earlier.plan,
            known_bound_mills=earlier.bound_mills,
            known_bound_by=earlier.bound_by,
            known_unmet_gpus=earlier.unmet_gpus,
            engine=crew,
            memory_limit_mib=memory_limit_mib,
        )

    shown = display_on_stderr(time_limit)
    try:
        solution, interrupted = watched(run, folder.save, shown, save_guess_s=guess_s)
    except EngineError as error:
        fail(str(error))
    if interrupted and solution.status != "optimal":
        solution = dataclasses.replace(solution, status="interrupted")
    why = explain_conflict(solution, 0.0 if interrupted else conflict_s, workers)
    check_s = solution.phases_s["check"]
    left_s = time_limit - (time.monotonic() - started) - (FIGURES_PER_CHECK + 1) * check_s
    left_s = 0.0 if interrupted else left_s
    unplaced = unplaced_reasons(problem, solution.plan, max(left_s, reasons_s), check_s)
    record = folder.record(solution, None if why is None else why.record())
    folder.write(solution, record, unplaced)
    if as_json:
        print_json(record)
        print_notes(solution.notes)
    else:
        print_plan(solution, record, unplaced, out, () if why is None else why.lines)
    if solution.status == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if solution.status == "infeasible" or not solution.verdict.checked:
        raise typer.Exit(BROKEN)
