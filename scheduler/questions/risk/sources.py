"""What can fail: every component by itself, and the common causes of its group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log1p

from scheduler.model import Site
from scheduler.model.rates import CDU, RACK, KindRates, Rates
from scheduler.model.units import PERMILLE

MONTH_S = 730 * 3600  # a twelfth of 8,760 h


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something that fails and is repaired, and what is out meanwhile."""

    name: str
    kind: str
    mtbf_s: int
    mttr_s: int
    nodes: tuple[str, ...] = ()  # power nodes
    units: tuple[tuple[str, int], ...] = ()  # loops with the CDU units of each
    racks: tuple[str, ...] = ()
    is_common: bool = False  # a common cause of a whole group

    @property
    def strikes_per_s(self) -> float:
        """Rate of a Poisson process of failures that may overlap.

        ``ln(1 + MTTR / MTBF) / MTTR``. With exponential repairs, nothing is being repaired with
        probability ``exp(-rate * MTTR) = MTBF / (MTBF + MTTR)``: the availability of a component
        that fails and is repaired in turns. [D]
        """
        return log1p(self.mttr_s / self.mtbf_s) / self.mttr_s

    @property
    def events_per_month(self) -> float:
        """Mean number of repairs that touch a month: those under way when it begins count."""
        return self.strikes_per_s * (MONTH_S + self.mttr_s)

    @property
    def failures_per_year(self) -> float:
        """Mean number of failures in a year."""
        return 12 * MONTH_S / (self.mtbf_s + self.mttr_s)


@dataclass(frozen=True, slots=True)
class _Part:
    """A component before common causes are split off."""

    name: str
    group: str
    nodes: tuple[str, ...] = ()
    units: tuple[tuple[str, int], ...] = ()
    racks: tuple[str, ...] = ()


def sources_of(site: Site, rates: Rates) -> tuple[Source, ...]:
    """Return all sources of failure: power nodes, CDU units, racks, then common causes.

    Of a component's failures the part beta belongs to its group and strikes all of it at once:
    a group fails at ``beta / MTBF``, a component by itself at ``(1 - beta) / MTBF``. Nodes with
    GPUs are too many to be followed one by one: see `parties`.
    """
    alone: list[Source] = []
    common: list[Source] = []
    for kind, parts in _parts(site, rates).items():
        row = rates.of(kind)
        groups: dict[str, list[_Part]] = {}
        for part in parts:
            groups.setdefault(part.group, []).append(part)
        for group, members in groups.items():
            beta = row.beta_permille if len(members) > 1 else 0
            alone += [_alone(member, kind, row, beta) for member in members if beta < PERMILLE]
            if beta:
                common.append(_common(group, members, kind, row, beta))
    return (*alone, *common)


def _alone(part: _Part, kind: str, row: KindRates, beta: int) -> Source:
    return Source(
        name=part.name,
        kind=kind,
        mtbf_s=row.mtbf_s * PERMILLE // (PERMILLE - beta),
        mttr_s=row.mttr_s,
        nodes=part.nodes,
        units=part.units,
        racks=part.racks,
    )


def _common(group: str, members: list[_Part], kind: str, row: KindRates, beta: int) -> Source:
    units: dict[str, int] = {}
    for member in members:
        for loop, count in member.units:
            units[loop] = units.get(loop, 0) + count
    return Source(
        name=f"all {kind} of {group}",
        kind=kind,
        mtbf_s=row.mtbf_s * PERMILLE // beta,
        mttr_s=row.mttr_s,
        nodes=tuple(node for member in members for node in member.nodes),
        units=tuple(units.items()),
        racks=tuple(rack for member in members for rack in member.racks),
        is_common=True,
    )


def _parts(site: Site, rates: Rates) -> dict[str, list[_Part]]:
    """Return the components by kind."""
    found: dict[str, list[_Part]] = {}
    for kind, part in (*_power(site, rates), *_cdus(site, rates), *_racks(site, rates)):
        found.setdefault(kind, []).append(part)
    return found


def _power(site: Site, rates: Rates) -> Iterator[tuple[str, _Part]]:
    for node in site.power_nodes.values():
        is_hall = rates.of(node.kind).group == "hall" and node.hall is not None
        yield node.kind, _Part(node.name, str(node.hall if is_hall else site.name), (node.name,))


def _cdus(site: Site, rates: Rates) -> Iterator[tuple[str, _Part]]:
    group = rates.of(CDU).group
    for loop in site.loops.values():
        where = {"loop": loop.name, "hall": loop.hall}.get(group, site.name)
        for number in range(1, loop.units + 1):
            name = f"{loop.name} CDU{number}"
            yield CDU, _Part(name, where, units=((loop.name, 1),))


def _racks(site: Site, rates: Rates) -> Iterator[tuple[str, _Part]]:
    is_hall = rates.of(RACK).group == "hall"
    for rack in site.racks.values():
        yield RACK, _Part(rack.name, rack.hall if is_hall else site.name, racks=(rack.name,))
