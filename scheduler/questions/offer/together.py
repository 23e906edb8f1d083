"""Several offers at once: do they fit together, what do they cost each other, which to take?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.model import Offer, Plan
from scheduler.questions.offer.fit import Fits
from scheduler.questions.offer.joined import as_firm, joined, obligations
from scheduler.questions.offer.solving import Solver, all_met
from scheduler.solve import Solution


@dataclass(frozen=True)
class Together:
    """All offers on one site.

    The offers are those that were weighed alone, at the size that was weighed, each at the price
    that it names or else at its own break-even price.
    """

    fits: Fits
    unmet_gpus: int  # of all firm contracts, if they do not fit
    least_unmet_gpus: int  # proven
    best: Solution  # of the offers, those that pay most
    taken: tuple[str, ...]
    gain_mills: int  # margin of the best choice less that without any offer
    gains_alone_mills: int  # sum of what each would gain alone, losses left out

    @property
    def lost_mills(self) -> int:
        """What the offers cost each other."""
        return self.gains_alone_mills - self.gain_mills


def together(
    offers: Sequence[Offer],
    solver: Solver,
    seconds: float,
    *,
    without: Solution,
    starts: Sequence[tuple[int, Plan]],
) -> Together:
    """Weigh all offers at once.

    Parameters
    ----------
    offers
        At the sizes and prices at which they are to be weighed.
    without
        The plan without any of them.
    starts
        For every offer what it gains alone, and the plan that has it alone.
    """
    problem = without.problem
    owed = obligations(joined(problem, offers))
    met = solver.solve(owed, seconds / 3, is_enough=all_met)
    holds = met.verdict.checked and met.verdict.unmet_firm_gpus == 0
    fits = Fits.YES if holds else Fits.NO if met.least_unmet_gpus else Fits.OPEN
    gain, start = max(starts, key=lambda each: each[0])
    loose = tuple(as_firm(each, firm=False) for each in offers)
    best = solver.solve(
        joined(problem, loose), seconds * 2 / 3, start=start if gain > 0 else without.plan
    )
    taken = tuple(each.name for each in offers if best.plan.placed_units(each.name))
    return Together(
        fits=fits,
        unmet_gpus=met.score.unmet_firm_gpus,
        least_unmet_gpus=met.least_unmet_gpus,
        best=best,
        taken=taken,
        gain_mills=best.score.margin_mills - without.score.margin_mills,
        gains_alone_mills=sum(max(0, gain) for gain, _ in starts),
    )
