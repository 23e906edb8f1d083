"""Why a job is where it is, or why it is not placed: the reasoning of ``rackwatt explain``."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from math import inf

from scheduler.changes import single_changes
from scheduler.model import Finding, Job, Kind, Plan, Problem
from scheduler.room import Domain, Room
from scheduler.trial import Bench, Trial, key, needed_units
from scheduler.words import (
    HEADROOM_UNITS,
    gpu_count,
    in_one,
    limit_line,
    load_of_limit,
    money,
    places,
    quantity,
    some,
    state_words,
    tightness,
)

BLOCKERS = 5  # broken limits that are told one by one
TRIED = 10  # places of one job that are checked, less on a larger site
FEW_DOMAINS = 6  # domains whose holders are told one by one
NAMED = 3  # holders that are named
MOST_LOOKS = 10  # unplaced jobs that a list of reasons checks
RACKS_LOOKED_AT = 3_000  # and racks that these checks look at together
NODES_ARE_FREE = "nodes are free"
NOT_LOOKED_AT = "not looked into in the time that was left: `rackwatt explain` does"
CHECKS_A_LOOK = 4  # checks that one such look takes, at most
HOLDERS = 3  # tightest limits of a placed job
ROOM_TERMS = ("units", "rack_capacity", "isolation", "conflicts")  # told as room, not as limits


@dataclass(frozen=True)
class Reasons:
    """What there is to say about one job, most important first."""

    job: str
    asked_units: int
    placed_units: int
    asked_gpus: int
    placed_gpus: int
    where: str  # halls, arrays and racks; empty if not placed
    lines: tuple[str, ...]
    is_kept_out: bool = False  # whether a limit or missing room keeps it out
    changes: tuple[str, ...] = ()  # single changes that would let it in, the smallest first

    @property
    def dominant(self) -> str:
        """The first reason."""
        return self.lines[0] if self.lines else ""


def why(problem: Problem, plan: Plan, name: str) -> Reasons:
    """Explain job `name` with every rule looked at. Raises KeyError for an unknown job."""
    job = problem.jobs[name]
    placed = plan.placed_units(name)
    bench = Bench.build(problem, plan, name)
    needed = needed_units(job, placed=placed)
    if placed >= needed:
        return _reasons(problem, plan, job, tuple(_what_holds(bench, plan)))
    tried = islice(bench.trials(needed), TRIED)
    best = min(tried, key=lambda t: (-t.units, t.rank), default=None)
    lines = tuple(_what_blocks(bench, best, needed))
    if best is not None and best.units >= needed and not best.broken:
        return _reasons(problem, plan, job, lines)
    changes = single_changes(bench, best, needed)
    return replace(_reasons(problem, plan, job, lines), is_kept_out=True, changes=changes)


def why_not(problem: Problem, plan: Plan, name: str, room: Room | None = None) -> Reasons:
    """Give the dominant reason why `name` is not placed in full, from room and isolation alone."""
    job = problem.jobs[name]
    room = room or Room(problem, plan)
    placed = plan.placed_units(name)
    missing = needed_units(job, placed=placed) - (placed if job.required is None else 0)
    short = _room_line(room, room.domains(job), job, max(0, missing))
    line = short or (
        f"{NODES_ARE_FREE} for {gpu_count(job.gpus_per_unit * missing)}; "
        "another limit is in the way, or it does not pay"
    )
    return _reasons(problem, plan, job, (line,))


def unplaced_reasons(
    problem: Problem, plan: Plan, time_limit_s: float = inf, check_s: float = 0.0
) -> dict[str, str]:
    """Return the dominant reason of every job that is not placed in full, largest gap first.

    Where room is not the reason, the check looks for it: for the first few jobs, fewer on a
    larger site, so that the answer takes seconds. None of it begins after `time_limit_s`; jobs
    that are left then are `NOT_LOOKED_AT`. `check_s` says how long one check takes.
    """
    end = time.monotonic() + time_limit_s
    room = Room(problem, plan)
    missing = {
        job.name: job.gpus - min(job.gpus, plan.placed_units(job.name) * job.gpus_per_unit)
        for job in problem.jobs.values()
    }
    gaps = sorted((name for name in missing if missing[name]), key=lambda name: -missing[name])
    reasons: dict[str, str] = {}
    looks = min(MOST_LOOKS, max(1, RACKS_LOOKED_AT // max(1, len(problem.site.racks))))
    for name in gaps:
        left_s = end - time.monotonic()
        if left_s <= 0:
            reasons[name] = NOT_LOOKED_AT
            continue
        reasons[name] = why_not(problem, plan, name, room).dominant
        is_affordable = left_s > CHECKS_A_LOOK * check_s
        if looks and is_affordable and reasons[name].startswith(NODES_ARE_FREE):
            looks -= 1
            reasons[name] = _checked_reason(problem, plan, name) or reasons[name]
    return reasons


def _checked_reason(problem: Problem, plan: Plan, name: str) -> str:
    """Say what the first of the best places would break."""
    bench = Bench.build(problem, plan, name)
    needed = needed_units(bench.job, placed=plan.placed_units(name))
    trials = [trial for trial in islice(bench.trials(needed), 2) if trial.units >= needed]
    best = min(trials, key=lambda trial: trial.rank, default=None)
    return next(_what_blocks(bench, best, needed), "")


def _reasons(problem: Problem, plan: Plan, job: Job, lines: tuple[str, ...]) -> Reasons:
    placed = plan.placed_units(job.name)
    asked = job.units if job.promised_units is None else job.promised_units
    return Reasons(
        job=job.name,
        asked_units=asked,
        placed_units=placed,
        asked_gpus=job.gpus,
        placed_gpus=placed * job.gpus_per_unit,
        where=places(problem.site, plan.units.get(job.name, {})),
        lines=lines,
    )


def _what_blocks(bench: Bench, best: Trial | None, needed: int) -> Iterator[str]:
    """Yield room first, then the limits that the best place would break."""
    short = _room_line(bench.room, bench.domains, bench.job, needed)
    if short:
        yield short
        could = tuple(domain for domain in bench.domains if domain.most_units >= needed)
        held = _holders_line(bench.room, could, bench.job)
        if held:
            yield held
    if best is None:
        return
    limits = _one_each(f for f in best.broken if not (short and f.term in ROOM_TERMS))
    for finding in limits[:BLOCKERS]:
        yield limit_line(finding)
    if len(limits) > BLOCKERS:
        yield f"and {len(limits) - BLOCKERS} more limits in its best place, {best.where.name}"
    if not best.broken and best.units >= needed:
        gain = best.verdict.margin_mills - bench.before.margin_mills
        racks = places(bench.problem.site, best.plan.units[bench.job.name])
        yield (
            f"no limit is in the way on {racks}; there it would change the margin by {money(gain)}"
            + ("" if gain > 0 else ", so leaving it out pays more")
        )


def _room_line(room: Room, domains: tuple[Domain, ...], job: Job, needed: int) -> str:
    """Say what is short of free nodes; empty if some domain has enough of them open."""
    gpus = job.gpus_per_unit
    one = in_one(job.required)
    if not domains:
        reasons = "; ".join(f"{count} racks: {why}" for why, count in _few(room.obstacles(job)))
        return f"no rack suits it ({reasons or 'the site has none'})"
    best = domains[0]
    if best.open_units >= needed:
        return ""
    least = "at least " if needed == job.min_units < job.units and not job.contract else ""
    needs = f"needs {least}{gpu_count(needed * gpus)}{one}"
    largest = max(domains, key=lambda domain: domain.most_units)
    if largest.most_units < needed:
        place = f"the largest one ({largest.name})" if one else "the site"
        return f"{needs}, but {place} holds {largest.most_units * gpus:,} when it is empty"
    if best.open_units == 0:
        line = f"{needs}, but none is left for it{' in any' if one else ''}"
    else:
        place = f"the best one ({best.name})" if one else "the site"
        line = f"{needs}, but {place} has {best.open_units * gpus:,} free for it"
    closed = [f"{units * gpus:,} more are free, but {who}" for who, units in _few(best.closed())]
    shut = max(domains, key=lambda domain: domain.free_units)
    if shut is not best and shut.free_units >= needed:
        keepers = ", ".join(keeper for keeper, _ in _few(shut.closed()))
        closed.append(f"{shut.name} has {shut.free_units * gpus:,} free, but {keepers}")
    return "; ".join([line, *closed])


def _holders_line(room: Room, domains: tuple[Domain, ...], job: Job) -> str:
    """Say whose work lies where the job could lie, if these are few domains."""
    if len(domains) > FEW_DOMAINS:
        return ""
    parts = []
    for domain in sorted(domains, key=lambda domain: domain.name):
        held = room.holders(spot.rack.name for spot in domain.spots)
        names = [f"{name} {slots:,}" for name, slots in held.items()]
        if names:
            place = f"{domain.name}: " if in_one(job.required) else ""
            parts.append(place + some(names, NAMED))
    return f"GPUs in use there: {'; '.join(parts)}" if parts else ""


def _one_each(findings: Iterable[Finding]) -> list[Finding]:
    """Keep the first finding about every subject of a rule."""
    return list({(f.term, f.subject): f for f in reversed(list(findings))}.values())[::-1]


def _few(counts: Mapping[str, int], most: int = 3) -> list[tuple[str, int]]:
    return list(counts.items())[:most]


def _what_holds(bench: Bench, plan: Plan) -> Iterator[str]:
    """Yield what a placed job earns, what it must keep, its other places, and what is tight."""
    job = bench.job
    racks = plan.units[job.name]
    now = bench.tried(Domain("", ()), racks)
    gain = now.verdict.margin_mills - bench.before.margin_mills
    yield f"without it the margin would be {money(abs(gain))} {'lower' if gain > 0 else 'higher'}"
    yield from _must(bench, racks)
    yield from _elsewhere(bench, now, frozenset(racks))
    yield from _tightest(bench, now)


def _must(bench: Bench, racks: Mapping[str, int]) -> Iterator[str]:
    """Yield what the job, its contract and its tenant require."""
    job, problem = bench.job, bench.problem
    if job.promised_units is not None:
        spare = (sum(racks.values()) - job.promised_units) * job.gpus_per_unit
        kind = "a firm contract" if job.firm else "a contract"
        more = f", {gpu_count(spare)} more are held for its SLA" if spare > 0 else ""
        yield f"{kind}: {gpu_count(job.gpus)} are promised{more}"
    if problem.is_inside_contract(job):
        names = " or ".join(problem.workload.contract_of_tenant[job.tenant])
        yield f"runs inside {names}, on nodes that {job.tenant} holds already"
    if in_one(job.required):
        held = {problem.site.domain_of(problem.site.racks[r], str(job.required)) for r in racks}
        names = ", ".join(sorted(filter(None, held)))
        yield f"must lie{in_one(job.required)}: {names}"
        yield from _full_domains(bench, sum(racks.values()), held)
    if job.within:
        yield f"must lie within {', '.join(job.within)}"
    tenant = problem.tenant_of(job)
    owned = problem.site.isolation_ladder.get(tenant.isolation, ())
    if owned:
        yield f"{tenant.name} has every {' and '.join(owned)} that it uses to itself"


def _full_domains(bench: Bench, units: int, held: Collection[str | None]) -> Iterator[str]:
    """Say what takes the other domains of the required level, if they are few."""
    others = [domain for domain in bench.domains if domain.name not in held]
    if not others or len(others) > FEW_DOMAINS or any(d.open_units >= units for d in others):
        return
    gpus = bench.job.gpus_per_unit
    best = others[0]
    needs = f"no other {bench.job.required} has room for {gpu_count(units * gpus)}"
    line = f"{needs}: the best one, {best.name}, has {best.open_units * gpus:,} left"
    yield "; ".join(filter(None, [line, _holders_line(bench.room, tuple(others), bench.job)]))


def _tightest(bench: Bench, now: Trial) -> Iterator[str]:
    """Yield the tightest limits that the job adds to."""
    before = {key(finding): finding.amount for finding in bench.before.findings}
    touched = [
        finding
        for finding in now.verdict.findings
        if finding.kind is Kind.LIMIT
        and finding.unit in HEADROOM_UNITS
        and finding.amount > before.get(key(finding), 0)
    ]
    for finding in _one_each(sorted(touched, key=tightness))[:HOLDERS]:
        state = state_words(finding.state)
        left = quantity(finding.limit - finding.amount, finding.unit)
        yield f"{finding.subject} is at {load_of_limit(finding)}{state}, {left} left"


def _elsewhere(bench: Bench, now: Trial, used: frozenset[str]) -> Iterator[str]:
    """Say what a move to the best other place would break or cost."""
    tried = islice(bench.trials(now.units, avoid=used), TRIED)
    trials = [trial for trial in tried if trial.units == now.units]
    if not trials:
        yield "no other place has enough free nodes for it"
        return
    best = min(trials, key=lambda trial: trial.rank)
    racks = places(bench.problem.site, best.plan.units[bench.job.name])
    if best.broken:
        more = f", and {len(best.broken) - 1} more" if len(best.broken) > 1 else ""
        yield f"moved to {racks} it would break: {limit_line(best.broken[0])}{more}"
        return
    change = best.verdict.margin_mills - now.verdict.margin_mills
    yield f"moved to {racks} it would break nothing and change the margin by {money(change)}"
