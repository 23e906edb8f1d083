"""The smallest single change that would let a job in: each is tried and checked, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from scheduler.making_room import Removal, removals, several
from scheduler.model import Plan, Problem
from scheduler.model.levels import LOCALITY_LEVELS, Level
from scheduler.model.units import ceil_div
from scheduler.trial import Bench, Budget, Trial, key
from scheduler.words import gpu_count, in_one, limit_line, money, power, some

MOST_CHANGES = 3
TRIES = 3  # smaller sizes and removals that are checked
LEAST_PART = 4  # no more than this many times smaller: less is no answer to who asked
NAMED = 3  # removed jobs that are named
LESS_THAN = 0.999  # of an estimate from shares, so that rounding does not spoil it


def single_changes(bench: Bench, best: Trial | None, needed: int) -> tuple[str, ...]:
    """Return, in words, single changes that the check confirms, the smallest kind first.

    Tried in this order: fewer units, a looser level, another GPU type, another power action,
    anywhere instead of `within`, without one placed job or a part of it, without several, a
    higher rating of one power node. At most `MOST_CHANGES` are returned. If none is found: what
    an empty site could take.

    Parameters
    ----------
    best
        The best place of the job as it is, if it has any.
    needed
        Units without which the job does not count as placed.
    """
    ways = (
        _fewer_units,
        _looser_level,
        _other_gpu_type,
        _other_power_action,
        _beyond_within,
        _without_others,
        _higher_rating,
    )
    confirmed = (text for way in ways for text in way(bench, best, needed))
    return tuple(islice(confirmed, MOST_CHANGES)) or tuple(_on_an_empty_site(bench, needed))


def _fewer_units(bench: Bench, best: Trial | None, needed: int) -> Iterator[str]:
    if best is None:
        return
    roomiest = bench.domains[0]
    open_units = roomiest.open_units
    if best.where == roomiest:
        open_units = _units_that_fit(bench, best)
    units = min(needed - 1, open_units)
    for _ in range(TRIES):
        if units <= bench.placed or units * LEAST_PART < needed:
            return
        if changed(bench, units=units).fitting(units):
            gpus = bench.job.gpus_per_unit
            yield f"with {gpu_count(units * gpus)} instead of {needed * gpus:,} it fits"
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
    for level in _looser(bench):
        if changed(bench, required=level).fitting(needed):
            yield (
                f"if it may lie {_anywhere_in(level)} instead of{in_one(bench.job.required)}, "
                + ("it fits")
            )
            return


def _looser(bench: Bench) -> tuple[Level, ...]:
    required = bench.job.required
    return () if required is None else LOCALITY_LEVELS[LOCALITY_LEVELS.index(required) + 1 :]


def _anywhere_in(level: Level) -> str:
    return in_one(level).strip() or "anywhere on the site"


def _other_gpu_type(bench: Bench, _best: Trial | None, needed: int) -> Iterator[str]:
    allowed = bench.job.gpu_types
    types = {rack_type.gpu_type for rack_type in bench.problem.site.rack_types.values()}
    for gpu_type in sorted(types.difference(allowed)):
        if changed(bench, gpu_types=(*allowed, gpu_type)).fitting(needed):
            yield f"if it may run on {gpu_type} as well as on {' and '.join(allowed)}, it fits"
            return


def _other_power_action(bench: Bench, best: Trial | None, needed: int) -> Iterator[str]:
    if best is None or not any(f.unit == "W" and f.state != "normal" for f in best.broken):
        return
    actions = ("firm", "cap", "shed")
    for action in actions[actions.index(bench.job.power_action) + 1 :]:
        if changed(bench, power_action=action).fitting(needed):
            verb = {"cap": "capped", "shed": "shed"}[action]
            yield f"if its power may be {verb} when a part of the site fails, it fits"
            return


def _beyond_within(bench: Bench, _best: Trial | None, needed: int) -> Iterator[str]:
    within = bench.job.within
    if within and changed(bench, within=()).fitting(needed):
        yield f"if it may lie outside {', '.join(within)}, it fits"


def _without_others(bench: Bench, best: Trial | None, needed: int) -> Iterator[str]:
    """Tell of the cheapest job whose loss suffices, and of several if they cost less."""
    one = _first_that_fits(bench, ((removal,) for removal in removals(bench, best, needed)), needed)
    many = _first_that_fits(bench, several(bench, needed), needed)
    if one:
        yield _removed(bench, *one)
    if many and (not one or many[1].verdict.margin_mills > one[1].verdict.margin_mills):
        yield _removed(bench, *many)


Removals = tuple[Removal, ...]


def _first_that_fits(
    bench: Bench, ways: Iterator[Removals], needed: int
) -> tuple[Removals, Trial] | None:
    """Return the first removal after which the job fits; at most `TRIES` are checked."""
    most = bench.budget.left - TRIES
    for removed in ways:
        trial = bench.with_plan(without(bench.plan, removed)).fitting(needed)
        if trial:
            return removed, trial
        if bench.budget.left <= max(0, most):
            return None
    return None


def without(plan: Plan, removed: Removals) -> Plan:
    """Return the plan without the removed units."""
    units = {name: dict(racks) for name, racks in plan.units.items()}
    for removal in removed:
        for rack, count in removal.units.items():
            left = units[removal.job.name].pop(rack) - count
            if left:
                units[removal.job.name][rack] = left
    return Plan({name: racks for name, racks in units.items() if racks})


def _removed(bench: Bench, removed: Removals, trial: Trial) -> str:
    gpus = sum(removal.gpus for removal in removed)
    cost = trial.verdict.margin_mills - bench.margin_mills
    if len(removed) > 1:
        names = some([f"{each.job.name} of {each.job.tenant}" for each in removed], NAMED)
        what = f"without {len(removed)} jobs ({names}; {gpu_count(gpus)} in all)"
    elif removed[0].is_part:
        job = removed[0].job
        what = f"with {gpu_count(gpus)} less for {job.name} of {job.tenant}, which is elastic,"
    else:
        what = f"without {removed[0].job.name} of {removed[0].job.tenant} ({gpu_count(gpus)})"
    return f"{what} it fits; the margin would change by {money(cost)}"


def _higher_rating(bench: Bench, best: Trial | None, needed: int) -> Iterator[str]:
    """One node in the way of the best place: find the rating that suffices."""
    nodes = bench.problem.site.power_nodes
    if best is None or best.units < needed or not best.broken:
        return
    subjects = {finding.subject for finding in best.broken}
    name = subjects.pop()
    if subjects or name not in nodes or any(f.unit != "W" for f in best.broken):
        return
    more_w = ceil_div(max(finding.violation for finding in best.broken), 1000) * 1000
    node = replace(nodes[name], rating_w=nodes[name].rating_w + more_w)
    site = replace(bench.problem.site, power_nodes={**nodes, name: node})
    raised = replace(bench, problem=replace(bench.problem, site=site), base=bench)
    trial = raised.tried(best.where, best.plan.units[bench.job.name])
    if not trial.broken:
        yield f"with {power(more_w)} more rating of {name} it fits"


def _on_an_empty_site(bench: Bench, needed: int) -> Iterator[str]:
    """Say whether only other work is in the way, or what the job asks for is never there."""
    empty = Bench(bench.problem, Plan({}), bench.job, {}, Budget(3 * TRIES))
    if empty.fitting(needed):
        yield "on the empty site it fits: only other work is in its way, more than a job or two"
        return
    gpus = bench.job.gpus_per_unit
    never = "even the empty site cannot take it"
    units = _most_units(empty, needed)
    if units:
        yield f"{never}; with {gpu_count(units * gpus)} instead of {needed * gpus:,} it could"
    for level in _looser(empty):
        if changed(empty, required=level).fitting(needed):
            place = f"{_anywhere_in(level)} instead of{in_one(bench.job.required)}"
            yield f"{never}; if the job may lie {place}, it could"
            return
    first = next(replace(empty, budget=Budget(TRIES)).trials(needed), None)
    if not units and first is not None and first.broken:
        yield f"{never}: {limit_line(first.broken[0])}"


def _most_units(empty: Bench, needed: int) -> int:
    """Return nearly the most units that the empty site takes, 0 if a few tries find none."""
    units = min(needed - 1, max((each.open_units for each in empty.domains), default=0))
    for _ in range(2 * TRIES):
        if units < 1 or changed(empty, units=units).fitting(units):
            return max(0, units)
        units = units * 7 // 8
    return 0


def changed(bench: Bench, **fields: Any) -> Bench:
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
    return replace(bench, problem=problem, job=problem.jobs[name], base=bench.base or bench)
