"""The seam: which backend runs and why, and what importing the packages loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kernels import moves, reference
from kernels.backend import BackendName, select
from kernels.batch import MoveSets
from kernels.cpu import NumpyBackend
from kernels.exactness import RangeError
from kernels.forms import LinearLoad
from tests.random_compiled import random_compiled, random_moves, random_shards
from tests.test_score import compiled, ints, linear


def fake_cupy(available: object = True, name: bytes = b"H200") -> SimpleNamespace:
    """What CuPy shows of its devices; an exception is raised where it stands."""

    def answer() -> object:
        if isinstance(available, Exception):
            raise available
        return available

    runtime = SimpleNamespace(getDeviceProperties=lambda _: {"name": name})
    return SimpleNamespace(cuda=SimpleNamespace(is_available=answer, runtime=runtime))


def test_cpu_is_taken_without_looking_for_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    backend, line = select("cpu")
    assert backend.name == "cpu"
    assert line == f"backend cpu (NumPy {np.__version__}), as asked"


@pytest.mark.parametrize("name", ["auto", "cuda"])
@pytest.mark.parametrize(
    ("cupy", "why"),
    [
        (None, "no CUDA, because CuPy is not installed"),
        (fake_cupy(available=False), "no CUDA, because there is no NVIDIA driver or GPU"),
        (fake_cupy(available=RuntimeError("driver\ntoo old")), "does not answer (driver)"),
        (fake_cupy(), "the GPU does not answer ("),
    ],
)
def test_without_cuda_the_cpu_runs_and_the_line_says_why(
    monkeypatch: pytest.MonkeyPatch, name: BackendName, cupy: object, why: str
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    backend, line = select(name)
    assert isinstance(backend, NumpyBackend)
    assert line.startswith("backend cpu (NumPy ")
    assert why in line
    assert "\n" not in line


def test_a_cupy_that_does_not_load_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "cupy.py").write_text("raise ImportError('libcudart.so is missing')")
    assert "CuPy does not load (libcudart.so is missing)" in select("auto")[1]


def test_an_unknown_backend_is_refused() -> None:
    name: Any = "tpu"
    with pytest.raises(ValueError, match="expected auto, cpu or cuda, got 'tpu'"):
        select(name)


def test_the_cpu_backend_is_the_reference() -> None:
    for seed in range(20):
        problem = random_compiled(seed)
        shards = random_shards(problem, seed)
        step = random_moves(problem, shards, seed)
        evaluator = NumpyBackend().load(problem)
        assert evaluator.score(shards) == reference.score(problem, shards)
        assert evaluator.delta(shards, step) == moves.delta(problem, shards, step)
        batch = evaluator.score_batch(shards, MoveSets.build([step, []]))
        expected = moves.score_batch(problem, shards, [step, []])
        assert [each.tolist() for each in batch] == [each.tolist() for each in expected]
        workspace = evaluator.start(shards)
        workspace.commit(step)
        after = moves.apply(shards, step)
        assert workspace.violation == evaluator.score(after).violation
        for form in problem.forms:
            if isinstance(form, LinearLoad):
                left = evaluator.headroom(form, shards)
                assert left.tolist() == reference.headroom(form, shards).tolist()


def test_loading_refuses_sums_that_are_not_exact() -> None:
    with pytest.raises(RangeError, match="load: ups"):
        NumpyBackend().load(compiled(linear(demand=ints(2**50, 0).reshape(2, 1))))


def test_importing_the_packages_loads_nothing_heavy() -> None:
    program = (
        "import sys, scheduler, kernels, kernels.backend, kernels.moves\n"
        "heavy = {'cupy', 'ortools', 'networkx', 'pydantic', 'yaml', 'typer', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
