"""The kernels: scores, batches, scenarios and sweeps, right before they are timed.

Every row says how long a run took, how much it worked out a second, and how far that is from
what the machine could do at best: its floor, measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any, cast

from benchmarks import kernel_cases
from benchmarks.device_time import kernel_seconds
from benchmarks.floors import Floor, measure_cpu, measure_gpu
from benchmarks.kernel_cases import Case
from benchmarks.machine import machine
from benchmarks.synthetic import CELL, SEVERITIES, synthetic
from kernels.backend import Backend, select

Record = dict[str, Any]

# What is to be reached on the CPU at the largest size, and where the number stands.
TARGETS = (
    ("sweep of all moves, top 1", "seconds", "<=", 1.0),
    ("sweep of all moves, top 1", "ratio_to_row_by_row", ">=", 20.0),
    ("score, all terms", "seconds", "<=", 0.025),
    ("batch of 64 moves, power and thermal", "per_second", ">=", 600.0),
)
TARGET_SIZE = "16384x50000"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--backend", choices=("cpu", "cuda", "all"), default="cpu")
    parser.add_argument("--sizes", default="512x500,2048x5000,16384x50000", help="racks x jobs")
    parser.add_argument("--severity", default="normal", help=f"of {', '.join(SEVERITIES)}")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each case (5)")
    parser.add_argument("--plans", type=int, default=256, help="plans of a batch (256)")
    parser.add_argument("--moves", type=int, default=64, help="moves of a plan (64)")
    parser.add_argument("--scenarios", type=int, default=100_000, help="scenarios (100,000)")
    parser.add_argument("--cell", type=int, default=CELL, help=f"racks that share air ({CELL})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="file for all records")
    parser.add_argument("--plot", type=Path, help="HTML file with a picture (extra bench)")


def run(options: argparse.Namespace) -> int:
    """Measure every size and severity, show a table, write records and picture."""
    unknown = set(options.severity.split(",")) - set(SEVERITIES)
    try:
        sizes = [tuple(map(int, size.split("x"))) for size in options.sizes.split(",")]
    except ValueError:
        sizes = []
    if unknown or not sizes or any(len(size) != 2 or min(size) < 16 for size in sizes):
        print("--sizes, --severity: expected such as 512x500 and normal,tight", file=sys.stderr)
        return 2
    backends, lines = chosen(options.backend)
    if not backends:
        print(lines[-1], file=sys.stderr)
        return 2
    floors = {
        each.name: measure_gpu() if each.name == "cuda" else measure_cpu() for each in backends
    }
    records: list[Record] = []
    for racks, jobs in sizes:
        for severity in options.severity.split(","):
            made = synthetic(racks, jobs, seed=options.seed, severity=severity, cell=options.cell)
            found = kernel_cases.cases(
                *made,
                plans=options.plans,
                moves=options.moves,
                scenarios=options.scenarios,
                seed=options.seed,
            )
            for backend in backends:
                where = {"size": f"{racks}x{jobs}", "severity": severity, "backend": backend.name}
                for case in found:
                    loaded = backend.load(made[0] if case.problem is None else case.problem)
                    record = where | measure(
                        case, loaded, backend, floors[backend.name], options.repeats
                    )
                    records.append(compared(record, records))
                    print(line_of(records[-1]), flush=True)
    document = {
        "benchmark": "kernels",
        "machine": machine(),
        "notes": lines,
        "floors": {
            name: {
                "copied_gb_per_s": round(floor.copied_bytes_per_s / 1e9, 2),
                "additions_g_per_s": round(floor.additions_per_s / 1e9, 3),
            }
            for name, floor in floors.items()
        },
        "records": records,
    }
    show(document)
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        from benchmarks.plot import draw

        print(draw(document, options.plot))
    return 0 if all(record["right"] for record in records) else 1


def chosen(name: str) -> tuple[list[Backend], list[str]]:
    """Return the backends to measure, and a line on each that was asked for."""
    found, lines = [], []
    for each in ("cpu", "cuda") if name == "all" else (name,):
        backend, line = select("cuda" if each == "cuda" else "cpu")
        lines.append(line if backend.name == each else f"GPU: not yet run on a GPU ({line})")
        if backend.name == each:
            found.append(backend)
    return found, lines


def measure(case: Case, loaded: Any, backend: Backend, floor: Floor, repeats: int) -> Record:
    """Return whether a case is right, and its times."""
    record: Record = {"case": case.name, "right": bool(case.is_right(case.run(loaded)))}
    if not record["right"]:
        return record
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        case.run(loaded)
        times.append(time.perf_counter() - began)
    seconds = statistics.median(times)
    floor_s = floor.seconds(case.moved_bytes, case.operations)
    record |= {
        "seconds": seconds,
        "least_s": min(times),
        "most_s": max(times),
        "items": case.items,
        "item": case.item,
        "per_second": case.items / seconds,
        "moved_bytes": case.moved_bytes,
        "operations": case.operations,
        "floor_s": floor_s,
        "share_of_floor": floor_s / seconds,
    }
    if backend.name == "cuda":
        device = cast("Any", backend).device
        record["kernel_s"] = kernel_seconds(device, lambda: case.run(loaded))
    if case.naive is not None:
        record["row_by_row_s"] = case.naive()
        record["ratio_to_row_by_row"] = record["row_by_row_s"] / seconds
    return record


def compared(record: Record, earlier: list[Record]) -> Record:
    """Return a record with how many times as fast it is as NumPy was in the same run."""
    for other in earlier:
        same = all(record[key] == other[key] for key in ("size", "severity", "case"))
        if same and record["right"] and other["right"] and other["backend"] == "cpu":
            return record | {"ratio_to_cpu": other["seconds"] / record["seconds"]}
    return record


def line_of(record: Record) -> str:
    """Return a record as a line."""
    head = f"{record['size']:>11} {record['severity']:6} {record['backend']:4} {record['case']:40}"
    if not record["right"]:
        return f"{head} WRONG"
    rate = record["per_second"]
    kernels = sum(record.get("kernel_s", {}).values())
    return (
        f"{head} {record['seconds'] * 1000:9.2f} ms {rate:9.3g}/s "
        f"{record['share_of_floor'] * 100:5.1f} %"
        + (f" {kernels * 1000:.2f} ms in kernels" if kernels else "")
    )


def show(document: Record) -> None:
    """Print what the numbers are measured against, and which targets are met."""
    for name, floor in document["floors"].items():
        print(
            f"floor of {name}: {floor['copied_gb_per_s']} GB/s copied, "
            f"{floor['additions_g_per_s']} G additions/s; the last column is the share of it"
        )
    for line in document["notes"]:
        print(line)
    for record in document["records"]:
        if "ratio_to_row_by_row" in record:
            print(
                f"{record['size']} {record['severity']} {record['backend']}: sweep "
                f"{record['ratio_to_row_by_row']:,.0f} times as fast as row by row "
                f"({record['row_by_row_s']:,.0f} s, from a sample of {kernel_cases.SAMPLE})"
            )
    for case, figure, sign, target in TARGETS:
        for record in document["records"]:
            asked = (record["size"], record["severity"], record["backend"], record["case"])
            if asked == (TARGET_SIZE, "normal", "cpu", case) and figure in record:
                met = record[figure] <= target if sign == "<=" else record[figure] >= target
                print(
                    f"target {case}: {figure} {sign} {target:g}: {record[figure]:.4g}, "
                    f"{'met' if met else 'NOT met'}"
                )
