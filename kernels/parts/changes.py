"""What a move changes, as three numbers or packed into one that is ordered alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kernels.forms import Ints

FARTHEST = 2**60  # no packed change of a move is larger than this
NOWHERE = 2**61  # stands for a rack that is no destination, whatever is added to it


class Changes(NamedTuple):
    """Score after less score before, of one shape; a number stands for all alike."""

    violation: Ints | int = 0
    unmet_firm_gpus: Ints | int = 0
    margin_mills: Ints | int = 0


@dataclass(frozen=True)
class Packing3:
    """Three changes in one integer: ``violation * A + unmet * B - margin``.

    The packed number is additive, and ordered like the three lexicographically as long as
    ``|margin| <= most_margin`` and ``|unmet| <= most_unmet`` for every sum that is compared:
    then ``B = 2 most_margin + 1`` and ``A = B (2 most_unmet + 1)`` keep the digits apart.
    """

    most_unmet: int
    most_margin: int

    @property
    def unmet_step(self) -> int:
        """B above."""
        return 2 * self.most_margin + 1

    @property
    def violation_step(self) -> int:
        """A above."""
        return self.unmet_step * (2 * self.most_unmet + 1)

    def holds(self, most_violation: int) -> bool:
        """Whether violations up to this one stay inside 64 bits."""
        return (most_violation + 1) * self.violation_step < FARTHEST

    def pack(self, changes: Changes) -> Ints:
        """Return the packed changes."""
        violation, unmet, margin = changes
        packed = violation * self.violation_step + unmet * self.unmet_step - margin
        return np.asarray(packed, np.int64)

    def unpack(self, packed: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the violation, unmet firm GPUs and margin that were packed."""
        violation = (packed + self.violation_step // 2) // self.violation_step
        rest = packed - violation * self.violation_step
        unmet = (rest + self.unmet_step // 2) // self.unmet_step
        return violation, unmet, unmet * self.unmet_step - rest
