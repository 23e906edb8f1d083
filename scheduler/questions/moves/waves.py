"""Waves: the order of moves in which every state on the way keeps every limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.check import Verdict, check
from scheduler.model import Plan, Problem
from scheduler.questions.moves.attempt import Attempt, Ground
from scheduler.questions.moves.moves import Move, applied, known_part, moves_between
from scheduler.questions.moves.never_worse import worse
from scheduler.questions.moves.pauses import pauses
from scheduler.questions.moves.steps import Cut, Step, parts, steps


@dataclass(frozen=True)
class Wave:
    """Moves that begin together. The next wave begins when all of them are done."""

    moves: tuple[Move, ...]
    during: Plan  # what is held while they run: moving units count at both ends
    after: Plan
    paused: tuple[str, ...] = ()  # jobs of which units stop here only to start in a later wave


@dataclass(frozen=True)
class Waves:
    """All waves from one plan to another, in order."""

    waves: tuple[Wave, ...]

    @property
    def moves(self) -> tuple[Move, ...]:
        """All moves in order."""
        return tuple(move for wave in self.waves for move in wave.moves)

    @property
    def paused(self) -> tuple[str, ...]:
        """Jobs that could not be moved while they run: they are paused and restarted."""
        return tuple(dict.fromkeys(job for wave in self.waves for job in wave.paused))


def waves(problem: Problem, before: Plan, after: Plan) -> Waves:
    """Put the moves from `before` to `after` into few waves that are safe while they run.

    While a wave runs, what moves holds space, power and cooling at both ends, and what stops
    still runs. Every state, during a wave and after it, passes the check in every failure state;
    a limit that is broken may stay broken, but is never broken by more than before the wave or
    at the end. Where moves wait for one another, the units that earn least pause: they stop in
    one wave and start in a later one. Firm contracts pause last.

    Parameters
    ----------
    before : Plan
        What runs. Jobs and racks that the problem does not have are left out.
    after : Plan
        A plan of `problem`.

    Raises
    ------
    ValueError
        `after` breaks a limit by more than `before`.
    """
    before = known_part(problem, before)
    began, final = check(problem, before), check(problem, after)
    grown = worse(began, final)
    if grown:
        named = "; ".join(f"{each.term} {each.subject} ({each.state})" for each in grown)
        raise ValueError(f"the plan after the moves breaks limits by more than before: {named}")
    ground = Ground(problem, _touched(problem, moves_between(before, after)))
    return _Way(ground, before, after, began, final).walk()


def _touched(problem: Problem, moves: Sequence[Move]) -> tuple[str, ...]:
    """Return the jobs of all tenants that move anything: a pause may stop a whole tenant."""
    tenants = {problem.jobs[move.job].tenant for move in moves}
    return tuple(name for name, job in problem.jobs.items() if job.tenant in tenants)


@dataclass
class _Way:
    """The way from a plan to another, wave by wave."""

    ground: Ground
    state: Plan
    target: Plan
    verdict: Verdict  # of `state`
    final: Verdict  # of `target`
    paused: frozenset[str] = frozenset()

    def walk(self) -> Waves:
        """Return all waves."""
        found: list[Wave] = []
        while moves := moves_between(self.state, self.target):
            wave, self.verdict = self._moving(moves) or self._pausing(moves)
            found.append(wave)
            self.state = wave.after
            self.paused |= {job for job in wave.paused if job not in wave.after.units}
        return Waves(tuple(found))

    def _moving(self, moves: Sequence[Move]) -> tuple[Wave, Verdict] | None:
        """Return a wave of as many moves as fit, by the gentlest cut by which any do."""
        for cut in Cut:
            refused: set[Step] = set()
            while chosen := self._fitting(moves, cut, refused):
                attempt = self._attempt()
                while chosen:
                    flat = tuple(move for step in chosen for move in step)
                    verdict = attempt.proven(flat)
                    if verdict is not None:
                        return self._wave(flat), verdict
                    if len(chosen) == 1:
                        refused.add(chosen[0])
                    chosen = chosen[: len(chosen) // 2]
        return None

    def _fitting(self, moves: Sequence[Move], cut: Cut, refused: set[Step]) -> list[Step]:
        """Return steps that fit together by the kernels; as the last resort what is left."""
        attempt, chosen = self._attempt(), list[Step]()
        if cut is Cut.ALL:
            return [step for step in steps(self.ground.problem, moves, cut) if step not in refused]
        for step in steps(self.ground.problem, moves, cut):
            for part in parts(step) if cut is Cut.PARTS else (step,):
                if part not in refused and attempt.take(part):
                    chosen.append(part)
                    break
        return chosen

    def _pausing(self, moves: Sequence[Move]) -> tuple[Wave, Verdict]:
        """Return a wave that pauses what earns least; rather what lets something else move."""
        fallback: tuple[Wave, Verdict] | None = None
        for pause in pauses(self.ground.problem, self.state, moves, self.paused):
            if pause.breaks_promise and fallback is not None:
                break
            attempt = self._attempt()
            if not attempt.take(pause.stops, unmet_may_rise=pause.breaks_promise):
                continue
            verdict = attempt.proven(pause.stops, unmet_may_rise=pause.breaks_promise)
            if verdict is None:
                continue
            wave = self._wave(pause.stops, pause.jobs)
            if self._lets_move(wave, verdict):
                return wave, verdict
            fallback = fallback or (wave, verdict)
        if fallback is None:
            raise RuntimeError("moves wait for one another though nothing of them runs")
        return fallback

    def _lets_move(self, wave: Wave, verdict: Verdict) -> bool:
        """Whether something else can move after the pause."""
        rest = [
            move for move in moves_between(wave.after, self.target) if move.job not in wave.paused
        ]
        return any(
            Attempt(self.ground, wave.after, verdict, self.final).take(step)
            for step in steps(self.ground.problem, rest, Cut.JOBS)
        )

    def _attempt(self) -> Attempt:
        return Attempt(self.ground, self.state, self.verdict, self.final)

    def _wave(self, moves: Sequence[Move], paused: tuple[str, ...] = ()) -> Wave:
        arriving = [Move(move.job, move.units, None, move.target) for move in moves if move.target]
        return Wave(
            moves=tuple(moves),
            during=applied(self.state, arriving),
            after=applied(self.state, moves),
            paused=paused,
        )
