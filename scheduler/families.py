"""Components that people speak of as one: the UPS of a hall, its loops, its racks of one type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.model import Loop, PowerNode, Rack, Site

POWER, SLOTS, INLETS, SWING = "power", "slots", "inlet_temperature", "power_swing"
_POWER_TERMS = ("power_normal", "power_failover")
_BETWEEN_NAMES = re.compile(r"\s*(?:,|\.{2,3}|…|\s(?:and|to|or)\s)\s*")


@dataclass(frozen=True)
class Family:
    """Components whose limits are told in one line.

    One more unit for the family is spread over its components as their capacities are. Limits
    that are raised together, as the inlet limit of a hall, have no capacities.
    """

    aspect: str  # power, slots, or the term
    words: str
    capacity: tuple[tuple[str, int], ...] = ()  # of every component

    def per_unit(self, mills_per_unit: dict[str, float]) -> float:
        """Return what one more unit for the family is worth, from its components' prices."""
        total = sum(capacity for _, capacity in self.capacity)
        if total <= 0:
            return sum(mills_per_unit.values())
        shares = {name: capacity / total for name, capacity in self.capacity}
        return sum(mills * shares.get(name, 0.0) for name, mills in mills_per_unit.items())


def family_of(site: Site, kind: str, term: str, subject: str) -> tuple[Family, str]:
    """Return the family that a limit belongs to, and its component there."""
    if kind == SLOTS:
        return _slots(site, subject)
    aspect = POWER if term in _POWER_TERMS else term
    if subject in site.power_nodes:
        return _power_family(site, aspect, site.power_nodes[subject]), subject
    if subject in site.loops:
        return _loop_family(site, aspect, site.loops[subject]), subject
    if term == INLETS and subject in site.racks:
        return Family(aspect, f"the inlets of hall {site.racks[subject].hall}"), subject
    if subject in site.halls:
        return Family(aspect, f"the air cooling of hall {subject}"), subject
    tenant, on, rack = subject.rpartition(" on ")
    if on and rack in site.racks:
        return Family(aspect, f"the nodes held for {tenant}"), subject
    return Family(aspect, subject), subject


def _power_family(site: Site, aspect: str, node: PowerNode) -> Family:
    """Nodes of one kind in one hall, or of no hall."""
    alike = [
        each
        for each in site.power_nodes.values()
        if (each.kind, each.hall) == (node.kind, node.hall)
    ]
    kind = node.kind.upper() if len(node.kind) <= len("ups") else node.kind
    named = _all_of(kind, [each.name for each in alike], node.hall)
    if aspect == SWING:
        return Family(aspect, named, tuple((each.name, each.swing_limit_w or 0) for each in alike))
    return Family(aspect, named, tuple((each.name, each.rating_w) for each in alike))


def _loop_family(site: Site, aspect: str, loop: Loop) -> Family:
    alike = [each for each in site.loops.values() if each.hall == loop.hall]
    words = _all_of("cooling loop", [each.name for each in alike], loop.hall)
    return Family(aspect, words, tuple((each.name, each.units * each.unit_w) for each in alike))


def _slots(site: Site, subject: str) -> tuple[Family, str]:
    """Racks of one GPU type in one hall; every row of slots is a component of its own size."""
    rack = rack_named(site, subject)
    if rack is None:
        return Family(SLOTS, subject), subject
    gpu_type = site.type_of(rack).gpu_type
    return Family(SLOTS, f"{gpu_type} in hall {rack.hall}"), subject


def slots_in_all(site: Site, family: Family) -> int:
    """GPUs that can be used today on all racks of a family of slots."""
    return sum(
        site.usable_gpus(rack)
        for rack in site.racks.values()
        if f"{site.type_of(rack).gpu_type} in hall {rack.hall}" == family.words
    )


def rack_named(site: Site, subject: str) -> Rack | None:
    """Return the first rack that `subject` names: ``r1``, ``r1, r2`` or ``r1 .. r8``."""
    names: Iterable[str] = (subject, *_BETWEEN_NAMES.split(subject))
    return next((site.racks[name] for name in names if name in site.racks), None)


def _all_of(kind: str, names: list[str], hall: str | None) -> str:
    if len(names) == 1:
        return f"{kind} {names[0]}"
    plural = kind if kind == kind.upper() else f"{kind}s" if " " in kind else f"{kind} nodes"
    return f"the {len(names)} {plural}" + (f" of hall {hall}" if hall else "")
