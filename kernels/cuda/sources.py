"""The CUDA sources of this folder, and the signatures of the kernels in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
_INCLUDE = re.compile(r'^#include "([\w.]+)"$', re.MULTILINE)
_KERNEL = re.compile(
    r'extern "C" __global__ void\s+(?:__launch_bounds__\(\w+\)\s+)?(\w+)\s*\(([^)]*)\)', re.DOTALL
)
_TYPES: dict[str, str] = {
    "int": "int32",
    "long long": "int64",
    "i64": "int64",
    "unsigned char": "uint8",
    "unsigned": "uint32",
}
DTYPES = {name: np.dtype(name) for name in _TYPES.values()}
_LIMITS = {name: (int(np.iinfo(name).min), int(np.iinfo(name).max)) for name in DTYPES}


class ArgumentError(TypeError):
    """A kernel was launched with an argument that its signature does not take."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kernel."""

    name: str
    dtype: str  # of NumPy
    is_pointer: bool


@dataclass(frozen=True)
class Kernel:
    """A kernel and where it stands."""

    name: str
    file: str
    parameters: tuple[Parameter, ...]


def text_of(file: str, folder: Path = FOLDER) -> str:
    """Return a source with its own headers written out in their places."""
    source = (folder / file).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda match: (folder / match[1]).read_text(encoding="utf-8"), source)


def parse(source: str, file: str) -> dict[str, Kernel]:
    """Return the kernels of a source by name."""
    found = {}
    for name, parameters in _KERNEL.findall(re.sub(r"//[^\n]*", "", source)):
        declared = [" ".join(each.split()) for each in parameters.split(",") if each.strip()]
        found[name] = Kernel(name, file, tuple(map(_parameter, declared)))
    return found


@cache
def kernels(folder: Path = FOLDER) -> dict[str, Kernel]:
    """Return all kernels by name."""
    found: dict[str, Kernel] = {}
    for path in sorted(folder.glob("*.cu")):
        found |= parse(path.read_text(encoding="utf-8"), path.name)
    return found


def check_arguments(kernel: Kernel, arguments: list[Any] | tuple[Any, ...]) -> None:
    """Raise if arguments do not fit the signature: number, type of numbers, order, range.

    A wrong type of a scalar is silent on the device: it would read other bits.

    Raises
    ------
    ArgumentError
        Names kernel, argument, what its signature takes and what it got.
    """
    if len(arguments) != len(kernel.parameters):
        expected, got = len(kernel.parameters), len(arguments)
        raise ArgumentError(f"kernel {kernel.name}: expected {expected} arguments, got {got}")
    for n, (parameter, argument) in enumerate(zip(kernel.parameters, arguments, strict=True)):
        if parameter.is_pointer:
            dtype = getattr(argument, "dtype", None)
            if dtype != DTYPES[parameter.dtype]:
                raise ArgumentError(
                    f"{_place(kernel, n)}: expected an array of {parameter.dtype}, got "
                    f"{type(argument).__name__ if dtype is None else f'one of {dtype}'}"
                )
            if not argument.flags.c_contiguous:
                raise ArgumentError(
                    f"{_place(kernel, n)}: expected an array in C order, got a strided one"
                )
        else:
            if not isinstance(argument, int) or isinstance(argument, bool):
                raise ArgumentError(
                    f"{_place(kernel, n)}: expected an integer, got {type(argument).__name__}"
                )
            least, most = _LIMITS[parameter.dtype]
            if not least <= argument <= most:
                raise ArgumentError(
                    f"{_place(kernel, n)}: expected {parameter.dtype}, got {argument}"
                )


def _place(kernel: Kernel, n: int) -> str:
    return f"kernel {kernel.name}: argument {n} ({kernel.parameters[n].name})"


def _parameter(declared: str) -> Parameter:
    text = declared.replace("__restrict__", "").replace("const ", "")
    is_pointer = "*" in text
    kind, _, name = text.replace("*", " ").rstrip().rpartition(" ")
    return Parameter(name, _TYPES[kind.strip()], is_pointer)
