"""The break-even price: its formula; planning at 1 % above it gains, at 1 % below loses."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from scheduler.model import Level, Offer, Plan, Problem
from scheduler.questions.offer import answer
from scheduler.questions.offer.answer import Answer
from scheduler.questions.offer.deal import Deal, least_energy_mills
from scheduler.questions.offer.joined import as_firm, at_price, joined
from scheduler.questions.offer.power import most_w, promised_w
from scheduler.questions.offer.price import BreakEven, Margins, break_even, gain_mills
from scheduler.solve import Solution, solve
from tests import build
from tests.offers import offer, solver, tiny, tiny_offer


def margins(**fields: int | None) -> Margins:
    """20 $/h without and 8 $/h with the offer, both proven; 1 $/h of energy."""
    values: dict[str, Any] = {
        "without_mills": 20_000,
        "without_bound_mills": 20_000,
        "with_mills": 8_000,
        "with_bound_mills": 8_000,
        "energy_mills": 1_000,
        "least_energy_mills": 800,
        **fields,
    }
    return Margins(**values)


def test_the_price_is_what_is_displaced_and_energy_and_capital_before_credits() -> None:
    # 12 $/h over 8 GPUs are 1.50 $, of which 0.125 energy; 0.10 $ of capital; 20 % go back.
    asked = offer(capex_mills_per_gpu_h=100, credit_permille=200)
    price = break_even(asked, margins(), power_w=10_000)
    assert price.planned == price.low == price.high == Fraction(1600, 1) / Fraction(8, 10)
    assert price.is_exact
    assert [price.displaced, price.energy, price.capex] == [1375, 125, 100]
    # 2 $/GPU-h * 8 GPUs * 730 h for 10 kW: 11,680 $ a month, 1,168,000 $ for each MW
    assert price.per_mw_month(price.planned) == 1_168_000_000
    assert price.accept_mills == 2000


def test_bounds_of_both_margins_are_bounds_of_the_price() -> None:
    price = break_even(
        offer(), margins(without_bound_mills=22_000, with_bound_mills=12_000), power_w=10_000
    )
    assert [price.low, price.planned, price.high] == [1000, 1500, 1750]
    assert not price.is_exact
    # A bound with the offer above the plan without: the energy of the offer is sure.
    loose = break_even(offer(), margins(with_bound_mills=30_000), power_w=10_000)
    assert loose.low == 100
    unknown = margins(without_bound_mills=None, with_bound_mills=None)
    found = break_even(offer(), unknown, power_w=10_000)
    assert [found.low, found.planned, found.high] == [None, 1500, None]


@pytest.mark.parametrize(("price", "gain"), [(1_500, 0), (1_501, 8), (1_000, -4_000)])
def test_the_gain_is_the_distance_to_the_price(price: int, gain: int) -> None:
    found = break_even(offer(), margins(), power_w=10_000)
    assert gain_mills(offer(price=price), found) == gain
    assert gain_mills(offer(), found) is None


def row() -> Problem:
    """Four nodes: jobs at 1, 2, 3 and 4 $/GPU-h fill them; a gang of two is left out."""
    jobs = [build.job(f"j{n}", value_mills_per_gpu_h=n * 1000) for n in range(1, 5)]
    gang = build.job("gang", units=2, value_mills_per_gpu_h=1_400)
    return build.problem(jobs=[*jobs, gang])


def contracted() -> Problem:
    """Six racks in three arrays, an array-isolated firm contract, spares, energy, idle power."""
    racks = [build.rack(f"r{n}", array=f"A{n // 2}") for n in range(6)]
    site = build.site(racks, rack_types={"hgx": build.rack_type(idle_w=1_501)})
    jobs = [
        build.job(f"j{n}", units=2, min_units=1, value_mills_per_gpu_h=900 + 217 * n)
        for n in range(5)
    ]
    return build.problem(
        site,
        [*jobs, build.job("wide", units=4, required=Level.ARRAY, value_mills_per_gpu_h=1_700)],
        [build.tenant("old", external=True, isolation=Level.ARRAY)],
        [build.contract("held", tenant="old", units=3)],
    )


CASES = (
    (row, offer(profile="flat")),
    (row, offer(units=2, profile="flat", spare=500)),
    (row, offer(isolation=Level.RACK, profile="flat")),
    (contracted, offer(units=2, profile="flat", survives=("rack",))),
    (contracted, offer(isolation=Level.ARRAY, profile="flat")),
    (contracted, offer(units=4, isolation=Level.RACK, profile="sync")),
)


def optimal(problem: Problem) -> Solution:
    found = solve(problem, time_limit_s=120.0, workers=1)
    assert (found.status, found.verdict.checked) == ("optimal", True)
    return found


def deal_of(found: Answer) -> Deal:
    (weighed,) = found.weighed
    assert weighed.deal is not None
    return weighed.deal


@pytest.mark.parametrize(("site", "asked"), CASES)
def test_one_percent_above_the_price_gains_and_one_below_loses(site: object, asked: Offer) -> None:
    problem = site() if callable(site) else None
    assert isinstance(problem, Problem)
    price = deal_of(answer(problem, [asked], solver())).price
    assert price.is_exact
    assert price.planned > 0
    without = optimal(problem).score.margin_mills
    for share, gains in ((Fraction(101, 100), True), (Fraction(99, 100), False)):
        mills = round(price.planned * share)
        firm = optimal(joined(problem, (at_price(asked, mills),)))
        assert firm.score.unmet_firm_gpus == 0
        assert (firm.score.margin_mills > without) is gains
        # Left to the planner, it is taken exactly where it pays.
        free = optimal(joined(problem, (as_firm(at_price(asked, mills), firm=False),)))
        assert (free.plan.placed_units(asked.name) > 0) is gains


def test_the_price_of_the_row_is_the_cheapest_job() -> None:
    # One node goes: the job of 1 $/GPU-h. Energy: 8 GPUs at half of 1 kW, at 1.15 * 65 $/MWh
    # 0.299 $/h, rounded up to the mill, both for the job that goes and the offer that comes.
    deal = deal_of(answer(row(), [offer(profile="flat")], solver()))
    assert deal.price.planned == 1000
    assert deal.price.energy * 8 == 299
    assert [(each.job, each.gpus, each.mills_per_h) for each in deal.losses] == [
        ("j1", 8, 8_000 - 299)
    ]


def test_the_price_of_the_tiny_offer_is_the_one_by_hand() -> None:
    # gamma takes an array: train (62.08 $/h) has no place any more; the second node of night
    # (2.912) has now, the notebook (2.256) has not. 24 GPUs are held for 16: 12 kW on the mean,
    # 1.44 $/h. (62.08 + 2.256 - 2.912 + 1.44) / 16 = 3.929 $/GPU-h.
    asked = tiny_offer(units=4, isolation=Level.ARRAY, survives=("rack",), price=4_000)
    found = answer(tiny(), [asked], solver())
    deal = deal_of(found)
    assert deal.price.planned == 3_929
    assert deal.price.is_exact
    assert deal.gain_mills == (4_000 - 3_929) * 16
    assert {each.job: each.mills_per_h for each in deal.losses} == {
        "train": 62_080,
        "notebook": 2_256,
    }
    without = found.without.score.margin_mills
    assert without == 190_080
    for mills, gains in ((3_969, True), (3_889, False)):  # 1 % above and below
        planned = optimal(joined(tiny(), (at_price(asked, mills),)))
        assert (planned.score.margin_mills > without) is gains


def test_the_least_energy_is_that_of_the_promise() -> None:
    # 2 units of 8 GPUs at half of 1 kW: 8 kW * 1.15 * 65 $/MWh = 0.598 $/h
    assert least_energy_mills(row(), offer(units=2, profile="flat", spare=500)) == 598


def test_a_price_knows_what_its_parts_add_up_to() -> None:
    deal = deal_of(answer(contracted(), [offer(profile="flat", capex_mills_per_gpu_h=7)], solver()))
    price: BreakEven = deal.price
    assert price.planned == price.displaced + price.energy + price.capex


def test_megawatts_are_those_of_the_racks_and_at_most_those_of_the_hungriest() -> None:
    # A rack of 16 GPUs at 16 kW and one at 32 kW; 3 units of 8 GPUs: at most 2 * 16 + 8 = 40 kW.
    hot = build.rack_type("hot", observed_peak_w=32_000)
    racks = [build.rack("r1"), build.rack("r2", type="hot")]
    types = {"hgx": build.rack_type(), "hot": hot}
    problem = build.problem(build.site(racks, rack_types=types))
    assert most_w(problem, offer(), 3) == 40_000
    assert most_w(problem, offer(), 0) == 0
    # Held are one unit on the cool rack and two on the hot one, promised are two of the three.
    plan = Plan({"new": {"r1": 1, "r2": 2}})
    assert promised_w(problem, offer(), plan, 3) == 40_000
    assert promised_w(problem, offer(), plan, 2) == round(40_000 * 2 / 3)
    assert promised_w(problem, offer(), Plan({}), 2) == 0
