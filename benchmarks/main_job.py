"""From files to a checked plan, for every example: times, quality and memory.

Every run is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import machine
from benchmarks.main_tables import show

if TYPE_CHECKING:
    from scheduler.model import Problem

PROJECT = Path(__file__).resolve().parent.parent
SIZES = ("tiny", "colossus-tenth", "colossus")
UNPLANNED = ("colossus",)  # read and compiled only, unless --plan-all
HELP_RUNS = 5
MOST_SHARE = 100.0

Record = dict[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--sizes", default=",".join(SIZES), help=f"of {', '.join(SIZES)}")
    parser.add_argument("--seeds", default="0", help="such as 0 or 0,1 or 0-4")
    parser.add_argument("--time-limit", type=float, default=45.0, help="seconds of planning (45)")
    parser.add_argument("--workers", type=int, default=2, help="threads of the planner (2)")
    parser.add_argument("--backend", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--plan-all", action="store_true", help="plan colossus as well")
    parser.add_argument("--help-time", action="store_true", help="time `rackwatt --help` as well")
    parser.add_argument(
        "--ups", default="1", help="shares of the rating of every UPS, such as 1,0.8: scarcer power"
    )
    parser.add_argument("--json", type=Path, help="file for all records")


def run(options: argparse.Namespace) -> int:
    """Run every example with every seed, show a table, write the records."""
    sizes = options.sizes.split(",")
    missing = [size for size in sizes if not (PROJECT / "examples" / size).is_dir()]
    if missing:
        print(f"--sizes: expected folders under examples/, got {missing}", file=sys.stderr)
        return 2
    shares = shares_of(options.ups)
    if not shares:
        print(f"--ups: expected such as 1 or 1,0.8, got {options.ups}", file=sys.stderr)
        return 2
    runs = [
        run_alone(
            {
                "example": size,
                "ups": share,
                "seed": seed,
                "plan": options.plan_all or size not in UNPLANNED,
                "time_limit_s": options.time_limit,
                "workers": options.workers,
                "backend": options.backend,
            }
        )
        for size in sizes
        for share in shares
        for seed in seeds_of(options.seeds)
    ]
    from scheduler.result import versions

    document: Record = {
        "benchmark": "main",
        "machine": machine(),
        "versions": versions(),
        "runs": runs,
    }
    if options.help_time:
        document |= {"help_s": help_s(), "help_runs": HELP_RUNS}
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    show(document)
    return 0 if all(is_good(each) for each in runs) else 1


def is_good(record: Record) -> bool:
    """Whether a run ended, and with a plan inside every limit and bound if it was to plan."""
    if "error" in record or not record["plan"]:
        return "error" not in record
    return record["checked"] is True and record["it_mw"] <= record["drawable_mw"]


def run_alone(case: Record) -> Record:
    """Measure one case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.main_job", json.dumps(case)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        return {**case, "error": f"exit {done.returncode}: {lines[-1]}"}
    record: Record = json.loads(done.stdout.splitlines()[-1])
    return record


def measure(case: Record) -> Record:
    """Read, compile and, if asked, plan and check one example in this process."""
    from scheduler.check import check
    from scheduler.compile import compile_problem
    from scheduler.inputs import read_problem
    from scheduler.result import peak_rss_mib, result_record
    from scheduler.solve import solve
    from scheduler.topology import Topology

    folder = PROJECT / "examples" / case["example"]
    clock = _Clock()
    problem = read_problem(folder / "site.yaml", folder / "workload.yaml")
    problem = with_ups(problem, case.get("ups", 1.0))
    read_s = clock.lap_s()
    compile_problem(problem, Topology(problem.site))
    record = {**case, "read_s": read_s, "compile_s": clock.lap_s()}
    if case["plan"]:
        solution = solve(
            problem,
            seed=case["seed"],
            time_limit_s=case["time_limit_s"],
            workers=case["workers"],
            backend=case["backend"],
        )
        plan_s = clock.lap_s()
        verdict = check(problem, solution.plan)
        check_s = clock.lap_s()
        result: Record = result_record(solution, plan_s)
        record |= {
            "plan_s": plan_s,
            "check_s": check_s,
            "status": result["status"],
            "gap": result["gap"],
            "checked": verdict.checked,
            "violation": verdict.violation,
            "unmet_firm_gpus": verdict.unmet_firm_gpus,
            "margin_usd_per_h": verdict.margin_mills / 1000,
            "placed_gpus": result["placed_gpus"],
            "requested_gpus": result["requested_gpus"],
            "stranded": stranded_share(result),
            "racks_full": stranded_share(result, "racks_full"),
            "it_mw": result["power"]["it_mw"],
            "drawable_mw": result["power"]["drawable_mw"],
            "undrawn": undrawn_share(result),
        }
    return {**record, "peak_rss_mib": round(peak_rss_mib(), 1)}


def with_ups(problem: Problem, share: float) -> Problem:
    """Return the problem with every UPS at a share of its rating, rounded down."""
    nodes = {
        name: replace(node, rating_w=int(node.rating_w * share)) if node.kind == "ups" else node
        for name, node in problem.site.power_nodes.items()
    }
    return replace(problem, site=replace(problem.site, power_nodes=nodes))


def stranded_share(result: Record, cause: str | None = None) -> float:
    """Return how much of the power that failover rules allow is stranded, of one cause or of all.

    ``stranded / (drawn + firm headroom)``, each as in ``result.json``.
    """
    power = result["power"]
    allowed_mw = power["it_mw"] + power["firm_headroom_mw"]
    stranded_mw = result["stranded_by_cause_mw"][cause] if cause else result["stranded_mw"]
    return float(stranded_mw / allowed_mw) if allowed_mw > 0 else 0.0


def undrawn_share(result: Record) -> float:
    """Return how much a plan leaves of the power that any plan can draw: ``1 - drawn / drawable``.

    Drawable is what failover rules and all other limits, racks and the work that is asked for
    allow at all; a proven bound.
    """
    power = result["power"]
    return 1.0 - float(power["it_mw"] / power["drawable_mw"]) if power["drawable_mw"] > 0 else 0.0


def help_s() -> float:
    """Return the median time of `rackwatt --help`, seconds."""
    command = [str(Path(sys.executable).parent / "rackwatt"), "--help"]
    times = []
    for _ in range(HELP_RUNS):
        clock = _Clock()
        subprocess.run(command, check=True, capture_output=True)
        times.append(clock.lap_s())
    return statistics.median(times)


def seeds_of(text: str) -> list[int]:
    """Read seeds: ``0,2-4 -> [0, 2, 3, 4]``."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def shares_of(text: str) -> list[float]:
    """Read shares above zero: ``1,0.8``. An empty list if they are none."""
    try:
        shares = [float(share) for share in text.split(",")]
    except ValueError:
        return []
    return shares if all(0 < share <= MOST_SHARE for share in shares) else []


class _Clock:
    """Seconds since the last lap."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    def lap_s(self) -> float:
        """Return the seconds since the last call and start again."""
        now = time.perf_counter()
        lap, self._started = now - self._started, now
        return round(lap, 3)


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
