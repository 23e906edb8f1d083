"""A plan in sampled months: from draws to what happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kernels.backend import Backend
from kernels.forms import Ints
from scheduler.compile import compile_problem
from scheduler.evaluate import to_shards
from scheduler.model import Plan, Problem, Weather
from scheduler.model.rates import NODE, Rates
from scheduler.questions.risk.actions import Assessor, Overloads
from scheduler.questions.risk.effects import EffectBook, Effects
from scheduler.questions.risk.limit_book import LimitBook
from scheduler.questions.risk.load_levels import LoadClasses
from scheduler.questions.risk.moments import Moments, moments_of
from scheduler.questions.risk.months import Calendar
from scheduler.questions.risk.nodes_down import NodesDown
from scheduler.questions.risk.outages import WHOLE, OutageBook
from scheduler.questions.risk.outcome import Details, Outcome, joined, joined_details
from scheduler.questions.risk.overheads import Meter
from scheduler.questions.risk.rack_draws import RackDraws
from scheduler.questions.risk.service import service_of
from scheduler.questions.risk.sources import MONTH_S, Source, sources_of
from scheduler.questions.risk.stakes import Effect, Party, Stakes
from scheduler.questions.risk.tally import details_of, seconds_by_kind
from scheduler.questions.risk.weather import Sky
from scheduler.topology import Topology

CHUNK = 2**14  # months that are worked out together
HOURS_PER_MONTH = MONTH_S // 3600

Progress = Callable[[int], None]  # told how many months are done


@dataclass(frozen=True, eq=False)
class Run:
    """What happened in all sampled months."""

    outcome: Outcome
    details: Details


class Study:
    """Everything about a plan that does not change from month to month."""

    def __init__(
        self,
        problem: Problem,
        plan: Plan,
        rates: Rates,
        hours: Sequence[Weather],
        backend: Backend,
        seed: int,
        margin_mills: int,
    ) -> None:
        site, topology = problem.site, Topology(problem.site)
        compiled = compile_problem(problem, topology)
        shards = to_shards(compiled, plan)
        draws, stakes = RackDraws(problem, compiled, shards), Stakes(problem, plan)
        sky, classes = Sky.build(site, rates, hours), LoadClasses.build(problem)
        self._seed, self._margin_mills = seed, margin_mills
        self._sky, self._classes = sky, classes
        self._limits = LimitBook(problem, topology, compiled, draws, sky)
        self._assessor = Assessor(backend, compiled, shards, draws, classes, sky.ambient)
        self._meter = Meter(site, shards, draws, classes, sky)
        self._effects = EffectBook(stakes, compiled.rack_names)
        self.parties: tuple[Party, ...] = stakes.parties
        self._nodes = NodesDown(seed, self.parties, rates.of(NODE))
        self.sources: tuple[Source, ...] = sources_of(site, rates)
        self._outages = OutageBook(topology, self._limits.rough, self.sources)
        self.calendar = Calendar(
            seed, self.sources, [*map(self._matters, range(len(self.sources)))]
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know about how the kernels answered."""
        return tuple(self._assessor.notes)

    def alone(self, source: int) -> Effect:
        """Return what the loss of one source does by itself, before any power action."""
        return self._effects.of(self._outages.of((source,)))

    def run(self, samples: int, chunk: int = CHUNK, told: Progress = lambda _: None) -> Run:
        """Work out the months 0 to ``samples - 1``; the size of chunks changes no number."""
        outcomes: list[Outcome] = []
        details: list[Details] = []
        for first in range(0, samples, chunk):
            scenario = np.arange(first, min(samples, first + chunk))
            outcome, detail = self._chunk(scenario)
            outcomes.append(outcome)
            details.append(detail)
            told(first + len(scenario))
        months = [len(outcome.stratum) for outcome in outcomes]
        return Run(joined(outcomes), joined_details(details, months))

    def _matters(self, source: int) -> bool:
        """Whether a source is major: its loss alone takes GPUs or can lift a load above a limit."""
        whole = set(self._limits.of(WHOLE))
        limits = self._limits.of(self._outages.of((source,)))
        return bool(self.alone(source).lost_gpus.any()) or not whole.issuperset(limits)

    def _chunk(self, scenario: Ints) -> tuple[Outcome, Details]:
        months = self.calendar.months(scenario)
        moments = moments_of(months, self._outages, lambda out: bool(self._limits.of(out)))
        drawn = scenario[moments.month]
        level = self._classes.draw(self._seed, drawn, moments.number)
        hour = self._sky.draw(self._seed, drawn, moments.number)
        limits = [self._limits.of(outage) for outage in moments.outages]
        asked = [limits[outage] for outage in moments.outage.tolist()]
        overloads = self._assessor.overloads(asked, level, hour)
        effects = self._effects.at(moments, overloads)
        service = service_of(self.parties, self._nodes, scenario, moments, effects)
        quiet = slice(0, moments.num_months)
        hours = _hours(moments, overloads, effects)
        lost_mills = service.lost_mills + service.credit_mills.sum(axis=0)
        outcome = Outcome(
            stratum=months.stratum,
            ratio=months.ratio,
            **hours,
            short_gpu_s=service.short_gpu_s,
            full_s=service.full_s,
            credit_mills=service.credit_mills,
            lost_mills=service.lost_mills,
            margin_mills=self._margin_mills * HOURS_PER_MONTH - lost_mills,
            it_w=self._meter.it_w(level[quiet]),
            pue_ppm=self._meter.pue_ppm(level[quiet], hour[quiet]),
        )
        return outcome, details_of(moments, overloads, effects)


def _hours(moments: Moments, overloads: Overloads, effects: Effects) -> dict[str, Ints]:
    """Return for how long things are out, capped, shed or overloaded in every month."""
    seconds = moments.seconds
    capped = effects.numbers("capped_gpus").reshape(len(seconds), -1).any(axis=1)
    shed = effects.numbers("shed_gpus") > 0
    every = np.ones(len(overloads.moment), bool)
    return {
        "outage_s": moments.per_month(seconds * (moments.outage > 0)),
        "capped_s": moments.per_month(seconds * capped),
        "shed_s": moments.per_month(seconds * shed),
        "called_s": seconds_by_kind(moments, overloads, every),
        "over_s": seconds_by_kind(moments, overloads, overloads.remains),
    }
