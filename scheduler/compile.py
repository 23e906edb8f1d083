"""From a problem to arrays: every term that applies contributes its forms."""

from __future__ import annotations

import numpy as np

from kernels.forms import Compiled, Units
from scheduler.model import Problem
from scheduler.model.units import part
from scheduler.model.workload import Job
from scheduler.terms import TERMS
from scheduler.terms.base import Terrain
from scheduler.topology import Topology


def compile_problem(problem: Problem, topology: Topology) -> Compiled:
    """Compile `problem`: dense numbers for jobs and racks, and the forms of every term."""
    terrain = Terrain(problem, topology)
    terms = [term for term in TERMS if term.applies(problem)]
    return Compiled(
        job_names=tuple(job.name for job in terrain.jobs),
        rack_names=tuple(rack.name for rack in terrain.racks),
        units=_units(terrain.jobs),
        forms=tuple(form for term in terms for form in term.compile(terrain)),
    )


def _units(jobs: tuple[Job, ...]) -> Units:
    """Return how many units of each job are asked for, and how many of them count."""

    def column(values: list[int]) -> np.ndarray:
        return np.array(values, np.int64)

    return Units(
        least=column([job.min_units for job in jobs]),
        most=column([job.units for job in jobs]),
        counted_most=column(
            [job.units if job.promised_units is None else job.promised_units for job in jobs]
        ),
        held_back=column([_held_back(job) for job in jobs]),
    )


def _held_back(job: Job) -> int:
    """Spare units of a reservation: held, never counted."""
    if job.sla is None or job.promised_units is None:
        return 0
    return part(job.promised_units, job.sla.spare_permille)
