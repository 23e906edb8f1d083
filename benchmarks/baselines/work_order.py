"""Which job comes first: the same for every baseline, as the published rules say."""

from __future__ import annotations

import numpy as np

from kernels.forms import NONE, UNLIMITED, AssignmentCost, Bools, Compiled, Ints


def value_mills(compiled: Compiled) -> Ints:
    """Value of a unit that counts, (J,)."""
    return _over_costs(compiled, "value_mills")


def firm_gpus(compiled: Compiled) -> Ints:
    """GPUs of firm obligation that a unit that counts meets, (J,)."""
    return _over_costs(compiled, "firm_gpus")


def lies_inside(compiled: Compiled) -> Bools:
    """Jobs that take no bins, since they lie inside another job's, (J,)."""
    if compiled.packing is None:
        return np.zeros(compiled.num_jobs, bool)
    return np.asarray(compiled.packing.group_of_job == NONE)


def by_value_density(compiled: Compiled) -> Ints:
    """Firm obligations, then the most value per slot; among equals the largest first.

    A job inside another one comes after all that it could lie in.
    """
    size = np.ones(compiled.num_jobs, np.int64)
    if compiled.packing is not None:
        size = np.maximum(compiled.packing.size.min(axis=1, initial=UNLIMITED), 1)
    slots = size * np.maximum(compiled.units.counted_most, 1)
    density = value_mills(compiled) / size
    keys = (-slots, -density, lies_inside(compiled), firm_gpus(compiled) == 0)
    return np.lexsort(keys)


def _over_costs(compiled: Compiled, field: str) -> Ints:
    total = np.zeros(compiled.num_jobs, np.int64)
    for form in compiled.forms:
        if isinstance(form, AssignmentCost):
            total += getattr(form, field)
    return total
