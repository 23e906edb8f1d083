"""Term `margin`: what the site earns per hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import AssignmentCost, Form, Ints
from scheduler.model import Finding, Job, Kind, Plan, Prices, Problem
from scheduler.model.units import PERMILLE, ceil_div
from scheduler.terms.base import Terrain
from scheduler.terms.losses import all_losses, counted_units

_W_PER_MW = 1_000_000


@dataclass(frozen=True)
class Margin:
    """Revenue of what counts, less energy of all that runs, less the cost of moves.

    In mills per hour: ``sum_j value_mills_per_gpu_h * gpus_per_unit * counted[j]
    - sum_{j, r} energy[j, r] * x[j, r] - base
    - sum_{j, r} move_mills_per_gpu * gpus_per_unit * max(0, home[j, r] - x[j, r])``
    with ``energy = ceil(mean_w * pue_permille * energy_mills_per_mwh / (1000 * 1,000,000))`` per
    unit placed, `mean_w` being watts above idle, and `base` the same of all idle racks and base
    loads together. `home` is the plan that runs now. Capital is sunk and stays out.
    Source: revenue less energy is derived [D]; prices are defaults of the site [A].
    """

    name: ClassVar[str] = "margin"

    def applies(self, problem: Problem) -> bool:
        """Every site has a margin."""
        return bool(problem.site.racks)

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `AssignmentCost`; rack kinds are rack types."""
        problem = terrain.problem
        prices = problem.site.prices
        rate = prices.pue_permille * prices.energy_mills_per_mwh
        scale = PERMILLE * _W_PER_MW
        idle_w = sum(problem.idle_w(rack) for rack in terrain.racks)
        idle_w += sum(load.power_w for load in problem.site.base_loads)
        home_job, home_rack, home_units = _home(terrain)
        gpus = np.array([job.gpus_per_unit for job in terrain.jobs], np.int64)
        value = np.array([job.value_mills_per_gpu_h for job in terrain.jobs], np.int64)
        yield AssignmentCost(
            term=self.name,
            kind_of_rack=terrain.type_of_rack,
            cost_mills=-(-terrain.demand(problem.mean_w) * rate // scale),
            allowed=np.ones((len(terrain.jobs), len(terrain.rack_types)), bool),
            value_mills=value * gpus,
            firm_gpus=np.zeros(len(terrain.jobs), np.int64),
            base_mills=ceil_div(idle_w * rate, scale),
            home_job=home_job.astype(np.int32),
            home_rack=home_rack.astype(np.int32),
            home_units=home_units,
            move_mills=prices.move_mills_per_gpu * gpus[home_job],
        )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the net margin of every job that earns or costs, and the cost of idle power."""
        site = problem.site
        losses = all_losses(problem)
        idle_w = sum(problem.idle_w(rack) for rack in site.racks.values())
        base_w = sum(load.power_w for load in site.base_loads)
        yield self._finding(
            "idle power",
            -_energy_mills(site.prices, idle_w + base_w),
            f"{idle_w} W of idle racks and {base_w} W of base loads",
        )
        for job in problem.jobs.values():
            racks = plan.units.get(job.name, {})
            counted = counted_units(job, racks, losses)
            revenue = job.value_mills_per_gpu_h * job.gpus_per_unit * counted
            energy = sum(
                units
                * _energy_mills(site.prices, problem.mean_w(job, site.type_of(site.racks[rack])))
                for rack, units in racks.items()
            )
            moved = _moved_units(problem, plan, job)
            moves = moved * job.gpus_per_unit * site.prices.move_mills_per_gpu
            if racks or moves:
                yield self._finding(
                    job.name,
                    revenue - energy - moves,
                    f"revenue {revenue}, energy {energy}, moves {moves} mills/h",
                    (job.name,),
                )

    def _finding(
        self, subject: str, amount: int, message: str, jobs: tuple[str, ...] = ()
    ) -> Finding:
        return Finding(
            term=self.name,
            kind=Kind.MONEY,
            subject=subject,
            amount=amount,
            limit=0,
            unit="mills/h",
            jobs=jobs,
            message=message,
        )


def _energy_mills(prices: Prices, power_w: int) -> int:
    """Return what `power_w` of IT power costs per hour at the meter, rounded up."""
    metered_uw = power_w * prices.pue_permille * PERMILLE
    return ceil_div(metered_uw * prices.energy_mills_per_mwh, _W_PER_MW * _W_PER_MW)


def _moved_units(problem: Problem, plan: Plan, job: Job) -> int:
    """Return the units of `job` that run now on a rack of the site where they do not stay."""
    if problem.current is None:
        return 0
    stay = plan.units.get(job.name, {})
    return sum(
        max(0, units - stay.get(rack, 0))
        for rack, units in problem.current.units.get(job.name, {}).items()
        if rack in problem.site.racks
    )


def _home(terrain: Terrain) -> tuple[Ints, Ints, Ints]:
    """Return job, rack and units of all that runs now and still exists; empty if moves are free."""
    current = terrain.problem.current
    if current is None or terrain.problem.site.prices.move_mills_per_gpu <= 0:
        home = []
    else:
        home = [
            (terrain.job_index[job], terrain.rack_index[rack], units)
            for job, rack, units in current.shards()
            if job in terrain.job_index and rack in terrain.rack_index
        ]
    job, rack, units = np.array(home, np.int64).reshape(-1, 3).T
    return job, rack, units
