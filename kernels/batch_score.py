"""Scores of many plans that differ from one base by moves."""

from __future__ import annotations

import numpy as np

from kernels import reference
from kernels.batch import MoveSets
from kernels.batch_changes import form_changes
from kernels.batch_loads import LoadChanges
from kernels.batch_sums import KeySums, PlanMoves, split
from kernels.batch_totals import TotalChanges
from kernels.forms import NONE, Compiled, Index, Ints, Shards
from kernels.linear_table import LinearTable

MOVES_AT_ONCE = 2**18  # moves of the plans that are worked out together, one plan at least
MOVES_BY_GROUP = 2**14  # fewer where sums by group need a key for each plan, domain and group


class BatchScorer:
    """A base plan with all that moves change; every batch on it starts from there."""

    def __init__(self, compiled: Compiled, base: Shards, table: LinearTable | None = None) -> None:
        self.compiled, self.base = compiled, base
        self.base_score = reference.score(compiled, base)
        self._sums = KeySums()
        table = LinearTable(compiled) if table is None else table
        self._loads = LoadChanges(table, base, self._sums)
        self._totals = TotalChanges(compiled, base, self._sums)
        changes = (form_changes(form, compiled, base, self._sums) for form in compiled.forms)
        self._forms = [each for each in changes if each is not None]
        self._first_of_job = np.searchsorted(base.job, np.arange(compiled.num_jobs))
        self._keys = base.job.astype(np.int64) * compiled.num_racks + base.rack

    def score(self, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
        """Return violation, unmet firm GPUs and margin of the base after each set, (P,) each.

        Raises
        ------
        ValueError
            A move takes no unit, or more units leave a rack than the job has there.
        """
        if (move_sets.units <= 0).any():
            bad = int(np.flatnonzero(move_sets.units <= 0)[0])
            raise ValueError(
                f"a move of job {move_sets.job[bad]}: expected units > 0, "
                f"got {move_sets.units[bad]}"
            )
        score = self.base_score
        base = (score.violation, score.unmet_firm_gpus, score.margin_mills)
        total = np.repeat(np.array(base, np.int64)[:, None], move_sets.num_plans, axis=1)
        for first, end in _chunks(move_sets.start, MOVES_AT_ONCE):
            moves = self._moves(move_sets, first, end)
            self._check(moves)
            total[0, first:end] += self._loads.violation(moves)
            total[:, first:end] += self._totals.changes(moves)
            if self._forms:
                for a, b in _chunks(moves.start, MOVES_BY_GROUP):
                    changes = moves.part(a, b).changes()
                    for form in self._forms:
                        total[:, first + a : first + b] += form.changes(changes)
        return total[0], total[1], total[2]

    def _moves(self, move_sets: MoveSets, first: int, end: int) -> PlanMoves:
        start = move_sets.start[first : end + 1]
        own = slice(int(start[0]), int(start[-1]))
        job, source = move_sets.job[own], move_sets.source[own]
        shard = self._shard_of(job, source)
        return PlanMoves(
            start - start[0], job, source, move_sets.target[own], move_sets.units[own], shard
        )

    def _check(self, moves: PlanMoves) -> None:
        """Raise if more units leave a rack in one of the plans than lie there."""
        known = moves.shard.min(initial=0) != NONE
        if known or bool(((moves.shard != NONE) | (moves.source == NONE)).all()):
            inside = slice(None) if known else np.flatnonzero(moves.shard != NONE)
            plan, shard = moves.plan[inside], moves.shard[inside]
            enough = bool((moves.units[inside] <= self.base.units[shard]).all())
            span = max(1, len(self._keys))
            if enough and not self._sums.has_twins(plan * span + shard, moves.num_plans * span):
                return  # every shard is left at most once, and by no more than is there
        changes = moves.changes()
        racks, jobs = self.compiled.num_racks, self.compiled.num_jobs
        pair = changes.job.astype(np.int64) * racks + changes.rack
        span = max(1, jobs * racks)
        keys, net = self._sums.sums(
            changes.plan * span + pair, changes.units, changes.num_plans * span
        )
        job, rack = split(keys % span, racks)
        shard = self._shard_of(job, rack)
        there = np.where(shard == NONE, 0, np.append(self.base.units, 0)[shard])
        short = np.flatnonzero(there + net < 0)
        if len(short):
            bad = short[keys[short].argmin()]
            raise ValueError(
                f"moves take more units of job {job[bad]} from rack {rack[bad]} than lie there"
            )

    def _shard_of(self, job: Index | Ints, rack: Index | Ints) -> Ints:
        """Return the number of the base shard of a job on a rack, NONE where there is none."""
        if not len(self._keys):
            return np.full(len(job), NONE, np.int64)
        job, rack = job.astype(np.int64), rack.astype(np.int64)
        asked = job * self.compiled.num_racks + rack
        if rack.min(initial=0) == NONE:
            asked[rack == NONE] = NONE
        # Moves of a job that come one after the other often leave its racks in their order.
        heads = np.flatnonzero(np.diff(job, prepend=NONE))
        shard = self._first_of_job.take(job)
        if len(heads) < len(job):
            length = np.diff(heads, append=len(job))
            shard += np.arange(len(job)) - np.repeat(heads, length)
        np.minimum(shard, len(self._keys) - 1, out=shard)
        other = np.flatnonzero(self._keys.take(shard) != asked)
        at = np.minimum(np.searchsorted(self._keys, asked[other]), len(self._keys) - 1)
        shard[other] = np.where(self._keys[at] == asked[other], at, NONE)
        return shard


def score_batch(compiled: Compiled, base: Shards, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
    """Return violation, unmet firm GPUs and margin of `base` after each set of moves, (P,) each."""
    return BatchScorer(compiled, base).score(move_sets)


def _chunks(start: Ints, moves: int) -> list[tuple[int, int]]:
    """Cut plans into (first, end) of at most so many moves, one plan at least."""
    chunks, first, last = [], 0, len(start) - 1
    while first < last:
        end = int(np.searchsorted(start, start[first] + moves, side="right")) - 1
        end = min(max(end, first + 1), last)
        chunks.append((first, end))
        first = end
    return chunks
