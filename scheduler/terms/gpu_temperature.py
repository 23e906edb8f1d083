"""No GPU reaches the temperature at which it lowers its clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import AssignmentCost, Bools, Form, Index
from scheduler.model import Finding, Job, Kind, Plan, Problem, Rack
from scheduler.model.climate import coolant_mc, coolant_rise_mk
from scheduler.model.units import PERMILLE, part
from scheduler.terms.base import Terrain

XI_PERMILLE = 500  # place of the GPU along its branch: 0 first, 1 last; 1/2 is the default [A]


@dataclass(frozen=True)
class GpuTemperature:
    """A job lies only on racks whose coolant keeps its GPUs at or below the slowdown limit.

    ``T_gpu = T_coolant + xi * (T_ret - T_sup) + R_th * P_gpu <= slowdown`` on the hottest day, with
    ``xi = 1/2``, ``T_ret - T_sup = phi * basis_w / (flow * c)`` of the rack itself at full power
    and ``P_gpu = gpu_idle_w + ceil(peak * (gpu_peak_w - gpu_idle_w))``. GPUs that are cooled by
    air take the inlet limit of the hall as their coolant and no rise.
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
        kind_of_rack, kinds = _rack_kinds(terrain)
        allowed = _allowed(terrain, kinds)
        if allowed.all():
            return
        num_jobs = len(terrain.jobs)
        yield AssignmentCost(
            term=self.name,
            kind_of_rack=kind_of_rack,
            cost_mills=np.zeros(allowed.shape, np.int64),
            allowed=allowed,
            value_mills=np.zeros(num_jobs, np.int64),
            firm_gpus=np.zeros(num_jobs, np.int64),
        )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield every job on a rack that is too hot for it, with the units that lie there."""
        for job, rack, units in plan.shards():
            finding = self._finding(problem, problem.jobs[job], problem.site.racks[rack], units)
            if finding is not None:
                yield finding

    def _finding(self, problem: Problem, job: Job, rack: Rack, units: int) -> Finding | None:
        rack_type = problem.site.type_of(rack)
        day, coolant = coolant_mc(problem.site, rack)
        dynamic_w = rack_type.gpu_peak_w - rack_type.gpu_idle_w
        gpu_w = rack_type.gpu_idle_w + part(dynamic_w, problem.profile_of(job).peak_permille)
        gpu_mc = coolant + _rise_at_gpu_mk(problem, rack) + rack_type.r_th_mk_per_w * gpu_w
        if gpu_mc <= rack_type.slowdown_mc:
            return None
        message = (
            f"{job.name} on {rack.name}: GPUs reach {gpu_mc / 1000:.1f} °C at {gpu_w} W with "
            f"coolant at {coolant / 1000:.1f} °C ({day}); they slow down above "
            f"{rack_type.slowdown_mc / 1000:.1f} °C"
        )
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=rack.name,
            amount=units,
            limit=0,
            unit="units",
            state=day,
            jobs=(job.name,),
            message=message,
        )


def _rise_at_gpu_mk(problem: Problem, rack: Rack) -> int:
    """Return ``xi * (T_ret - T_sup)`` of a rack at full power, for `explain`; 0 in air."""
    if rack.loop is None:
        return 0
    rack_type = problem.site.type_of(rack)
    liquid_w = part(problem.site.basis_w(rack_type), rack_type.liquid_permille)
    return part(coolant_rise_mk(liquid_w, rack_type.flow_mlpm), XI_PERMILLE)


def _rack_kinds(terrain: Terrain) -> tuple[Index, list[Rack]]:
    """Return the kind of every rack (type, loop and hall alike), (R,), and a rack of each kind."""
    index: dict[tuple[str, str | None, str], int] = {}
    examples: list[Rack] = []
    kind_of_rack = []
    for rack in terrain.racks:
        key = (rack.type, rack.loop, rack.hall)
        if key not in index:
            index[key] = len(examples)
            examples.append(rack)
        kind_of_rack.append(index[key])
    return np.array(kind_of_rack, np.int32), examples


def _allowed(terrain: Terrain, kinds: list[Rack]) -> Bools:
    """Return whether the GPUs of a job stay cool enough on a kind of rack, (J, K)."""
    problem = terrain.problem
    site = problem.site
    peak = np.array([problem.profile_of(job).peak_permille for job in terrain.jobs], np.int64)
    allowed = np.ones((len(peak), len(kinds)), bool)
    for k, rack in enumerate(kinds):
        rack_type = site.type_of(rack)
        full_w = -(-site.basis_w(rack_type) * rack_type.liquid_permille // PERMILLE)
        rise_mk = 0 if rack.loop is None else coolant_rise_mk(full_w, rack_type.flow_mlpm)
        before_mc = coolant_mc(site, rack)[1] - (-rise_mk * XI_PERMILLE // PERMILLE)
        dynamic_w = rack_type.gpu_peak_w - rack_type.gpu_idle_w
        gpu_w = rack_type.gpu_idle_w - (-peak * dynamic_w // PERMILLE)
        allowed[:, k] = before_mc + rack_type.r_th_mk_per_w * gpu_w <= rack_type.slowdown_mc
    return allowed
