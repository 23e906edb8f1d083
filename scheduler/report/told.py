"""The findings that a person should read, in plain words: what is broken, owed and tight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.model import Finding, Kind
from scheduler.words import HEADROOM_UNITS, limit_line, load_of_limit, state_words, tightness

MOST_OF_A_RULE = 10
MOST_BROKEN = 200
DESIGN = "mL/min"  # design flows, which no plan can change
RULES = {  # rule -> what it is about, for people
    "power_normal": "power, nothing failed",
    "power_failover": "power after a failure",
    "power_swing": "power swing",
    "cooling_loops": "cooling loops",
    "return_temperature": "return temperature",
    "air_cooling": "air cooling",
    "inlet_temperature": "inlet air",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One finding in words."""

    grade: str  # broken, owed or tight
    rule: str
    text: str
    left_permille: int | None  # of the limit; None where a share says nothing
    jobs: tuple[str, ...]


def told_of(findings: Iterable[Finding]) -> tuple[Told, ...]:
    """Return what is broken, then what is owed, then the tightest components of every rule."""
    findings = tuple(findings)
    broken = sorted((f for f in findings if f.violation), key=tightness)[:MOST_BROKEN]
    owed = [finding for finding in findings if finding.unmet]
    return (
        *(_told("broken", finding, limit_line(finding)) for finding in broken),
        *(_told("owed", finding, finding.message or finding.subject) for finding in owed),
        *(_told("tight", finding, _tight_line(finding)) for finding in _tight(findings)),
    )


def _tight(findings: Iterable[Finding]) -> list[Finding]:
    """Return the worst state of the tightest components that are inside their limits, by rule."""
    worst: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        if finding.kind is not Kind.LIMIT or finding.violation or finding.term not in RULES:
            continue
        if finding.unit not in HEADROOM_UNITS or finding.limit <= 0 or finding.unit == DESIGN:
            continue
        key = (finding.term, finding.subject)
        if key not in worst or tightness(finding) < tightness(worst[key]):
            worst[key] = finding
    by_rule: dict[str, list[Finding]] = {}
    for finding in sorted(worst.values(), key=tightness):
        by_rule.setdefault(finding.term, []).append(finding)
    return sorted(
        (finding for found in by_rule.values() for finding in found[:MOST_OF_A_RULE]),
        key=tightness,
    )


def _tight_line(finding: Finding) -> str:
    return f"{finding.subject} reaches {load_of_limit(finding)}{state_words(finding.state)}"


def _told(grade: str, finding: Finding, text: str) -> Told:
    shares = finding.unit in HEADROOM_UNITS and finding.limit > 0
    return Told(
        grade=grade,
        rule=RULES.get(finding.term, finding.term.replace("_", " ")),
        text=text,
        left_permille=int(tightness(finding) * 1000) if shares else None,
        jobs=finding.jobs[:3],
    )
