"""Domains for groups that are to keep some of a kind: which ones, none of them twice.

Halls come before arrays, groups that keep many before others. What a group gets lies in one of the
largest domains if it can. Where a kind is used up, what holds most alike takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kernels.forms import NONE, AssignmentCost, Bools, Compiled, GroupPresence, Ints


class Kept(NamedTuple):
    """Some domains of one kind."""

    many: int
    domains: tuple[str, ...]  # names of all of the kind; none where domains are single racks


def is_wide(form: GroupPresence) -> bool:
    """Whether some domain has more than one rack."""
    inside = form.domain_of_rack[form.domain_of_rack != NONE]
    return bool(np.bincount(inside, minlength=1).max() > 1)


def reserve(
    compiled: Compiled, kept: Sequence[Mapping[int, tuple[Kept, ...]]], taken: Bools
) -> list[AssignmentCost]:
    """Return where groups may lie, for every form of which `kept` says what its groups keep.

    Nobody gets a domain with a rack that is `taken` (R,) already.
    """
    wide = [
        (form, of_group)
        for form, of_group in zip(compiled.forms, kept, strict=True)
        if isinstance(form, GroupPresence) and of_group and is_wide(form)
    ]
    wide.sort(key=lambda each: each[0].num_domains)
    taken = taken.copy()
    return [
        _prohibition(form, _reserved(compiled, form, of_group, wide[0][0], taken))
        for form, of_group in wide
    ]


def _reserved(
    compiled: Compiled,
    form: GroupPresence,
    of_group: Mapping[int, tuple[Kept, ...]],
    widest: GroupPresence,
    taken: Bools,
) -> dict[int, list[int]]:
    """Choose domains for every group, and mark their racks as taken."""
    number = {name: domain for domain, name in enumerate(form.domain_names)}
    held, place, free = _domains(compiled, form, widest, taken)
    found: dict[int, list[int]] = {}
    for group in sorted(of_group, key=lambda g: -sum(some.many for some in of_group[g])):
        wanted = [
            (some.many, [number[name] for name in some.domains if name in number])
            for some in of_group[group]
        ]
        here = np.zeros(int(place.max(initial=0)) + 1, np.int64)
        for count, kind in wanted:
            here += np.minimum(count, np.bincount(place[kind], free[kind], len(here)).astype(int))
        mine: list[int] = []
        for count, kind in wanted:
            if not kind:
                continue
            unlike = np.abs(held - held[kind[0]]).sum(axis=1)
            other = ~np.isin(np.arange(len(place)), kind)
            order = np.lexsort((place != np.argmax(here), unlike, other))
            chosen = order[free[order]][:count].tolist()
            free[chosen] = False
            mine += chosen
        found[group] = mine
    all_mine = np.array([domain for mine in found.values() for domain in mine], np.int64)
    taken |= np.isin(form.domain_of_rack, all_mine)
    return found


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
