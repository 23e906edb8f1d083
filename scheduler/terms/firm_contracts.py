"""Term `firm_contracts`: what was promised firmly comes before any margin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import AssignmentCost, Form
from scheduler.model import Finding, Kind, Plan, Problem
from scheduler.terms.base import Terrain
from scheduler.terms.losses import all_losses, counted_units


@dataclass(frozen=True)
class FirmContracts:
    """Every promised GPU of a firm contract that does not count is an unmet firm GPU.

    ``unmet[j] = gpus_per_unit[j] * (promised[j] - counted[j])`` in GPUs, with
    ``counted = clip(total - held_back - worst_loss, 0, promised)`` as in `sla_survival`.
    Unmet firm GPUs rank after violations and before the margin. Source: modelling choice [A].
    """

    name: ClassVar[str] = "firm_contracts"

    def applies(self, problem: Problem) -> bool:
        """Some contract is firm."""
        return any(contract.firm for contract in problem.workload.contracts.values())

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `AssignmentCost` with the firm GPUs of every unit that counts."""
        num_jobs = len(terrain.jobs)
        firm = [job.gpus_per_unit if job.firm else 0 for job in terrain.jobs]
        yield AssignmentCost(
            term=self.name,
            kind_of_rack=np.zeros(len(terrain.racks), np.int32),
            cost_mills=np.zeros((num_jobs, 1), np.int64),
            allowed=np.ones((num_jobs, 1), bool),
            value_mills=np.zeros(num_jobs, np.int64),
            firm_gpus=np.array(firm, np.int64),
        )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield GPUs that count and GPUs that are promised, for every firm contract."""
        losses = all_losses(problem)
        for contract in problem.workload.contracts.values():
            if not contract.firm:
                continue
            racks = plan.units.get(contract.name, {})
            counted = counted_units(problem.jobs[contract.name], racks, losses)
            missing = (contract.units - counted) * contract.gpus_per_unit
            yield Finding(
                term=self.name,
                kind=Kind.OBLIGATION,
                subject=contract.name,
                amount=counted * contract.gpus_per_unit,
                limit=contract.units * contract.gpus_per_unit,
                unit="GPUs",
                jobs=(contract.name,),
                message=f"{missing} promised GPUs of {contract.tenant} are missing: "
                f"{sum(racks.values())} units are placed, {counted} of {contract.units} count"
                if missing
                else "",
            )
