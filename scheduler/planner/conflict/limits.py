"""Limits: the parts of the forms that a person can name, and the forms with only some of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    Ints,
    LinearLoad,
    Packing,
)
from scheduler.planner.conflict.firm import some_rows


class Kind(StrEnum):
    """What a limit limits. The order is that in which conflicts are sought: plain ones first."""

    SLOTS = "slots"  # room on the racks of one place
    ALLOWED = "allowed"  # where a job may lie at all
    DOMAINS = "domains"  # over how many domains a group may lie
    APART = "apart"  # two groups that may not share a domain
    COUNT = "count"  # units of a group in one domain
    SPARES = "spares"  # units that are held back
    SURVIVAL = "survival"  # units lost in the worst domain, which do not count
    LOAD = "load"  # one row of a load


@dataclass(frozen=True, eq=False)
class Limit:
    """One limit: what it is called, and where it stands in the forms of the firm jobs.

    There are thousands, in sets; each is equal to itself alone.
    """

    kind: Kind
    term: str
    subject: tuple[str, ...]  # a component, place, job, group or pair of groups
    unit: str  # empty: there is nothing to count, the limit is there or not
    amount: int  # what the limit allows, in `unit`
    state: str = ""  # failure state or day of a load; level of domains
    form: int = NONE
    index: int = NONE  # row, place, job or group
    other: int = NONE  # second group of a pair


def named_limits(compiled: Compiled, places: Sequence[str]) -> list[Limit]:
    """Return all limits in order of kind; `places` names the place of every rack."""
    found = [*_spares(compiled)]
    for number, form in enumerate(compiled.forms):
        found += _limits_of(compiled, number, form, places)
    order = list(Kind)
    return sorted(found, key=lambda limit: (order.index(limit.kind), limit.state != "normal"))


def keep(
    compiled: Compiled,
    limits: Iterable[Limit],
    places: Sequence[str],
    more: Mapping[Limit, int] = MappingProxyType({}),
) -> Compiled:
    """Return the problem with only `limits`: every other limit is dropped.

    Parameters
    ----------
    more
        By how much some of the limits are raised, in their own units (not for slots).
    """
    by_form: dict[int, list[Limit]] = {}
    for limit in limits:
        by_form.setdefault(limit.form, []).append(limit)
    held = np.zeros(compiled.num_jobs, np.int64)
    for limit in by_form.get(NONE, ()):
        held[limit.index] = compiled.units.held_back[limit.index]
    kept = (
        _with_only(compiled, form, by_form.get(number, []), places, more)
        for number, form in enumerate(compiled.forms)
    )
    return replace(
        compiled,
        units=replace(compiled.units, held_back=held),
        forms=tuple(form for form in kept if form is not None),
    )


def place_labels(places: Sequence[str]) -> tuple[Ints, list[str]]:
    """Return the number of the place of every rack, (R,), and the names of the places."""
    names = list(dict.fromkeys(places))
    number = {name: n for n, name in enumerate(names)}
    return np.array([number[name] for name in places], np.int64), names


def _spares(compiled: Compiled) -> Iterator[Limit]:
    for j in np.flatnonzero(compiled.units.held_back).tolist():
        held = int(compiled.units.held_back[j])
        yield Limit(Kind.SPARES, "", (compiled.job_names[j],), "", held, index=j)


def _limits_of(
    compiled: Compiled, number: int, form: Form, places: Sequence[str]
) -> Iterator[Limit]:
    match form:
        case AssignmentCost():
            for j in np.flatnonzero(~form.allowed.all(axis=1)).tolist():
                name = compiled.job_names[j]
                yield Limit(Kind.ALLOWED, form.term, (name,), "", 0, form=number, index=j)
        case Packing():
            label, names = place_labels(places)
            slots = np.bincount(label, form.bins * form.bin_size, len(names)).astype(np.int64)
            for p, name in enumerate(names):
                amount = int(slots[p])
                yield Limit(Kind.SLOTS, form.term, (name,), "slots", amount, "", number, p)
        case GroupCount():
            yield from _limits_of_counts(compiled, number, form)
        case GroupPresence():
            yield from _limits_of_presence(number, form)
        case LinearLoad():
            for i, subject in enumerate(form.subject):
                amount = int(form.limit[i] // form.scale)
                yield Limit(
                    Kind.LOAD, form.term, (subject,), form.unit, amount, form.state[i], number, i
                )


def _limits_of_counts(compiled: Compiled, number: int, form: GroupCount) -> Iterator[Limit]:
    for g in np.flatnonzero(form.limit < UNLIMITED).tolist():
        most, name = int(form.limit[g]), form.group_names[g]
        yield Limit(Kind.COUNT, form.term, (name,), "units", most, form.level, number, g)
    for j in np.flatnonzero(form.survives).tolist():
        name = compiled.job_names[j]
        yield Limit(Kind.SURVIVAL, form.term, (name,), "", 0, form.level, number, j)


def _limits_of_presence(number: int, form: GroupPresence) -> Iterator[Limit]:
    names, level = form.group_names, form.level
    for g in np.flatnonzero(form.max_domains < form.num_domains).tolist():
        most = int(form.max_domains[g])
        yield Limit(Kind.DOMAINS, form.term, (names[g],), "domains", most, level, number, g)
    if form.may_share is not None:
        for g, h in np.argwhere(np.triu(~form.may_share)).tolist():
            yield Limit(Kind.APART, form.term, (names[g], names[h]), "", 0, level, number, g, h)


def _with_only(
    compiled: Compiled,
    form: Form,
    kept: list[Limit],
    places: Sequence[str],
    more: Mapping[Limit, int],
) -> Form | None:
    """Return `form` with only the limits `kept`; None if nothing is left of it."""
    index = [limit.index for limit in kept]
    extra = np.array([more.get(limit, 0) for limit in kept], np.int64)
    match form:
        case AssignmentCost():
            allowed = np.ones_like(form.allowed)
            allowed[index] = form.allowed[index]
            return replace(form, allowed=allowed)
        case Packing():
            label, _ = place_labels(places)
            limited = np.isin(label, index)
            return replace(form, bins=np.where(limited, form.bins, _enough_bins(compiled, form)))
        case GroupCount():
            counts = [n for n, limit in enumerate(kept) if limit.kind is Kind.COUNT]
            most = np.full_like(form.limit, UNLIMITED)
            groups = [index[n] for n in counts]
            most[groups] = form.limit[groups] + extra[counts]
            survives = np.zeros_like(form.survives)
            survives[[limit.index for limit in kept if limit.kind is Kind.SURVIVAL]] = True
            return replace(form, limit=most, survives=survives) if kept else None
        case GroupPresence():
            return _presence_with_only(form, kept, more) if kept else None
        case LinearLoad():
            limit = form.limit.copy()
            limit[index] += extra * form.scale
            rows = np.zeros(form.rows.num_rows, bool)
            rows[index] = True
            return some_rows(replace(form, limit=limit), rows) if kept else None


def _presence_with_only(
    form: GroupPresence, kept: list[Limit], more: Mapping[Limit, int]
) -> GroupPresence:
    max_domains = np.full_like(form.max_domains, UNLIMITED)
    may_share = np.ones((len(form.group_names),) * 2, bool)
    for limit in kept:
        if limit.kind is Kind.DOMAINS:
            max_domains[limit.index] = form.max_domains[limit.index] + more.get(limit, 0)
        else:
            may_share[limit.index, limit.other] = may_share[limit.other, limit.index] = False
    apart = not may_share.all()
    return replace(form, max_domains=max_domains, may_share=may_share if apart else None)


def _enough_bins(compiled: Compiled, form: Packing) -> Ints:
    """Return so many bins that all jobs fit whole on any one rack, (R,)."""
    slots = compiled.units.most @ form.size + form.size.max(initial=0)
    return np.asarray(-(-slots[form.kind_of_rack] // form.bin_size) + compiled.num_jobs)
