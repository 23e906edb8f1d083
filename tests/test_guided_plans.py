"""Plans along a guide: what is changed about it, and which changes stay."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.instances import instance
from kernels.cpu import NumpyBackend
from kernels.forms import Compiled, Shards
from scheduler.compile import compile_problem
from scheduler.planner.course import Course
from scheduler.planner.guide import Guide
from scheduler.planner.guided_plans import GuidedPlans
from scheduler.planner.placing import Placer
from scheduler.planner.reserve import Kept, is_wide
from scheduler.planner.starts import Start, guided, in_parts
from scheduler.planner.state import Ground
from scheduler.planner.trail import LARGE, MOST_PLANS, Followed, Trail
from scheduler.topology import Topology


@cache
def compiled_instance(size: str, seed: int) -> Compiled:
    problem = instance(size, seed)
    return compile_problem(problem, Topology(problem.site))


# ---- what may be changed about a guide


def placer_of(size: str, seed: int) -> Placer:
    return Placer(Ground(compiled_instance(size, seed)))


def nothing() -> Shards:
    return Shards.build(*np.zeros((3, 0), np.int64))


def trail_of(
    placer: Placer, guide: Guide, plan: Shards, profit: NDArray[np.float64] | None = None
) -> Trail:
    (part,) = in_parts(placer, "root", 0)
    profit = np.zeros(placer.compiled.num_jobs) if profit is None else profit
    return Trail(placer, profit, 0, part, Followed(guide, 0, plan))


def guide_of(placer: Placer, *jobs: int) -> Guide:
    chosen = np.zeros(placer.compiled.num_jobs, bool)
    chosen[list(jobs)] = True
    return Guide(chosen, {})


def insisted_on(trail: Trail) -> list[int]:
    """Return the jobs that the changes of a trail insist on, in their order."""
    known = trail.best.guide.chosen
    return [
        int(np.flatnonzero(way.guide.chosen & ~known)[0])
        for way in trail.changes()
        if (way.guide.chosen & ~known).any()
    ]


def test_large_jobs_without_a_place_are_tried_largest_first() -> None:
    placer = placer_of("M", 0)
    guide = guide_of(placer)
    worth = (placer.value * placer.want).astype(np.float64)
    listed = insisted_on(trail_of(placer, guide, nothing()))
    assert len(listed) > 1
    assert (np.diff(placer.slots[listed]) <= 0).all()
    packing = placer.compiled.packing
    assert packing is not None
    all_slots = (packing.bins * packing.bin_size).sum()
    assert (placer.slots[listed] > LARGE * all_slots).all()
    placed = Shards.build(np.array(listed[:1]), np.zeros(1, np.int64), np.ones(1, np.int64))
    assert insisted_on(trail_of(placer, guide, placed)) == listed[1:]
    assert not insisted_on(trail_of(placer, guide, nothing(), -0.5 * worth))  # too dear


def test_nothing_is_tried_twice_and_noise_comes_last() -> None:
    placer = placer_of("M", 0)
    trail = trail_of(placer, guide_of(placer), nothing())
    first = next(iter(trail.changes()))
    others = list(trail.changes())
    assert first.number == 0
    assert not any(np.array_equal(way.guide.chosen, first.guide.chosen) for way in others[:1])
    numbers = [way.number for way in others]
    assert numbers == sorted(numbers)
    assert numbers[-MOST_PLANS + 1 :] == list(range(1, MOST_PLANS))
    assert not list(trail.changes())


def test_a_group_that_has_no_place_for_its_work_is_tried_with_one_more_domain() -> None:
    """Of the groups that keep arrays: one has all of its work placed, another none of it."""
    placer = placer_of("XL", 0)
    owner = placer.owner
    wide = [n for n, form in enumerate(placer.presences) if is_wide(form)]
    keeps = [n for n in wide if (owner.form_of_job == n).any()]
    form = placer.presences[keeps[-1]]
    groups = np.unique(owner.group_of_job[owner.form_of_job == keeps[-1]])
    sound, short = groups[:2].tolist()
    names = [(form.term, form.level, form.group_names[group]) for group in (sound, short)]
    inside = (owner.form_of_job == keeps[-1]) & placer.plain
    mine = [np.flatnonzero(inside & (owner.group_of_job == group)) for group in (sound, short)]
    kept = {name: (Kept(2, form.domain_names[:4]),) for name in names}
    guide = replace(guide_of(placer, *np.concatenate(mine).tolist()), kept=kept)
    placed = Shards.build(mine[0], 0 * mine[0], 0 * mine[0] + 1)
    changed = [way.guide.kept for way in trail_of(placer, guide, placed).changes()]
    changed = [each for each in changed if each != kept]
    assert changed == [{**kept, names[1]: (Kept(3, form.domain_names[:4]),)}]


# ---- plans along guides


@dataclass
class MadeUp:
    """Plans that hold what their guide has chosen, of all parts that are built."""

    asked: list[Start] = field(default_factory=list)
    offered: list[list[Shards | None]] = field(default_factory=list)

    def build(self, starts: list[Start]) -> list[Shards | None]:
        """Return a plan of each start."""
        self.asked += starts
        plans: list[Shards | None] = []
        for start in starts:
            assert start.guide is not None
            jobs = start.jobs[start.guide.chosen]
            plans.append(Shards.build(jobs, 0 * jobs, 0 * jobs + 1))
        return plans

    def offer(self, plans: list[Shards | None]) -> Shards | None:
        """Write down what is offered."""
        self.offered.append(plans)
        return None

    def chosen(self) -> list[list[int]]:
        """Return the jobs that were chosen in each start."""
        return [start.jobs[start.guide.chosen].tolist() for start in self.asked if start.guide]


def guided_plans(placer: Placer, made: MadeUp, profit: NDArray[np.float64]) -> GuidedPlans:
    score_of = NumpyBackend().load(placer.compiled).score
    course = Course(placer.compiled, score_of, 1e6, lambda: False, lambda *_: None)
    return GuidedPlans(course, placer, 0, profit, made.build, made.offer)


def test_a_large_job_stays_chosen_only_if_its_plan_is_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Plans are made up: worth more with one of the large jobs, less with any other."""
    placer, made = placer_of("M", 0), MadeUp()
    guide = guide_of(placer)
    listed = insisted_on(trail_of(placer, guide, nothing()))
    good = listed[2]
    plans = guided_plans(placer, made, np.zeros(placer.compiled.num_jobs))

    def margin(plan: Shards | None) -> int:
        return 0 if plan is None else 100 * int(good in plan.job) - len(plan.job)

    monkeypatch.setattr(plans, "_margin", margin)
    plans.run([guide] * 2)
    asked = made.chosen()
    assert asked[:2] == [[], []]
    assert {job for jobs in asked for job in jobs} == set(listed)
    later = asked[asked.index([good]) + 2 :]
    assert later
    assert all(good in jobs for jobs in later)  # the others come on top of it
    assert all(len(jobs) <= 2 for jobs in asked)  # none of those that made it worse stayed


