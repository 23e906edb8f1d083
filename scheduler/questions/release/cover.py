"""The cheapest choice that is enough: a knapsack turned round, solved exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NEVER = np.iinfo(np.int64).max // 4
MOST_CELLS = 30_000_000  # of the table of choices
FINEST = 40_000  # steps into which a target is cut

Option = tuple[int, int]  # cost and amount


def cheapest_cover(
    costs: Sequence[int], amounts: Sequence[int], target: int
) -> tuple[int, tuple[int, ...]] | None:
    """Return the least cost of a set with ``sum(amounts) >= target``, and the set.

    None if all of it together is not enough. Costs and amounts are at least 0.
    """
    groups = [[option] for option in zip(costs, amounts, strict=True)]
    found = cheapest_choice(groups, target)
    if found is None:
        return None
    cost, chosen = found
    return cost, tuple(i for i, option in enumerate(chosen) if option is not None)


def cheapest_choice(
    groups: Sequence[Sequence[Option]], target: int
) -> tuple[int, tuple[int | None, ...]] | None:
    """Choose at most one option of each group so that amounts reach `target` at the least cost.

    ``best[t] = min(best[t], min over options: best[max(0, t - amount)] + cost)``, one group after
    the other. Returns the cost and the option of every group, None where none is taken.
    """
    if sum(max((amount for _, amount in group), default=0) for group in groups) < target:
        return None
    best = np.full(target + 1, NEVER, np.int64)
    best[0] = 0
    taken = np.full((len(groups), target + 1), -1, np.int16)
    for i, group in enumerate(groups):
        before = best
        for option, (cost, amount) in enumerate(group):
            step = min(amount, target)
            if step <= 0:
                continue
            with_it = np.concatenate(
                [np.full(step, before[0] + cost), before[: target + 1 - step] + cost]
            )
            better = with_it < best
            best = np.where(better, with_it, best)
            taken[i, better] = option
    return int(best[target]), _chosen(groups, taken, target)


def step_of(target: int, groups: int) -> int:
    """Return the size of a step so that the table of choices stays small."""
    steps = max(1, min(FINEST, MOST_CELLS // max(1, groups)))
    return max(1, -(-target // steps))


def _chosen(
    groups: Sequence[Sequence[Option]], taken: NDArray[np.int16], target: int
) -> tuple[int | None, ...]:
    chosen: list[int | None] = [None] * len(groups)
    left = target
    for i in reversed(range(len(groups))):
        option = int(taken[i, left])
        if left and option >= 0:
            chosen[i] = option
            left = max(0, left - groups[i][option][1])
    return tuple(chosen)
