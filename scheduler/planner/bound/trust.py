"""A trust region for prices: the next ones stay near the best so far (Marsten's boxstep, 1975).

With few columns the master's prices are wild, and what groups answer to wild prices is of no use
near good ones. In the master, a price may not exceed ``p + d`` if room can be bought at ``p + d``,
nor fall below ``p - d`` if room can be sold at that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Ints
from scheduler.planner.program import FREE, Arrays

PRECISION = 2**18  # trades are in packs of which the price is an integer of about this size
MOST_PACK = 2.0**36
FLOOR = 0.5  # of the value that a row would have if it were the only one: free to gain a price
WIDEST, NARROWEST = 0.5, 0.004


@dataclass
class Trust:
    """A box around the prices of some rows, as wide as past steps have earned."""

    rows: Ints  # rows of the rest that have a box
    width: float = 0.16  # relative

    def learn(self, *, better: bool) -> None:
        """Widen the box after a better bound, narrow it after none."""
        factor = 1.5 if better else 0.8
        self.width = float(np.clip(self.width * factor, NARROWEST, WIDEST))

    def widen(self) -> bool:
        """Widen the box by much, unless it is as wide as can be; whether it was."""
        wider = self.width < WIDEST
        self.width = min(4 * self.width, WIDEST)
        return wider

    def boxed(self, master: Arrays, prices: NDArray[np.float64], value: float) -> Arrays:
        """Return the master with columns that buy and sell room; `value` is the bound's."""
        side = np.maximum(master.row_high[self.rows], 1).astype(np.float64)
        fits = master.row_high[self.rows] < FREE
        rows, price = self.rows[fits], np.maximum(prices[self.rows[fits]], 0.0)
        reach = self.width * np.maximum(price, FLOOR * abs(value) / side[fits])
        bought, cost = _packs(price + reach)
        sold, gain = _packs(np.maximum(price - reach, 0.0))
        sells = gain > 0
        return _with_columns(
            master,
            np.concatenate((rows, rows[sells])),
            np.concatenate((-bought, sold[sells])),
            np.concatenate((-cost, gain[sells])),
        )


def _packs(price: NDArray[np.float64]) -> tuple[Ints, Ints]:
    """Return the size of a pack and its price, both integers, close to `price` per unit."""
    wanted = PRECISION / np.maximum(price, PRECISION / MOST_PACK)
    pack = 2.0 ** np.ceil(np.log2(np.maximum(wanted, 1.0)))
    return pack.astype(np.int64), np.rint(pack * price).astype(np.int64)


def _with_columns(master: Arrays, row: Ints, value: Ints, gain: Ints) -> Arrays:
    """Return `master` with more columns of one entry each."""
    count = len(row)
    rows = np.append(np.repeat(np.arange(master.num_rows), np.diff(master.start)), row)
    columns = np.append(master.column, master.num_columns + np.arange(count))
    order = np.argsort(rows, kind="stable")
    return replace(
        master,
        low=np.append(master.low, np.zeros(count, np.int64)),
        high=np.append(master.high, np.full(count, FREE)),
        gain=np.append(master.gain, gain),
        start=np.searchsorted(rows[order], np.arange(master.num_rows + 1)),
        column=columns[order],
        value=np.append(master.value, value)[order],
    )
