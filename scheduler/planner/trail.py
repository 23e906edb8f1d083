"""One part of a plan along a guide, and what may be changed about its guide.

To the relaxation, a large job that anybody's racks may take is worth about its room: part of it
is in. Whole it is in or out, which decides much else, and which is better shows in plans alone.
So it is with a group whose domains would hold a large job by all their limits together, but not by
each: with one more domain they may.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, Bools, Ints, Shards
from scheduler.planner.guide import Guide
from scheduler.planner.placing import Placer
from scheduler.planner.reserve import is_wide, name_of
from scheduler.planner.starts import Start, following

MOST_PLANS = 12  # along one guide, all but the first with noise
LARGE = 1 / 500  # of the slots of a part: a job that takes more is large
PATIENCE = 0.1  # share of its worth that a large job may lose at the prices of the relaxation
LOSS = 0.1  # share of a group's chosen work: where so much has no place, more room is tried


@dataclass(frozen=True, eq=False)
class Followed:
    """A guide of the whole site, how a part follows it, and the plan that this gave."""

    guide: Guide
    number: int  # of the start: above zero, it has some noise
    plan: Shards | None = None
    margin_mills: int = 0


@dataclass
class Trail:
    """The best plan of a part so far, and what was tried to change about it."""

    placer: Placer
    profit: NDArray[np.float64]  # (J,) of whole jobs, beyond the room that they take
    seed: int
    part: Start
    best: Followed
    numbers: int = 1  # of starts that were followed, from zero on
    tried: set[Hashable] = field(default_factory=set)

    def start(self, followed: Followed) -> Start:
        """Return the start that gives the plan."""
        return following(self.part, followed.number, self.seed, self.profit, followed.guide)

    def take(self, followed: Followed) -> None:
        """Keep a plan that is better."""
        if followed.plan is not None and followed.margin_mills > self.best.margin_mills:
            self.best = followed

    def changes(self) -> Iterator[Followed]:
        """Yield what was not tried yet: what may gain most first, some noise in the end."""
        best, guide = self.best, self.best.guide
        if best.plan is None:
            return
        placed = np.zeros(len(self.profit), bool)
        placed[best.plan.job] = True
        for form, group in self._short_of_room(placed):
            name = name_of(self.placer.presences[form], group)
            kept = guide.kept.get(name)
            if kept and self._is_new((name, sum(some.many for some in kept))):
                yield Followed(guide.wider(name), best.number)
        for job in self._large(placed).tolist():
            if self._is_new(job):
                yield Followed(guide.insisting(job), best.number)
        while self.numbers < MOST_PLANS:
            self.numbers += 1
            yield Followed(guide, self.numbers - 1)

    def _is_new(self, what: Hashable) -> bool:
        known = what in self.tried
        self.tried.add(what)
        return not known

    def _short_of_room(self, placed: Bools) -> list[tuple[int, int]]:
        """Return groups that have no place for much of what was chosen for them, worst first."""
        worth = self.placer.value * self.placer.want
        mine = np.zeros(len(placed), bool)
        mine[self.part.jobs] = True
        chosen = mine & self.best.guide.chosen & self.placer.plain
        found = []
        for form, presence in enumerate(self.placer.presences):
            if not is_wide(presence):
                continue
            inside = chosen & (self.placer.owner.form_of_job == form)
            groups, size = presence.group_of_job, len(presence.group_names)
            asked = np.bincount(groups[inside], worth[inside], size)
            out = inside & ~placed
            lost = np.bincount(groups[out], worth[out], size)
            short = np.flatnonzero(lost > LOSS * asked).tolist()
            found += [(float(lost[group]), form, group) for group in short]
        return [(form, group) for _, form, group in sorted(found, reverse=True)]

    def _large(self, placed: Bools) -> Ints:
        """Return large jobs that keep nothing to themselves and may be worth a place they lack.

        The largest first: they are the hardest to place later.
        """
        placer, jobs = self.placer, self.part.jobs
        slots, worth = placer.slots[jobs], (placer.value * placer.want)[jobs]
        large = slots > LARGE * self._all_slots()
        shares = placer.owner.form_of_job[jobs] == NONE
        may = placer.plain[jobs] & (worth > 0) & shares & large & ~placed[jobs]
        may &= self.profit[jobs] > -PATIENCE * worth
        return np.asarray(jobs[may][np.argsort(-slots[may], kind="stable")])

    def _all_slots(self) -> int:
        packing = self.placer.compiled.packing
        return (
            0 if packing is None else int((packing.bins * packing.bin_size)[self.part.racks].sum())
        )
