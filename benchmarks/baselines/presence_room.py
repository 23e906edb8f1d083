"""Which domains a group may enter, and how much of a group a domain may still take."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, UNLIMITED, Bools, GroupCount, GroupPresence, Ints

Counts = defaultdict[int, int]


class PresenceRoom:
    """Units of each group in each domain, sparse; who may not come is counted where it matters."""

    def __init__(self, form: GroupPresence) -> None:
        self.form = form
        self.inside: defaultdict[int, Counts] = defaultdict(lambda: defaultdict(int))
        shares = form.may_share
        num_groups = len(form.group_names)
        # (G, D): groups in the domain with which g may not share it.
        self.foes: NDArray[np.int16] | None = None
        self.keeps_to_itself: Bools = np.zeros(num_groups, bool)
        if shares is not None:
            self.foes = np.zeros((num_groups, form.num_domains), np.int16)
            self.keeps_to_itself = np.asarray((shares.sum(axis=1) == 1) & (num_groups > 1))

    def open_racks(self, job: int) -> Bools | None:
        """Racks whose domain the job's group may use, (R,); None if it may use all."""
        group = int(self.form.group_of_job[job])
        if group == NONE:
            return None
        full = len(self.inside[group]) >= self.form.max_domains[group]
        if self.foes is None and not full:
            return None
        is_open = np.ones(self.form.num_domains + 1, bool)  # the last one: in no domain
        if self.foes is not None:
            is_open[:-1] = self.foes[group] == 0
        if full:
            is_open[:-1] &= self._held(group)
        return np.asarray(is_open[self.form.domain_of_rack])

    def may_enter(self, job: int, rack: int) -> bool:
        """Return the same for one rack."""
        group, domain = int(self.form.group_of_job[job]), int(self.form.domain_of_rack[rack])
        if group == NONE or domain == NONE or domain in self.inside[group]:
            return True
        if self.foes is not None and self.foes[group, domain]:
            return False
        return bool(len(self.inside[group]) < self.form.max_domains[group])

    def own_racks(self, job: int) -> Bools | None:
        """Racks of domains that the group has to itself already, (R,); None if there are none."""
        group = int(self.form.group_of_job[job])
        if group == NONE or not self.keeps_to_itself[group] or not self.inside[group]:
            return None
        return np.asarray(np.append(self._held(group), False)[self.form.domain_of_rack])

    def add(self, job: int, rack: int, units: int) -> None:
        """Count the units in the rack's domain; tell its foes of who comes and who leaves."""
        group, domain = int(self.form.group_of_job[job]), int(self.form.domain_of_rack[rack])
        if group == NONE or domain == NONE:
            return
        own = self.inside[group]
        before, own[domain] = own[domain], own[domain] + units
        if not own[domain]:
            del own[domain]
        change = int(domain in own) - int(before > 0)
        if change and self.foes is not None and self.form.may_share is not None:
            self.foes[~self.form.may_share[group], domain] += change

    def _held(self, group: int) -> Bools:
        held = np.zeros(self.form.num_domains, bool)
        held[list(self.inside[group])] = True
        return held


class CountRoom:
    """Units of each limited group in each domain of a `GroupCount`."""

    def __init__(self, form: GroupCount, num_racks: int) -> None:
        self.form = form
        domains = form.domains.num_rows
        self.inside: defaultdict[int, Ints] = defaultdict(lambda: np.zeros(domains, np.int64))
        order = np.argsort(form.domains.rack, kind="stable")
        ends = np.searchsorted(form.domains.rack[order], np.arange(1, num_racks))
        self.domains_of_rack = np.split(form.domains.row[order], ends)

    def fit(self, job: int) -> Ints | None:
        """Units that the tightest domain of every rack leaves the group, (R,); None: any."""
        group = int(self.form.group_of_job[job])
        if group == NONE or self.form.limit[group] >= UNLIMITED:
            return None
        left = self.form.limit[group] - self.inside[group]
        fits = np.full(len(self.domains_of_rack), UNLIMITED, np.int64)
        np.minimum.at(fits, self.form.domains.rack, left[self.form.domains.row])
        return fits

    def fit_one(self, job: int, rack: int) -> int:
        """Return the same for one rack."""
        group = int(self.form.group_of_job[job])
        if group == NONE or self.form.limit[group] >= UNLIMITED:
            return UNLIMITED
        inside = self.inside[group][self.domains_of_rack[rack]]
        return int(self.form.limit[group] - inside.max(initial=0))

    def add(self, job: int, rack: int, units: int) -> None:
        """Count the units in every domain of the rack."""
        group = int(self.form.group_of_job[job])
        if group != NONE and self.form.limit[group] < UNLIMITED:
            self.inside[group][self.domains_of_rack[rack]] += units

    def worst_loss(self, job: int, placed: dict[int, int]) -> int:
        """Units of a job that must survive in the domain whose loss costs it most."""
        if not self.form.survives[job]:
            return 0
        lost = np.zeros(self.form.domains.num_rows, np.int64)
        for rack, units in placed.items():
            lost[self.domains_of_rack[rack]] += units
        return int(lost.max(initial=0))
