"""A plan that a number of moves leads to: one point of value against moves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from scheduler.check import Verdict
from scheduler.model import Plan, Problem
from scheduler.questions.moves import Move, moved_units, moves_between
from scheduler.questions.replan.budget import left_units


@dataclass(frozen=True)
class Point:
    """A checked plan within a budget of moves."""

    problem: Problem  # with the running plan as its current one
    budget: int | None  # units that may leave their racks besides those that have to
    plan: Plan
    verdict: Verdict

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """Fewest moves from the running plan."""
        return moves_between(self._running, self.plan)

    @property
    def moved(self) -> int:
        """Running units that change their rack."""
        return moved_units(self.moves)

    @property
    def stopped(self) -> int:
        """Running units that stop."""
        return sum(move.units for move in self.moves if move.target is None)

    @property
    def started(self) -> int:
        """Units that start, on racks that went dark or not at all before."""
        return sum(move.units for move in self.moves if move.source is None)

    @property
    def left(self) -> int:
        """Units that left the rack on which they run: what budgets count."""
        return sum(left_units(self.problem, self._running, self.plan).values())

    @property
    def price_mills(self) -> int:
        """What the site's price of moves makes of them; the plan's score pays it."""
        gpus = sum(
            move.units * self.problem.jobs[move.job].gpus_per_unit
            for move in self.moves
            if move.source is not None
        )
        return gpus * self.problem.site.prices.move_mills_per_gpu

    @property
    def margin_mills(self) -> int:
        """Margin per hour once the moves are done; their price is left out."""
        return self.verdict.margin_mills + self.price_mills

    @property
    def key(self) -> tuple[int, int, int]:
        """What plans are ordered by, smallest first; the price of moves counts."""
        return self.verdict.violation, self.verdict.unmet_firm_gpus, -self.verdict.margin_mills

    @property
    def _running(self) -> Plan:
        return self.problem.current or Plan({})
