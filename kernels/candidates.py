"""What a sweep is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import NONE, Compiled, Index, Ints, Shards


@dataclass(frozen=True, eq=False)
class Candidates:
    """N pieces of work that may go elsewhere: units of a job on a rack, or from outside."""

    job: Index  # (N,)
    source: Index  # (N,) rack, NONE: from outside
    units: Ints  # (N,) > 0, at most what lies on the source

    def __len__(self) -> int:
        return len(self.job)

    def take(self, chosen: Ints | slice) -> Candidates:
        """Return some of the candidates."""
        return Candidates(self.job[chosen], self.source[chosen], self.units[chosen])


@dataclass(frozen=True, eq=False)
class Destinations:
    """The best racks for every candidate, best first, and what each move changes.

    The source itself is no destination. Ties go to the rack that comes first. Where a site has
    fewer racks than asked for, the rack is `NONE` and the changes are 0.
    """

    rack: Index  # (N, K)
    violation: Ints  # (N, K) score after less score before
    unmet_firm_gpus: Ints  # (N, K)
    margin_mills: Ints  # (N, K)


def placed_shards(shards: Shards) -> Candidates:
    """Return every shard of a plan as a candidate that moves whole."""
    return Candidates(shards.job, shards.rack, shards.units)


def absent_jobs(compiled: Compiled, shards: Shards) -> Candidates:
    """Return every job that has no unit in the plan, with what one empty rack could take of it.

    ``units[j] = clip(largest, 1, least[j])`` with the most units that any rack's bins hold.
    """
    absent = np.ones(compiled.num_jobs, bool)
    absent[shards.job] = False
    jobs = np.flatnonzero(absent)
    units = np.maximum(compiled.units.least, 1)
    packing = compiled.packing
    if packing is not None and compiled.num_racks:
        room = np.zeros(packing.size.shape[1], np.int64)  # (K,) slots of the largest rack
        np.maximum.at(room, packing.kind_of_rack, packing.bins * packing.bin_size)
        fits = np.where(packing.size > 0, room // np.maximum(packing.size, 1), units[:, None])
        units = np.clip(fits.max(axis=1), 1, units)
    sources = np.full(len(jobs), NONE, np.int32)
    return Candidates(jobs.astype(np.int32), sources, units[jobs])


def all_candidates(compiled: Compiled, shards: Shards) -> Candidates:
    """Return every placed shard, then every job that is not placed at all."""
    placed, absent = placed_shards(shards), absent_jobs(compiled, shards)
    return Candidates(
        np.concatenate((placed.job, absent.job)),
        np.concatenate((placed.source, absent.source)),
        np.concatenate((placed.units, absent.units)),
    )
