"""Replanning a running site after random failures and arrivals, against plans from nothing."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.machine import machine
from scheduler.check import check
from scheduler.inputs import read_plan, read_problem
from scheduler.model import Plan, Problem
from scheduler.questions.moves import (
    Allowed,
    applied,
    doubled,
    known_part,
    moved_units,
    moves_between,
    twin_names,
    worse,
)
from scheduler.questions.replan import Budget, Replanned, replan, without
from scheduler.result import versions
from scheduler.solve import Progress, Solution, solve

Record = dict[str, Any]
SHOWN = (
    "case",
    "cold_moves",
    "cold_unmet_gpus",
    "cold_usd_per_h",
    "moves",
    "stopped",
    "unmet_gpus",
    "usd_per_h",
    "share",
    "first_s",
    "speed",
    "waves",
    "safe",
)
MOVES_SHARE, MARGIN_SHARE, SPEED = 0.1, 0.99, 10  # what is asked for, against a plan from nothing


@dataclass(frozen=True)
class Case:
    """One thing that happens to the running site."""

    name: str
    problem: Problem
    failed: tuple[str, ...] = ()


@dataclass
class Course:
    """Watches a plan from nothing: when did it reach which margin?"""

    began: float = field(default_factory=time.monotonic)
    steps: list[tuple[float, int, int]] = field(default_factory=list)  # seconds, unmet, margin

    def progress(self, progress: Progress) -> None:
        """Note every step."""
        if not progress.violation:
            seconds = time.monotonic() - self.began
            self.steps.append((seconds, progress.unmet_firm_gpus, progress.margin_mills))

    def incumbent(self, solution: Solution) -> None:
        """Keep nothing: `progress` hears of all plans."""

    def stopped(self) -> bool:
        """Let it run."""
        return False

    def reserve_s(self) -> float:
        """Need no time afterwards."""
        return 0.0

    def seconds_to(self, margin_mills: int) -> float | None:
        """Return when a margin was reached, whatever was unmet; None: never."""
        return next((s for s, _, margin in self.steps if margin >= margin_mills), None)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--site", type=Path, default=Path("examples/colossus-tenth"))
    parser.add_argument("--plan", type=Path, help="the running plan (one is made, seed 0)")
    parser.add_argument("--cases", type=int, default=20, help="failures, and arrivals (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the cases (0)")
    parser.add_argument("--time-limit", type=float, default=10.0, help="of a replan, seconds (10)")
    parser.add_argument("--cold-s", type=float, default=30.0, help="of a plan from nothing (30)")
    parser.add_argument("--json", type=Path, help="file for all records")


def run(options: argparse.Namespace) -> int:
    """Run every case; 0 if no state on any way is worse than the check allows."""
    problem = read_problem(options.site / "site.yaml", options.site / "workload.yaml")
    if options.plan:
        running = read_plan(options.plan, problem)
    else:
        running = solve(problem, time_limit_s=options.cold_s).plan
    rng = Random(options.seed)
    cases = [*_failures(problem, rng, options.cases), *_arrivals(problem, rng, options.cases)]
    records: list[Record] = []
    for case in cases:
        records.append(measure(case, running, options.time_limit, options.cold_s))
        print(_line(records[-1]), flush=True)
        if options.json:
            document = {"machine": machine(), "versions": versions(), "records": records}
            options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    for line in _summary(records):
        print(line)
    return 0 if all(record["safe"] for record in records) else 1


def measure(case: Case, running: Plan, time_limit_s: float, cold_s: float) -> Record:
    """Plan the case from nothing, replan it with a tenth of those moves, and compare."""
    degraded = without(case.problem, case.failed, running)
    course = Course()
    cold = solve(degraded.problem, time_limit_s=cold_s, watch=course)
    cold_moves = moved_units(moves_between(known_part(degraded.problem, running), cold.plan))
    most = int(cold_moves * MOVES_SHARE)
    found = replan(
        case.problem, running, failed=case.failed, budget=Budget(most), time_limit_s=time_limit_s
    )
    few = [point for point in found.points if point.moved <= most]
    best = min(few, key=lambda point: point.key, default=None)
    first_s, first = found.phases_s["repair"], found.points[0].margin_mills
    cold_reached_s = course.seconds_to(first)
    return {
        "case": case.name,
        "cold_moves": cold_moves,
        "cold_unmet_gpus": cold.score.unmet_firm_gpus,
        "cold_usd_per_h": cold.score.margin_mills / 1000,
        "moves": None if best is None else best.moved,
        "stopped": None if best is None else best.stopped,
        "unmet_gpus": None if best is None else best.verdict.unmet_firm_gpus,
        "usd_per_h": None if best is None else best.margin_mills / 1000,
        "share": None if best is None else best.margin_mills / cold.score.margin_mills,
        "forced_units": sum(found.forced.values()),
        "first_s": first_s,
        "first_usd_per_h": first / 1000,
        "cold_reached_first_s": cold_reached_s,
        "speed": (cold_s if cold_reached_s is None else cold_reached_s) / first_s,
        "waves": len(found.waves.waves),
        "paused": list(found.waves.paused),
        "waves_s": found.phases_s["waves"],
        "safe": is_safe(found),
    }


def is_safe(found: Replanned) -> bool:
    """Whether the check finds nothing worse than before in any state on the way, or at its end."""
    point = found.chosen
    final, state = point.verdict, found.running
    if worse(found.before, final):
        return False
    for wave in found.waves.waves:
        allowed = Allowed.by(check(point.problem, state), final)
        both = doubled(point.problem, state, wave.moves)
        jobs = dict.fromkeys(move.job for move in wave.moves)
        twins = {twin: job for job, twin in twin_names(point.problem, jobs).items()}
        if not allowed.limits_kept(check(*both), twins):
            return False
        state = applied(state, wave.moves)
        if not allowed.limits_kept(check(point.problem, state)):
            return False
    return not moves_between(state, point.plan)


def _failures(problem: Problem, rng: Random, count: int) -> Iterator[Case]:
    """Yield losses of one component; the kind is drawn first, so that rare kinds come as often."""
    site = problem.site
    kinds: dict[str, list[str]] = {}
    for node in site.power_nodes.values():
        if node.kind in site.failure_kinds:
            kinds.setdefault(node.kind, []).append(node.name)
    if "cdu" in site.failure_kinds:
        kinds["cdu"] = list(site.loops)
    for _ in range(count):
        name = rng.choice(kinds[rng.choice(list(kinds))])
        yield Case(f"loss of {name}", problem, (name,))


def _arrivals(problem: Problem, rng: Random, count: int) -> Iterator[Case]:
    """Yield jobs that come: like one that is there, worth 0.9 to 1.5 times as much."""
    jobs = list(problem.workload.jobs.values())
    for number in range(count):
        like = rng.choice(jobs)
        value = int(like.value_mills_per_gpu_h * rng.uniform(0.9, 1.5))
        new = replace(like, name=f"new-{number}", value_mills_per_gpu_h=value)
        workload = replace(problem.workload, jobs={**problem.workload.jobs, new.name: new})
        yield Case(f"arrival like {like.name}", replace(problem, workload=workload))


def _line(record: Record) -> str:
    return ", ".join(f"{name} {_short(record[name])}" for name in SHOWN)


def _short(value: object) -> str:
    return f"{value:,.3f}" if isinstance(value, float) else str(value)


def _summary(records: list[Record]) -> Iterator[str]:
    tests = {
        "every state on the way is safe": [record["safe"] for record in records],
        f"{MARGIN_SHARE:.0%} of the margin with {MOVES_SHARE:.0%} of the moves": [
            (record["share"] or 0.0) >= MARGIN_SHARE for record in records
        ],
        "no more unmet firm GPUs": [
            record["unmet_gpus"] is not None and record["unmet_gpus"] <= record["cold_unmet_gpus"]
            for record in records
        ],
        f"{SPEED} times as fast to the margin of the first point": [
            record["speed"] >= SPEED for record in records
        ],
    }
    for name, results in tests.items():
        yield f"{name}: {sum(results)} of {len(results)}"
