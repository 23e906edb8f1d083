"""Where the leaves of a tree of switches lie: in which pod, in which hall, in which fabric."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.slurm.topologies import Switch, roots_of
from scheduler.model import Level

DEEPEST = 10  # levels of switches that are read
_LEVELS = (Level.ARRAY, Level.POD, Level.HALL, Level.SITE)


@dataclass
class Places:
    """Every leaf's domains, and what of the tree has no level of ours."""

    domains: dict[str, dict[Level, str]] = field(default_factory=dict)  # leaf -> level -> name
    joins: Level = Level.SITE
    site: str | None = None  # name of the switch that joins the halls, if there is one
    unmapped: list[str] = field(default_factory=list)


def places_of(switches: tuple[Switch, ...]) -> Places:
    """Give every leaf its pod and hall, so that the exported tree is the one that was read.

    From the top down, switches become the site, halls and pods; leaves become arrays. A level
    that a branch lacks is filled with a domain of its own, which no tree shows as it joins one
    other only. Several roots are separate fabrics: each becomes a hall.

    Raises
    ------
    ExchangeError
        The tree has more than `DEEPEST` levels.
    """
    roots, found = roots_of(switches), Places()
    by_name = {switch.name: switch for switch in switches}
    names = set(by_name)
    found.joins = Level.SITE if len(roots) == 1 else Level.HALL
    for switch in switches:
        if len(switch.children) == 1:
            found.unmapped.append(f"switch {switch.name}: joins one other only, tells no distance")
    for root in roots:
        paths = list(_paths(root, by_name))
        depth = max(len(path) for path in paths) - 1
        top = min(depth, _LEVELS.index(found.joins))
        if top == len(_LEVELS) - 1:
            found.site = root.name
        deeper: dict[str, None] = {}
        for *above, leaf in paths:
            levels = {Level.ARRAY: leaf}
            given = list(reversed(_LEVELS[1 : top + 1]))  # from the top down
            levels |= dict(zip(given, above, strict=False))
            deeper |= dict.fromkeys(above[len(given) :])
            for level in _LEVELS[1:3]:
                if level not in levels:
                    kept = root.name if _LEVELS.index(level) > top else leaf
                    levels[level] = _unlike(f"{kept}-{level}", names)
            found.domains[leaf] = levels
        found.unmapped += [f"switch {name}: a level more than there are here" for name in deeper]
    return found


def _paths(root: Switch, by_name: dict[str, Switch]) -> Iterator[list[str]]:
    """Yield the way from `root` to each leaf, in the order of the tree."""
    waiting = [[root.name]]
    while waiting:
        path = waiting.pop()
        if len(path) > DEEPEST:
            raise ExchangeError([f"switch {root.name}: expected at most {DEEPEST} levels below it"])
        below = by_name[path[-1]].children
        if not below:
            yield path
        waiting += [[*path, child] for child in reversed(below)]


def _unlike(name: str, names: set[str]) -> str:
    """Return `name`, or a longer one that no switch has."""
    while name in names:
        name += "-x"
    return name
