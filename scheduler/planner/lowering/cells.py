"""Domains as seen by rack classes that may not tell them apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.forms import NONE, UNLIMITED, GroupPresence, Ints, Packing
from scheduler.planner.classes import Classes, distinct


@dataclass(frozen=True, eq=False)
class Cells:
    """Domains of a presence form as seen by the classes.

    A cell is one domain, or several that some class does not tell apart.
    """

    of_class: Ints  # (C,) NONE: in no domain
    domains: Ints  # (E,) domains in each cell
    slots: Ints  # (E,)
    most_slots: Ints  # (E,) of one domain
    least_slots: Ints  # (E,)

    @property
    def total(self) -> int:
        """Number of domains in all cells."""
        return int(self.domains.sum())

    @staticmethod
    def of(form: GroupPresence, classes: Classes, packing: Packing | None) -> Cells:
        """Join the domains that lie in one class, again and again, into cells."""
        inside = form.domain_of_rack != NONE
        leader = np.arange(form.num_domains)
        of_class = np.full(classes.count, NONE, np.int64)
        pairs, _ = distinct([classes.of_rack[inside], form.domain_of_rack[inside]])
        for rack_class, domain in pairs.T.tolist():
            if of_class[rack_class] == NONE:
                of_class[rack_class] = domain
            else:
                leader[leader == leader[domain]] = leader[of_class[rack_class]]
        whole = classes.total(inside.astype(np.int64)) == classes.size
        cell_of_domain = np.unique(leader, return_inverse=True)[1]
        slots = (
            np.ones(len(inside), np.int64) if packing is None else packing.bins * packing.bin_size
        )
        per_domain = np.bincount(
            form.domain_of_rack[inside], slots[inside], form.num_domains
        ).astype(np.int64)
        count = int(cell_of_domain.max(initial=-1)) + 1
        most, least = np.zeros(count, np.int64), np.full(count, UNLIMITED, np.int64)
        np.maximum.at(most, cell_of_domain, per_domain)
        np.minimum.at(least, cell_of_domain, per_domain)
        return Cells(
            of_class=np.where(whole, cell_of_domain[of_class], NONE),
            domains=np.bincount(cell_of_domain, minlength=count).astype(np.int64),
            slots=np.bincount(cell_of_domain, per_domain, count).astype(np.int64),
            most_slots=most,
            least_slots=least,
        )
