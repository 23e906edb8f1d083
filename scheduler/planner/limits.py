"""What is left of the limits of each form, kept exactly while units are placed.

Only groups and domains that meet are stored: a site of a million GPUs has tens of thousands of
groups and as many domains.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Protocol

import numpy as np

from kernels.forms import NONE, UNLIMITED, Bools, GroupCount, GroupPresence, Index, Ints, Packing


class Limit(Protocol):
    """What is left of one form."""

    def fit(self, job: int) -> Ints | int:
        """Units that every rack could take, (R,)."""
        ...

    def fit_one(self, job: int, rack: int) -> int:
        """Units that `rack` could take."""
        ...

    def add(self, job: int, rack: int, units: int) -> None:
        """Keep the placement."""
        ...


class BinLimit:
    """Slots of each group on each rack, and the bins that they take."""

    def __init__(self, form: Packing) -> None:
        self.form = form
        least, most = form.size.min(axis=1, initial=UNLIMITED), form.size.max(axis=1, initial=0)
        # Slots of a unit where they are the same on every kind of rack, else 0.
        self._same_size = np.where(least == most, np.maximum(least, 1), 0).tolist()
        self.slots: dict[int, dict[int, int]] = defaultdict(dict)  # group -> rack -> slots
        self.free = form.bins.copy()
        self._group = form.group_of_job.tolist()
        self._kind = form.kind_of_rack.tolist()
        self._bin_size = form.bin_size.tolist()
        self._all_slots = form.bins * form.bin_size
        self.free_slots = self._all_slots.copy()

    def fit(self, job: int) -> Ints:
        """Units by free bins and by what is left of the group's own last bin, (R,)."""
        form, group = self.form, self._group[job]
        size: Ints | int = self._same_size[job]
        if not size:
            size = np.maximum(form.size[job], 1)[form.kind_of_rack]
        if group == NONE:
            return np.asarray(self._all_slots // size)
        slots = self.free_slots
        own = self.slots.get(group)
        if own:
            slots = slots.copy()
            racks = np.fromiter(own.keys(), np.int64, len(own))
            used = np.fromiter(own.values(), np.int64, len(own))
            slots[racks] += -used % form.bin_size[racks]
        return np.asarray(slots // size)

    def fit_one(self, job: int, rack: int) -> int:
        """Return the same for one rack."""
        group, bin_size = self._group[job], self._bin_size[rack]
        size = max(1, int(self.form.size[job, self._kind[rack]]))
        if group == NONE:
            return int(self._all_slots[rack]) // size
        own = self.slots[group].get(rack, 0)
        return int((int(self.free[rack]) * bin_size + -own % bin_size) // size)

    def add(self, job: int, rack: int, units: int) -> None:
        """Take the slots, and the bins that they newly fill or free."""
        group = self._group[job]
        if group == NONE:
            return
        own = self.slots[group]
        before = own.get(rack, 0)
        after = before + units * int(self.form.size[job, self._kind[rack]])
        bin_size = self._bin_size[rack]
        if after:
            own[rack] = after
        else:
            own.pop(rack, None)
        bins = -(-after // bin_size) - -(-before // bin_size)
        if bins:
            self.free[rack] -= bins
            self.free_slots[rack] -= bins * bin_size


class CountLimit:
    """Units of each group in each domain, against the hard limit."""

    def __init__(self, form: GroupCount, num_racks: int) -> None:
        self.form = form
        self.bounded = form.limit < UNLIMITED
        self.watched = self.bounded.copy()  # groups whose units are counted
        groups = form.group_of_job
        self.watched[groups[(groups != NONE) & form.survives]] = True
        self.inside: dict[int, Ints] = {}  # group -> (D,)
        self.domains_of_rack: list[list[int]] = [[] for _ in range(num_racks)]
        for domain, rack in zip(form.domains.row.tolist(), form.domains.rack.tolist(), strict=True):
            self.domains_of_rack[rack].append(domain)

    def _count(self, group: int) -> Ints:
        if group not in self.inside:
            self.inside[group] = np.zeros(self.form.domains.num_rows, np.int64)
        return self.inside[group]

    def fit(self, job: int) -> Ints | int:
        """Units that the tightest domain of every rack leaves to the group, (R,)."""
        group = int(self.form.group_of_job[job])
        if group == NONE or not self.bounded[group]:
            return UNLIMITED
        left = self.form.limit[group] - self._count(group)
        fits = np.full(len(self.domains_of_rack), UNLIMITED, np.int64)
        np.minimum.at(fits, self.form.domains.rack, left[self.form.domains.row])
        return fits

    def fit_one(self, job: int, rack: int) -> int:
        """Return the same for one rack."""
        group = int(self.form.group_of_job[job])
        if group == NONE or not self.bounded[group]:
            return UNLIMITED
        limit, count = int(self.form.limit[group]), self._count(group)
        left = (limit - int(count[d]) for d in self.domains_of_rack[rack])
        return min(left, default=UNLIMITED)

    def add(self, job: int, rack: int, units: int) -> None:
        """Count the units in every domain of the rack."""
        group = int(self.form.group_of_job[job])
        if group != NONE and self.watched[group]:
            self._count(group)[self.domains_of_rack[rack]] += units

    def worst_loss(self, job: int) -> int:
        """Units of a surviving job in its fullest domain."""
        group = int(self.form.group_of_job[job])
        return int(self._count(group).max(initial=0)) if self.form.survives[job] else 0

    def outside(self, job: int) -> Bools:
        """Racks in no domain that holds units of the job's group, (R,)."""
        outside = np.ones(len(self.domains_of_rack), bool)
        domains = self.form.domains
        outside[domains.rack[self._count(int(self.form.group_of_job[job]))[domains.row] > 0]] = (
            False
        )
        return outside


class PresenceLimit:
    """Units of each group in each domain: who is there, who may come."""

    def __init__(self, form: GroupPresence) -> None:
        self.form = form
        self.inside: dict[int, dict[int, int]] = {}  # group -> domain -> units
        self._groups_in: dict[int, set[int]] = defaultdict(set)  # domain -> groups, if any shares
        self.foes: list[frozenset[int]] = []
        if form.may_share is not None:
            self.foes = [frozenset(np.flatnonzero(~row).tolist()) for row in form.may_share]
        others = len(form.group_names) - 1
        self.exclusive = [len(foes) == others > 0 for foes in self.foes]
        # Foes of a group that shares, those left out that keep domains from everybody.
        self._own_foes = [
            [foe for foe in foes if not self.exclusive[foe]] if not alone else []
            for foes, alone in zip(self.foes, self.exclusive, strict=True)
        ]
        self._crowd = [0] * form.num_domains  # groups in each domain
        self._owned = [0] * form.num_domains  # exclusive groups in each domain
        self._group = form.group_of_job.tolist()
        self._domain = form.domain_of_rack.tolist()
        self._max = form.max_domains.tolist()
        self._racks_of = self._racks_by_domain()
        racks = len(form.domain_of_rack)
        self._unowned = np.ones(racks, bool)  # racks in domains that nobody keeps to itself
        self._empty = np.ones(racks, bool)  # racks in domains without any group

    def _racks_by_domain(self) -> list[Index]:
        domain = self.form.domain_of_rack
        order = np.argsort(domain, kind="stable").astype(np.int32)
        cuts = np.searchsorted(domain[order], np.arange(self.form.num_domains + 1))
        return [order[a:b] for a, b in itertools.pairwise(cuts.tolist())]

    def group_of(self, job: int) -> int:
        """Return the group of a job, NONE: not concerned."""
        group: int = self._group[job]
        return group

    def open_racks(self, group: int) -> Bools | None:
        """Racks whose domain `group` may enter or is in, (R,), not to be changed; None: all."""
        here = self.inside.get(group)
        if here and len(here) >= self._max[group]:
            is_open = self.form.domain_of_rack == NONE
        elif not self.foes or not self.foes[group]:
            return None if self._max[group] else np.asarray(self.form.domain_of_rack == NONE)
        elif self.exclusive[group]:
            if not here:
                return self._empty
            is_open = self._empty.copy()
        else:
            foreign = [d for foe in self._own_foes[group] for d in self.inside.get(foe, ())]
            if not foreign:
                return self._unowned
            is_open = self._unowned.copy()
            for domain in foreign:
                is_open[self._racks_of[domain]] = False
        for domain in here or ():
            is_open[self._racks_of[domain]] = True
        return np.asarray(is_open)

    def fit(self, job: int) -> Ints | int:
        """No limit on racks of open domains, nothing on others, (R,)."""
        group = self._group[job]
        is_open = None if group == NONE else self.open_racks(group)
        return UNLIMITED if is_open is None else np.where(is_open, UNLIMITED, 0)

    def fit_one(self, job: int, rack: int) -> int:
        """Return the same for one rack."""
        group, domain = self._group[job], self._domain[rack]
        if group == NONE or domain == NONE:
            return UNLIMITED
        here = self.inside.get(group)
        if here and domain in here:
            return UNLIMITED
        if len(here or ()) >= self._max[group]:
            return 0
        if self.foes and self.foes[group] and self._crowd[domain]:
            if self.exclusive[group] or self._owned[domain]:
                return 0
            if self._own_foes[group] and not self._groups_in[domain].isdisjoint(self.foes[group]):
                return 0
        return UNLIMITED

    def add(self, job: int, rack: int, units: int) -> None:
        """Count the units in the rack's domain."""
        group, domain = self._group[job], self._domain[rack]
        if group == NONE or domain == NONE:
            return
        here = self.inside.setdefault(group, {})
        now = here.get(domain, 0) + units
        if now == units and self.foes:
            self._enter(group, domain, 1)
        if now:
            here[domain] = now
        else:
            del here[domain]
            if self.foes:
                self._enter(group, domain, -1)

    def _enter(self, group: int, domain: int, change: int) -> None:
        self._crowd[domain] += change
        self._empty[self._racks_of[domain]] = not self._crowd[domain]
        if self.exclusive[group]:
            self._owned[domain] += change
            self._unowned[self._racks_of[domain]] = not self._owned[domain]
        if change > 0:
            self._groups_in[domain].add(group)
        else:
            self._groups_in[domain].discard(group)
