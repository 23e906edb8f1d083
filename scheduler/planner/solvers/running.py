"""What all solves share: outcomes, and a thread that can be stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from kernels.forms import Ints

POLL_S = 0.05

Stop = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an integer solve found."""

    x: Ints | None
    objective: int | None
    bound: int | None  # no solution is better than this
    optimal: bool  # within the gap that was asked for
    infeasible: bool


def run_until(run: Callable[[], None], stop: Stop, interrupt: Callable[[], None] | None) -> None:
    """Run in a thread, so that this one stays free to see `stop` and signals.

    What cannot be interrupted is abandoned: the thread ends by itself or with the process.
    """
    failure: list[BaseException] = []

    def guarded() -> None:
        try:
            run()
        except BaseException as error:  # raised again below, in the caller's thread
            failure.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_S)
        if stop():
            if interrupt is None:
                return
            interrupt()
    if failure:
        raise failure[0]
