"""What never changes on a board, as flat tables: one function for each kind of form.

A *list of lists* is one array whose entry n says where list n begins in the same array, and entry
n + 1 where it ends.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, UNLIMITED, GroupCount, GroupPresence, Ints
from scheduler.planner.fast import columns as c
from scheduler.planner.placing import Placer
from scheduler.planner.state import Ground


def costs(ground: Ground) -> tuple[Ints, Ints]:
    """Return kinds of racks that no cost tells apart, and what a unit costs on each kind."""
    kind = np.zeros(ground.compiled.num_racks, np.int64)
    for form in ground.costs:
        kind = kind * form.allowed.shape[1] + form.kind_of_rack
        kind = np.unique(kind, return_inverse=True)[1]
    first = np.unique(kind, return_index=True)[1]
    cost = np.zeros((ground.compiled.num_jobs, len(first)), np.int64)
    allowed = np.ones(cost.shape, bool)
    for form in ground.costs:
        allowed &= form.allowed[:, form.kind_of_rack[first]]
        if form.cost_mills.any():
            cost += form.cost_mills[:, form.kind_of_rack[first]]
    return kind, np.where(allowed, cost, UNLIMITED)


def zones(placer: Placer) -> tuple[Ints, Ints]:
    """Return labels of racks for each way to be bound to one domain, and the way of each job."""
    known: dict[bytes, int] = {}
    rows: list[Ints] = []
    of_job = np.zeros(placer.compiled.num_jobs, np.int64)
    for job in range(len(of_job)):
        label = placer.labels(job)
        of_job[job] = known.setdefault(label.tobytes(), len(known))
        if len(known) > len(rows):
            rows.append(np.append(label, label.max(initial=NONE) + 1))
    return table(rows, placer.compiled.num_racks + 1), of_job


def narrow(zone: Ints) -> NDArray[np.bool_]:
    """Return the ways to be bound to one domain in which it is one rack."""
    return np.array([len(row) - 1 == row[-1] for row in zone], bool)


def limits(ground: Ground) -> tuple[Ints, Ints, Ints]:
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
    return ints(entries), start, ints(np.concatenate(demands, axis=1))


def groups_of(forms: Sequence[GroupPresence]) -> tuple[Ints, Ints, int]:
    """Return forms, their groups, and how many pairs of group and domain there are."""
    form = np.zeros((len(forms), c.FORM_COLUMNS), np.int64)
    groups, cells, domains = 0, 0, 0
    for p, one in enumerate(forms):
        form[p] = one.num_domains, len(one.group_names), cells, groups, domains
        groups += len(one.group_names)
        domains += one.num_domains
        cells += len(one.group_names) * one.num_domains
    group = np.zeros((groups, c.GROUP_COLUMNS), np.int64)
    group[:, c.IS_OWNER] = NONE
    for p, one in enumerate(forms):
        own = slice(form[p, c.FIRST_GROUP], form[p, c.FIRST_GROUP] + len(one.group_names))
        group[own, c.MOST_DOMAINS] = one.max_domains
        group[own, c.FREE_DOMAINS] = one.free_domains
        group[own, c.PRICE] = one.price_mills
        group[own, c.IS_LONER] = loners(one)
    return form, group, cells


def loners(form: GroupPresence) -> NDArray[np.bool_]:
    """Return the groups that share a domain with no other group."""
    if form.may_share is None:
        return np.zeros(len(form.group_names), bool)
    return np.asarray(form.may_share.sum(axis=1) == 1)


def foes(form: GroupPresence) -> list[Ints]:
    """Return the groups that each group may not share a domain with; loners are no list's."""
    if form.may_share is None:
        return [np.zeros(0, np.int64)] * len(form.group_names)
    alone = loners(form)
    apart = ~form.may_share & ~alone & ~alone[:, None]
    return [np.flatnonzero(row) for row in apart]


def owners(placer: Placer) -> tuple[Ints, Ints, Ints]:
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
    return table(rows, c.OWNER_COLUMNS), lists(members), of_job


def roaming(forms: Sequence[GroupPresence], owner: Ints, owner_of_job: Ints) -> NDArray[np.bool_]:
    """Return the jobs that some keeper lets onto what it keeps though it is not their owner."""
    roams = np.zeros(len(owner_of_job), bool)
    for number, (form, group, _) in enumerate(owner.tolist()):
        group_of_job = forms[form].group_of_job
        welcome = (group_of_job == group) | (group_of_job == NONE)
        roams |= welcome & (owner_of_job != number)
    return roams


def counts_of(forms: Sequence[GroupCount], num_jobs: int) -> tuple[Ints, Ints]:
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
    return first, ints(np.concatenate(left))


def domains_of_racks(form: GroupCount, num_racks: int) -> list[Ints]:
    """Return the domains that each rack lies in."""
    order = np.argsort(form.domains.rack, kind="stable")
    cuts = np.searchsorted(form.domains.rack[order], np.arange(1, num_racks))
    return [ints(row) for row in np.split(form.domains.row[order], cuts)]


def by_label(label: NDArray[np.integer], count: int) -> list[Ints]:
    """Return the numbers of each label."""
    order = np.argsort(label, kind="stable")
    cuts = np.searchsorted(label[order], np.arange(count + 1))
    return [order[a:z] for a, z in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)]


def set_of(members: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return a set as a list with its length at the end, and the place of each in it."""
    numbers = np.flatnonzero(members)
    listed = np.zeros(len(members) + 1, np.int64)
    listed[: len(numbers)] = numbers
    listed[-1] = len(numbers)
    place = np.full(len(members), NONE, np.int64)
    place[numbers] = np.arange(len(numbers))
    return listed, place


def lists(lists: Sequence[NDArray[np.integer]]) -> Ints:
    """Return a list of lists."""
    start = np.cumsum([len(lists) + 1, *map(len, lists)], dtype=np.int64)
    return np.concatenate([start, *map(ints, lists)])


def ints(values: object) -> Ints:
    """Return int64 in the order of C, as compiled code takes it."""
    return np.ascontiguousarray(values, np.int64)


def table(rows: Sequence[NDArray[np.integer]], columns: int) -> Ints:
    """Return rows as a table, also where there are none."""
    return np.array(rows, np.int64).reshape(len(rows), columns)
