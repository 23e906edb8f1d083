"""Group presence: what a group pays and breaks where a shard lets it leave or enter a domain."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from kernels.candidates import Candidates
from kernels.forms import NONE, Bools, GroupPresence, Index, Ints, Shards
from kernels.parts.changes import Changes


class Presence:
    """Where groups are present in one plan, sorted by (group, domain)."""

    def __init__(self, form: GroupPresence, shards: Shards) -> None:
        self.form = form
        self.num_domains = form.num_domains
        group, domain = form.group_of_job[shards.job], form.domain_of_rack[shards.rack]
        kept = np.flatnonzero((group != NONE) & (domain != NONE))
        keys = group[kept].astype(np.int64) * self.num_domains + domain[kept]
        self.key, where = np.unique(keys, return_inverse=True)
        self.units = np.zeros(len(self.key), np.int64)
        np.add.at(self.units, where, shards.units[kept])
        self.group, self.domain = np.divmod(self.key, max(1, self.num_domains))
        self.used = np.bincount(self.group, minlength=len(form.max_domains))  # (G,)
        self.has_foes: Bools = np.zeros(len(form.max_domains), bool)  # (G,)
        if form.may_share is not None:
            self.has_foes |= ~form.may_share.all(axis=1)
        self._foes: dict[int, Ints] = {}  # many candidates ask for few groups

    def units_at(self, group: Index | Ints, domain: Index | Ints) -> Ints:
        """Return the units of groups in domains."""
        asked = group.astype(np.int64) * self.num_domains + domain
        if not len(self.key):
            return np.zeros(len(asked), np.int64)
        at = np.minimum(np.searchsorted(self.key, asked), len(self.key) - 1)
        return np.where(self.key[at] == asked, self.units[at], 0)

    def domains_of(self, group: int) -> Ints:
        """Return the domains in which a group is present."""
        span = (group * self.num_domains, (group + 1) * self.num_domains)
        first, end = np.searchsorted(self.key, span)
        domains: Ints = self.domain[first:end]
        return domains

    @cached_property
    def racks(self) -> tuple[Ints, Ints]:
        """Racks by domain: offsets (D + 1,) and racks."""
        order = np.argsort(self.form.domain_of_rack, kind="stable")
        domains = np.arange(self.num_domains + 1)
        return np.searchsorted(self.form.domain_of_rack[order], domains), order

    def foes_in(self, group: int) -> Ints:
        """Return how many groups with which it may not share are in each domain, (D,)."""
        if not self.has_foes[group] or self.form.may_share is None:
            return np.zeros(self.num_domains, np.int64)
        if group not in self._foes:
            foe = ~self.form.may_share[group, self.group]
            self._foes[group] = np.bincount(self.domain[foe], minlength=self.num_domains)
        return self._foes[group]

    def leaves(self, candidates: Candidates) -> Bools:
        """Return whether a candidate takes the last units of its group out of a domain, (N,)."""
        group, placed = self.group_of(candidates), candidates.source != NONE
        domain = np.where(placed, self.form.domain_of_rack[candidates.source], NONE)
        inside = np.flatnonzero((group != NONE) & (domain != NONE))
        last = np.zeros(len(candidates), bool)
        left = self.units_at(group[inside], domain[inside]) - candidates.units[inside]
        last[inside] = left == 0
        return last

    def group_of(self, candidates: Candidates) -> Index:
        """Return the group of every candidate, (N,)."""
        groups: Index = self.form.group_of_job[candidates.job]
        return groups

    def leaving(self, candidates: Candidates) -> Changes:
        """Return what goes with a domain that the group leaves, (N,)."""
        form, group = self.form, self.group_of(candidates)
        violation, margin = np.zeros((2, len(candidates)), np.int64)
        last = np.flatnonzero(self.leaves(candidates))
        own, used = group[last], self.used[group[last]]
        domain = form.domain_of_rack[candidates.source[last]]
        violation[last] = -(used > form.max_domains[own]).astype(np.int64)
        margin[last] = np.where(used > form.free_domains[own], form.price_mills[own], 0)
        for g in np.unique(own[self.has_foes[own]]).tolist():
            of_group = np.flatnonzero(own == g)
            violation[last[of_group]] -= self.foes_in(g)[domain[of_group]]
        return Changes(violation=violation, margin_mills=margin)

    def one_more(self, candidates: Candidates) -> Changes:
        """Return what the next domain costs a group once the candidate has left its own, (N,)."""
        form, group = self.form, self.group_of(candidates)
        some = group != NONE
        others = self.used[group] - self.leaves(candidates)
        above = (others >= form.max_domains[group]).astype(np.int64)
        price = np.where(others >= form.free_domains[group], form.price_mills[group], 0)
        return Changes(violation=np.where(some, above, 0), margin_mills=-np.where(some, price, 0))

    def entering(self, candidates: Candidates, n: int) -> Changes:
        """Return what entering each rack's domain adds once candidate n has left its own, (R,)."""
        form, one = self.form, candidates.take(slice(n, n + 1))
        group, domain = int(form.group_of_job[one.job[0]]), form.domain_of_rack
        if group == NONE:
            return Changes()
        there = np.zeros(self.num_domains + 1, bool)  # the last stands for racks in no domain
        there[self.domains_of(group)] = True
        if self.leaves(one)[0]:
            there[domain[one.source[0]]] = False
        enters = (~there[domain] & (domain != NONE)).astype(np.int64)
        foes = np.append(self.foes_in(group), 0)[domain]
        more = self.one_more(one)
        return Changes(
            violation=enters * (foes + more.violation), margin_mills=enters * more.margin_mills
        )
