"""A large site in parts: which jobs each part is dealt."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks.instances import instance
from kernels.forms import NONE, GroupPresence, Ints
from scheduler.compile import compile_problem
from scheduler.planner import starts
from scheduler.planner.guide import Guide
from scheduler.planner.placing import Placer
from scheduler.planner.reserve import Kept, is_wide
from scheduler.planner.state import Ground
from scheduler.topology import Topology


@cache
def placer_of(size: str, seed: int) -> Placer:
    problem = instance(size, seed)
    return Placer(Ground(compile_problem(problem, Topology(problem.site))))


def slots_by_kind(placer: Placer, racks: Ints) -> Ints:
    packing = placer.compiled.packing
    assert packing is not None
    slots = (packing.bins * packing.bin_size)[racks]
    return np.bincount(packing.kind_of_rack[racks], slots, 2).astype(np.int64)


def asked_by_kind(placer: Placer, jobs: Ints) -> Ints:
    """Slots of jobs that only one kind of rack will do for."""
    packing = placer.compiled.packing
    assert packing is not None
    found = np.zeros(2, np.int64)
    for job in jobs.tolist():
        kinds = np.unique(packing.kind_of_rack[placer.ground.allowed(job)])
        if len(kinds) == 1:
            found[kinds[0]] += placer.slots[job]
    return found


@pytest.mark.parametrize("seed", range(3))
def test_each_part_gets_its_share_of_what_the_dearest_kind_of_rack_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Parts have more or less of each kind; what groups keep together is not dealt evenly."""
    monkeypatch.setattr(starts, "PART_PLACEMENTS", 100_000)
    placer = placer_of("L", seed)
    parts = starts.in_parts(placer, "root", seed)
    assert len(parts) > 2
    load = [asked_by_kind(placer, p.jobs) / slots_by_kind(placer, p.racks) for p in parts]
    dearest = np.max(load, axis=1)
    assert np.ptp(dearest) < 0.15 * np.mean(dearest)


def keepers(placer: Placer) -> tuple[GroupPresence, list[int]]:
    """Return the form of wide domains that most groups keep, and these groups, largest first."""
    owner = placer.owner
    wide = [n for n, form in enumerate(placer.presences) if is_wide(form)]
    groups = {n: np.unique(owner.group_of_job[owner.form_of_job == n]) for n in wide}
    most = max(groups, key=lambda n: len(groups[n]))
    return placer.presences[most], groups[most].tolist()


def test_a_group_is_dealt_to_where_its_guide_finds_domains(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(starts, "PART_PLACEMENTS", 100_000)
    placer = placer_of("L", 0)
    form, groups = keepers(placer)
    racks = np.flatnonzero(form.domain_of_rack != NONE)
    last = form.domain_names[int(form.domain_of_rack[racks].max())]
    group = groups[0]
    name = form.term, form.level, form.group_names[group]
    guide = Guide(np.ones(placer.compiled.num_jobs, bool), {name: (Kept(1, (last,)),)})
    parts = starts.guided(placer, 0, 0, np.ones(placer.compiled.num_jobs), guide)
    mine = np.flatnonzero(form.group_of_job == group)
    home = np.flatnonzero(form.domain_of_rack == form.domain_names.index(last))
    (part,) = [part for part in parts if np.isin(mine, part.jobs).any()]
    assert np.isin(mine, part.jobs).all()
    assert np.isin(home, part.racks).all()
    first = form.domain_names[0]
    there = Guide(guide.chosen, {name: (Kept(1, (first,)),)})
    parts = starts.guided(placer, 0, 0, np.ones(placer.compiled.num_jobs), there)
    (other,) = [part for part in parts if np.isin(mine, part.jobs).any()]
    assert not np.isin(home, other.racks).any()
