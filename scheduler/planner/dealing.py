"""Which part of a large site each job is dealt to, where parts are planned one by one."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, Bools, GroupPresence, Ints
from scheduler.planner.guide import Guide
from scheduler.planner.placing import Placer
from scheduler.planner.reserve import Name, name_of


def deal(
    placer: Placer,
    part_of_rack: Ints,
    seed: int,
    wanted: Bools | None = None,
    guide: Guide | None = None,
) -> Ints:
    """Return the part of every job, (J,).

    What a group keeps to itself stays together, where its guide finds domains for it. A job that
    fits on the racks of one part only goes there; all else goes where most room is left on the
    kinds of racks that it may use. The jobs that are `wanted` (J,), all by default, are dealt
    first: a part that is full of others would have no room for its share.
    """
    dealer = _Dealer(placer, part_of_rack, wanted)
    if guide is not None:
        guide.choose_places(placer.compiled, dealer.choose)
    for jobs in dealer.bundles(seed):
        if dealer.part_of_job[jobs[0]] == NONE:
            dealer.give(jobs, dealer.parts_of(int(jobs[0])))
    return dealer.part_of_job


class _Dealer:
    """Gives jobs to parts, and knows how much room each part has left by kind of rack."""

    def __init__(self, placer: Placer, part_of_rack: Ints, wanted: Bools | None) -> None:
        compiled = placer.compiled
        self._placer, self._part_of_rack = placer, part_of_rack
        packing, slots = compiled.packing, np.ones(compiled.num_racks, np.int64)
        self._kind_of_rack = np.zeros(compiled.num_racks, np.int64)
        if packing is not None:
            slots = packing.bins * packing.bin_size
            self._kind_of_rack = packing.kind_of_rack.astype(np.int64)
        shape = int(part_of_rack.max()) + 1, int(self._kind_of_rack.max()) + 1
        self._room = np.zeros(shape)
        np.add.at(self._room, (part_of_rack, self._kind_of_rack), slots)
        self._total = np.maximum(self._room, 1.0)
        self._wanted = np.ones(compiled.num_jobs, bool) if wanted is None else wanted
        self.part_of_job = np.full(compiled.num_jobs, NONE)

    def give(self, jobs: Ints, parts: Ints) -> int:
        """Give jobs to one of some parts: where most room is left; return which."""
        asked = self._asked(jobs)
        kinds = np.flatnonzero(asked)
        left = (self._room[np.ix_(parts, kinds)] - asked[kinds]) / self._total[np.ix_(parts, kinds)]
        part = int(parts[np.argmax(left.min(axis=1, initial=1.0))])
        self.part_of_job[jobs] = part
        self._room[part] -= asked
        return part

    def _asked(self, jobs: Ints) -> NDArray[np.float64]:
        """Return the slots of some jobs by kind of rack: of those that are wanted, if any are."""
        some = jobs[self._wanted[jobs]]
        some = some if len(some) else jobs
        return np.asarray(self._placer.slots[some] @ self._shares[self._likes[some]])

    @cached_property
    def _likes(self) -> Ints:
        """Which jobs may use the same racks: a label of each, (J,)."""
        known: dict[bytes, int] = {}
        ground = self._placer.ground
        return np.array(
            [
                known.setdefault(ground.allowed_key(job), len(known))
                for job in range(len(self.part_of_job))
            ]
        )

    @cached_property
    def _allowed(self) -> Bools:
        """Racks for every label, (L, R)."""
        _, jobs = np.unique(self._likes, return_index=True)
        return np.array([self._placer.ground.allowed(job) for job in jobs.tolist()])

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        """How what is asked for spreads over kinds of racks, as their room does, (L, K)."""
        size = np.zeros((len(self._allowed), self._room.shape[1]))
        for label, racks in enumerate(self._allowed):
            here = np.bincount(self._kind_of_rack[racks], minlength=size.shape[1]) > 0
            size[label, here] = self._room.sum(axis=0)[here]
        return np.asarray(size / np.maximum(size.sum(axis=1, keepdims=True), 1.0))

    def parts_of(self, job: int) -> Ints:
        """Return the parts in which a job may use a rack; all if there is none."""
        return self._parts[int(self._likes[job])]

    @cached_property
    def _parts(self) -> list[Ints]:
        everywhere = np.arange(len(self._room))
        found = [np.unique(self._part_of_rack[racks]) for racks in self._allowed]
        return [parts if len(parts) else everywhere for parts in found]

    def choose(self, group: Name, form: GroupPresence, domains: Ints) -> int:
        """Choose one of some domains for a group, and give its jobs to the part of the domain."""
        jobs = self._jobs_of.get(group)
        if jobs is None:
            return int(domains[0])
        inside = form.domain_of_rack != NONE
        part_of_domain = np.zeros(form.num_domains, np.int64)
        part_of_domain[form.domain_of_rack[inside]] = self._part_of_rack[inside]
        parts = part_of_domain[domains]
        return int(domains[np.argmax(parts == self.give(jobs, np.unique(parts)))])

    @cached_property
    def _jobs_of(self) -> dict[Name, Ints]:
        """Jobs of every group that keeps domains, by the widest ones that it keeps."""
        owner = self._placer.owner
        found = {}
        for jobs in self._together:
            form, group = int(owner.form_of_job[jobs[0]]), int(owner.group_of_job[jobs[0]])
            if form != NONE:
                found[name_of(self._placer.presences[form], group)] = jobs
        return found

    @cached_property
    def _together(self) -> list[Ints]:
        """Jobs that stay together."""
        owner = self._placer.owner
        group = owner.form_of_job * (owner.group_of_job.max(initial=0) + 1) + owner.group_of_job
        single = owner.form_of_job == NONE
        label = np.where(single, np.arange(len(single)), len(single) + group)
        _, label = np.unique(label, return_inverse=True)
        order = np.argsort(label, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(label[order])) + 1)

    def bundles(self, seed: int) -> list[Ints]:
        """Return jobs that stay together, those first that ask for most together."""
        noise = np.random.default_rng(seed).random(len(self._together))
        slots = np.where(self._wanted, self._placer.slots, 0)
        size = np.array([slots[jobs].sum() for jobs in self._together])
        return [self._together[n] for n in np.lexsort((noise, -size)).tolist()]
