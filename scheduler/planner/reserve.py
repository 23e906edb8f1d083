"""Domains for groups that are to keep some of a kind: which ones, none of them twice.

Halls come before arrays, groups that keep many before others. What a group gets lies in one of the
largest domains, if one holds what is alike: its large jobs may have to. Where a kind is used up,
what holds most alike takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kernels.forms import NONE, AssignmentCost, Bools, Compiled, GroupPresence, Ints

ALIKE = 0.1  # of the slots: domains that differ by no more may stand for those of a kind


class Kept(NamedTuple):
    """Some domains of one kind."""

    many: int
    domains: tuple[str, ...]  # names of all of the kind; none where domains are single racks


Name = tuple[str, str, str]  # term, level and name of a group
Choice = Callable[[Name, GroupPresence, Ints], int]  # one of some domains of a form


def name_of(form: GroupPresence, group: int) -> Name:
    """Return what a group is called in every part of the problem."""
    return form.term, form.level, form.group_names[group]


def first(_group: Name, _form: GroupPresence, domains: Ints) -> int:
    """Choose the first of some domains."""
    return int(domains[0])


def is_wide(form: GroupPresence) -> bool:
    """Whether some domain has more than one rack."""
    inside = form.domain_of_rack[form.domain_of_rack != NONE]
    return bool(np.bincount(inside, minlength=1).max() > 1)


def reserve(
    compiled: Compiled,
    kept: Sequence[Mapping[int, tuple[Kept, ...]]],
    taken: Bools,
    choose: Choice = first,
) -> list[AssignmentCost]:
    """Return where groups may lie, for every form of which `kept` says what its groups keep.

    Nobody gets a domain with a rack that is `taken` (R,) already. Where several of the largest
    domains hold as much of what a group is to keep, `choose` says which is taken.
    """
    wide = [
        (form, of_group)
        for form, of_group in zip(compiled.forms, kept, strict=True)
        if isinstance(form, GroupPresence) and is_wide(form)
    ]
    wide.sort(key=lambda each: each[0].num_domains)
    taken = taken.copy()
    return [
        _prohibition(form, _reserved(compiled, form, of_group, wide[0][0], taken, choose))
        for form, of_group in wide
        if of_group
    ]


def _reserved(
    compiled: Compiled,
    form: GroupPresence,
    of_group: Mapping[int, tuple[Kept, ...]],
    widest: GroupPresence,
    taken: Bools,
    choose: Choice,
) -> dict[int, list[int]]:
    """Choose domains for every group, and mark their racks as taken."""
    number = {name: domain for domain, name in enumerate(form.domain_names)}
    held, place, free = _domains(compiled, form, widest, taken)
    found: dict[int, list[int]] = {}
    for group in sorted(of_group, key=lambda g: -sum(some.many for some in of_group[g])):
        named = [
            (some.many, [number[name] for name in some.domains if name in number])
            for some in of_group[group]
        ]
        wanted = [(held[kind[0]], count, np.array(kind)) for count, kind in named if kind]
        by_place = {at: np.flatnonzero(free & (place == at)) for at in np.unique(place[free])}
        unlike = {at: _most_alike(held, here, wanted)[1] for at, here in by_place.items()}
        least = min(unlike.values(), default=0)
        best = [at for at, much in unlike.items() if much == least]
        mine: list[int] = []
        if wanted and best:
            at = choose(name_of(form, group), widest, np.array(best))
            asked = sum(count * int(like.sum()) for like, count, _ in wanted)
            scattered = least > ALIKE * asked
            mine, _ = _most_alike(held, np.flatnonzero(free) if scattered else by_place[at], wanted)
        free[mine] = False
        found[group] = mine
    all_mine = np.array([domain for mine in found.values() for domain in mine], np.int64)
    taken |= np.isin(form.domain_of_rack, all_mine)
    return found


def _most_alike(
    held: Ints, domains: Ints, wanted: Sequence[tuple[Ints, int, Ints]]
) -> tuple[list[int], int]:
    """Choose of some domains those most like what is wanted; return how unlike they are, too.

    Wanted are ``(slots by kind of rack, how many, domains of that kind)``. Unlike are slots more or
    less, one more of another kind, and all slots where there are too few domains.
    """
    mine: list[int] = []
    unlike = 0
    for like, count, kind in wanted:
        off = np.abs(held[domains] - like).sum(axis=1) + ~np.isin(domains, kind)
        order = np.argsort(off, kind="stable")[:count]
        mine += domains[order].tolist()
        unlike += int(off[order].sum()) + (count - len(order)) * int(like.sum())
        domains = np.delete(domains, order)
    return mine, unlike


def _domains(
    compiled: Compiled, form: GroupPresence, widest: GroupPresence, taken: Bools
) -> tuple[Ints, Ints, Bools]:
    """Return for every domain: slots by kind of rack, the widest domain it is in, and if free."""
    inside = np.flatnonzero(form.domain_of_rack != NONE)
    domain = form.domain_of_rack[inside]
    packing = compiled.packing
    kind, slots = np.zeros(len(inside), np.int64), np.ones(len(inside), np.int64)
    if packing is not None:
        kind = packing.kind_of_rack[inside].astype(np.int64)
        slots = (packing.bins * packing.bin_size)[inside]
    held = np.zeros((form.num_domains, int(kind.max(initial=0)) + 1), np.int64)
    np.add.at(held, (domain, kind), slots)
    place = np.zeros(form.num_domains, np.int64)
    place[domain] = widest.domain_of_rack[inside]
    free = np.ones(form.num_domains, bool)
    free[domain[taken[inside]]] = False
    return held, np.maximum(place, 0), free


def _prohibition(form: GroupPresence, reserved: Mapping[int, list[int]]) -> AssignmentCost:
    """Keep groups out of all domains but their own; who got none goes where there is room."""
    allowed = np.ones((len(form.group_of_job), form.num_domains + 1), bool)
    for group, domains in reserved.items():
        if domains:
            row = np.zeros(form.num_domains + 1, bool)
            row[np.array(domains) + 1] = True
            allowed[form.group_of_job == group] = row
    return AssignmentCost.prohibition(
        form.term, (form.domain_of_rack + 1).astype(np.int32), allowed
    )
