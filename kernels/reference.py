"""What every form means: one small function a form, and the score that they add up to.

This module is the definition that every backend equals bit for bit. Integers are exact here:
sums by `numpy.bincount` run in float64, which holds integers exactly below 2^53, and
`kernels.exactness` makes sure once per problem that they stay there. ``xp`` is the array module,
NumPy or CuPy; forms and shards must hold its arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.forms import (
    NONE,
    AssignmentCost,
    Compiled,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    LinearLoad,
    Packing,
    Rows,
    Shards,
)
from kernels.score import Score, TermScore

PairSums = tuple[Ints, Ints, Ints]  # first, second, sum: sorted, each pair once

UNITS = "units"  # the name under which missing and surplus units of jobs are scored


def rack_load(form: LinearLoad, shards: Shards, xp: Any = np) -> Ints:
    """Return ``sum_j demand[j, kind(r)] * x[j, r]`` of every rack, (R,)."""
    demand = form.demand[shards.job, form.kind_of_rack[shards.rack]]
    return _sum_by(shards.rack, demand * shards.units, len(form.kind_of_rack), xp)


def row_load(form: LinearLoad, shards: Shards, xp: Any = np) -> Ints:
    """Return the load of every row, base included, multiplied by the form's scale, (I,)."""
    return form.base + form.rows.dot(rack_load(form, shards, xp))


def headroom(form: LinearLoad, shards: Shards, xp: Any = np) -> Ints:
    """Return what is left below every limit in the form's unit, rounded down, (I,)."""
    return (form.limit - row_load(form, shards, xp)) // form.scale


