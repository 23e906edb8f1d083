"""What a relaxation would place: a start for plans that small steps do not find.

Which groups get which domains is decided by many jobs at once. A relaxation decides it for the
whole site; a plan that begins with the same domains for each group has most of the way behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from kernels.forms import Bools, Compiled, Form, GroupPresence, Ints
from scheduler.planner.reserve import Choice, Kept, Name, name_of, reserve


@dataclass(frozen=True, eq=False)
class Guide:
    """The groups' part of a relaxation's solution."""

    chosen: Bools  # (J,) jobs that are placed first: mostly of groups that keep domains
    kept: Mapping[Name, tuple[Kept, ...]]  # what each of these groups keeps, kind by kind

    def of(self, jobs: Ints) -> Guide:
        """Return what it says about some of the jobs."""
        return replace(self, chosen=self.chosen[jobs])

    def insisting(self, job: int) -> Guide:
        """Return the same with one more job chosen."""
        chosen = self.chosen.copy()
        chosen[job] = True
        return replace(self, chosen=chosen)

    def wider(self, group: Name) -> Guide:
        """Return the same with one more domain for a group."""
        first, *others = self.kept[group]
        more = (first._replace(many=first.many + 1), *others)
        return replace(self, kept={**self.kept, group: more})

    def narrowed(self, compiled: Compiled, taken: Bools) -> Compiled:
        """Return the problem in which groups keep no other domains, and no more, than here.

        Racks that are `taken` (R,) are for nobody to keep.
        """
        reserved = reserve(compiled, [self._of_form(form) for form in compiled.forms], taken)
        capped = [self._capped(form) for form in compiled.forms]
        return replace(compiled, forms=(*capped, *reserved))

    def choose_places(self, compiled: Compiled, choose: Choice) -> None:
        """Have it chosen where each group gets what it keeps, on an empty site; see `reserve`."""
        nothing = np.zeros(compiled.num_racks, bool)
        reserve(compiled, [self._of_form(form) for form in compiled.forms], nothing, choose)

    def _capped(self, form: Form) -> Form:
        if not isinstance(form, GroupPresence):
            return form
        most = form.max_domains.copy()
        for group, kept in self._of_form(form).items():
            count = sum(some.many for some in kept)
            most[group] = min(int(most[group]), count)
        return replace(form, max_domains=most)

    def _of_form(self, form: Form) -> dict[int, tuple[Kept, ...]]:
        """Return what the groups of a form keep, by group."""
        if not isinstance(form, GroupPresence):
            return {}
        names = (name_of(form, group) for group in range(len(form.group_names)))
        return {group: self.kept[name] for group, name in enumerate(names) if name in self.kept}
