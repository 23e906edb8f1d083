"""Moves and what they change, from the rows, domains and jobs that they touch.

A `Workspace` keeps one ledger a form, so that a move costs time in proportion to the rows of two
racks. Its deltas equal the difference of two scores of `kernels.reference` with ``==``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kernels import reference
from kernels.forms import (
    NONE,
    AssignmentCost,
    Compiled,
    GroupCount,
    GroupPresence,
    Ints,
    Packing,
    Shards,
)
from kernels.ledgers import BinLedger, CostLedger, CountLedger, Ledger, LoadLedger, PresenceLedger


@dataclass(frozen=True, slots=True)
class Move:
    """`units` of a job go from one rack to another."""

    job: int
    source: int  # rack, NONE: from outside, units are added
    target: int  # rack, NONE: to outside, units are removed
    units: int  # > 0


@dataclass(frozen=True, slots=True)
class Delta:
    """Score after less score before."""

    violation: int
    unmet_firm_gpus: int
    margin_mills: int


def apply(shards: Shards, moves: Iterable[Move]) -> Shards:
    """Return the plan after all moves, which count as one: their order does not matter.

    Raises
    ------
    ValueError
        More units leave a rack than the job has there.
    """
    changes = _net(moves)
    pairs = np.array(list(changes), np.int32).reshape(-1, 2)
    after = Shards.build(
        np.concatenate((shards.job, pairs[:, 0])),
        np.concatenate((shards.rack, pairs[:, 1])),
        np.concatenate((shards.units, np.array(list(changes.values()), np.int64))),
    )
    short = np.flatnonzero(after.units < 0)
    if len(short):
        raise _too_many(int(after.job[short[0]]), int(after.rack[short[0]]))
    return after


def delta(compiled: Compiled, shards: Shards, moves: Iterable[Move]) -> Delta:
    """Return what the moves change. For many of them keep a `Workspace`."""
    return Workspace(compiled, shards).delta(moves)


def score_batch(
    compiled: Compiled, base: Shards, move_sets: Sequence[Iterable[Move]]
) -> tuple[Ints, Ints, Ints]:
    """Return violation, unmet firm GPUs and margin of `base` after each set of moves, (P,) each."""
    workspace = Workspace(compiled, base)
    changes = [workspace.delta(moves) for moves in move_sets]
    return (
        workspace.violation + np.array([each.violation for each in changes], np.int64),
        workspace.unmet_firm_gpus + np.array([each.unmet_firm_gpus for each in changes], np.int64),
        workspace.margin_mills + np.array([each.margin_mills for each in changes], np.int64),
    )


class Workspace:
    """A plan together with all that a move changes: loads, bins, counts, presence, totals."""

    def __init__(self, compiled: Compiled, shards: Shards) -> None:
        costs = [form for form in compiled.forms if isinstance(form, AssignmentCost)]
        zero: Ints = np.zeros(compiled.num_jobs, np.int64)
        self._units = compiled.units
        self._value = sum((form.value_mills for form in costs), zero)  # (J,)
        self._firm = sum((form.firm_gpus for form in costs), zero)  # (J,)
        self._counts = [
            CountLedger(form, shards, compiled.num_racks)
            for form in compiled.forms
            if isinstance(form, GroupCount)
        ]
        self._ledgers = [*self._counts, *_other_ledgers(compiled, shards)]
        pairs = zip(shards.job.tolist(), shards.rack.tolist(), strict=True)
        units: list[int] = shards.units.tolist()
        self._placed = dict(zip(pairs, units, strict=True))
        self._total = reference.totals(compiled, shards)
        self._paid = reference.counted(compiled, shards)
        self._wrong = int(reference.wrong_totals(compiled, shards).sum())
        self._earned: int = int((self._value * self._paid).sum())
        self.unmet_firm_gpus = int((self._firm * (self._units.counted_most - self._paid)).sum())

    @property
    def violation(self) -> int:
        """Violation of the plan."""
        return self._wrong + sum(ledger.violation for ledger in self._ledgers)

    @property
    def margin_mills(self) -> int:
        """Margin of the plan, mills per hour."""
        return self._earned - sum(ledger.cost_mills for ledger in self._ledgers)

    @property
    def shards(self) -> Shards:
        """The plan as arrays."""
        pairs = np.array(list(self._placed), np.int32).reshape(-1, 2)
        units = np.array(list(self._placed.values()), np.int64)
        return Shards.build(pairs[:, 0], pairs[:, 1], units)

    def units_at(self, job: int, rack: int) -> int:
        """Return the units of a job on a rack."""
        return self._placed.get((job, rack), 0)

    def total_of(self, job: int) -> int:
        """Return the units of a job on all racks."""
        return int(self._total[job])

    def delta(self, moves: Iterable[Move]) -> Delta:
        """Return what the moves, taken as one, would change. The plan stays as it is."""
        changes = self._checked(moves)
        before = self.violation, self.unmet_firm_gpus, self.margin_mills
        self._place_all(changes)
        after = self.violation, self.unmet_firm_gpus, self.margin_mills
        self._place_all({pair: -units for pair, units in changes.items()})
        return Delta(*(new - old for new, old in zip(after, before, strict=True)))

    def commit(self, moves: Iterable[Move]) -> None:
        """Carry out the moves.

        Raises
        ------
        ValueError
            More units leave a rack than the job has there; then nothing is changed.
        """
        self._place_all(self._checked(moves))

    def _checked(self, moves: Iterable[Move]) -> dict[tuple[int, int], int]:
        changes = _net(moves)
        for (job, rack), units in changes.items():
            if self.units_at(job, rack) + units < 0:
                raise _too_many(job, rack)
        return changes

    def _place_all(self, changes: dict[tuple[int, int], int]) -> None:
        for (job, rack), units in changes.items():
            before = self.units_at(job, rack)
            for ledger in self._ledgers:
                ledger.place(job, rack, units)
            if before + units:
                self._placed[job, rack] = before + units
            else:
                del self._placed[job, rack]
            self._wrong -= self._wrong_total(job)
            self._total[job] += units
            self._wrong += self._wrong_total(job)
        for job in {job for job, _ in changes}:
            paid = self._counted(job)
            more = paid - int(self._paid[job])
            self._earned += more * int(self._value[job])
            self.unmet_firm_gpus -= more * int(self._firm[job])
            self._paid[job] = paid

    def _wrong_total(self, job: int) -> int:
        total = int(self._total[job])
        missing = max(0, int(self._units.least[job]) - total) if total > 0 else 0
        return missing + max(0, total - int(self._units.most[job]))

    def _counted(self, job: int) -> int:
        loss = max((counts.loss(job) for counts in self._counts), default=0)
        safe = int(self._total[job]) - int(self._units.held_back[job]) - loss
        return min(max(safe, 0), int(self._units.counted_most[job]))


def _other_ledgers(compiled: Compiled, shards: Shards) -> Iterator[Ledger]:
    """Yield the ledgers of all forms that do not decide which units count."""
    for form in compiled.forms:
        match form:
            case AssignmentCost():
                yield CostLedger(form, shards)
            case Packing():
                yield BinLedger(form, shards)
            case GroupPresence():
                yield PresenceLedger(form, shards)
    yield LoadLedger(compiled, shards)


def _net(moves: Iterable[Move]) -> dict[tuple[int, int], int]:
    """Return the change of units of every (job, rack) that the moves touch; none is zero."""
    changes: dict[tuple[int, int], int] = {}
    for move in moves:
        if move.units <= 0:
            raise ValueError(f"a move of job {move.job}: expected units > 0, got {move.units}")
        for rack, units in ((move.source, -move.units), (move.target, move.units)):
            if rack != NONE:
                changes[move.job, rack] = changes.get((move.job, rack), 0) + units
    return {pair: units for pair, units in changes.items() if units}


def _too_many(job: int, rack: int) -> ValueError:
    return ValueError(f"moves take more units of job {job} from rack {rack} than lie there")
