"""Cooling loops under a plan: heat, what is left after the loss of a CDU, temperatures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.model import NORMAL, Finding, Problem
from scheduler.model.climate import hottest_supply_mc
from scheduler.report.tight import Tightest, tightest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopFacts:
    """One liquid loop."""

    name: str
    hall: str
    units: int
    spare_units: int
    racks: int
    heat_w: int  # with every job at its peak
    carried_w: int  # what the CDUs carry, the spare ones kept whole
    worst: Tightest | None  # of its heat, in any state
    hottest_return: Tightest | None
    supply_mc: int  # on the hottest day
    hottest_day: str


def loops_of(problem: Problem, findings: Iterable[Finding]) -> tuple[LoopFacts, ...]:
    """Return every cooling loop, in order of the site."""
    findings = tuple(findings)
    worst = tightest_of(findings, ("cooling_loops",))
    returns = tightest_of(findings, ("return_temperature",))
    heat = {
        f.subject: f.amount
        for f in findings
        if f.term == "cooling_loops" and f.unit == "W" and f.state == NORMAL.name
    }
    racks: dict[str | None, int] = {}
    for rack in problem.site.racks.values():
        racks[rack.loop] = racks.get(rack.loop, 0) + 1
    facts = []
    for name, loop in problem.site.loops.items():
        day, supply_mc = hottest_supply_mc(problem.site, loop)
        facts.append(
            LoopFacts(
                name=name,
                hall=loop.hall,
                units=loop.units,
                spare_units=loop.spare_units,
                racks=racks.get(name, 0),
                heat_w=heat.get(name, 0),
                carried_w=(loop.units - loop.spare_units) * loop.unit_w,
                worst=worst.get(name),
                hottest_return=returns.get(name),
                supply_mc=supply_mc,
                hottest_day=day,
            )
        )
    return tuple(facts)
