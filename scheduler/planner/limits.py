"""What is left of the limits of each form, kept exactly while units are placed.

Only groups and domains that meet are stored: a site of a million GPUs has tens of thousands of
groups and as many domains.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

import numpy as np

from kernels.forms import NONE, UNLIMITED, Bools, GroupCount, GroupPresence, Ints, Packing


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


class PresenceLimit:
    """Units of each group in each domain: who is there, who may come."""

    def __init__(self, form: GroupPresence) -> None:
        self.form = form
        self.inside: dict[int, dict[int, int]] = {}  # group -> domain -> units
        self._groups_in: dict[int, set[int]] = defaultdict(set)  # domain -> groups, if any shares
        self.foes: list[Ints] = []
        if form.may_share is not None:
            self.foes = [np.flatnonzero(~row) for row in form.may_share]
        others = len(form.group_names) - 1
        self.exclusive = [len(foes) == others > 0 for foes in self.foes]
        self._crowd = np.zeros(form.num_domains, np.int64)  # groups in each domain
        self._owned = np.zeros(form.num_domains, np.int64)  # exclusive groups in each domain
        self._group = form.group_of_job.tolist()
        self._domain = form.domain_of_rack.tolist()
        self._max = form.max_domains.tolist()
        self._all_inside = bool((form.domain_of_rack != NONE).all())

    def open_domains(self, group: int) -> Bools | None:
        """Domains that `group` may enter or is in, (D,); None: all."""
        here = list(self.inside.get(group, ()))
        if len(here) >= self._max[group]:
            is_open = np.zeros(self.form.num_domains, bool)
            is_open[here] = True
            return is_open
        if not self.foes or not len(self.foes[group]):
            return None
        if self.exclusive[group]:
            is_open = self._crowd == 0
        else:
            is_open = self._owned == 0
            for foe in self.foes[group].tolist():
                if not self.exclusive[foe]:
                    is_open[list(self.inside.get(foe, ()))] = False
        is_open[here] = True
        return np.asarray(is_open)

    def fit(self, job: int) -> Ints | int:
        """No limit on racks of open domains, nothing on others, (R,)."""
        group = self._group[job]
        is_open = None if group == NONE else self.open_domains(group)
        if is_open is None:
            return UNLIMITED
        domain = self.form.domain_of_rack
        allowed = is_open[domain]
        if not self._all_inside:
            allowed |= domain == NONE
        return np.where(allowed, UNLIMITED, 0)

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
        if self.foes and len(self.foes[group]) and self._crowd[domain]:
            if self.exclusive[group] or self._owned[domain]:
                return 0
            if not self._groups_in[domain].isdisjoint(self.foes[group].tolist()):
                return 0
        return UNLIMITED

    def add(self, job: int, rack: int, units: int) -> None:
        """Count the units in the rack's domain."""
        group, domain = self._group[job], self._domain[rack]
        if group == NONE or domain == NONE:
            return
        here = self.inside.setdefault(group, {})
        now = here.get(domain, 0) + units
        if now == units:
            self._enter(group, domain, 1)
        if now:
            here[domain] = now
        else:
            del here[domain]
            self._enter(group, domain, -1)

    def _enter(self, group: int, domain: int, change: int) -> None:
        if not self.foes:
            return
        self._crowd[domain] += change
        self._owned[domain] += change * self.exclusive[group]
        if change > 0:
            self._groups_in[domain].add(group)
        else:
            self._groups_in[domain].discard(group)
