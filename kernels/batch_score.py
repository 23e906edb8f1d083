"""Scores of many plans that differ from one base by moves."""

from __future__ import annotations

import numpy as np

from kernels import reference
from kernels.batch import MoveSets
from kernels.batch_changes import form_changes
from kernels.batch_loads import LoadChanges
from kernels.batch_moves import MoveReader, pieces
from kernels.batch_sums import KeySums
from kernels.batch_totals import TotalChanges
from kernels.forms import Compiled, Ints, Shards
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
        self._reader = MoveReader(compiled, base, self._sums)

    def score(self, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
        """Return violation, unmet firm GPUs and margin of the base after each set, (P,) each.

        Raises
        ------
        ValueError
            A move takes no unit, or more units leave a rack than the job has there.
        """
        score = self.base_score
        base = (score.violation, score.unmet_firm_gpus, score.margin_mills)
        total = np.repeat(np.array(base, np.int64)[:, None], move_sets.num_plans, axis=1)
        for plans, moves in self._reader.pieces(move_sets, MOVES_AT_ONCE):
            total[0, plans] += self._loads.violation(moves)
            total[:, plans] += self._totals.changes(moves)
            for some in pieces(moves.start, MOVES_BY_GROUP) if self._forms else ():
                changes = moves.part(some).changes()
                own = slice(plans.start + some.start, plans.start + some.stop)
                for form in self._forms:
                    total[:, own] += form.changes(changes)
        return total[0], total[1], total[2]


def score_batch(compiled: Compiled, base: Shards, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
    """Return violation, unmet firm GPUs and margin of `base` after each set of moves, (P,) each."""
    return BatchScorer(compiled, base).score(move_sets)
