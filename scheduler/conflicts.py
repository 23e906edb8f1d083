"""Why firm contracts are not all met, in words: what conflicts, and what would let them in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler.limit_words import limit_record, limit_words, relaxation_words
from scheduler.model import Finding, Kind, Problem
from scheduler.planner import Conflict, find_conflict
from scheduler.words import (
    HEADROOM_UNITS,
    gpu_count,
    load_of_limit,
    some,
    state_words,
    tightness,
)

if TYPE_CHECKING:
    from scheduler.solve import Solution

TIGHTEST = 3  # limits that are named where nothing is proven
NAMED = 6  # contracts or tenants that are named one by one
MOST_SAID = 12  # limits of a conflict that are said in words; all of them are in the record


@dataclass(frozen=True)
class Explanation:
    """Why firm GPUs are unmet: the finding of the planner, and the lines that say it."""

    unmet_firm_gpus: int
    conflict: Conflict
    limits: tuple[str, ...]  # the conflict, a limit each
    relaxations: tuple[str, ...]
    lines: tuple[str, ...]

    def record(self) -> dict[str, object]:
        """Return it as plain data, for ``result.json``."""
        conflict = self.conflict
        return {
            "unmet_firm_gpus": self.unmet_firm_gpus,
            "least_unmet_firm_gpus": conflict.least_unmet_gpus,
            "proven": conflict.proven,
            "irreducible": conflict.irreducible,
            "exact": conflict.exact,
            "limits": [
                {**limit_record(limit), "words": words}
                for limit, words in zip(conflict.limits, self.limits, strict=True)
            ],
            "relaxations": [
                {
                    "steps": [
                        {**limit_record(step.limits[0]), "raise_by": step.amount}
                        for step in relaxed.steps
                    ],
                    "least": relaxed.least,
                    "words": words,
                }
                for relaxed, words in zip(conflict.relaxations, self.relaxations, strict=True)
            ],
            "words": " ".join(self.lines),
        }


def explain_conflict(
    solution: Solution, time_limit_s: float, workers: int = 2
) -> Explanation | None:
    """Explain the unmet firm GPUs of a solution; None if all are met.

    Parameters
    ----------
    time_limit_s
        Seconds for the search of a conflict; with 0 only what is owed is said.
    """
    unmet = solution.score.unmet_firm_gpus
    if unmet == 0:
        return None
    conflict = Conflict(least_unmet_gpus=solution.least_unmet_gpus)
    if time_limit_s > 0:
        conflict = find_conflict(
            solution.compiled,
            _places(solution.problem),
            time_limit_s=time_limit_s,
            workers=workers,
            seed=solution.seed,
            known_unmet_gpus=solution.least_unmet_gpus,
        )
    limits = tuple(limit_words(solution.problem, limit) for limit in conflict.limits)
    relaxations = tuple(
        relaxation_words(solution.problem, relaxed) for relaxed in conflict.relaxations
    )
    lines = tuple(_lines(solution, conflict, limits, relaxations))
    return Explanation(unmet, conflict, limits, relaxations, lines)


def _places(problem: Problem) -> list[str]:
    """Return what the room of every rack is counted under: its GPU type and hall."""
    site = problem.site
    return [f"{site.type_of(rack).gpu_type} in hall {rack.hall}" for rack in site.racks.values()]


def _lines(
    solution: Solution, conflict: Conflict, limits: tuple[str, ...], relaxations: tuple[str, ...]
) -> Iterator[str]:
    """Yield what is owed, what conflicts, what to relax, and what to give up otherwise."""
    owed = [f for f in solution.verdict.findings if f.kind is Kind.OBLIGATION]
    asked = sum(finding.limit for finding in owed)
    met = asked - solution.score.unmet_firm_gpus
    missing = [f"{f.subject} lacks {f.unmet:,}" for f in owed if f.unmet]
    yield (
        f"Firm contracts ask for {gpu_count(asked)}; this plan meets {met:,}: "
        f"{some(missing, NAMED)}."
    )
    if not conflict.proven:
        yield from _without_proof(solution)
        return
    together = "This limit rules it out" if len(limits) == 1 else "These limits conflict"
    doubt = "" if conflict.irreducible else " (proven; may not be the smallest set)"
    more = len(limits) - MOST_SAID
    said = [*limits[:MOST_SAID], *([f"and {more:,} more"] if more > 0 else [])]
    yield f"{together}{doubt}: {'; '.join(said)}."
    if relaxations:
        any_one = "Any one of these" if len(relaxations) > 1 else "This"
        scope = "" if conflict.exact else ", counted over groups of alike racks"
        yield f"{any_one} would let all of them in{scope}: {'; or '.join(relaxations)}."
    else:
        yield "What to relax was not found in the time that was left."
    least = conflict.least_unmet_gpus
    if least:
        yield f"With the limits as they are, at least {gpu_count(least)} of them must go."


def _without_proof(solution: Solution) -> Iterator[str]:
    """Say that nothing is proven, and which limits the plan runs into."""
    yield (
        "No proof was found that all of them cannot be met: a longer --time-limit may find a plan, "
        "or the reason."
    )
    findings = [
        finding
        for finding in solution.verdict.findings
        if finding.kind is Kind.LIMIT and finding.unit in HEADROOM_UNITS
    ]
    tight = {f.subject: f for f in sorted(findings, key=tightness, reverse=True)}
    worst = sorted(tight.values(), key=tightness)[:TIGHTEST]
    if worst:
        yield f"The plan's tightest limits: {'; '.join(map(_tight_words, worst))}."


def _tight_words(finding: Finding) -> str:
    return f"{finding.subject} at {load_of_limit(finding)}{state_words(finding.state)}"
