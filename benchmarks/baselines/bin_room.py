"""What is left of the bins (nodes) of every rack."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from kernels.forms import NONE, Ints, Packing


class BinRoom:
    """Free bins of every rack, and the slots that each group has in its own, last bin."""

    def __init__(self, form: Packing) -> None:
        self.form = form
        self.free = form.bins.copy()
        self.slots: defaultdict[int, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))

    def fit(self, job: int) -> Ints:
        """Units of `job` that every rack could take, (R,)."""
        form, group = self.form, int(self.form.group_of_job[job])
        size = np.maximum(form.size[job, form.kind_of_rack], 1)
        if group == NONE:
            return np.asarray(form.bins * form.bin_size // size)
        free_slots = self.free * form.bin_size
        own = self.slots[group]
        racks = np.fromiter(own.keys(), np.int64, len(own))
        free_slots[racks] += -np.fromiter(own.values(), np.int64, len(own)) % form.bin_size[racks]
        return np.asarray(free_slots // size)

    def fit_one(self, job: int, rack: int) -> int:
        """Units of `job` that `rack` could take."""
        form, group = self.form, int(self.form.group_of_job[job])
        size = max(1, int(form.size[job, form.kind_of_rack[rack]]))
        bin_size = int(form.bin_size[rack])
        if group == NONE:
            return int(form.bins[rack]) * bin_size // size
        own = self.slots[group].get(rack, 0)
        return (int(self.free[rack]) * bin_size + -own % bin_size) // size

    def add(self, job: int, rack: int, units: int) -> None:
        """Take the slots, and the bins that they newly fill or give back."""
        form, group = self.form, int(self.form.group_of_job[job])
        if group == NONE:
            return
        bin_size, own = int(form.bin_size[rack]), self.slots[group]
        before = own[rack]
        own[rack] = before + units * int(form.size[job, form.kind_of_rack[rack]])
        self.free[rack] += -(-before // bin_size) - -(-own[rack] // bin_size)
        if not own[rack]:
            del own[rack]
