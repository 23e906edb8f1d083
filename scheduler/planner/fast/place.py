"""Placing one job where it fits best, compiled; the counterpart of `Placer.place`."""

from __future__ import annotations

from kernels.forms import NONE, UNLIMITED
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.desk import Desk
from scheduler.planner.fast.fit import fit
from scheduler.planner.fast.jit import compiled
from scheduler.planner.fast.moves import add, remove

FAR = 10**6  # rank of what is not on the group's own ground
NEVER = 2**60
TRIES = 6  # zones that are tried for one job


@compiled
def place(b: Board, d: Desk, job: int, keenness: float) -> bool:
    """Place all of a job, if it fits; return whether it was placed."""
    owner = b.job[job, c.OWNER]
    has_ground = owner != NONE and keeps_any(b, owner)
    may_open = owner == NONE or worth_opening(b, owner, has_ground, keenness)
    if not has_ground and not may_open:
        return False
    want, total, best, best_rank = b.job[job, c.WANT], 0, NONE, NEVER
    count = find_racks(b, d, job, has_ground, may_open)
    for n in range(count):
        room = d.found[n, c.ROOM]
        total += room
        rank = room if d.found[n, c.OWN] else room + FAR
        if room >= want and rank < best_rank and fit(b, job, d.found[n, c.FOUND]) >= want:
            best, best_rank = d.found[n, c.FOUND], rank
    if best != NONE:
        add(b, job, best, want)
        return True
    return bool(total >= want > 1) and spread_out(b, d, job, count)


@compiled
def keeps_any(b: Board, owner: int) -> bool:
    """Whether a group keeps a domain to itself already."""
    form = b.owner[owner, c.FORM]
    return bool(b.group[b.form[form, c.FIRST_GROUP] + b.owner[owner, c.GROUP], c.SPREAD] > 0)


@compiled
def is_own(b: Board, owner: int, rack: int) -> bool:
    """Whether a rack lies in a domain that the group keeps."""
    form = b.owner[owner, c.FORM]
    domain = b.domain_of_rack[form, rack]
    cell = b.form[form, c.FIRST_CELL] + domain * b.form[form, c.GROUPS] + b.owner[owner, c.GROUP]
    return bool(domain != NONE and b.cell[cell, c.INSIDE] > 0)


@compiled
def worth_opening(b: Board, owner: int, has_ground: bool, keenness: float) -> bool:
    """Whether what a group still has to place is worth a further domain to itself.

    ``sum of the worthiest that fill it >= keenness * price * slots of a domain``, once the room
    that is left on the group's own ground is filled.
    """
    filled = 0
    if has_ground:
        for n in range(b.open[-1]):
            if is_own(b, owner, b.open[n]):
                filled -= b.rack[b.open[n], c.FREE]
    slots, worth = b.owner[owner, c.DOMAIN_SLOTS], 0
    for n in range(b.member[owner], b.member[owner + 1]):
        job = b.member[n]
        if b.job[job, c.TOTAL] == 0:
            before = max(filled, 0)
            filled += b.job[job, c.SLOTS]
            if filled > 0:
                worth += (min(filled, slots) - before) * b.job[job, c.DENSITY]
            if filled >= slots:
                break
    return bool(worth >= keenness * b.tally[c.SLOT_PRICE] * slots)


@compiled
def find_racks(b: Board, d: Desk, job: int, has_ground: bool, may_open: bool) -> int:
    """List racks with slots for a unit of the job; return how many."""
    count = 0
    for n in range(b.open[-1]):
        count = consider(b, d, job, b.open[n], has_ground, may_open, count)
    rack = b.ragged[b.job[job, c.PACKING]]
    while rack != NONE:
        if b.rack[rack, c.OPEN_AT] == NONE:
            count = consider(b, d, job, rack, has_ground, may_open, count)
        rack = b.bins[b.job[job, c.PACKING], rack, c.NEXT_RAGGED]
    return count


