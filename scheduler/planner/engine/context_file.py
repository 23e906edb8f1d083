"""The context of all workers on this machine: written once, mapped by each.

A file without a name holds the arrays one after another, and then the pickle that refers to
them. Workers map it read-only, so its arrays lie in memory once however many workers there are.
Nobody else can open it, and it is gone when the last process that holds it ends.
"""

from __future__ import annotations

import mmap
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

ALIGNMENT = 64  # bytes; as NumPy aligns its own arrays
CHUNK = 1 << 24  # bytes written between two looks at whether to go on


@dataclass(frozen=True)
class Layout:
    """Where in the file things lie, in bytes."""

    arrays: tuple[tuple[int, int], ...]  # (start, end)
    pickle: tuple[int, int]


def create() -> IO[bytes]:
    """Open a new file that has no name and is for its owner alone."""
    return tempfile.TemporaryFile()


def write(file: IO[bytes], context: object, stopped: Callable[[], bool]) -> Layout | None:
    """Write `context` and return where it lies, or None if `stopped` before the end."""
    buffers: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(context, protocol=5, buffer_callback=buffers.append)
    places = []
    for part in [*(buffer.raw() for buffer in buffers), memoryview(stream)]:
        start = -(-file.tell() // ALIGNMENT) * ALIGNMENT
        file.seek(start)
        for at in range(0, len(part), CHUNK):
            if stopped():
                return None
            file.write(part[at : at + CHUNK])
        places.append((start, start + len(part)))
    file.flush()
    return Layout(arrays=tuple(places[:-1]), pickle=places[-1])


def read(file_number: int, layout: Layout) -> object:
    """Map the file and return the context; its arrays are read-only views of the file."""
    whole = memoryview(mmap.mmap(file_number, 0, access=mmap.ACCESS_READ))
    views = [whole[start:end] for start, end in layout.arrays]
    return pickle.loads(whole[slice(*layout.pickle)], buffers=views)
