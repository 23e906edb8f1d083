"""Term `gpu_temperature`: no GPU reaches the temperature at which it lowers its clocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, NamedTuple

import numpy as np

from kernels.forms import AssignmentCost, Bools, Form
from scheduler.model import Finding, Job, Kind, Plan, Problem, Rack
from scheduler.model.climate import coolant_mc, coolant_rise_mk
from scheduler.model.units import PERMILLE, part
from scheduler.terms.base import Terrain
from scheduler.terms.cooling_loops import cdu_losses, flow_of_loops
from scheduler.terms.heat import design_flow_mlpm
from scheduler.words import quantity

XI_PERMILLE = 500  # place of the GPU along its branch: 0 first, 1 last; 1/2 is the default [A]


@dataclass(frozen=True)
class GpuTemperature:
    """A job lies only on racks whose coolant keeps its GPUs at or below the slowdown limit.

    ``T_gpu = T_coolant + xi * (T_ret - T_sup) + R_th * P_gpu <= slowdown`` on the hottest day, with
    ``xi = 1/2``, ``T_ret - T_sup = phi * basis_w / (flow * c)`` of the rack itself at full power
    and ``P_gpu = gpu_idle_w + ceil(peak * (gpu_peak_w - gpu_idle_w))``. GPUs that are cooled by
    air take the inlet limit of the hall as their coolant and no rise.
    The same holds after the loss of one CDU of several: the racks of the loop then share what
    flow is left, and ``peak`` is what is left after the power action.
    A property of job and rack kind (rack type, loop), so it compiles to a prohibition. It holds
    for jobs inside a contract too: a GPU is heated by the work that runs on it.
    Source: series resistance from coolant to GPU, xi = 1/2 [A]; R_th and slowdown by rack type,
    for example 0.025 to 0.035 K/W and 87 C + 2 K [T].
    """

    name: ClassVar[str] = "gpu_temperature"

    def applies(self, problem: Problem) -> bool:
        """Whether there is anything to place, and somewhere."""
        return bool(problem.site.racks and problem.jobs)

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield what is prohibited; nothing where no pair is too hot."""
        kind_of_rack, samples = terrain.kinds(lambda rack: (rack.type, rack.loop, rack.hall))
        allowed = _allowed(terrain, samples)
        if not allowed.all():
            yield AssignmentCost.prohibition(self.name, kind_of_rack, allowed)

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield every job on a rack that is too hot for it, with the units that lie there."""
        shortages = _shortages(problem)
        for name, rack_name, units in plan.shards():
            job, rack = problem.jobs[name], problem.site.racks[rack_name]
            cases = [_Case(problem.profile_of(job).peak_permille)]
            if rack.loop in shortages:
                cases.append(_Case(problem.acted_permille(job), shortages[rack.loop]))
            found = (self._finding(problem, job, rack, units, case) for case in cases)
            yield from islice(filter(None, found), 1)

    def _finding(
        self, problem: Problem, job: Job, rack: Rack, units: int, case: _Case
    ) -> Finding | None:
        """Return that the GPUs are too hot in this case, None if they are not."""
        rack_type = problem.site.type_of(rack)
        day, coolant = coolant_mc(problem.site, rack)
        state = f"{case.shortage.state} on {day}" if case.shortage else day
        dynamic_w = rack_type.gpu_peak_w - rack_type.gpu_idle_w
        gpu_w = rack_type.gpu_idle_w + part(dynamic_w, case.permille)
        rise_mk = _rise_at_gpu_mk(problem, rack, case.shortage)
        gpu_mc = coolant + rise_mk + rack_type.r_th_mk_per_w * gpu_w
        if gpu_mc <= rack_type.slowdown_mc:
            return None
        message = (
            f"{job.name} on {rack.name}: GPUs reach {quantity(gpu_mc, 'mC')} at {gpu_w} W with "
            f"coolant at {quantity(coolant, 'mC')} ({state}); they slow down above "
            f"{quantity(rack_type.slowdown_mc, 'mC')}"
        )
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=rack.name,
            amount=units,
            limit=0,
            unit="units",
            state=state,
            jobs=(job.name,),
            message=message,
        )


class _Shortage(NamedTuple):
    """A loop whose CDUs deliver less than the design flow of its racks after a loss."""

    state: str
    left_mlpm: int
    design_mlpm: int


class _Case(NamedTuple):
    """Load of a GPU, in thousandths of its dynamic range, with or without enough flow."""

    permille: int
    shortage: _Shortage | None = None


def _shortages(problem: Problem) -> dict[str | None, _Shortage]:
    """Return the loops that are short of flow after the loss of one CDU of several."""
    design_mlpm = design_flow_mlpm(problem)
    found: dict[str | None, _Shortage] = {}
    for state in problem.site.failure_states:
        for name in state.failed:
            loop = problem.site.loops.get(name)
            if loop is not None and loop.units > 1:
                left_mlpm = (loop.units - 1) * loop.unit_flow_mlpm
                if left_mlpm < design_mlpm[name]:
                    found.setdefault(name, _Shortage(state.name, left_mlpm, design_mlpm[name]))
    return found


def _rise_at_gpu_mk(problem: Problem, rack: Rack, shortage: _Shortage | None) -> int:
    """Return ``xi * (T_ret - T_sup)`` of a rack at full power, for `explain`; 0 in air."""
    if rack.loop is None:
        return 0
    rack_type = problem.site.type_of(rack)
    liquid_w = part(problem.site.basis_w(rack_type), rack_type.liquid_permille)
    flow_mlpm = rack_type.flow_mlpm
    if shortage:
        flow_mlpm = flow_mlpm * shortage.left_mlpm // shortage.design_mlpm
    return part(coolant_rise_mk(liquid_w, flow_mlpm), XI_PERMILLE)


def _allowed(terrain: Terrain, samples: Sequence[Rack]) -> Bools:
    """Return whether the GPUs of a job stay cool enough on a kind of rack, (J, K)."""
    problem = terrain.problem
    site = problem.site
    peak = np.array([problem.profile_of(job).peak_permille for job in terrain.jobs], np.int64)
    acted = np.array([problem.acted_permille(job) for job in terrain.jobs], np.int64)
    design_mlpm = flow_of_loops(terrain)
    left_mlpm = {
        loop.name: min(design_mlpm[loop.name], (loop.units - 1) * loop.unit_flow_mlpm)
        for loop, _ in cdu_losses(site)
    }
    allowed = np.ones((len(peak), len(samples)), bool)
    for k, rack in enumerate(samples):
        rack_type = site.type_of(rack)
        cases = [(peak, rack_type.flow_mlpm)]
        if rack.loop in left_mlpm and design_mlpm[rack.loop]:
            flow_mlpm = rack_type.flow_mlpm * left_mlpm[rack.loop] // design_mlpm[rack.loop]
            cases.append((acted, flow_mlpm))
        full_w = -(-site.basis_w(rack_type) * rack_type.liquid_permille // PERMILLE)
        dynamic_w = rack_type.gpu_peak_w - rack_type.gpu_idle_w
        for permille, flow_mlpm in cases:
            rise_mk = 0 if rack.loop is None else coolant_rise_mk(full_w, flow_mlpm)
            before_mc = coolant_mc(site, rack)[1] - (-rise_mk * XI_PERMILLE // PERMILLE)
            gpu_w = rack_type.gpu_idle_w - (-permille * dynamic_w // PERMILLE)
            gpu_mc = before_mc + rack_type.r_th_mk_per_w * gpu_w
            allowed[:, k] &= gpu_mc <= rack_type.slowdown_mc
    return allowed
