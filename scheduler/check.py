"""The independent check of a plan, by names.

It runs the `explain` view of every term: plain Python over named objects, which shares no code
with `compile`, the kernels, the planner or the topology.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from scheduler.model import Finding, Kind, Plan, Problem
from scheduler.terms import TERMS


@dataclass(frozen=True)
class Verdict:
    """Everything that the rules say about a plan."""

    findings: tuple[Finding, ...]

    @cached_property
    def broken(self) -> tuple[Finding, ...]:
        """Limits that the plan breaks, worst first within each term."""
        broken = [finding for finding in self.findings if finding.violation]
        return tuple(sorted(broken, key=lambda finding: (finding.term, -finding.violation)))

    @cached_property
    def violation(self) -> int:
        """Sum of what is above a limit, each in the limit's own unit."""
        return sum(finding.violation for finding in self.findings)

    @cached_property
    def unmet_firm_gpus(self) -> int:
        """GPUs of firm contracts that are not provided."""
        return sum(finding.unmet for finding in self.findings)

    @cached_property
    def margin_mills(self) -> int:
        """Margin in mills per hour."""
        return sum(finding.amount for finding in self.findings if finding.kind is Kind.MONEY)

    @property
    def checked(self) -> bool:
        """Whether every limit holds."""
        return not self.broken


def check(problem: Problem, plan: Plan) -> Verdict:
    """Look at every rule and return what it says about `plan`."""
    whole = tuple(_whole_units(problem, plan))
    terms = [term for term in TERMS if term.applies(problem)]
    return Verdict(whole + tuple(f for term in terms for f in term.explain(problem, plan)))


def _whole_units(problem: Problem, plan: Plan) -> list[Finding]:
    """Every job has no unit or `min_units` to `units` of them."""
    findings = []
    for job in problem.jobs.values():
        placed = plan.placed_units(job.name)
        missing = job.min_units - placed if 0 < placed < job.min_units else 0
        off = max(missing, placed - job.units, 0)
        message = f"{job.name} has {placed} units, asked are {job.min_units} to {job.units} or none"
        findings.append(
            Finding(
                term="units",
                kind=Kind.LIMIT,
                subject=job.name,
                amount=off,
                limit=0,
                unit="units",
                jobs=(job.name,),
                message=message if off else "",
            )
        )
    return findings
