"""What kernels need of a machine: memory, launches, and a way to replay a fixed sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

Buffer = Any  # an array on the device, with dtype, size and C order


class Device(Protocol):
    """A machine that runs the kernels of `kernels.cuda`."""

    @property
    def name(self) -> str:
        """The device in words."""
        ...

    def put(self, array: NDArray[Any]) -> Buffer:
        """Copy an array to the device."""
        ...

    def update(self, buffer: Buffer, array: NDArray[Any]) -> None:
        """Copy an array into the front of a buffer."""
        ...

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> Buffer:
        """Return memory with unknown contents."""
        ...

    def fill(self, buffer: Buffer, byte: int) -> None:
        """Set every byte of a buffer."""
        ...

    def get(self, buffer: Buffer) -> NDArray[Any]:
        """Copy a buffer back."""
        ...

    def launch(
        self,
        kernel: str,
        blocks: int,
        threads: int,
        arguments: Sequence[Buffer | int],
        shared_bytes: int = 0,
    ) -> None:
        """Run a kernel, after its arguments were checked against its signature."""
        ...

    def recorded(self, steps: Callable[[], None]) -> Callable[[], None]:
        """Return a way to repeat a fixed sequence of fills and launches at least cost."""
        ...


THREADS = 256  # of a block, unless a kernel says otherwise


def blocks_for(items: int, threads: int = THREADS) -> int:
    """Return the blocks that give every item a thread, one at least."""
    return max(1, -(-items // threads))


def at_least_one(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array, or one zero where it is empty: a device has no empty arrays."""
    return array if array.size else np.zeros(1, array.dtype)
