"""Ruin and recreate: empty a few blocks of racks, fill them in another order, keep the better.

One step costs as much as placing some dozens of jobs. Steps that lose a little are kept early on
and no longer later (threshold accepting), so that the search leaves the first valley; the best
plan on the way is what counts. The same seed gives the same steps.

Source: Schrimpf et al., Record breaking optimization results using the ruin and recreate
principle, J. Comp. Phys. 159 (2000); Dueck and Scheuer, Threshold accepting (1990).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kernels.forms import NONE, Ints, Shards
from scheduler.planner.placing import Placer
from scheduler.planner.state import State

Stop = Callable[[], bool]
MOST_RUINED = 120  # jobs that one step takes away
MOST_WAITING = 80  # jobs from outside that one step tries to place
START = 2e-3  # loss that is tolerated at first, as a share of the margin
NEVER = 2**62
NOISE = 0.25  # of the logarithm of a job's rank


class Ruin:
    """A search from one plan on."""

    def __init__(self, placer: Placer, shards: Shards, seed: int) -> None:
        self.placer = placer
        self.state = State.of(placer.ground, shards)
        self.rng = np.random.default_rng(seed)
        self.movable = placer.plain & (placer.value > 0)
        racks = placer.compiled.num_racks
        self.jobs_on: list[set[int]] = [set() for _ in range(racks)]
        for job, rack in zip(shards.job.tolist(), shards.rack.tolist(), strict=True):
            self.jobs_on[rack].add(job)
        self.profit = sum(self.worth(job) for job in np.flatnonzero(self.state.total).tolist())
        self.best_profit, self.best = self.profit, shards
        self._block_racks = [
            np.flatnonzero(placer.block_of_rack == b).tolist() for b in range(placer.num_blocks)
        ]
        self._filled = [b for b, racks_of in enumerate(self._block_racks) if racks_of]

    def worth(self, job: int) -> int:
        """Margin of a placed job, mills per hour."""
        state, placer = self.state, self.placer
        placed = state.placed[job]
        if not placed:
            return 0
        cost = state.cost(job)
        worth = int(placer.value[job]) * min(
            int(state.total[job]), int(placer.compiled.units.counted_most[job])
        )
        worth -= sum(units * int(cost[rack]) for rack, units in placed.items())
        for presence in state.presences:
            group = presence.form.group_of_job[job]
            if group != NONE and presence.form.price_mills[group]:
                extra = len(presence.inside[int(group)]) - int(presence.form.free_domains[group])
                worth -= max(0, extra) * int(presence.form.price_mills[group])
        return worth

    def run(self, steps: int, stop: Stop) -> Shards:
        """Take `steps` steps, or fewer if `stop` says so; return the best plan."""
        tolerated = START * abs(self.profit)
        for step in range(steps):
            if stop():
                break
            self.step(tolerated * (1 - step / steps) ** 2)
        return self.best

    def step(self, tolerated: float) -> None:
        """Ruin, recreate, and undo if too much is lost."""
        ruined = self._choose()
        before = sum(self.worth(job) for job in ruined)
        was = {job: self._take(job) for job in ruined}
        waiting = self._waiting(set(ruined))
        self.placer.keenness = float(np.exp(self.rng.normal(-0.1, 0.4)))
        order = self._order(np.array([*ruined, *waiting], np.int64))
        changed = self._recreate(order)
        after = sum(self.worth(job) for job in changed)
        if after - before < -tolerated:
            for job in changed:
                self._take(job)
            for job, places in was.items():
                self._restore(job, places)
            return
        self.profit += after - before
        if self.profit > self.best_profit:
            self.best_profit, self.best = self.profit, self.state.shards()

    # ---- ruin

    def _choose(self) -> list[int]:
        """Return the jobs of some blocks, or of a group and of a block, or of a few racks."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.7:
            blocks = rng.choice(
                self._filled, min(len(self._filled), int(rng.integers(1, 4))), False
            )
            racks = [rack for b in blocks.tolist() for rack in self._block_racks[b]]
            chosen = self._movable_on(racks)
        elif kind < 0.85:
            chosen = self._group_of_one() + self._movable_on(self._one_block())
        else:
            racks = self._one_block()
            chosen = self._movable_on(rng.permutation(racks)[:4].tolist()) + self._some_jobs(4)
        return list(dict.fromkeys(chosen))[:MOST_RUINED]

    def _one_block(self) -> list[int]:
        return self._block_racks[self._filled[int(self.rng.integers(len(self._filled)))]]

    def _movable_on(self, racks: list[int]) -> list[int]:
        on = {job for rack in racks for job in self.jobs_on[rack]}
        return sorted(job for job in on if self.movable[job])

    def _some_jobs(self, count: int) -> list[int]:
        placed = np.flatnonzero(self.movable & (self.state.total > 0))
        if not len(placed):
            return []
        some: list[int] = self.rng.choice(placed, min(count, len(placed)), replace=False).tolist()
        return some

    def _group_of_one(self) -> list[int]:
        """Return the placed jobs of a group that keeps domains to itself."""
        some = self._some_jobs(1)
        owner = self.placer.owner
        if not some or owner.form_of_job[some[0]] == NONE:
            return some
        job = some[0]
        same = (owner.form_of_job == owner.form_of_job[job]) & (
            owner.group_of_job == owner.group_of_job[job]
        )
        group: list[int] = np.flatnonzero(same & self.movable & (self.state.total > 0)).tolist()
        return group

    # ---- recreate

    def _recreate(self, order: list[int]) -> list[int]:
        """Place jobs in order; what is like a job that failed, and no smaller, is not tried."""
        placer, placed = self.placer, []
        failed: dict[int, int] = {}
        for job in order:
            kin, slots = int(placer.kin[job]), int(placer.slots[job])
            if slots >= failed.get(kin, NEVER):
                continue
            if self._put(job):
                placed.append(job)
            else:
                failed[kin] = slots
        return placed

    def _waiting(self, ruined: set[int]) -> list[int]:
        """Return jobs that are not placed, the worthy ones more often than others."""
        out = np.flatnonzero(self.movable & (self.state.total == 0))
        out = out[[job not in ruined for job in out.tolist()]] if len(out) else out
        if len(out) > MOST_WAITING:
            worth = (self.placer.value * self.placer.want)[out].astype(np.float64)
            out = self.rng.choice(out, MOST_WAITING, replace=False, p=worth / worth.sum())
        waiting: list[int] = out.tolist()
        return waiting

    def _order(self, jobs: Ints) -> list[int]:
        """Return jobs in one of several orders, with noise."""
        placer, rng = self.placer, self.rng
        noise = np.exp(rng.normal(0, NOISE, len(jobs)))
        kind = rng.integers(4)
        slots, density = placer.slots[jobs], placer.density[jobs] * noise
        keeps = placer.owner.racks_of_job[jobs]
        if kind == 0:
            keys: tuple[np.ndarray, ...] = (-density,)
        elif kind == 1:
            keys = (-slots * noise,)
        elif kind == 2:
            keys = (-slots * noise, -keeps)
        else:
            keys = (-density * slots,)
        ordered: list[int] = jobs[np.lexsort(keys)].tolist()
        return ordered

    # ---- bookkeeping

    def _take(self, job: int) -> dict[int, int]:
        was = self.state.remove(job)
        for rack in was:
            self.jobs_on[rack].discard(job)
        return was

    def _put(self, job: int) -> bool:
        if not self.placer.place(self.state, job):
            return False
        for rack in self.state.placed[job]:
            self.jobs_on[rack].add(job)
        return True

    def _restore(self, job: int, was: dict[int, int]) -> None:
        self.state.put_back(job, was)
        for rack in was:
            self.jobs_on[rack].add(job)
