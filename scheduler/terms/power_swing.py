"""Term `power_swing`: jobs that step in time swing feeds and site by no more than allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import ClassVar

from kernels.forms import Form
from scheduler.model import Finding, Job, Kind, Plan, Problem, RackType
from scheduler.terms.base import Terrain
from scheduler.terms.power_normal import FlowRow, flow_form
from scheduler.terms.routing import NodeLoad, Routing, draws
from scheduler.words import power, share_of


@dataclass(frozen=True)
class PowerSwing:
    """Jobs that step in time swing the power of a feed, and of the site, by no more than its limit.

    ``sum_c share[n, c] * swing[c] <= swing_limit[n]`` with ``swing`` of a rack equal to
    ``sum_j swing_permille[j] / 1000 * dynamic_w * x[j, r]`` over synchronous jobs. In watts, in
    the normal state. Swings of different jobs are added as if they stepped together: the safe
    side of the root of the sum of squares that holds for jobs out of step.
    Source: limits on the dynamic range of a site [T]; depth by power profile, 0.6 for training [A].
    """

    name: ClassVar[str] = "power_swing"

    def applies(self, problem: Problem) -> bool:
        """Whether a power node or the site limits the swing."""
        site = problem.site
        limits = (node.swing_limit_w for node in site.power_nodes.values())
        return any(limit is not None for limit in (site.site_swing_limit_w, *limits))

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield one row for every power node with a swing limit and one for the site."""
        problem, site = terrain.problem, terrain.problem.site
        flows = terrain.topology.normal_flows()
        rows = [
            FlowRow(node.name, "normal", flows[node.name], node.swing_limit_w)
            for node in site.power_nodes.values()
            if node.swing_limit_w is not None
        ]
        if site.site_swing_limit_w is not None:
            whole = dict.fromkeys(site.racks, Fraction(1))
            rows.append(FlowRow(site.name, "normal", whole, site.site_swing_limit_w))
        demand = terrain.demand(lambda job, rack_type: swing_w(problem, job, rack_type))
        if rows:
            yield flow_form(self.name, terrain, rows, demand, standing={})

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield the swing of every power node that limits it and of the site."""

        def watts(job: Job, rack_type: RackType) -> int:
            return swing_w(problem, job, rack_type)

        drawn = draws(problem, plan, watts, standing=False)
        loads = Routing(problem.site).loads(drawn)
        for node in problem.site.power_nodes.values():
            if node.swing_limit_w is not None:
                yield self._finding(
                    f"feed {node.name}", node.name, loads[node.name], node.swing_limit_w
                )
        limit = problem.site.site_swing_limit_w
        if limit is not None:
            total = sum(draw.total_w for draw in drawn.values())
            by_job: dict[str, Fraction] = {}
            for draw in drawn.values():
                for job, swing in draw.by_job.items():
                    by_job[job] = by_job.get(job, Fraction(0)) + swing
            name = problem.site.name
            yield self._finding(f"site {name}", name, NodeLoad(Fraction(total), by_job), limit)

    def _finding(self, who: str, subject: str, load: NodeLoad, limit: int) -> Finding:
        amount = ceil(load.total)
        swing = f"{power(amount)} in step, {share_of(amount, limit)} of its {power(limit)}"
        return Finding(
            term=self.name,
            kind=Kind.LIMIT,
            subject=subject,
            amount=amount,
            limit=limit,
            unit="W",
            jobs=load.jobs,
            message=f"{who} swings by {swing}" if amount > limit else "",
        )


def swing_w(problem: Problem, job: Job, rack_type: RackType) -> int:
    """Watts by which one unit swings in step with its job; 0 if the job is not synchronous."""
    profile = problem.profile_of(job)
    return problem.power_w(job, rack_type, profile.swing_permille) if profile.synchronous else 0
