"""What leaving and entering change at once: rows and domains that source and destination share.

What a family adds on a rack is worked out as if the candidate still lay on its source. A *far*
row or domain that both share makes a difference that depends on the two signatures; a *near* one
is shared only inside the cell of the source. Both are corrections to a sum that is exact for
all other racks.
"""

from __future__ import annotations

import numpy as np

from kernels.candidates import Candidates
from kernels.forms import NONE, Bools, Index, Ints
from kernels.parts.changes import Changes
from kernels.parts.counts import Counts
from kernels.parts.expand import merged, ranges
from kernels.parts.presence import Presence
from kernels.sweep.families import Families
from kernels.sweep.layout import Layout
from kernels.sweep.plan_state import PlanState


class Overlaps:
    """Corrections for the candidates of one plan, packed."""

    def __init__(self, state: PlanState, families: Families, layout: Layout) -> None:
        candidates, pack = state.candidates, families.packing.pack
        self.state = state
        self.families = families
        self.layout = layout
        examples = layout.example.astype(np.int64)
        is_near = layout.is_near(state.loads.table.racks_in_row)
        self._far_rows = _SharedRows(state, ~is_near, examples)
        self._near_rows = _SharedRows(state, is_near, np.arange(state.compiled.num_racks))
        self._domains = [
            _SharedDomains(part, pack(part.leaving(candidates)), families.is_inside(m), layout)
            for m, part in enumerate(state.presences)
        ]
        counts = [_SharedCounts(part, candidates, layout) for part in state.counts]
        self._counts = [each for each in counts if each.limited.any()]
        place = np.zeros(state.compiled.num_racks, np.int64)  # of a rack within its cell
        cells, places = np.nonzero(layout.racks_of_cell != NONE)
        place[layout.racks_of_cell[cells, places]] = places
        self._place_in_cell = place

    def far(self, chosen: Ints) -> tuple[Ints, Ints]:
        """Return (which of the chosen need any, their correction at every signature, (n, E))."""
        candidates, signature = self.state.candidates, self.layout.signature_of_rack
        source = candidates.source[chosen]
        none = np.zeros(0, np.int64)
        who, where, change = [none], [none], [none]
        placed = np.flatnonzero(source != NONE)
        if len(placed):
            own = signature[source[placed]]
            first, pair = merged([self.families.class_of[chosen[placed]], own.astype(np.int64)])
            one = chosen[placed[first]]
            which, rack, more = self._far_rows.overlaps(one, self.layout.example[own[first]])
            start = np.searchsorted(which, np.arange(len(first) + 1))
            each, at = ranges(start[pair], start[pair + 1])
            who.append(placed[each])
            where.append(signature[rack[at]].astype(np.int64))
            change.append(self._violation(more[at]))
        for domains in self._domains:
            leaver, domain, left = domains.shared(chosen, source, near=False)
            each, at = np.nonzero(domains.of_rack[self.layout.example] == domain[:, None])
            who.append(leaver[each])
            where.append(at)
            change.append(left[each])
        for counts in self._counts:
            owner, shared, more = counts.shared(self.state, chosen, near=False)
            each, at = np.nonzero(counts.holds_signature[shared])
            who.append(owner[each])
            where.append(at)
            change.append(self._violation(more)[each])
        some, index = np.unique(np.concatenate(who), return_inverse=True)
        total = np.zeros((len(some), self.layout.num_signatures), np.int64)
        np.add.at(total, (index, np.concatenate(where)), np.concatenate(change))
        return some, total

    def near(self, chosen: Ints) -> Ints:
        """Return the further correction of placed candidates on the racks of their cell, (n, W)."""
        source = self.state.candidates.source[chosen]
        total = np.zeros((len(chosen), self.layout.racks_of_cell.shape[1]), np.int64)
        which, rack, more = self._near_rows.overlaps(chosen, source)
        np.add.at(total, (which, self._place_in_cell[rack]), self._violation(more))
        nearby = self.layout.racks_of_cell[self.layout.cell_of_rack[source]]  # (n, W)
        for domains in self._domains:
            who, domain, change = domains.shared(chosen, source, near=True)
            same = domains.of_rack[nearby[who]] == domain[:, None]
            total[who] += np.where(same, change[:, None], 0)
        for counts in self._counts:
            who, shared, more = counts.shared(self.state, chosen, near=True)
            pair, rack = counts.racks(shared)
            np.add.at(total, (who[pair], self._place_in_cell[rack]), self._violation(more)[pair])
        for i in np.flatnonzero(self.state.survivors[chosen]).tolist():
            racks = nearby[i][nearby[i] != NONE]
            changes = self.families.survivors.nearby(int(chosen[i]), racks)
            total[i, self._place_in_cell[racks]] += self.families.packing.pack(changes)
        return total

    def _violation(self, more: Ints) -> Ints:
        return self.families.packing.pack(Changes(violation=more))


