"""Ways to free GPUs: a reservation that holds nodes, or whole domains."""

from __future__ import annotations

from scheduler.model import Level, Plan, Problem
from scheduler.model.units import ceil_div
from scheduler.questions.release.candidates import Scoring, best_sets, candidates, least_for
from scheduler.questions.release.changed import held_name, with_drained, with_held
from scheduler.questions.release.goal import Goal
from scheduler.questions.release.least_moves import least_for_gpus
from scheduler.questions.release.measure import free_by_rack, node_gpus
from scheduler.questions.release.places import racks_by_domain
from scheduler.questions.release.stops import stopped
from scheduler.questions.release.task import Task, jobs_on


def gpu_tasks(run: Problem, plan: Plan, goal: Goal, move_mills: int) -> tuple[list[Task], int]:
    """Return ways to free GPUs on whole nodes, and the fewest GPUs that leave in any plan."""
    level = goal.contiguous or Level.HOST
    open_now = free_by_rack(run, plan, goal.gpu_types, level)
    wanted = sum(open_now.values()) + goal.gpus
    size = node_gpus(run, goal.gpu_types)
    types = goal.gpu_types or tuple(
        dict.fromkeys(each.gpu_type for each in run.site.rack_types.values())
    )
    held = with_held(run, wanted, max(1, size), types, level)
    name = held_name(run)
    if goal.contiguous is None:
        start = stopped(
            run,
            plan,
            wanted,
            lambda other: sum(free_by_rack(run, other, goal.gpu_types, level).values()),
            in_watts=False,
            move_mills_per_gpu=move_mills,
        )
        task = Task(problem=held, near=held, start=start, held=name)
        return [task], least_for_gpus(run, plan, goal.gpus, goal.gpu_types)
    domains = racks_by_domain(run.site, goal.contiguous)
    gives = {
        domain: sum(_usable(run, rack, goal) for rack in racks if rack not in open_now)
        for domain, racks in domains.items()
    }
    free_elsewhere = sum(free_by_rack(run, plan, goal.gpu_types).values()) - sum(open_now.values())
    scoring = Scoring(run, plan, move_mills, goal.gpus - free_elsewhere)
    found = candidates(run, plan, domains, gives, scoring)
    made = []
    for chosen in best_sets(found, goal.gpus):
        racks = tuple(rack for each in chosen for rack in each.racks)
        drained = with_drained(run, {*racks, *open_now})
        made.append(
            Task(
                problem=held,
                near=drained,
                start=plan,
                free=jobs_on(plan, racks),
                held=name,
                emptied=racks,
                refill=True,
                names=tuple(each.name for each in chosen),
            )
        )
    size = max(1, size)
    return made, least_for(found, ceil_div(goal.gpus, size) * size)


def _usable(problem: Problem, rack_name: str, goal: Goal) -> int:
    rack = problem.site.racks[rack_name]
    if goal.gpu_types and problem.site.type_of(rack).gpu_type not in goal.gpu_types:
        return 0
    return problem.site.usable_gpus(rack)
