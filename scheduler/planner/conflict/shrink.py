"""From a set of limits that conflict to one in which each member is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from scheduler.planner.conflict.limits import Limit

Group = tuple[Limit, ...]  # limits that are kept or dropped together
Impossible = Callable[[list[Limit]], bool | None]
Stop = Callable[[], bool]
FIRST_STEP = 4  # groups by which the first beginnings grow; then twice as many each time


def shrink(groups: Sequence[Group], impossible: Impossible, stop: Stop) -> tuple[list[Group], bool]:
    """Return an irreducible part of `groups` that still conflicts, and whether it surely is one.

    `groups` together must conflict. The shortest beginning that conflicts is sought, short ones
    first, then by halving: its last group is needed with all that stand before it. It is set
    apart, what stands behind it is dropped, and the search begins anew, until what was set apart
    conflicts by itself. So groups that stand early are preferred, and what is at hand conflicts
    at any time. An unanswered question counts as "no conflict": the result is never wrong, only
    too large.
    """
    needed: list[Group] = []
    rest = list(groups)
    sure = True
    while rest:
        low, high, step = 0, len(rest), FIRST_STEP  # `high` conflicts; nothing below `low` does
        while low < high:
            if stop():
                return [*needed[::-1], *rest[:high]], False
            beginning = min((low + high) // 2, low + step)
            answer = impossible(list(chain.from_iterable([*needed, *rest[:beginning]])))
            sure = sure and answer is not None
            if answer:
                high = beginning
            else:
                low, step = beginning + 1, 2 * step
        if high == 0:
            break
        needed.append(rest[high - 1])
        rest = rest[: high - 1]
    return needed[::-1], sure


def components(limits: Sequence[Limit]) -> list[Group]:
    """Join the loads of one component in all states: it has one rating. Others stand alone."""
    groups: dict[object, list[Limit]] = {}
    for limit in limits:
        groups.setdefault(component(limit), []).append(limit)
    return [tuple(group) for group in groups.values()]


def component(limit: Limit) -> object:
    """Return what tells components apart."""
    is_load = limit.kind == "load"
    return (limit.kind, limit.subject, limit.unit) if is_load else limit
