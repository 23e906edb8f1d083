"""Putting units on a board and taking them off, compiled; whoever places asks `fit` before."""

from __future__ import annotations

from kernels.forms import NONE, Ints
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.jit import compiled, inlined


@inlined
def add(b: Board, job: int, rack: int, units: int) -> None:
    """Place units of a job on a rack where it has none."""
    if b.job[job, c.WAITS_AT] != NONE:
        leave(b.waiting, b.job, c.WAITS_AT, job)
    shift(b, job, rack, units)
    b.spare[-1] -= 1
    shard = b.spare[b.spare[-1]]
    after = b.rack[rack, c.FIRST_ON_RACK]
    b.shard[shard, c.JOB] = job
    b.shard[shard, c.RACK] = rack
    b.shard[shard, c.UNITS] = units
    b.shard[shard, c.NEXT_OF_JOB] = b.job[job, c.FIRST_SHARD]
    b.shard[shard, c.NEXT_ON_RACK] = after
    b.shard[shard, c.BEFORE_ON_RACK] = NONE
    if after != NONE:
        b.shard[after, c.BEFORE_ON_RACK] = shard
    b.job[job, c.FIRST_SHARD] = shard
    b.rack[rack, c.FIRST_ON_RACK] = shard


@inlined
def remove(b: Board, job: int) -> None:
    """Take a job off all racks."""
    shard = b.job[job, c.FIRST_SHARD]
    if shard == NONE:
        return
    while shard != NONE:
        rack = b.shard[shard, c.RACK]
        shift(b, job, rack, -b.shard[shard, c.UNITS])
        before, after = b.shard[shard, c.BEFORE_ON_RACK], b.shard[shard, c.NEXT_ON_RACK]
        if before == NONE:
            b.rack[rack, c.FIRST_ON_RACK] = after
        else:
            b.shard[before, c.NEXT_ON_RACK] = after
        if after != NONE:
            b.shard[after, c.BEFORE_ON_RACK] = before
        b.spare[b.spare[-1]] = shard
        b.spare[-1] += 1
        shard = b.shard[shard, c.NEXT_OF_JOB]
    b.job[job, c.FIRST_SHARD] = NONE
    if b.job[job, c.MOVABLE]:
        enter(b.waiting, b.job, c.WAITS_AT, job)


@inlined
def shift(b: Board, job: int, rack: int, units: int) -> None:
    """Keep every limit and the profit while units come or, if negative, go."""
    fill_bins(b, b.job[job, c.PACKING], rack, units * b.size[job, b.rack[rack, c.SIZE_KIND]])
    before, most = b.job[job, c.TOTAL], b.job[job, c.COUNTED]
    b.job[job, c.TOTAL] = before + units
    b.tally[c.PROFIT] += b.job[job, c.VALUE] * (min(before + units, most) - min(before, most))
    b.tally[c.PROFIT] -= units * b.cost[job, b.rack[rack, c.COST_KIND]]
    for entry in range(b.rack[rack, c.LIMITS], b.rack[rack + 1, c.LIMITS]):
        need = b.limit[entry, c.WEIGHT] * b.demand[job, b.limit[entry, c.DEMAND]]
        b.slack[b.limit[entry, c.ROW]] -= need * units
    racks = len(b.rack) - 1
    for n in range(len(b.count_of_job)):
        cell = b.count_of_job[n, job]
        if cell != NONE:
            for k in range(b.count_domain[n * racks + rack], b.count_domain[n * racks + rack + 1]):
                b.count_left[cell + b.count_domain[k]] -= units
    for p in range(len(b.form)):
        group, domain = b.group_of_job[job, p], b.domain_of_rack[rack, p]
        if group != NONE and domain != NONE:
            be_there(b, p, group, domain, units)


