"""Elements in series with nothing between them become one power node: the least limit counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scheduler.exchange.netbox.supply import FEED, INLET, PANEL, Element, Key, Supply


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One or more elements in series, as one node."""

    key: Key  # the element nearest to the grid
    name: str
    kind: str
    parents: tuple[Key, ...]
    rating_w: int


@dataclass(frozen=True, slots=True)
class Stages:
    """What is left of a supply, parents first, and the stage that stands for each element."""

    stages: Mapping[Key, Stage]
    stage_of: Mapping[Key, Key] = field(default_factory=dict)


def stages_of(supply: Supply, sides: Iterable[Sequence[Key]]) -> Stages:
    """Merge what lies in series above `sides`, the sides of all racks.

    An inlet without a limit leaves its consumers to what it hangs on. An element that is all that
    hangs on another one is merged with it: ``rating = min`` of both. Panels are kept, for they
    fail as a whole; NetBox knows no limit of them, so theirs is the sum of what hangs on them.
    """
    uses = [leaf for side in sides for leaf in side]
    kept = {
        k: supply.elements[k] for kind in (PANEL, FEED, INLET) for k in supply.above(uses, kind)
    }
    order = [supply.elements[key] for key in supply.elements if key in kept]
    above: dict[Key, Key] = {}  # element -> the one that stands for it

    def top(key: Key) -> Key:
        while key in above:
            key = above[key]
        return key

    for element in order:
        if element.key[0] == INLET and element.limit_w is None and len(element.parents) == 1:
            above[element.key] = element.parents[0]
    parents = {
        element.key: tuple(dict.fromkeys(map(top, element.parents)))
        for element in order
        if element.key not in above
    }
    consumers: dict[Key, int] = defaultdict(int)
    for key in [*(each for found in parents.values() for each in found), *map(top, uses)]:
        consumers[key] += 1
    for key, found in parents.items():
        if len(found) == 1 and found[0][0] != PANEL and consumers[found[0]] == 1:
            above[key] = found[0]
    return _rated(kept, parents, {key: top(key) for key in kept}, order)


def _rated(
    elements: Mapping[Key, Element],
    parents: Mapping[Key, tuple[Key, ...]],
    stage_of: Mapping[Key, Key],
    order: Sequence[Element],
) -> Stages:
    limits: dict[Key, list[int]] = defaultdict(list)
    for key, element in elements.items():
        if element.limit_w is not None:
            limits[stage_of[key]].append(element.limit_w)
    below_w: dict[Key, int] = defaultdict(int)
    ratings: dict[Key, int] = {}
    heads = [each.key for each in order if stage_of[each.key] == each.key]
    for key in heads:
        lead = [stage_of[parent] for parent in parents[key]]
        if key[0] != PANEL:
            rating_w = min([*limits[key], *([] if limits[key] else [_parallel_w(lead, ratings)])])
            ratings[key] = rating_w
            for parent in lead:
                below_w[parent] += rating_w
    stages = {}
    for key in heads:
        stages[key] = Stage(
            key=key,
            name=elements[key].name,
            kind="pdu" if key[0] == INLET else key[0],
            parents=tuple(dict.fromkeys(stage_of[parent] for parent in parents[key])),
            rating_w=below_w[key] if key[0] == PANEL else ratings[key],
        )
    return Stages(stages, stage_of)


def _parallel_w(parents: Sequence[Key], ratings: Mapping[Key, int]) -> int:
    """Rating of what has no limit of its own and draws equally from all of its parents."""
    return len(parents) * min(ratings[parent] for parent in parents)
