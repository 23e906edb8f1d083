"""The compiled search: it says what `State` and the score say, is never worse, and repeatable."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.instances import instance
from kernels.cpu import NumpyBackend
from kernels.forms import NONE, Compiled, Index, Shards
from scheduler.compile import compile_problem
from scheduler.planner import fast, starts
from scheduler.planner.fast import code
from scheduler.planner.fast import columns as c
from scheduler.planner.improve.tasks import Found, Work, ruin_part
from scheduler.planner.placing import Placer
from scheduler.planner.state import Ground, State
from scheduler.topology import Topology
from tests.random_problems import random_problem
from tests.test_kept_domains import problem
from tests.test_load_sums import load

pytest.importorskip("numba", reason="the extra fast is not installed")

from scheduler.planner.fast.board import Board, board_of, shards_of
from scheduler.planner.fast.fit import fit
from scheduler.planner.fast.moves import add, remove
from scheduler.planner.fast.relieve import relieve

SEEDS = range(40)  # the first ones are of instances with all terms, the others random


@pytest.fixture(scope="module", autouse=True)
def machine_code() -> None:
    if not fast.available():
        fast.build()


@cache
def some_compiled(seed: int) -> Compiled:
    problem = instance("S", seed) if seed < 4 else random_problem(seed)
    return compile_problem(problem, Topology(problem.site))


@cache
def compiled_of(size: str, seed: int) -> Compiled:
    problem = instance(size, seed)
    return compile_problem(problem, Topology(problem.site))


def empty() -> Shards:
    return Shards.build(*np.zeros((3, 0), np.int64))


def built(compiled: Compiled) -> Shards:
    (start,) = starts.in_parts(Placer(Ground(compiled)), "density", seed=1)
    return starts.build(compiled, replace(start, steps=0))


def same(a: Shards, b: Shards) -> bool:
    pairs = ((a.job, b.job), (a.rack, b.rack), (a.units, b.units))
    return all(np.array_equal(x, y) for x, y in pairs)


def plain_jobs(compiled: Compiled) -> list[int]:
    placer = Placer(Ground(compiled))
    return np.flatnonzero(placer.plain & (placer.want > 0)).tolist()


def fits_of(board: Board, job: int, racks: int) -> list[int]:
    return [int(fit(board, job, rack)) for rack in range(racks)]


def fill_both(compiled: Compiled, seed: int) -> tuple[Board, State]:
    """Place what fits of random jobs on random racks, on a board and on a state alike."""
    rng = np.random.default_rng(seed)
    placer = Placer(Ground(compiled))
    board, state = board_of(placer), State(placer.ground)
    for job in rng.permutation(plain_jobs(compiled)).tolist():
        for rack in rng.permutation(compiled.num_racks)[:3].tolist():
            most = state.fit_one(job, rack) if state.allowed(job)[rack] else 0
            most = min(most, int(placer.want[job] - state.total[job]))
            units = int(rng.integers(0, most + 1))
            if units > 0 and rack not in state.placed[job]:
                state.add(job, rack, units)
                add(board, job, rack, units)
    return board, state


@pytest.mark.parametrize("seed", SEEDS)
def test_a_board_says_what_a_state_says(seed: int) -> None:
    """Who may come and how many: for every job and rack, after random placements."""
    compiled = some_compiled(seed)
    board, state = fill_both(compiled, seed)
    assert same(shards_of(board), state.shards())
    for job in plain_jobs(compiled):
        want = int(Placer(state.ground).want[job] - state.total[job])
        expected = [
            min(state.fit_one(job, rack), want) if state.allowed(job)[rack] else 0
            for rack in range(compiled.num_racks)
        ]
        assert fits_of(board, job, compiled.num_racks) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_a_board_counts_the_margin_exactly(seed: int) -> None:
    compiled = some_compiled(seed)
    board, _ = fill_both(compiled, seed)
    score = NumpyBackend().load(compiled).score
    gained = score(shards_of(board)).margin_mills - score(empty()).margin_mills
    assert int(board.tally[c.PROFIT]) == gained


def open_racks(board: Board) -> list[set[int]]:
    """Racks with free slots, by keeper."""
    return [set(row[: row[-1]].tolist()) for row in board.open]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_board_that_was_emptied_again_is_as_new(seed: int) -> None:
    compiled = some_compiled(seed)
    board, _ = fill_both(compiled, seed)
    new = board_of(Placer(Ground(compiled)))
    for job in range(compiled.num_jobs):
        remove(board, job)
    for job in plain_jobs(compiled):
        assert fits_of(board, job, compiled.num_racks) == fits_of(new, job, compiled.num_racks)
    assert int(board.tally[c.PROFIT]) == 0
    assert open_racks(board) == open_racks(new)
    assert set(board.waiting[: board.waiting[-1]]) == set(new.waiting[: new.waiting[-1]])
    assert (board.ragged == NONE).all()
    assert (board.rack[:, c.KEEPER] == NONE).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_racks_with_free_slots_are_listed_by_who_keeps_them(seed: int) -> None:
    board, _ = fill_both(some_compiled(seed), seed)
    listed = [(rack, keeper) for keeper, racks in enumerate(open_racks(board)) for rack in racks]
    free = np.flatnonzero(board.rack[:-1, c.FREE] > 0)
    keeper = board.rack[free, c.KEEPER] % len(board.open)  # what nobody keeps is in the last list
    assert sorted(listed) == sorted(zip(free.tolist(), keeper.tolist(), strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_board_counts_the_company_of_every_domain(seed: int) -> None:
    """Groups, and groups that share with nobody, in each domain that any rack lies in."""
    compiled = some_compiled(seed)
    board, state = fill_both(compiled, seed)
    company = []
    for presence in state.presences:
        form = presence.form
        inside = [presence.inside.get(group, {}) for group in range(len(form.group_names))]
        alone = np.zeros(len(inside), bool)
        if form.may_share is not None:
            alone = form.may_share.sum(axis=1) == 1
        for domain in range(form.num_domains):
            here = np.array([domain in there for there in inside], bool)
            company.append([int(here.sum()), int((here & alone).sum())])
    assert board.company.tolist() == company


def test_whom_a_keeper_keeps_out_has_no_room() -> None:
    kept = skipped = 0
    for seed in SEEDS:
        compiled = some_compiled(seed)
        board, _ = fill_both(compiled, seed)
        for rack in np.flatnonzero(board.rack[:-1, c.KEEPER] != NONE).tolist():
            keeper = board.owner[board.rack[rack, c.KEEPER]]
            groups = board.group_of_job[:, keeper[c.FORM]]
            here = [job for job, at in zip(*shards_at(board), strict=True) if at == rack]
            assert all(groups[job] in (NONE, keeper[c.GROUP]) for job in here)
            kept += 1
            for job in plain_jobs(compiled):
                if groups[job] not in (NONE, keeper[c.GROUP]):
                    assert int(fit(board, job, rack)) == 0
                    skipped += 1
    assert kept > 10
    assert skipped > 10


def shards_at(board: Board) -> tuple[list[int], list[int]]:
    shards = shards_of(board)
    return shards.job.tolist(), shards.rack.tolist()


@pytest.mark.parametrize("period", [50, 400])
@pytest.mark.parametrize("seed", range(4))
def test_a_search_is_never_worse_and_counts_its_profit_exactly(seed: int, period: int) -> None:
    compiled = compiled_of("S", seed)
    score, first = NumpyBackend().load(compiled).score, built(compiled)
    search = fast.ruin(Placer(Ground(compiled)), first, seed)
    before = search.best_profit
    best = search.run(400, lambda: False, period=period)
    old, new = score(first), score(best)
    assert new.key < old.key  # there is something to find in each of them
    assert search.best_profit - before == new.margin_mills - old.margin_mills


def test_the_same_seed_gives_the_same_steps() -> None:
    compiled = compiled_of("S", 0)

    def found(seed: int) -> Shards:
        search = fast.ruin(Placer(Ground(compiled)), built(compiled), seed)
        return search.run(300, lambda: False, period=100)

    assert same(found(7), found(7))
    assert not same(found(7), found(8))


def test_what_may_not_move_stays() -> None:
    """Jobs that were placed and may not move are where they were after any number of kicks."""
    compiled = compiled_of("S", 0)
    placer, first = Placer(Ground(compiled)), built(compiled)
    still = np.unique(first.job)[::3]
    placer.plain[still] = False
    best = fast.ruin(placer, first, 0).run(500, lambda: False, period=50)
    assert same(only(best, still), only(first, still))


def only(shards: Shards, jobs: Index) -> Shards:
    kept = np.isin(shards.job, jobs)
    return Shards(shards.job[kept], shards.rack[kept], shards.units[kept])


def test_a_search_that_is_stopped_keeps_what_it_began_with() -> None:
    compiled = compiled_of("S", 0)
    first = built(compiled)
    assert same(fast.ruin(Placer(Ground(compiled)), first, 0).run(10**9, lambda: True), first)


@pytest.mark.parametrize("machine_code_there", [True, False])
def test_a_part_is_improved_with_and_without_machine_code(
    monkeypatch: pytest.MonkeyPatch, machine_code_there: bool
) -> None:
    monkeypatch.setattr(fast, "can_plan", lambda _: machine_code_there)
    compiled = compiled_of("S", 0)
    first = built(compiled)
    jobs, racks = np.arange(compiled.num_jobs), np.arange(compiled.num_racks)
    found = ruin_part(compiled, Work(first, jobs, racks, 1, 30, 30, until=2.0**40))
    assert isinstance(found, Found)
    score = NumpyBackend().load(compiled).score
    assert score(found.shards) < score(first)


@pytest.mark.parametrize("machine_code_there", [True, False])
def test_a_part_without_jobs_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, machine_code_there: bool
) -> None:
    monkeypatch.setattr(fast, "can_plan", lambda _: machine_code_there)
    compiled = compiled_of("S", 0)
    none, racks = np.zeros(0, np.int64), np.arange(8)
    work = Work(built(compiled), none, racks, 1, 300, fast.PERIOD, until=2.0**40)
    assert ruin_part(compiled, work) is None


@pytest.mark.parametrize("order", starts.ORDERS)
def test_first_plans_break_nothing_with_and_without_machine_code(
    monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    compiled = compiled_of("S", 2)
    (start,) = starts.in_parts(Placer(Ground(compiled)), order, seed=1)
    start = replace(start, steps=0)
    score = NumpyBackend().load(compiled).score
    margins = []
    for there in (True, False):
        monkeypatch.setattr(fast, "can_plan", lambda _, there=there: there)
        found = score(starts.build(compiled, start))
        assert (found.violation, found.unmet_firm_gpus) == (0, 0)
        margins.append(found.margin_mills)
    assert max(margins) <= 1.2 * min(margins)  # the same rules, but for ties


def test_machine_code_of_other_sources_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(code, "CODE", tmp_path / "machine-code-of-today")
    assert not fast.available()
    (tmp_path / "machine-code-of-yesterday").mkdir()
    code.CODE.mkdir()
    code.mark_built()
    assert fast.available()
    assert [path.name for path in tmp_path.iterdir()] == ["machine-code-of-today"]


def test_who_only_asks_does_not_load_the_compiler() -> None:
    code = (
        "import sys\n"
        "from scheduler.planner import Search, fast\n"
        "fast.available()\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_numba_everything_goes_on() -> None:
    """In an interpreter that cannot import numba, functions stay Python and nothing is built."""
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "from scheduler.planner import fast\n"
        "from scheduler.planner.fast import code\n"
        "from scheduler.planner.fast.fit import fit\n"
        "code.version = lambda: None\n"
        "assert not fast.available() and type(fit).__name__ == 'function'\n"
        "fast.load()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_first_plans_of_any_problem_break_no_more_than_nothing_does(seed: int) -> None:
    """Reservations, what lies inside them, and jobs without bins come before or after steps."""
    compiled = some_compiled(seed)
    score = NumpyBackend().load(compiled).score
    for start in starts.in_parts(Placer(Ground(compiled)), "worth", seed=seed):
        plan = starts.build(compiled, replace(start, steps=60, period=20))
        assert score(plan).violation <= score(empty()).violation


# ---- room for jobs that only a load keeps out


def two_feeds(watts: list[int], limits: list[int], placed: list[tuple[int, int]]) -> Board:
    """Return a board of two pairs of racks with a feed each; jobs take one slot of two."""
    jobs = len(watts)
    feeds = load([{0: 1, 1: 1}, {2: 1, 3: 1}], limits, watts)
    compiled = problem([1] * jobs, [10] * jobs, feeds)
    board = board_of(Placer(Ground(compiled)))
    for job, rack in placed:
        add(board, job, rack, 1)
    return board


def test_a_hungry_job_makes_room_for_a_waiting_one() -> None:
    # The first feed is at its limit with half its slots; the second is full, at little load.
    placed = [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3)]
    board = two_feeds([9, 9, 1, 1, 1, 1, 3], [20, 20], placed)
    assert fits_of(board, 6, 4) == [0, 0, 0, 0]
    profit = board.tally[c.PROFIT]
    for _ in range(20):
        relieve(board)
    assert board.tally[c.PROFIT] == profit + 10
    assert board.job[6, c.TOTAL] == 1
    assert (board.slack >= 0).all()


def test_jobs_do_not_swap_where_that_breaks_a_limit() -> None:
    placed = [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3)]
    board = two_feeds([9, 9, 1, 1, 1, 1, 3], [20, 4], placed)
    before = shards_at(board)
    for _ in range(50):
        relieve(board)
    assert shards_at(board) == before
    assert board.job[6, c.TOTAL] == 0
