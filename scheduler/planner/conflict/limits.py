"""Limits: the parts of the forms that a person can name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

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
