"""Room to work in: compiled code allocates nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.forms import Ints
from scheduler.planner.fast.board import Board
from scheduler.planner.fast.columns import FOUND_COLUMNS, KIN

OLD, KEPT, BEST = 0, 1, 2  # plans


class Desk(NamedTuple):
    """Lists of what is looked at right now; their lengths are known to those who fill them."""

    found: Ints  # (R, columns)
    zone: Ints  # (labels, columns)
    block: Ints  # (B, columns)
    listed: Ints  # (J,) jobs that were ruined, then some that wait
    key: NDArray[np.float64]  # (J,) by which they are ordered
    order: Ints  # (J,)
    failed: Ints  # (kin,) slots of the smallest job that found no place
    plan: Ints  # (3, 3, N) before the step, before the kick, the best: jobs, racks, units
    length: Ints  # (3,) of these


def desk_of(board: Board) -> Desk:
    """Return an empty desk."""
    num_jobs, num_racks = len(board.job), len(board.rack) - 1
    labels, blocks = int(board.zone[:, -1].max(initial=1)), int(board.block[0]) - 1
    return Desk(
        found=np.zeros((num_racks, FOUND_COLUMNS), np.int64),
        zone=np.zeros((labels, FOUND_COLUMNS), np.int64),
        block=np.zeros((blocks, FOUND_COLUMNS), np.int64),
        listed=np.zeros(num_jobs, np.int64),
        key=np.zeros(num_jobs),
        order=np.zeros(num_jobs, np.int64),
        failed=np.zeros(int(board.job[:, KIN].max(initial=-1)) + 1, np.int64),
        plan=np.zeros((3, 3, len(board.shard)), np.int64),
        length=np.zeros(3, np.int64),
    )