class _SharedRows:
    """Linear rows, near or far, by the racks that stand for all: themselves, or signatures."""

    def __init__(self, state: PlanState, chosen_rows: Bools, racks: Ints) -> None:
        self.state = state
        table, loads = state.loads.table, state.loads
        stands = np.zeros(state.compiled.num_racks, bool)
        stands[racks] = True
        mine = chosen_rows[table.row] & stands[table.rack]
        enters = np.flatnonzero(mine & loads.tight)
        self._enters = enters[np.argsort(table.row[enters], kind="stable")]  # by row
        self._enters_start = np.searchsorted(table.row[self._enters], np.arange(table.num_rows + 1))
        counts = np.diff(self._enters_start)
        self._leaves = np.flatnonzero(mine & (counts[table.row] > 0))  # by rack
        self._leaves_start = np.searchsorted(
            table.rack[self._leaves], np.arange(state.compiled.num_racks + 1)
        )

    def overlaps(self, chosen: Ints, source: Index) -> tuple[Ints, Index, Ints]:
        """Return (which of the chosen, destination rack, violation) of every shared tight row."""
        candidates, loads, table = self.state.candidates, self.state.loads, self.state.loads.table
        which, at = ranges(self._leaves_start[source], self._leaves_start[source + 1])
        leaves = self._leaves[at]
        row = table.row[leaves]
        pair, at = ranges(self._enters_start[row], self._enters_start[row + 1])
        enters, leaves, which = self._enters[at], leaves[pair], which[pair]
        row, demand = table.row[enters], table.table[enters]
        job, units = candidates.job[chosen[which]], candidates.units[chosen[which]]
        more = loads.overlap(
            row,
            table.weight[enters] * loads.demand(job, units, demand, table.rack[enters]),
            table.weight[leaves] * loads.demand(job, units, demand, table.rack[leaves]),
        )
        some = np.flatnonzero(more)
        return which[some], table.rack[enters[some]], more[some]


class _SharedDomains:
    """A group that leaves a domain and enters it again has not moved."""

    def __init__(self, part: Presence, left: Ints, is_inside: Bools, layout: Layout) -> None:
        self.of_rack = part.form.domain_of_rack
        inside = self.of_rack[self.of_rack != NONE]
        self._is_near = layout.is_near(np.bincount(inside, minlength=part.num_domains))
        self._change = np.where(is_inside, -left, 0)  # (N,)

    def shared(self, chosen: Ints, source: Index, *, near: bool) -> tuple[Ints, Index, Ints]:
        """Return (which of the chosen, the domain it leaves, correction inside that domain)."""
        who = np.flatnonzero(self._change[chosen])
        domain = self.of_rack[source[who]]
        kept = self._is_near[domain] == near
        return who[kept], domain[kept], self._change[chosen[who[kept]]]


class _SharedCounts:
    """Units that leave a domain and enter it again change no count."""

    def __init__(self, part: Counts, candidates: Candidates, layout: Layout) -> None:
        domains = part.form.domains
        self.part = part
        self.limited = part.limited(candidates)  # (N,)
        self._is_near = layout.is_near(np.diff(domains.start))
        self.holds_signature = np.zeros((domains.num_rows, layout.num_signatures), bool)
        self.holds_signature[domains.row, layout.signature_of_rack[domains.rack]] = True

    def shared(self, state: PlanState, chosen: Ints, *, near: bool) -> tuple[Ints, Ints, Ints]:
        """Return (which of the chosen, a domain of its source, correction of the violation)."""
        candidates, part = state.candidates, self.part
        source = candidates.source[chosen]
        some = np.flatnonzero(self.limited[chosen] & (source != NONE))
        which, entry = ranges(part.start[source[some]], part.start[source[some] + 1])
        who, domain = some[which], part.domain[entry].astype(np.int64)
        kept = np.flatnonzero(self._is_near[domain] == near)
        who, domain = who[kept], domain[kept]
        return who, domain, part.overlap(candidates, chosen[who], domain)

    def racks(self, domain: Ints) -> tuple[Ints, Index]:
        """Return (which domain, rack) for every rack of the domains."""
        rows = self.part.form.domains
        which, at = ranges(rows.start[domain], rows.start[domain + 1])
        return which, rows.rack[at]
