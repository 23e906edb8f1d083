"""The cheapest set of things that together are enough: a knapsack turned round, solved exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NEVER = np.iinfo(np.int64).max // 4


def cheapest_cover(
    costs: Sequence[int], amounts: Sequence[int], target: int
) -> tuple[int, tuple[int, ...]] | None:
    """Return the least cost of a set with ``sum(amounts) >= target``, and the set.

    ``best[t] = min(best[t], best[max(0, t - amount)] + cost)``, one thing after the other.
    None if all of them together are not enough. Costs and amounts are at least 0.
    """
    if sum(amounts) < target:
        return None
    best = np.full(target + 1, NEVER, np.int64)
    best[0] = 0
    taken = np.zeros((len(costs), target + 1), np.bool_)
    for i, (cost, amount) in enumerate(zip(costs, amounts, strict=True)):
        if amount <= 0:
            continue
        step = min(amount, target)
        with_it = np.empty_like(best)
        with_it[: step + 1] = best[0] + cost
        with_it[step + 1 :] = best[1 : target - step + 1] + cost
        taken[i] = with_it < best
        best = np.minimum(best, with_it)
    chosen, left = [], target
    for i in reversed(range(len(costs))):
        if left and taken[i, left]:
            chosen.append(i)
            left = max(0, left - amounts[i])
    return int(best[target]), tuple(reversed(chosen))
