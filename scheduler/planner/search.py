"""The search: construct, bound, improve, polish. Anytime: the best plan is always at hand.

Small problems are one exact program, solved to a proof. Larger ones are built in several orders,
bounded by relaxations, and improved part by part by all workers; where steps leave much to do and
few classes of racks are all alike, a program over these goes on where parts stop gaining.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kernels.backend import Evaluator
from kernels.forms import Compiled, Shards
from kernels.score import Score
from scheduler.planner import fast
from scheduler.planner.chains import Chains
from scheduler.planner.class_program import ClassProgram
from scheduler.planner.classes import Classes, alike_racks, single_racks
from scheduler.planner.construct import Builder
from scheduler.planner.course import Best, Course
from scheduler.planner.engine import Engine, make_engine
from scheduler.planner.engine import Name as EngineName
from scheduler.planner.first_plans import FirstPlans
from scheduler.planner.improve import Rounds
from scheduler.planner.placing import Placer
from scheduler.planner.polish import Polish
from scheduler.planner.proving import Proving
from scheduler.planner.starts import load
from scheduler.planner.state import Ground

__all__ = ["Best", "Search"]

EXACT_PLACEMENTS = 4_000  # (job, rack) pairs up to which every rack is a class of its own
EXACT_RACKS = 48
RACKS_PER_CLASS = 3  # at least, on average: fewer would hardly be smaller than exact
CLASS_PLACEMENTS = 60_000  # (job, class) pairs that the class program may have
CHAINS_EVERY = 8  # rounds, where steps do almost all
STALE_ROUNDS = 10  # rounds in a row that hardly gain, after which something else is tried
SMALL_PLACEMENTS = 20_000  # (job, rack) pairs up to which a site is small
WORTH_PROCESSES_S = 10.0  # time limit below which no processes are worth their start there
STILL_SHARE = 0.1  # of all worth: jobs that steps do not move
POLISH_SHARE = 0.03  # of the time
SLOW = (
    "steps run as plain Python, which finds less in the same time: install the extra fast, "
    "then run python -m scheduler.planner.fast once"
)


@dataclass
class Search:
    """One run. `report` hears of every phase and of every better plan."""

    compiled: Compiled
    score: Callable[[Shards], Score]
    seed: int
    time_limit_s: float
    workers: int
    stopped: Callable[[], bool]
    report: Callable[[str, Best], None]
    start: Shards | None = None  # an earlier plan that breaks no limit
    known_bound_mills: int | None = None  # proven earlier, for plans that meet as much as `start`
    known_bound_by: str = ""
    engine: EngineName = "auto"
    memory_limit_mib: int | None = None  # of each worker
    evaluator: Evaluator | None = None  # prices all moves at once; without it there are no chains
    notes: list[str] = field(default_factory=list)  # for people: what workers went through
    by_steps: bool = False  # fast steps may move almost everything that is worth something
    course: Course = field(init=False)
    proof: Proving = field(init=False)

    @property
    def best(self) -> Best:
        """The best plan so far, and what is proven."""
        return self.course.best

    @property
    def phases_s(self) -> dict[str, float]:
        """Seconds of each phase."""
        return self.course.phases_s

    def __post_init__(self) -> None:
        self.course = Course(
            self.compiled, self.score, self.time_limit_s, self.stopped, self.report
        )
        self.proof = Proving(self.course)

    def run(self) -> Best:
        """Search until a proof, the time limit or a stop; always returns a plan."""
        self.course.reserve_s = POLISH_SHARE * self.time_limit_s
        self._begin_from_start()
        classes = self._classes()
        if classes.is_exact:
            self._solve_exactly(classes)
            return self.course.best
        if not fast.available():
            self.notes.append(SLOW)
        with self._engine() as engine:
            placer = Placer(Ground(self.compiled))
            self.by_steps = self._steps_do_all(placer)
            plans = FirstPlans(self.course, engine, placer, self.seed, self.by_steps)
            plans.construct()
            self._meet_obligations(classes)
            if not self.by_steps:
                self._chain()
            self.proof.begin(engine, self.seed)
            plans.follow(self.proof)
            self.proof.go_on(engine)
            for promising in plans.anew(self.proof):
                self._chain(promising)
            self._improve(engine, placer, classes)
            self.proof.wait(engine)
            self._polish(placer)
            self.notes += engine.notes
        self.proof.account()
        return self.course.best

    # ---- phases

    def _begin_from_start(self) -> None:
        """Begin with the plan and the bound of an earlier search, if there was one."""
        if self.start is not None:
            with self.course.during("start"):
                self.course.offer(self.start)
        if self.known_bound_mills is not None:
            self.course.tighten(self.known_bound_mills, self.known_bound_by)

    def _solve_exactly(self, classes: Classes) -> None:
        """Build plans in several orders, then prove the best one with the exact program."""
        course = self.course
        with course.during("construct"):
            builder = Builder(self.compiled, alike_racks(self.compiled, self._most_classes()))
            for order in builder.orders(np.random.default_rng(self.seed)):
                if course.offered and course.out_of_time():
                    break
                course.offer(builder.build(order, course.stopped).shards())  # one at least
        self._class_program(classes)

    def _meet_obligations(self, classes: Classes) -> None:
        """If first plans leave firm GPUs unmet: meet as many as can be."""
        if self.course.best.score.unmet_firm_gpus and not self.course.out_of_time():
            with self.course.during("oblige"):
                ClassProgram(self.course, classes, self.seed, self.workers).meet_obligations()

    def _improve(self, engine: Engine, placer: Placer, classes: Classes) -> None:
        """Improve part by part; the class program takes over where parts hardly gain."""
        course = self.course
        rounds = Rounds(self.compiled, placer, self.score, engine, self.seed)
        untried = self._has_program(classes)
        first_pause = pause = CHAINS_EVERY if self.by_steps else 1
        next_chains = pause  # in rounds; the pause doubles while chains gain nothing
        if self._is_small() and not self.by_steps:
            self._class_program(classes)
        while not course.out_of_time() and not course.best.is_optimal:
            rounds.profit = self.proof.profit
            with course.during("improve"):
                shards, score = rounds.run(
                    course.best.shards,
                    course.best.score,
                    deadline=course.deadline(),
                    stopped=course.tick,
                )
                course.offer(shards, score)
            self.proof.go_on(engine)
            if rounds.number >= next_chains:
                gained = self._chain()
                pause = first_pause if gained else 2 * pause
                next_chains = rounds.number + pause
            if rounds.idle < STALE_ROUNDS or self._is_large_and_by_steps():
                continue
            if not untried:
                break
            untried, rounds.idle = False, 0
            self._class_program(classes)

    def _chain(self, shards: Shards | None = None) -> bool:
        """Carry out chains in a plan, the best by default; return whether the best got better."""
        course, before = self.course, self.course.best.score
        if self.evaluator is None or course.out_of_time():
            return False
        with course.during("chains"):
            chains = Chains(self.compiled, self.evaluator, course.tick)
            course.offer(chains.run(course.best.shards if shards is None else shards))
        return course.best.score < before

    def _polish(self, placer: Placer) -> None:
        """Even out loads at the same worth, in the time that was kept for it."""
        course = self.course
        course.reserve_s = 0.0
        if self.evaluator is None or course.out_of_time() or course.best.score.violation:
            return
        with course.during("polish"):
            until = time.monotonic() + POLISH_SHARE * self.time_limit_s
            course.settle(
                Polish(
                    self.compiled,
                    self.evaluator,
                    placer.block_of_rack,
                    self.seed,
                    lambda: course.tick() or time.monotonic() > until,
                ).run(course.best.shards)
            )

    def _class_program(self, classes: Classes) -> None:
        """Solve the program over classes; exactly where they are single racks or few."""
        course = self.course
        with course.during("program"):
            program = ClassProgram(course, classes, self.seed, self.workers)
            program.relax()
            program.meet_obligations()
            program.improve()
        with course.during("refine"):
            finer = program.refined()
            if finer is not None:
                finer.improve()

    # ---- parts

    def _engine(self) -> Engine:
        return make_engine(
            "inline" if self.engine == "auto" and self._is_quick() else self.engine,
            self.compiled,
            workers=self.workers,
            memory_limit_mib=self.memory_limit_mib,
            prepare=load,
        )

    def _is_small(self) -> bool:
        return self.compiled.num_jobs * self.compiled.num_racks <= SMALL_PLACEMENTS

    def _is_large_and_by_steps(self) -> bool:
        """Whether steps may find more at any time, and more than a program over classes."""
        return self.by_steps and not self._is_small()

    def _steps_do_all(self, placer: Placer) -> bool:
        worth = placer.value * placer.want
        still = int(worth[~placer.plain].sum())
        return fast.can_plan(self.compiled) and still <= STILL_SHARE * int(worth.sum())

    def _is_quick(self) -> bool:
        return self._is_small() and self.time_limit_s < WORTH_PROCESSES_S

    def _has_program(self, classes: Classes) -> bool:
        """Whether a program over classes is worth a try on a site that is not small."""
        return not self._is_small() and self.compiled.num_jobs * classes.count <= CLASS_PLACEMENTS

    def _classes(self) -> Classes:
        num_jobs, num_racks = self.compiled.num_jobs, self.compiled.num_racks
        if num_racks <= EXACT_RACKS and num_jobs * num_racks <= EXACT_PLACEMENTS:
            return single_racks(self.compiled)
        return alike_racks(self.compiled, self._most_classes())

    def _most_classes(self) -> int:
        affordable = CLASS_PLACEMENTS // max(1, self.compiled.num_jobs)
        return max(16, min(self.compiled.num_racks // RACKS_PER_CLASS, affordable))
