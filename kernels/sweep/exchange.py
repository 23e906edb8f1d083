"""Swaps of two shards: if a better rack is full, someone there may want to leave it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kernels.batch import swaps
from kernels.batch_score import BatchScorer
from kernels.candidates import placed_shards
from kernels.forms import NONE, Compiled, Index, Ints, Packing, Shards
from kernels.parts.expand import ranges
from kernels.sweep.fast import Sweeper


@dataclass(frozen=True, eq=False)
class Swaps:
    """The best partner found for every shard asked for, and what exchanging racks changes."""

    partner: Ints  # (n,) a shard, NONE: there is none
    violation: Ints  # (n,) score after less score before
    unmet_firm_gpus: Ints  # (n,)
    margin_mills: Ints  # (n,)


class SwapSearch:
    """Looks for partners on the racks that would be best for a shard if bins did not count."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        boundless = tuple(form for form in compiled.forms if not isinstance(form, Packing))
        self._sweeper = Sweeper(replace(compiled, forms=boundless))

    def best(self, shards: Shards, chosen: Ints, racks: int = 4, partners: int = 4) -> Swaps:
        """Return the best exchange of each chosen shard with one on its best racks.

        Parameters
        ----------
        shards : Shards
            The plan.
        chosen : (n,) array
            Numbers of the shards that look for a partner.
        racks : int
            How many racks each looks at, best first.
        partners : int
            How many shards of a rack are tried, those closest in units first.
        """
        who, partner = self._pairs(shards, chosen, racks, partners)
        scorer = BatchScorer(self.compiled, shards)
        scores = scorer.score(swaps(shards, chosen[who], partner))
        base = (scorer.base_score.violation, scorer.base_score.unmet_firm_gpus)
        changes = np.array(
            (scores[0] - base[0], scores[1] - base[1], scores[2] - scorer.base_score.margin_mills)
        )
        order = np.lexsort((partner, -changes[2], changes[1], changes[0], who))
        first = order[np.flatnonzero(np.diff(who[order], prepend=-1))]
        found = np.zeros((4, len(chosen)), np.int64)
        found[0] = NONE
        found[0, who[first]] = partner[first]
        found[1:, who[first]] = changes[:, first]
        return Swaps(*found)

    def _pairs(self, shards: Shards, chosen: Ints, racks: int, partners: int) -> tuple[Ints, Ints]:
        """Return (which of the chosen, another shard) for every exchange to try."""
        asked = placed_shards(shards).take(chosen)
        best = self._sweeper.sweep(shards, asked, racks).rack
        by_rack = np.argsort(shards.rack, kind="stable")
        start = np.searchsorted(shards.rack[by_rack], np.arange(self.compiled.num_racks + 1))
        who, column = np.nonzero(best != NONE)
        target: Index = best[who, column]
        which, at = ranges(start[target], start[target + 1])
        who, other = who[which], by_rack[at]
        apart = np.abs(shards.units[other] - asked.units[who])
        order = np.lexsort((other, apart, shards.rack[other], who))
        who, other = who[order], other[order]
        group = who * self.compiled.num_racks + shards.rack[other]
        place = np.arange(len(group)) - np.searchsorted(group, group)  # group ascends
        kept = (place < partners) & (shards.job[other] != asked.job[who])
        return who[kept], other[kept]
