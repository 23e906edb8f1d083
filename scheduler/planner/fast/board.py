"""A problem and a plan as few flat tables, for compiled code.

The counterpart of `Ground` and `State`. Everything that a step looks for lies in a list: the
shards of a job, those on a rack, racks with free slots, jobs that wait.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kernels.forms import NONE, UNLIMITED, GroupCount, Ints, Shards
from scheduler.planner.fast import columns as c
from scheduler.planner.fast.tables import (
    by_label,
    costs,
    counts_of,
    domains_of_racks,
    foes,
    groups_of,
    ints,
    limits,
    lists,
    narrow,
    owners,
    roaming,
    set_of,
    table,
    zones,
)
from scheduler.planner.placing import Placer


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
    group_of_job: Ints  # (J, P)
    domain_of_rack: Ints  # (R, P)
    domain: Ints  # list of lists: racks of each domain, form by form
    group: Ints  # (G, columns)
    company: Ints  # (domains of all forms, columns)
    foe: Ints  # list of lists: what may not share with a group, loners left out
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
    open: Ints  # (O + 1, R + 1) racks with free slots by keeper; the last column says how many
    waiting: Ints  # (J + 1,) movable jobs without a place; the last says how many
    tally: Ints  # (columns,)


def board_of(placer: Placer) -> Board:
    """Return the board of an empty site; its units fill bins."""
    compiled, ground = placer.compiled, placer.ground
    packing = compiled.packing
    assert packing is not None
    num_jobs, num_racks = compiled.num_jobs, compiled.num_racks
    cost_kind, cost = costs(ground)
    zone, zone_of_job = zones(placer)
    owner, member, owner_of_job = owners(placer)
    limit, limit_start, demand = limits(ground)
    movable = placer.plain & (placer.value > 0)
    slots = packing.bins * packing.bin_size
    _, block = np.unique(placer.block_of_rack, return_inverse=True)
    counts = [form for form in compiled.forms if isinstance(form, GroupCount)]
    count_of_job, count_left = counts_of(counts, num_jobs)
    form, group, cells = groups_of(placer.presences)
    first = form[owner[:, c.FORM], c.FIRST_GROUP]
    group[first + owner[:, c.GROUP], c.IS_OWNER] = np.arange(len(owner))
    # A shard takes a slot at least, unless its job takes no bins at all.
    shards = np.minimum(compiled.units.most, num_racks)
    most = int(min(slots.sum() + shards[packing.group_of_job == NONE].sum(), shards.sum())) + 1
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
    job[:, c.ROAMS] = roaming(placer.presences, owner, owner_of_job)
    job[:, c.SMALL] = packing.size.min(axis=1, initial=UNLIMITED) < packing.bin_size.max(initial=0)
    job[:, c.NARROW] = narrow(zone)[zone_of_job]
    if placer.merit is not None:
        job[:, c.MERIT] = placer.merit * 1000
    job[:, c.FIRST_SHARD] = NONE
    waiting, job[:, c.WAITS_AT] = set_of(movable)

    rack = np.zeros((num_racks + 1, c.RACK_COLUMNS), np.int64)
    rack[:-1, c.FREE] = slots
    rack[:-1, c.BIN_SIZE] = packing.bin_size
    rack[:-1, c.SIZE_KIND] = packing.kind_of_rack
    rack[:-1, c.COST_KIND] = cost_kind
    rack[:-1, c.BLOCK] = block.ravel()
    rack[:, c.LIMITS] = limit_start
    rack[:, c.FIRST_ON_RACK] = NONE
    rack[:, c.KEEPER] = NONE
    is_open = np.zeros((len(owner) + 1, num_racks + 1), np.int64)  # nobody's are in the last row
    is_open[NONE], rack[:-1, c.OPEN_AT] = set_of(slots > 0)

    bins = np.full((groups, num_racks, c.BIN_COLUMNS), NONE, np.int64)
    bins[:, :, c.LEFT] = 0
    tally = np.zeros(c.TALLY_COLUMNS, np.int64)
    tally[c.SLOT_PRICE] = round(placer.price * 1000)
    tally[c.IS_PRICED] = placer.merit is not None
    return Board(
        job=job,
        rack=rack,
        size=ints(np.maximum(packing.size, 1)),
        cost=cost,
        zone=zone,
        block=lists(by_label(block.ravel(), int(block.max(initial=NONE)) + 1)),
        limit=limit,
        demand=demand,
        slack=ground.loads.slack.astype(np.int64),
        form=form,
        group_of_job=ints(table([f.group_of_job for f in placer.presences], num_jobs).T),
        domain_of_rack=ints(table([f.domain_of_rack for f in placer.presences], num_racks).T),
        domain=lists(
            [racks for f in placer.presences for racks in by_label(f.domain_of_rack, f.num_domains)]
        ),
        group=group,
        company=np.zeros((int(form[:, c.DOMAINS].sum()), c.COMPANY_COLUMNS), np.int64),
        foe=lists([row for f in placer.presences for row in foes(f)]),
        cell=np.zeros((cells, c.CELL_COLUMNS), np.int64),
        owner=owner,
        member=member,
        count_of_job=count_of_job,
        count_domain=lists([row for f in counts for row in domains_of_racks(f, num_racks)]),
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
