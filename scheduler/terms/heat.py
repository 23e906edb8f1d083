"""Where heat goes, told by adding up the plan: the plain side of the cooling terms.

Shares no code with what compiles these terms, so that findings check what was compiled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from scheduler.model import (
    MOST_JOBS,
    NORMAL,
    FailureState,
    Job,
    Loop,
    Plan,
    Problem,
    RackType,
    largest_first,
)
from scheduler.model.climate import air_permille
from scheduler.model.units import part

Watts = Callable[[Job, RackType], int]  # above idle, of one unit


@dataclass(slots=True)
class Heat:
    """Heat in one place: what is there without any job, and what each job adds to it."""

    base_w: int = 0
    of_job_w: Counter[str] = field(default_factory=Counter)

    @property
    def total_w(self) -> int:
        """All of it."""
        return self.base_w + self.of_job_w.total()

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that add most, largest first."""
        return largest_first(self.of_job_w)[:MOST_JOBS]

    def add(self, other: Heat) -> None:
        """Add the heat of another place to this one."""
        self.base_w += other.base_w
        self.of_job_w.update(other.of_job_w)


@dataclass(frozen=True, slots=True)
class LoopCase:
    """A loop in a state: the CDUs that are live and the heat that reaches them."""

    loop: Loop
    state: FailureState
    live: int
    heat: Heat


def loop_cases(problem: Problem, plan: Plan) -> Iterator[LoopCase]:
    """Yield every loop with all its CDUs, and in each state that takes one of several.

    Jobs are at their peak in the normal state, and have acted after a loss.
    """
    peak = liquid_heat(problem, plan, problem.peak_w)
    acted = liquid_heat(problem, plan, problem.acted_w)
    for name, loop in problem.site.loops.items():
        yield LoopCase(loop, NORMAL, loop.units, peak[name])
        for state in problem.site.failure_states:
            if name in state.failed and loop.units > 1:
                yield LoopCase(loop, state, loop.units - 1, acted[name])


def liquid_heat(problem: Problem, plan: Plan, watts: Watts) -> dict[str, Heat]:
    """Return the heat in every loop by name, each unit of a job drawing `watts`."""
    site = problem.site
    heat = {name: Heat() for name in site.loops}
    for rack in site.racks.values():
        if rack.loop is not None:
            liquid_permille = site.type_of(rack).liquid_permille
            heat[rack.loop].base_w += part(problem.idle_w(rack), liquid_permille)
    for job, rack_name, units in plan.shards():
        rack = site.racks[rack_name]
        if rack.loop is not None:
            rack_type = site.type_of(rack)
            unit_w = part(watts(problem.jobs[job], rack_type), rack_type.liquid_permille)
            heat[rack.loop].of_job_w[job] += units * unit_w
    return heat


def air_heat(problem: Problem, plan: Plan) -> dict[str, Heat]:
    """Return the air heat of every rack by name, jobs at their peak."""
    heat = {}
    for name, rack in problem.site.racks.items():
        rack_type = problem.site.type_of(rack)
        share = air_permille(rack, rack_type)
        heat[name] = Heat(base_w=part(problem.idle_w(rack), share))
        for job, units in plan.by_rack.get(name, {}).items():
            unit_w = part(problem.peak_w(problem.jobs[job], rack_type), share)
            heat[name].of_job_w[job] = units * unit_w
    return heat


def design_flow_mlpm(problem: Problem) -> dict[str, int]:
    """Return the sum of the racks' design flows on every loop by name."""
    flow = dict.fromkeys(problem.site.loops, 0)
    for rack in problem.site.racks.values():
        if rack.loop is not None:
            flow[rack.loop] += problem.site.type_of(rack).flow_mlpm
    return flow
