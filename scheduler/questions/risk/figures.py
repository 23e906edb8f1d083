"""The figures of an assessment, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kernels.forms import Ints
from scheduler.model.units import PERMILLE
from scheduler.questions.risk.assess import Assessment
from scheduler.questions.risk.estimates import Estimate, Sample
from scheduler.questions.risk.limits import KINDS
from scheduler.questions.risk.outcome import Sparse
from scheduler.questions.risk.sources import MONTH_S, Source
from scheduler.questions.risk.stakes import Party
from scheduler.questions.risk.weather import PPM

MONTHS = 12
HOUR_S = 3600
HOURS_PER_YEAR = MONTHS * MONTH_S // HOUR_S
MILLS = 1000
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
HALVINGS = 4  # convergence is shown from N / 16 on


@dataclass(frozen=True, slots=True)
class LimitFigures:
    """How long limits of a kind, or one component of it, are exceeded."""

    kind: str
    subject: str  # empty: all components of the kind
    called: Estimate  # hours per year in which jobs have to act
    over: Estimate  # hours per year above the limit whatever jobs do


@dataclass(frozen=True, slots=True)
class PartyFigures:
    """What a party gets."""

    party: Party
    availability: Estimate  # share of promised GPU-hours
    all_there: Estimate  # share of time with all promised GPUs
    sla_permille: int | None  # uptime below which credits begin
    below_sla: Estimate | None  # probability of such a month
    credits: Estimate  # dollars per month


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """What failures of a component cost."""

    source: Source
    gpus_alone: int  # GPUs that its loss takes out by itself
    harm: Estimate  # dollars per year


class Figures:
    """Figures of the first months of an assessment, all of them by default."""

    def __init__(self, found: Assessment, count: int | None = None) -> None:
        self._found, self._all = found, found.run.outcome
        self.count = len(self._all.stratum) if count is None else count
        self.sample: Sample = found.sample.first(self.count)

    def hours(self, name: str) -> Estimate:
        """Return the hours per year of ``outage_s``, ``capped_s`` or ``shed_s``."""
        return self._hours(getattr(self._all, name)[: self.count])

    def limits(self) -> list[LimitFigures]:
        """Return the figures of every kind of limit."""
        outcome = self._all
        return [
            LimitFigures(kind, "", *(self._hours(x[k, : self.count]) for x in both))
            for k, kind in enumerate(KINDS)
            for both in ((outcome.called_s, outcome.over_s),)
        ]

    def subjects(self) -> list[LimitFigures]:
        """Return the components that exceed limits, the longest first."""
        details = self._found.run.details
        found = [
            LimitFigures(
                kind,
                subject,
                *(self._sparse_hours(x, n) for x in (details.called_s, details.over_s)),
            )
            for n, (kind, subject) in enumerate(details.subjects)
            if (details.called_s.number == n).any()
        ]
        return sorted(found, key=lambda x: (-x.called.value, x.kind, x.subject))

    def parties(self) -> list[PartyFigures]:
        """Return the figures of contracts and tenants."""
        return [self._party(p, party) for p, party in enumerate(self._found.study.parties)]

    def credits(self) -> Estimate:
        """Return the credits of all contracts, dollars per month."""
        return self.sample.mean(self._credits, most=self._most_credits).times(1 / MILLS)

    def credits_tail(self) -> Estimate:
        """Return the mean credits of the worst 5 % of the months, dollars per month."""
        return self.sample.tail_mean(self._credits).times(1 / MILLS)

    def margin_without_failures(self) -> float:
        """Return the margin of a month in which nothing fails, dollars."""
        return self._found.verdict.margin_mills * (MONTH_S // HOUR_S) / MILLS

    def margin(self) -> Estimate:
        """Return the margin, dollars per month."""
        around = self.margin_without_failures() * MILLS
        return self.sample.mean(self._margin, around=around).times(1 / MILLS)

    def margin_tail(self) -> Estimate:
        """Return the mean margin of the worst 5 % of the months, dollars per month."""
        return self.sample.tail_mean(self._margin, highest=False).times(1 / MILLS)

    def margin_percentiles(self) -> Iterator[tuple[int, Estimate]]:
        """Yield percentiles of the margin, dollars per month."""
        for percent in PERCENTILES:
            found = self.sample.percentile(self._margin, percent / 100)
            yield percent, found.times(1 / MILLS)

    def it_mw(self) -> Estimate:
        """Return the mean IT power."""
        return self._near(self._all.it_w[: self.count]).times(1 / PPM)

    def pue(self) -> Estimate:
        """Return the PUE, averaged by energy."""
        metered, it_mw = self.metered_mw(), self.it_mw().value
        return metered.times(1 / it_mw) if it_mw else metered

    def metered_mw(self) -> Estimate:
        """Return the mean power at the meter."""
        it_w, pue_ppm = self._all.it_w[: self.count], self._all.pue_ppm[: self.count]
        return self._near(it_w * pue_ppm // PPM).times(1 / PPM)

    def energy_mwh(self) -> Estimate:
        """Return the energy at the meter, MWh per year."""
        return self.metered_mw().times(HOURS_PER_YEAR)

    def sources(self) -> list[SourceFigures]:
        """Return the sources of failure that do harm, the worst first."""
        study, harm = self._found.study, self._found.run.details.harm_mills
        found = [
            SourceFigures(
                study.sources[number],
                int(study.alone(number).lost_gpus.sum()),
                self._sparse(harm, number).times(MONTHS / MILLS),
            )
            for number in np.unique(harm.number).tolist()
        ]
        return sorted(found, key=lambda each: (-each.harm.value, each.source.name))

    def halvings(self) -> Iterator[Figures]:
        """Yield the figures of the first N / 16, N / 8, ..., N months."""
        for halving in range(HALVINGS, -1, -1):
            yield Figures(self._found, max(2, self.count >> halving))

    @property
    def _credits(self) -> Ints:
        return np.asarray(self._all.credit_mills[:, : self.count].sum(axis=0))

    @property
    def _most_credits(self) -> float:
        parties = self._found.study.parties
        hours = MONTH_S // HOUR_S
        return float(sum(each.fee_mills * hours for each in parties if each.credit_tiers))

    @property
    def _margin(self) -> Ints:
        return self._all.margin_mills[: self.count]

    def _party(self, p: int, party: Party) -> PartyFigures:
        short = self._all.short_gpu_s[p, : self.count]
        promised_gpu_s = party.promised_gpus * MONTH_S
        missing = self.sample.mean(short, most=promised_gpu_s).times(1 / max(1, promised_gpu_s))
        not_full = MONTH_S - self._all.full_s[p, : self.count]
        partly = self.sample.mean(not_full, most=MONTH_S).times(1 / MONTH_S)
        sla = max((below for below, _ in party.credit_tiers), default=None)
        below = None
        if sla is not None:
            is_below = short * PERMILLE > promised_gpu_s * (PERMILLE - sla)
            below = self.sample.mean(is_below, most=1.0)
        most = float(party.fee_mills * (MONTH_S // HOUR_S)) if party.credit_tiers else 0.0
        credit = self.sample.mean(self._all.credit_mills[p, : self.count], most=most)
        return PartyFigures(
            party, missing.below(1), partly.below(1), sla, below, credit.times(1 / MILLS)
        )

    def _hours(self, seconds: Ints) -> Estimate:
        return self.sample.mean(seconds, most=MONTH_S).times(MONTHS / HOUR_S)

    def _sparse_hours(self, values: Sparse, number: int) -> Estimate:
        return self._sparse(values, number, most=MONTH_S).times(MONTHS / HOUR_S)

    def _sparse(self, values: Sparse, number: int, most: float = 0.0) -> Estimate:
        month, value = values.of(number)
        own = month < self.count
        return self.sample.sparse_mean(month[own], value[own], most)

    def _near(self, values: Ints) -> Estimate:
        """Return the mean of values that are all of one size."""
        return self.sample.mean(values, around=float(values.mean()))
