"""Units lie only where their group is present: by cell, and by class and kind of domain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import NONE, Ints
from scheduler.planner.lowering.draft import Draft, Present
from scheduler.planner.lowering.kinds import runs


def link_presence(draft: Draft, found: Present, mine: Ints, group: Ints, cell: Ints) -> None:
    """Units lie only where their group is present: on each class what its domains hold there."""
    cells = found.cells
    binned = mine[draft.size[mine] > 0]
    if len(binned):
        _link_by_cell(draft, found, binned, group, cell)
        if draft.by_kind:
            _link_by_class(draft, found, binned, group)
    most = draft.most_here()
    free = mine[(draft.size[mine] == 0) | (cells.domains[cell[mine]] == 1)]
    rows = draft.program.rows(len(free), high=0)
    draft.program.entries(rows, draft.x[free], 1)
    of_pair = PairsBy.of(found)
    row, pair = of_pair.joined(group[free], cell[free])
    draft.program.entries(rows[row], found.column[pair], -most[free[row]])


def _link_by_cell(draft: Draft, found: Present, mine: Ints, group: Ints, cell: Ints) -> None:
    """A group has no more slots in a cell than its domains there have at most."""
    most = found.cells.most_slots
    of_pair = PairsBy.of(found)
    met, which = np.unique(np.stack((group[mine], cell[mine])), axis=1, return_inverse=True)
    rows = draft.program.rows(met.shape[1], high=0)
    draft.program.entries(rows[which.ravel()], draft.x[mine], draft.size[mine])
    row, pair = of_pair.joined(met[0], met[1])
    draft.program.entries(rows[row], found.column[pair], -most[met[1][row]])


def _link_by_class(draft: Draft, found: Present, mine: Ints, group: Ints) -> None:
    """The same class by class, where that says more: domains hold several classes of racks."""
    kinds, classes = found.kinds, draft.classes
    table = np.zeros((kinds.count, classes.count), np.int64)
    table[kinds.kind, kinds.rack_class] = kinds.slots
    met, which = np.unique(
        np.stack((group[mine], draft.rack_class[mine].astype(np.int64))),
        axis=1,
        return_inverse=True,
    )
    cell = found.cells.of_class[met[1]]
    of_pair = PairsBy.of(found)
    row, pair = of_pair.joined(met[0], cell)
    held = table[found.kind[pair], met[1][row]]
    says_more = np.zeros(met.shape[1], bool)
    says_more[row[held < found.cells.most_slots[cell[row]]]] = True
    row_of = np.full(met.shape[1], NONE)
    row_of[says_more] = draft.program.rows(int(says_more.sum()), high=0)
    kept = says_more[which.ravel()]
    which, mine = which.ravel()[kept], mine[kept]
    draft.program.entries(row_of[which], draft.x[mine], draft.size[mine])
    kept = says_more[row]
    draft.program.entries(row_of[row[kept]], found.column[pair[kept]], -held[kept])


@dataclass(eq=False)
class PairsBy:
    """Presence columns by group and cell."""

    group: Ints
    cell: Ints
    num_cells: int

    @staticmethod
    def of(found: Present) -> PairsBy:
        """Return those of a presence form."""
        return PairsBy(found.group, found.kinds.cell[found.kind], len(found.cells.slots))

    def joined(self, group: Ints, cell: Ints) -> tuple[Ints, Ints]:
        """Return (position in `group`, presence column) of all that meet."""
        key = self.group * self.num_cells + self.cell
        order = np.argsort(key, kind="stable")
        wanted = group * self.num_cells + cell
        first = np.searchsorted(key[order], wanted, side="left")
        count = np.searchsorted(key[order], wanted, side="right") - first
        row, place = runs(count)
        return row, order[first[row] + place]
