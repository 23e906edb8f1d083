"""What is tightest at every component: the worst state of each limit that the check looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scheduler.model import Finding, Kind
from scheduler.words import tightness

POWER = ("power_normal", "power_failover")
LOADS = (*POWER, "cooling_loops", "return_temperature", "air_cooling", "inlet_temperature")


@dataclass(frozen=True, slots=True)
class Tightest:
    """The limit of a component that has the smallest share left."""

    term: str
    subject: str
    state: str
    amount: int
    limit: int
    unit: str

    @property
    def left_permille(self) -> int:
        """Thousandths of the limit that are left, rounded down; negative if it is broken."""
        return (self.limit - self.amount) * 1000 // self.limit if self.limit > 0 else -1000


def tightest_of(findings: Iterable[Finding], terms: tuple[str, ...]) -> dict[str, Tightest]:
    """Return the tightest limit of every component that `terms` speak of, by its name.

    Design flows are left out: no plan can change them.
    """
    worst: dict[str, Finding] = {}
    for finding in findings:
        if finding.term not in terms or finding.kind is not Kind.LIMIT or finding.unit == "mL/min":
            continue
        known = worst.get(finding.subject)
        if known is None or tightness(finding) < tightness(known):
            worst[finding.subject] = finding
    return {name: told(finding) for name, finding in worst.items()}


def told(finding: Finding) -> Tightest:
    """Return what a finding says about its limit."""
    return Tightest(
        finding.term,
        finding.subject,
        finding.state,
        finding.amount,
        finding.limit,
        finding.unit,
    )


def tighter(found: Mapping[str, Tightest], names: Iterable[str]) -> Tightest | None:
    """Return the tightest among the components `names`."""
    known = [found[name] for name in names if name in found]
    return min(known, key=lambda each: each.left_permille, default=None)