def excess(form: LinearLoad, load: Ints, xp: Any = np) -> Ints:
    """Return ``ceil(max(0, load - limit) / scale)`` of every row, (I,)."""
    over: Ints = xp.maximum(load - form.limit, 0)
    return -(-over // form.scale)


def bin_slots(form: Packing, shards: Shards, xp: Any = np) -> PairSums:
    """Return the slots that each group takes on each rack: (racks, groups, slots)."""
    group = form.group_of_job[shards.job]
    kept = xp.flatnonzero(group != NONE)
    job, rack = shards.job[kept], shards.rack[kept]
    slots = form.size[job, form.kind_of_rack[rack]] * shards.units[kept]
    return _sum_by_pair(rack, group[kept], slots, xp)


def bins_used(form: Packing, shards: Shards, xp: Any = np) -> Ints:
    """Return the bins that are taken on every rack; groups share none, (R,)."""
    rack, _, slots = bin_slots(form, shards, xp)
    return _sum_by(rack, -(-slots // form.bin_size[rack]), len(form.bins), xp)


def group_units(form: GroupCount, shards: Shards, xp: Any = np) -> PairSums:
    """Return the units of each group in each domain: (groups, domains, units)."""
    group = form.group_of_job[shards.job]
    return _units_in_domains(form, group, shards, xp)


def survivor_units(form: GroupCount, shards: Shards, xp: Any = np) -> PairSums:
    """Return the units of each job that must survive in each domain: (jobs, domains, units)."""
    survivor = xp.where(form.survives[shards.job], shards.job, NONE)
    return _units_in_domains(form, survivor, shards, xp)


def worst_loss(compiled: Compiled, shards: Shards, xp: Any = np) -> Ints:
    """Return the most units that each job loses when any one domain fails, (J,).

    Only domains of forms under which the job must survive are looked at.
    """
    loss: Ints = xp.zeros(compiled.num_jobs, np.int64)
    for form in compiled.forms:
        if isinstance(form, GroupCount) and form.survives.any():
            job, _, units = survivor_units(form, shards, xp)
            order = xp.lexsort(xp.stack((units, job)))  # by job, then units
            job, units = job[order], units[order]
            worst = xp.flatnonzero(xp.diff(job, append=NONE))  # the last of each job: its largest
            loss[job[worst]] = xp.maximum(loss[job[worst]], units[worst])
    return loss


def totals(compiled: Compiled, shards: Shards, xp: Any = np) -> Ints:
    """Return the units of every job that are placed, (J,)."""
    return _sum_by(shards.job, shards.units, compiled.num_jobs, xp)


def counted(compiled: Compiled, shards: Shards, xp: Any = np) -> Ints:
    """Return ``clip(total - held_back - worst_loss, 0, counted_most)`` of every job, (J,)."""
    units = compiled.units
    safe = totals(compiled, shards, xp) - units.held_back - worst_loss(compiled, shards, xp)
    paid: Ints = xp.clip(safe, 0, units.counted_most)
    return paid


def wrong_totals(compiled: Compiled, shards: Shards, xp: Any = np) -> Ints:
    """Return the units of every job that are missing or too many, (J,).

    A job has a total of 0 or of ``least..most``.
    """
    total = totals(compiled, shards, xp)
    missing: Ints = xp.where(total > 0, xp.maximum(compiled.units.least - total, 0), 0)
    surplus: Ints = xp.maximum(total - compiled.units.most, 0)
    return missing + surplus


def present(form: GroupPresence, shards: Shards, xp: Any = np) -> tuple[Ints, Ints]:
    """Return where groups are present: (groups, domains), each pair once, sorted by domain."""
    group, domain = form.group_of_job[shards.job], form.domain_of_rack[shards.rack]
    kept = xp.flatnonzero((group != NONE) & (domain != NONE))
    num_groups = len(form.max_domains)
    keys = xp.unique(domain[kept].astype(np.int64) * num_groups + group[kept])
    return keys % num_groups, keys // num_groups


def forbidden_pairs(form: GroupPresence, group: Ints, domain: Ints, xp: Any = np) -> int:
    """Return how many pairs that may not share a domain are there together, over all domains.

    Groups and domains are what `present` returns.
    """
    if form.may_share is None:
        return 0
    after = xp.arange(len(group)) + 1
    one, other = _ranges(after, xp.searchsorted(domain, domain, side="right"), xp)
    return int((~form.may_share[group[one], group[other]]).sum())


def domains_used(form: GroupPresence, group: Ints, xp: Any = np) -> Ints:
    """Return over how many domains every group lies, (G,); groups are what `present` returns."""
    used: Ints = xp.bincount(group, minlength=len(form.max_domains))
    return used


def forbidden_units(form: AssignmentCost, shards: Shards) -> int:
    """Return the units that lie where their job is not allowed."""
    allowed = form.allowed[shards.job, form.kind_of_rack[shards.rack]]
    return int(shards.units[~allowed].sum())


def assignment_margin(form: AssignmentCost, shards: Shards, paid: Ints, xp: Any = np) -> int:
    """Return value of the units that count, less cost, less moves, less what is always paid."""
    cost = form.cost_mills[shards.job, form.kind_of_rack[shards.rack]] * shards.units
    stayed = units_at(shards, form.home_job, form.home_rack, len(form.kind_of_rack), xp)
    moved = form.move_mills * xp.maximum(form.home_units - stayed, 0)
    return int((form.value_mills * paid).sum() - cost.sum() - moved.sum()) - form.base_mills


def unmet_firm_gpus(form: AssignmentCost, compiled: Compiled, paid: Ints) -> int:
    """Return the GPUs of firm obligations that the counted units leave open."""
    return int((form.firm_gpus * (compiled.units.counted_most - paid)).sum())


def units_at(shards: Shards, job: Index, rack: Index, num_racks: int, xp: Any = np) -> Ints:
    """Return ``x[job, rack]`` of every asked pair."""
    keys = shards.job.astype(np.int64) * num_racks + shards.rack
    asked = job.astype(np.int64) * num_racks + rack
    found: Ints = xp.zeros(len(job), np.int64)
    if len(keys):
        at = xp.minimum(xp.searchsorted(keys, asked), len(keys) - 1)
        found = xp.where(keys[at] == asked, shards.units[at], 0)
    return found


def score(compiled: Compiled, shards: Shards, xp: Any = np) -> Score:
    """Return the score of a plan, term by term.

    Rack loads are computed once for all forms that hold the same `demand` array object.
    """
    paid = counted(compiled, shards, xp)
    loads: dict[tuple[int, int], Ints] = {}
    by_term = {UNITS: TermScore(int(wrong_totals(compiled, shards, xp).sum()))}
    unmet = 0
    for form in compiled.forms:
        violation = margin = 0
        match form:
            case LinearLoad():
                key = id(form.demand), id(form.kind_of_rack)
                if key not in loads:
                    loads[key] = rack_load(form, shards, xp)
                load = form.base + form.rows.dot(loads[key])
                violation = int(excess(form, load, xp).sum())
            case Packing():
                over = xp.maximum(bins_used(form, shards, xp) - form.bins, 0)
                violation = int(over.sum())
            case GroupCount():
                group, _, units = group_units(form, shards, xp)
                violation = int(xp.maximum(units - form.limit[group], 0).sum())
            case GroupPresence():
                group, domain = present(form, shards, xp)
                used = domains_used(form, group, xp)
                over = xp.maximum(used - form.max_domains, 0)
                violation = forbidden_pairs(form, group, domain, xp) + int(over.sum())
                priced = xp.maximum(used - form.free_domains, 0)
                margin = -int((form.price_mills * priced).sum())
            case AssignmentCost():
                violation = forbidden_units(form, shards)
                margin = assignment_margin(form, shards, paid, xp)
                unmet += unmet_firm_gpus(form, compiled, paid)
        before = by_term.get(form.term, TermScore())
        by_term[form.term] = TermScore(before.violation + violation, before.margin_mills + margin)
    return Score(
        violation=sum(each.violation for each in by_term.values()),
        unmet_firm_gpus=unmet,
        margin_mills=sum(each.margin_mills for each in by_term.values()),
        by_term=by_term,
    )


def transposed(rows: Rows, num_racks: int, xp: Any = np) -> tuple[Ints, Index, Ints]:
    """Return the entries of `rows` by rack: (start (R + 1,), row (N,), weight (N,))."""
    entries = xp.arange(len(rows.rack))
    row = xp.searchsorted(rows.start[1:], entries, side="right").astype(np.int32)
    order = xp.argsort(rows.rack, kind="stable")
    start = xp.searchsorted(rows.rack[order], xp.arange(num_racks + 1))
    return start, row[order], rows.weight[order]


def _units_in_domains(form: GroupCount, owner: Index | Ints, shards: Shards, xp: Any) -> PairSums:
    """Return the units of each owner (of a shard, `NONE`: skip) in each domain."""
    kept = xp.flatnonzero(owner != NONE)
    owner, rack, units = owner[kept], shards.rack[kept], shards.units[kept]
    num_racks = int(rack.max()) + 1 if len(rack) else 0
    start, domain, _ = transposed(form.domains, num_racks, xp)
    shard, entry = _ranges(start[rack], start[rack + 1], xp)
    return _sum_by_pair(owner[shard], domain[entry], units[shard], xp)


def _ranges(first: Ints, end: Ints, xp: Any) -> tuple[Ints, Ints]:
    """Return every (i, n) with ``first[i] <= n < end[i]``, by i, then n."""
    length = xp.maximum(end - first, 0)
    ends = xp.cumsum(length)
    position = xp.arange(int(length.sum()))
    which = xp.searchsorted(ends, position, side="right")
    return which, position - (ends - length)[which] + first[which]


def _sum_by(index: Index | Ints, values: Ints, size: int, xp: Any) -> Ints:
    """Return the sum of the values of every index, (size,)."""
    sums: Ints = xp.bincount(index, weights=values, minlength=size).astype(np.int64)
    return sums


def _sum_by_pair(first: Index | Ints, second: Index | Ints, values: Ints, xp: Any) -> PairSums:
    """Return (firsts, seconds, sum of values), each pair that occurs once, sorted."""
    size = int(second.max()) + 1 if len(second) else 1
    keys, index = xp.unique(first.astype(np.int64) * size + second, return_inverse=True)
    return keys // size, keys % size, _sum_by(index, values, len(keys), xp)
