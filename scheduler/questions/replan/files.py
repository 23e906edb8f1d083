"""The files of a replan: those of a plan, the waves, the moves, and what it is worth."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from kernels import backend as backends
from scheduler.compile import compile_problem
from scheduler.evaluate import to_shards
from scheduler.model import Problem
from scheduler.questions.moves import Move, Wave
from scheduler.questions.replan.pipeline import Replanned
from scheduler.questions.replan.record import replan_record
from scheduler.result import result_record
from scheduler.solve import Solution
from scheduler.topology import Topology
from scheduler.why import unplaced_reasons
from scheduler.write import (
    as_json,
    digest_of,
    input_files,
    spreadsheet_cell,
    write_solution,
    write_together,
)

WAVES_FORMAT = "rackwatt-waves/1"
COLUMNS = ("wave", "kind", "job", "tenant", "units", "gpus", "from", "to")
REASONS_S = 5.0  # for why jobs are not placed


def write_replan(folder: Path, found: Replanned, seed: int, wall_s: float) -> None:
    """Write the plan as ``rackwatt plan`` does, of the site that is left, and the way to it.

    ``current.json`` is the running plan, ``waves.json`` and ``moves.csv`` say what moves when,
    ``replan.json`` holds what is printed. Raises OSError.
    """
    solution = solution_of(found, seed)
    inputs = input_files(solution.problem)
    result = result_record(solution, wall_s, problem_digest=digest_of(inputs))
    check_s = REASONS_S / 50
    unplaced = unplaced_reasons(solution.problem, solution.plan, REASONS_S, check_s)
    write_solution(folder, solution, result, unplaced, inputs)
    rows = list(move_rows(found))
    write_together(
        folder,
        {
            "waves.json": as_json(waves_document(found)),
            "moves.csv": _csv(rows),
            "replan.json": as_json(replan_record(found)),
        },
    )


def solution_of(found: Replanned, seed: int) -> Solution:
    """Return the chosen plan as the pipeline's solution; nothing is proven about it."""
    point = found.chosen
    topology = Topology(point.problem.site)
    compiled = compile_problem(point.problem, topology)
    scorer, note = backends.select("cpu")
    score = scorer.load(compiled).score(to_shards(compiled, point.plan))
    broken = score.violation or score.unmet_firm_gpus
    return Solution(
        problem=point.problem,
        topology=topology,
        compiled=compiled,
        plan=point.plan,
        score=score,
        verdict=point.verdict,
        bound_mills=None,
        status="infeasible" if broken else "interrupted" if found.interrupted else "feasible",
        seed=seed,
        backend=scorer.name,
        phases_s=found.phases_s,
        notes=(note,),
    )


def waves_document(found: Replanned) -> dict[str, object]:
    """Return what ``waves.json`` holds: the moves of every wave, in order."""
    rows = list(move_rows(found))
    return {
        "format": WAVES_FORMAT,
        "waves": [
            {
                "wave": number,
                "paused": list(wave.paused),
                "moves": [
                    {key: row[key] for key in COLUMNS if key != "wave"}
                    for row in rows
                    if row["wave"] == number
                ],
            }
            for number, wave in enumerate(found.waves.waves, 1)
        ],
    }


def move_rows(found: Replanned) -> Iterator[dict[str, object]]:
    """Yield one row for each move: move, start, stop, pause or restart."""
    problem = found.chosen.problem
    paused: set[str] = set()
    for number, wave in enumerate(found.waves.waves, 1):
        for move in wave.moves:
            yield {"wave": number, **_row(problem, wave, move, paused)}
        paused.update(wave.paused)


def _row(problem: Problem, wave: Wave, move: Move, paused: set[str]) -> Mapping[str, object]:
    job = problem.jobs[move.job]
    kind = "move"
    if move.target is None:
        kind = "pause" if move.job in wave.paused else "stop"
    elif move.source is None:
        kind = "restart" if move.job in paused else "start"
    return {
        "kind": kind,
        "job": move.job,
        "tenant": job.tenant,
        "units": move.units,
        "gpus": move.units * job.gpus_per_unit,
        "from": move.source,
        "to": move.target,
    }


def _csv(rows: list[dict[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow({key: spreadsheet_cell(value) for key, value in row.items()})
    return text.getvalue().encode("utf-8", "backslashreplace")
