"""Rounds of work on parts that share no rack, by all workers at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Bools, Compiled, Ints, Shards
from kernels.score import Score
from scheduler.planner import fast
from scheduler.planner.engine import Engine, Task
from scheduler.planner.improve.regions import (
    BLOCK_RACKS,
    PART_RACKS,
    SETTLED_RACKS,
    choose_parts,
    regions,
)
from scheduler.planner.improve.tasks import Found, Work, ruin_part, solve_part
from scheduler.planner.placing import Placer
from scheduler.planner.restrict import joined, without

GRACE_S = 1.0  # before the deadline, in which tasks return what they have found
STEPS = 60  # of ruin and recreate in one task
FAST_STEPS = 3_000  # in the first sweeps over the site; as many more after every two
SHARES = (1, 1, 2)  # a part is so small a share of what a worker could have at most, in turn, ...
MOST_FAST_RACKS = 1_600  # ... but not larger: its tables are as large as groups times racks
PROGRAM_EFFORT = 1500  # thousandths of deterministic seconds of one exact program
TASKS_PER_WORKER = 2
MOST_WAITING = 300  # jobs without a place that one part is offered
IDLE_GAIN = 5e-5  # of the margin: a round that gains less is idle


@dataclass
class Rounds:
    """A search that goes on from the best plan; it never makes a plan worse."""

    compiled: Compiled
    placer: Placer
    score: Callable[[Shards], Score]
    engine: Engine
    seed: int
    profit: NDArray[np.float64] | None = None  # of the jobs, beyond the room that they take
    number: int = 0  # rounds so far
    idle: int = 0  # rounds in a row that hardly gained
    racks_done: int = 0  # in fast tasks; a rack counts once for each
    is_fast: bool = field(init=False)  # steps are machine code
    places: list[Ints] = field(init=False)
    blocks: list[Ints] = field(init=False)
    movable: Bools = field(init=False)

    def __post_init__(self) -> None:
        self.is_fast = fast.can_plan(self.compiled)
        self.places = regions(self.compiled)
        self.blocks = regions(self.compiled, BLOCK_RACKS // 2)
        self.movable = self.placer.plain & (self.placer.value > 0)

    def run(
        self,
        shards: Shards,
        score: Score,
        *,
        deadline: float,
        stopped: Callable[[], bool],
    ) -> tuple[Shards, Score]:
        """Do one round and return the better plan."""
        self.number += 1
        rng = np.random.default_rng((self.seed, self.number))
        exact = self.idle > 0 and self.number % 2 == 0
        until = time.time() + deadline - time.monotonic() - GRACE_S
        tasks = self._tasks(shards, rng, until, exact=exact)
        results = self.engine.run(tasks, deadline=deadline, stopped=stopped)
        before = score.margin_mills
        for found in results:
            if isinstance(found, Found):
                shards, score = self._take(shards, score, found)
        gained = score.margin_mills - before
        self.idle = 0 if gained > IDLE_GAIN * abs(before) else self.idle + 1
        return shards, score

    def _take(self, shards: Shards, score: Score, found: Found) -> tuple[Shards, Score]:
        """Take what was found for a part, unless parts together break what none breaks alone."""
        moved = np.zeros(self.compiled.num_jobs, bool)
        moved[found.jobs] = True
        plan = joined(without(shards, moved), found.shards)
        new = self.score(plan)
        return (plan, new) if new < score else (shards, score)

    def _tasks(
        self, shards: Shards, rng: np.random.Generator, until: float, *, exact: bool
    ) -> list[Task]:
        parts, waiting = self._parts(shards, rng, exact=exact)
        function, effort = (
            (solve_part, PROGRAM_EFFORT) if exact else (ruin_part, self._steps(parts))
        )
        return [
            Task(
                function,
                Work(
                    shards,
                    np.union1d(self._inside(shards, part), more),
                    part,
                    int(rng.integers(2**31)),
                    effort,
                    fast.PERIOD if n % 2 else effort,  # every other task kicks
                    until,
                    self.profit,
                ),
            )
            for n, (part, more) in enumerate(zip(parts, waiting, strict=True), self.number)
        ]

    def _parts(
        self, shards: Shards, rng: np.random.Generator, *, exact: bool
    ) -> tuple[list[Ints], list[Ints]]:
        """Return parts, and jobs without a place that each is offered."""
        many = self.engine.workers * TASKS_PER_WORKER
        if exact:
            places, racks = self.blocks, BLOCK_RACKS
        else:
            places, racks = self.places, self._part_racks()
        if self.is_fast and not exact and racks >= self.compiled.num_racks:  # the best one counts
            everything = np.arange(self.compiled.num_racks)
            (waiting,) = self._shares_of_waiting(shards, 1, rng)
            return [everything] * self.engine.workers, [waiting] * self.engine.workers
        parts = choose_parts(places, self._empty_slots(shards), many, racks, rng)
        if len(parts) < many:  # too few for two each: one each
            parts = parts[: self.engine.workers]
        return parts, self._shares_of_waiting(shards, len(parts), rng)

    def _part_racks(self) -> int:
        """Return about how many racks a part has: where steps are fast, shares of the site."""
        if not self.is_fast:
            return PART_RACKS
        if self.number % len(SHARES) == 0 and self.compiled.num_racks <= SETTLED_RACKS:
            return self.compiled.num_racks
        share = SHARES[self.number % len(SHARES)] * self.engine.workers
        return min(max(PART_RACKS, -(-self.compiled.num_racks // share)), MOST_FAST_RACKS)

    def _steps(self, parts: list[Ints]) -> int:
        """Return the steps of one task: more with every sweep over the site."""
        if not self.is_fast:
            return STEPS
        self.racks_done += sum(map(len, parts))
        return FAST_STEPS * (1 + self.racks_done // (2 * self.compiled.num_racks))

    def _inside(self, shards: Shards, racks: Ints) -> Ints:
        """Return the movable jobs that lie on `racks` and nowhere else."""
        here = np.zeros(self.compiled.num_racks, bool)
        here[racks] = True
        inside = here[shards.rack]
        jobs = np.zeros(self.compiled.num_jobs, bool)
        jobs[shards.job[inside]] = True
        jobs[shards.job[~inside]] = False
        return np.flatnonzero(jobs & self.movable)

    def _shares_of_waiting(
        self, shards: Shards, parts: int, rng: np.random.Generator
    ) -> list[Ints]:
        """Deal jobs without a place to the parts, the worthy ones more often than others."""
        out = self.movable.copy()
        out[shards.job] = False
        waiting = np.flatnonzero(out)
        if not len(waiting):
            return [waiting] * parts
        worth = (self.placer.value * self.placer.want)[waiting].astype(np.float64)
        many = len(waiting) if self.is_fast else min(len(waiting), MOST_WAITING * parts)
        dealt = rng.choice(waiting, many, replace=False, p=worth / worth.sum())
        return [np.sort(dealt[n::parts]) for n in range(parts)]

    def _empty_slots(self, shards: Shards) -> Ints:
        packing = self.compiled.packing
        if packing is None:
            return np.zeros(self.compiled.num_racks, np.int64)
        slots = packing.bins * packing.bin_size
        own = packing.group_of_job[shards.job] >= 0
        used = packing.size[shards.job, packing.kind_of_rack[shards.rack]] * shards.units * own
        np.subtract.at(slots, shards.rack, used)
        return slots
