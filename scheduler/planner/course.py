"""Where a search stands: the best plan, what is proven, and the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from kernels.forms import AssignmentCost, Compiled, Shards
from kernels.score import Score
from scheduler.planner.worth import GapPart, Price

TICK_S = 0.5  # between two reports of a running solver


@dataclass(frozen=True)
class Best:
    """The best plan so far and what is proven about any plan."""

    shards: Shards
    score: Score
    bound_mills: int | None = None  # no plan that meets as many obligations has a larger margin
    least_unmet_gpus: int = 0  # no plan leaves fewer firm GPUs unmet
    bound_by: str = ""  # volume, columns, mixed, program or exact; see `Proof`
    prices: tuple[Price, ...] = ()  # what limits are worth, from the bound
    gap_parts: tuple[GapPart, ...] = ()  # where bound and margin differ

    @property
    def is_optimal(self) -> bool:
        """Whether nothing can be better."""
        return (
            self.score.violation == 0
            and self.bound_mills is not None
            and self.score.margin_mills >= self.bound_mills
            and self.score.unmet_firm_gpus <= self.least_unmet_gpus
        )


@dataclass
class Course:
    """One search on its way. `report` hears of every phase and of every better plan."""

    compiled: Compiled
    score: Callable[[Shards], Score]
    time_limit_s: float
    stopped: Callable[[], bool]
    report: Callable[[str, Best], None]
    began: float = field(default_factory=time.monotonic)
    phases_s: dict[str, float] = field(default_factory=dict)
    phase: str = ""
    reported: float = 0.0  # when `report` was last called
    offered: bool = False  # whether any plan was found
    reserve_s: float = 0.0  # kept for a step that cannot be cut short
    best: Best = field(init=False)

    def __post_init__(self) -> None:
        self.best = Best(nothing(), self.score(nothing()))

    def offer(self, shards: Shards, score: Score | None = None) -> None:
        """Keep a plan if it is better than the best."""
        score = self.score(shards) if score is None else score
        self.offered = True
        if score < self.best.score:
            self.best = replace(self.best, shards=shards, score=score)
        self.tell()

    def settle(self, shards: Shards) -> None:
        """Keep a plan that is as good as the best."""
        score = self.score(shards)
        if score <= self.best.score:
            self.best = replace(self.best, shards=shards, score=score)
        self.tell()

    def tighten(
        self, bound_mills: int, by: str = "", prices: tuple[Price, ...] | None = None
    ) -> None:
        """Keep a bound if it is lower than the one that is known."""
        known = self.best.bound_mills
        if known is None or bound_mills < known:
            self.best = replace(self.best, bound_mills=bound_mills, bound_by=by)
        if prices is not None:
            self.best = replace(self.best, prices=prices)
        self.tell()

    def owed_gpus(self) -> int:
        """GPUs of all firm obligations."""
        counted = self.compiled.units.counted_most
        costs = (form for form in self.compiled.forms if isinstance(form, AssignmentCost))
        return sum(int(form.firm_gpus @ counted) for form in costs)

    # ---- time

    @contextmanager
    def during(self, name: str) -> Iterator[None]:
        """Count the time of a phase."""
        self.phase, began = name, time.monotonic()
        try:
            yield
        finally:
            spent_s = time.monotonic() - began
            self.phases_s[name] = self.phases_s.get(name, 0.0) + spent_s

    def tell(self) -> None:
        """Report where the search stands, once there is a plan."""
        self.reported = time.monotonic()
        if self.offered:
            self.report(self.phase, self.best)

    def tick(self) -> bool:
        """Report now and then while a solver runs; return whether it must end."""
        if time.monotonic() - self.reported > TICK_S:
            self.tell()
        return self.out_of_time()

    def left_s(self) -> float:
        """Seconds that are left."""
        return self.time_limit_s - self.reserve_s - (time.monotonic() - self.began)

    def deadline(self, share: float = 1.0) -> float:
        """When a share of the time that is left will have passed, as of ``time.monotonic()``."""
        return time.monotonic() + share * max(0.0, self.left_s())

    def out_of_time(self) -> bool:
        """Whether the search has to end."""
        return self.stopped() or self.left_s() <= 0


def nothing() -> Shards:
    """Return the empty plan."""
    return Shards.build(*np.zeros((3, 0), np.int64))
