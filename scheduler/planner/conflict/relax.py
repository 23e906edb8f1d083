"""What to relax: the least by which limits have to be raised, or which to give up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice, product

import numpy as np

from scheduler.planner.conflict.excess import MEASURED, add_excess
from scheduler.planner.conflict.keep import keep
from scheduler.planner.conflict.limits import Kind, Limit
from scheduler.planner.conflict.oracle import Oracle
from scheduler.planner.conflict.shrink import Group
from scheduler.planner.lowering.draft import Draft

COUNTED = (Kind.DOMAINS, Kind.COUNT)
MOST_COMBINATIONS = 24  # that are tried
SHARE = 10**6  # parts of its limit in which an excess is weighed against others


@dataclass(frozen=True)
class Step:
    """One limit and by how much to raise it; None: it has to go."""

    limits: Group
    amount: int | None


@dataclass(frozen=True)
class Relaxation:
    """Steps that together let all firm obligations be met."""

    steps: tuple[Step, ...]
    least: bool  # whether less of any step does not do

    @property
    def cost(self) -> float:
        """Sum of the steps as shares of their limits; what has to go counts as one whole."""
        return sum(
            1.0 if step.amount is None else step.amount / max(1, step.limits[0].amount)
            for step in self.steps
        )


@dataclass(frozen=True)
class Relaxer:
    """Finds what to relax among `limits`, all limits of the firm jobs."""

    oracle: Oracle
    limits: Sequence[Limit]

    def single(self, group: Group) -> Relaxation | None:
        """Return the least by which raising `group` alone is enough; None if it is not."""
        if group[0].kind in COUNTED:
            return self._counted(group[0])
        return self.together((group,))

    def together(self, groups: Sequence[Group]) -> Relaxation | None:
        """Return the cheapest way to raise `groups` together; None if none was found."""
        oracle = self.oracle
        if oracle.out_of_time():
            return None
        measured = [group for group in groups if group[0].kind in MEASURED]
        columns: list[np.ndarray] = []

        def measure(draft: Draft) -> None:
            columns.extend(
                add_excess(draft, oracle.compiled, each, list(oracle.places)) for each in measured
            )

        variant = keep(oracle.compiled, self._without(groups), oracle.places)
        lowered = oracle.lowered(variant, measure)
        gain = np.zeros(lowered.arrays.num_columns, np.int64)
        for group, excess in zip(measured, columns, strict=True):
            share = SHARE // max(1, group[0].amount)
            gain[excess] = -max(1, share) if len(measured) > 1 else -1
        outcome = oracle.solve(lowered, gain)
        if outcome.x is None:
            return None
        amounts = {
            group: int(outcome.x[excess].sum())
            for group, excess in zip(measured, columns, strict=True)
        }
        steps = tuple(Step(group, amounts.get(group)) for group in groups)
        return Relaxation(steps, least=outcome.optimal)

    def combination(self, conflicts: Sequence[Sequence[Group]]) -> Relaxation | None:
        """Return the cheapest of the smallest combinations that were tried.

        Parameters
        ----------
        conflicts
            Conflicts without a common member, and none is left beside them: one limit of each
            has to give way at least. If one of each is not enough, as few as can be found.
        """
        tried = islice(product(*conflicts), MOST_COMBINATIONS)
        found = [relaxed for groups in tried if (relaxed := self.together(groups)) is not None]
        if found:
            return min(found, key=lambda relaxed: relaxed.cost)
        given_up = list(chain.from_iterable(conflicts))
        for group in list(given_up):
            fewer = [each for each in given_up if each is not group]
            if self.oracle.impossible(self._without(fewer)) is False:
                given_up = fewer
        return self.together(given_up)

    def _counted(self, limit: Limit) -> Relaxation | None:
        """Halve the range of amounts: there are few domains and units."""
        oracle = self.oracle
        if oracle.impossible(self._without([(limit,)])) is not False:
            return None
        low, high = 0, self._most_of(limit)  # `low` is not enough, `high` is
        while high - low > 1:
            middle = (low + high) // 2
            variant = keep(oracle.compiled, self.limits, oracle.places, {limit: middle})
            answer = oracle.is_impossible(variant)
            if answer is None:
                break
            low, high = (middle, high) if answer else (low, middle)
        return Relaxation((Step((limit,), high),), least=high - low <= 1)

    def _most_of(self, limit: Limit) -> int:
        """Return a raise with which `limit` says nothing any more."""
        form = self.oracle.compiled.forms[limit.form]
        if limit.kind is Kind.DOMAINS:
            return int(getattr(form, "num_domains", 0)) - limit.amount
        return int(self.oracle.compiled.units.most.sum()) - limit.amount

    def _without(self, groups: Sequence[Group]) -> list[Limit]:
        dropped = set(chain.from_iterable(groups))
        return [limit for limit in self.limits if limit not in dropped]
