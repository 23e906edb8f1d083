"""Random compiled problems without any meaning: all that a form may hold, for tests of kernels."""

from __future__ import annotations

import numpy as np

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    LinearLoad,
    Packing,
    Rows,
    Shards,
    Units,
)
from kernels.moves import Move

Rng = np.random.Generator


def random_compiled(seed: int) -> Compiled:
    """Return up to 6 jobs, 7 racks and 3 forms of each kind."""
    rng = np.random.default_rng(seed)
    num_jobs, num_racks = int(rng.integers(1, 7)), int(rng.integers(1, 8))
    kinds = [rng.integers(0, 3, num_racks).astype(np.int32) for _ in range(2)]
    demand = rng.integers(0, 9, (num_jobs, 3))
    forms: list[Form] = []
    for _ in range(int(rng.integers(1, 4))):
        forms += [
            _linear(rng, demand, kinds[int(rng.integers(2))]),
            _linear(rng, rng.integers(-4, 9, (num_jobs, 3)), kinds[int(rng.integers(2))]),
            _packing(rng, num_jobs, kinds[0]),
            _group_count(rng, num_jobs, num_racks),
            _group_presence(rng, num_jobs, num_racks),
            _assignment(rng, num_jobs, kinds[1]),
        ]
    order = rng.permutation(len(forms))
    least = rng.integers(1, 4, num_jobs)
    most = least + rng.integers(0, 4, num_jobs)
    return Compiled(
        job_names=tuple(f"j{j}" for j in range(num_jobs)),
        rack_names=tuple(f"r{r}" for r in range(num_racks)),
        units=Units(least, most, rng.integers(0, most + 1), rng.integers(0, 3, num_jobs)),
        forms=tuple(forms[f] for f in order),
    )


def random_shards(compiled: Compiled, seed: int) -> Shards:
    """Return a plan that follows no rule, sometimes an empty one."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 3 * compiled.num_jobs))
    return Shards.build(
        rng.integers(0, compiled.num_jobs, count),
        rng.integers(0, compiled.num_racks, count),
        rng.integers(1, 4, count),
    )


def random_moves(compiled: Compiled, shards: Shards, seed: int) -> list[Move]:
    """Return up to 4 moves that can be carried out together: in, out and across."""
    rng = np.random.default_rng(seed)
    moves: list[Move] = []
    for n in rng.permutation(len(shards.job))[: rng.integers(0, 4)]:
        units = int(rng.integers(1, shards.units[n] + 1))
        target = int(rng.integers(NONE, compiled.num_racks))
        moves.append(Move(int(shards.job[n]), int(shards.rack[n]), target, units))
    if rng.random() < 0.5 or not moves:
        job, rack = int(rng.integers(compiled.num_jobs)), int(rng.integers(compiled.num_racks))
        moves.append(Move(job, NONE, rack, int(rng.integers(1, 4))))
    return moves


def _names(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{n}" for n in range(count))


def _groups(rng: Rng, num_jobs: int) -> tuple[Index, int]:
    """Return the group of every job, some of none, and the number of groups."""
    num_groups = int(rng.integers(0, 5))
    return rng.integers(NONE, num_groups, num_jobs).astype(np.int32), num_groups


def _limits(rng: Rng, count: int, most: int) -> Ints:
    return np.where(rng.random(count) < 0.2, UNLIMITED, rng.integers(0, most, count))


def _rows(rng: Rng, num_rows: int, num_racks: int, weights: int) -> Rows:
    chosen = rng.random((num_rows, num_racks)) < 0.5
    weight = np.where(chosen, rng.integers(1, weights + 1, chosen.shape), 0)
    return Rows.build([dict(enumerate(row)) for row in weight.tolist()])


def _linear(rng: Rng, demand: Ints, kind: Index) -> LinearLoad:
    num_rows = int(rng.integers(0, 5))
    return LinearLoad(
        term=f"load{rng.integers(2)}",
        unit="W",
        scale=int(rng.choice([1, 12])),
        kind_of_rack=kind,
        demand=demand,
        rows=_rows(rng, num_rows, len(kind), 12),
        base=rng.integers(0, 50, num_rows),
        limit=_limits(rng, num_rows, 400),
        subject=_names("i", num_rows),
        state=("normal",) * num_rows,
    )


def _packing(rng: Rng, num_jobs: int, kind: Index) -> Packing:
    num_racks = len(kind)
    return Packing(
        term="packing",
        kind_of_rack=kind,
        size=rng.choice([1, 2, 4, 8], (num_jobs, 3)),
        group_of_job=_groups(rng, num_jobs)[0],
        bin_size=rng.choice([4, 8], num_racks),
        bins=rng.integers(0, 4, num_racks),
        subject=_names("r", num_racks),
    )


def _group_count(rng: Rng, num_jobs: int, num_racks: int) -> GroupCount:
    group, num_groups = _groups(rng, num_jobs)
    num_domains = int(rng.integers(0, 5))
    return GroupCount(
        term="count",
        level="rack",
        domains=_rows(rng, num_domains, num_racks, 1),
        group_of_job=group,
        limit=_limits(rng, num_groups, 6),
        survives=rng.random(num_jobs) < 0.4,
        domain_names=_names("d", num_domains),
        group_names=_names("g", num_groups),
    )


def _group_presence(rng: Rng, num_jobs: int, num_racks: int) -> GroupPresence:
    group, num_groups = _groups(rng, num_jobs)
    num_domains = int(rng.integers(1, 5))
    some = np.triu(rng.random((num_groups, num_groups)) < 0.6)
    return GroupPresence(
        term="presence",
        level="rack",
        domain_of_rack=rng.integers(NONE, num_domains, num_racks).astype(np.int32),
        group_of_job=group,
        may_share=some | some.T | np.eye(num_groups, dtype=bool) if rng.random() < 0.7 else None,
        max_domains=_limits(rng, num_groups, 3),
        free_domains=_limits(rng, num_groups, 3),
        price_mills=rng.integers(0, 100, num_groups),
        domain_names=_names("d", num_domains),
        group_names=_names("g", num_groups),
    )


def _assignment(rng: Rng, num_jobs: int, kind: Index) -> AssignmentCost:
    pairs = [(j, r) for j in range(num_jobs) for r in range(len(kind)) if rng.random() < 0.2]
    job, rack = np.array(pairs, np.int32).reshape(-1, 2).T
    return AssignmentCost(
        term="cost",
        kind_of_rack=kind,
        cost_mills=rng.integers(-5, 50, (num_jobs, 3)),
        allowed=rng.random((num_jobs, 3)) < 0.8,
        value_mills=rng.integers(0, 300, num_jobs),
        firm_gpus=rng.choice([0, 8], num_jobs),
        base_mills=int(rng.integers(0, 100)),
        home_job=job,
        home_rack=rack,
        home_units=rng.integers(1, 5, len(pairs)),
        move_mills=rng.integers(0, 20, len(pairs)),
    )
