"""The already-broken rule: what holds stays hard, what is broken never gets worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.check import Verdict
from scheduler.model import Finding

LimitKey = tuple[str, str, str, str]  # term, subject, state, unit


@dataclass(frozen=True)
class Allowed:
    """By how much each limit may be broken, and each obligation unmet; by nothing if not named."""

    violation: Mapping[LimitKey, int] = field(default_factory=dict)
    unmet: Mapping[str, int] = field(default_factory=dict)  # firm contract -> GPUs

    @staticmethod
    def by(*verdicts: Verdict) -> Allowed:
        """Return what at least one of the verdicts has broken or unmet, as far as it has."""
        violation: dict[LimitKey, int] = {}
        unmet: dict[str, int] = {}
        for verdict in verdicts:
            for key, amount in violations(verdict).items():
                violation[key] = max(amount, violation.get(key, 0))
            for finding in verdict.findings:
                if finding.unmet:
                    unmet[finding.subject] = max(finding.unmet, unmet.get(finding.subject, 0))
        return Allowed(violation, unmet)

    def limits_kept(self, verdict: Verdict, twins: Mapping[str, str] | None = None) -> bool:
        """Whether no limit is broken by more than it may be.

        Parameters
        ----------
        twins
            Names of twins and their jobs: what holds for a job holds for its twin.
        """
        return all(
            amount <= self.violation.get(_of_job(key, twins or {}), 0)
            for key, amount in violations(verdict).items()
        )

    def obligations_kept(self, verdict: Verdict) -> bool:
        """Whether no obligation misses more GPUs than it may."""
        return all(f.unmet <= self.unmet.get(f.subject, 0) for f in verdict.findings if f.unmet)

    def kept(self, verdict: Verdict) -> bool:
        """Whether limits and obligations are kept."""
        return self.limits_kept(verdict) and self.obligations_kept(verdict)


def worse(before: Verdict, after: Verdict) -> tuple[Finding, ...]:
    """Return the limits that are broken by more than before, one finding for each."""
    known, now = violations(before), violations(after)
    grown = {key for key, amount in now.items() if amount > known.get(key, 0)}
    first = {limit_key(finding): finding for finding in reversed(after.broken)}
    return tuple(first[key] for key in sorted(grown))


def violations(verdict: Verdict) -> dict[LimitKey, int]:
    """Return by how much each broken limit is broken."""
    found: dict[LimitKey, int] = {}
    for finding in verdict.broken:
        key = limit_key(finding)
        found[key] = found.get(key, 0) + finding.violation
    return found


def limit_key(finding: Finding) -> LimitKey:
    """Return what makes a limit the same limit under two plans."""
    return finding.term, finding.subject, finding.state, finding.unit


def _of_job(key: LimitKey, twins: Mapping[str, str]) -> LimitKey:
    """Return the limit of the job whose twin the limit is about, if it is about one."""
    term, subject, state, unit = key
    return term, twins.get(subject, subject), state, unit
