"""The way of the power as NetBox knows it: panel, feed, and one or more PDUs, to each rack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

Key = tuple[str, int]  # kind and number

PANEL, FEED, INLET = "panel", "feed", "inlet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A live part of the way: a panel, a feed, or the inlet of a device with outlets."""

    key: Key
    name: str
    parents: tuple[Key, ...] = ()  # it draws equally from all of them
    limit_w: int | None = None


@dataclass(frozen=True)
class Supply:
    """Live elements, parents first, and those that each rack hangs on."""

    elements: Mapping[Key, Element]
    leaves: Mapping[int, tuple[Key, ...]]  # by rack

    def above(self, keys: Iterable[Key], kind: str) -> set[Key]:
        """Return the elements of `kind` that power comes through, the given ones among them."""
        found: set[Key] = set()
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting += self.elements[key].parents
        return {key for key in found if key[0] == kind}

    @cached_property
    def path_w(self) -> Mapping[Key, int | None]:
        """What gets through to each element: the least limit on the way.

        ``min(limit, n * min over its n parents)``, as it draws equally from all of its parents.
        None if no element on the way has a limit.
        """
        found: dict[Key, int | None] = {}
        for key, element in self.elements.items():
            above = [w for parent in element.parents if (w := found[parent]) is not None]
            limits = [len(element.parents) * min(above)] if above else []
            if element.limit_w is not None:
                limits.append(element.limit_w)
            found[key] = min(limits, default=None)
        return found
