"""What is left of the limits of each form, kept exactly while units are placed."""

from __future__ import annotations

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

    def __init__(self, form: Packing, num_racks: int) -> None:
        self.form = form
        num_groups = int(form.group_of_job.max(initial=NONE)) + 1
        self.slots = np.zeros((num_groups, num_racks), np.int64)
        self.free = form.bins.copy()

    def fit(self, job: int) -> Ints:
        """Units by free bins and by what is left of the group's own last bin, (R,)."""
        form, group = self.form, self.form.group_of_job[job]
        size = np.maximum(form.size[job, form.kind_of_rack], 1)
        if group == NONE:
            return np.asarray(form.bins * form.bin_size // size)
        own_rest = -self.slots[group] % form.bin_size
        return np.asarray((self.free * form.bin_size + own_rest) // size)

    def fit_one(self, job: int, rack: int) -> int:
        """Return the same for one rack."""
        form, group = self.form, self.form.group_of_job[job]
        size, bin_size = int(form.size[job, form.kind_of_rack[rack]]), int(form.bin_size[rack])
        if group == NONE:
            return int(form.bins[rack]) * bin_size // size
        return (int(self.free[rack]) * bin_size + int(-self.slots[group, rack]) % bin_size) // size

    def add(self, job: int, rack: int, units: int) -> None:
        """Take the slots, and the bins that they newly fill or free."""
        form, group = self.form, self.form.group_of_job[job]
        if group == NONE:
            return
        before = int(self.slots[group, rack])
        after = before + units * int(form.size[job, form.kind_of_rack[rack]])
        bin_size = int(form.bin_size[rack])
        self.slots[group, rack] = after
        self.free[rack] += -(-before // bin_size) - -(-after // bin_size)


class CountLimit:
    """Units of each group in each domain, against the hard limit."""

    def __init__(self, form: GroupCount, num_racks: int) -> None:
        self.form = form
        self.inside = np.zeros((len(form.limit), form.domains.num_rows), np.int64)
        self.bounded = form.limit < UNLIMITED
        self.domains_of_rack: list[list[int]] = [[] for _ in range(num_racks)]
        for domain, rack in zip(form.domains.row.tolist(), form.domains.rack.tolist(), strict=True):
            self.domains_of_rack[rack].append(domain)

    def fit(self, job: int) -> Ints | int:
        """Units that the tightest domain of every rack leaves to the group, (R,)."""
        group = self.form.group_of_job[job]
        if group == NONE or not self.bounded[group]:
            return UNLIMITED
        left = self.form.limit[group] - self.inside[group]
        fits = np.full(len(self.domains_of_rack), UNLIMITED, np.int64)
        np.minimum.at(fits, self.form.domains.rack, left[self.form.domains.row])
        return fits

    def fit_one(self, job: int, rack: int) -> int:
        """Return the same for one rack."""
        group = self.form.group_of_job[job]
        if group == NONE or not self.bounded[group]:
            return UNLIMITED
        left = (
            int(self.form.limit[group] - self.inside[group, d]) for d in self.domains_of_rack[rack]
        )
        return min(left, default=UNLIMITED)

    def add(self, job: int, rack: int, units: int) -> None:
        """Count the units in every domain of the rack."""
        group = self.form.group_of_job[job]
        if group != NONE:
            for domain in self.domains_of_rack[rack]:
                self.inside[group, domain] += units

    def worst_loss(self, job: int) -> int:
        """Units of a surviving job in its fullest domain."""
        group = self.form.group_of_job[job]
        return int(self.inside[group].max(initial=0)) if self.form.survives[job] else 0


class PresenceLimit:
    """Units of each group in each domain: who is there, who may come."""

    def __init__(self, form: GroupPresence) -> None:
        self.form = form
        self.inside = np.zeros((len(form.group_names), max(1, form.num_domains)), np.int64)
        self.foes = [] if form.may_share is None else [np.flatnonzero(~m) for m in form.may_share]

    def open_domains(self, group: int) -> Bools:
        """Domains that `group` may enter or is in, (D,)."""
        here = self.inside[group] > 0
        if self.foes and len(self.foes[group]):
            is_open = ~(self.inside[self.foes[group]] > 0).any(axis=0)
        else:
            is_open = np.ones(len(here), bool)
        if here.sum() >= self.form.max_domains[group]:
            is_open &= here
        return np.asarray(is_open)

    def fit(self, job: int) -> Ints | int:
        """No limit on racks of open domains, nothing on others, (R,)."""
        group = self.form.group_of_job[job]
        if group == NONE:
            return UNLIMITED
        domain = self.form.domain_of_rack
        is_open = self.open_domains(group)[domain] | (domain == NONE)
        return np.where(is_open, UNLIMITED, 0)

    def fit_one(self, job: int, rack: int) -> int:
        """Return the same for one rack."""
        group, domain = self.form.group_of_job[job], self.form.domain_of_rack[rack]
        if group == NONE or domain == NONE or self.inside[group, domain] > 0:
            return UNLIMITED
        return UNLIMITED if self.open_domains(group)[domain] else 0

    def add(self, job: int, rack: int, units: int) -> None:
        """Count the units in the rack's domain."""
        group, domain = self.form.group_of_job[job], self.form.domain_of_rack[rack]
        if group != NONE and domain != NONE:
            self.inside[group, domain] += units
