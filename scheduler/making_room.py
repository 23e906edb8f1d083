"""Which placed jobs, or parts of elastic ones, could leave to make room for another job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scheduler.model import Job, slots_per_unit
from scheduler.model.units import ceil_div
from scheduler.room import Domain
from scheduler.trial import Bench, Trial

MOST_DOMAINS = 3  # domains in which several jobs are removed
MOST_REMOVALS = 40  # single removals whose room is looked at


@dataclass(frozen=True)
class Removal:
    """Units of a placed job that would leave."""

    job: Job
    units: Mapping[str, int]  # rack -> units that leave
    is_part: bool  # whether the rest of an elastic job stays

    @property
    def gpus(self) -> int:
        """GPUs of the job that leave."""
        return sum(self.units.values()) * self.job.gpus_per_unit

    @property
    def worth_mills(self) -> int:
        """What they earn in an hour, before energy."""
        return self.gpus * self.job.value_mills_per_gpu_h


def removals(bench: Bench, best: Trial | None, needed: int) -> Iterator[Removal]:
    """Yield single removals that may make room, the cheapest first.

    Of an elastic job no more than has to; contracts stay. If room is not what is short, only
    jobs behind the broken limits of the `best` place are looked at.
    """
    found: dict[tuple[str, int], Removal] = {}
    has_room = any(domain.open_units >= needed for domain in bench.domains)
    if has_room and best is not None and best.units >= needed and best.broken:
        behind = {name for finding in best.broken for name in finding.jobs}
        for name in behind.intersection(bench.plan.units):
            for removal in _of_job(bench, name, _watts_short(bench, best, name), None):
                found[name, removal.gpus] = removal
    else:
        for domain in bench.domains:
            racks = {spot.rack.name for spot in domain.spots}
            short = needed - domain.open_units
            for name in {name for rack in racks for name in bench.plan.by_rack.get(rack, ())}:
                for removal in _of_job(
                    bench, name, _units_short(bench, name, domain, short), racks
                ):
                    found[name, removal.gpus] = removal
    cheapest = sorted(found.values(), key=lambda each: (each.worth_mills, each.job.name))
    yield from cheapest[:MOST_REMOVALS]


def several(bench: Bench, needed: int) -> Iterator[tuple[Removal, ...]]:
    """Yield sets of jobs that together make room in one domain, the cheapest set first."""
    sets = [_cheapest_set(bench, domain, needed) for domain in bench.domains]
    good = [each for each in sets if len(each) > 1]
    good.sort(key=lambda each: sum(removal.worth_mills for removal in each))
    yield from good[:MOST_DOMAINS]


def _of_job(bench: Bench, name: str, units: int, racks: set[str] | None) -> Iterator[Removal]:
    """Yield the removal of `units` of a job, if it may shrink so far, and of all of it."""
    job = bench.problem.jobs[name]
    if not _may_leave(bench, job):
        return
    placed = bench.plan.units[name]
    there = {rack: count for rack, count in placed.items() if racks is None or rack in racks}
    if units > sum(there.values()):
        return
    if 0 < units <= sum(placed.values()) - job.min_units:
        yield Removal(job, _take(there, units), is_part=True)
    yield Removal(job, placed, is_part=False)


def _may_leave(bench: Bench, job: Job) -> bool:
    return job.contract is None and not bench.problem.is_inside_contract(job)


def _take(placed: Mapping[str, int], units: int) -> dict[str, int]:
    """Take `units` from as few racks as possible."""
    taken: dict[str, int] = {}
    for rack, count in sorted(placed.items(), key=lambda item: (-item[1], item[0])):
        if units > 0:
            taken[rack] = min(units, count)
            units -= taken[rack]
    return taken


def _units_short(bench: Bench, name: str, domain: Domain, short: int) -> int:
    """Return how many units of a job hold as many slots as `short` units of the asking one."""
    types = {spot.rack.type for spot in domain.spots}
    rack_types = [bench.problem.site.rack_types[each] for each in types]
    slots = max(short * slots_per_unit(bench.job, each) for each in rack_types)
    smallest = min(slots_per_unit(bench.problem.jobs[name], each) for each in rack_types)
    return max(1, ceil_div(slots, smallest))


def _watts_short(bench: Bench, best: Trial, name: str) -> int:
    """Return how many units of a job draw what is too much."""
    job = bench.problem.jobs[name]
    over_w = max((finding.violation for finding in best.broken if finding.unit == "W"), default=0)
    types = bench.problem.site.rack_types.values()
    unit_w = min((bench.problem.peak_w(job, each) for each in types), default=0)
    return max(1, ceil_div(over_w, unit_w)) if unit_w else 1


def _cheapest_set(bench: Bench, domain: Domain, needed: int) -> tuple[Removal, ...]:
    """Remove the jobs that earn least for what they hold, then keep those not needed after all."""
    racks = [spot.rack.name for spot in domain.spots if not spot.keeper]
    size = max((_slots(bench, rack) for rack in racks), default=1)
    short = (needed - domain.open_units) * size
    held = {
        name: slots
        for name, slots in bench.room.holders(racks).items()
        if _may_leave(bench, bench.problem.jobs[name])
    }
    if short <= 0 or sum(held.values()) < short:
        return ()
    whole = {
        name: Removal(bench.problem.jobs[name], bench.plan.units[name], is_part=False)
        for name in held
    }
    by_density = sorted(held, key=lambda name: (whole[name].worth_mills / held[name], name))
    chosen: list[str] = []
    for name in by_density:
        if sum(held[each] for each in chosen) < short:
            chosen.append(name)
    for name in sorted(chosen, key=lambda name: -whole[name].worth_mills):
        if sum(held[each] for each in chosen) - held[name] >= short:
            chosen.remove(name)
    return tuple(whole[name] for name in chosen)


def _slots(bench: Bench, rack: str) -> int:
    site = bench.problem.site
    return slots_per_unit(bench.job, site.type_of(site.racks[rack]))
