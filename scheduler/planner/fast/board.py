"""A problem and a plan as few flat tables, for compiled code.

The counterpart of `Ground` and `State`. Everything that a step looks for lies in a list: the
shards of a job, those on a rack, racks with free slots, jobs that wait. A *list of lists* is one
array whose entry n says where list n begins in the same array, and entry n + 1 where it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, UNLIMITED, GroupCount, GroupPresence, Ints, Shards
from scheduler.planner.fast import columns as c
from scheduler.planner.placing import Placer
from scheduler.planner.state import Ground


class Board(NamedTuple):
    """What jobs and racks are, what is where, and what is left of every limit."""

    job: Ints  # (J, columns)
    rack: Ints  # (R + 1, columns)
    size: Ints  # (J, K) slots of a unit
    cost: Ints  # (J, A) mills per hour and unit, UNLIMITED: not allowed
    zone: Ints  # (Z, R + 1) a job may use racks of one label only; the last says how many
    block: Ints  # list of lists: racks of each block
    limit: Ints  # (N, columns)
    demand: Ints  # (J, C)
    slack: Ints  # (I,)
    form: Ints  # (P, columns)
    group_of_job: Ints  # (P, J)
    domain_of_rack: Ints  # (P, R)
    domain: Ints  # list of lists: racks of each domain, form by form
    group: Ints  # (G, columns)
    foe: Ints  # list of lists: groups of the same form that may not share with the group
    cell: Ints  # (cells, columns)
    owner: Ints  # (O, columns)
    member: Ints  # list of lists: jobs of each owner, the densest first
    count_of_job: Ints  # (C, J) first cell of a job's group where units per domain are limited
    count_domain: Ints  # list of lists: domains of each rack, form by form
    count_left: Ints  # (cells,) units that may still come
    bins: Ints  # (packing groups, R, columns)
    ragged: Ints  # (packing groups,) first rack with a bin that is filled in part
    shard: Ints  # (N, columns)
    spare: Ints  # (N + 1,) unused shards; the last says how many
    open: Ints  # (R + 1,) racks with free slots; the last says how many
    waiting: Ints  # (J + 1,) movable jobs without a place; the last says how many
    tally: Ints  # (columns,)


def board_of(placer: Placer) -> Board:
    """Return the board of an empty site; its units fill bins."""
    compiled, ground = placer.compiled, placer.ground
    packing = compiled.packing
    assert packing is not None
    num_jobs, num_racks = compiled.num_jobs, compiled.num_racks
    cost_kind, cost = _costs(ground)
    zone, zone_of_job = _zones(placer)
    owner, member, owner_of_job = _owners(placer)
    limit, limit_start, demand = _limits(ground)
    movable = placer.plain & (placer.value > 0)
    slots = packing.bins * packing.bin_size
    _, block = np.unique(placer.block_of_rack, return_inverse=True)
    counts = [form for form in compiled.forms if isinstance(form, GroupCount)]
    count_of_job, count_left = _counts(counts, num_jobs)
    form, group, cells = _groups(placer.presences)
    most = int(min(slots.sum(), np.minimum(placer.want, num_racks).sum())) + 1
    groups = int(packing.group_of_job.max(initial=NONE)) + 1

    job = np.zeros((num_jobs, c.JOB_COLUMNS), np.int64)
    job[:, c.WANT] = placer.want
    job[:, c.SLOTS] = placer.slots
    job[:, c.VALUE] = placer.value
    job[:, c.COUNTED] = compiled.units.counted_most
    job[:, c.DENSITY] = placer.density * 1000
    job[:, c.PACKING] = packing.group_of_job
    job[:, c.KIN] = placer.kin
    job[:, c.MOVABLE] = movable
    job[:, c.KEEPS] = placer.owner.racks_of_job
    job[:, c.ZONES] = zone_of_job
    job[:, c.OWNER] = owner_of_job
    job[:, c.FIRST_SHARD] = NONE
    waiting, job[:, c.WAITS_AT] = _set_of(movable)

    rack = np.zeros((num_racks + 1, c.RACK_COLUMNS), np.int64)
    rack[:-1, c.BINS] = packing.bins
    rack[:-1, c.FREE] = slots
    rack[:-1, c.BIN_SIZE] = packing.bin_size
    rack[:-1, c.SIZE_KIND] = packing.kind_of_rack
    rack[:-1, c.COST_KIND] = cost_kind
    rack[:-1, c.BLOCK] = block.ravel()
    rack[:, c.LIMITS] = limit_start
    rack[:, c.FIRST_ON_RACK] = NONE
    is_open, rack[:-1, c.OPEN_AT] = _set_of(slots > 0)

    bins = np.full((groups, num_racks, c.BIN_COLUMNS), NONE, np.int64)
    bins[:, :, c.USED] = 0
    tally = np.zeros(c.TALLY_COLUMNS, np.int64)
    tally[c.SLOT_PRICE] = round(placer.price * 1000)
    return Board(
        job=job,
        rack=rack,
        size=_ints(np.maximum(packing.size, 1)),
        cost=cost,
        zone=zone,
        block=_lists(_by_label(block.ravel(), int(block.max(initial=NONE)) + 1)),
        limit=limit,
        demand=demand,
        slack=ground.loads.slack.astype(np.int64),
        form=form,
        group_of_job=_table([f.group_of_job for f in placer.presences], num_jobs),
        domain_of_rack=_table([f.domain_of_rack for f in placer.presences], num_racks),
        domain=_lists(
            [
                racks
                for f in placer.presences
                for racks in _by_label(f.domain_of_rack, f.num_domains)
            ]
        ),
        group=group,
        foe=_lists([row for f in placer.presences for row in _foes(f)]),
        cell=np.zeros((cells, c.CELL_COLUMNS), np.int64),
        owner=owner,
        member=member,
        count_of_job=count_of_job,
        count_domain=_lists([row for f in counts for row in _domains_of_racks(f, num_racks)]),
        count_left=count_left,
        bins=bins,
        ragged=np.full(groups, NONE, np.int64),
        shard=np.full((most, c.SHARD_COLUMNS), NONE, np.int64),
        spare=np.append(np.arange(most)[::-1], most),
        open=is_open,
        waiting=waiting,
        tally=tally,
    )


def shards_of(board: Board) -> Shards:
    """Return the plan on a board."""
    rows: list[Ints] = []
    for first in board.job[:, c.FIRST_SHARD].tolist():
        entry = first
        while entry != NONE:
            rows.append(board.shard[entry])
            entry = int(board.shard[entry, c.NEXT_OF_JOB])
    table = np.array(rows, np.int64).reshape(-1, c.SHARD_COLUMNS)
    return Shards.build(table[:, c.JOB], table[:, c.RACK], table[:, c.UNITS])


def _costs(ground: Ground) -> tuple[Ints, Ints]:
    """Return kinds of racks that no cost tells apart, and what a unit costs on each kind."""
    kinds = np.stack([form.kind_of_rack for form in ground.costs])
    _, first, kind = np.unique(kinds, axis=1, return_index=True, return_inverse=True)
    cost = np.zeros((ground.compiled.num_jobs, len(first)), np.int64)
    allowed = np.ones(cost.shape, bool)
    for form in ground.costs:
        allowed &= form.allowed[:, form.kind_of_rack[first]]
        cost += form.cost_mills[:, form.kind_of_rack[first]]
    return kind.ravel(), np.where(allowed, cost, UNLIMITED)


def _zones(placer: Placer) -> tuple[Ints, Ints]:
    """Return labels of racks for each way to be bound to one domain, and the way of each job."""
    known: dict[bytes, int] = {}
    rows: list[Ints] = []
    of_job = np.zeros(placer.compiled.num_jobs, np.int64)
    for job in range(len(of_job)):
        label = placer.labels(job)
        of_job[job] = known.setdefault(label.tobytes(), len(known))
        if len(known) > len(rows):
            rows.append(np.append(label, label.max(initial=NONE) + 1))
    return _table(rows, placer.compiled.num_racks + 1), of_job


def _limits(ground: Ground) -> tuple[Ints, Ints, Ints]:
    """Return the entries that weigh something, where each rack's begin, and demands."""
    loads, num_racks = ground.loads, ground.compiled.num_racks
    demands = loads.demands or [np.zeros((ground.compiled.num_jobs, 1), np.int64)]
    first = np.cumsum([0, *(demand.shape[1] for demand in demands)])
    lists = loads.by_rack
    kept = lists.weight > 0
    place, which = lists.place[kept], lists.demand_id[kept]
    column = first[which]
    for number, kind in enumerate(loads.kinds):
        column += np.where(which == number, kind[place], 0)
    entries = np.stack((lists.row[kept], lists.weight[kept], column), axis=1)
    start = np.searchsorted(place, np.arange(num_racks + 1))
    return _ints(entries), start, _ints(np.concatenate(demands, axis=1))


