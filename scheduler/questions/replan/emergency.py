"""The minutes after a failure: who is capped, shed or stopped, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import TypeVar

from scheduler.check import check
from scheduler.model import Contract, FailureState, Finding, Job, Plan, Problem
from scheduler.questions.replan.emergency_actions import (
    Action,
    Watts,
    choose,
    needed,
    planned,
    stops,
)
from scheduler.questions.replan.emergency_loads import AfterFailure

Acting = TypeVar("Acting", Job, Contract)
BEFORE = " (before action)"  # what states until power actions take effect are called


@dataclass(frozen=True)
class Emergency:
    """What has to be done right after a failure, and what the check says about it."""

    state: FailureState
    overloaded_w: Mapping[str, int]  # survivor -> watts above its rating before any action
    within_s: Mapping[str, int | None]  # its ride-through; None: a loop, which warms up slowly
    actions: tuple[Action, ...]  # in order
    lost_units: int  # on racks that went dark
    too_late: tuple[Finding, ...]  # survivors above what they carry until an action takes effect
    remaining: tuple[Finding, ...]  # limits that the failure breaks even after all actions

    @property
    def as_planned(self) -> bool:
        """Whether the power actions of the jobs suffice."""
        return not self.remaining and all(action.what != "stop" for action in self.actions)

    @property
    def lost_mills_per_h(self) -> int:
        """Value of the work that all actions cost."""
        return sum(action.lost_mills_per_h for action in self.actions)

    def helped(self, action: Action) -> tuple[str, ...]:
        """Return the overloaded survivors that an action takes load off."""
        return tuple(node for node in self.overloaded_w if node in action.freed)

    def deadline_s(self, action: Action) -> int | None:
        """Return the shortest ride-through of the survivors that an action helps."""
        known = (self.within_s[node] for node in self.helped(action))
        return min((seconds for seconds in known if seconds is not None), default=None)


def emergency(problem: Problem, plan: Plan, failed: tuple[str, ...]) -> Emergency:
    """Find the actions that bring every survivor within its rating, least value lost first.

    First the power actions that jobs have agreed to, then stops of further units, firm contracts
    last. Each time the action is taken that costs least for what it takes off survivors:
    ``value lost / sum over survivors of min(excess, freed)``, in mills per hour and watt. A cap
    costs the value of the job times the share of its power above idle that it takes. What turns
    out not to be needed is dropped again. Actions for survivors with the shortest ride-through
    come first. The check says whether the list suffices.
    """
    problem, failed = _named_once(problem, failed)
    state = FailureState(name="loss of " + " and ".join(failed), failed=failed)
    after = AfterFailure(problem, plan, state)
    over: Watts = after.over_w()
    chosen, left = choose(list(planned(after)), over)
    for firm in (False, True):
        more, left = choose(list(stops(after, chosen, firm=firm)), left)
        chosen += more
    found = Emergency(
        state=state,
        overloaded_w={node: ceil(watts) for node, watts in over.items()},
        within_s={node: after.within_s(node) for node in over},
        actions=(),
        lost_units=sum(units for _, rack, units in plan.shards() if rack in after.lost_racks),
        too_late=(),
        remaining=(),
    )
    ordered = sorted(needed(chosen, over), key=lambda each: _soonest(found, each))
    late, remaining = _judged(problem, plan, state, ordered)
    return replace(found, actions=tuple(ordered), too_late=late, remaining=remaining)


def _named_once(problem: Problem, failed: tuple[str, ...]) -> tuple[Problem, tuple[str, ...]]:
    """Return the same failure with every loop named once: it has lost its other units before."""
    loops = {
        name: replace(loop, units=max(1, loop.units - max(0, failed.count(name) - 1)))
        for name, loop in problem.site.loops.items()
    }
    left = {
        name: replace(loop, spare_units=min(loop.spare_units, loop.units - 1))
        for name, loop in loops.items()
    }
    site = replace(problem.site, loops=left)
    return replace(problem, site=site), tuple(dict.fromkeys(failed))


def _soonest(found: Emergency, action: Action) -> float:
    seconds = found.deadline_s(action)
    return inf if seconds is None else seconds


def _judged(
    problem: Problem, plan: Plan, state: FailureState, actions: Sequence[Action]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Ask the check what is broken until the actions take effect, and after them.

    It sees the site with this one failure, and only the jobs of the list act.
    """
    acting = {action.job for action in actions if action.what != "stop"}
    jobs = {name: _acting(job, acting) for name, job in problem.workload.jobs.items()}
    contracts = {name: _acting(each, acting) for name, each in problem.workload.contracts.items()}
    site = replace(problem.site, failure_kinds=(), failure_sets=(state.failed,))
    workload = replace(problem.workload, jobs=jobs, contracts=contracts)
    changed = Problem(site=site, workload=workload)
    stopped = {(a.job, rack) for a in actions if a.what == "stop" for rack in a.units}
    units = {
        job: {rack: count for rack, count in racks.items() if (job, rack) not in stopped}
        for job, racks in plan.units.items()
    }
    late = [f for f in check(changed, plan).broken if f.state == state.name + BEFORE]
    after = check(changed, Plan({job: racks for job, racks in units.items() if racks}))
    return tuple(late), tuple(f for f in after.broken if f.state == state.name)


def _acting(record: Acting, acting: set[str]) -> Acting:
    return record if record.name in acting else replace(record, power_action="firm")
