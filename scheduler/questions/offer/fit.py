"""Does an offer fit as it is asked for; if not, what rules it out?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from scheduler.check import check
from scheduler.conflicts import explain_conflict
from scheduler.model import Finding, Kind, Offer, Problem
from scheduler.model.units import part
from scheduler.questions.offer.block import Block
from scheduler.questions.offer.joined import joined, obligations, resized, units_on
from scheduler.questions.offer.solving import Solver, all_met
from scheduler.words import HEADROOM_UNITS, gpu_count, load_of_limit, state_words, tightness

TIGHTEST = 2  # limits that are named
COUNTED = ("slots", "domains")  # bounds that words can prove
SOLVE_SHARE = 0.5  # of the time: for a plan; the rest is for why there is none


class Fits(StrEnum):
    """Whether an offer fits as it is asked for."""

    YES = "fits"
    NO = "does not fit"
    OPEN = "open"  # neither a plan nor a proof was found


@dataclass(frozen=True)
class Fit:
    """The answer, the block that it is about, and why in words."""

    fits: Fits
    block: Block  # the largest; at least what is asked, if that fits
    lines: tuple[str, ...]


def fit(problem: Problem, offer: Offer, block: Block, solver: Solver, time_limit_s: float) -> Fit:
    """Say whether the offer fits, given the largest block that was found at its terms."""
    asked = offer.contract.units
    if block.units >= asked:
        return Fit(Fits.YES, block, tuple(_limits(problem, offer, block)))
    room = sum(units_on(problem, offer).values())
    if _with_spares(offer) > room:
        lines = (_too_large(problem, offer, room), *_limits(problem, offer, block))
        return Fit(Fits.NO, block, lines)
    if block.bound_units < asked:
        lines = (_no_room(problem, offer, block), *_limits(problem, offer, block))
        return Fit(Fits.NO, block, lines)
    owed = obligations(joined(problem, (offer,)))
    solution = solver.solve(owed, time_limit_s * SOLVE_SHARE, start=block.plan, is_enough=all_met)
    if solution.verdict.checked and solution.verdict.unmet_firm_gpus == 0:
        found = Block(block.terms, asked, max(asked, block.bound_units), solution.plan, "size")
        return Fit(Fits.YES, found, tuple(_limits(problem, offer, found)))
    why = explain_conflict(solution, time_limit_s * (1 - SOLVE_SHARE), solver.workers)
    words = () if why is None else why.lines
    proven = solution.least_unmet_gpus > 0
    return Fit(Fits.NO if proven else Fits.OPEN, block, (*words, *_limits(problem, offer, block)))


def _with_spares(offer: Offer) -> int:
    contract = offer.contract
    return contract.units + part(contract.units, contract.sla.spare_permille)


def _too_large(problem: Problem, offer: Offer, room: int) -> str:
    """Say that the ask is larger than the empty site."""
    per_unit = offer.contract.gpus_per_unit
    types = " and ".join(offer.contract.gpu_types)
    spares = "" if _with_spares(offer) == offer.contract.units else " with its spares"
    return (
        f"It asks for {gpu_count(_with_spares(offer) * per_unit)} of {types}{spares}; the empty "
        f"site {problem.site.name} has {room * per_unit:,} in use that it may take."
    )


def _no_room(problem: Problem, offer: Offer, block: Block) -> str:
    """Say what firm contracts leave, by the bound that proves it."""
    per_unit = offer.contract.gpus_per_unit
    types = " and ".join(offer.contract.gpu_types)
    firm = sum(each.firm for each in problem.workload.contracts.values())
    at_most = gpu_count(block.bound_units * per_unit)
    if block.bound_by not in COUNTED:
        return (
            f"The bound of its largest block rules it out: beside the {firm:,} firm contracts at "
            f"most {at_most} can be promised (proven by {block.bound_by})."
        )
    what = (
        f"GPUs of {types}"
        if block.bound_by == "slots"
        else f"whole domains at {offer.tenant.isolation} isolation"
    )
    return (
        f"Counting alone rules it out: the {firm:,} firm contracts need so many {what} that at "
        f"most {at_most} can be promised."
    )


def _limits(problem: Problem, offer: Offer, block: Block) -> Iterator[str]:
    """Say what the largest block runs into: who holds the GPUs, and the tightest limits."""
    owed = obligations(joined(problem, (resized(offer, block.units or 1),)))
    per_unit = offer.contract.gpus_per_unit
    room = units_on(problem, offer)
    slots = sum(room.values()) * per_unit
    held = sum(
        units * owed.jobs[name].gpus_per_unit
        for name, rack, units in block.plan.shards()
        if name != offer.name and rack in room
    )
    own = block.plan.placed_units(offer.name) * per_unit
    if block.units:
        yield (
            f"Of {slots:,} GPUs that it may take, firm contracts hold {held:,} and the block "
            f"{own:,}, spares included; {max(0, slots - held - own):,} stay empty."
        )
    else:
        yield f"Of {slots:,} GPUs that it may take, none can be its own beside firm contracts."
    findings = [
        finding
        for finding in check(owed, block.plan).findings
        if finding.kind is Kind.LIMIT and finding.unit in HEADROOM_UNITS and finding.limit > 0
    ]
    worst: dict[str, Finding] = {}
    for finding in sorted(findings, key=tightness):
        worst.setdefault(finding.subject, finding)
    tight = [
        f"{each.subject} at {load_of_limit(each)}{state_words(each.state)}"
        for each in list(worst.values())[:TIGHTEST]
    ]
    if tight and block.units:
        yield f"Its tightest limits: {'; '.join(tight)}."
