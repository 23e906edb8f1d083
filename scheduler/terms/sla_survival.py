"""Term `sla_survival`: what a contract promises is there after the loss of one component."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kernels.forms import UNLIMITED, Form, GroupCount, Rows
from scheduler.model import Finding, Kind, Plan, Problem
from scheduler.model.levels import RACK_DOMAIN_LEVELS
from scheduler.terms.base import Terrain
from scheduler.terms.losses import all_losses, survived_kinds, units_in
from scheduler.terms.spread import domain_rows


@dataclass(frozen=True)
class SlaSurvival:
    """Units that the loss of one component would take out do not count for a contract.

    ``counted[j] = clip(total[j] - held_back[j] - worst_loss[j], 0, promised[j])`` with
    ``worst_loss[j] = max over single losses d of sum_{r lost in d} x[j, r]``, in units, and
    ``held_back = ceil(promised * spare_permille / 1000)``. A loss is one rack, array, pod, hall,
    CDU unit or power node of a kind in the SLA's ``survives``. A power node takes out the racks
    that have no live feed left; a CDU unit takes out the racks of a loop of one unit.
    The rule has no limit of its own: what does not count is unpaid and an unmet firm obligation.
    Source: modelling choice [A] after SLAs that promise a share of a rack's GPUs [M].
    """

    name: ClassVar[str] = "sla_survival"

    def applies(self, problem: Problem) -> bool:
        """Some contract asks to survive a loss."""
        return any(contract.sla.survives for contract in problem.workload.contracts.values())

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one `GroupCount` per kind of loss that takes racks out; groups are contracts."""
        for kind in survived_kinds(terrain.problem):
            domains, names = _domains(terrain, kind)
            if not names:
                continue
            survives = [job.sla is not None and kind in job.sla.survives for job in terrain.jobs]
            chosen = [j for j, each in enumerate(survives) if each]
            yield GroupCount(
                term=self.name,
                level=kind,
                domains=domains,
                group_of_job=terrain.own_groups(chosen),
                limit=np.full(len(chosen), UNLIMITED, np.int64),
                survives=np.array(survives, bool),
                domain_names=names,
                group_names=tuple(terrain.jobs[j].name for j in chosen),
            )

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield, per placed contract and kind, the units that the worst single loss takes out."""
        losses = all_losses(problem)
        for name, racks in plan.units.items():
            sla = problem.jobs[name].sla
            total = plan.placed_units(name)
            for kind in () if sla is None else sla.survives:
                lost = {d: units_in(racks, out) for d, out in losses[kind].items()}
                worst = max(lost, key=lambda d: lost[d], default="")
                if worst and lost[worst]:
                    yield Finding(
                        term=self.name,
                        kind=Kind.LIMIT,
                        subject=name,
                        amount=lost[worst],
                        limit=total,
                        unit="units",
                        state=f"loss of {worst}",
                        jobs=(name,),
                        message=f"{lost[worst]} of {total} units are lost with {kind} {worst}",
                    )


def _domains(terrain: Terrain, kind: str) -> tuple[Rows, tuple[str, ...]]:
    """Return the racks that each loss of `kind` takes out as rows, and the names; none empty."""
    if kind in RACK_DOMAIN_LEVELS:
        return domain_rows(terrain, kind)
    site = terrain.problem.site
    nodes = [node.name for node in site.power_nodes.values() if node.kind == kind]
    components = list(site.loops) if kind == "cdu" else nodes
    lost = {name: terrain.topology.lost_racks((name,)) for name in components}
    lost = {name: racks for name, racks in lost.items() if racks}
    index = terrain.rack_index
    return Rows.build([{index[rack]: 1 for rack in racks} for racks in lost.values()]), tuple(lost)
