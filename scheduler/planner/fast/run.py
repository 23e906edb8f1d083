"""A search on a board, as the planner sees it; the counterpart of `Ruin`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kernels.forms import NONE, AssignmentCost, Compiled, Ints, Packing, Shards, Units
from scheduler.planner.fast import PERIOD
from scheduler.planner.fast.board import board_of
from scheduler.planner.fast.columns import BEST_PROFIT, FIRST_SHARD, PROFIT
from scheduler.planner.fast.desk import BEST, desk_of
from scheduler.planner.fast.moves import put
from scheduler.planner.fast.recreate import place_in_order
from scheduler.planner.fast.steps import begin, take_steps
from scheduler.planner.placing import Placer
from scheduler.planner.state import Ground

AT_ONCE = 250  # steps between two looks at the clock, at most some tenths of a second
TOLERANCE = 0.2  # loss that is tolerated at first, of what a job earns on average


class FastRuin:
    """A search from one plan on. The same seed gives the same steps."""

    def __init__(self, placer: Placer, shards: Shards, seed: int) -> None:
        self.board = board_of(placer)
        self.desk = desk_of(self.board)
        plan = np.stack((shards.job, shards.rack, shards.units)).astype(np.int64)
        put(self.board, plan, 0, len(shards.job))
        self.seed = seed
        begin(self.board, self.desk, seed)

    def fill(self, jobs: Ints, keenness: float) -> Shards:
        """Place jobs one after another, as far as they fit, and begin with this plan."""
        self.desk.listed[: len(jobs)] = jobs
        self.desk.order[: len(jobs)] = np.arange(len(jobs))
        place_in_order(self.board, self.desk, len(jobs), keenness)
        begin(self.board, self.desk, self.seed)
        return self.best

    @property
    def profit(self) -> int:
        """Margin of what lies on the board, mills per hour."""
        return int(self.board.tally[PROFIT])

    @property
    def best_profit(self) -> int:
        """Margin of the best plan so far, mills per hour."""
        return int(self.board.tally[BEST_PROFIT])

    @property
    def best(self) -> Shards:
        """The best plan so far."""
        return Shards.build(*self.desk.plan[BEST, :, : self.desk.length[BEST]])

    def run(
        self,
        steps: int,
        stop: Callable[[], bool],
        *,
        period: int = PERIOD,
        tolerance: float = TOLERANCE,
    ) -> Shards:
        """Take `steps` steps, or fewer if `stop` says so; return the best plan."""
        placed = int((self.board.job[:, FIRST_SHARD] != NONE).sum())
        loss = tolerance * abs(self.profit) / max(1, placed)
        for done in range(0, steps, AT_ONCE):
            if stop():
                break
            take_steps(self.board, self.desk, min(AT_ONCE, steps - done), period, loss)
        return self.best


def run_example() -> None:
    """Search a tiny problem, which takes every function there is."""
    example = _one_job_on_one_rack()
    nothing = Shards.build(*np.zeros((3, 0), np.int64))
    search = FastRuin(Placer(Ground(example)), nothing, seed=0)
    search.fill(np.zeros(1, np.int64), keenness=1.0)
    search.run(1, lambda: False)


def _one_job_on_one_rack() -> Compiled:
    one, place = np.ones(1, np.int64), np.zeros(1, np.int32)
    return Compiled(
        job_names=("job",),
        rack_names=("rack",),
        units=Units(one, one, one, 0 * one),
        forms=(
            AssignmentCost(
                "margin", place, np.ones((1, 1), np.int64), one[:, None] > 0, 2 * one, 0 * one
            ),
            Packing("rack_capacity", place, np.ones((1, 1), np.int64), place, one, one, ("rack",)),
        ),
    )
