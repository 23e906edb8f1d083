"""An earlier plan by name as the start of a search, and what of it had to be dropped."""

from __future__ import annotations

from dataclasses import dataclass

from kernels.forms import Compiled, Shards
from scheduler.evaluate import to_shards
from scheduler.model import Plan
from scheduler.planner import kept


@dataclass(frozen=True)
class Start:
    """Where a search begins."""

    shards: Shards
    units: int  # of the earlier plan
    unknown_units: int  # of jobs or racks that are no more
    unfit_units: int  # that break a limit by now, with the rest of their gangs

    @property
    def is_whole(self) -> bool:
        """Whether nothing was dropped."""
        return self.unknown_units + self.unfit_units == 0

    @property
    def note(self) -> str:
        """What was taken over, in one line."""
        if self.is_whole:
            return f"resumed from a plan of {self.units:,} units"
        return (
            f"resumed from a plan of {self.units:,} units, "
            f"{self.unknown_units + self.unfit_units:,} of them dropped: "
            f"{self.unknown_units:,} of jobs or racks that are no more, "
            f"{self.unfit_units:,} that do not fit any more"
        )


def start_from(compiled: Compiled, plan: Plan) -> Start:
    """Keep what of `plan` the problem still knows and its limits still allow."""
    jobs, racks = set(compiled.job_names), set(compiled.rack_names)
    known: dict[str, dict[str, int]] = {}
    for job, rack, units in plan.shards():
        if job in jobs and rack in racks:
            known.setdefault(job, {})[rack] = units
    units = sum(units for _, _, units in plan.shards())
    shards = to_shards(compiled, Plan(known))
    unknown_units = units - int(shards.units.sum())
    shards, unfit_units = kept(compiled, shards)
    return Start(shards, units, unknown_units, unfit_units)
