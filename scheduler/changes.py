"""The smallest single change that would let a job in: each is tried and checked, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from scheduler.model import Finding, Job, Plan, Problem
from scheduler.model.levels import LOCALITY_LEVELS
from scheduler.trial import Bench, Trial, key
from scheduler.words import money, power

MOST_CHANGES = 3
TRIES = 3  # smaller sizes, and jobs that could make room, that are tried
LESS_THAN = 0.999  # of an estimate from shares, so that rounding does not spoil it


def single_changes(bench: Bench, best: Trial | None, needed: int) -> tuple[str, ...]:
    """Return, in words, single changes that the check confirms, the smallest kind first.

    Tried in this order: fewer units, a looser level, without one job of lower value, another
    power action, a higher rating of one power node. At most `MOST_CHANGES` are returned.

    Parameters
    ----------
    best
        The best place of the job as it is, if it has any.
    needed
        Units without which the job does not count as placed.
    """
    ways = (_fewer_units, _looser_level, _without_one_job, _other_power_action, _higher_rating)
    confirmed = (text for way in ways for text in way(bench, best, needed))
    return tuple(islice(confirmed, MOST_CHANGES))


def _fewer_units(bench: Bench, best: Trial | None, needed: int) -> Iterator[str]:
    if best is None:
        return
    roomiest = bench.domains[0]
    open_units = roomiest.open_units
    if best.where == roomiest:
        open_units = _units_that_fit(bench, best)
    units = min(needed - 1, open_units)
    for _ in range(TRIES):
        if units <= bench.placed:
            return
        smaller = _changed(bench, units=units)
        if smaller.fitting(units):
            gpus = bench.job.gpus_per_unit
            yield f"with {units * gpus:,} GPUs instead of {needed * gpus:,} it fits"
            return
        units = units * 7 // 8


def _units_that_fit(bench: Bench, best: Trial) -> int:
    """Estimate how many units the broken limits leave room for: each grows with the units."""
    open_units = best.where.open_units
    before = {key(finding): finding.amount for finding in bench.before.findings}
    shares = [1.0]
    for finding in best.broken:
        grown = finding.amount - before.get(key(finding), 0)
        if finding.term not in ("isolation", "conflicts", "units") and grown > 0:
            shares.append(LESS_THAN * max(0, grown - finding.violation) / grown)
    return min(open_units, int(best.units * min(shares)))


def _looser_level(bench: Bench, _best: Trial | None, needed: int) -> Iterator[str]:
    required = bench.job.required
    if required is None:
        return
    for level in LOCALITY_LEVELS[LOCALITY_LEVELS.index(required) + 1 :]:
        trial = _changed(bench, required=level).fitting(needed)
        if trial:
            yield f"if it may lie in one {level} instead of one {required}, it fits"
            return


def _without_one_job(bench: Bench, best: Trial | None, needed: int) -> Iterator[str]:
    for job in _cheaper(bench, best)[:TRIES]:
        rest = {name: racks for name, racks in bench.plan.units.items() if name != job.name}
        trial = replace(bench, plan=Plan(rest)).fitting(needed)
        if trial:
            gpus = bench.plan.placed_units(job.name) * job.gpus_per_unit
            worth = gpus * job.value_mills_per_gpu_h
            yield f"without {job.name} of {job.tenant} ({gpus:,} GPUs, {money(worth)}) it fits"
            return


def _cheaper(bench: Bench, best: Trial | None) -> list[Job]:
    """Return placed jobs of lower value in its way, those that free most for least first."""
    worth = bench.job.value_mills_per_gpu_h * bench.job.gpus
    behind = {name for finding in (best.broken if best else ()) for name in finding.jobs}
    racks = {spot.rack.name for domain in bench.domains[:TRIES] for spot in domain.spots}
    there = {name for rack in racks for name in bench.plan.by_rack.get(rack, ())}
    jobs = [bench.problem.jobs[name] for name in sorted(behind | there) if name in bench.plan.units]

    def value(job: Job) -> int:
        return bench.plan.placed_units(job.name) * job.gpus_per_unit * job.value_mills_per_gpu_h

    cheaper = [job for job in jobs if job.contract is None and value(job) < worth]
    enough = [job for job in cheaper if job.gpus >= bench.job.gpus]
    return sorted(enough, key=value) + sorted(
        (job for job in cheaper if job not in enough), key=lambda job: -job.gpus
    )


def _other_power_action(bench: Bench, best: Trial | None, needed: int) -> Iterator[str]:
    if best is None or not any(f.unit == "W" and f.state != "normal" for f in best.broken):
        return
    actions = ("firm", "cap", "shed")
    for action in actions[actions.index(bench.job.power_action) + 1 :]:
        if _changed(bench, power_action=action).fitting(needed):
            verb = {"cap": "capped", "shed": "shed"}[action]
            yield f"if its power may be {verb} when a part of the site fails, it fits"
            return


def _higher_rating(bench: Bench, best: Trial | None, needed: int) -> Iterator[str]:
    """One node in the way of the best place: find the rating that suffices."""
    nodes = bench.problem.site.power_nodes
    if best is None or best.units < needed or not best.broken:
        return
    subjects = {finding.subject for finding in best.broken}
    name = subjects.pop()
    if subjects or name not in nodes or any(f.unit != "W" for f in best.broken):
        return
    more_w = _whole_kw(best.broken)
    node = replace(nodes[name], rating_w=nodes[name].rating_w + more_w)
    site = replace(bench.problem.site, power_nodes={**nodes, name: node})
    raised = replace(bench, problem=replace(bench.problem, site=site))
    trial = raised.tried(best.where, best.plan.units[bench.job.name])
    if not trial.broken:
        yield f"with {power(more_w)} more rating of {name} it fits"


def _whole_kw(broken: tuple[Finding, ...]) -> int:
    return -(-max(finding.violation for finding in broken) // 1000) * 1000


def _changed(bench: Bench, **fields: Any) -> Bench:
    """Return the bench with other fields of the job; of a reservation, with another contract."""
    workload = bench.problem.workload
    name = bench.job.name
    if bench.job.contract is None:
        if "units" in fields:
            fields["min_units"] = fields["units"]
        job = replace(workload.jobs[name], **fields)
        workload = replace(workload, jobs={**workload.jobs, name: job})
    else:
        contract = replace(workload.contracts[name], **fields)
        workload = replace(workload, contracts={**workload.contracts, name: contract})
    problem: Problem = replace(bench.problem, workload=workload)
    return Bench(problem, bench.plan, problem.jobs[name], bench.placed)