def test_time_that_is_left_goes_to_plans_with_noise() -> None:
    placer, made = placer_of("M", 0), MadeUp()
    profit = -1.0 * placer.value * placer.want  # nothing is worth insisting on
    guide = guide_of(placer)
    guided_plans(placer, made, profit).run([guide, guide])
    assert len(made.asked) == MOST_PLANS
    assert len({start.seed for start in made.asked}) == len(made.asked)
    profits = [start.profit for start in made.asked if start.profit is not None]
    assert (profits[0] == profit).all()
    assert len({each.tobytes() for each in profits}) == len(made.asked)
    some = profit != 0
    assert all(np.abs(np.log(each[some] / profit[some])).max() < 2 for each in profits)


def test_each_part_keeps_its_own_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other part likes even jobs, the others odd ones; what is kept suits each."""
    monkeypatch.setattr("scheduler.planner.starts.PART_PLACEMENTS", 20_000)
    placer, made = placer_of("M", 0), MadeUp()
    plans = guided_plans(placer, made, np.zeros(placer.compiled.num_jobs))
    guide = guide_of(placer)
    parts = guided(placer, 0, 0, plans.profit, guide)
    liked = np.zeros(placer.compiled.num_jobs, np.int64)
    for number, part in enumerate(parts):
        liked[part.jobs] = np.where(part.jobs % 2 == number % 2, 1, -1)
    monkeypatch.setattr(plans, "_margin", lambda plan: int(liked[plan.job].sum()))
    plans.run([guide] * 2)
    tried = {job for jobs in made.chosen() for job in jobs}
    last = [set() if plan is None else set(plan.job.tolist()) for plan in made.offered[-1]]
    assert len(last) == len(parts) > 2
    for part, jobs in zip(parts, last, strict=True):
        assert jobs == {job for job in tried & set(part.jobs.tolist()) if liked[job] > 0}
    assert sum(map(bool, last)) > 1
    assert any(liked[job] < 0 for job in tried)


def test_guides_insist_on_one_more_job_and_keep_one_more_domain() -> None:
    name = "isolation", "array", "tenant"
    guide = Guide(np.zeros(3, bool), {name: (Kept(2, ("a", "b")), Kept(1, ("c",)))})
    more = guide.insisting(1)
    assert more.chosen.tolist() == [False, True, False]
    assert guide.chosen.tolist() == [False] * 3
    assert guide.wider(name).kept[name] == (Kept(3, ("a", "b")), Kept(1, ("c",)))
    assert guide.kept[name] == (Kept(2, ("a", "b")), Kept(1, ("c",)))
