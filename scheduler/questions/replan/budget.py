"""How many units may leave the racks on which they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.model import Plan, Problem


@dataclass(frozen=True)
class Budget:
    """The most units that may leave besides those that have to, in all and of one tenant.

    A unit leaves when it goes to another rack or stops. None: as many as pay.
    """

    total: int | None = None
    per_tenant: int | None = None

    def allows(self, forced: Mapping[str, int], left: Mapping[str, int]) -> bool:
        """Whether `left` is within the budget where `forced` had to leave; units by tenant."""
        more = {tenant: units - forced.get(tenant, 0) for tenant, units in left.items()}
        if self.per_tenant is not None and any(each > self.per_tenant for each in more.values()):
            return False
        return self.total is None or sum(left.values()) <= sum(forced.values()) + self.total


def left_units(problem: Problem, running: Plan, plan: Plan) -> dict[str, int]:
    """Return the running units of every tenant that left their rack.

    ``sum over jobs and racks of max(0, running - plan)``.
    """
    left: dict[str, int] = {}
    for job, rack, units in running.shards():
        gone = units - plan.units.get(job, {}).get(rack, 0)
        if gone > 0:
            tenant = problem.jobs[job].tenant
            left[tenant] = left.get(tenant, 0) + gone
    return left
