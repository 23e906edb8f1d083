"""Swaps: the best exchange found is the best of all when all are tried."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kernels.forms import NONE
from kernels.moves import Move, Workspace
from kernels.sweep.exchange import SwapSearch
from tests.random_compiled import random_compiled, random_shards


@given(st.integers(0, 2**32 - 1))
def test_the_best_swap_is_found_when_all_are_tried(seed: int) -> None:
    compiled = random_compiled(seed)
    shards = random_shards(compiled, seed)
    chosen = np.arange(len(shards.job))
    found = SwapSearch(compiled).best(shards, chosen, racks=compiled.num_racks, partners=99)
    workspace = Workspace(compiled, shards)
    placed = [*zip(shards.job.tolist(), shards.rack.tolist(), shards.units.tolist(), strict=True)]
    for n, (job, rack, units) in enumerate(placed):
        best = []
        for other, (job2, rack2, units2) in enumerate(placed):
            if rack2 != rack and job2 != job:
                moves = [Move(job, rack, rack2, units), Move(job2, rack2, rack, units2)]
                delta = workspace.delta(moves)
                key = (delta.violation, delta.unmet_firm_gpus, -delta.margin_mills, other)
                best.append(key)
        got = (
            int(found.violation[n]),
            int(found.unmet_firm_gpus[n]),
            -int(found.margin_mills[n]),
            int(found.partner[n]),
        )
        assert got == min(best, default=(0, 0, 0, NONE))


def test_few_racks_and_partners_are_looked_at() -> None:
    compiled = random_compiled(12)
    shards = random_shards(compiled, 12)
    search = SwapSearch(compiled)
    chosen = np.arange(len(shards.job))
    few, many = search._pairs(shards, chosen, 1, 1), search._pairs(shards, chosen, 9, 9)
    assert len(few[0]) < len(many[0])
    assert set(zip(*map(np.ndarray.tolist, few), strict=True)) <= set(
        zip(*map(np.ndarray.tolist, many), strict=True)
    )
