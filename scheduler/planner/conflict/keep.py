"""The forms with only some of their limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
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
from scheduler.planner.conflict.limits import Kind, Limit, place_labels


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
