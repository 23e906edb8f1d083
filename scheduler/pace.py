"""How often something that takes long is done, and how long it is expected to take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """Keeps repeated work to a share of the time, once it has been done for the first time.

    Parameters
    ----------
    guess_s
        How long the work is taken to last until it has been timed.
    share
        Of the time since the work was last done that doing it again may take.
    """

    def __init__(self, guess_s: float, share: float = 0.1) -> None:
        self.longest_s = guess_s
        self._share = share
        self._was_done = False
        self._next = time.monotonic()

    def due(self) -> bool:
        """Whether the work may be done now."""
        return time.monotonic() >= self._next

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Do the work inside: the first time replaces the guess, the longest is remembered."""
        began = time.monotonic()
        yield
        ended = time.monotonic()
        took_s = ended - began
        self.longest_s = max(took_s, self.longest_s) if self._was_done else took_s
        self._was_done = True
        self._next = ended + took_s / self._share
