"""What a plan with an offer takes away from a plan without it, and which moves make room."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from scheduler.check import Verdict
from scheduler.model import Kind, Plan, Problem


@dataclass(frozen=True)
class Loss:
    """A job or contract that is smaller than before, or gone."""

    job: str
    tenant: str
    gpus: int
    mills_per_h: int  # of margin; negative where the offer's coming helps it

    @property
    def order(self) -> tuple[int, str]:
        """The largest first."""
        return -self.gpus, self.job


@dataclass(frozen=True)
class Move:
    """Units of a job or contract that lie elsewhere than before."""

    job: str
    tenant: str
    units: int
    gpus: int
    makes_room: bool  # some of them lay where the offer is now

    @property
    def order(self) -> tuple[bool, int, str]:
        """What makes room first, then the largest."""
        return not self.makes_room, -self.gpus, self.job


def losses(
    problem: Problem, before: Plan, after: Plan, verdicts: tuple[Verdict, Verdict]
) -> tuple[Loss, ...]:
    """Return what has fewer GPUs after than before, the largest first.

    Parameters
    ----------
    verdicts
        Of both plans: what each job earns in them.
    """
    earned_before, earned_after = (earnings(verdict) for verdict in verdicts)
    found = []
    for name, job in problem.jobs.items():
        gone = before.placed_units(name) - after.placed_units(name)
        if gone > 0:
            mills = earned_before.get(name, 0) - earned_after.get(name, 0)
            found.append(Loss(name, job.tenant, gone * job.gpus_per_unit, mills))
    return tuple(sorted(found, key=lambda loss: loss.order))


def moves(problem: Problem, before: Plan, after: Plan, taken: Collection[str]) -> tuple[Move, ...]:
    """Return what lies elsewhere after than before; what only shrinks or grows does not move.

    Parameters
    ----------
    taken
        Racks that the offer needs for itself.
    """
    found = []
    for name, racks in before.units.items():
        job, now = problem.jobs.get(name), after.units.get(name, {})
        if job is None or not now:
            continue
        left = {rack: units - now.get(rack, 0) for rack, units in racks.items()}
        left = {rack: units for rack, units in left.items() if units > 0}
        shrunk = max(0, sum(racks.values()) - sum(now.values()))
        units = sum(left.values()) - shrunk
        if units > 0:
            room = any(rack in taken for rack in left)
            found.append(Move(name, job.tenant, units, units * job.gpus_per_unit, room))
    return tuple(sorted(found, key=lambda move: move.order))


def earnings(verdict: Verdict) -> dict[str, int]:
    """Return what every job earns less what it costs, in mills per hour."""
    earned: dict[str, int] = {}
    for finding in verdict.findings:
        if finding.kind is Kind.MONEY and len(finding.jobs) == 1:
            (job,) = finding.jobs
            earned[job] = earned.get(job, 0) + finding.amount
    return earned
