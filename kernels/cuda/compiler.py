"""From CUDA source to a binary by NVRTC, which needs no device, with a cache on disk.

A cache entry is named after everything that it depends on: the source with its headers, the
options, the architecture and the compiler's version. A checksum lies beside it, so that a damaged
or foreign file is compiled anew instead of being run.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARCHITECTURES = ("80", "90", "100", "120")
OPTIONS = ("--std=c++17", "--ptxas-options=-v")
NO_CACHE_SINCE = (13, 0)  # NVRTC with a cache of its own, which keeps no log


class CompileError(RuntimeError):
    """NVRTC refused a source; the message is its log."""


@dataclass(frozen=True)
class Compiled:
    """A binary for one architecture, and what the compiler said about registers and spills."""

    binary: bytes
    log: str


def nvrtc() -> Any:
    """Return CuPy's NVRTC, which works without a device.

    Raises
    ------
    ImportError
        CuPy or NVRTC is not installed.
    """
    return importlib.import_module("cupy.cuda").nvrtc


def compile_source(source: str, name: str, architecture: str) -> Compiled:
    """Compile a source, headers written out, for one architecture such as "90"."""
    compiler = nvrtc()
    program = compiler.createProgram(source, name, (), ())
    try:
        options = [*OPTIONS, f"--gpu-architecture=sm_{architecture}"]
        if compiler.getVersion() >= NO_CACHE_SINCE:
            options.append("--no-cache")
        try:
            compiler.compileProgram(program, tuple(options))
        except compiler.NVRTCError as error:
            log = compiler.getProgramLog(program)
            raise CompileError(f"{name} for sm_{architecture}: {error}\n{log}") from error
        return Compiled(compiler.getCUBIN(program), compiler.getProgramLog(program))
    finally:
        compiler.destroyProgram(program)


def binary_of(source: str, name: str, architecture: str, folder: Path | None = None) -> Path:
    """Return the file with the binary of a source, from the cache if it holds just this one."""
    folder = cache_folder() if folder is None else folder
    path = folder / f"{entry_name(source, architecture)}.cubin"
    if not _is_whole(path):
        binary = compile_source(source, name, architecture).binary
        try:
            _write(path, binary)
        except OSError:  # a cache that cannot be written is no mistake
            path = Path(tempfile.mkdtemp(prefix="rackwatt-")) / path.name
            _write(path, binary)
    return path


def entry_name(source: str, architecture: str) -> str:
    """Return the name of a cache entry: a hash of all that its contents depend on."""
    version = ".".join(map(str, nvrtc().getVersion()))
    parts = (source, *OPTIONS, architecture, version)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def cache_folder() -> Path:
    """Return where binaries are kept: $RACKWATT_CACHE, else the user's cache folder."""
    given = os.environ.get("RACKWATT_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rackwatt"


def _is_whole(path: Path) -> bool:
    """Return whether an entry is there and is what was written."""
    try:
        checksum = path.with_suffix(".sha256").read_text(encoding="ascii")
        return hashlib.sha256(path.read_bytes()).hexdigest() == checksum
    except (OSError, UnicodeDecodeError):
        return False


def _write(path: Path, binary: bytes) -> None:
    """Write an entry whole or not at all, its checksum last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    checksum = hashlib.sha256(binary).hexdigest().encode("ascii")
    for target, content in ((path, binary), (path.with_suffix(".sha256"), checksum)):
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
        Path(file.name).replace(target)
