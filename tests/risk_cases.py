"""Small cases of risk: rates with a few kinds that fail, and studies of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from kernels.backend import Backend
from kernels.cpu import NumpyBackend
from scheduler.check import check
from scheduler.inputs import read_problem, read_rates
from scheduler.model import Plan, Problem
from scheduler.model.rates import KindRates, Rates
from scheduler.questions.risk.estimates import Estimate, Sample
from scheduler.questions.risk.outcome import Outcome
from scheduler.questions.risk.study import CHUNK, Run, Study
from tests import build

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
HOUR_S = 3600
NEVER_S = 10**15


def kind(mtbf_h: int, mttr_h: int, beta_permille: int = 0, group: str = "hall") -> KindRates:
    """Return rates in whole hours."""
    return KindRates(
        kind="",
        mtbf_s=mtbf_h * HOUR_S,
        mttr_s=mttr_h * HOUR_S,
        beta_permille=beta_permille,
        group=group,
    )


def rates(**kinds: KindRates) -> Rates:
    """Return rates of which only the given kinds ever fail."""
    built_in = read_rates(None, build.site())
    never = KindRates(kind="", mtbf_s=NEVER_S, mttr_s=HOUR_S)
    return replace(built_in, kinds={**dict.fromkeys(built_in.kinds, never), **kinds})


def study(
    problem: Problem,
    plan: Plan,
    on: Rates,
    backend: Backend | None = None,
    seed: int = 1,
) -> Study:
    """Return a study on the CPU."""
    margin_mills = check(problem, plan).margin_mills
    return Study(problem, plan, on, (), backend or NumpyBackend(), seed, margin_mills)


def sampled(of: Study, samples: int, chunk: int = CHUNK) -> tuple[Run, Sample]:
    """Return months of a study, and what they stand for."""
    run = of.run(samples, chunk)
    outcome = run.outcome
    return run, Sample(outcome.stratum, outcome.ratio, of.calendar.strata.probability)


def covers(estimate: Estimate, truth: float) -> bool:
    """Whether the interval holds a true value and says something about it."""
    width = estimate.high - estimate.low
    return estimate.low <= truth <= estimate.high and width < max(0.2 * abs(truth), 1e-9)


def same(first: Outcome, second: Outcome) -> bool:
    """Whether two outcomes are equal to the last bit."""
    return all(np.array_equal(value, getattr(second, name)) for name, value in vars(first).items())


@cache
def tiny() -> tuple[Problem, Plan]:
    """Return the tiny site with the plan of its page, docs/tiny.md."""
    folder = EXAMPLES / "tiny"
    problem = read_problem(folder / "site.yaml", folder / "workload.yaml")

    def racks(array: int, numbers: tuple[int, ...], units: int = 2) -> dict[str, int]:
        return {f"H1-A0{array}-R{number}": units for number in numbers}

    every = (1, 2, 3, 4)
    plan = Plan(
        {
            "acme-contract": racks(1, every),
            "train": racks(2, every),
            "beta-contract": racks(3, (1,)),
            "chat": racks(3, (2, 3)),
            "night": racks(3, (4,), 1),
            "notebook": racks(3, (4,), 2),
        }
    )
    return problem, plan
