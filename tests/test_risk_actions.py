"""Power actions step by step, what they reach, and the figures around them, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kernels.cpu import NumpyBackend
from kernels.scenarios import LOAD_ONE
from scheduler.compile import compile_problem
from scheduler.evaluate import to_shards
from scheduler.model import Plan, Problem
from scheduler.questions.risk.actions import Assessor
from scheduler.questions.risk.credits import credit_mills
from scheduler.questions.risk.draws import ONE
from scheduler.questions.risk.effects import EffectBook
from scheduler.questions.risk.limit_book import LimitBook
from scheduler.questions.risk.limits import BEFORE_ACTION, POWER_FAILOVER, Limit
from scheduler.questions.risk.load_levels import LoadClasses
from scheduler.questions.risk.moments import LOOKS, moments_of
from scheduler.questions.risk.months import Calendar
from scheduler.questions.risk.nodes_down import binomial_table
from scheduler.questions.risk.outages import WHOLE, Outage, OutageBook
from scheduler.questions.risk.overheads import Meter
from scheduler.questions.risk.rack_draws import RackDraws
from scheduler.questions.risk.rough_flow import RoughFlow
from scheduler.questions.risk.sources import MONTH_S, sources_of
from scheduler.questions.risk.stakes import Party, Stakes
from scheduler.questions.risk.strata import shares
from scheduler.questions.risk.weather import Sky
from scheduler.topology import Topology
from tests import build
from tests.risk_cases import kind, rates, tiny


def limit(limit_w: int, what: str = POWER_FAILOVER) -> Limit:
    """Return a limit on what two racks draw."""
    racks = np.array([0, 1], np.int32)
    return Limit(what, "feed", "all", racks, np.ones(2, np.int64), 0, limit_w, 1)


def two_jobs() -> tuple[Problem, Plan]:
    """Return 8 kW that may be capped to 410/1024, 3203.125 W, and 8 kW that may be shed."""
    jobs = [build.job("capped", power_action="cap"), build.job("shed", power_action="shed")]
    return build.problem(jobs=jobs), Plan({"capped": {"r1": 1}, "shed": {"r2": 1}})


@pytest.mark.parametrize(
    ("at_w", "what", "expected"),
    [
        (16_000, POWER_FAILOVER, None),
        (15_999, POWER_FAILOVER, (False, False)),
        (11_204, POWER_FAILOVER, (False, False)),
        (11_203, POWER_FAILOVER, (True, False)),
        (3_204, POWER_FAILOVER, (True, False)),
        (3_203, POWER_FAILOVER, (True, True)),
        (15_999, BEFORE_ACTION, (False, True)),
    ],
)
def test_caps_come_first_and_sheds_only_if_they_are_not_enough(
    at_w: int, what: str, expected: tuple[bool, bool] | None
) -> None:
    problem, plan = two_jobs()
    compiled = compile_problem(problem, Topology(problem.site))
    shards = to_shards(compiled, plan)
    draws, classes = RackDraws(problem, compiled, shards), LoadClasses.build(problem)
    assessor = Assessor(NumpyBackend(), compiled, shards, draws, classes, {})
    level = np.full((1, classes.num_classes), LOAD_ONE)
    found = assessor.overloads([[limit(at_w, what)]], level, np.zeros(1, np.int64))
    steps = list(zip(found.sheds.tolist(), found.remains.tolist(), strict=True))
    assert steps == ([] if expected is None else [expected])


def test_actions_do_not_reach_racks_that_are_lost() -> None:
    jobs = [build.job("j", units=4, min_units=1, power_action="shed")]
    site = build.site([build.rack(name) for name in ("r1", "r2", "r3")])
    problem, plan = build.problem(site, jobs), Plan({"j": {"r1": 1, "r2": 1, "r3": 2}})
    book = EffectBook(Stakes(problem, plan), ("r1", "r2", "r3"))
    calls = (limit(0),)  # of r1 and r2
    lost = Outage((), (), frozenset({"r2"}))
    effect = book.of(lost, calls, calls)
    assert (effect.lost_gpus.tolist(), effect.shed_gpus) == ([16], 8)
    assert (book.of(WHOLE, calls, calls).shed_gpus, book.of(lost).shed_gpus) == (16, 0)
    both = book.of(Outage((), (), frozenset({"r1", "r2"})), calls, calls)
    assert (both.lost_gpus.tolist(), both.shed_gpus) == ([16], 0)


def test_moments_share_out_all_of_a_month() -> None:
    problem, _ = tiny()
    topology = Topology(problem.site)
    sources = sources_of(problem.site, rates(ups=kind(900, 100), cdu=kind(300, 50)))
    rough = RoughFlow(topology, topology.basis_w, lambda node: node.rating_w)
    book = OutageBook(topology, rough, sources)
    months = Calendar(1, sources, [True] * len(sources)).months(np.arange(64))
    found = moments_of(months, book, lambda outage: bool(outage.nodes))
    seconds = np.bincount(found.month, weights=found.seconds, minlength=64)
    assert (seconds == MONTH_S).all()
    assert (found.per_month(found.seconds) == MONTH_S).all()
    loaded = sum(bool(found.outages[i].nodes) for i in found.outage.tolist())
    assert loaded % LOOKS == 0
    pairs = zip(found.month.tolist(), found.number.tolist(), strict=True)
    assert len(set(pairs)) == len(found.month)


def test_the_spare_unit_of_a_loop_is_kept_whole_while_nothing_is_out() -> None:
    """88.8 kW of heat on 3 CDUs of 40 kW, one of them spare."""
    problem, plan = tiny()
    loop = replace(problem.site.loops["H1-L1"], unit_w=40_000)
    problem = replace(problem, site=replace(problem.site, loops={"H1-L1": loop}))
    topology = Topology(problem.site)
    compiled = compile_problem(problem, topology)
    draws = RackDraws(problem, compiled, to_shards(compiled, plan))
    limits = LimitBook(problem, topology, compiled, draws, Sky.build(problem.site, rates()))
    assert [each.kind for each in limits.of(WHOLE)] == ["cooling_loops"]
    assert limits.of(WHOLE)[0].limit == 80_000


def test_pue_by_hand() -> None:
    """At the peak of docs/tiny.md: 117 kW, 88.8 kW into liquid, 28.2 kW into air.

    Water of 26 degrees cannot cool air to 22: chillers take 1 / CoP(22) = 1 / 3.7668 of the heat.
    """
    problem, plan = tiny()
    compiled = compile_problem(problem, Topology(problem.site))
    shards, classes = to_shards(compiled, plan), LoadClasses.build(problem)
    draws, sky = RackDraws(problem, compiled, shards), Sky.build(problem.site, rates())
    meter = Meter(problem.site, shards, draws, classes, sky)
    level = np.full((1, classes.num_classes), LOAD_ONE)
    assert meter.it_w(level).tolist() == [117_000]
    pue = 1.062 + (88.8 * 0.025 + 28.2 * (0.05 + 1 / 3.7668)) / 117
    assert meter.pue_ppm(level, np.zeros(1, np.int64))[0] / 1e6 == pytest.approx(pue, abs=1e-5)


def test_the_largest_credit_counts_in_whatever_order_tiers_stand() -> None:
    party = Party(
        name="c", tenant="t", is_contract=True, promised_gpus=10, held_gpus=10, nodes=5,
        price_mills=1000, credit_tiers=((950, 1000), (995, 100)),
    )  # fmt: skip
    assert credit_mills(party, np.array([MONTH_S])).tolist() == [10 * 1000 * 730]


def test_a_node_is_down_for_its_share_of_the_time() -> None:
    """A quarter of the time: 4 nodes, 0.75^4 of the time none is down."""
    table = binomial_table(4, 0.25)
    assert shares(table) == pytest.approx([0.31640625, 0.421875, 0.2109375, 0.046875, 0.00390625])
    assert int(table[-1]) == ONE
