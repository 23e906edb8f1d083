"""What a term is: one rule of the site with two views, arrays and words."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np

from kernels.forms import NONE, Form, Index, Ints
from scheduler.model import Finding, Job, Level, Plan, Problem, Rack, RackType
from scheduler.topology import Topology


@dataclass(frozen=True)
class Terrain:
    """Dense numbering of a problem for `compile`: position of every job, rack and rack type."""

    problem: Problem
    topology: Topology

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """Jobs by index ``j``."""
        return tuple(self.problem.jobs.values())

    @cached_property
    def racks(self) -> tuple[Rack, ...]:
        """Racks by index ``r``."""
        return tuple(self.problem.site.racks.values())

    @cached_property
    def rack_index(self) -> dict[str, int]:
        """Index of every rack by name."""
        return {rack.name: r for r, rack in enumerate(self.racks)}

    @cached_property
    def job_index(self) -> dict[str, int]:
        """Index of every job by name."""
        return {job.name: j for j, job in enumerate(self.jobs)}

    @cached_property
    def rack_types(self) -> tuple[RackType, ...]:
        """Rack types by index ``k``."""
        return tuple(self.problem.site.rack_types.values())

    @cached_property
    def type_of_rack(self) -> Index:
        """Rack type index of every rack, (R,)."""
        index = {rack_type.name: k for k, rack_type in enumerate(self.rack_types)}
        return np.array([index[rack.type] for rack in self.racks], np.int32)

    def demand(self, per_unit: Callable[[Job, RackType], int]) -> Ints:
        """Return ``per_unit(job, rack_type)`` for every job and rack type, (J, K)."""
        return np.array(
            [[per_unit(job, rack_type) for rack_type in self.rack_types] for job in self.jobs],
            np.int64,
        ).reshape(len(self.jobs), len(self.rack_types))

    def kinds(self, alike: Callable[[Rack], Hashable]) -> tuple[Index, tuple[Rack, ...]]:
        """Return the kind of every rack, (R,), and one sample rack of each kind.

        Racks are of one kind where `alike` gives the same.
        """
        index: dict[Hashable, int] = {}
        samples: list[Rack] = []
        kind_of_rack = np.zeros(len(self.racks), np.int32)
        for r, rack in enumerate(self.racks):
            kind_of_rack[r] = index.setdefault(alike(rack), len(samples))
            if kind_of_rack[r] == len(samples):
                samples.append(rack)
        return kind_of_rack, tuple(samples)

    def own_groups(self, jobs: Sequence[int]) -> Index:
        """Return the group of every job, (J,): each of `jobs` is one, the others have none."""
        group_of_job = np.full(len(self.jobs), NONE, np.int32)
        group_of_job[list(jobs)] = np.arange(len(jobs))
        return group_of_job

    def domains(self, level: Level | str) -> tuple[Index, tuple[str, ...]]:
        """Return the domain of every rack at `level`, (R,), and the names of the domains."""
        names: dict[str, int] = {}
        of_rack = [self.problem.site.domain_of(rack, level) for rack in self.racks]
        index = [NONE if name is None else names.setdefault(name, len(names)) for name in of_rack]
        return np.array(index, np.int32), tuple(names)


class Term(Protocol):
    """One rule of the site.

    ``name`` is also the stem of its file, its test and its page under ``docs/terms``.
    """

    name: ClassVar[str]

    def applies(self, problem: Problem) -> bool:
        """Whether the problem has anything that this rule looks at."""
        ...

    def compile(self, terrain: Terrain) -> Iterator[Form]:
        """Yield the rule as arrays, for planner and kernels."""
        ...

    def explain(self, problem: Problem, plan: Plan) -> Iterator[Finding]:
        """Yield every limit, obligation and sum of money of this rule, kept or not.

        Plain Python over named objects, written independently of `compile`, the kernels, the
        planner and the topology: it is the oracle that ``rackwatt check`` runs.
        """
        ...
