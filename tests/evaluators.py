"""The evaluators that tests compare: NumPy, the CUDA source on the CPU, a GPU if there is one."""

from __future__ import annotations

import importlib
import os
from functools import cache

import pytest

from kernels.backend import Evaluator
from kernels.cpu import NumpyBackend
from kernels.cuda.device import Device
from kernels.cuda.evaluator import CudaEvaluator
from kernels.forms import Compiled
from tests.cuda_shim.device import ShimDevice, compiler

REQUIRED = os.environ.get("RACKWATT_REQUIRE_CUDA_CHECKS") == "1"
ORDERS = (0, 1, 2, 3)  # in which threads run: forward, backward, two shuffles
NAMES = ("cpu", *(f"cuda on the CPU, order {order}" for order in ORDERS), "cuda")


def needs(there: bool, what: str) -> None:
    """Skip a test where something is missing; fail it where all checks are required."""
    if not there and REQUIRED:
        pytest.fail(f"{what} is missing, and RACKWATT_REQUIRE_CUDA_CHECKS asks for all checks")
    if not there:
        pytest.skip(f"{what} is missing")


@cache
def gpu() -> Device | None:
    """Return the GPU of this machine, None if there is none."""
    try:
        cupy = importlib.import_module("cupy")
        if not cupy.cuda.is_available():
            return None
    except ImportError:
        return None
    from kernels.cuda.cupy_device import CupyDevice

    return CupyDevice()


def device_named(name: str) -> Device:
    """Return a device that runs CUDA source; skip the test if this machine lacks it."""
    if name == "cuda":
        device = gpu()
        if device is None:
            pytest.skip("no GPU")
        return device
    needs(compiler() is not None, "g++")
    return ShimDevice(int(name.rpartition(" ")[2]))


def evaluator_named(name: str, compiled: Compiled) -> Evaluator:
    """Return an evaluator of a problem."""
    if name == "cpu":
        return NumpyBackend().load(compiled)
    return CudaEvaluator(compiled, device_named(name))
