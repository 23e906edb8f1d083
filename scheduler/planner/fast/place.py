"""Placing one job where it fits best, compiled; the counterpart of `Placer.place`."""

from __future__ import annotations

from kernels.forms import NONE, UNLIMITED
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.desk import Desk
from scheduler.planner.fast.fit import fit
from scheduler.planner.fast.jit import inlined
from scheduler.planner.fast.moves import add, remove

FAR = 10**6  # rank of what is not on the group's own ground
NEVER = 2**60
TRIES = 6  # zones that are tried for one job


@inlined
def place(b: Board, d: Desk, job: int, keenness: float) -> bool:
    """Place all of a job, if it fits; return whether it was placed.

    A group fills what it keeps first, and opens more where that is worth its room.
    """
    owner = b.job[job, c.OWNER]
    has_ground = owner != NONE and keeps_any(b, owner)
    for opens in range(0 if has_ground else 1, 2):
        if opens and owner != NONE and not worth_opening(b, owner, has_ground, keenness):
            return False
        own = find_own(b, d, job) if has_ground else 0  # once more: a try in vain uses up the list
        count = find_others(b, d, job, own) if opens else own
        if place_on_found(b, d, job, own if opens else 0, count):
            return True
    return False


@inlined
def place_on_found(b: Board, d: Desk, job: int, first: int, count: int) -> bool:
    """Place a job on the fullest rack that takes it whole, from the first on; else on several."""
    want, best, best_room = b.job[job, c.WANT], NONE, NEVER
    for n in range(first, count):
        room = d.found[n, c.ROOM]
        if want <= room < best_room and fit(b, job, d.found[n, c.FOUND]) >= want:
            best, best_room = d.found[n, c.FOUND], room
    if best != NONE:
        add(b, job, best, want)
        return True
    if want == 1 or b.job[job, c.NARROW]:
        return False
    total = 0
    for n in range(count):
        total += d.found[n, c.ROOM]
    return total >= want and spread_out(b, d, job, count)


@inlined
def keeps_any(b: Board, owner: int) -> bool:
    """Whether a group keeps a domain to itself already."""
    form = b.owner[owner, c.FORM]
    return bool(b.group[b.form[form, c.FIRST_GROUP] + b.owner[owner, c.GROUP], c.SPREAD] > 0)


@inlined
def worth_opening(b: Board, owner: int, has_ground: bool, keenness: float) -> bool:
    """Whether what a group still has to place is worth a further domain to itself.

    ``sum of the worthiest that fill it >= keenness * price * slots of a domain``, once the room
    that is left on the group's own ground is filled.
    """
    filled = 0
    if has_ground:
        for n in range(b.open[owner, -1]):
            filled -= b.rack[b.open[owner, n], c.FREE]
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


@inlined
def find_own(b: Board, d: Desk, job: int) -> int:
    """List racks with slots that the job's group keeps; return how many."""
    owner, count = b.job[job, c.OWNER], 0
    for n in range(b.open[owner, -1]):
        count = consider(b, d, job, b.open[owner, n], True, count)
    if b.job[job, c.SMALL]:
        rack = b.ragged[b.job[job, c.PACKING]]
        while rack != NONE:
            if b.rack[rack, c.OPEN_AT] == NONE and b.rack[rack, c.KEEPER] == owner:
                count = consider(b, d, job, rack, True, count)
            rack = b.bins[b.job[job, c.PACKING], rack, c.NEXT_RAGGED]
    return count


@inlined
def find_others(b: Board, d: Desk, job: int, count: int) -> int:
    """List racks with slots that nobody keeps from the job; return how many there are now."""
    owner = b.job[job, c.OWNER]
    for keeper in range(NONE, len(b.owner) if b.job[job, c.ROAMS] else 0):
        if keeper == NONE or keeper != owner:
            for n in range(b.open[keeper, -1]):
                rack = b.open[keeper, n]
                if may_come(b, job, rack):
                    count = consider(b, d, job, rack, False, count)
    if b.job[job, c.SMALL]:
        rack = b.ragged[b.job[job, c.PACKING]]
        while rack != NONE:
            mine = owner != NONE and b.rack[rack, c.KEEPER] == owner
            if b.rack[rack, c.OPEN_AT] == NONE and not mine and may_come(b, job, rack):
                count = consider(b, d, job, rack, False, count)
            rack = b.bins[b.job[job, c.PACKING], rack, c.NEXT_RAGGED]
    return count


@inlined
def may_come(b: Board, job: int, rack: int) -> bool:
    """Whether nobody keeps a rack from the job, and its own group could keep it."""
    keeper, owner = b.rack[rack, c.KEEPER], b.job[job, c.OWNER]
    if keeper != NONE:
        group = b.group_of_job[job, b.owner[keeper, c.FORM]]
        return bool(group == NONE or group == b.owner[keeper, c.GROUP])
    if owner == NONE:
        return True
    form = b.owner[owner, c.FORM]
    domain = b.domain_of_rack[rack, form]
    return bool(domain == NONE or b.company[b.form[form, c.FIRST_DOMAIN] + domain, c.ALL] == 0)


@inlined
def consider(b: Board, d: Desk, job: int, rack: int, own: bool, count: int) -> int:
    """List a rack if it has slots enough."""
    slots = b.rack[rack, c.FREE] + b.bins[b.job[job, c.PACKING], rack, c.LEFT]
    size = b.size[job, b.rack[rack, c.SIZE_KIND]]
    least = size * b.job[job, c.WANT] if b.job[job, c.NARROW] else size
    if slots < least or b.cost[job, b.rack[rack, c.COST_KIND]] == UNLIMITED:
        return count
    d.found[count, c.FOUND] = rack
    d.found[count, c.ROOM] = slots // size
    d.found[count, c.OWN] = own
    return count + 1


@inlined
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


@inlined
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


@inlined
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
