"""How hard jobs draw: levels in 1/1024 of their peak, by power profile.

* A synchronous job swings as a whole between its peak and ``peak - swing``, at its peak for the
  share of the time that gives its mean. Each such job has a phase of its own.
* All other jobs of a profile move together, the safe side of jobs that differ: evenly between
  ``2 * mean - peak`` and the peak; if that is below 0, from 0 on as ``u ** (peak / mean - 1)``.

Both have the mean of the profile, rounded up to a level, and never exceed its peak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import Bools, Index, Ints
from kernels.scenarios import LOAD_ONE
from scheduler.model import Job, PowerProfile, Problem
from scheduler.model.units import ceil_div
from scheduler.questions.risk.draws import BITS, WORDS, Purpose, words

STEPS_BITS = 10
STEPS = 1 << STEPS_BITS  # equally likely levels in a table


@dataclass(frozen=True, eq=False)
class LoadClasses:
    """Jobs that draw alike, act alike and move together are one class z."""

    of_job: Index  # (J,) class of every job
    series: Ints  # (Z,) classes of one series take the same draw
    table: Ints  # (Z, STEPS) level by draw
    capped: Ints  # (Z,) highest level under a cap, `LOAD_ONE` where no cap is taken
    sheds: Bools  # (Z,)

    @staticmethod
    def build(problem: Problem) -> LoadClasses:
        """Put the jobs of a problem into classes."""
        classes: dict[tuple[str, str, str], int] = {}
        series: dict[tuple[str, str], int] = {}
        of_job, samples = [], []
        for job in problem.jobs.values():
            profile = problem.profile_of(job)
            moves_with = (profile.name, job.name if profile.synchronous else "")
            key = (*moves_with, job.power_action)
            if key not in classes:
                classes[key] = len(classes)
                series.setdefault(moves_with, len(series))
                samples.append((job, profile, series[moves_with]))
            of_job.append(classes[key])
        return LoadClasses(
            of_job=np.array(of_job, np.int32),
            series=np.array([number for _, _, number in samples], np.int64),
            table=np.array([levels(profile) for _, profile, _ in samples], np.int64),
            capped=np.array([_capped(problem, job, prof) for job, prof, _ in samples], np.int64),
            sheds=np.array([job.power_action == "shed" for job, _, _ in samples], bool),
        )

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.series)

    def draw(self, seed: int, scenario: Ints, number: Ints) -> Ints:
        """Return the level of every class at snapshot `number` of scenarios, (S, Z)."""
        level = np.zeros((len(scenario), self.num_classes), np.int64)
        for first in range(0, int(self.series.max(initial=-1)) + 1, WORDS):
            drawn = words(seed, Purpose.LOAD, scenario, number, lane=first // WORDS)
            step = (drawn >> np.uint64(BITS - STEPS_BITS)).astype(np.int64)
            for z in np.flatnonzero(self.series // WORDS == first // WORDS).tolist():
                level[:, z] = self.table[z, step[self.series[z] - first]]
        return level

    def after_caps(self, level: Ints) -> Ints:
        """Return the levels once jobs that may be capped are."""
        return np.minimum(level, self.capped)

    def after_sheds(self, level: Ints) -> Ints:
        """Return the levels once jobs are capped and shed."""
        return np.where(self.sheds, 0, self.after_caps(level))


def levels(profile: PowerProfile) -> Ints:
    """Return the levels of a profile in 1/1024 of its peak, each as likely as any other."""
    peak, mean = profile.peak_permille, profile.mean_permille
    if peak == 0 or mean >= peak:
        return np.full(STEPS, LOAD_ONE, np.int64)
    if profile.synchronous:
        low = min(max(0, peak - profile.swing_permille), mean)
        at_peak = round(STEPS * (mean - low) / (peak - low))
        below = np.full(STEPS - at_peak, round(LOAD_ONE * low / peak), np.int64)
        return np.concatenate((below, np.full(at_peak, LOAD_ONE, np.int64)))
    low = max(0, 2 * mean - peak)
    power = 1.0 if low else peak / max(1, mean) - 1
    middle = (np.arange(STEPS) + 0.5) / STEPS
    share = (low + (peak - low) * middle**power) / peak
    return np.ceil(LOAD_ONE * share).astype(np.int64)


def _capped(problem: Problem, job: Job, profile: PowerProfile) -> int:
    if job.power_action != "cap" or profile.peak_permille == 0:
        return LOAD_ONE
    return ceil_div(problem.acted_permille(job) * LOAD_ONE, profile.peak_permille)
