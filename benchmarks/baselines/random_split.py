"""Random split: halls and jobs dealt at random to parts, each solved alone, results put together.

As in POP (Narayanan et al., SOSP 2021): the parts are small enough for one exact program, and
what two of them share (a utility line) is divided by their racks. What is left of all jobs
afterwards is placed by best fit. A few jobs as large as a hall are most of the work here, and
dealing does badly with those, so the plan competes with first fit's on the whole site.
"""

from __future__ import annotations

import numpy as np

from benchmarks.baselines import first_fit
from benchmarks.baselines.best_fit import fewest_free_slots
from benchmarks.baselines.greedy import Greedy
from benchmarks.baselines.layout import Layout
from benchmarks.baselines.monolithic import solve_whole
from benchmarks.baselines.part import Part, cut
from benchmarks.baselines.programs import num_placements
from benchmarks.baselines.task import Task
from benchmarks.baselines.work_order import by_value_density
from kernels.cpu import NumpyBackend
from kernels.forms import NONE, UNLIMITED, AssignmentCost, Compiled, GroupPresence, Ints

PART_VARIABLES = 40_000  # job-rack pairs that a part may have on average
LEAST_PARTS = 2
FILLING = 0.1  # of the time is left for what no part took


def plan(task: Task) -> str:
    """Split, solve part by part with an equal share of the time, unite, fill up."""
    first_fit.plan(task)
    parts = _parts(task.compiled, np.random.default_rng(task.seed))
    layout, until_s = Layout(task.compiled), task.left_s * (1 - FILLING)
    for number, part in enumerate(parts):
        spent_s = task.time_limit_s - task.left_s
        share_s = max(0.0, until_s - spent_s) / (len(parts) - number)
        _unite(layout, part, _solve_part(task, part, share_s))
    order = by_value_density(task.compiled)
    Greedy(task.compiled, fewest_free_slots).insert(layout, order, task.out_of_time)
    better = task.offer(layout.shards())
    return f"{len(parts)} parts, {'better' if better else 'not better'} than first fit"


def _parts(compiled: Compiled, rng: np.random.Generator) -> list[Part]:
    """Deal the largest domains to parts, and the jobs to parts that could hold them."""
    domain = _largest_domains(compiled)
    num_domains = int(domain.max(initial=0)) + 1
    wanted = max(LEAST_PARTS, num_placements(compiled) // PART_VARIABLES)
    # A part has 1/n of the racks and of the jobs, so 1/n^2 of the pairs.
    count = min(num_domains, max(LEAST_PARTS, int(np.ceil(np.sqrt(wanted)))))
    part_of_domain = rng.permutation(np.arange(num_domains) % count)
    part_of_rack = part_of_domain[domain]
    part_of_job = _deal_jobs(compiled, part_of_rack, count, rng)
    dealt = ((np.flatnonzero(part_of_job == p), part_of_rack == p) for p in range(count))
    return [cut(compiled, jobs, np.flatnonzero(racks)) for jobs, racks in dealt if len(jobs)]


def _largest_domains(compiled: Compiled) -> Ints:
    """Label racks by the largest domains of which there are at least two, (R,)."""
    levels = [
        form.domain_of_rack.astype(np.int64)
        for form in compiled.forms
        if isinstance(form, GroupPresence)
        and form.num_domains >= LEAST_PARTS
        and (form.domain_of_rack != NONE).all()
    ]
    alone = np.arange(compiled.num_racks, dtype=np.int64)
    return min(levels, key=lambda domain: int(domain.max(initial=0)), default=alone)


def _deal_jobs(
    compiled: Compiled, part_of_rack: Ints, count: int, rng: np.random.Generator
) -> Ints:
    """Return the part of every job, (J,): at random by the slots left, where it could lie.

    Jobs of a tenant that shares with nobody stay together, or each part would reserve domains.
    """
    part = np.full(compiled.num_jobs, NONE, np.int64)
    tenants, slots = _tenants_apart(compiled), _slots_asked(compiled)
    left = np.bincount(part_of_rack, minlength=count) * (slots.sum() / len(part_of_rack))
    part_of_tenant: dict[int, int] = {}
    for job in rng.permutation(compiled.num_jobs).tolist():
        room = np.bincount(part_of_rack, _units_allowed(compiled, job), count)
        could = room >= max(1, compiled.units.least[job])
        if not could.any():  # larger than any part: left for the end
            continue
        tenant = int(tenants[job])
        here = part_of_tenant.get(tenant, NONE)
        if here == NONE or not could[here]:
            chance = np.where(could, np.maximum(left, 0.0), 0.0)
            if not chance.any():
                chance = could.astype(float)
            here = int(rng.choice(count, p=chance / chance.sum()))
            if tenant != NONE:
                part_of_tenant.setdefault(tenant, here)
        part[job] = here
        left[here] -= slots[job]
    return part


def _slots_asked(compiled: Compiled) -> Ints:
    """Slots that every job asks for, (J,)."""
    size = np.ones(compiled.num_jobs, np.int64)
    if compiled.packing is not None:
        size = np.maximum(compiled.packing.size.min(axis=1, initial=UNLIMITED), 1)
    return np.asarray(size * compiled.units.most)


def _tenants_apart(compiled: Compiled) -> Ints:
    """Group of every job of a tenant that shares some domains with nobody, NONE of others, (J,)."""
    for form in compiled.forms:
        if isinstance(form, GroupPresence) and form.may_share is not None:
            apart = np.append(form.may_share.sum(axis=1) == 1, False)
            return np.where(apart[form.group_of_job], form.group_of_job, NONE).astype(np.int64)
    return np.full(compiled.num_jobs, NONE, np.int64)


def _units_allowed(compiled: Compiled, job: int) -> Ints:
    """Units of `job` that every empty rack would hold, by slots and prohibitions, (R,)."""
    units = np.full(compiled.num_racks, compiled.units.most[job])
    if compiled.packing is not None:
        packing = compiled.packing
        size = np.maximum(packing.size[job, packing.kind_of_rack], 1)
        units = np.minimum(units, packing.bins * packing.bin_size // size)
    for form in compiled.forms:
        if isinstance(form, AssignmentCost):
            units = np.where(form.allowed[job, form.kind_of_rack], units, 0)
    return np.asarray(units)


def _solve_part(task: Task, part: Part, limit_s: float) -> Task:
    """Solve a part from first fit's plan within `limit_s` seconds."""
    score = NumpyBackend().load(part.compiled).score
    own = Task(part.compiled, score, limit_s, task.seed, task.workers)
    first_fit.plan(own)
    solve_whole(own)
    return own


def _unite(layout: Layout, part: Part, solved: Task) -> None:
    """Add a part's plan job by job, each whole or not at all."""
    if solved.best is None:
        return
    found = part.to_whole(solved.best)
    wanted: dict[int, list[tuple[int, int]]] = {}
    for job, rack, units in zip(
        found.job.tolist(), found.rack.tolist(), found.units.tolist(), strict=True
    ):
        wanted.setdefault(job, []).append((rack, units))
    for job, racks in wanted.items():
        placed = sum(layout.fill(job, [rack], units) for rack, units in racks)
        if placed < sum(units for _, units in racks):
            layout.remove(job)