def _groups(forms: Sequence[GroupPresence]) -> tuple[Ints, Ints, int]:
    """Return forms, their groups, and how many pairs of group and domain there are."""
    form = np.zeros((len(forms), c.FORM_COLUMNS), np.int64)
    groups, cells, domains = 0, 0, 0
    for p, one in enumerate(forms):
        form[p] = one.num_domains, len(one.group_names), cells, groups, domains
        groups += len(one.group_names)
        domains += one.num_domains
        cells += len(one.group_names) * one.num_domains
    group = np.zeros((groups, c.GROUP_COLUMNS), np.int64)
    for p, one in enumerate(forms):
        own = slice(form[p, c.FIRST_GROUP], form[p, c.FIRST_GROUP] + len(one.group_names))
        group[own, c.MOST_DOMAINS] = one.max_domains
        group[own, c.FREE_DOMAINS] = one.free_domains
        group[own, c.PRICE] = one.price_mills
    return form, group, cells


def _foes(form: GroupPresence) -> list[Ints]:
    if form.may_share is None:
        return [np.zeros(0, np.int64)] * len(form.group_names)
    return [np.flatnonzero(~row) for row in form.may_share]


def _owners(placer: Placer) -> tuple[Ints, Ints, Ints]:
    """Return groups that keep domains, their jobs, and the owner of each job."""
    owner = placer.owner
    known: dict[tuple[int, int], int] = {}
    of_job = np.full(placer.compiled.num_jobs, NONE, np.int64)
    rows: list[Ints] = []
    members: list[Ints] = []
    for job in np.flatnonzero(owner.form_of_job != NONE).tolist():
        pair = int(owner.form_of_job[job]), int(owner.group_of_job[job])
        of_job[job] = known.setdefault(pair, len(known))
        if len(known) > len(rows):
            rows.append(np.array([*pair, owner.slots_of_job[job]], np.int64))
            members.append(owner.members(job))
    return _table(rows, c.OWNER_COLUMNS), _lists(members), of_job


