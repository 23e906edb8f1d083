"""Why a goal is not met, and how much of it can be met with all obligations kept."""

from __future__ import annotations

from dataclasses import replace

from scheduler.check import Verdict
from scheduler.model import Finding, Level, Plan
from scheduler.questions.moves import worse
from scheduler.questions.release.answer import Release
from scheduler.questions.release.changed import CEILING
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.measure import free_by_rack, peak_draw_w
from scheduler.questions.release.places import racks_of
from scheduler.words import clean, gpu_count, limit_line, places, power, quantity, some

NAMED = 5


def shortfall(answer: Release, before: Verdict) -> tuple[str, ...]:
    """Return in words what keeps an answer from its goal; nothing if it is met.

    What was broken or owed before, the tenant that leaves left out, does not count as long as it
    gets no worse.
    """
    goal, verdict = answer.goal, answer.solution.verdict
    lines = [
        f"{ending.contract.name}: {ending.words}"
        for ending in answer.endings
        if ending.contract.tenant == goal.tenant and not ending.may_end
    ]
    unmet_gpus = verdict.unmet_firm_gpus - before.unmet_firm_gpus
    if unmet_gpus > 0:
        owed = [finding.subject for finding in verdict.findings if finding.unmet]
        lines.append(
            f"to give back {goal.words}, {gpu_count(unmet_gpus)} of obligations would be unmet "
            f"({some(owed, NAMED)})"
        )
    else:
        lines += [_broken(finding) for finding in worse(before, verdict)[:NAMED]]
    if goal.spared:
        kept = places(answer.running.site, goal.spared)
        lines.append(f"obligations that have no other place stay on {kept}")
    if not lines and answer.given < answer.asked:
        missing = quantity(answer.asked - answer.given, answer.unit)
        lines.append(f"{missing} less than asked for are given back")
    return tuple(clean(line) for line in lines)


def _broken(finding: Finding) -> str:
    if finding.subject.startswith(CEILING):
        drawn, more = power(finding.amount), power(finding.violation)
        return f"idle racks, base loads and obligations draw {drawn}, {more} too much for the goal"
    return f"broken: {limit_line(finding)}"


def within_reach(answer: Release) -> Goal | None:
    """Return the goal cut to what can be given back with all obligations kept; None if nothing.

    Watts and GPUs: what is given back if all that may stop stops. A place: its racks without
    those on which obligations lie.
    """
    goal, run = answer.goal, answer.running
    kept = {name: racks for name, racks in answer.before.units.items() if run.jobs[name].firm}
    bound = Plan(kept)
    if goal.watts:
        watts = peak_draw_w(run, answer.before) - peak_draw_w(run, bound)
        return replace(goal, watts=watts) if 0 < watts < goal.watts else None
    if goal.gpus:
        level = goal.contiguous or Level.HOST
        now, then = (
            sum(free_by_rack(run, plan, goal.gpu_types, level).values())
            for plan in (answer.before, bound)
        )
        return replace(goal, gpus=then - now) if 0 < then - now < goal.gpus else None
    if goal.domain is not None:
        racks = racks_of(run.site, goal.domain)
        spared = frozenset(rack for rack in racks if rack in bound.by_rack)
        return replace(goal, spared=spared) if spared and len(spared) < len(racks) else None
    return None
