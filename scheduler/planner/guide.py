"""What a relaxation would place: a start for plans that small steps do not find.

Which groups get which domains is decided by many jobs at once. A relaxation decides it for the
whole site; a plan that begins with as many domains for each group has most of the way behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from kernels.forms import Bools, Compiled, Form, GroupPresence, Ints

Name = tuple[str, str, str]  # term, level and name of a group


@dataclass(frozen=True, eq=False)
class Guide:
    """The groups' part of a relaxation's solution."""

    chosen: Bools  # (J,) jobs that it places, of groups that keep domains to themselves
    kept: Mapping[Name, int]  # domains that each of these groups keeps

    def of(self, jobs: Ints) -> Guide:
        """Return what it says about some of the jobs."""
        return replace(self, chosen=self.chosen[jobs])

    def capped(self, compiled: Compiled, more: int) -> Compiled:
        """Return the problem in which no group keeps more domains than here.

        Where domains are single racks, what divides in the relaxation may need `more` of them.
        """
        return replace(compiled, forms=tuple(self._capped(form, more) for form in compiled.forms))

    def _capped(self, form: Form, more: int) -> Form:
        if not isinstance(form, GroupPresence):
            return form
        inside = form.domain_of_rack[form.domain_of_rack >= 0]
        if np.bincount(inside, minlength=1).max() > 1:
            more = 0
        most = form.max_domains.copy()
        for group, name in enumerate(form.group_names):
            kept = self.kept.get((form.term, form.level, name))
            if kept is not None:
                most[group] = min(int(most[group]), kept + more if kept else 0)
        return replace(form, max_domains=most)
