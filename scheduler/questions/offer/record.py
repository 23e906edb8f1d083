"""The answer as plain data: what ``offer.json`` holds."""

from __future__ import annotations

from fractions import Fraction

from scheduler.model import Offer, Problem
from scheduler.questions.offer.answer import Answer, Weighed
from scheduler.questions.offer.concentration import Revenue
from scheduler.questions.offer.deal import Deal
from scheduler.questions.offer.points import Record, point_record
from scheduler.questions.offer.price import BreakEven
from scheduler.questions.offer.together import Together
from scheduler.solve import Solution

FORMAT = "rackwatt-offer/1"


def answer_record(found: Answer, wall_s: float, *, interrupted: bool) -> Record:
    """Return all of the answer; money in dollars, power in megawatts on the site's basis."""
    problem = found.problem
    return {
        "format": FORMAT,
        "site": problem.site.name,
        "power_basis": problem.site.power_basis,
        "status": "interrupted" if interrupted else found.without.status,
        "without": {**_solution_record(found.without), "revenue": revenue_record(found.revenue)},
        "why_not_met": list(found.lines),
        "offers": [_weighed_record(problem, each) for each in found.weighed],
        "together": None if found.together is None else _together_record(found.together),
        "wall_s": round(wall_s, 3),
    }


def revenue_record(found: Revenue) -> Record:
    """Return contracted revenue, its concentration and how firmly it is committed."""
    return {
        "usd_per_h": found.total_mills / 1000,
        "top_tenant": found.top_tenant or None,
        "top_share": found.top_share,
        "hhi": found.hhi,
        "take_or_pay_usd_per_h": found.take_or_pay_mills / 1000,
        "cancellable_usd_per_h": found.cancellable_mills / 1000,
        "shortest_notice_days": found.shortest_notice_days,
        "other_usd_per_h": found.other_mills / 1000,
    }


def _weighed_record(problem: Problem, weighed: Weighed) -> Record:
    offer, found = weighed.offer, weighed.fit
    return {
        "name": offer.name,
        "asked": _asked_record(offer),
        "fits": str(found.fits),
        "why": list(found.lines),
        "largest_block": point_record(problem, offer, found.block),
        "frontier": {
            "isolation": [point_record(problem, offer, each) for each in weighed.by_isolation],
            "redundancy": [point_record(problem, offer, each) for each in weighed.by_redundancy],
        },
        "deal": None if weighed.deal is None else _deal_record(weighed.deal),
    }


def _asked_record(offer: Offer) -> Record:
    contract = offer.contract
    price = contract.price_mills_per_gpu_h / 1000 if offer.is_priced else None
    return {
        "gpus": offer.gpus,
        "gpus_per_unit": contract.gpus_per_unit,
        "gpu_types": list(contract.gpu_types),
        "it_mw": None if offer.asked_w is None else offer.asked_w / 1e6,
        "isolation": str(offer.tenant.isolation),
        "survives": list(contract.sla.survives),
        "spare_percent": contract.sla.spare_permille / 10,
        "price_usd_per_gpu_h": price,
        "take_or_pay": contract.take_or_pay,
        "term_days": contract.term_days,
        "notice_days": contract.notice_days,
        "start": offer.starts or None,
    }


def _deal_record(deal: Deal) -> Record:
    return {
        "gpus": deal.offer.gpus,
        **_solution_record(deal.solution),
        "break_even": _price_record(deal.price),
        "gain_usd_per_h": None if deal.gain_mills is None else deal.gain_mills / 1000,
        "displaced": [
            {
                "job": each.job,
                "tenant": each.tenant,
                "gpus": each.gpus,
                "usd_per_h": each.mills_per_h / 1000,
            }
            for each in deal.losses
        ],
        "moves": [
            {
                "job": each.job,
                "tenant": each.tenant,
                "units": each.units,
                "gpus": each.gpus,
                "makes_room": each.makes_room,
            }
            for each in deal.moves
        ],
        "revenue": revenue_record(deal.revenue),
    }


def _price_record(price: BreakEven) -> Record:
    return {
        "usd_per_gpu_h": _usd(price.planned),
        "low_usd_per_gpu_h": _usd(price.low),
        "high_usd_per_gpu_h": _usd(price.high),
        "exact": price.is_exact,
        "accept_at_usd_per_gpu_h": price.accept_mills / 1000,
        "usd_per_mw_month": _usd(price.per_mw_month(price.planned)),
        "mw": price.power_w / 1e6,
        "displaced_usd_per_gpu_h": _usd(price.displaced),
        "energy_usd_per_gpu_h": _usd(price.energy),
        "capex_usd_per_gpu_h": _usd(price.capex),
    }


def _together_record(found: Together) -> Record:
    return {
        "fits": str(found.fits),
        "unmet_firm_gpus": found.unmet_gpus,
        "least_unmet_firm_gpus": found.least_unmet_gpus,
        "taken": list(found.taken),
        "gain_usd_per_h": found.gain_mills / 1000,
        "gains_alone_usd_per_h": found.gains_alone_mills / 1000,
        **_solution_record(found.best),
    }


def _solution_record(solution: Solution) -> Record:
    bound = solution.bound_mills
    return {
        "plan_status": solution.status,
        "checked": solution.verdict.checked,
        "unmet_gpus": solution.verdict.unmet_firm_gpus,
        "margin_usd_per_h": solution.score.margin_mills / 1000,
        "bound_usd_per_h": None if bound is None else bound / 1000,
    }


def _usd(mills: Fraction | None) -> float | None:
    return None if mills is None else float(mills) / 1000
