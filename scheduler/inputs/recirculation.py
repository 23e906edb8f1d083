"""Heat recirculation: how much of every rack's air heat reaches every inlet.

Tang, Gupta, Varsamopoulos, IEEE TPDS 19(11), 2008: with ``a[i, j]`` the share of rack i's outlet
heat that enters rack j's inlet and ``K`` the diagonal of airflow heat capacities in W/K,

    ``T_in = T_supply + D P``,   ``D = (K - A^T K)^-1 - K^-1``.

Without measured shares ``A`` is generated from the floor. All its constants are assumptions [A]:

    ``a[i, j] = r[i] * w[i, j] / sum_j w[i, j]``,   ``w = exp(-distance / 2.5 m) * aisle``

where ``aisle`` is 1 in the same hot aisle and 0.3 across aisles, and ``r`` is the share that comes
back at all: small where aisles are enclosed, larger at row ends. Shares are then scaled down where
more than half of an inlet's air would be exhaust, so that ``D`` exists and is not negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scheduler.inputs.expand_layout import ArrayPlan
from scheduler.model import RackType, Recirculation
from scheduler.model.units import NANO_PER_MILLI, PERMILLE, ceil_div, part

Floats = NDArray[np.float64]

RETURNED = {"aisle": (0.03, 0.06), "none": (0.20, 0.30)}  # [A] mid-row, row end
REACH_M = 2.5  # [A] 2 to 3 m
ACROSS_AISLE = 0.3  # [A]
MOST_EXHAUST = 0.5  # [A] of an inlet's air
RACK_PITCH_M = 0.6  # [A] width of a rack
FACING_M = 2.4  # [A] two rows that share a hot aisle: one rack depth and the aisle
ROW_PAIR_M = 5.4  # [A] from one hot aisle to the next
ENTRIES_PER_RACK = 16


@dataclass(frozen=True, slots=True)
class HallAir:
    """The matrix of a hall: its large entries, and what stands for the small ones."""

    entries: tuple[Recirculation, ...]
    raise_mk: int  # added to the supply temperature for the entries that are left out


@dataclass(frozen=True, slots=True)
class _Sparse:
    rack: tuple[int, ...]
    source: tuple[int, ...]
    nk_per_w: tuple[int, ...]
    raise_mk: int


def recirculation(arrays: Sequence[ArrayPlan], containment: str, basis: str) -> HallAir:
    """Return the matrix of a hall as integers, rounded up.

    The largest `ENTRIES_PER_RACK` entries of every rack are kept. The others are left out, and
    the supply temperature is raised by the most that they add to any inlet when all their
    sources run at full power: never too cold, whatever is placed.

    Parameters
    ----------
    arrays
        The arrays of the hall, with their seats.
    containment
        ``aisle`` or ``none``.
    basis
        Power basis that full power is taken from.
    """
    racks = [(seat, array.type) for array in arrays for seat in array.seats]
    floor = tuple((seat.row, seat.position, kind.air_w_per_k) for seat, kind in racks)
    air_w = tuple(_air_w(kind, basis) for _, kind in racks)
    sparse = _sparse(floor, air_w, containment)
    names = [seat.rack for seat, _ in racks]
    entries = tuple(
        Recirculation(rack=names[i], source=names[j], nk_per_w=amount)
        for i, j, amount in zip(sparse.rack, sparse.source, sparse.nk_per_w, strict=True)
    )
    return HallAir(entries, sparse.raise_mk)


def _air_w(kind: RackType, basis: str) -> int:
    return part(kind.full_w(basis), PERMILLE - kind.liquid_permille)


@lru_cache(maxsize=64)
def _sparse(
    floor: tuple[tuple[int, int, int], ...], air_w: tuple[int, ...], containment: str
) -> _Sparse:
    """Return the kept entries by index; halls that are alike share the work."""
    row, position, airflow = (np.array(column) for column in zip(*floor, strict=True))
    moves_air = np.flatnonzero(airflow > 0)
    if not len(moves_air):
        return _Sparse((), (), (), 0)
    airflow_w_per_k = airflow[moves_air].astype(np.float64)
    shares = generate_shares(row[moves_air], position[moves_air], airflow_w_per_k, containment)
    nk_per_w = np.ceil(heat_matrix(shares, airflow_w_per_k) * 1e9).astype(np.int64)
    kept = largest(nk_per_w, ENTRIES_PER_RACK)
    left_out = np.where(kept, 0, nk_per_w)
    raise_nk = int((left_out @ np.array(air_w, np.int64)[moves_air]).max())
    i, j = np.nonzero(kept & (nk_per_w > 0))
    return _Sparse(
        tuple(moves_air[i].tolist()),
        tuple(moves_air[j].tolist()),
        tuple(nk_per_w[i, j].tolist()),
        ceil_div(raise_nk, NANO_PER_MILLI),
    )


def generate_shares(
    row: NDArray[np.integer],
    position: NDArray[np.integer],
    airflow_w_per_k: Floats,
    containment: str,
) -> Floats:
    """Return ``A``: share of rack i's outlet heat that enters rack j's inlet, (R, R).

    Rows ``2 k`` and ``2 k + 1`` share a hot aisle. Afterwards ``sum_i a[i, j] K[i] <= K[j] / 2``.
    """
    x = position * RACK_PITCH_M
    y = (row // 2) * ROW_PAIR_M + (row % 2) * FACING_M
    distance_m = np.hypot(x[:, None] - x, y[:, None] - y)
    same_aisle = (row // 2)[:, None] == row // 2
    weight = np.exp(-distance_m / REACH_M) * np.where(same_aisle, 1.0, ACROSS_AISLE)
    middle, end = RETURNED[containment]
    returned = np.where(_is_row_end(row, position), end, middle)
    shares: Floats = returned[:, None] * weight / weight.sum(axis=1, keepdims=True)
    exhaust = airflow_w_per_k @ shares / airflow_w_per_k
    shares /= np.maximum(1.0, exhaust / MOST_EXHAUST)
    return shares


def heat_matrix(shares: Floats, airflow_w_per_k: Floats) -> Floats:
    """Return ``D = (K - A^T K)^-1 - K^-1`` in K/W; row: inlet, column: source, (R, R).

    Written as ``D = (K - A^T K)^-1 A^T``, which is the same without the difference of two nearly
    equal matrices, and clipped at 0.
    """
    capacity = np.diag(airflow_w_per_k)
    heat = np.linalg.solve(capacity - shares.T * airflow_w_per_k, shares.T)
    return np.asarray(np.maximum(heat, 0.0), np.float64)


def largest(matrix: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Mark the `count` largest entries of every row; among equals the first."""
    order = np.argsort(-matrix, axis=1, kind="stable")[:, :count]
    marked = np.zeros(matrix.shape, bool)
    np.put_along_axis(marked, order, True, axis=1)
    return marked


def _is_row_end(row: NDArray[np.integer], position: NDArray[np.integer]) -> NDArray[np.bool_]:
    is_end = np.zeros(len(row), bool)
    for each in np.unique(row):
        seats = np.flatnonzero(row == each)
        is_end[seats[position[seats].argmin()]] = True
        is_end[seats[position[seats].argmax()]] = True
    return is_end
