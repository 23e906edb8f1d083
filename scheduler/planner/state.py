"""A plan under construction, with the slack of every limit kept exactly.

`State.fit` says how many units of a job each rack still takes, looking at all forms at once;
`State.add` places units and keeps every slack. Nothing is ever placed that breaks a limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Bools,
    Compiled,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    LinearLoad,
    Packing,
    Shards,
)
from scheduler.planner.loads import Loads


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


class State:
    """Units per job and rack, and what is left of every limit."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        forms = compiled.forms
        self.costs = [form for form in forms if isinstance(form, AssignmentCost)]
        self.packings = [_Bins(f, compiled.num_racks) for f in forms if isinstance(f, Packing)]
        self.counts = [_Counts(f, compiled.num_racks) for f in forms if isinstance(f, GroupCount)]
        self.presences = [_Presence(f) for f in forms if isinstance(f, GroupPresence)]
        self.limits: list[Limit] = [*self.packings, *self.counts, *self.presences]
        self.loads = Loads([f for f in forms if isinstance(f, LinearLoad)], compiled)
        self.slack = self.loads.slack.copy()
        self.placed: list[dict[int, int]] = [{} for _ in range(compiled.num_jobs)]
        self.total = np.zeros(compiled.num_jobs, np.int64)

    def fit(self, job: int) -> Ints:
        """Units of `job` that every rack could take by itself, (R,)."""
        fits = np.where(self.allowed(job), self.loads.fit(job, self.slack), 0)
        for limit in self.limits:
            np.minimum(fits, limit.fit(job), out=fits)
        left = self.compiled.units.most[job] - self.total[job]
        return np.clip(fits, 0, left)

    def fit_one(self, job: int, rack: int) -> int:
        """Units of `job` that `rack` still takes, knowing that `allowed` holds."""
        fit = self.loads.fit_one(job, rack, self.slack)
        for limit in self.limits:
            if fit <= 0:
                return 0
            fit = min(fit, limit.fit_one(job, rack))
        return max(0, min(fit, int(self.compiled.units.most[job] - self.total[job])))

    def allowed(self, job: int) -> Bools:
        """Racks on which no form forbids `job`, (R,)."""
        allowed = np.ones(self.compiled.num_racks, bool)
        for form in self.costs:
            allowed &= form.allowed[job, form.kind_of_rack]
        return allowed

    def cost(self, job: int) -> Ints:
        """Cost of one unit of `job` on every rack, (R,) mills per hour."""
        cost = np.zeros(self.compiled.num_racks, np.int64)
        for form in self.costs:
            cost += form.cost_mills[job, form.kind_of_rack]
        return cost

    def add(self, job: int, rack: int, units: int) -> None:
        """Place `units` more (or fewer, if negative) of `job` on `rack`."""
        now = self.placed[job].get(rack, 0) + units
        if now:
            self.placed[job][rack] = now
        else:
            del self.placed[job][rack]
        self.total[job] += units
        self.loads.add(job, rack, units, self.slack)
        for limit in self.limits:
            limit.add(job, rack, units)

    def fill(self, job: int, racks: Iterable[int], want: int) -> int:
        """Place up to `want` units of `job` on `racks`, in this order; return how many."""
        done = 0
        for rack in racks:
            if done >= want:
                break
            units = min(self.fit_one(job, int(rack)), want - done)
            if units > 0:
                self.add(job, int(rack), units)
                done += units
        return done

    def remove(self, job: int) -> dict[int, int]:
        """Take `job` off all racks and return where it was."""
        was = dict(self.placed[job])
        for rack, units in was.items():
            self.add(job, rack, -units)
        return was

    def put_back(self, job: int, was: dict[int, int]) -> None:
        """Undo `remove`."""
        for rack, units in was.items():
            self.add(job, rack, units)

    def shards(self) -> Shards:
        """Return the placements as arrays."""
        triples = [(j, r, n) for j, racks in enumerate(self.placed) for r, n in racks.items()]
        return Shards.build(*np.array(triples, np.int64).reshape(-1, 3).T)

    def load_shards(self, shards: Shards) -> None:
        """Place everything in `shards`; the caller knows that it fits."""
        for job, rack, units in zip(
            shards.job.tolist(), shards.rack.tolist(), shards.units.tolist(), strict=True
        ):
            self.add(job, rack, units)


