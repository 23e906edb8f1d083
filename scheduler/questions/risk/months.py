"""Months of failures: what fails, when and for how long, and what is out at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels.forms import Bools, Ints
from scheduler.questions.risk.draws import (
    BITS,
    Purpose,
    Words,
    below,
    exponential,
    pick,
    thresholds,
    words,
)
from scheduler.questions.risk.sources import MONTH_S, Source
from scheduler.questions.risk.strata import Floats, Strata, evenly, ratio

NOTHING = -1  # stands for no source in `Segments.out`


@dataclass(frozen=True, eq=False)
class Events:
    """Repairs that touch months; those of one month stand together."""

    month: Ints  # (E,) position of the month in the chunk
    source: Ints  # (E,)
    start_s: Ints  # (E,) 0..MONTH_S
    end_s: Ints  # (E,)


@dataclass(frozen=True, eq=False)
class Segments:
    """Stretches of time in which the same sources are out."""

    month: Ints  # (G,)
    number: Ints  # (G,) 1, 2, ... within the month: 0 is the time in which nothing is out
    seconds: Ints  # (G,) > 0
    out: Ints  # (G, W) sources in descending order, then `NOTHING`


@dataclass(frozen=True, eq=False)
class Months:
    """Sampled months."""

    scenario: Ints  # (N,)
    stratum: Ints  # (N,)
    ratio: Floats  # (N,) of probabilities within the stratum
    segments: Segments


class Calendar:
    """RackDraws the months of a site."""

    def __init__(self, seed: int, sources: Sequence[Source], is_major: Sequence[bool]) -> None:
        self._seed = seed
        self._mttr_s = np.array([source.mttr_s for source in sources], np.int64)
        mean = np.array([source.events_per_month for source in sources], np.float64)
        major = np.array(is_major, bool)
        self._majors, self._minors = np.flatnonzero(major), np.flatnonzero(~major)
        self.strata = Strata.build(float(mean[self._majors].sum()), float(mean[self._minors].sum()))
        self._natural = [_table(mean[own]) for own in (self._majors, self._minors)]
        kinds = [(sources[i].kind, sources[i].is_common) for i in self._majors.tolist()]
        self._even = _table(evenly(kinds))

    def months(self, scenario: Ints) -> Months:
        """Return the months of some scenarios."""
        count, few, boosted, which = words(self._seed, Purpose.MONTH, scenario, 0)
        stratum = self.strata.of(scenario)
        majors = np.where(stratum < 2, stratum, 2 + pick(count, self.strata.majors))
        minors = pick(few, self.strata.minors) if len(self._minors) else majors * 0
        month = np.repeat(np.arange(len(scenario)), majors + minors)
        first = np.cumsum(majors + minors) - majors - minors
        slot = np.arange(len(month)) - first[month]
        is_major = slot < majors[month]
        source_word, start, length, _ = words(self._seed, Purpose.EVENT, scenario[month], slot)
        lucky = slot == below(which, majors)[month]
        by_kind = is_major & lucky & (boosted[month] >> np.uint64(BITS - 1) == 1)
        source = self._sources(source_word, is_major, by_kind)
        weight = np.ones(len(scenario))
        if is_major.any():
            own = np.flatnonzero(is_major)
            head = np.flatnonzero(np.diff(month[own], prepend=-1))
            chosen = np.searchsorted(self._majors, source[own])
            weight[month[own][head]] = ratio(self._natural[0], self._even, chosen, head)
        events = self._timed(month, source, start, length)
        return Months(scenario, stratum, weight, segments_of(events, len(scenario)))

    def _sources(self, word: Words, is_major: Bools, by_kind: Bools) -> Ints:
        """Return the source of every event."""
        source = np.zeros(len(word), np.int64)
        for own, members, table in (
            (~is_major, self._minors, self._natural[1]),
            (is_major & ~by_kind, self._majors, self._natural[0]),
            (by_kind, self._majors, self._even),
        ):
            if own.any():
                source[own] = members[pick(word[own], table)]
        return source

    def _timed(self, month: Ints, source: Ints, start: Words, length: Words) -> Events:
        """Return events with their times: under way at the beginning, or begun any time later."""
        mttr_s = self._mttr_s[source]
        start_s = np.maximum(below(start, MONTH_S + mttr_s) - mttr_s, 0)
        end_s = np.minimum(start_s + exponential(length, mttr_s), MONTH_S)
        return Events(month, source, start_s, end_s)


def segments_of(events: Events, num_months: int) -> Segments:
    """Cut months into stretches in which the same sources are out; what is whole is left out."""
    per_month = np.bincount(events.month, minlength=num_months)
    first = np.cumsum(per_month) - per_month
    width = int(per_month.max(initial=0))
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    for count in np.unique(per_month[per_month > 0]).tolist():
        months = np.flatnonzero(per_month == count)
        own = first[months][:, None] + np.arange(count)
        start_s, end_s, source = events.start_s[own], events.end_s[own], events.source[own]
        times = np.sort(np.concatenate((start_s, end_s), axis=1), axis=1)
        seconds = np.diff(times, axis=1)
        begun = start_s[:, None, :] <= times[:, :-1, None]
        active = begun & (end_s[:, None, :] > times[:, :-1, None])
        kept = active.any(axis=2) & (seconds > 0)
        row, number = np.nonzero(kept)
        out = np.where(active[row, number], source[row], NOTHING)
        padded = np.full((len(row), width), NOTHING, np.int64)
        padded[:, :count] = -np.sort(-out, axis=1)
        found.append((months[row], number + 1, seconds[row, number], padded))
    if not found:
        none = np.zeros(0, np.int64)
        return Segments(none, none, none, np.zeros((0, 0), np.int64))
    month, number, seconds, out = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((number, month))
    return Segments(month[order], number[order], seconds[order], out[order])


def _table(mean: Floats) -> Words:
    return thresholds(mean) if len(mean) else np.zeros(0, np.uint64)
