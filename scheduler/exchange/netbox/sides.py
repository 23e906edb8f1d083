"""A and B of a rack: which of the ways to it stand in for each other."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.exchange.netbox.objects import Objects
from scheduler.exchange.netbox.supply import FEED, PANEL, Key, Supply

PAIR = 2


@dataclass(frozen=True, slots=True)
class Sides:
    """One or two sides of a rack, each one or more elements that carry equal parts."""

    sides: tuple[tuple[Key, ...], ...]
    is_told: bool = True  # whether NetBox says which is which
    share_panel: bool = False  # whether the loss of one panel takes both


def sides_of(supply: Supply, objects: Objects, rack: int) -> Sides | None:
    """Return the sides of a rack; None if no power reaches it.

    Primary feeds are A, redundant ones B. Where all are of one type, ways from two panels, or two
    ways from one panel, are taken as A and B of each other: that is how power supplies share.
    """
    leaves = supply.leaves[rack]
    if not leaves:
        return None
    spare = [leaf for leaf in leaves if _is_redundant(supply, objects, leaf)]
    main = [leaf for leaf in leaves if leaf not in spare]
    is_told = bool(spare and main)
    if is_told:
        found = [tuple(main), tuple(spare)]
    else:
        by_panel: dict[frozenset[Key], list[Key]] = {}
        for leaf in leaves:
            by_panel.setdefault(frozenset(supply.above([leaf], PANEL)), []).append(leaf)
        groups = [tuple(group) for group in by_panel.values()]
        if len(groups) != PAIR:
            groups = [(leaf,) for leaf in leaves] if len(leaves) == PAIR else [leaves]
        found = groups
    panels = [supply.above(side, PANEL) for side in found]
    share_panel = len(found) == PAIR and bool(panels[0] & panels[1])
    return Sides(tuple(found), is_told or len(found) == 1, share_panel)


def _is_redundant(supply: Supply, objects: Objects, leaf: Key) -> bool:
    return all(objects.feeds[number].is_redundant for _, number in supply.above([leaf], FEED))