@inlined
def fill_bins(b: Board, group: int, rack: int, slots: int) -> None:
    """Take slots of a packing group's bins, or give them back."""
    if group == NONE:
        return
    before = b.bins[group, rack, c.LEFT]
    after = (before - slots) % b.rack[rack, c.BIN_SIZE]
    b.bins[group, rack, c.LEFT] = after
    was_ragged, is_ragged = before != 0, after != 0
    if is_ragged and not was_ragged:
        first = b.ragged[group]
        b.bins[group, rack, c.NEXT_RAGGED] = first
        b.bins[group, rack, c.BEFORE_RAGGED] = NONE
        if first != NONE:
            b.bins[group, first, c.BEFORE_RAGGED] = rack
        b.ragged[group] = rack
    elif was_ragged and not is_ragged:
        ahead, behind = b.bins[group, rack, c.BEFORE_RAGGED], b.bins[group, rack, c.NEXT_RAGGED]
        if ahead == NONE:
            b.ragged[group] = behind
        else:
            b.bins[group, ahead, c.NEXT_RAGGED] = behind
        if behind != NONE:
            b.bins[group, behind, c.BEFORE_RAGGED] = ahead
    b.rack[rack, c.FREE] -= slots + after - before
    if b.rack[rack, c.FREE] > 0 and b.rack[rack, c.OPEN_AT] == NONE:
        enter(b.open[b.rack[rack, c.KEEPER]], b.rack, c.OPEN_AT, rack)
    elif b.rack[rack, c.FREE] <= 0 and b.rack[rack, c.OPEN_AT] != NONE:
        leave(b.open[b.rack[rack, c.KEEPER]], b.rack, c.OPEN_AT, rack)


@inlined
def be_there(b: Board, p: int, group: int, domain: int, units: int) -> None:
    """Keep who is in a domain, and whom that keeps out."""
    cell = b.form[p, c.FIRST_CELL] + domain * b.form[p, c.GROUPS] + group
    before = b.cell[cell, c.INSIDE]
    b.cell[cell, c.INSIDE] = before + units
    if before and before + units:
        return
    change = 1 if before == 0 else -1
    number = b.form[p, c.FIRST_GROUP] + group
    beyond = b.group[number, c.SPREAD] - b.group[number, c.FREE_DOMAINS]
    b.group[number, c.SPREAD] += change
    b.tally[c.PROFIT] -= b.group[number, c.PRICE] * (max(0, beyond + change) - max(0, beyond))
    place = b.form[p, c.FIRST_DOMAIN] + domain
    b.company[place, c.ALL] += change
    b.company[place, c.LONERS] += change * b.group[number, c.IS_LONER]
    for k in range(b.foe[number], b.foe[number + 1]):
        foe = b.form[p, c.FIRST_CELL] + domain * b.form[p, c.GROUPS] + b.foe[k]
        b.cell[foe, c.FOES] += change
    owner = b.group[number, c.IS_OWNER]
    if owner != NONE:
        for k in range(b.domain[place], b.domain[place + 1]):
            keep(b, b.domain[k], owner if change > 0 else NONE)


@inlined
def keep(b: Board, rack: int, keeper: int) -> None:
    """Note who keeps a rack from others, NONE: nobody does."""
    if b.rack[rack, c.OPEN_AT] == NONE:
        b.rack[rack, c.KEEPER] = keeper
        return
    leave(b.open[b.rack[rack, c.KEEPER]], b.rack, c.OPEN_AT, rack)
    b.rack[rack, c.KEEPER] = keeper
    enter(b.open[keeper], b.rack, c.OPEN_AT, rack)


@inlined
def enter(members: Ints, table: Ints, column: int, one: int) -> None:
    """Put one into a set; a column of `table` says at which place of it each is."""
    count = members[-1]
    members[count] = one
    table[one, column] = count
    members[-1] = count + 1


@inlined
def leave(members: Ints, table: Ints, column: int, one: int) -> None:
    """Take one out of a set; the last takes its place."""
    last = members[-1] - 1
    moved, here = members[last], table[one, column]
    members[here] = moved
    table[moved, column] = here
    table[one, column] = NONE
    members[-1] = last


@compiled
def put(b: Board, plan: Ints, first: int, last: int) -> None:
    """Place shards of a (3, N) list of jobs, racks and units."""
    for n in range(first, last):
        add(b, plan[0, n], plan[1, n], plan[2, n])
