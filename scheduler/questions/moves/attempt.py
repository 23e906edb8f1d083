"""One wave in the making: the kernels say fast which moves fit, the check proves the choice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from kernels import backend as backends
from kernels.backend import Evaluator
from kernels.forms import NONE, Compiled
from kernels.moves import Move as IndexedMove
from kernels.moves import Workspace
from scheduler.check import Verdict, check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_shards
from scheduler.model import Plan, Problem
from scheduler.questions.moves.both_ends import doubled, twin_names, with_twins
from scheduler.questions.moves.moves import Move, applied
from scheduler.questions.moves.never_worse import Allowed
from scheduler.topology import Topology


@dataclass(frozen=True)
class Ground:
    """A problem with a twin of every job that moves, compiled once for all waves."""

    problem: Problem
    jobs: tuple[str, ...]  # that move

    @cached_property
    def twin_of(self) -> dict[str, str]:
        """Names of the twins."""
        return twin_names(self.problem, self.jobs)

    @cached_property
    def compiled(self) -> Compiled:
        """The arrays, with twins as large as their jobs."""
        twinned = with_twins(self.problem, dict.fromkeys(self.jobs, 0))
        return compile_problem(twinned, Topology(twinned.site))

    def workspace(self, plan: Plan) -> Workspace:
        """Return a workspace of the kernels that begins with `plan`."""
        return self._evaluator.start(to_shards(self.compiled, plan))

    def settled(self, moves: Iterable[Move]) -> Iterator[IndexedMove]:
        """Yield what is changed once the moves are done."""
        for move in moves:
            job = self._jobs[move.job]
            yield IndexedMove(job, self._rack(move.source), self._rack(move.target), move.units)

    def arriving(self, moves: Iterable[Move]) -> Iterator[IndexedMove]:
        """Yield what is held in addition while the moves run."""
        for move in moves:
            if move.target is not None:
                twin = self._jobs[self.twin_of[move.job]]
                yield IndexedMove(twin, NONE, self._rack(move.target), move.units)

    def _rack(self, name: str | None) -> int:
        return NONE if name is None else self._racks[name]

    @cached_property
    def _evaluator(self) -> Evaluator:
        return backends.select("cpu")[0].load(self.compiled)

    @cached_property
    def _jobs(self) -> dict[str, int]:
        return {name: j for j, name in enumerate(self.compiled.job_names)}

    @cached_property
    def _racks(self) -> dict[str, int]:
        return {name: r for r, name in enumerate(self.compiled.rack_names)}


@dataclass
class Attempt:
    """Moves that begin together, chosen step by step.

    The kernels see sums over all limits. Where nothing is broken that is exact; where something
    is, a limit that got better could hide one that got worse, so `proven` asks the check.
    """

    ground: Ground
    state: Plan
    before: Verdict  # of `state`
    final: Verdict  # of the plan after all waves
    moves: list[Move] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._during = self.ground.workspace(self.state)
        self._after = self.ground.workspace(self.state)
        self._violation = max(self.before.violation, self.final.violation)
        self._of_jobs = sum(
            finding.violation for finding in self.final.broken if finding.subject in finding.jobs
        )  # rules of single jobs that a twin may break as well
        self._unmet = max(self.before.unmet_firm_gpus, self.final.unmet_firm_gpus)

    def take(self, step: Sequence[Move], *, unmet_may_rise: bool = False) -> bool:
        """Add the moves of a step if all limits hold while they run and afterwards."""
        arriving, settled = list(self.ground.arriving(step)), list(self.ground.settled(step))
        during = self._during.delta(arriving)
        if self._during.violation + during.violation > self._violation + self._of_jobs:
            return False
        after = self._after.delta(settled)
        if self._after.violation + after.violation > self._violation:
            return False
        unmet = self._after.unmet_firm_gpus + after.unmet_firm_gpus
        if unmet > self._unmet and not unmet_may_rise:
            return False
        self._during.commit(arriving)
        self._after.commit(settled)
        self.moves += step
        return True

    def proven(self, moves: Sequence[Move], *, unmet_may_rise: bool = False) -> Verdict | None:
        """Return the verdict after `moves` if the check finds nothing worse, None if it does."""
        problem, allowed = self.ground.problem, Allowed.by(self.before, self.final)
        twins = {twin: job for job, twin in self.ground.twin_of.items()}
        if not allowed.limits_kept(check(*doubled(problem, self.state, moves)), twins):
            return None
        after = check(problem, applied(self.state, moves))
        if not allowed.limits_kept(after):
            return None
        return after if unmet_may_rise or allowed.obligations_kept(after) else None
