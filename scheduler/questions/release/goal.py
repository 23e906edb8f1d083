"""What is to be given back, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from scheduler.model import Level, Problem
from scheduler.questions.release.places import place_names
from scheduler.words import gpu_count, power, some

CONTIGUOUS = (Level.ARRAY, Level.HALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Exactly one of watts, GPUs, a tenant's block or a place is given back.

    Attributes
    ----------
    watts
        The peak IT draw falls by so much.
    gpus
        So many GPUs more than now are free on whole nodes of usable racks.
    tenant
        Contracts and jobs of this tenant end.
    domain
        This hall, pod, array, rack, loop or power node has no work left.
    within_days
        Contracts may end if their notice is no longer.
    contiguous
        Whole arrays or whole halls are emptied; for watts or GPUs.
    gpu_types
        Types that count for `gpus`; empty: all.
    spared
        Racks of `domain` that keep their work, because an obligation has no other place.
    """

    watts: int = 0
    gpus: int = 0
    tenant: str | None = None
    domain: str | None = None
    within_days: int = 0
    contiguous: Level | None = None
    gpu_types: tuple[str, ...] = ()
    spared: frozenset[str] = frozenset()

    @property
    def words(self) -> str:
        """The goal in words: ``5.000 MW of peak draw``."""
        whole = "" if self.contiguous is None else f" in whole {self.contiguous}s"
        if self.watts:
            return f"{power(self.watts)} of peak draw{whole}"
        if self.gpus:
            types = f" ({', '.join(self.gpu_types)})" if self.gpu_types else ""
            return f"{gpu_count(self.gpus)}{types} on whole nodes{whole}"
        return f"the block of {self.tenant}" if self.tenant else f"all racks of {self.domain}"


def mistakes(problem: Problem, goal: Goal) -> Iterator[str]:
    """Yield what is wrong with a goal, each as ``option: expected ..., got ...``."""
    yield from _wrong_amounts(goal)
    yield from _wrong_options(goal)
    yield from _unknown_names(problem, goal)


def _wrong_amounts(goal: Goal) -> Iterator[str]:
    given = [
        name
        for name, value in (
            ("--mw", goal.watts),
            ("--gpus", goal.gpus),
            ("--tenant", goal.tenant),
            ("--domain", goal.domain),
        )
        if value not in (0, None)
    ]
    if len(given) != 1:
        got = ", ".join(given) or "none"
        yield f"expected one of --mw, --gpus, --tenant, --domain; got {got}"
    for option, amount, unit in (("--mw", goal.watts, "W"), ("--gpus", goal.gpus, "GPUs")):
        if amount < 0:
            yield f"{option}: expected > 0, got {amount:,} {unit}"
    if goal.within_days < 0:
        yield f"--within: expected >= 0, got {goal.within_days} days"


def _wrong_options(goal: Goal) -> Iterator[str]:
    if goal.contiguous is not None and goal.contiguous not in CONTIGUOUS:
        yield f"--contiguous: expected array or hall, got {goal.contiguous}"
    if goal.contiguous is not None and not (goal.watts or goal.gpus):
        yield "--contiguous: expected with --mw or --gpus, got it without"
    if goal.gpu_types and not goal.gpus:
        yield "--gpu-type: expected with --gpus, got it without"


def _unknown_names(problem: Problem, goal: Goal) -> Iterator[str]:
    if goal.tenant is not None and goal.tenant not in problem.workload.tenants:
        yield _unknown("--tenant", "a tenant", goal.tenant, list(problem.workload.tenants))
    if goal.domain is not None and goal.domain not in (names := place_names(problem.site)):
        what = "a hall, pod, array, rack, loop or power node"
        yield _unknown("--domain", what, goal.domain, list(names))
    types = {rack_type.gpu_type for rack_type in problem.site.rack_types.values()}
    for name in goal.gpu_types:
        if name not in types:
            yield _unknown("--gpu-type", "a GPU type of the site", name, sorted(types))


def _unknown(option: str, what: str, name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=3)
    hint = f"; did you mean {some(close, 3)}?" if close else f": {some(known, 8)}"
    return f"{option}: expected {what}, got {name!r}{hint}"
