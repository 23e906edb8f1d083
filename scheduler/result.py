"""The record of a plan: what ``result.json`` holds."""

from __future__ import annotations

import platform
import resource
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from scheduler import __version__
from scheduler.drawable import drawable_w
from scheduler.firm_headroom import POWER, firm_headroom_w, headroom_by_group
from scheduler.gap_words import gap_records
from scheduler.gpu_counts import gpu_counts
from scheduler.it_power import fleet_w, planned_w
from scheduler.model import Finding, Kind, Plan, Problem, Rack, slots_per_unit
from scheduler.stranded import FirmPower, firm_power
from scheduler.words import tightness
from scheduler.worth import scarce_of

if TYPE_CHECKING:
    from scheduler.solve import Solution

Record = dict[str, object]

LOOPS = ("cooling_loops",)
RETURNS = ("return_temperature",)
INLETS = ("inlet_temperature",)
LEAST_DRAWABLE_S = 1.0  # for the linear program of drawable power
PACKAGES = ("numpy", "ortools")


def result_record(
    solution: Solution,
    wall_s: float,
    conflict: Record | None = None,
    problem_digest: str = "",
    *,
    in_full: bool = True,
) -> Record:
    """Return the record of `solution`, found in `wall_s` seconds, reading included.

    `conflict` says why firm contracts are not met, if that was looked for. `problem_digest` tells
    the problem from others: what was proven for one holds for no other. Stranded and drawable power
    take seconds on a large site; they are None if the record is not asked for `in_full`.
    """
    problem, plan, score = solution.problem, solution.plan, solution.score
    placed_gpus, requested_gpus = gpus_of(problem, plan)
    headroom_w, firm = _firm_power(solution, in_full=in_full)
    drawable = _drawable_w(solution) if in_full else None
    return {
        "status": solution.status,
        "violation": score.violation,
        "unmet_firm_gpus": score.unmet_firm_gpus,
        "conflict": conflict,
        "margin_usd_per_h": score.margin_mills / 1000,
        "bound_usd_per_h": None if solution.bound_mills is None else solution.bound_mills / 1000,
        "gap": solution.gap,
        "bound_by": solution.bound_by or None,
        "prices": [scarce.record() for scarce in scarce_of(solution.problem, solution.prices)],
        "gap_parts": gap_records(solution.problem, solution.gap_parts),
        "course": [
            [round(elapsed_s, 3), margin / 1000, None if bound is None else bound / 1000]
            for elapsed_s, margin, bound in solution.course
        ],
        "placed_gpus": placed_gpus,
        "requested_gpus": requested_gpus,
        "gpus_by_type": {each.gpu_type: each.record() for each in gpu_counts(problem, plan)},
        "power": _power_record(problem, plan, solution.verdict.findings, headroom_w, drawable),
        "cooling": {
            "worst_headroom": headroom(tightest(solution.verdict.findings, LOOPS)),
            "worst_return": headroom(tightest(solution.verdict.findings, RETURNS)),
            "worst_inlet": headroom(tightest(solution.verdict.findings, INLETS)),
        },
        "stranded_mw": None if firm is None else firm.stranded_w / 1e6,
        "stranded_by_cause_mw": None if firm is None else _megawatts(firm.stranded_by_cause_w),
        "isolation_cost_usd_per_h": isolation_cost_mills(problem, plan, score.margin_mills) / 1000,
        "by_term": {
            term: {
                "violation": each.violation,
                "margin_usd_per_h": each.margin_mills / 1000,
            }
            for term, each in score.by_term.items()
        },
        "checked": solution.verdict.checked,
        "seed": solution.seed,
        "backend": solution.backend,
        "engine": solution.engine,
        "workers": solution.workers,
        "problem_digest": problem_digest,
        "versions": versions(),
        "wall_s": round(wall_s, 3),
        "phases_s": {phase: round(seconds, 3) for phase, seconds in solution.phases_s.items()},
        "peak_rss_mib": round(peak_rss_mib(), 1),
    }


def gpus_of(problem: Problem, plan: Plan) -> tuple[int, int]:
    """Return GPUs that are placed and GPUs that are asked for.

    Jobs inside a contract run on GPUs that the contract asks for already; spares are left out.
    """
    placed = asked = 0
    for job in problem.jobs.values():
        if not problem.is_inside_contract(job):
            asked += job.gpus
            placed += min(job.gpus, plan.placed_units(job.name) * job.gpus_per_unit)
    return placed, asked


