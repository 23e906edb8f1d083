"""Families on a device: candidates whose labels are alike, numbered and brought together."""

from __future__ import annotations

import numpy as np

from kernels.cuda.device import Buffer
from kernels.cuda.resident import Resident
from kernels.cuda.sweep_asked import Asked
from kernels.forms import NONE, Ints

CLASS_COLUMNS = 2  # of the labels: job type and units


class SweepFamilies:
    """The classes and families of one sweep.

    Their numbers depend on the order in which threads run; what is found for a candidate does not.
    """

    def __init__(self, resident: Resident, asked: Asked, labels: Buffer) -> None:
        device, count = resident.device, asked.count
        columns = labels.size // count
        counters = device.empty(2, np.int32)
        device.fill(counters, 0)
        self.class_leader, self.class_number, self.class_example = self._numbered(
            asked, labels, CLASS_COLUMNS, counters[:1]
        )
        leader, number, self.example = self._numbered(asked, labels, columns, counters[1:])
        self.family = device.empty(count, np.int32)  # (N,)
        members = device.empty(count, np.int32)
        device.fill(members, 0)
        asked.launch("count_members", count, leader, number, count, self.family, members)
        self.classes, self.count = device.get(counters).tolist()
        ends = np.cumsum(device.get(members[: self.count]), dtype=np.int64)
        self.start: Ints = np.concatenate((np.zeros(1, np.int64), ends))  # (F + 1,)
        cursor = resident.put(self.start[:-1].astype(np.int32))
        self.order = device.empty(count, np.int32)  # (N,) candidates by family
        asked.launch("place_members", count, self.family, count, cursor, self.order)

    def _numbered(
        self, asked: Asked, labels: Buffer, columns: int, counter: Buffer
    ) -> tuple[Buffer, Buffer, Buffer]:
        """Return the leader of every candidate, the number of every leader, leaders by number."""
        device, count = asked.device, asked.count
        size = 1 << (2 * count).bit_length()  # at most half of the slots are ever taken
        slots = device.empty(size, np.int32)
        device.fill(slots, 0xFF)
        assert NONE == -1, "a slot without a candidate is all ones"
        leader, number, example = (device.empty(count, np.int32) for _ in range(3))
        asked.launch("find_leaders", count, labels, columns, count, slots, size, leader)
        asked.launch("number_leaders", count, leader, count, counter, number, example)
        return leader, number, example
