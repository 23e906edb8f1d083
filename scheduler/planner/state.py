"""A plan under construction, with the slack of every limit kept exactly.

`State.fit` says how many units of a job each rack still takes, looking at all forms at once;
`State.room` leaves the linear rows out, which is much faster and never too little; `State.add`
places units and keeps every slack. Nothing is ever placed that breaks a limit.
"""

from __future__ import annotations

from collections.abc import Iterable

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
from scheduler.planner.limits import BinLimit, CountLimit, Limit, PresenceLimit
from scheduler.planner.loads import Loads


class Ground:
    """What never changes while plans of one problem are built: shared by all states."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.costs = [form for form in compiled.forms if isinstance(form, AssignmentCost)]
        self.loads = Loads([f for f in compiled.forms if isinstance(f, LinearLoad)], compiled)
        self._allowed: dict[bytes, Bools] = {}
        self._cost: dict[bytes, Ints] = {}

    def allowed_key(self, job: int) -> bytes:
        """Return what jobs have in common that may use the same racks."""
        return b"".join(form.allowed[job].tobytes() for form in self.costs)

    def allowed(self, job: int) -> Bools:
        """Racks on which no form forbids `job`, (R,)."""
        key = self.allowed_key(job)
        if key not in self._allowed:
            allowed = np.ones(self.compiled.num_racks, bool)
            for form in self.costs:
                allowed &= form.allowed[job, form.kind_of_rack]
            self._allowed[key] = allowed
        return self._allowed[key]

    def cost(self, job: int) -> Ints:
        """Cost of one unit of `job` on every rack, (R,) mills per hour."""
        key = b"".join(form.cost_mills[job].tobytes() for form in self.costs)
        if key not in self._cost:
            cost = np.zeros(self.compiled.num_racks, np.int64)
            for form in self.costs:
                cost += form.cost_mills[job, form.kind_of_rack]
            self._cost[key] = cost
        return self._cost[key]


class State:
    """Units per job and rack, and what is left of every limit."""

    def __init__(self, ground: Ground | Compiled) -> None:
        self.ground = ground if isinstance(ground, Ground) else Ground(ground)
        self.compiled = compiled = self.ground.compiled
        forms = compiled.forms
        self.packings = [BinLimit(f) for f in forms if isinstance(f, Packing)]
        self.counts = [
            CountLimit(f, compiled.num_racks) for f in forms if isinstance(f, GroupCount)
        ]
        self.presences = [PresenceLimit(f) for f in forms if isinstance(f, GroupPresence)]
        self.limits: list[Limit] = [*self.packings, *self.counts, *self.presences]
        self.loads = self.ground.loads
        self.slack = self.loads.slack.copy()
        self.placed: list[dict[int, int]] = [{} for _ in range(compiled.num_jobs)]
        self.total = np.zeros(compiled.num_jobs, np.int64)
        self._anything = np.full(compiled.num_racks, UNLIMITED, np.int64)

    @property
    def free_slots(self) -> Ints:
        """Slots of bins that nobody uses, (R,)."""
        return self.packings[0].free_slots

    def room(self, job: int) -> Ints:
        """Units of `job` that every rack could take if linear rows never bound, (R,)."""
        left = int(self.compiled.units.most[job] - self.total[job])
        room = self.packings[0].fit(job) if self.packings else self._anything
        room = np.minimum(room, left)
        room *= self.ground.allowed(job)
        for presence in self.presences:
            group = presence.group_of(job)
            is_open = None if group == NONE else presence.open_racks(group)
            if is_open is not None:
                room *= is_open
        for count in self.counts:
            most = count.fit(job)
            if not isinstance(most, int):
                np.minimum(room, most, out=room)
        return np.maximum(room, 0, out=room)

    def fit(self, job: int) -> Ints:
        """Units of `job` that every rack could take by itself, (R,)."""
        fits = self.room(job)
        np.minimum(fits, self.loads.fit(job, self.slack), out=fits)
        return np.maximum(fits, 0, out=fits)

    def fit_one(self, job: int, rack: int) -> int:
        """Units of `job` that `rack` still takes, knowing that `allowed` holds."""
        fit = int(self.compiled.units.most[job] - self.total[job])
        for limit in self.limits:
            if fit <= 0:
                return 0
            fit = min(fit, limit.fit_one(job, rack))
        return max(0, min(fit, self.loads.fit_one(job, rack, self.slack))) if fit > 0 else 0

    def allowed(self, job: int) -> Bools:
        """Racks on which no form forbids `job`, (R,)."""
        return self.ground.allowed(job)

    def cost(self, job: int) -> Ints:
        """Cost of one unit of `job` on every rack, (R,) mills per hour."""
        return self.ground.cost(job)

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

    @staticmethod
    def of(ground: Ground, shards: Shards) -> State:
        """Return the state of a plan that breaks nothing."""
        state = State(ground)
        for job, rack, units in zip(
            shards.job.tolist(), shards.rack.tolist(), shards.units.tolist(), strict=True
        ):
            state.add(job, rack, units)
        return state


def one_domain_labels(state: State, job: int) -> Index:
    """Label racks so that a job which must lie in one domain may only use racks of one label."""
    label = np.zeros(state.compiled.num_racks, np.int64)
    for presence in state.presences:
        form, group = presence.form, presence.form.group_of_job[job]
        if group != NONE and form.max_domains[group] == 1:
            label = label * (form.num_domains + 1) + form.domain_of_rack + 1
    return np.unique(label, return_inverse=True)[1].astype(np.int32)
