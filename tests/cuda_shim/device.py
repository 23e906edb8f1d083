"""A device that is this machine's CPU: kernels compiled by g++ through ``cuda_on_cpu.h``."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kernels.cuda import sources
from kernels.cuda.device import Buffer

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
PLAIN = ("-O1", "-g1")
SANITIZED = ("-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
POISON = 0xCD  # of fresh memory


class KernelError(RuntimeError):
    """A kernel did what no kernel may do."""


@cache
def compiler() -> str | None:
    """Return the path of g++, None if there is none."""
    return shutil.which("g++")


@cache
def library(flags: tuple[str, ...] = PLAIN, folder: Path = sources.FOLDER) -> ctypes.CDLL:
    """Compile all kernels of a folder, once for each content."""
    built = build(flags, folder)
    return ctypes.CDLL(str(built))


def build(flags: tuple[str, ...], folder: Path = sources.FOLDER) -> Path:
    """Return a shared library of all kernels of a folder."""
    unit = [f'#include "{HEADER}"', *(f'#include "{each}"' for each in sorted(folder.glob("*.cu")))]
    unit += [f"EXPORT_KERNEL({name})" for name in sources.kernels(folder)]
    hashed = hashlib.sha256("\n".join((*unit, *flags)).encode())
    for path in (HEADER, *sorted(folder.glob("*.cu*"))):
        hashed.update(path.read_bytes())
    cache_folder = Path(tempfile.gettempdir()) / f"rackwatt-cuda-on-cpu-{os.getuid()}"
    cache_folder.mkdir(mode=0o700, exist_ok=True)
    target = cache_folder / f"{hashed.hexdigest()[:24]}.so"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=cache_folder) as scratch:
            unit_path, made = Path(scratch) / "unit.cpp", Path(scratch) / "unit.so"
            unit_path.write_text("\n".join(unit) + "\n", encoding="utf-8")
            command = [
                *(str(compiler()), "-std=c++17", "-shared", "-fPIC", "-Wall", "-Werror"),
                *("-fno-strict-aliasing", "-Wno-unknown-pragmas", "-Wno-unused-function"),
                *(*flags, "-o", str(made), str(unit_path)),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise KernelError(done.stderr)
            made.rename(target)
    return target


class ShimDevice:
    """The CPU as a device; `order` is the order in which threads and blocks run."""

    name = "this CPU, thread by thread"

    def __init__(
        self,
        order: int = 0,
        flags: tuple[str, ...] = PLAIN,
        folder: Path = sources.FOLDER,
    ) -> None:
        self.order = order
        self.launches = 0
        self._kernels = sources.kernels(folder)
        self._library = library(flags, folder)

    def put(self, array: NDArray[Any]) -> Buffer:
        """Copy an array."""
        return np.array(array, order="C")

    def update(self, buffer: Buffer, array: NDArray[Any]) -> None:
        """Copy an array into the front of a buffer."""
        assert buffer.dtype == array.dtype
        buffer.reshape(-1)[: array.size] = array.reshape(-1)

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> Buffer:
        """Return poisoned memory."""
        fresh = np.empty(shape, dtype)
        fresh.view(np.uint8).fill(POISON)
        return fresh

    def fill(self, buffer: Buffer, byte: int) -> None:
        """Set every byte of a buffer."""
        buffer.view(np.uint8).fill(byte)

    def get(self, buffer: Buffer) -> NDArray[Any]:
        """Copy a buffer back."""
        return np.array(buffer)

    def launch(
        self,
        kernel: str,
        blocks: int,
        threads: int,
        arguments: Sequence[Buffer | int],
        shared_bytes: int = 0,
    ) -> None:
        """Run a kernel to its end, after its arguments were checked."""
        signature = self._kernels[kernel]
        sources.check_arguments(signature, tuple(arguments))
        kinds = {"int32": ctypes.c_int32, "int64": ctypes.c_int64}
        held = [
            kinds[parameter.dtype](argument)
            if isinstance(argument, int)
            else ctypes.c_void_p(argument.ctypes.data)
            for parameter, argument in zip(signature.parameters, arguments, strict=True)
        ]
        pointers = (ctypes.c_void_p * len(held))(*(ctypes.addressof(each) for each in held))
        function = getattr(self._library, f"launch_{kernel}")
        function.restype = ctypes.c_char_p
        self.launches += 1
        wrong = function(
            blocks, threads, ctypes.c_size_t(shared_bytes), pointers, ctypes.c_uint(self.order)
        )
        if wrong:
            raise KernelError(f"kernel {kernel}: {wrong.decode()}")

    def recorded(self, steps: Callable[[], None]) -> Callable[[], None]:
        """Return the steps themselves."""
        return steps
