"""Limits that conflict and what to relax, as clauses for people."""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.model import Problem
from scheduler.planner.conflict import Kind, Limit, Relaxation, Step
from scheduler.words import quantity, state_words

GPU_SLOTS = "GPU slots"


def limit_words(problem: Problem, limit: Limit) -> str:
    """Say what a limit asks for, as a clause."""
    subject = limit.subject[0]
    match limit.kind:
        case Kind.SLOTS:
            return f"{limit.amount:,} {GPU_SLOTS} of {subject}"
        case Kind.ALLOWED:
            return f"{subject} may lie only on {_where(problem, subject, limit.term)}"
        case Kind.DOMAINS:
            return f"{subject} must lie in {_domains(limit.amount, limit.state)}"
        case Kind.APART:
            return f"{_pair(limit)} share no {limit.state} ({limit.term})"
        case Kind.COUNT:
            return (
                f"{subject} has at most {quantity(limit.amount, limit.unit)} in one {limit.state}"
            )
        case Kind.SPARES:
            return f"{subject} holds {quantity(limit.amount, 'spare units')}"
        case Kind.SURVIVAL:
            return f"{subject} must survive the loss of any {limit.state}"
    amount = quantity(limit.amount, limit.unit)
    return f"{subject}{state_words(limit.state)} ({amount})"


def relaxation_words(problem: Problem, relaxed: Relaxation) -> str:
    """Say what to raise and by how much, or what to give up."""
    words = " and ".join(_step_words(problem, step) for step in relaxed.steps)
    return words if relaxed.least else f"{words} (less may do)"


def _step_words(problem: Problem, step: Step) -> str:
    limit, amount = step.limits[0], step.amount
    subject = limit.subject[0]
    match limit.kind:
        case Kind.SLOTS:
            return f"{amount or 0:,} more {GPU_SLOTS} of {subject}"
        case Kind.ALLOWED:
            return f"{subject} elsewhere than on {_where(problem, subject, limit.term)}"
        case Kind.DOMAINS:
            most = None if amount is None else limit.amount + amount
            return f"{subject} in {_domains(most, limit.state)}"
        case Kind.APART:
            return f"{_pair(limit)} in one {limit.state}"
        case Kind.COUNT:
            more = "any number of" if amount is None else f"{limit.amount + amount:,}"
            return f"{subject} with {more} units in one {limit.state}"
        case Kind.SPARES:
            return f"no spare units for {subject}"
        case Kind.SURVIVAL:
            return f"{subject} without survival of the loss of a {limit.state}"
    return f"{quantity(amount or 0, limit.unit)} more on {subject}"


def _where(problem: Problem, job: str, term: str) -> str:
    """Say where a contract may lie."""
    asked = problem.jobs[job]
    within = f" within {_or(asked.within)}" if asked.within else ""
    rule = "" if term == "hardware_fit" else f" that {term} allows"
    return f"racks of {_or(asked.gpu_types)}{within}{rule}"


def _domains(count: int | None, level: str) -> str:
    if count is None:
        return f"any number of {level}s"
    return f"one {level}" if count == 1 else f"up to {count} {level}s"


def _pair(limit: Limit) -> str:
    return " and ".join(limit.subject)


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)


def limit_record(limit: Limit) -> dict[str, object]:
    """Return a limit as plain data."""
    return {
        "kind": str(limit.kind),
        "term": limit.term,
        "subject": list(limit.subject),
        "state": limit.state,
        "limit": limit.amount if limit.unit else None,
        "unit": limit.unit,
    }