@compiled
def consider(
    b: Board, d: Desk, job: int, rack: int, has_ground: bool, may_open: bool, count: int
) -> int:
    """List a rack if it has slots for a unit of the job, and nobody keeps it from the job."""
    keeper = b.rack[rack, c.KEEPER]
    if keeper != NONE and keeper != b.job[job, c.OWNER]:
        group = b.group_of_job[b.owner[keeper, c.FORM], job]
        if group != NONE and group != b.owner[keeper, c.GROUP]:
            return count
    slots, bin_size = b.rack[rack, c.FREE], b.rack[rack, c.BIN_SIZE]
    over = b.bins[b.job[job, c.PACKING], rack, c.USED] % bin_size
    if over:
        slots += bin_size - over
    size = b.size[job, b.rack[rack, c.SIZE_KIND]]
    if slots < size or b.cost[job, b.rack[rack, c.COST_KIND]] == UNLIMITED:
        return count
    own = not has_ground or is_own(b, b.job[job, c.OWNER], rack)
    if not own and not may_open:
        return count
    d.found[count, c.FOUND] = rack
    d.found[count, c.ROOM] = slots // size
    d.found[count, c.OWN] = own
    return count + 1


@compiled
def spread_out(b: Board, d: Desk, job: int, count: int) -> bool:
    """Place a job over several racks, in the zone that it fills best."""
    zones = b.zone[b.job[job, c.ZONES]]
    for label in range(zones[-1]):
        d.zone[label, c.ROOM] = d.zone[label, c.OWN] = 0
    for n in range(count):
        room = min(d.found[n, c.ROOM], fit(b, job, d.found[n, c.FOUND]))
        label = zones[d.found[n, c.FOUND]]
        d.found[n, c.ROOM] = room
        d.zone[label, c.ROOM] += room
        if room and d.found[n, c.OWN]:
            d.zone[label, c.OWN] = 1
    for _ in range(TRIES):
        best, best_rank, want = NONE, NEVER, b.job[job, c.WANT]
        for label in range(zones[-1]):
            rank = d.zone[label, c.ROOM] - want + (1 - d.zone[label, c.OWN]) * FAR
            if d.zone[label, c.ROOM] >= want and rank < best_rank:
                best, best_rank = label, rank
        if best == NONE:
            return False
        if fill_zone(b, d, job, count, best):
            return True
        d.zone[best, c.ROOM] = 0
    return False


@compiled
def fill_zone(b: Board, d: Desk, job: int, count: int, label: int) -> bool:
    """Fill blocks: those that take all that is left, the fullest first, else the roomiest."""
    zones, blocks = b.zone[b.job[job, c.ZONES]], len(d.block)
    for block in range(blocks):
        d.block[block, c.ROOM] = d.block[block, c.OWN] = 0
    for n in range(count):
        if zones[d.found[n, c.FOUND]] == label and d.found[n, c.ROOM]:
            block = b.rack[d.found[n, c.FOUND], c.BLOCK]
            d.block[block, c.ROOM] += d.found[n, c.ROOM]
            d.block[block, c.OWN] = max(d.block[block, c.OWN], d.found[n, c.OWN])
    left = b.job[job, c.WANT]
    while left > 0:
        best, best_rank = NONE, NEVER
        for block in range(blocks):
            room = d.block[block, c.ROOM]
            rank = room - left if room >= left else FAR - room
            rank += (1 - d.block[block, c.OWN]) * 4 * FAR
            if room > 0 and rank < best_rank:
                best, best_rank = block, rank
        if best == NONE:
            remove(b, job)
            return False
        d.block[best, c.ROOM] = 0
        left = fill_block(b, d, job, count, label, best, left)
    return True


@compiled
def fill_block(b: Board, d: Desk, job: int, count: int, label: int, block: int, left: int) -> int:
    """Fill racks of a block, the roomy ones first, the last by best fit; return what is left."""
    zones = b.zone[b.job[job, c.ZONES]]
    while left > 0:
        best, best_rank = NONE, NEVER
        for n in range(count):
            room, rack = d.found[n, c.ROOM], d.found[n, c.FOUND]
            if room > 0 and b.rack[rack, c.BLOCK] == block and zones[rack] == label:
                rank = room - left if room >= left else FAR - room
                if rank < best_rank:
                    best, best_rank = n, rank
        if best == NONE:
            return left
        d.found[best, c.ROOM] = 0
        units = min(fit(b, job, d.found[best, c.FOUND]), left)
        if units > 0:
            add(b, job, d.found[best, c.FOUND], units)
            left -= units
    return left
