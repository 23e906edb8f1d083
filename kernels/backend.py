"""The seam between planner and machine: what a backend does, and which one runs."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterable
from typing import Any, Literal, Protocol

import numpy as np

from kernels.batch import MoveSets
from kernels.candidates import Candidates, Destinations
from kernels.cpu import NumpyBackend
from kernels.forms import Compiled, Ints, LinearLoad, Shards
from kernels.moves import Delta, Move, Workspace
from kernels.scenarios import Scenarios, ScenarioScores
from kernels.score import Score

BackendName = Literal["auto", "cpu", "cuda"]


class Evaluator(Protocol):
    """One compiled problem on one machine. Every backend gives the same integers."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know about how the answers came about, one line each."""
        ...

    def score(self, shards: Shards) -> Score:
        """Return the score of a plan, term by term."""
        ...

    def score_batch(self, base: Shards, move_sets: MoveSets) -> tuple[Ints, Ints, Ints]:
        """Return violation, unmet firm GPUs and margin of `base` after each set of moves, (P,).

        Plans travel as one base and what differs from it, never whole.
        """
        ...

    def score_scenarios(
        self, base: Shards, move_sets: MoveSets, scenarios: Scenarios
    ) -> ScenarioScores:
        """Return what `base` after each set of moves exceeds in every scenario."""
        ...

    def sweep(self, shards: Shards, candidates: Candidates, top: int = 1) -> Destinations:
        """Return the best `top` racks of every candidate."""
        ...

    def delta(self, shards: Shards, moves: Iterable[Move], /) -> Delta:
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


def select(name: BackendName = "auto") -> tuple[Backend, str]:
    """Return the backend to use and one line for people: which, and if not CUDA, why.

    Without a usable GPU `auto` and `cuda` fall back to the CPU, which gives the same results.
    """
    cpu = f"backend cpu (NumPy {np.__version__})"
    match name:
        case "cpu":
            return NumpyBackend(), f"{cpu}, as asked"
        case "auto" | "cuda":
            found = _cuda()
            if isinstance(found, str):
                return NumpyBackend(), f"{cpu}: {found}"
            return found, f"backend cuda ({found.device.name})"
    raise ValueError(f"backend: expected auto, cpu or cuda, got {name!r}")


def _cuda() -> Any:
    """Return the CUDA backend, or the reason why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CuPy warns where parts of CUDA are missing
            cupy = importlib.import_module("cupy")
    except ModuleNotFoundError:
        return "no CUDA, because CuPy is not installed (extra cuda12 or cuda13)"
    except Exception as error:  # a broken driver shows itself in many ways
        return f"no CUDA, because CuPy does not load ({_said(error)})"
    try:
        if not cupy.cuda.is_available():
            return "no CUDA, because there is no NVIDIA driver or GPU"
        backend = importlib.import_module("kernels.fallback").CudaBackend(
            importlib.import_module("kernels.cuda.cupy_device").CupyDevice()
        )
        if importlib.import_module("kernels.cuda.self_test").passes(backend.device):
            return backend
    except Exception as error:
        return f"no CUDA, because the GPU does not answer ({_said(error)})"
    return f"no CUDA, because the GPU ({backend.device.name}) scored a known plan wrongly"


def _said(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
