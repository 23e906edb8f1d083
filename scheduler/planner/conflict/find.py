"""The search for a conflict: prove it, shrink it, and find what to relax."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kernels.forms import Compiled
from scheduler.planner.classes import Classes, alike_racks, single_racks
from scheduler.planner.conflict.firm import firm_only
from scheduler.planner.conflict.limits import Limit, named_limits, place_labels
from scheduler.planner.conflict.oracle import Oracle
from scheduler.planner.conflict.relax import Relaxation, Relaxer
from scheduler.planner.conflict.shrink import Group, components, shrink

EXACT_PLACEMENTS = 4_000  # (job, rack) pairs up to which racks are looked at one by one
EXACT_RACKS = 48  # and racks up to which that is done at once
CLASSES = (1_500, 20_000)  # (job, class) pairs of coarser and finer classes
FEWEST_CLASSES = 16
SHRINK_SHARE = 0.6  # of the time, at most, until the conflict is as small as it gets
PATIENCE_SHARE = 0.25  # of the time, at most, for one question to the solver
MOST_CONFLICTS = 20  # without a common member, that are sought for what to relax


@dataclass(frozen=True)
class Conflict:
    """Why firm obligations are not all met."""

    limits: tuple[Limit, ...] = ()  # they conflict; empty without a proof
    irreducible: bool = False  # each of them is needed for the conflict
    exact: bool = False  # racks were looked at one by one, not as classes
    relaxations: tuple[Relaxation, ...] = ()  # each suffices; the cheapest first
    least_unmet_gpus: int = 0  # no plan leaves fewer firm GPUs unmet

    @property
    def proven(self) -> bool:
        """Whether it is proven that not all obligations can be met."""
        return bool(self.limits)


def find_conflict(
    compiled: Compiled,
    places: Sequence[str],
    *,
    time_limit_s: float,
    workers: int = 2,
    seed: int = 0,
    known_unmet_gpus: int = 0,
) -> Conflict:
    """Find limits that together rule out that all firm obligations are met, and what to relax.

    Parameters
    ----------
    places
        Name of the place of every rack, (R,): the room of one place is one limit.
    known_unmet_gpus
        Firm GPUs that are known to stay unmet in every plan.
    """
    began = time.monotonic()
    alone = firm_only(compiled)
    limits = named_limits(alone, places)
    found = Conflict(least_unmet_gpus=known_unmet_gpus)
    for classes in _resolutions(alone, places):
        oracle = Oracle(
            compiled=alone,
            classes=classes,
            places=places,
            deadline=began + time_limit_s,
            patience_s=PATIENCE_SHARE * time_limit_s,
            workers=workers,
            seed=seed,
        )
        if oracle.impossible(limits):
            return _explained(oracle, limits, found, began + SHRINK_SHARE * time_limit_s)
    return found


def _explained(oracle: Oracle, limits: list[Limit], found: Conflict, until: float) -> Conflict:
    deadline, oracle.deadline = oracle.deadline, min(oracle.deadline, until)
    ask, stop = oracle.impossible, oracle.out_of_time
    groups, _ = shrink(components(limits), ask, stop)
    rows, irreducible = shrink([(each,) for group in groups for each in group], ask, stop)
    oracle.deadline = deadline
    found = replace(
        found,
        limits=tuple(row for (row,) in rows),
        irreducible=irreducible,
        exact=oracle.classes.is_exact,
        relaxations=_relaxations(oracle, limits, groups),
    )
    if found.least_unmet_gpus == 0:
        found = replace(found, least_unmet_gpus=oracle.least_unmet_gpus(limits))
    return found


def _relaxations(
    oracle: Oracle, limits: list[Limit], groups: list[Group]
) -> tuple[Relaxation, ...]:
    """Return every limit of the conflict that suffices alone, or else one combination."""
    relaxer = Relaxer(oracle, limits)
    single = [relaxed for group in groups if (relaxed := relaxer.single(group)) is not None]
    if single or oracle.out_of_time():
        return tuple(sorted(single, key=lambda relaxed: relaxed.cost))
    conflicts = [groups]
    rest = _without(limits, groups)
    while len(conflicts) < MOST_CONFLICTS and oracle.impossible(rest):
        further, _ = shrink(components(rest), oracle.impossible, oracle.out_of_time)
        conflicts.append(further)
        rest = _without(rest, conflicts[-1])
    combined = relaxer.combination(conflicts)
    return () if combined is None else (combined,)


def _without(limits: list[Limit], groups: list[Group]) -> list[Limit]:
    dropped = {limit for group in groups for limit in group}
    return [limit for limit in limits if limit not in dropped]


def _resolutions(alone: Compiled, places: Sequence[str]) -> Iterator[Classes]:
    """Yield partitions of the racks, coarse ones first: what they prove is found sooner."""
    num_racks, num_jobs = alone.num_racks, max(1, alone.num_jobs)
    small = num_racks * num_jobs <= EXACT_PLACEMENTS
    seen = 0
    if not (small and num_racks <= EXACT_RACKS):
        for pairs in CLASSES:
            classes = _within_places(
                alike_racks(alone, max(FEWEST_CLASSES, pairs // num_jobs)), places
            )
            if classes.count > seen:
                seen = classes.count
                yield classes
    if small and seen < num_racks:
        yield single_racks(alone)


def _within_places(classes: Classes, places: Sequence[str]) -> Classes:
    """Split classes so that each lies in one place."""
    label, names = place_labels(places)
    joint = classes.of_rack.astype(np.int64) * len(names) + label
    return Classes(np.unique(joint, return_inverse=True)[1].astype(np.int32))
