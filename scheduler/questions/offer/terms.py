"""What an offer may ask for besides its size: isolation and redundancy, looser or stricter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scheduler.model import Level, Offer, Site
from scheduler.model.levels import ISOLATION_LEVELS, RACK_DOMAIN_LEVELS
from scheduler.topology import Topology

DOMAINS = (Level.RACK, Level.ARRAY, Level.POD, Level.HALL)


@dataclass(frozen=True)
class Terms:
    """An isolation level, what the promise survives, and spare units."""

    isolation: Level
    survives: tuple[str, ...] = ()
    spare_permille: int = 0

    @staticmethod
    def of(offer: Offer) -> Terms:
        """Return the terms that the offer asks for."""
        sla = offer.contract.sla
        return Terms(offer.tenant.isolation, sla.survives, sla.spare_permille)

    @property
    def redundancy(self) -> str:
        """The SLA in words."""
        kept = f"any one {', '.join(self.survives)}" if self.survives else "no loss"
        return f"{kept}; {self.spare_permille / 10:g} % spare" if self.spare_permille else kept


@dataclass(frozen=True)
class Ladder:
    """What the terms mean on a site: domains that a level keeps exclusive, losses that matter."""

    topology: Topology
    _domains: dict[str, dict[str, str | None]] = field(default_factory=dict)
    _members: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    _lossy: dict[str, bool] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        """The site."""
        return self.topology.site

    def kinds(self, level: Level) -> tuple[str, ...]:
        """Kinds of domain that `level` keeps exclusive; none up to a host."""
        return self.site.isolation_ladder.get(level.value, ())

    def levels(self) -> Iterator[Level]:
        """Yield the levels from a host up that hold on the site, the smallest first."""
        for level in ISOLATION_LEVELS:
            if level is Level.HOST or level in self.site.isolation_ladder:
                yield level

    def first_alike(self, level: Level) -> Level:
        """Return the smallest level that says the same: a pod that is a whole hall, for a hall."""
        alike = (
            each
            for each in self.levels()
            if self.is_as_strict(each, level) and self.is_as_strict(level, each)
        )
        return next(alike, level)

    def is_as_strict(self, strict: Level, loose: Level) -> bool:
        """Whether whoever has `strict` has `loose` as well.

        So if every domain that `loose` keeps lies in one that `strict` keeps.
        """
        if strict is loose:
            return True
        if self.kinds(loose):
            return all(
                any(self._lies_in(fine, coarse) for coarse in self.kinds(strict))
                for fine in self.kinds(loose)
            )
        return strict.rank >= loose.rank

    def domain_of(self, kind: str) -> dict[str, str | None]:
        """Return the domain of a kind that every rack lies in."""
        if kind not in self._domains:
            site = self.site
            self._domains[kind] = {
                rack.name: site.domain_of(rack, kind) for rack in site.racks.values()
            }
        return self._domains[kind]

    def members(self, kind: str) -> dict[str, frozenset[str]]:
        """Return the racks of every domain of a kind."""
        if kind not in self._members:
            racks: dict[str, set[str]] = {}
            for rack, domain in self.domain_of(kind).items():
                if domain is not None:
                    racks.setdefault(domain, set()).add(rack)
            self._members[kind] = {name: frozenset(each) for name, each in racks.items()}
        return self._members[kind]

    def count(self, kind: str) -> int:
        """Return how many domains of a kind the site has."""
        return len(self.members(kind))

    def losses(self, survives: Iterable[str]) -> frozenset[str]:
        """Return the kinds of which some single loss takes racks out: the others cost nothing."""
        return frozenset(kind for kind in survives if self._takes_racks_out(kind))

    def widest(self, level: Level) -> str | None:
        """Return the kind with the fewest domains that `level` keeps, None if it keeps none."""
        kinds = self.kinds(level)
        return min(kinds, key=self.count, default=None)

    def _takes_racks_out(self, kind: str) -> bool:
        if kind in RACK_DOMAIN_LEVELS:
            return True
        if kind not in self._lossy:
            nodes = (each.name for each in self.site.power_nodes.values() if each.kind == kind)
            components = self.site.loops if kind == "cdu" else nodes
            self._lossy[kind] = any(self.topology.lost_racks((name,)) for name in components)
        return self._lossy[kind]

    def _lies_in(self, fine: str, coarse: str) -> bool:
        """Whether every domain of the one kind lies in one of the other."""
        outer: dict[str, str | None] = {}
        of_coarse = self.domain_of(coarse)
        for rack, domain in self.domain_of(fine).items():
            if domain is None:
                continue
            around = of_coarse[rack]
            if around is None or outer.setdefault(domain, around) != around:
                return False
        return True


def is_as_strict(strict: Terms, loose: Terms, ladder: Ladder) -> bool:
    """Whether every block at `strict` terms is one at `loose` terms."""
    return (
        ladder.losses(strict.survives) >= ladder.losses(loose.survives)
        and strict.spare_permille >= loose.spare_permille
        and ladder.is_as_strict(strict.isolation, loose.isolation)
    )


def isolation_series(offer: Offer, ladder: Ladder) -> list[Terms]:
    """Return the offer's terms at every isolation level of the site, the loosest first."""
    asked = Terms.of(offer)
    levels = list(ladder.levels())
    if asked.isolation not in levels:
        levels.append(asked.isolation)
        levels.sort(key=lambda level: level.rank)
    return [Terms(level, asked.survives, asked.spare_permille) for level in levels]


def redundancy_series(offer: Offer, ladder: Ladder) -> list[Terms]:
    """Return the offer's terms with other redundancy, the loosest first.

    Nothing; the loss of a rack; of an array; of each larger domain that the site has more than
    one of; of any component that the site plans for; and what is asked.
    """
    asked = Terms.of(offer)
    site = ladder.site
    planned = tuple(sorted(kind for kind in set(site.failure_kinds) if _is_planned(site, kind)))
    choices: list[tuple[str, ...]] = [()]
    if planned and offer.contract.power_action != "shed":
        choices.append(planned)
    for level, wider in zip(DOMAINS, (*DOMAINS[1:], None), strict=True):
        count = ladder.count(level)
        if count > 1 and (wider is None or count > ladder.count(wider)):
            choices.append((level.value,))
    series = [Terms(asked.isolation, each, asked.spare_permille) for each in choices]
    without_spares = Terms(asked.isolation, asked.survives, 0)
    return list(dict.fromkeys([*series[:1], without_spares, asked, *series[1:]]))


def _is_planned(site: Site, kind: str) -> bool:
    """Whether the site has components of a kind whose loss it plans for."""
    return (kind == "cdu" and bool(site.loops)) or any(
        node.kind == kind for node in site.power_nodes.values()
    )
