"""Watches a solve: signals stop it, progress is shown, every checked plan goes to disk at once."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import inf
from types import FrameType
from typing import TYPE_CHECKING, Protocol, TypeVar

from scheduler.cli.console import INTERRUPTED, errors
from scheduler.pace import Pace
from scheduler.words import money, percent

if TYPE_CHECKING:
    from scheduler.solve import Progress, Solution

T = TypeVar("T")

LOOK_EVERY_S = 0.1
SAVE_EVERY_S = 1.0  # at most; less often where saving takes long, see `Pace`
LINE_EVERY_S = 2.0
FIGURES_PER_CHECK = 3.0  # what the last figures of a plan take, in times of its check


class Recorder:
    """The planner's watch: remembers the latest news. The main thread shows and saves it.

    `saving` says how long saving a plan takes.
    """

    def __init__(self, saving: Pace | None = None) -> None:
        self.saving = saving or Pace(0.0)
        self.latest: Progress | None = None
        self._latest_at = 0.0
        self.best: Solution | None = None
        self._stop = threading.Event()

    def progress(self, progress: Progress) -> None:
        """Remember how far the planner is."""
        self.latest, self._latest_at = progress, time.monotonic()

    def now(self) -> Progress | None:
        """The latest news, its clock moved on to this moment."""
        if self.latest is None:
            return None
        elapsed_s = self.latest.elapsed_s + time.monotonic() - self._latest_at
        return dataclasses.replace(self.latest, elapsed_s=elapsed_s)

    def incumbent(self, solution: Solution) -> None:
        """Remember a better plan that passed the check."""
        self.best = solution

    def stopped(self) -> bool:
        """Whether the planner should return its best plan now."""
        return self._stop.is_set()

    def reserve_s(self) -> float:
        """Seconds that saving the last plan will take."""
        return self.saving.longest_s

    def is_time_to_save(self) -> bool:
        """Whether a plan can be saved now without taking the last one's time."""
        news = self.now()
        left_s = inf if news is None else news.time_limit_s - news.elapsed_s
        return self.saving.due() and left_s >= 2 * self.saving.longest_s

    def stop(self) -> None:
        """Ask the planner to return."""
        self._stop.set()


class Reserving:
    """A watch that keeps time for what comes after the search: last figures, saving, reasons.

    Parameters
    ----------
    always_s
        Kept in any case.
    unmet_s
        Kept while firm contracts are unmet: time to say why.
    """

    def __init__(self, recorder: Recorder, *, always_s: float, unmet_s: float) -> None:
        self._recorder = recorder
        self._always_s, self._unmet_s = always_s, unmet_s

    def progress(self, progress: Progress) -> None:
        """Hand on how far the planner is."""
        self._recorder.progress(progress)

    def incumbent(self, solution: Solution) -> None:
        """Hand on a better plan."""
        self._recorder.incumbent(solution)

    def stopped(self) -> bool:
        """Whether the planner should return now."""
        return self._recorder.stopped()

    def reserve_s(self) -> float:
        """Seconds to keep, as things stand."""
        news = self._recorder.latest
        best = self._recorder.best
        figures_s = 0.0 if best is None else FIGURES_PER_CHECK * best.phases_s["check"]
        unmet_s = self._unmet_s if news is not None and news.unmet_firm_gpus > 0 else 0.0
        return self._recorder.reserve_s() + figures_s + self._always_s + unmet_s


class Display(Protocol):
    """Shows progress on stderr."""

    def show(self, progress: Progress) -> None:
        """Show the latest news; called often."""
        ...


def watched(
    solve: Callable[[Recorder], T],
    save: Callable[[Solution], None],
    display: AbstractContextManager[Display],
    save_guess_s: float = 0.0,
) -> tuple[T, bool]:
    """Run `solve` in a thread of its own; return its result and whether a signal stopped it.

    The main thread stays free for signals: SIGINT and SIGTERM ask the planner to stop; a second
    one leaves at once with what is on disk. It saves a better plan when it comes, but waits
    `SAVE_EVERY_S` between two, and longer if saving takes long: `save_guess_s`, until one has been
    timed. If saving fails, the planner is stopped and the error raised.
    """
    recorder = Recorder(Pace(save_guess_s))
    with stopping(recorder), display as shown, ThreadPoolExecutor(1) as pool:
        solving = pool.submit(solve, recorder)
        try:
            saved, saved_at = None, -SAVE_EVERY_S
            while wait({solving}, timeout=LOOK_EVERY_S).not_done:
                progress = recorder.now()
                if progress is not None:
                    shown.show(progress)
                best, now = recorder.best, time.monotonic()
                is_due = now - saved_at >= SAVE_EVERY_S and recorder.is_time_to_save()
                if best is not None and best is not saved and is_due:
                    with recorder.saving.timed():
                        save(best)
                    saved, saved_at = best, time.monotonic()
            return solving.result(), recorder.stopped()
        finally:
            recorder.stop()


def display_on_stderr(seconds: float) -> AbstractContextManager[Display]:
    """Return a progress bar on a terminal, plain lines elsewhere."""
    console = errors()
    return _bar(seconds) if console.is_terminal else nullcontext(Lines())


class Lines:
    """Plain lines: one when the phase changes, otherwise at most one each `LINE_EVERY_S`."""

    def __init__(self) -> None:
        self._phase, self._at = "", -LINE_EVERY_S

    def show(self, progress: Progress) -> None:
        """Print a line if one is due."""
        now = time.monotonic()
        if progress.phase == self._phase and now - self._at < LINE_EVERY_S:
            return
        self._phase, self._at = progress.phase, now
        left_s = max(0.0, progress.time_limit_s - progress.elapsed_s)
        line = f"{progress.phase}: {news(progress)}, {left_s:.0f} s left"
        print(
            f"[{progress.elapsed_s:6.1f} s] {line}",
            file=sys.stderr,
            flush=True,
        )


def news(progress: Progress) -> str:
    """Return best plan, bound and gap in words."""
    if progress.margin_mills is None:
        return "no plan yet"
    parts = [f"best {money(progress.margin_mills)}"]
    if progress.violation:
        parts.append(f"violation {progress.violation:,}")
    if progress.unmet_firm_gpus:
        parts.append(f"unmet firm {progress.unmet_firm_gpus:,} GPUs")
    if progress.bound_mills is not None:
        parts += [f"bound {money(progress.bound_mills)}", f"gap {percent(progress.gap)}"]
    return ", ".join(parts)


@contextmanager
def _bar(seconds: float) -> Iterator[Display]:
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.fields[phase]:<10}", markup=False),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[news]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
    )
    with Bar(*columns, console=errors(), transient=True) as bar:
        task = bar.add_task("", total=seconds, phase="reading", news="", left="")

        class Painted:
            def show(self, progress: Progress) -> None:
                left_s = max(0.0, progress.time_limit_s - progress.elapsed_s)
                bar.update(
                    task,
                    total=progress.time_limit_s,
                    completed=min(progress.elapsed_s, progress.time_limit_s),
                    phase=progress.phase,
                    news=news(progress),
                    left=f"{left_s:.0f} s left",
                )

        yield Painted()


@contextmanager
def stopping(recorder: Recorder) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the planner while the block runs."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if recorder.stopped():
            os._exit(INTERRUPTED)
        recorder.stop()

    numbers = (signal.SIGINT, signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
