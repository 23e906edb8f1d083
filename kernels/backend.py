"""The seam between planner and machine: what a backend does, and which one runs.

The only module that imports cupy, and only when `select` looks for a GPU.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from kernels import moves, reference
from kernels.exactness import check_range
from kernels.forms import Compiled, Ints, LinearLoad, Shards
from kernels.moves import Delta, Move, Workspace
from kernels.score import Score

BackendName = Literal["auto", "cpu", "cuda"]


class Evaluator(Protocol):
    """One compiled problem on one machine. Every backend gives the same integers."""

    def score(self, shards: Shards) -> Score:
        """Return the score of a plan, term by term."""
        ...

    def score_batch(
        self, base: Shards, move_sets: Sequence[Iterable[Move]]
    ) -> tuple[Ints, Ints, Ints]:
        """Return violation, unmet firm GPUs and margin of `base` after each set of moves, (P,).

        Plans travel as one base and what differs from it, never whole.
        """
        ...

    def delta(self, shards: Shards, moves: Iterable[Move]) -> Delta:
        """Return what the moves, taken as one, change."""
        ...

    def start(self, shards: Shards) -> Workspace:
        """Return a workspace that tries and carries out moves from this plan on."""
        ...

    def headroom(self, form: LinearLoad, shards: Shards) -> Ints:
        """Return what is left below every limit of a form, in its unit, rounded down, (I,)."""
        ...


class Backend(Protocol):
    """A way to evaluate compiled problems."""

    @property
    def name(self) -> str:
        """What results call it."""
        ...

    def load(self, compiled: Compiled) -> Evaluator:
        """Take a compiled problem in.

        Raises
        ------
        RangeError
            A sum could reach 2^53 and would not be exact.
        """
        ...


@dataclass(frozen=True)
class NumpyEvaluator:
    """A compiled problem in NumPy: the reference itself, and workspaces for moves."""

    compiled: Compiled

    def score(self, shards: Shards) -> Score:
        """Return the score of a plan, term by term."""
        return reference.score(self.compiled, shards)

    def score_batch(
        self, base: Shards, move_sets: Sequence[Iterable[Move]]
    ) -> tuple[Ints, Ints, Ints]:
        """Return violation, unmet firm GPUs and margin after each set of moves, (P,) each."""
        return moves.score_batch(self.compiled, base, move_sets)

    def delta(self, shards: Shards, moves: Iterable[Move]) -> Delta:
        """Return what the moves change."""
        return self.start(shards).delta(moves)

    def start(self, shards: Shards) -> Workspace:
        """Return a workspace for moves from this plan on."""
        return Workspace(self.compiled, shards)

    def headroom(self, form: LinearLoad, shards: Shards) -> Ints:
        """Return what is left below every limit of a form, (I,)."""
        return reference.headroom(form, shards)


@dataclass(frozen=True)
class NumpyBackend:
    """The CPU."""

    name: str = "cpu"

    def load(self, compiled: Compiled) -> NumpyEvaluator:
        """Check that all sums stay exact and take the problem in."""
        check_range(compiled)
        return NumpyEvaluator(compiled)


def select(name: BackendName = "auto") -> tuple[Backend, str]:
    """Return the backend to use and one line for people: which, and if not CUDA, why.

    Without a usable GPU `auto` and `cuda` fall back to the CPU, which gives the same results.
    """
    cpu = f"backend cpu (NumPy {np.__version__})"
    match name:
        case "cpu":
            return NumpyBackend(), f"{cpu}, as asked"
        case "auto" | "cuda":
            return NumpyBackend(), f"{cpu}: {_why_not_cuda()}"
    raise ValueError(f"backend: expected auto, cpu or cuda, got {name!r}")


def _why_not_cuda() -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CuPy warns where parts of CUDA are missing
            cupy = importlib.import_module("cupy")
    except ModuleNotFoundError:
        return "no CUDA, because CuPy is not installed (extra cuda12 or cuda13)"
    except Exception as error:  # a broken driver shows itself in many ways
        return f"no CUDA, because CuPy does not load ({_first_line(error)})"
    try:
        if not cupy.cuda.is_available():
            return "no CUDA, because there is no NVIDIA driver or GPU"
        device = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    except Exception as error:
        return f"no CUDA, because the GPU does not answer ({_first_line(error)})"
    return f"the CUDA backend is not built yet, so the GPU found ({device}) is not used"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
