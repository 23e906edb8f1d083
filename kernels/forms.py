"""The forms: a handful of array records into which every rule of a site compiles.

Index letters: ``j`` job, ``r`` rack, ``k`` rack kind, ``d`` domain, ``g`` group, ``i`` row.
Shapes stand beside the fields. All numbers are int64 unless said; ``NONE`` marks "no index".
A placement is ``x[j, r]``: units of job j on rack r. Units that *count* (that are paid for and
that meet obligations) are ``counted[j] = clip(total[j] - held_back[j] - worst_loss[j], 0, most)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Index = NDArray[np.int32]
Bools = NDArray[np.bool_]

NONE = -1
UNLIMITED = 2**53  # a limit that never binds; sums stay exact in float64 below it


@dataclass(frozen=True, eq=False)
class Rows:
    """Sparse rows over racks (or racks of domains), compressed."""

    start: Ints  # (I + 1,) offsets into the two arrays below
    rack: Index  # (N,)
    weight: Ints  # (N,) > 0

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.start) - 1

    @cached_property
    def row(self) -> Index:
        """Row of every entry, (N,)."""
        return np.repeat(np.arange(self.num_rows, dtype=np.int32), np.diff(self.start))

    def dot(self, per_rack: Ints) -> Ints:
        """Return ``sum_r weight[i, r] * per_rack[..., r]`` for every row, exactly."""
        terms = per_rack[..., self.rack] * self.weight
        sums = np.empty_like(terms, np.int64, shape=(*terms.shape[:-1], terms.shape[-1] + 1))
        sums[..., 0] = 0
        np.cumsum(terms, axis=-1, out=sums[..., 1:])
        return sums[..., self.start[1:]] - sums[..., self.start[:-1]]

    @staticmethod
    def build(rows: list[dict[int, int]]) -> Rows:
        """Compress ``rows[i][rack] = weight``; zero weights are dropped."""
        kept = [[(r, w) for r, w in sorted(row.items()) if w] for row in rows]
        entries = [entry for row in kept for entry in row]
        start = np.cumsum([0, *map(len, kept)], dtype=np.int64)
        racks, weights = zip(*entries, strict=True) if entries else ((), ())
        return Rows(start, np.array(racks, np.int32), np.array(weights, np.int64))


@dataclass(frozen=True, eq=False)
class Units:
    """How many units of each job are asked for, and which of them count."""

    least: Ints  # (J,) a job has total 0 or at least this
    most: Ints  # (J,) and at most this
    counted_most: Ints  # (J,) no more than this count
    held_back: Ints  # (J,) spare units that never count


@dataclass(frozen=True, eq=False)
class AssignmentCost:
    """Cost or prohibition per unit of job j on rack kind k; value per unit that counts.

    ``margin += value[j] * counted[j] - sum cost[j, kind(r)] * x[j, r]
    - move_cost[j] * max(0, home - x) over home racks``;
    ``firm[j] * counted[j]`` GPUs of firm obligation are met.
    """

    term: str
    kind_of_rack: Index  # (R,)
    cost_mills: Ints  # (J, K) mills per hour and unit
    allowed: Bools  # (J, K)
    value_mills: Ints  # (J,) mills per hour and counted unit
    firm_gpus: Ints  # (J,) GPUs of firm obligation per counted unit
    base_mills: int = 0  # cost that is there without any job
    home_job: Index = field(default_factory=lambda: np.zeros(0, np.int32))  # (H,)
    home_rack: Index = field(default_factory=lambda: np.zeros(0, np.int32))  # (H,)
    home_units: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (H,)
    move_mills: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (H,) per unit

    @staticmethod
    def prohibition(term: str, kind_of_rack: Index, allowed: Bools) -> AssignmentCost:
        """Say where units may lie and nothing about money or obligations."""
        nothing = np.zeros(len(allowed), np.int64)
        return AssignmentCost(
            term=term,
            kind_of_rack=kind_of_rack,
            cost_mills=np.zeros(allowed.shape, np.int64),
            allowed=allowed,
            value_mills=nothing,
            firm_gpus=nothing,
        )


@dataclass(frozen=True, eq=False)
class LinearLoad:
    """``base[i] + sum_r weight[i, r] * sum_j demand[j, kind(r)] * x[j, r] <= limit[i]``.

    Base and limit are already multiplied by `scale`, the common denominator of the weights.
    What is above a limit is a violation of ``ceil(excess / scale)`` units.
    """

    term: str
    unit: str
    scale: int
    kind_of_rack: Index  # (R,)
    demand: Ints  # (J, K) per unit placed; negative only where a job brings capacity
    rows: Rows  # (I, R)
    base: Ints  # (I,)
    limit: Ints  # (I,)
    subject: tuple[str, ...]  # (I,) the component
    state: tuple[str, ...]  # (I,) the failure state or day


@dataclass(frozen=True, eq=False)
class Packing:
    """Units fill bins (nodes); only jobs of one group share a bin.

    ``sum_g ceil(sum_{j in g} size[j, kind(r)] * x[j, r] / bin_size[r]) <= bins[r]`` for every rack.
    Sizes are a divisor chain of the bin, so this is exact, not a relaxation.
    """

    term: str
    kind_of_rack: Index  # (R,)
    size: Ints  # (J, K) slots per unit
    group_of_job: Index  # (J,) NONE: takes no bins of its own
    bin_size: Ints  # (R,) slots in one bin
    bins: Ints  # (R,)
    subject: tuple[str, ...]  # (R,)


@dataclass(frozen=True, eq=False)
class GroupCount:
    """How much of a group may lie in one domain.

    Hard: ``sum_{j in g, r in d} x[j, r] <= limit[g]``. Where ``survives[j]``, the units in the
    worst domain do not count: ``worst_loss[j] = max_d sum_{r in d} x[j, r]``.
    """

    term: str
    level: str
    domains: Rows  # (D, R) membership, weight 1; domains may overlap
    group_of_job: Index  # (J,)
    limit: Ints  # (G,) UNLIMITED: none
    survives: Bools  # (J,)
    domain_names: tuple[str, ...]  # (D,)
    group_names: tuple[str, ...]  # (G,)


@dataclass(frozen=True, eq=False)
class GroupPresence:
    """Which groups may share a domain, over how many a group may lie, what each further one costs.

    With ``present[g, d]`` true where any unit of g lies in d and ``n[g]`` its count: a pair present
    together that may not share is a violation of 1 a domain; ``max(0, n - max_domains)`` is a
    violation; ``price_mills * max(0, n - free_domains)`` is a cost.
    """

    term: str
    level: str
    domain_of_rack: Index  # (R,) NONE: in no domain
    group_of_job: Index  # (J,) NONE: not concerned
    may_share: Bools | None  # (G, G) symmetric, True on the diagonal; None: all may
    max_domains: Ints  # (G,) UNLIMITED: any number
    free_domains: Ints  # (G,)
    price_mills: Ints  # (G,)
    domain_names: tuple[str, ...]  # (D,)
    group_names: tuple[str, ...]  # (G,)

    @property
    def num_domains(self) -> int:
        """Number of domains."""
        return len(self.domain_names)


Form = AssignmentCost | LinearLoad | Packing | GroupCount | GroupPresence


@dataclass(frozen=True, eq=False)
class Compiled:
    """A problem as arrays: all that planner and kernels ever see."""

    job_names: tuple[str, ...]  # (J,)
    rack_names: tuple[str, ...]  # (R,)
    units: Units
    forms: tuple[Form, ...]

    @property
    def num_jobs(self) -> int:
        """Number of jobs, reservations included."""
        return len(self.job_names)

    @property
    def num_racks(self) -> int:
        """Number of racks."""
        return len(self.rack_names)

    @property
    def packing(self) -> Packing | None:
        """The form that says how units fill bins, if there is one."""
        return next((form for form in self.forms if isinstance(form, Packing)), None)


@dataclass(frozen=True, eq=False)
class Shards:
    """A plan as arrays: sorted by job, then rack; one entry for each pair; units > 0."""

    job: Index  # (N,)
    rack: Index  # (N,)
    units: Ints  # (N,)

    @staticmethod
    def build(
        job: NDArray[np.integer], rack: NDArray[np.integer], units: NDArray[np.integer]
    ) -> Shards:
        """Sort, add up entries of the same pair and drop zeros."""
        order = np.lexsort((rack, job))
        job, rack = np.asarray(job)[order], np.asarray(rack)[order]
        units = np.asarray(units, np.int64)[order]
        first = np.ones(len(job), bool)
        first[1:] = (job[1:] != job[:-1]) | (rack[1:] != rack[:-1])
        heads = np.flatnonzero(first)
        sums = np.add.reduceat(units, heads) if len(heads) else units
        kept = heads[sums != 0]
        return Shards(job[kept].astype(np.int32), rack[kept].astype(np.int32), sums[sums != 0])
