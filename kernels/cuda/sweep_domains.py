"""Groups present in domains, in a sweep on a device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.cuda.device import Buffer
from kernels.cuda.resident import Resident
from kernels.cuda.score import PlanScore
from kernels.cuda.sweep_asked import Asked, SomeOverlaps, SomeRows
from kernels.cuda.sweep_layout import LayoutArrays
from kernels.forms import NONE, GroupPresence


class SweepDomains:
    """Domains of a `GroupPresence`; labels are the group and the price of its next domain."""

    columns = 2

    def __init__(
        self,
        resident: Resident,
        plan: PlanScore,
        arrays: LayoutArrays,
        number: int,
        form: GroupPresence,
    ) -> None:
        device, constant = resident.device, plan.constants[number]
        pairs, self._units = plan.pairs[number]
        self._arrays, self._pairs, self._used = arrays, pairs, plan.used[number]
        inside = form.domain_of_rack[form.domain_of_rack != NONE]
        sizes = np.bincount(inside, minlength=form.num_domains)
        self._is_near = arrays.near_flags(resident, sizes)
        self._some_outside = int(len(inside) < len(form.domain_of_rack))
        self._domain_of_rack = resident.put(form.domain_of_rack)
        self._prices = tuple(constant[n] for n in ("max_domains", "free_domains", "price_mills"))
        self._foe_start, self._foe = constant["foe_start"], constant["foe"]
        self._have_foes = form.may_share is not None
        size = pairs.groups * pairs.domains if self._have_foes else 1
        self._foes = device.empty(size, np.int32)  # (G, D) foes of a group in a domain
        self._undone = device.empty(1, np.int64)  # (N,) what entering the source's domain undoes

    def leave(self, asked: Asked, labels: Sequence[Buffer]) -> None:
        """Add what goes with the domain that a group leaves."""
        pairs = self._pairs
        if self._have_foes:
            asked.launch(
                "foes_present", pairs.groups * pairs.domains, self._units, self._foe_start,
                self._foe, pairs.groups, pairs.domains, self._foes,
            )  # fmt: skip
        if self._undone.size < asked.count:
            self._undone = asked.device.empty(asked.count, np.int64)
        asked.launch(
            "leave_domains", asked.count, *asked.each, pairs.group_of_job, self._domain_of_rack,
            pairs.domains, self._some_outside, self._units, self._used, *self._prices,
            self._foe_start, self._foes, asked.step, *labels, self._undone, asked.leaves,
            asked.everywhere,
        )  # fmt: skip

    def add(self, asked: Asked, labels: Sequence[Buffer], to: SomeRows) -> None:
        """Add the price of one more domain and the foes in it, unless the group is there."""
        to.launch(
            asked, "add_domains", *labels, self._domain_of_rack, self._pairs.domains,
            self._some_outside, self._units, self._foe_start, self._foes, asked.step, to.rack_at,
            to.positions, to.rows,
        )  # fmt: skip

    def overlap(self, asked: Asked, _labels: Sequence[Buffer], of: SomeOverlaps) -> None:
        """Undo what leaving a domain changes where the candidate enters it again."""
        arrays = self._arrays
        of.launch(
            asked, "overlap_domains", asked.source, self._undone, self._domain_of_rack,
            self._is_near, arrays.cell_of_rack, arrays.racks_of_cell, arrays.example,
            arrays.signatures, arrays.width, *of.found,
        )  # fmt: skip
