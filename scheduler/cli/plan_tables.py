"""What ``rackwatt plan`` prints: status, tenants, headroom, what did not fit, files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scheduler.cli.console import output, safe, table
from scheduler.result import INLETS, LOOPS, RETURNS, tightest
from scheduler.words import load_of_limit, money, percent, places, quantity

if TYPE_CHECKING:
    from rich.console import Console

    from scheduler.model import Job, Problem
    from scheduler.solve import Solution

MOST_REASONS = 10
HEADROOMS = (
    ("power, normal", ("power_normal",)),
    ("power, after a failure", ("power_failover",)),
    ("cooling loops", LOOPS),
    ("return temperature", RETURNS),
    ("inlet air", INLETS),
)


def print_plan(
    solution: Solution, record: Mapping[str, Any], unplaced: Mapping[str, str], folder: Path
) -> None:
    """Print the plan for people."""
    console = output()
    _headline(console, solution, record)
    _tenants(console, solution)
    _headrooms(console, solution, record)
    _unplaced(console, solution.problem, unplaced, folder)
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
        f"{money(solution.bound_mills)} possible, gap {percent(solution.gap)}"
    )
    console.print(
        f"placed {record['placed_gpus']:,} of {record['requested_gpus']:,} GPUs, "
        f"unmet firm {solution.score.unmet_firm_gpus:,} GPUs, "
        f"time {record['wall_s']:.1f} s, memory {record['peak_rss_mib']:,.0f} MiB"
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
        f"IT power {figures['it_mw']:,.3f} MW planned (basis {figures['basis']}); all racks: "
        f"{figures['nameplate_mw']:,.3f} MW nameplate, "
        f"{figures['observed_peak_mw']:,.3f} MW observed peak"
    )
    console.print(
        f"stranded firm power {record['stranded_mw']:,.3f} MW; idle GPUs inside isolated domains "
        f"would earn {record['isolation_cost_usd_per_h']:,.2f} $/h"
    )


def _unplaced(
    console: Console, problem: Problem, unplaced: Mapping[str, str], folder: Path
) -> None:
    if not unplaced:
        console.print("Everything that was asked for is placed.")
        return
    console.print(f"\nNot placed in full: {len(unplaced):,}")
    for name, reason in list(unplaced.items())[:MOST_REASONS]:
        console.print(_unplaced_line(problem.jobs[name], reason))
    more = (
        f"{len(unplaced) - MOST_REASONS:,} more: `--unplaced`; "
        if len(unplaced) > MOST_REASONS
        else ""
    )
    console.print(f"  {more}`rackwatt explain JOB {safe(str(folder))}` says more")


def _unplaced_line(job: Job, reason: str) -> str:
    """One line: what follows the first clause is for ``rackwatt explain``."""
    clause = reason.partition("; ")[0]
    return f"  {safe(job.name)} ({safe(job.tenant)}, {job.gpus:,} GPUs): {safe(clause)}"
