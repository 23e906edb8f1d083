"""What survives lies in the domains that are left: a row that ties survival to presence.

Over rack classes, the loss of one rack is nearly free: the class could spread a job over all its
racks. But a group that keeps racks to itself pays for each of them, and after the loss of one,
all that counts lies in the others.
"""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, GroupCount, GroupPresence
from scheduler.planner.lowering.draft import Draft


def lower_survival(draft: Draft) -> None:
    """Add ``q + held * b <= most units of a domain * (domains - b)`` for jobs that survive."""
    counts = [form for form in draft.compiled.forms if isinstance(form, GroupCount)]
    presences = [form for form in draft.compiled.forms if isinstance(form, GroupPresence)]
    for form in presences:
        losing = [count for count in counts if _loses_a_domain(form, count)]
        for job, (column, enough) in draft.counted.items():
            if enough is not None and any(count.survives[job] for count in losing):
                _tie(draft, form, job, column, enough)


def _loses_a_domain(form: GroupPresence, count: GroupCount) -> bool:
    """Whether every domain of `form` is lost as a whole in some failure of `count`."""
    if not count.survives.any():
        return False
    lost = np.zeros((count.domains.num_rows, form.num_domains), np.int64)
    domain = form.domain_of_rack[count.domains.rack]
    np.add.at(lost, (count.domains.row[domain != NONE], domain[domain != NONE]), 1)
    racks = np.bincount(form.domain_of_rack[form.domain_of_rack != NONE], minlength=lost.shape[1])
    return bool((lost == racks).any(axis=0).all())


def _tie(draft: Draft, form: GroupPresence, job: int, column: int, enough: int) -> None:
    present = draft.present[id(form)]
    group = form.group_of_job[job]
    mine = draft.job == job
    cell = present.cells.of_class[draft.rack_class[mine]]
    size = draft.size[mine]
    domains = present.column[present.group == group]
    if group == NONE or not len(domains) or (cell == NONE).any() or not size.all():
        return
    most = int((present.cells.most_slots[cell] // size).max(initial=0))
    held = int(draft.compiled.units.held_back[job])
    (row,) = draft.program.rows(1, high=0).tolist()
    draft.program.entries(row, [column, enough], [1, held + most])
    draft.program.entries(row, domains, -most)
