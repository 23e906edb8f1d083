"""What differs between two plans of a site: what moves, what starts, what stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.model import Plan, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChange:
    """One job in both plans, in units."""

    job: str
    moved: int  # units that lie on another rack than before
    more: int
    fewer: int
    left: Mapping[str, int]  # rack -> units that are gone from it
    came: Mapping[str, int]  # rack -> units that are new there


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """All that changed from an earlier plan to this one."""

    jobs: tuple[JobChange, ...]  # most units first
    moved_gpus: int
    started_gpus: int
    stopped_gpus: int
    gone: tuple[str, ...]  # racks of the earlier plan that the site no longer has


def differences_between(problem: Problem, plan: Plan, earlier: Plan) -> Differences:
    """Return what `plan` changes; jobs that are no longer asked for count as stopped.

    GPUs of such jobs are unknown and count one for each unit.
    """
    changes = [
        _change(name, earlier.units.get(name, {}), plan.units.get(name, {}))
        for name in dict.fromkeys((*plan.units, *earlier.units))
    ]
    changes = [each for each in changes if each.left or each.came]
    changes.sort(key=lambda each: (-each.moved - each.more - each.fewer, each.job))

    def gpus(job: str) -> int:
        return problem.jobs[job].gpus_per_unit if job in problem.jobs else 1

    racks = {rack for _, rack, _ in earlier.shards()}
    return Differences(
        jobs=tuple(changes),
        moved_gpus=sum(each.moved * gpus(each.job) for each in changes),
        started_gpus=sum(each.more * gpus(each.job) for each in changes),
        stopped_gpus=sum(each.fewer * gpus(each.job) for each in changes),
        gone=tuple(sorted(racks - problem.site.racks.keys())),
    )


def _change(job: str, before: Mapping[str, int], after: Mapping[str, int]) -> JobChange:
    left = {rack: n - after.get(rack, 0) for rack, n in before.items() if n > after.get(rack, 0)}
    came = {rack: n - before.get(rack, 0) for rack, n in after.items() if n > before.get(rack, 0)}
    out, into = sum(left.values()), sum(came.values())
    return JobChange(
        job=job,
        moved=min(out, into),
        more=max(0, into - out),
        fewer=max(0, out - into),
        left=left,
        came=came,
    )
