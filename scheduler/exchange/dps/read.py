"""The topology file of NVIDIA DPS as records: entities, and what each feeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scheduler.exchange.fields import Fields, raise_if_any, read_fields
from scheduler.inputs.mistakes import Mistakes, Plain
from scheduler.model.units import exact, round_down, round_up

COMPUTE, DOMAIN, DISTRIBUTION = "ComputerSystem", "PowerDomain", "PowerDistribution"
TYPES = (COMPUTE, DOMAIN, DISTRIBUTION, "PowerSupply")
LIMITS = ("OperatingLimit", "Constraints")  # the name since 0.8, and the one before
_KNOWN = ("Type", "Name", "Model", "StaticLoad", *LIMITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A power node or a system in its place."""

    name: str
    type: str
    model: str | None = None
    limit_w: int | None = None  # value times power factor, rounded down
    static_w: int = 0
    tag: str | None = None  # FeedTag of its own
    children: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PowerTopology:
    """All entities of a file by name, in its order."""

    name: str
    entities: dict[str, Entity]
    unmapped: tuple[str, ...] = ()


def read_topology(path: Path) -> PowerTopology:
    """Read a file that holds entities and their topology.

    Raises
    ------
    ExchangeError
        With every mistake: entities that are missing, twice or without a known type, cycles,
        amounts that are none.
    """
    mistakes = Mistakes()
    whole = read_fields(path, mistakes)
    left: Counter[str] = Counter()
    places: dict[str, Fields] = {}
    for entity in whole.records("Entities"):
        _once(entity, places)
        left.update(entity.others(*_KNOWN))
    topology = whole.inner("Topology")
    relations: dict[str, Fields] = {}
    for relation in topology.records("Entities"):
        _once(relation, relations)
        left.update(relation.others("Name", "Children", "FeedTag"))
    _check_names(places, relations)
    entities = {name: _entity(place, relations.get(name)) for name, place in places.items()}
    _check_tree(entities, relations, whole)
    raise_if_any(mistakes)
    unmapped = [f"{key} of {count} entities" for key, count in sorted(left.items())]
    unmapped += [f"policy {policy.name('Name')}" for policy in whole.records("Policies")]
    unmapped += whole.others("Entities", "Topology", "Policies")
    unmapped += [f"entity {name}: not in the topology" for name in places if name not in relations]
    return PowerTopology(
        name=topology.text("Name") or path.stem,
        entities={name: entities[name] for name in relations},
        unmapped=tuple(unmapped),
    )


def _once(place: Fields, places: dict[str, Fields]) -> None:
    name = place.name("Name")
    if name in places:
        place.expected("Name", "each entity once")
    places.setdefault(name, place)


def _entity(place: Fields, relation: Fields | None) -> Entity:
    kind = place.name("Type")
    if kind and kind not in TYPES:
        place.expected("Type", f"one of {', '.join(TYPES)}")
    return Entity(
        name=place.name("Name"),
        type=kind,
        model=place.text("Model"),
        limit_w=_limit_w(place),
        static_w=round_up(place.number("StaticLoad") or 0),
        tag=relation.text("FeedTag") if relation else None,
        children=tuple(relation.names("Children")) if relation else (),
    )


def _limit_w(place: Fields) -> int | None:
    """Return ``floor(value * power factor)`` watts; None if no limit is given.

    Of a value in W this is the safe side: the pages do not say whether the factor is in it.
    """
    key = next((each for each in LIMITS if each in place.data), LIMITS[0])
    limit = place.inner(key)
    value = limit.inner("PowerValue")
    if value.data and value.text("Type") not in (None, "W", "VA"):
        value.expected("Type", "W or VA")
    amount, factor = value.number("Value"), limit.number("PowerFactor", 1)
    if amount is None or factor is None:
        return None
    if not 0 < factor <= 1:
        limit.expected("PowerFactor", "above 0 and at most 1")
        return None
    watts = round_down(exact(amount) * exact(factor))
    if watts <= 0:
        value.expected("Value", "at least 1 W")
        return None
    return watts


def _check_names(places: dict[str, Fields], relations: dict[str, Fields]) -> None:
    for name, relation in relations.items():
        if name and name not in places:
            relation.expected("Name", "an entity of the file")


def _check_tree(entities: dict[str, Entity], relations: dict[str, Fields], whole: Fields) -> None:
    """Every child is in the topology and fed once by each parent; nothing feeds itself."""
    below = {name: entities[name].children for name in relations if name in entities}
    for name, children in below.items():
        place = relations[name]
        for child, count in Counter(children).items():
            if child not in below:
                place.mistakes.add(
                    place.document,
                    (*place.loc, "Children"),
                    "entities of the topology",
                    Plain(child),
                )
            if count > 1:
                place.expected("Children", f"each child once, {child} comes {count} times")
        if children and entities[name].type == COMPUTE:
            place.expected("Children", f"none below a {COMPUTE}")
    looped = _in_cycles(below)
    if looped:
        got = Plain(", ".join(sorted(looped)[:5]))
        whole.mistakes.add(whole.document, ("Topology", "Entities"), "feeds without a cycle", got)


def _in_cycles(below: dict[str, tuple[str, ...]]) -> set[str]:
    """Return entities that feed themselves in the end, or stand below such."""
    waiting = Counter(child for children in below.values() for child in set(children))
    free = [name for name in below if not waiting[name]]
    seen: set[str] = set()
    while free:
        name = free.pop()
        seen.add(name)
        for child in set(below.get(name, ())):
            waiting[child] -= 1
            if not waiting[child]:
                free.append(child)
    return below.keys() - seen


def parents_of(entities: Iterable[Entity]) -> dict[str, tuple[str, ...]]:
    """Return what feeds every entity, in the order of the file."""
    found: dict[str, tuple[str, ...]] = {}
    for entity in entities:
        for child in entity.children:
            found[child] = (*found.get(child, ()), entity.name)
    return found
