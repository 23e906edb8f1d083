"""All moves at once: the best racks for every shard of a plan and every job outside it.

`kernels.candidates` says what is asked and answered, `fast` holds the sweep, `rowwise` the
general path. A sweep adds three numbers for candidate n, which leaves rack a and enters rack b:

    leaving[n] + row[family(n), b] + overlap[n, b]

`plan_state` joins the parts of `kernels.parts`, one for each form, which
know what leaving and entering change; `families` shares rows among candidates;
`layout` arranges racks so that `overlaps` are few; `search` takes the minima.
"""

from __future__ import annotations

from kernels.candidates import (
    Candidates,
    Destinations,
    absent_jobs,
    all_candidates,
    placed_shards,
)
from kernels.forms import Compiled, Shards
from kernels.sweep.fast import Sweeper

__all__ = [
    "Candidates",
    "Destinations",
    "Sweeper",
    "absent_jobs",
    "all_candidates",
    "placed_shards",
    "sweep",
]


def sweep(compiled: Compiled, shards: Shards, candidates: Candidates, top: int = 1) -> Destinations:
    """Return the best `top` racks of every candidate. For several plans keep a `Sweeper`."""
    return Sweeper(compiled).sweep(shards, candidates, top)
