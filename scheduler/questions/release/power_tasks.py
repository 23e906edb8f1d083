"""Ways to lower the peak draw: a ceiling over the site, or whole domains switched off."""

from __future__ import annotations

from scheduler.model import Plan, Problem
from scheduler.questions.release.candidates import (
    Candidate,
    Scoring,
    best_sets,
    candidates,
    least_for,
)
from scheduler.questions.release.changed import switched_off, with_ceiling
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.least_moves import least_for_watts
from scheduler.questions.release.measure import peak_draw_w
from scheduler.questions.release.places import racks_by_domain
from scheduler.questions.release.stops import stopped
from scheduler.questions.release.task import Task, jobs_on


def power_tasks(run: Problem, plan: Plan, goal: Goal, move_mills: int) -> tuple[list[Task], int]:
    """Return ways to lower the peak draw, and the fewest GPUs that leave in any plan."""
    limit_w = peak_draw_w(run, plan) - goal.watts
    if goal.contiguous is None:
        capped = with_ceiling(run, limit_w)
        start = stopped(
            run,
            plan,
            goal.watts,
            lambda other: peak_draw_w(run, plan) - peak_draw_w(run, other),
            in_watts=True,
            move_mills_per_gpu=move_mills,
        )
        least = least_for_watts(run, plan, goal.watts)
        return [Task(problem=capped, near=capped, start=start)], least
    domains = racks_by_domain(run.site, goal.contiguous)
    draws = {name: _draw_w(run, plan, racks) for name, racks in domains.items()}
    placed = sum(units * run.jobs[job].gpus_per_unit for job, _, units in plan.shards())
    share = goal.watts / max(1, sum(draws.values()))
    scoring = Scoring(run, plan, move_mills, int(share * placed))
    found = candidates(run, plan, domains, draws, scoring)
    made = [_switching_off(run, plan, chosen, limit_w) for chosen in best_sets(found, goal.watts)]
    return made, least_for(found, goal.watts)


def _switching_off(run: Problem, plan: Plan, chosen: tuple[Candidate, ...], limit_w: int) -> Task:
    racks = tuple(rack for each in chosen for rack in each.racks)
    off = with_ceiling(switched_off(run, racks), limit_w)
    return Task(
        problem=off,
        near=off,
        start=plan,
        free=jobs_on(plan, racks),
        emptied=racks,
        refill=True,
        names=tuple(each.name for each in chosen),
        bounds_all=False,
    )


def _draw_w(problem: Problem, plan: Plan, racks: tuple[str, ...]) -> int:
    """Return what racks draw at the peak of their work, in W."""
    site = problem.site
    return sum(problem.idle_w(site.racks[rack]) for rack in racks) + sum(
        units * problem.peak_w(problem.jobs[job], site.type_of(site.racks[rack]))
        for rack in racks
        for job, units in plan.by_rack.get(rack, {}).items()
    )
