"""What an operator gets to know: what is given back, what it costs, what moves, what is proven."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from scheduler.model import Plan, Problem
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.measure import Change, changes
from scheduler.questions.release.notice import Ending
from scheduler.solve import Solution


@dataclass(frozen=True, slots=True)
class Fewest:
    """The other end of the trade: as few moves as possible, whatever they cost."""

    gpus: int  # that leave their racks in the plan that was found
    least_gpus: int  # that leave in any plan, proven
    value_lost_mills: int


@dataclass(frozen=True, kw_only=True)
class Release:
    """The answer to one release.

    Attributes
    ----------
    running
        What ran before, all of it.
    solution
        The checked plan afterwards, for the site and workload changed by the goal.
    after
        That plan without the reservation that holds what is free.
    asked, given, unit
        How much was asked for, and how much is given back.
    shortfall
        Why not all of it, in words; empty if the goal is met.
    value_lost_mills
        Margin per hour that is lost besides what the goal itself names.
    given_up_mills
        Margin per hour of the tenant that leaves.
    move_mills
        What a GPU that leaves its rack costs against one hour of margin.
    least_cost_mills
        No plan that meets the goal costs less, value and moves together; None if not proven.
    names
        Arrays or halls that were chosen and emptied.
    """

    goal: Goal
    running: Problem
    before: Plan
    solution: Solution
    after: Plan
    asked: int
    given: int
    unit: str
    shortfall: tuple[str, ...]
    value_lost_mills: int
    given_up_mills: int
    move_mills: int
    least_cost_mills: int | None
    fewest: Fewest
    endings: tuple[Ending, ...]
    emptied: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    leaving: frozenset[str] = frozenset()  # work that the goal itself ends

    @property
    def met(self) -> bool:
        """Whether all of the goal is met."""
        return not self.shortfall

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Every job that moves or stops, those that the goal names first."""
        found = changes(self.before, self.after)
        return tuple(sorted(found, key=lambda change: change.job not in self.leaving))

    @property
    def moved_gpus(self) -> int:
        """GPUs of work that runs on another rack afterwards."""
        return sum(change.moved * self._gpus_of(change) for change in self._others)

    @property
    def stopped_gpus(self) -> int:
        """GPUs of work that stops, besides what the goal names."""
        return sum(change.stopped * self._gpus_of(change) for change in self._others)

    @property
    def idle_w(self) -> int:
        """What racks draw that hold no work afterwards and stay on; it counts as drawn."""
        site = self.solution.problem.site
        idle = (rack for name, rack in site.racks.items() if name not in self.after.by_rack)
        return sum(self.solution.problem.idle_w(rack) for rack in idle)

    @property
    def cost_mills(self) -> int:
        """Value lost per hour and the price of the moves."""
        return self.value_lost_mills + self.move_mills * (self.moved_gpus + self.stopped_gpus)

    @property
    def _others(self) -> list[Change]:
        return [change for change in self.changes if change.job not in self.leaving]

    def _gpus_of(self, change: Change) -> int:
        return self.running.jobs[change.job].gpus_per_unit
