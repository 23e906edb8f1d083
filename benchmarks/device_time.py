"""How long the kernels of a run take on the GPU itself, without what the host does around them."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable
from typing import Any


def kernel_seconds(device: Any, run: Callable[[], object]) -> dict[str, float]:
    """Return the seconds of each kernel that `run` launches one by one, by name.

    Every launch is waited for, so `run` itself takes longer than usual. Kernels of a recorded
    sequence are launched together and are not seen.
    """
    cupy: Any = importlib.import_module("cupy")
    seconds: Counter[str] = Counter()
    launch = device.launch

    def timed(kernel: str, *arguments: Any, **options: Any) -> None:
        began, ended = cupy.cuda.Event(), cupy.cuda.Event()
        began.record(device.stream)
        launch(kernel, *arguments, **options)
        ended.record(device.stream)
        ended.synchronize()
        seconds[kernel] += cupy.cuda.get_elapsed_time(began, ended) / 1000

    device.launch = timed
    try:
        run()
    finally:
        del device.launch
    return dict(seconds)
