"""How large the changes of a move can be, and whether they fit one integer."""

from __future__ import annotations

import numpy as np

from kernels.candidates import Candidates
from kernels.forms import AssignmentCost, Compiled, GroupCount, GroupPresence, Ints, Packing
from kernels.parts.changes import Packing3
from kernels.parts.survival import RiskDomains, worth_of_units

SUMMANDS = 4  # a row, what leaves, and near and far overlaps each reach the largest change at most


class Ranges:
    """What the moves of a problem change at most, for each unit that moves.

    Moving u units of a job changes no part by more than ``u * amount`` of the job, so the largest
    product over the candidates bounds a part; `amounts` has one row for each.
    """

    def __init__(self, compiled: Compiled, domains: RiskDomains) -> None:
        forms = compiled.forms
        assignments = [form for form in forms if isinstance(form, AssignmentCost)]
        bins = [form for form in forms if isinstance(form, Packing)]
        counts = [form for form in forms if isinstance(form, GroupCount) and len(form.limit)]
        presences = [f for f in forms if isinstance(f, GroupPresence) and len(f.max_domains)]
        value, firm = worth_of_units(compiled)
        survives = np.logical_or.reduce(domains.survives, axis=0)  # (J,)
        columns = [
            np.ones(compiled.num_jobs, np.int64),
            # The worst loss changes by u at most, and so does the total.
            2 * np.abs(np.where(survives, firm, 0)),
            2 * np.abs(np.where(survives, value, 0)),
            *(np.abs(form.cost_mills).max(axis=1, initial=0) for form in assignments),
            *(form.size.max(axis=1, initial=0) for form in bins),
        ]
        self.amounts: Ints = np.array(columns, np.int64)  # (columns, J)
        self._costs = slice(3, 3 + len(assignments))
        self._prices = sum(_largest(form.price_mills) for form in presences)
        self._moves = sum(_largest(form.move_mills) for form in assignments)
        self._groups = sum(len(form.max_domains) + 1 for form in presences)
        self._domains = sum(_largest(np.bincount(form.domains.rack)) for form in counts)

    def largest(self, candidates: Candidates) -> Ints:
        """Return the largest product of units and amount over all candidates, (columns,)."""
        largest: Ints = (self.amounts[:, candidates.job] * candidates.units).max(axis=1, initial=0)
        return largest

    def packing(self, largest: Ints, most_excess: int) -> Packing3 | None:
        """Return how changes are packed, None if they could leave 64 bits.

        The digits need room for what one candidate changes on one rack; sums of parts may borrow
        from each other, for packed numbers are added before they are taken apart.

        Parameters
        ----------
        largest : (columns,) array
            What `largest` returns.
        most_excess : int
            The largest violation of linear rows that one move adds or takes away.
        """
        units, unmet, value = largest[:3].tolist()
        costs, sizes = largest[self._costs], largest[self._costs.stop :]
        margin = value + self._prices + int(costs.sum()) + self._moves * units
        violation = most_excess + int(sizes.sum()) + self._groups
        violation += units * (len(costs) + self._domains)
        packing = Packing3(most_unmet=unmet, most_margin=margin)
        return packing if packing.holds(SUMMANDS * violation) else None


def _largest(values: Ints) -> int:
    return int(np.abs(values).max(initial=0))
