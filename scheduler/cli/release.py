"""``rackwatt release``: give capacity back with little value lost and few moves."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.console import BAD_INPUT, BROKEN, INTERRUPTED, fail, print_json

if TYPE_CHECKING:
    from scheduler.cli.watching import Recorder
    from scheduler.model import Level, Problem
    from scheduler.questions.moves import Wave
    from scheduler.questions.release import Goal, Release
    from scheduler.solve import Solution

MOST_MW = 1e6


def command(
    site: Annotated[Path, typer.Argument(help="Site: YAML, JSON, or a folder of tables.")],
    workload: Annotated[Path, typer.Argument(help="Workload: YAML, JSON, or a folder of tables.")],
    plan: Annotated[Path, typer.Argument(help="What runs now: plan.json, .csv, or a folder.")],
    mw: Annotated[float | None, typer.Option("--mw", help="Peak IT draw to give back.")] = None,
    gpus: Annotated[int | None, typer.Option("--gpus", help="GPUs to free on whole nodes.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant whose block is given back.")] = None,
    domain: Annotated[
        str | None, typer.Option(help="Hall, pod, array, rack, loop or power node to empty.")
    ] = None,
    within: Annotated[int, typer.Option(help="Days: contracts with longer notice stay.")] = 0,
    contiguous: Annotated[
        str | None, typer.Option(help="Empty whole domains: array or hall.")
    ] = None,
    gpu_type: Annotated[
        list[str] | None, typer.Option("--gpu-type", help="Type that counts for --gpus; repeat.")
    ] = None,
    move_price: Annotated[
        float | None,
        typer.Option("--move-usd-per-gpu", help="Price of a GPU that leaves its rack."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=0.1, max=604_800, help="Seconds of search.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same search.")] = 0,
    workers: Annotated[
        int, typer.Option(min=1, max=1024, help="Threads or processes of the planner.")
    ] = 2,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the files.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print release.json on stdout.")] = False,
) -> None:
    """Free power, GPUs, a tenant's block or a place, with the steps in order.

    Exit codes: 0 all of it is given back, 1 it cannot be with all obligations kept, 2 bad input,
    130 interrupted (the best answer so far is printed).
    """
    started = time.monotonic()
    from scheduler.cli.reading import plan_of, problem_of
    from scheduler.cli.release_tables import print_release
    from scheduler.cli.watching import display_on_stderr, watched
    from scheduler.questions.release import (
        Goal,
        UnreachableError,
        release,
        release_record,
        steps_of,
    )
    from scheduler.write import prepare_folder

    problem = problem_of(site, workload)
    running = plan_of(plan, problem)
    goal = Goal(
        watts=_watts(mw),
        gpus=_positive("--gpus", gpus, "GPUs"),
        tenant=tenant,
        domain=domain,
        within_days=within,
        contiguous=_level(contiguous),
        gpu_types=tuple(dict.fromkeys(gpu_type or ())),
    )
    _list_mistakes(problem, goal)
    if out is not None:
        prepare_folder(out)
    answers: list[Release] = []

    def run(watch: Recorder) -> Solution:
        answers.append(
            release(
                problem,
                running,
                goal,
                move_mills=_move_mills(move_price),
                seed=seed,
                time_limit_s=time_limit,
                workers=workers,
                watch=watch,
            )
        )
        return answers[0].solution

    try:
        _, interrupted = watched(run, lambda _plan: None, display_on_stderr(time_limit))
    except UnreachableError as error:
        fail(str(error), BROKEN)
    answer = answers[0]
    steps = steps_of(answer)
    record = release_record(answer, steps, time.monotonic() - started)
    if out is not None:
        _write(out, answer, steps, record, started)
    if as_json:
        print_json(record)
    else:
        print_release(answer, steps, out)
    if interrupted:
        raise typer.Exit(INTERRUPTED)
    if not answer.met:
        raise typer.Exit(BROKEN)


def _write(
    out: Path,
    answer: Release,
    steps: tuple[Wave, ...],
    record: dict[str, object],
    started: float,
) -> None:
    from scheduler.questions.release import moves_csv
    from scheduler.result import result_record
    from scheduler.write import as_json, digest_of, input_files, write_solution, write_together

    inputs = input_files(answer.solution.problem)
    wall_s = time.monotonic() - started
    result = result_record(answer.solution, wall_s, None, digest_of(inputs))
    write_solution(out, answer.solution, result, {}, inputs)
    files = {"release.json": as_json(record), "moves.csv": moves_csv(answer, steps)}
    write_together(out, files)


def _list_mistakes(problem: Problem, goal: Goal) -> None:
    from scheduler.questions.release import mistakes
    from scheduler.words import clean

    found = list(mistakes(problem, goal))
    for line in found:
        print(f"rackwatt: {clean(line)}", file=sys.stderr)
    if found:
        raise typer.Exit(BAD_INPUT)


def _watts(mw: float | None) -> int:
    from scheduler.model.units import round_up

    if mw is None:
        return 0
    if not math.isfinite(mw) or not 0 < mw <= MOST_MW:
        fail(f"--mw: expected > 0 and at most {MOST_MW:,.0f}, got {mw} MW")
    return round_up(mw, 1_000_000)


def _move_mills(usd: float | None) -> int | None:
    from scheduler.model.units import round_up

    if usd is None:
        return None
    if not math.isfinite(usd) or not 0 <= usd <= 1e6:
        fail(f"--move-usd-per-gpu: expected 0 to 1,000,000, got {usd} $")
    return round_up(usd, 1000)


def _positive(option: str, amount: int | None, unit: str) -> int:
    if amount is None:
        return 0
    if amount <= 0:
        fail(f"{option}: expected > 0, got {amount:,} {unit}")
    return amount


def _level(text: str | None) -> Level | None:
    from scheduler.model import Level

    if text is None:
        return None
    if text not in ("array", "hall"):
        fail(f"--contiguous: expected array or hall, got {text}")
    return Level(text)
