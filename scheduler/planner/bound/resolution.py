"""How finely a bound tells racks apart: what matters most first, as far as the budget goes.

Racks of one class are one to the bound, but for what `lowering/kinds.py` tells apart all the same.
Where few large domains are kept by one group each, telling these domains apart matters most;
feeds and loops come last.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from kernels.forms import (
    NONE,
    AssignmentCost,
    Bools,
    Compiled,
    GroupPresence,
    Ints,
    LinearLoad,
    Packing,
)
from scheduler.planner.classes import Classes, by_first_rack, labels, signature


def choose_classes(compiled: Compiled, most: int, *, feeds: bool = False) -> Classes:
    """Return at most `most` classes; by loads only where there is no other way and with `feeds`."""
    label = np.zeros(compiled.num_racks, np.int64)
    last = _by_loads(compiled) if feeds else ()
    for by in itertools.chain(_by_type(compiled), _by_domain(compiled), last):
        finer = labels(label, by)
        if int(finer.max(initial=-1)) < most:
            label = finer
    return Classes(by_first_rack(label))


def exclusive_groups(form: GroupPresence) -> Bools:
    """Return which groups of `form` share a domain with no other group, (G,)."""
    if form.may_share is None:
        return np.zeros(len(form.group_names), bool)
    foes = (~form.may_share).sum(axis=1)
    return np.asarray((foes == len(foes) - 1) & (foes > 0))


def _by_type(compiled: Compiled) -> Iterator[Ints]:
    if compiled.packing is not None:
        yield compiled.packing.kind_of_rack.astype(np.int64)


def _by_own(compiled: Compiled) -> Iterator[Ints]:
    """Labels by what a rack is in itself: who may lie there, and how full it is."""
    for form in compiled.forms:
        if isinstance(form, AssignmentCost):
            yield signature(form, compiled)
        elif isinstance(form, Packing):
            yield labels(form.kind_of_rack, _fullness(form))


def _by_domain(compiled: Compiled) -> Iterator[Ints]:
    """Labels by the widest domains that are kept, then by the racks, then by smaller domains."""
    kept = [form for form in compiled.forms if isinstance(form, GroupPresence)]
    kept = [form for form in kept if exclusive_groups(form).any()]
    kept.sort(key=lambda form: form.num_domains)
    for form in kept[:1]:
        yield form.domain_of_rack.astype(np.int64)
    yield from _by_own(compiled)
    for form in reversed(kept):  # an owner pays for all that a domain holds, used or not
        yield capacity(form, compiled)
    for form in kept[1:]:
        yield form.domain_of_rack.astype(np.int64)


def _by_loads(compiled: Compiled) -> Iterator[Ints]:
    loads = [signature(form, compiled) for form in compiled.forms if isinstance(form, LinearLoad)]
    yield from sorted(loads, key=lambda label: int(label.max(initial=0)))


def _fullness(packing: Packing) -> Ints:
    """Tell racks without bins, with some and with all bins of their kind apart, (R,)."""
    most = np.zeros(int(packing.kind_of_rack.max(initial=0)) + 1, np.int64)
    np.maximum.at(most, packing.kind_of_rack, packing.bins)
    full = packing.bins == most[packing.kind_of_rack]
    return np.where(packing.bins == 0, 0, np.where(full, 2, 1))


def capacity(form: GroupPresence, compiled: Compiled) -> Ints:
    """Label racks by what their domain holds: the slots of each kind of rack, (R,)."""
    packing = compiled.packing
    inside = form.domain_of_rack != NONE
    label = np.full(compiled.num_racks, NONE, np.int64)
    if packing is None or not inside.any():
        return label
    slots = np.zeros((form.num_domains, int(packing.kind_of_rack.max(initial=0)) + 1), np.int64)
    domain = form.domain_of_rack[inside]
    held = (packing.bins * packing.bin_size)[inside]
    np.add.at(slots, (domain, packing.kind_of_rack[inside]), held)
    label[inside] = labels(*slots.T)[domain]
    return label
