"""Risk of sites that a textbook can solve."""

from __future__ import annotations

import pytest

from scheduler.model import Plan, Problem, Sla
from scheduler.questions.risk.sources import MONTH_S
from tests import build
from tests.risk_cases import covers, kind, rates, sampled, study

SAMPLES = 40_000
GPUS = 8


def served(feeds: tuple[str, ...], sla: Sla | None = None) -> tuple[Problem, Plan]:
    """Return a contract of one node on one rack without a loop."""
    site = build.site(
        [build.rack("r1", feeds=feeds, loop=None)],
        power_nodes={name: build.ups(name) for name in feeds},
        loops={},
    )
    fields = {} if sla is None else {"sla": sla}
    problem = build.problem(site, contracts=[build.contract("c", gpus_per_unit=GPUS, **fields)])
    return problem, Plan({"c": {"r1": 1}})


@pytest.mark.parametrize(("mtbf_h", "mttr_h"), [(1000, 50), (400, 100)])
def test_one_component_has_the_textbook_availability(mtbf_h: int, mttr_h: int) -> None:
    """``MTBF / (MTBF + MTTR)``."""
    problem, plan = served(("ups1",))
    run, sample = sampled(study(problem, plan, rates(ups=kind(mtbf_h, mttr_h))), SAMPLES)
    missing = sample.mean(run.outcome.short_gpu_s[0]).times(1 / (GPUS * MONTH_S))
    assert covers(missing, mttr_h / (mtbf_h + mttr_h))


@pytest.mark.parametrize("beta_permille", [0, 100, 500])
def test_a_2n_pair_with_a_common_cause(beta_permille: int) -> None:
    """``1 - (1 - u_common) * (1 - u_alone^2)``, each ``u = rate / (rate + 1 / MTTR)``."""
    mtbf_h, mttr_h, beta = 1000, 100, beta_permille / 1000
    alone, common = (rate * mttr_h / (mtbf_h + rate * mttr_h) for rate in (1 - beta, beta))
    truth = 1 - (1 - common) * (1 - alone**2)
    problem, plan = served(("ups1", "ups2"))
    on = rates(ups=kind(mtbf_h, mttr_h, beta_permille=beta_permille, group="site"))
    run, sample = sampled(study(problem, plan, on), SAMPLES)
    missing = sample.mean(run.outcome.short_gpu_s[0]).times(1 / (GPUS * MONTH_S))
    assert covers(missing, truth)


def test_a_rare_common_cause_is_seen() -> None:
    """Five nines: 100 failures in a million months, seen in 4,000 of them."""
    problem, plan = served(("ups1", "ups2"))
    on = rates(ups=kind(1_000_000, 12, beta_permille=100, group="site"))
    run, sample = sampled(study(problem, plan, on), 4000)
    missing = sample.mean(run.outcome.short_gpu_s[0]).times(1 / (GPUS * MONTH_S))
    alone = 12 / (1_000_000 / 0.9 + 12)
    truth = 1 - (1 - 12 / (10_000_000 + 12)) * (1 - alone**2)
    assert truth == pytest.approx(1.2e-6, rel=1e-3)
    assert covers(missing, truth)


def test_credits_of_a_single_component() -> None:
    """Credits begin below 99 %: a repair of 7.3 h; they are all the fee below 95 %: 36.5 h.

    One failure a month with exponential repairs of 20 h, and hardly ever two: a month with
    one loses its fee with probability exp(-36.5 / 20), a tenth of it with exp(-7.3 / 20) less that.
    """
    problem, plan = served(("ups1",), Sla(credit_tiers=((990, 100), (950, 1000))))
    run, sample = sampled(study(problem, plan, rates(ups=kind(1_000_000, 20))), 20_000)
    fee = 2.0 * GPUS * 730
    found = sample.mean(run.outcome.credit_mills[0]).times(1 / 1000)
    whole, some = 2.718281828 ** (-36.5 / 20), 2.718281828 ** (-7.3 / 20)

    # Repairs that the ends of the month cut short are shorter: (T - t) of T + 20 h can be t long.
    def longer(hours: float, share: float) -> float:
        inside = (730 - hours) / 1_000_020 + 20 / 1_000_020
        return inside * share

    truth = fee * (0.9 * longer(36.5, whole) + 0.1 * longer(7.3, some))
    assert covers(found, truth)
