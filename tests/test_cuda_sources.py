"""The CUDA source itself: signatures, compilation for every architecture, budgets, the cache."""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from kernels.cuda import compiler, sources
from kernels.cuda.sources import ArgumentError, Kernel, Parameter, check_arguments
from tests.cuda_shim.device import ShimDevice
from tests.cuda_shim.device import compiler as host_compiler
from tests.evaluators import needs

FOLDER = sources.FOLDER
FILES = sorted(path.name for path in FOLDER.glob("*.cu"))
BUDGETS = json.loads((FOLDER / "budgets.json").read_text(encoding="utf-8"))
SHARED_BYTES = {"80": 163 * 1024, "90": 227 * 1024, "100": 227 * 1024, "120": 99 * 1024}
USED = re.compile(
    r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, "
    r"(\d+) bytes spill loads.*?Used (\d+) registers(?:[^\n]*?(\d+) bytes smem)?",
    re.DOTALL,
)


def has_nvrtc() -> bool:
    try:
        compiler.nvrtc().getVersion()
    except Exception:  # CuPy or NVRTC is missing in one of many ways
        return False
    return True


def test_every_kernel_has_a_budget_and_every_budget_a_kernel() -> None:
    assert set(BUDGETS) == set(sources.kernels())


@pytest.mark.parametrize("architecture", compiler.ARCHITECTURES)
@pytest.mark.parametrize("file", FILES)
def test_kernels_compile_within_their_budgets(file: str, architecture: str) -> None:
    needs(has_nvrtc(), "NVRTC")
    done = compiler.compile_source(sources.text_of(file), file, architecture)
    assert "warning" not in done.log
    found = USED.findall(done.log)
    assert {name for name, *_ in found} == {
        name for name, kernel in sources.kernels().items() if kernel.file == file
    }
    for name, *numbers in found:
        stack, stores, loads, registers, shared = (int(number or 0) for number in numbers)
        assert (stack, stores, loads) == (0, 0, 0), f"{name} spills on sm_{architecture}"
        assert registers <= BUDGETS[name]["registers"], f"{name}: {registers} registers"
        assert shared + BUDGETS[name]["dynamic_shared_bytes"] <= SHARED_BYTES[architecture]


def test_a_source_that_does_not_compile_says_where() -> None:
    needs(has_nvrtc(), "NVRTC")
    with pytest.raises(compiler.CompileError, match=r"bad\.cu\(2\): error"):
        compiler.compile_source("int a;\nint b = c;\n", "bad.cu", "90")


def test_a_binary_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(has_nvrtc(), "NVRTC")
    source = 'extern "C" __global__ void one(int* x) { *x = 1; }\n'
    first = compiler.binary_of(source, "one.cu", "90", tmp_path)
    written = first.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(compiler, "compile_source", None)  # must not be called
        assert compiler.binary_of(source, "one.cu", "90", tmp_path) == first
    first.write_bytes(b"damaged")
    assert compiler.binary_of(source, "one.cu", "90", tmp_path).read_bytes() == written
    others = {
        compiler.binary_of(source, "one.cu", "80", tmp_path),
        compiler.binary_of(source.replace("= 1", "= 2"), "one.cu", "90", tmp_path),
    }
    assert first not in others
    assert len(others) == 2


def test_a_cache_that_cannot_be_written_is_no_mistake(tmp_path: Path) -> None:
    needs(has_nvrtc(), "NVRTC")
    (tmp_path / "file").write_text("no folder")
    source = 'extern "C" __global__ void one(int* x) { *x = 1; }\n'
    assert compiler.binary_of(source, "one.cu", "90", tmp_path / "file").exists()


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RACKWATT_CACHE", "/somewhere")
    assert compiler.cache_folder() == Path("/somewhere")
    monkeypatch.delenv("RACKWATT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert compiler.cache_folder() == Path("/cache/rackwatt")


def test_headers_are_written_out() -> None:
    text = sources.text_of("score.cu")
    assert '#include "exact.cuh"' not in text
    assert "find_pair" in text


def test_signatures_are_read_from_the_source() -> None:
    text = 'extern "C" __global__ void f(const int* __restrict__ a,\n  long long n, i64* b) {}'
    assert sources.parse(text, "f.cu") == {
        "f": Kernel(
            "f",
            "f.cu",
            (
                Parameter("a", "int32", is_pointer=True),
                Parameter("n", "int64", is_pointer=False),
                Parameter("b", "int64", is_pointer=True),
            ),
        )
    }


INTS = np.zeros(4, np.int32)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((INTS, 3), "kernel f: expected 3 arguments, got 2"),
        (
            (INTS.astype(np.int64), 3, 1),
            r"argument 0 \(a\): expected an array of int32, got one of",
        ),
        ((5, 3, 1), r"argument 0 \(a\): expected an array of int32, got int"),
        ((INTS[::2], 3, 1), r"argument 0 \(a\): expected an array in C order"),
        ((INTS, 2**31, 1), r"argument 1 \(n\): expected int32, got 2147483648"),
        ((INTS, 3.0, 1), r"argument 1 \(n\): expected an integer, got float"),
        ((INTS, True, 1), r"argument 1 \(n\): expected an integer, got bool"),
        ((INTS, 3, 2**63), r"argument 2 \(m\): expected int64"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: tuple[object, ...], words: str) -> None:
    kernel = sources.parse('extern "C" __global__ void f(const int* a, int n, i64 m) {}', "f")["f"]
    check_arguments(kernel, (INTS, 3, 2**62))
    with pytest.raises(ArgumentError, match=words):
        check_arguments(kernel, arguments)


def test_the_launcher_checks_arguments() -> None:
    needs(host_compiler() is not None, "g++")
    with pytest.raises(ArgumentError, match=r"job_totals: argument 1 \(units\)"):
        ShimDevice().launch("job_totals", 1, 32, (INTS, INTS, 4, np.zeros(4, np.int64)))


def test_names_of_cupy_exist() -> None:
    """Whatever the device asks of CuPy is looked up in the installed one."""
    needs(has_nvrtc(), "NVRTC")
    for file in ("cupy_device.py", "compiler.py"):
        tree = ast.parse((FOLDER / file).read_text(encoding="utf-8"))
        asked = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        names = {
            re.sub(r"^(?:self\._cupy|cupy)\.", "", name)
            for name in asked
            if re.match(r"(?:self\._cupy|cupy)\.[\w.]+$", name)
        }
        cupy = importlib.import_module("cupy")
        for name in sorted(names):
            found = cupy
            for part in name.split("."):
                assert hasattr(found, part), f"{file}: cupy.{name}"
                found = getattr(found, part)
    compilers = compiler.nvrtc()
    for name in ("createProgram", "compileProgram", "getCUBIN", "getProgramLog", "NVRTCError"):
        assert hasattr(compilers, name)
    cupy = importlib.import_module("cupy")
    assert "path" in cupy.RawModule.__doc__
    for name in ("begin_capture", "end_capture", "synchronize"):
        assert hasattr(cupy.cuda.Stream, name)
    for name in ("launch", "upload"):
        assert hasattr(cupy.cuda.graph.Graph, name)
    assert hasattr(cupy.RawKernel, "max_dynamic_shared_size_bytes")
