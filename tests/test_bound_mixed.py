"""What stays whole: kinds of domains, answers as rows, and the mixed program's bound."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

import scheduler.planner.bound.run as run
from benchmarks.instances import instance
from kernels.forms import NONE, Compiled, GroupCount, GroupPresence, Packing, Shards
from kernels.reference import score
from scheduler.compile import compile_problem
from scheduler.planner import Best
from scheduler.planner.bound.exclusive import blocks_of_jobs
from scheduler.planner.bound.mixed import large_jobs, whole_columns, with_answers
from scheduler.planner.bound.outline import Outline, in_blocks
from scheduler.planner.bound.presolve import presolve
from scheduler.planner.bound.resolution import exclusive_groups
from scheduler.planner.classes import Classes, single_racks
from scheduler.planner.lowering import lower
from scheduler.planner.program import Program
from scheduler.topology import Topology
from tests.bound_cases import best_plan, bounded, compiled_problem, decomposition


@cache
def compiled_instance(size: str, seed: int) -> Compiled:
    problem = instance(size, seed)
    return compile_problem(problem, Topology(problem.site))


def packing_of(compiled: Compiled) -> Packing:
    assert compiled.packing is not None
    return compiled.packing


def may_lose_a_domain(compiled: Compiled) -> bool:
    counts = (form for form in compiled.forms if isinstance(form, GroupCount))
    return any(form.survives.any() for form in counts)


def one_class(compiled: Compiled) -> Classes:
    return Classes(np.zeros(compiled.num_racks, np.int32))


@pytest.mark.parametrize("chunk", range(4))
def test_the_mixed_bound_holds(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PROGRAM_PLACEMENTS", -1)  # no site is too small for it
    monkeypatch.setattr("scheduler.planner.bound.mixed.LARGE", 0.0)
    mixed = tighter = 0
    for seed in range(chunk, 160, 4):
        compiled, best = compiled_problem(seed), best_plan(seed)
        if best.score.violation:
            continue
        found = bounded(compiled, best)
        for by, mills in found.bounds.items():
            assert mills >= best.score.margin_mills, f"seed {seed}: {by}"
        if "mixed" in found.bounds:
            mixed += 1
            tighter += found.bounds["mixed"] < 0.999 * found.bounds["columns"]
    assert mixed > 10
    assert tighter > 0


def test_what_stays_whole_tightens_the_bound_of_an_instance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "PROGRAM_PLACEMENTS", -1)
    compiled = compiled_instance("S", 2)
    empty = Shards.build(*np.zeros((3, 0), np.int64))
    bounds = bounded(compiled, Best(empty, score(compiled, empty)), 10.0).bounds
    assert bounds["mixed"] < 0.995 * bounds["columns"]


def test_a_program_that_is_too_large_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PROGRAM_PLACEMENTS", -1)
    monkeypatch.setattr(run, "MIXED_COLUMNS", 10)
    compiled = compiled_instance("S", 2)
    empty = Shards.build(*np.zeros((3, 0), np.int64))
    bounds = bounded(compiled, Best(empty, score(compiled, empty)), 10.0).bounds
    assert set(bounds) == {"volume", "columns"}


def test_only_wide_domains_and_large_gangs_are_whole() -> None:
    compiled = presolve(compiled_instance("M", 0), met_all=True).part.compiled
    block_of_job, _ = blocks_of_jobs(compiled)
    large = large_jobs(compiled)
    slots = compiled.units.most * packing_of(compiled).size.max(axis=1)
    assert slots[large].min() > slots.sum() / 250
    assert (compiled.units.least[large] > 1).all()
    outline = Outline.of(compiled, in_blocks(block_of_job) | large, 8, 0)
    whole = whole_columns(outline)
    kept = 0
    for position, present in outline.lowered.present.items():
        form = outline.lots.compiled.forms[position]
        assert isinstance(form, GroupPresence)
        wide = form.num_domains < compiled.num_racks
        kept += int(whole[present.column].sum())
        owners = exclusive_groups(form)[present.group]
        assert (whole[present.column] == (owners & wide)).all()
    assert whole.sum() == kept + large.sum()


def test_no_answer_cuts_off_what_the_master_mixes() -> None:
    columns = decomposition(presolve(compiled_instance("S", 1), met_all=True).part.compiled, 6, 6.0)
    columns.run(np.zeros(columns.blocks.rest.num_rows))
    assert columns.best is not None
    blocks = columns.blocks
    size = int(max(block.columns.max() for block in blocks.blocks)) + 1
    size = max(size, int(blocks.rest_columns.max()) + 1)
    program = Program()
    program.columns(size)
    arrays = with_answers(program.finish(), columns)
    assert arrays.num_rows > len(blocks.blocks)
    for column in columns.master.columns:
        x = np.zeros(size, np.int64)
        x[blocks.blocks[column.block].columns] = column.x
        row = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start))
        sums = np.bincount(row, arrays.value * x[arrays.column], arrays.num_rows)
        assert (sums <= arrays.row_high).all()


# ---- kinds


def test_kinds_hold_what_their_domains_hold() -> None:
    told_apart = lumped = 0
    for seed in range(40):
        compiled = compiled_problem(seed)
        coarse = lower(compiled, one_class(compiled), by_kind=True)
        fine = lower(compiled, single_racks(compiled), by_kind=True)
        for found in (coarse, fine):
            for position, present in found.present.items():
                form = compiled.forms[position]
                assert isinstance(form, GroupPresence)
                kinds = present.kinds
                racks = np.flatnonzero(form.domain_of_rack != NONE)
                packing = packing_of(compiled)
                slots = np.bincount(
                    form.domain_of_rack[racks],
                    (packing.bins * packing.bin_size)[racks],
                    form.num_domains,
                )
                for domain, kind in enumerate(kinds.of_domain.tolist()):
                    if kind != NONE:
                        assert kinds.slots[kinds.kind == kind].sum() == slots[domain]
                first = len(present.cells.slots)
                told_apart += kinds.count - first > first
                lumped += kinds.count - first < (form.num_domains if first else 0)
    assert told_apart
    assert lumped


def test_every_plan_is_a_solution_at_any_resolution() -> None:
    checked = 0
    for seed in range(120):
        compiled = compiled_problem(seed)
        plan = best_plan(seed)
        if plan.score.violation or may_lose_a_domain(compiled):
            continue  # how much of a reservation counts, classes cannot tell
        resolutions = itertools.product((one_class, single_racks), (False, True))
        for classes, by_kind in resolutions:
            found = lower(compiled, classes(compiled), by_kind=by_kind)
            x, arrays = found.point(plan.shards), found.arrays
            row = np.repeat(np.arange(arrays.num_rows), np.diff(arrays.start))
            sums = np.zeros(arrays.num_rows, np.int64)
            np.add.at(sums, row, arrays.value * x[arrays.column])
            assert (sums <= arrays.row_high).all(), seed
            assert (sums >= arrays.row_low).all(), seed
            assert arrays.objective(x) >= plan.score.margin_mills
            checked += 1
    assert checked > 120


def test_a_hall_that_a_group_may_not_enter_is_no_hall_for_it() -> None:
    compiled = presolve(compiled_instance("L", 1), met_all=True).part.compiled
    block_of_job, _ = blocks_of_jobs(compiled)
    outline = Outline.of(compiled, in_blocks(block_of_job), 4, 0)
    position, form = next(
        (i, f)
        for i, f in enumerate(outline.lots.compiled.forms)
        if isinstance(f, GroupPresence) and f.num_domains == 10 and exclusive_groups(f).any()
    )
    halls = outline.lowered.present[position]
    assert halls.kinds.count > len(halls.cells.slots)
    group = int(np.flatnonzero(exclusive_groups(form))[0])
    mine = halls.kinds.open_to[:, group]
    assert 0 < mine.sum() < len(mine)
