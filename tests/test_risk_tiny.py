"""Risk of the plan of docs/tiny.md, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kernels.backend import Backend
from kernels.cpu import NumpyBackend
from kernels.fallback import CudaBackend
from scheduler.check import check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_shards
from scheduler.model import Plan, PowerProfile, Weather
from scheduler.questions.risk.assess import FEWEST, assess
from scheduler.questions.risk.credits import credit_mills
from scheduler.questions.risk.figures import Figures
from scheduler.questions.risk.limit_book import LimitBook
from scheduler.questions.risk.load_levels import STEPS, levels
from scheduler.questions.risk.outages import WHOLE, OutageBook
from scheduler.questions.risk.rack_draws import RackDraws
from scheduler.questions.risk.sources import MONTH_S, Source
from scheduler.questions.risk.stakes import Party, Stakes
from scheduler.questions.risk.weather import Sky
from scheduler.topology import Topology
from tests import build
from tests.evaluators import device_named
from tests.risk_cases import covers, kind, rates, same, sampled, study, tiny

BAD = rates(ups=kind(900, 100), cdu=kind(700, 60), rack=kind(9000, 90), node=kind(990, 10))


def test_only_one_feed_can_be_overloaded_by_the_loss_of_one_ups() -> None:
    """UPS1 would carry 63 of 60 kW once UPS2 or UPS3 is lost; before that it bears 79.8 kW."""
    problem, plan = tiny()
    topology = Topology(problem.site)
    compiled = compile_problem(problem, topology)
    draws = RackDraws(problem, compiled, to_shards(compiled, plan))
    sky = Sky.build(problem.site, rates())
    limits = LimitBook(problem, topology, compiled, draws, sky)

    def exceeded(
        nodes: tuple[str, ...] = (), units: tuple[tuple[str, int], ...] = ()
    ) -> list[tuple[str, str]]:
        source = Source(name="", kind="", mtbf_s=1, mttr_s=1, nodes=nodes, units=units)
        outage = OutageBook(topology, limits.rough, (source,)).of((0,))
        return [(each.kind, each.subject) for each in limits.of(outage)]

    assert limits.of(WHOLE) == ()
    assert exceeded(nodes=("H1-UPS1",)) == []
    assert exceeded(nodes=("H1-UPS2",)) == [("power_failover", "H1-UPS1")]
    assert exceeded(nodes=("H1-UPS3",)) == [("power_failover", "H1-UPS1")]
    assert exceeded(units=(("H1-L1", 1),)) == []  # 88.8 of 90 kW
    assert exceeded(units=(("H1-L1", 2),)) == [("cooling_loops", "H1-L1")]  # of 45 kW


def test_overload_of_ups1_has_its_closed_form() -> None:
    """Jobs of profile steady draw evenly between idle and peak: u of 1 kW for each GPU.

    * UPS2 lost: UPS1 carries A01 and half of A02, ``8 + 32 u + (8 + 32 u) / 2 + 3 kW``, more than
      60 for u > 15/16. UPS3 lost: the same.
    * Both lost: A01, A02 and 4 kW, ``20 + 64 u``, more than 60 for u > 5/8, and more than the
      79.8 kW that UPS1 bears before anyone acts for u > 0.934.
    """
    problem, plan = tiny()
    out = 100 / 1000
    run, sample = sampled(study(problem, plan, rates(ups=kind(900, 100)), seed=2), 12_000)
    number = run.details.subjects.index(("power_failover", "H1-UPS1"))
    found = sample.sparse_mean(*run.details.called_s.of(number)).times(1 / MONTH_S)
    single, both = 2 * out * (1 - out) / 16, out**2 * 3 / 8
    assert covers(found, (1 - out) * (single + both))
    brief = run.details.subjects.index(("power_failover, before action", "H1-UPS1"))
    found = sample.sparse_mean(*run.details.over_s.of(brief)).times(1 / MONTH_S)
    assert found.low < (1 - out) * out**2 * (1 - 59.8 / 64) < found.high


def test_what_the_loss_of_racks_and_sheds_cost() -> None:
    problem, plan = tiny()
    stakes = Stakes(problem, plan)
    names = [party.name for party in stakes.parties]
    assert names == ["acme-contract", "beta-contract", "jobs of research"]
    acme, beta, research = stakes.parties
    assert (acme.promised_gpus, acme.held_gpus, acme.nodes) == (24, 32, 8)
    assert (beta.promised_gpus, beta.held_gpus, beta.fee_mills) == (8, 8, 8 * 2200)
    assert (research.held_gpus, research.nodes) == (32 + 16 + 4 + 2, 14)

    spare = stakes.effect({"H1-A01-R1"})
    assert (spare.lost_gpus.tolist(), spare.harm_mills) == ([8, 0, 0], 0)
    short = stakes.effect({"H1-A01-R1", "H1-A01-R2"})
    assert (short.lost_mills, short.harm_mills) == (0, 8 * 3000)
    gang = stakes.effect({"H1-A02-R3"})  # train stops as a whole
    assert (gang.lost_gpus.tolist(), gang.lost_mills) == ([0, 0, 32], 32 * 2000)
    some = stakes.effect({"H1-A03-R2"})  # chat goes on with half of it
    assert (some.lost_gpus.tolist(), some.lost_mills) == ([0, 0, 8], 8 * 2500)

    shed = stakes.effect((), (), {"H1-A01-R1", "H1-A02-R1", "H1-A03-R4"})
    assert shed.lost_gpus.tolist() == [0, 0, 32 + 4 + 2]
    assert (shed.shed_gpus, shed.lost_mills) == (38, 32 * 2000 + 4 * 800 + 2 * 1200)
    twice = stakes.effect({"H1-A02-R1"}, (), {"H1-A02-R2"})
    assert (twice.lost_gpus.tolist(), twice.shed_gpus) == ([0, 0, 32], 0)
    capped = stakes.effect((), {"H1-A03-R2"})  # a cap of 60 % changes nothing at 60 %
    assert (capped.capped_gpus.tolist(), capped.lost_mills) == ([0, 0, 0], 0)


def test_a_job_stops_when_too_little_of_it_is_left() -> None:
    """It needs 2 of its 3 units of 8 GPUs."""
    problem = build.problem(jobs=[build.job("elastic", units=3, min_units=2)])
    stakes = Stakes(problem, Plan({"elastic": {"r1": 1, "r2": 2}}))
    assert stakes.effect({"r1"}).lost_gpus.tolist() == [8]
    assert stakes.effect({"r2"}).lost_gpus.tolist() == [24]


def test_nodes_are_down_for_mttr_of_mtbf_and_mttr() -> None:
    problem, plan = tiny()
    run, sample = sampled(study(problem, plan, rates(node=kind(30, 10))), 500)
    short = sample.mean(run.outcome.short_gpu_s[1]).times(1 / (8 * MONTH_S))
    assert covers(short, 0.25)


def test_nodes_that_are_down_have_their_closed_form() -> None:
    """Of beta's 2 nodes each is down for q of the time; acme's 2 spare nodes hide 2 of 8."""
    problem, plan = tiny()
    q = 10 / 1000
    run, sample = sampled(study(problem, plan, rates(node=kind(990, 10))), 10_000)
    for party, promised, nodes in ((1, 8, 2), (2, 54, 14)):  # 54 GPUs on 14 nodes count as 4 each
        short = sample.mean(run.outcome.short_gpu_s[party]).times(1 / (promised * MONTH_S))
        assert covers(short, q * nodes * 4 / promised)
        full = (1 - q) ** nodes
        there = sample.mean(run.outcome.full_s[party]).times(1 / MONTH_S)
        assert there.value == pytest.approx(full, rel=0.003)
    three = 56 * q**3 * (1 - q) ** 5  # 3 of 8 are down; more hardly ever are
    short = sample.mean(run.outcome.short_gpu_s[0]).times(1 / (4 * MONTH_S))
    assert short.low < three + 2 * 70 * q**4 < short.high


def test_money_adds_up() -> None:
    problem, plan = tiny()
    assert check(problem, plan).margin_mills == 190_080
    run, _ = sampled(study(problem, plan, BAD), 600)
    outcome = run.outcome
    lost = outcome.lost_mills + outcome.credit_mills.sum(axis=0)
    assert (outcome.margin_mills + lost == 190_080 * 730).all()
    assert outcome.lost_mills.min() >= 0
    assert outcome.lost_mills.max() > 0


def test_without_failures_nothing_is_lost() -> None:
    problem, plan = tiny()
    run, sample = sampled(study(problem, plan, rates()), 2000)
    outcome = run.outcome
    whole = outcome.stratum == 0
    assert whole.mean() > 0.5  # the others stand for less than a millionth of all months
    assert (outcome.margin_mills[whole] == 190_080 * 730).all()
    assert not outcome.called_s[:, whole].any()
    assert sample.mean(outcome.lost_mills).high < 1
    # 24 kW idle, 6 kW base, means of 16 + 16 + 6.4 + 4 + 2.4 + 1.2 kW
    it_w = sample.mean(outcome.it_w)
    assert it_w.low < 76_000 < it_w.high


def test_credits_follow_the_tiers() -> None:
    party = Party(
        name="c", tenant="t", is_contract=True, promised_gpus=10, held_gpus=10, nodes=5,
        price_mills=1000, credit_tiers=((995, 100), (990, 250), (950, 1000)),
    )  # fmt: skip
    promised, fee = 10 * MONTH_S, 10 * 1000 * 730
    short = np.array([0, promised // 200, promised // 200 + 1, promised // 99, promised // 19])
    assert credit_mills(party, short).tolist() == [0, 0, fee // 10, fee // 4, fee]


def test_levels_have_the_mean_of_their_profile() -> None:
    for mean, peak, swing, together in (
        (500, 1000, 0, False),
        (350, 600, 0, False),
        (100, 900, 0, False),
        (720, 1000, 600, True),
        (0, 50, 0, False),
    ):
        profile = PowerProfile(
            name="p", mean_permille=mean, peak_permille=peak, cap_permille=0,
            swing_permille=swing, synchronous=together,
        )  # fmt: skip
        found = levels(profile)
        assert len(found) == STEPS
        assert found.max() <= 1024
        assert found.mean() * peak / 1024 == pytest.approx(mean, abs=1.1)
        if together:
            assert set(found.tolist()) == {round(0.4 * 1024), 1024}


def test_weather_that_leaves_no_coolant_cools_nothing() -> None:
    """Wet bulb 47, tower 4, CDU 4: coolant is supplied at the 55 degrees at which it may return."""
    problem, plan = tiny()
    hours = (Weather(name="hot", dry_bulb_mc=47_000, wet_bulb_mc=47_000),)
    found = assess(problem, plan, rates(), samples=FEWEST, hours=hours, backend="cpu")
    figures = {each.kind: each for each in Figures(found).limits()}
    assert figures["return_temperature"].over.value == pytest.approx(8760)
    assert figures["cooling_loops"].called.value == 0


def test_hot_days_are_as_rare_as_the_rates_say() -> None:
    problem, _ = tiny()
    site = problem.site
    days = (site.weather[0], *(Weather(name=n, dry_bulb_mc=1, wet_bulb_mc=0) for n in "ab"))
    sky = Sky(site, rates().overheads, days, Sky.build(site, rates()).table)
    assert sky.draw(1, np.arange(9), np.zeros(9, int)).tolist() == [0] * 9
    built = Sky.build(replace(site, weather=days), rates())
    drawn = built.draw(1, np.arange(100_000), np.zeros(100_000, int))
    assert np.bincount(drawn)[1:] / 100_000 == pytest.approx(0.004, abs=0.001)


@pytest.mark.parametrize("chunk", [1, 37, 200, 1000])
def test_chunks_change_no_number(chunk: int) -> None:
    problem, plan = tiny()
    whole, _ = sampled(study(problem, plan, BAD), 200, 200)
    parts, _ = sampled(study(problem, plan, BAD), 200, chunk)
    assert same(whole.outcome, parts.outcome)
    assert whole.details.subjects == parts.details.subjects
    for name in ("called_s", "over_s", "harm_mills"):
        first, second = (getattr(run.details, name) for run in (whole, parts))
        for number in np.unique(first.number).tolist():
            assert [x.tolist() for x in first.of(number)] == [x.tolist() for x in second.of(number)]


@pytest.mark.parametrize("name", ["cpu", "cuda on the CPU, order 2", "cuda"])
def test_every_backend_gives_the_same_numbers(name: str) -> None:
    problem, plan = tiny()
    backend: Backend = NumpyBackend() if name == "cpu" else CudaBackend(device_named(name))
    expected, _ = sampled(study(problem, plan, BAD), 6)
    of = study(problem, plan, BAD, backend)
    found, _ = sampled(of, 6)
    assert of.notes == ()  # nobody fell back to the CPU
    assert same(expected.outcome, found.outcome)
    assert expected.outcome.called_s.any()


def test_seeds_differ_and_repeat() -> None:
    problem, plan = tiny()
    first, second, again = (
        sampled(study(problem, plan, BAD, seed=seed), 150)[0].outcome for seed in (1, 2, 1)
    )
    assert same(first, again)
    assert not same(first, second)
