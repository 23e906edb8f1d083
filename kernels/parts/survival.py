"""Jobs that must survive a failure: how many of their units count on each destination."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels import reference
from kernels.forms import NONE, AssignmentCost, Bools, Compiled, GroupCount, Index, Ints, Shards
from kernels.parts.changes import Changes


@dataclass(frozen=True, eq=False)
class RiskDomains:
    """The domains of all forms under which some job must survive, one form after the other."""

    start: Ints  # (R + 1,) offsets by rack
    domain: Index  # (N,)
    form: Ints  # (D,) number of the form of every domain
    size: Ints  # (D,) racks in it
    survives: Bools  # (forms, J)

    @property
    def num_domains(self) -> int:
        """Number of domains."""
        return len(self.form)

    @staticmethod
    def build(compiled: Compiled) -> RiskDomains:
        """Collect them."""
        forms = [f for f in compiled.forms if isinstance(f, GroupCount) and f.survives.any()]
        sizes = [np.diff(form.domains.start) for form in forms]
        counts = [len(size) for size in sizes]
        offsets = np.cumsum([0, *counts])[:-1]
        none = np.zeros(0, np.int64)
        rack = np.concatenate([none, *(form.domains.rack for form in forms)])
        rows = [form.domains.row + at for form, at in zip(forms, offsets, strict=True)]
        order = np.argsort(rack, kind="stable")
        return RiskDomains(
            start=np.searchsorted(rack[order], np.arange(compiled.num_racks + 1)),
            domain=np.concatenate([none, *rows])[order].astype(np.int32),
            form=np.repeat(np.arange(len(forms)), counts),
            size=np.concatenate([none, *sizes]),
            survives=np.array([form.survives for form in forms], bool).reshape(
                len(forms), compiled.num_jobs
            ),
        )


def worth_of_units(compiled: Compiled) -> tuple[Ints, Ints]:
    """Return what a counted unit of every job earns, in mills, and its firm GPUs, (J,) each."""
    costs = [form for form in compiled.forms if isinstance(form, AssignmentCost)]
    none = np.zeros(compiled.num_jobs, np.int64)
    value = sum((form.value_mills for form in costs), none)
    return value, sum((form.firm_gpus for form in costs), none)


class Survival:
    """Units at risk in one plan, and what each job's counted units are worth."""

    def __init__(self, compiled: Compiled, domains: RiskDomains, shards: Shards) -> None:
        self.domains = domains
        self.units = compiled.units
        self.value, self.firm = worth_of_units(compiled)  # (J,) each
        self.total = reference.totals(compiled, shards)
        self.counted = reference.counted(compiled, shards)
        self.job_start = np.searchsorted(shards.job, np.arange(compiled.num_jobs + 1))
        self.shards = shards
        self.must_survive: Bools = np.logical_or.reduce(domains.survives, axis=0)  # (J,)

    def at_risk(self, job: int) -> Ints:
        """Return the units of a job in each domain under which it must survive, (D,)."""
        units = np.zeros(self.domains.num_domains, np.int64)
        for n in range(int(self.job_start[job]), int(self.job_start[job + 1])):
            np.add.at(units, self.domains_of(int(self.shards.rack[n])), self.shards.units[n])
        return np.where(self.domains.survives[self.domains.form, job], units, 0)

    def domains_of(self, rack: int) -> Index:
        """Return the domains of a rack."""
        own: Index = self.domains.domain[self.domains.start[rack] : self.domains.start[rack + 1]]
        return own

    def entering(self, job: int, at_risk: Ints, units: int, more: int) -> Changes:
        """Return what counts more or less on each rack, (R,).

        `at_risk` holds the units by domain without those that move; `more` is by how many units
        the job's total grows.
        """
        worst = int(at_risk.max(initial=0))
        own = self.domains.survives[self.domains.form, job]
        with_units = np.where(own, at_risk + units, 0)[self.domains.domain]  # (N,)
        loss = np.full(len(self.domains.start) - 1, worst)
        racks = np.repeat(np.arange(len(loss)), np.diff(self.domains.start))
        np.maximum.at(loss, racks, with_units)
        return self.worth(job, self.count(job, more, loss) - self.counted[job])

    def count(self, job: int | Index | Ints, more: int | Ints, loss: Ints) -> Ints:
        """Return the units that count with `more` units in total and a worst loss."""
        safe = self.total[job] + more - self.units.held_back[job] - loss
        counted: Ints = np.clip(safe, 0, self.units.counted_most[job])
        return counted

    def worth(self, job: int | Index | Ints, more: Ints) -> Changes:
        """Return what more counted units bring."""
        return Changes(unmet_firm_gpus=-self.firm[job] * more, margin_mills=self.value[job] * more)

    def after_leaving(self, job: int, at_risk: Ints, source: int, units: int) -> Ints:
        """Return the units at risk once units have left a rack, (D,)."""
        left = at_risk.copy()
        if source != NONE:
            own = self.domains_of(source)
            left[own] -= np.where(self.domains.survives[self.domains.form[own], job], units, 0)
        return left
