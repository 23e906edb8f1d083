"""The risk of a plan: one function from a plan to all figures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from kernels.backend import BackendName, select
from scheduler.check import Verdict, check
from scheduler.model import Plan, Problem, Weather
from scheduler.model.rates import Rates
from scheduler.questions.risk.estimates import Sample
from scheduler.questions.risk.study import CHUNK, Progress, Run, Study

FEWEST = 128  # samples: two rounds of the pattern of strata


@dataclass(frozen=True, eq=False)
class Assessment:
    """What sampled months say about a plan."""

    problem: Problem
    verdict: Verdict
    rates: Rates
    hours: int  # of measured weather, 0: design days
    study: Study
    run: Run
    sample: Sample
    seed: int
    backend: str
    notes: tuple[str, ...]
    wall_s: float


def assess(
    problem: Problem,
    plan: Plan,
    rates: Rates,
    *,
    samples: int,
    seed: int = 0,
    hours: Sequence[Weather] = (),
    backend: BackendName = "auto",
    chunk: int = CHUNK,
    told: Progress = lambda _: None,
) -> Assessment:
    """Sample months of failures, weather and load, and look at what the plan does in them.

    Parameters
    ----------
    samples
        Months, at least `FEWEST`.
    seed
        The same seed gives the same numbers, on every backend and for every chunk.
    hours
        Measured weather; without it the site's design days.
    chunk
        Months that are worked out together.
    told
        Is told how many months are done.

    Raises
    ------
    ValueError
        Fewer samples than `FEWEST`.
    """
    if samples < FEWEST:
        raise ValueError(f"samples: expected >= {FEWEST}, got {samples}")
    began = time.monotonic()
    verdict = check(problem, plan)
    chosen, note = select(backend)
    study = Study(problem, plan, rates, hours, chosen, seed, verdict.margin_mills)
    run = study.run(samples, chunk, told)
    outcome = run.outcome
    return Assessment(
        problem=problem,
        verdict=verdict,
        rates=rates,
        hours=len(hours),
        study=study,
        run=run,
        sample=Sample(outcome.stratum, outcome.ratio, study.calendar.strata.probability),
        seed=seed,
        backend=chosen.name,
        notes=(*((note,) if chosen.name != backend != "auto" else ()), *study.notes),
        wall_s=time.monotonic() - began,
    )
