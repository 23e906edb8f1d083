"""Jobs that are alike, slot for slot, as one divisible volume: a smaller problem that bounds.

A *lot* is either one job, kept as it is, or a volume of single slots to which many jobs
contribute. What binds a job as a whole (its size, one domain, spread) is left out of a volume,
values are rounded up, costs and demands down, so every plan of the problem is one of the lots
with at least its margin.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Bools,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    LinearLoad,
    Packing,
    Shards,
    Units,
)

SAME_DIGITS = 9  # amounts that agree in so many binary digits are the same to a volume
FINER = 64  # money and loads of lots are in 1/64 of their unit: a slot's share of a unit


@dataclass(frozen=True, eq=False)
class Lots:
    """The smaller problem and the lot of every job."""

    compiled: Compiled  # money and loads are `FINER`
    of_job: Ints  # (J,)
    job_of_lot: Ints  # (L,) the job of a lot that is one job, NONE for a volume
    slots: Ints  # (J,) units of its lot that a unit of the job is

    def plan(self, shards: Shards) -> Shards:
        """Return a plan of the problem as one of the lots."""
        job = shards.job
        return Shards.build(self.of_job[job], shards.rack, shards.units * self.slots[job])


def make_lots(compiled: Compiled, whole: Bools) -> Lots:
    """Merge all jobs that can be, except those that are to stay `whole` (J,)."""
    merges = ~whole & can_merge(compiled)
    key = _keys(compiled, merges)
    single, merged = np.flatnonzero(~merges), np.flatnonzero(merges)
    _, first, lot = np.unique(key, axis=0, return_index=True, return_inverse=True)
    of_job = np.empty(compiled.num_jobs, np.int64)
    of_job[single] = np.arange(len(single))
    of_job[merged] = lot.ravel() + len(single)
    job_of_lot = np.concatenate((single, np.full(len(first), NONE)))
    sample = np.concatenate((single, merged[first]))
    merger = _Merger(compiled, of_job, job_of_lot, sample)
    return Lots(merger.merged(), of_job, job_of_lot, merger.slots)


def can_merge(compiled: Compiled) -> Bools:
    """Return which jobs take slots, as many on every rack, and count unit by unit, (J,)."""
    packing, units = compiled.packing, compiled.units
    if packing is None:
        return np.zeros(compiled.num_jobs, bool)
    plain = (units.held_back == 0) & (units.counted_most >= units.most)
    plain &= (packing.group_of_job != NONE) & (packing.size.min(axis=1, initial=UNLIMITED) > 0)
    plain &= packing.size.min(axis=1, initial=UNLIMITED) == packing.size.max(axis=1, initial=0)
    for form in compiled.forms:
        if isinstance(form, LinearLoad):
            plain &= (form.demand >= 0).all(axis=1)
        elif isinstance(form, GroupCount):
            plain &= ~form.survives
        elif isinstance(form, AssignmentCost):
            plain &= (form.firm_gpus == 0) & (form.cost_mills >= 0).all(axis=1)
    return np.asarray(plain)


def slots_of_unit(compiled: Compiled) -> Ints:
    """Slots of a unit, at least 1, (J,)."""
    packing = compiled.packing
    if packing is None:
        return np.ones(compiled.num_jobs, np.int64)
    return np.asarray(np.maximum(packing.size.max(axis=1, initial=1), 1), np.int64)


def _keys(compiled: Compiled, merges: Bools) -> Ints:
    """Return a row for every job that merges; jobs with equal rows are one lot, (M, ...)."""
    size = slots_of_unit(compiled)[merges]
    columns = [np.zeros(len(size), np.int64)]
    seen: set[int] = set()
    for form in compiled.forms:
        if isinstance(form, AssignmentCost):
            packed = np.packbits(form.allowed[merges], axis=1).astype(np.int64)
            columns += [*packed.T, -(-form.value_mills[merges] * FINER // size)]
            columns += list(_about(form.cost_mills[merges] * FINER // size[:, None]).T)
        elif isinstance(form, LinearLoad) and id(form.demand) not in seen:
            seen.add(id(form.demand))
            columns += list(_about(form.demand[merges] * FINER // size[:, None]).T)
        elif isinstance(form, GroupPresence) and form.may_share is not None:
            columns.append(_as_good_as(form)[form.group_of_job[merges]].astype(np.int64))
    return np.stack(columns, axis=1)


def _about(amounts: Ints) -> Ints:
    """Return amounts to 9 binary digits: units of the same job sizes differ by roundings only."""
    digits = np.frexp(amounts.astype(np.float64))[1] - SAME_DIGITS
    step = 2.0 ** np.maximum(digits, 0)
    return np.asarray(np.rint(amounts / step) * step, np.int64)


def _as_good_as(form: GroupPresence) -> Index:
    """Return, for every group, the first that may share with the same groups; last: NONE."""
    share = form.may_share
    if share is None:
        return np.zeros(0, np.int32)
    foes = np.packbits(~share, axis=1)
    _, first, label = np.unique(foes, axis=0, return_index=True, return_inverse=True)
    return np.append(first[label.ravel()], NONE).astype(np.int32)


@dataclass(eq=False)
class _Merger:
    """Writes the forms of lots from those of jobs."""

    compiled: Compiled
    of_job: Ints
    job_of_lot: Ints
    sample: Ints  # (L,) one job of each lot
    demands: dict[int, Ints] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.is_volume = self.job_of_lot == NONE
        self.slots = np.where(self.is_volume[self.of_job], slots_of_unit(self.compiled), 1)  # (J,)

    def merged(self) -> Compiled:
        units, sample = self.compiled.units, self.sample
        volume = np.zeros(len(sample), np.int64)
        np.add.at(volume, self.of_job, self.slots * units.most)
        names = [self.compiled.job_names[j] for j in sample.tolist()]
        return Compiled(
            tuple(
                f"volume of {name}" if volume_lot else name
                for name, volume_lot in zip(names, self.is_volume.tolist(), strict=True)
            ),
            self.compiled.rack_names,
            Units(
                np.where(self.is_volume, 1, units.least[sample]),
                volume,
                np.where(self.is_volume, volume, units.counted_most[sample]),
                np.where(self.is_volume, 0, units.held_back[sample]),
            ),
            tuple(self.form(form) for form in self.compiled.forms),
        )

    def form(self, form: Form) -> Form:
        match form:
            case AssignmentCost():
                return self.cost(form)
            case LinearLoad():
                return self.load(form)
            case Packing():
                slots = np.where(self.is_volume[:, None], 1, form.size[self.sample])
                return replace(form, size=slots, group_of_job=form.group_of_job[self.sample])
            case GroupCount():
                group = np.where(self.is_volume, NONE, form.group_of_job[self.sample])
                survives = form.survives[self.sample] & ~self.is_volume
                return replace(form, group_of_job=group.astype(np.int32), survives=survives)
            case GroupPresence():
                return self.presence(form)

    def cost(self, form: AssignmentCost) -> AssignmentCost:
        value = np.zeros(len(self.sample), np.int64)
        np.maximum.at(value, self.of_job, -(-form.value_mills * FINER // self.slots))
        lot = self.of_job[form.home_job]
        stays = ~self.is_volume[lot]
        return replace(
            form,
            cost_mills=self.least_a_slot(form.cost_mills),
            allowed=form.allowed[self.sample],
            value_mills=value,
            firm_gpus=form.firm_gpus[self.sample],
            base_mills=form.base_mills * FINER,
            home_job=lot[stays].astype(np.int32),
            home_rack=form.home_rack[stays],
            home_units=form.home_units[stays],
            move_mills=form.move_mills[stays] * FINER,
        )

    def load(self, form: LinearLoad) -> LinearLoad:
        if id(form.demand) not in self.demands:
            self.demands[id(form.demand)] = self.least_a_slot(form.demand)
        return replace(
            form,
            scale=form.scale * FINER,
            demand=self.demands[id(form.demand)],
            base=form.base * FINER,
            limit=np.where(form.limit < UNLIMITED, form.limit * FINER, form.limit),
        )

    def presence(self, form: GroupPresence) -> GroupPresence:
        """Volumes keep who they may meet; a group that lends its name to volumes loses its span."""
        own = form.group_of_job[self.sample]
        shared = NONE if form.may_share is None else _as_good_as(form)[own]
        group = np.where(self.is_volume, shared, own).astype(np.int32)
        free = np.zeros(len(form.group_names), bool)
        free[group[self.is_volume & (group != NONE)]] = True
        return replace(
            form,
            group_of_job=group,
            max_domains=np.where(free, UNLIMITED, form.max_domains),
            price_mills=np.where(free, 0, form.price_mills * FINER),
        )

    def least_a_slot(self, amounts: Ints) -> Ints:
        """Return the least of a lot's jobs for one slot, (L, K)."""
        least = np.full((len(self.sample), amounts.shape[1]), UNLIMITED * FINER, np.int64)
        np.minimum.at(least, self.of_job, amounts * FINER // self.slots[:, None])
        return least
