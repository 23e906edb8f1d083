"""What can draw less after a failure: what jobs agreed to, and stops beyond that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from scheduler.model import Job
from scheduler.model.units import ceil_div
from scheduler.questions.replan.emergency_loads import ZERO, AfterFailure

Watts = Mapping[str, Fraction]  # survivor -> watts


@dataclass(frozen=True)
class Action:
    """One job, or some units of it, draws less."""

    job: str
    what: str  # cap or shed, as planned; stop: more than was planned
    units: Mapping[str, int]  # rack -> units
    freed: Watts
    lost_mills_per_h: int  # value of the work that this costs
    reluctance: int = 0  # 0: planned, 1: a stop, 2: a stop of a firm contract

    def help_w(self, over: Watts) -> Fraction:
        """Return what it takes off survivors, as far as they carry too much."""
        return sum((min(over.get(n, ZERO), watts) for n, watts in self.freed.items()), ZERO)


def planned(after: AfterFailure) -> Iterator[Action]:
    """Yield the power actions that jobs have agreed to; a job acts whole."""
    for name in after.plan.units:
        job, units = after.problem.jobs[name], after.live_units(name)
        peak, acted = after.problem.profile_of(job).peak_permille, after.problem.acted_permille(job)
        if acted < peak and units:
            yield _action(after, job, job.power_action, units, (peak, acted))


def stops(after: AfterFailure, taken: Sequence[Action], *, firm: bool) -> Iterator[Action]:
    """Yield stops of what still draws: a gang whole, any other job rack by rack."""
    acting = {action.job for action in taken if action.what != "stop"}
    for name in after.plan.units:
        job, units = after.problem.jobs[name], after.live_units(name)
        if job.firm != firm:
            continue
        peak = after.problem.profile_of(job).peak_permille
        drawn = after.problem.acted_permille(job) if name in acting else peak
        is_gang = job.min_units == job.units
        pieces = [units] if is_gang else [{rack: count} for rack, count in units.items()]
        for piece in pieces:
            if drawn and piece:
                yield _action(after, job, "stop", piece, (drawn, 0))


def _action(
    after: AfterFailure, job: Job, what: str, units: Mapping[str, int], permille: tuple[int, int]
) -> Action:
    before, left = permille
    peak = after.problem.profile_of(job).peak_permille
    more, less = after.drawn(job, units, before), after.drawn(job, units, left)
    earns = job.value_mills_per_gpu_h * job.gpus_per_unit * sum(units.values())
    return Action(
        job.name,
        what,
        units,
        {node: watts - less[node] for node, watts in more.items() if watts > less[node]},
        ceil_div(earns * (before - left), peak),
        0 if what != "stop" else 2 if job.firm else 1,
    )


def choose(candidates: Sequence[Action], over: Watts) -> tuple[list[Action], Watts]:
    """Take actions until nothing is over or none helps; return them and what is still over.

    Each time the one that costs least for each watt that it takes off: ties by name.
    """
    left, chosen, waiting = dict(over), list[Action](), list(candidates)
    while left:
        helping = [(action, action.help_w(left)) for action in waiting]
        helping = [(action, watts) for action, watts in helping if watts > 0]
        if not helping:
            break
        best, _ = min(helping, key=lambda each: (each[0].lost_mills_per_h / each[1], each[0].job))
        chosen.append(best)
        waiting = [action for action, _ in helping if action is not best]
        left = relieved(left, best)
    return chosen, left


def relieved(over: Watts, action: Action) -> dict[str, Fraction]:
    """Return what is still over after an action."""
    left = {node: watts - action.freed.get(node, ZERO) for node, watts in over.items()}
    return {node: watts for node, watts in left.items() if watts > 0}


def needed(chosen: Sequence[Action], over: Watts) -> list[Action]:
    """Drop actions without which nothing more is over: stops before what was planned, firm first.

    Among equals the dearest goes first.
    """
    kept = list(chosen)
    least = _rest(kept, over)
    for action in sorted(chosen, key=lambda each: (-each.reluctance, -each.lost_mills_per_h)):
        fewer = [each for each in kept if each is not action]
        is_base = any(each.job == action.job for each in fewer) and action.what != "stop"
        if not is_base and _rest(fewer, over) == least:
            kept = fewer
    return kept


def _rest(actions: Sequence[Action], over: Watts) -> Watts:
    left = dict(over)
    for action in actions:
        left = relieved(left, action)
    return left
