"""What the kernels of each form read and no plan changes."""

from __future__ import annotations

import numpy as np

from kernels.cuda.device import Buffer
from kernels.cuda.resident import Resident
from kernels.forms import AssignmentCost, Form, GroupCount, GroupPresence, Packing

_NAMES: dict[type, tuple[str, ...]] = {
    Packing: ("bin_size", "bins"),
    GroupCount: ("limit",),
    GroupPresence: ("max_domains", "free_domains", "price_mills"),
    AssignmentCost: ("cost_mills", "kind_of_rack", "value_mills", "firm_gpus"),
}


def constants_of(resident: Resident, form: Form) -> dict[str, Buffer]:
    """Copy the arrays of a form to the device, by the names of its fields."""
    put = resident.put
    constant = {name: put(getattr(form, name)) for name in _NAMES.get(type(form), ())}
    if isinstance(form, AssignmentCost):
        constant["allowed"] = put(form.allowed.astype(np.uint8))
        order = np.lexsort((form.home_rack, form.home_job))  # kernels look homes up
        for name in ("home_job", "home_rack", "home_units", "move_mills"):
            constant[name] = put(getattr(form, name)[order])
    elif isinstance(form, GroupPresence):
        foes = np.zeros((len(form.max_domains),) * 2, bool)
        if form.may_share is not None:
            foes = ~form.may_share
        constant["are_foes"] = put(foes.astype(np.uint8))
        constant["foe"] = put(np.nonzero(foes)[1].astype(np.int32))  # by group, ascending
        constant["foe_start"] = put(np.append(0, np.cumsum(foes.sum(axis=1))).astype(np.int64))
    return constant
