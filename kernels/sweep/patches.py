"""Patches of families: racks where their own groups lie, or to which their jobs come home."""

from __future__ import annotations

import numpy as np

from kernels.candidates import Candidates
from kernels.forms import NONE, Ints
from kernels.parts.assignment import Assignment
from kernels.parts.bins import Bins
from kernels.parts.changes import Changes, Packing3
from kernels.parts.expand import ranges
from kernels.parts.presence import Presence

Patch = tuple[Ints, Ints, Ints]  # family, rack, what is added there, packed


def presence_patch(presence: Presence, group: Ints, price: Ints) -> Patch:
    """Return where families enter no new domain; `group` is `NONE` for those without a patch."""
    family = np.flatnonzero(group != NONE)
    span = group[family] * presence.num_domains
    first, end = np.searchsorted(presence.key, (span, span + presence.num_domains))
    which, at = ranges(first, end)
    start, rack = presence.racks
    domain = presence.domain[at]
    each, place = ranges(start[domain], start[domain + 1])
    family = family[which[each]]
    return family, rack[place], -price[family]


def bin_patch(bins: Bins, group: Ints, one: Candidates, packing: Packing3) -> Patch:
    """Return by how much bins that the families' groups opened already differ from new ones."""
    family = np.flatnonzero(group != NONE)
    span = group[family] * bins.num_racks
    first, end = np.searchsorted(bins.key, (span, span + bins.num_racks))
    which, at = ranges(first, end)
    family, rack, size = family[which], bins.rack[at], bins.size[at]
    kind = bins.form.kind_of_rack[rack]
    more = bins.form.size[one.job[family], kind] * one.units[family]
    own = -(-(bins.slots[at] + more) // size) - bins.filled[at]
    differs = bins.added(rack, own) - bins.added(rack, -(-more // size))
    some = np.flatnonzero(differs)
    changes = packing.pack(Changes(violation=differs[some]))
    return family[some], rack[some], changes


def home_patch(assignment: Assignment, job: Ints, one: Candidates, packing: Packing3) -> Patch:
    """Return what families save where their jobs come home; `job` is `NONE` without a patch."""
    none = np.zeros(0, np.int64)
    parts: list[Patch] = [(none, none, none)]
    for family in np.flatnonzero(job != NONE).tolist():
        racks, saved = assignment.homecoming(int(one.job[family]), int(one.units[family]))
        changes = packing.pack(Changes(margin_mills=saved))
        parts.append((np.full(len(racks), family), racks, changes))
    family_of, rack, more = (np.concatenate([part[c] for part in parts]) for c in range(3))
    return family_of, rack, more