def tightest(findings: Iterable[Finding], terms: tuple[str, ...]) -> Finding | None:
    """Return the limit of `terms` with the smallest share left."""
    limits = (f for f in findings if f.term in terms and f.kind is Kind.LIMIT)
    return min(limits, key=tightness, default=None)


def headroom(finding: Finding | None) -> Record | None:
    """Return what is left below a limit, with its state and node."""
    if finding is None:
        return None
    return {
        "node": finding.subject,
        "state": finding.state,
        "amount": finding.amount,
        "limit": finding.limit,
        "headroom": finding.limit - finding.amount,
        "unit": finding.unit,
        "share": round(tightness(finding), 6),
    }


def isolation_cost_mills(problem: Problem, plan: Plan, margin_mills: int) -> int:
    """Return what idle GPUs in domains that a tenant has alone would earn, in mills per hour.

    ``idle GPUs * margin / placed GPUs``, rounded down; 0 while nothing is earned.
    """
    placed_gpus, _ = gpus_of(problem, plan)
    if placed_gpus == 0 or margin_mills <= 0:
        return 0
    return idle_isolated_gpus(problem, plan) * margin_mills // placed_gpus


def idle_isolated_gpus(problem: Problem, plan: Plan) -> int:
    """Return GPUs that nobody uses on racks of domains that one tenant has to itself."""
    site, ladder = problem.site, problem.site.isolation_ladder
    owned: set[tuple[str, str]] = set()
    taken: dict[str, int] = {}
    for name, rack_name, units in plan.shards():
        job, rack = problem.jobs[name], site.racks[rack_name]
        for kind in ladder.get(problem.tenant_of(job).isolation, ()):
            domain = site.domain_of(rack, kind)
            if domain is not None:
                owned.add((kind, domain))
        if not problem.is_inside_contract(job):
            slots = units * slots_per_unit(job, site.type_of(rack))
            taken[rack_name] = taken.get(rack_name, 0) + slots
    kinds = {kind for kind, _ in owned}

    def idle(rack: Rack) -> int:
        if not any((kind, site.domain_of(rack, kind)) in owned for kind in kinds):
            return 0
        return max(0, site.usable_gpus(rack) - taken.get(rack.name, 0))

    return sum(idle(rack) for rack in site.racks.values())


def versions() -> dict[str, str]:
    """Return the versions of everything that a plan depends on."""
    found = {"rackwatt": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def peak_rss_mib() -> float:
    """Return the most memory that this process has held, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _firm_power(solution: Solution, *, in_full: bool) -> tuple[int, FirmPower | None]:
    """Return the firm headroom, and who could use it if that is asked for."""
    about = (solution.problem, solution.plan, solution.topology, solution.verdict.findings)
    if in_full:
        firm = firm_power(*about)
        return firm.headroom_w, firm
    return firm_headroom_w(*about, headroom_by_group(*about)), None


def _drawable_w(solution: Solution) -> int:
    """Return what no plan draws more than; the check's own time is enough for that, or a second."""
    limit_s = max(LEAST_DRAWABLE_S, solution.phases_s.get("check", 0.0))
    about = (solution.problem, solution.plan, solution.compiled, solution.topology)
    return drawable_w(*about, time_limit_s=limit_s)


def _megawatts(watts: Mapping[str, int]) -> dict[str, float]:
    return {name: amount / 1e6 for name, amount in watts.items()}


def _power_record(
    problem: Problem,
    plan: Plan,
    findings: tuple[Finding, ...],
    firm_headroom_w: int,
    drawable: int | None,
) -> Record:
    return {
        "basis": problem.site.power_basis,
        "it_mw": planned_w(problem, plan, problem.peak_w) / 1e6,
        "nameplate_mw": fleet_w(problem, lambda rack_type: rack_type.nameplate_w) / 1e6,
        "observed_peak_mw": fleet_w(problem, lambda rack_type: rack_type.observed_peak_w) / 1e6,
        "firm_headroom_mw": firm_headroom_w / 1e6,
        "drawable_mw": None if drawable is None else drawable / 1e6,
        "worst_headroom": headroom(tightest(findings, POWER)),
    }
