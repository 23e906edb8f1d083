"""What ``rackwatt plan`` prints: status, tenants, headroom, what did not fit, files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scheduler.check import check
from scheduler.cli.console import output, safe, table
from scheduler.cli.worth_lines import print_worth
from scheduler.gap_words import proved_by
from scheduler.model import Plan
from scheduler.power_words import drawn_words, stranded_words
from scheduler.result import INLETS, LOOPS, RETURNS, gpus_of, tightest
from scheduler.words import limit_line, load_of_limit, money, percent, places, power, quantity

if TYPE_CHECKING:
    from rich.console import Console

    from scheduler.solve import Solution

MOST_REASONS = 10
MOST_BROKEN = 5
COUNTS = ("GPUs", "missing")
GPU_COUNTS = ("on site", "in service", "taken", "idle", "waiting")
HEADROOMS = (
    ("power, normal", ("power_normal",)),
    ("power, after a failure", ("power_failover",)),
    ("cooling loops", LOOPS),
    ("return temperature", RETURNS),
    ("inlet air", INLETS),
)


def print_plan(
    solution: Solution,
    record: Mapping[str, Any],
    unplaced: Mapping[str, str],
    folder: Path,
    conflict: Iterable[str] = (),
) -> None:
    """Print the plan for people; `conflict` says why firm contracts are not all met."""
    console = output()
    _headline(console, solution, record)
    _broken(console, solution)
    for line in conflict:
        console.print(safe(line))
    _tenants(console, solution)
    _gpu_types(console, record)
    _headrooms(console, solution, record)
    print_worth(console, record)
    _unplaced(console, solution, unplaced, folder)
    for note in solution.notes:
        console.print(f"note: {safe(note)}")
    console.print(
        f"Files in {safe(str(folder))}: plan.json, placements.csv, result.json, findings.json, "
        "site.json, workload.json"
    )


def _headline(console: Console, solution: Solution, record: Mapping[str, Any]) -> None:
    verdict = solution.verdict
    looked_at = sum(1 for finding in verdict.findings if finding.kind == "limit")
    checked = (
        f"checked: all {looked_at:,} limits hold"
        if verdict.checked
        else f"checked: {len(verdict.broken):,} of {looked_at:,} limits are broken"
    )
    console.print(f"status {solution.status}, {checked}")
    console.print(
        f"margin {money(solution.score.margin_mills)}, at most "
        f"{money(solution.bound_mills)} possible{proved_by(solution.bound_by)}, "
        f"gap {percent(solution.gap)}"
    )
    console.print(
        f"placed {record['placed_gpus']:,} of {record['requested_gpus']:,} GPUs, "
        f"unmet firm {solution.score.unmet_firm_gpus:,} GPUs, "
        f"time {record['wall_s']:.1f} s, memory {record['peak_rss_mib']:,.0f} MiB"
    )


def _broken(console: Console, solution: Solution) -> None:
    """List the first broken limits, and say if the site breaks them without any work."""
    broken = solution.verdict.broken
    if not broken:
        return
    for finding in broken[:MOST_BROKEN]:
        console.print(f"broken: {safe(limit_line(finding))}")
    if len(broken) > MOST_BROKEN:
        console.print(f"broken: {len(broken) - MOST_BROKEN:,} more limits, see findings.json")
    idle = check(solution.problem, Plan({})).broken
    if idle:
        console.print(
            f"{len(idle):,} limits are broken without any work, by idle racks and base loads alone"
        )


def _tenants(console: Console, solution: Solution) -> None:
    problem, plan = solution.problem, solution.plan
    shown = table(
        "tenant", "asked GPUs", "placed", "isolation", "where", numbers=("asked GPUs", "placed")
    )
    for tenant in problem.workload.tenants.values():
        jobs = [
            job
            for job in problem.jobs.values()
            if job.tenant == tenant.name and not problem.is_inside_contract(job)
        ]
        if not jobs:
            continue
        placed = sum(min(job.gpus, plan.placed_units(job.name) * job.gpus_per_unit) for job in jobs)
        racks = dict.fromkeys(rack for job in jobs for rack in plan.units.get(job.name, ()))
        shown.add_row(
            safe(tenant.name),
            f"{sum(job.gpus for job in jobs):,}",
            f"{placed:,}",
            str(tenant.isolation),
            safe(places(problem.site, racks)) or "-",
        )
    total, asked = gpus_of(problem, plan)
    shown.add_row("in all", f"{asked:,}", f"{total:,}", "", "")
    console.print(shown)


def _gpu_types(console: Console, record: Mapping[str, Any]) -> None:
    shown = table("GPU type", *GPU_COUNTS, numbers=GPU_COUNTS)
    for gpu_type, counts in record["gpus_by_type"].items():
        figures = (counts[name.replace(" ", "_")] for name in GPU_COUNTS)
        shown.add_row(safe(gpu_type), *(f"{figure:,}" for figure in figures))
    console.print(shown)


def _headrooms(console: Console, solution: Solution, record: Mapping[str, Any]) -> None:
    shown = table("worst headroom", "left", "load", "at", "state", numbers=("left",))
    for kind, terms in HEADROOMS:
        finding = tightest(solution.verdict.findings, terms)
        if finding is not None:
            left = quantity(finding.limit - finding.amount, finding.unit)
            shown.add_row(
                kind, left, load_of_limit(finding), safe(finding.subject), safe(finding.state)
            )
    console.print(shown)
    figures = record["power"]
    console.print(
        f"IT power {_mw(figures['it_mw'])} planned (basis {figures['basis']}), "
        f"{drawn_words(_watts(figures['it_mw']), _watts(figures['drawable_mw']))}; all racks full: "
        f"{_mw(figures['nameplate_mw'])} on the nameplate, "
        f"{_mw(figures['observed_peak_mw'])} at the observed peak"
    )
    console.print(
        f"firm power: {_mw(figures['firm_headroom_mw'])} more could be drawn in every state, "
        f"spread as now; {_stranded(record)}"
    )
    console.print(
        "idle GPUs inside isolated domains would earn "
        f"{record['isolation_cost_usd_per_h']:,.2f} $/h"
    )


def _stranded(record: Mapping[str, Any]) -> str:
    by_cause = record["stranded_by_cause_mw"]
    watts = {cause: _watts(megawatts) for cause, megawatts in by_cause.items()}
    return stranded_words(_watts(record["stranded_mw"]), watts)


def _mw(megawatts: float) -> str:
    return power(_watts(megawatts))


def _watts(megawatts: float) -> int:
    return round(megawatts * 1e6)


def _unplaced(
    console: Console, solution: Solution, unplaced: Mapping[str, str], folder: Path
) -> None:
    if not unplaced:
        console.print("Everything that was asked for is placed.")
        return
    problem = solution.problem
    missing = {name: _missing_gpus(solution, name) for name in unplaced}
    shown = table("not placed in full", "tenant", "GPUs", "missing", "why", numbers=COUNTS)
    for name in list(unplaced)[:MOST_REASONS]:
        job = problem.jobs[name]
        shown.add_row(
            safe(name),
            safe(job.tenant),
            f"{job.gpus:,}",
            f"{missing[name]:,}",
            safe(_first_clause(unplaced[name])),
        )
    rest = list(unplaced)[MOST_REASONS:]
    if rest:
        shown.add_row(
            f"{len(rest):,} more",
            "",
            f"{sum(problem.jobs[name].gpus for name in rest):,}",
            f"{sum(missing[name] for name in rest):,}",
            safe(f"rackwatt explain --unplaced {folder}"),
        )
    console.print(shown)
    console.print(
        f"What would let one in: rackwatt explain JOB {safe(str(folder))}", soft_wrap=True
    )


def _missing_gpus(solution: Solution, name: str) -> int:
    job = solution.problem.jobs[name]
    return job.gpus - min(job.gpus, solution.plan.placed_units(name) * job.gpus_per_unit)


def _first_clause(reason: str) -> str:
    """What follows the first clause is for ``rackwatt explain``."""
    return reason.partition("; ")[0]
