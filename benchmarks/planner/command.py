"""The command: run all cases, judge them, and write table, records and picture."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.baselines import BASELINES
from benchmarks.machine import machine
from benchmarks.planner.alone import run_alone
from benchmarks.planner.cases import Record, cases_of
from benchmarks.planner.picture import draw
from benchmarks.planner.tables import markdown, show
from benchmarks.planner.targets import missed
from benchmarks.planner.verdicts import faults, judged, run_name
from scheduler.result import versions


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--sizes", default="S,M,L,XL", help="of XS to XXL, and colossus")
    parser.add_argument("--seeds", default="0-4", help="such as 0 or 0,1 or 0-4 (0-4)")
    parser.add_argument("--time-limit", type=float, help="seconds a run; each size has its own")
    parser.add_argument("--workers", type=int, default=2, help="threads of every solver (2)")
    parser.add_argument(
        "--baselines", default="all", help=f"all, none or some of {', '.join(BASELINES)}"
    )
    parser.add_argument(
        "--axis",
        action="append",
        default=[],
        metavar="NAME=VALUE,...",
        help="severity: load, power, isolated, pinned or skew; every combination is run",
    )
    parser.add_argument("--targets", action="store_true", help="a target that is missed: exit 1")
    parser.add_argument("--json", type=Path, help="file for all records, curves included")
    parser.add_argument("--plot", type=Path, help="HTML file with a picture (extra bench)")
    parser.add_argument(
        "--markdown", type=Path, metavar="JSON", help="print a --json file's table, run nothing"
    )


def run(options: argparse.Namespace) -> int:
    """Run every case; 0 if every plan is checked and no plan beats a bound."""
    if options.markdown:
        print(markdown(json.loads(options.markdown.read_text(encoding="utf-8"))))
        return 0
    try:
        cases = cases_of(options)
    except ValueError as mistake:
        print(mistake, file=sys.stderr)
        return 2
    document: Record = {
        "benchmark": "planner",
        "machine": machine(),
        "versions": versions(),
        "records": [],
    }
    for case in cases:
        done = run_alone(case)
        document["records"] = judged([*document["records"], done])
        print(_line_of(done), file=sys.stderr, flush=True)
        if options.json:  # after each run: a long benchmark may be stopped
            options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    show(document)
    if options.plot:
        print(draw(document, options.plot))
    wrong, short = faults(document["records"]), missed(document["records"])
    for line in wrong:
        print(f"WRONG {line}")
    for line in short:
        print(f"target missed: {line}")
    return 1 if wrong or (options.targets and short) else 0


def _line_of(record: Record) -> str:
    if "error" in record:
        return f"{run_name(record)}: {record['error']}"
    return (
        f"{run_name(record)}: {record['status']}, {record['margin_usd_per_h']:,.0f} $/h in "
        f"{record['wall_s']:.1f} s, {record['peak_rss_mib']:,.0f} MiB"
    )
