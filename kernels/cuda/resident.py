"""A compiled problem as arrays on a device, uploaded once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels import reference
from kernels.cuda.device import Buffer, Device, at_least_one
from kernels.forms import (
    NONE,
    AssignmentCost,
    Compiled,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    Packing,
)
from kernels.linear_table import LinearTable
from kernels.parts.survival import RiskDomains

MOST_PAIRS = 2**27  # (group, domain) pairs of all forms that are kept dense: 1 GiB


class NotHeldError(Exception):
    """A problem does not fit the device's tables; the CPU evaluates it."""


@dataclass(frozen=True, eq=False)
class PairForm:
    """Groups in domains: what every shard adds, and to which pairs."""

    groups: int
    domains: int
    group_of_job: Buffer  # (J,) int32
    size: Buffer  # (J, kinds) what a unit adds
    kind: Buffer  # (R,) int32
    kinds: int
    start: Buffer  # (R + 1,) domains by rack
    domain: Buffer  # (N,) int32


class Resident:
    """The arrays that every workload reads."""

    def __init__(self, device: Device, compiled: Compiled) -> None:
        self.device = device
        self.compiled = compiled
        self.table = LinearTable(compiled)
        self.domains = RiskDomains.build(compiled)
        self.slots = {reference.UNITS: 0}
        for form in compiled.forms:
            self.slots.setdefault(form.term, len(self.slots))
        self._check_size()
        self._load_linear()
        self.units = {
            name: self.put(getattr(compiled.units, name))
            for name in ("least", "most", "counted_most", "held_back")
        }
        self.no_kind = self.put(np.zeros(compiled.num_racks, np.int32))
        self.one_each = self.put(np.ones((compiled.num_jobs, 1), np.int64))

    def put(self, array: Ints | Index | np.ndarray) -> Buffer:
        """Copy an array to the device, one zero where it is empty."""
        return self.device.put(np.ascontiguousarray(at_least_one(array)))

    def pairs(self, form: Packing | GroupCount | GroupPresence) -> PairForm:
        """Return how shards add to the pairs of a form."""
        racks, groups = self.compiled.num_racks, groups_of(form)
        if isinstance(form, GroupCount):
            start, domain, _ = reference.transposed(form.domains, racks)
            return self._pair_form(form.group_of_job, groups, form.domains.num_rows, start, domain)
        if isinstance(form, GroupPresence):
            inside = form.domain_of_rack != NONE
            start = np.concatenate((np.zeros(1, np.int64), np.cumsum(inside)))
            domain = form.domain_of_rack[inside]
            return self._pair_form(form.group_of_job, groups, form.num_domains, start, domain)
        own = np.arange(racks + 1)
        pairs = self._pair_form(form.group_of_job, groups, racks, own, own[:-1])
        return PairForm(
            **{**vars(pairs), "size": self.put(form.size), "kind": self.put(form.kind_of_rack)}
            | {"kinds": form.size.shape[1]}
        )

    def risk(self) -> tuple[PairForm, Index, np.ndarray]:
        """Return the pairs of surviving job and domain, these jobs, and which pairs count."""
        domains = self.domains
        survivors = np.flatnonzero(domains.survives.any(axis=0)).astype(np.int32)
        index = np.full(self.compiled.num_jobs, NONE, np.int32)
        index[survivors] = np.arange(len(survivors))
        counts = domains.survives[domains.form][:, survivors].T
        pairs = self._pair_form(
            index, len(survivors), domains.num_domains, domains.start, domains.domain
        )
        return pairs, survivors, counts.astype(np.uint8)

    def _pair_form(
        self, group_of_job: Index, groups: int, domains: int, start: Ints, domain: Index | Ints
    ) -> PairForm:
        return PairForm(
            groups=groups,
            domains=max(1, domains),
            group_of_job=self.put(group_of_job.astype(np.int32)),
            size=self.one_each,
            kind=self.no_kind,
            kinds=1,
            start=self.put(np.asarray(start, np.int64)),
            domain=self.put(domain.astype(np.int32)),
        )

    def _load_linear(self) -> None:
        table, put = self.table, self.put
        by_row = np.argsort(table.row, kind="stable")
        start = np.searchsorted(table.row[by_row], np.arange(table.num_rows + 1))
        slot_of_form = np.array([self.slots[form.term] for form in table.forms], np.int32)
        self.demand, self.kind = put(table.demand), put(table.kind)
        self.row_start, self.row_rack = put(start), put(table.rack[by_row])
        self.row_weight, self.row_table = put(table.weight[by_row]), put(table.table_of_row)
        self.base, self.limit, self.scale = put(table.base), put(table.limit), put(table.scale)
        self.row_slot = put(slot_of_form[table.form_of_row])

    def _check_size(self) -> None:
        pairs = sum(
            groups_of(form) * max(1, domains_of(form, self.compiled.num_racks))
            for form in self.compiled.forms
            if isinstance(form, Packing | GroupCount | GroupPresence)
        )
        pairs += int(self.domains.survives.any(axis=0).sum()) * self.domains.num_domains
        if pairs > MOST_PAIRS:
            raise NotHeldError(f"{pairs} pairs of groups and domains are more than {MOST_PAIRS}")


def groups_of(form: Packing | GroupCount | GroupPresence) -> int:
    """Return the number of groups of a form."""
    if isinstance(form, GroupCount):
        return len(form.limit)
    if isinstance(form, GroupPresence):
        return len(form.max_domains)
    return int(form.group_of_job.max(initial=NONE)) + 1


def domains_of(form: Packing | GroupCount | GroupPresence, num_racks: int) -> int:
    """Return the number of domains of a form; for bins these are the racks."""
    if isinstance(form, GroupCount):
        return form.domains.num_rows
    return form.num_domains if isinstance(form, GroupPresence) else num_racks


def costs_of(compiled: Compiled) -> list[AssignmentCost]:
    """Return the assignment costs of a problem."""
    return [form for form in compiled.forms if isinstance(form, AssignmentCost)]