class _Bins:
    """Slots of each group on each rack, and the bins that they take."""

    def __init__(self, form: Packing, num_racks: int) -> None:
        self.form = form
        num_groups = int(form.group_of_job.max(initial=NONE)) + 1
        self.slots = np.zeros((num_groups, num_racks), np.int64)
        self.free = form.bins.copy()

    def fit(self, job: int) -> Ints:
        form, group = self.form, self.form.group_of_job[job]
        size = np.maximum(form.size[job, form.kind_of_rack], 1)
        if group == NONE:
            return np.asarray(form.bins * form.bin_size // size)
        own_rest = -self.slots[group] % form.bin_size
        return np.asarray((self.free * form.bin_size + own_rest) // size)

    def fit_one(self, job: int, rack: int) -> int:
        form, group = self.form, self.form.group_of_job[job]
        size, bin_size = int(form.size[job, form.kind_of_rack[rack]]), int(form.bin_size[rack])
        if group == NONE:
            return int(form.bins[rack]) * bin_size // size
        return (int(self.free[rack]) * bin_size + int(-self.slots[group, rack]) % bin_size) // size

    def add(self, job: int, rack: int, units: int) -> None:
        form, group = self.form, self.form.group_of_job[job]
        if group == NONE:
            return
        before = int(self.slots[group, rack])
        after = before + units * int(form.size[job, form.kind_of_rack[rack]])
        bin_size = int(form.bin_size[rack])
        self.slots[group, rack] = after
        self.free[rack] += -(-before // bin_size) - -(-after // bin_size)


class _Counts:
    """Units of each group in each domain, against the hard limit."""

    def __init__(self, form: GroupCount, num_racks: int) -> None:
        self.form = form
        self.inside = np.zeros((len(form.limit), form.domains.num_rows), np.int64)
        self.bounded = form.limit < UNLIMITED
        self.domains_of_rack: list[list[int]] = [[] for _ in range(num_racks)]
        for domain, rack in zip(form.domains.row.tolist(), form.domains.rack.tolist(), strict=True):
            self.domains_of_rack[rack].append(domain)

    def fit(self, job: int) -> Ints | int:
        group = self.form.group_of_job[job]
        if group == NONE or not self.bounded[group]:
            return UNLIMITED
        left = self.form.limit[group] - self.inside[group]
        fits = np.full(len(self.domains_of_rack), UNLIMITED, np.int64)
        np.minimum.at(fits, self.form.domains.rack, left[self.form.domains.row])
        return fits

    def fit_one(self, job: int, rack: int) -> int:
        group = self.form.group_of_job[job]
        if group == NONE or not self.bounded[group]:
            return UNLIMITED
        left = (
            int(self.form.limit[group] - self.inside[group, d]) for d in self.domains_of_rack[rack]
        )
        return min(left, default=UNLIMITED)

    def add(self, job: int, rack: int, units: int) -> None:
        group = self.form.group_of_job[job]
        if group != NONE:
            for domain in self.domains_of_rack[rack]:
                self.inside[group, domain] += units

    def worst_loss(self, job: int) -> int:
        """Units of a surviving job in its fullest domain."""
        group = self.form.group_of_job[job]
        return int(self.inside[group].max(initial=0)) if self.form.survives[job] else 0


class _Presence:
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
        group = self.form.group_of_job[job]
        if group == NONE:
            return UNLIMITED
        domain = self.form.domain_of_rack
        is_open = self.open_domains(group)[domain] | (domain == NONE)
        return np.where(is_open, UNLIMITED, 0)

    def fit_one(self, job: int, rack: int) -> int:
        group, domain = self.form.group_of_job[job], self.form.domain_of_rack[rack]
        if group == NONE or domain == NONE or self.inside[group, domain] > 0:
            return UNLIMITED
        return UNLIMITED if self.open_domains(group)[domain] else 0

    def add(self, job: int, rack: int, units: int) -> None:
        group, domain = self.form.group_of_job[job], self.form.domain_of_rack[rack]
        if group != NONE and domain != NONE:
            self.inside[group, domain] += units


def one_domain_labels(state: State, job: int) -> Index:
    """Label racks so that a job which must lie in one domain may only use racks of one label."""
    label = np.zeros(state.compiled.num_racks, np.int64)
    for presence in state.presences:
        form, group = presence.form, presence.form.group_of_job[job]
        if group != NONE and form.max_domains[group] == 1:
            label = label * (form.num_domains + 1) + form.domain_of_rack + 1
    return np.unique(label, return_inverse=True)[1].astype(np.int32)
