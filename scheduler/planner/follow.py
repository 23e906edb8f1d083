"""From units per rack class to units per rack: follow a solution of the program, exactly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kernels.forms import NONE, Ints, Shards
from scheduler.planner.classes import Classes
from scheduler.planner.construct import Builder, Stop
from scheduler.planner.state import State, one_domain_labels


def follow(
    builder: Builder, classes: Classes, units: Ints, order: Ints, stop: Stop
) -> Iterator[Shards]:
    """Lay out `units` (J, C) rack by rack; then place what is left out where it still fits.

    Yields the plan after each of the two steps. What does not fit a job's own classes goes to
    others, and a job that does not fit whole is taken back and placed freely: what the classes
    cannot tell apart (inlet temperatures, single nodes) is decided here.
    """
    state = State(builder.compiled)
    least = builder.compiled.units.least
    missed = []
    spare = _spare_slots(builder, classes, units)
    for job in _hardest_first(builder, units, order):
        asked = int(units[job].sum())
        _lay_out(state, classes, job, units[job])
        builder.add(state, job, asked - int(state.total[job]), spare)
        placed = int(state.total[job])
        if placed < asked and placed < max(int(least[job]), 1):
            state.remove(job)
            missed.append(job)
        else:
            builder.top_up(state, job, spare)
    builder.insert(state, np.array(missed, np.int64), stop)
    yield state.shards()
    if builder.insert(state, order, stop):
        yield state.shards()


def _hardest_first(builder: Builder, units: Ints, order: Ints) -> list[int]:
    """Jobs of the solution: those that keep whole domains to themselves, then wide ones."""
    asked = units.sum(axis=1)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    jobs = np.flatnonzero(asked)
    keys = (rank[jobs], -asked[jobs], -builder.exclusiveness[jobs], builder.nested[jobs])
    ranked: list[int] = jobs[np.lexsort(keys)].tolist()
    return ranked


def _lay_out(state: State, classes: Classes, job: int, per_class: Ints) -> None:
    """Place `job` class by class, on the racks of a class where it fits best.

    A job that must lie in one domain keeps to the one with the tightest sufficient room.
    """
    fits = np.where(per_class[classes.of_rack] > 0, state.fit(job), 0)
    label = one_domain_labels(state, job)
    room = np.bincount(label, fits).astype(np.int64)
    fits[label != np.argmin(_tightness(room, int(per_class.sum())))] = 0
    for rack_class in np.flatnonzero(per_class).tolist():
        racks = classes.members[rack_class]
        want = int(per_class[rack_class])
        key = _tightness(fits[racks], want)
        state.fill(job, racks[np.argsort(key, kind="stable")].tolist(), want)


def _tightness(room: Ints, want: int) -> Ints:
    """Rank room: the tightest that takes all of `want` first, then the roomiest."""
    return np.where(room >= want, room - want, 2**60 - room)


def _spare_slots(builder: Builder, classes: Classes, units: Ints) -> Ints:
    """Slots that the solution leaves empty, spread over the racks of each class, (R,)."""
    packing = builder.compiled.packing
    if packing is None:
        return np.zeros(builder.compiled.num_racks, np.int64)
    first = np.array([racks[0] for racks in classes.members])
    size = np.where(packing.group_of_job[:, None] == NONE, 0, packing.size)
    used = (units * size[:, packing.kind_of_rack[first]]).sum(axis=0)
    spare = classes.total(packing.bins * packing.bin_size) - used
    return np.asarray((spare // classes.size)[classes.of_rack])