def _counts(forms: Sequence[GroupCount], num_jobs: int) -> tuple[Ints, Ints]:
    """Return the first cell of each job's group, NONE where nothing is limited, and all limits."""
    first = np.full((len(forms), num_jobs), NONE, np.int64)
    left: list[Ints] = [np.zeros(0, np.int64)]
    for n, form in enumerate(forms):
        domains = form.domains.num_rows
        grouped = np.flatnonzero(form.group_of_job != NONE)
        group = form.group_of_job[grouped]
        limited = form.limit[group] < UNLIMITED
        first[n, grouped[limited]] = group[limited] * domains + sum(map(len, left))
        left.append(np.repeat(form.limit, domains))
    return first, _ints(np.concatenate(left))


def _domains_of_racks(form: GroupCount, num_racks: int) -> list[Ints]:
    order = np.argsort(form.domains.rack, kind="stable")
    cuts = np.searchsorted(form.domains.rack[order], np.arange(1, num_racks))
    return [_ints(row) for row in np.split(form.domains.row[order], cuts)]


def _by_label(label: NDArray[np.integer], count: int) -> list[Ints]:
    """Return the numbers of each label."""
    order = np.argsort(label, kind="stable")
    cuts = np.searchsorted(label[order], np.arange(count + 1))
    return [order[a:z] for a, z in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)]


def _set_of(members: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return a set as a list with its length at the end, and the place of each in it."""
    numbers = np.flatnonzero(members)
    listed = np.zeros(len(members) + 1, np.int64)
    listed[: len(numbers)] = numbers
    listed[-1] = len(numbers)
    place = np.full(len(members), NONE, np.int64)
    place[numbers] = np.arange(len(numbers))
    return listed, place


def _lists(lists: Sequence[NDArray[np.integer]]) -> Ints:
    start = np.cumsum([len(lists) + 1, *map(len, lists)], dtype=np.int64)
    return np.concatenate([start, *map(_ints, lists)])


def _ints(values: object) -> Ints:
    return np.ascontiguousarray(values, np.int64)


def _table(rows: Sequence[NDArray[np.integer]], columns: int) -> Ints:
    return np.array(rows, np.int64).reshape(len(rows), columns)
