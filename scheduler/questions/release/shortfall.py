"""Why a goal is not met, and how much of it can be met with all obligations kept."""

from __future__ import annotations

from dataclasses import replace

from scheduler.model import Level, Plan
from scheduler.questions.release.answer import Release
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.measure import free_by_rack, peak_draw_w
from scheduler.questions.release.places import racks_of
from scheduler.words import clean, gpu_count, limit_line, places, quantity, some

NAMED = 5


def shortfall(answer: Release, unmet_before_gpus: int) -> tuple[str, ...]:
    """Return in words what keeps an answer from its goal; nothing if it is met.

    Obligations that were unmet before do not count.
    """
    goal, lines = answer.goal, list[str]()
    if goal.tenant is not None:
        lines += [
            f"{ending.contract.name}: {ending.words}"
            for ending in answer.endings
            if ending.contract.tenant == goal.tenant and not ending.may_end
        ]
    verdict = answer.solution.verdict
    if verdict.unmet_firm_gpus > unmet_before_gpus:
        owed = [finding.subject for finding in verdict.findings if finding.unmet]
        gpus = gpu_count(verdict.unmet_firm_gpus - unmet_before_gpus)
        lines.append(
            f"for all of {goal.words}, {gpus} of obligations would be unmet ({some(owed, NAMED)})"
        )
    elif not verdict.checked:
        lines += [f"broken: {limit_line(finding)}" for finding in verdict.broken[:NAMED]]
    if goal.spared:
        kept = places(answer.running.site, goal.spared)
        lines.append(f"obligations that have no other place stay on {kept}")
    if not lines and answer.given < answer.asked:
        missing = quantity(answer.asked - answer.given, answer.unit)
        lines.append(f"{missing} less than asked for are given back")
    return tuple(clean(line) for line in lines)


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
