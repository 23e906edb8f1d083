"""Planted faults: the checks of the CUDA source notice what they are there for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kernels.cuda import compiler, sources
from kernels.cuda.sources import ArgumentError
from tests.cuda_shim.device import PLAIN, ShimDevice
from tests.cuda_shim.device import compiler as host_compiler
from tests.cuda_shim.driver import differences, run_alone
from tests.evaluators import needs
from tests.random_compiled import random_compiled
from tests.test_cuda_sources import has_nvrtc, test_a_binary_is_compiled_once
from tests.test_cuda_sweep import Arranged

BARRIERS = {
    "overlaps are added before they are zero": (
        "sweep_overlaps.cu",
        "    __syncwarp();\n    for (i64 at = entry_start[from]",
        "    for (i64 at = entry_start[from]",
    ),
    "sums of rows are claimed before all are added": (
        "batch.cu",
        "        __syncthreads();\n        i64 grown = 0;",
        "        i64 grown = 0;",
    ),
    "moves are added before the base is copied": (
        "scenarios.cu",
        "    __syncthreads();\n    int warp",
        "    int warp",
    ),
}
READS = {
    "one entry past the last row": (
        "score.cu",
        "n < row_start[row + 1]; n += LANES",
        "n <= row_start[row + 1]; n += LANES",
    ),
    "one rack past the last": (
        "score.cu",
        "r < racks ? positive(used[r]",
        "r <= racks ? positive(used[r]",
    ),
}
OVERFLOWS = {
    "what a shard draws in 32 bits": (
        "score.cu",
        "i64 drawn = demand[row * kinds + kind[static_cast<i64>(table) * racks + r]] * units",
        "int drawn = (int)demand[row * kinds + kind[static_cast<i64>(table) * racks + r]]"
        " * (int)units",
    ),
}
TYPES = {
    "units as 32 bits": (
        "score.cu",
        "void job_totals(const int* job, const i64* units",
        "void job_totals(const int* job, const int* units",
    ),
    "a packed step as 32 bits": (
        "sweep_classes.cu",
        "const unsigned char* tight, i64 step,",
        "const unsigned char* tight, int step,",
    ),
}

SWEEPS = {
    "labels are alike where their hashes meet": (
        "sweep_families.cu",
        "if (column[n] != column[other]) break;",
        "if (column[n] < column[other]) break;",
    ),
    "a near row is not shared": (
        "sweep_overlaps.cu",
        "add(&near_row[place_in_cell[r]], more * step)",
        "add(&near_row[place_in_cell[r]], 0 * more * step)",
    ),
    "a far row is shared with signatures in turn": (
        "sweep_overlaps.cu",
        "else add(&far_row[far_signature[to]], more * step);",
        "else add(&far_row[lane % signatures], more * step);",
    ),
    "who leaves a domain is still a foe there": (
        "sweep_leaving.cu",
        "- (has_foes ? foes[at] : 0)",
        "- (has_foes ? 0 : 0)",
    ),
    "units at risk stay where they left": (
        "sweep_jobs.cu",
        "at_risk[at] - (leaves_it ? units[n] : 0)",
        "at_risk[at] - (leaves_it ? 0 : 0)",
    ),
}


def planted(tmp_path: Path, file: str, text: str, instead: str) -> Path:
    """Return a copy of the sources with one passage replaced."""
    folder = tmp_path / "cuda"
    shutil.copytree(sources.FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    source = (folder / file).read_text(encoding="utf-8")
    assert source.count(text) == 1, f"{file}: expected the passage once: {text!r}"
    (folder / file).write_text(source.replace(text, instead), encoding="utf-8")
    return folder


@pytest.mark.parametrize("fault", BARRIERS)
def test_a_missing_barrier_changes_results(tmp_path: Path, fault: str) -> None:
    needs(host_compiler() is not None, "g++")
    folder = planted(tmp_path, *BARRIERS[fault])
    noticed = (differences(ShimDevice(order, PLAIN, folder), 4) for order in (0, 1, 2, 3))
    assert any(noticed), "no thread order noticed"


@pytest.mark.parametrize("fault", SWEEPS)
def test_a_fault_in_the_sweep_changes_results(tmp_path: Path, fault: str) -> None:
    needs(host_compiler() is not None, "g++")
    device = ShimDevice(0, PLAIN, planted(tmp_path, *SWEEPS[fault]))
    agreed = (
        Arranged(random_compiled(seed), device, cell_racks).agree(seed, 2)
        for seed in range(12)
        for cell_racks in (0, 2, 32)
    )
    assert not all(agreed)


@pytest.mark.parametrize("fault", READS)
def test_a_read_past_the_end_is_seen_by_the_address_sanitizer(tmp_path: Path, fault: str) -> None:
    needs(host_compiler() is not None, "g++")
    done = run_alone(planted(tmp_path, *READS[fault]), "sanitized", 1)
    assert "AddressSanitizer: heap-buffer-overflow" in done.stderr
    assert f"{READS[fault][0]}:" in done.stderr


@pytest.mark.parametrize("fault", OVERFLOWS)
def test_an_overflow_is_seen_by_the_undefined_behaviour_sanitizer(
    tmp_path: Path, fault: str
) -> None:
    needs(host_compiler() is not None, "g++")
    done = run_alone(planted(tmp_path, *OVERFLOWS[fault]), "sanitized", 2)
    assert "runtime error: signed integer overflow" in done.stderr


@pytest.mark.parametrize("fault", TYPES)
def test_a_wrong_type_is_refused_by_the_launcher(tmp_path: Path, fault: str) -> None:
    needs(host_compiler() is not None, "g++")
    folder = planted(tmp_path, *TYPES[fault])
    with pytest.raises(ArgumentError, match=r"expected (an array of )?int32, got"):
        differences(ShimDevice(0, PLAIN, folder), 2)


def test_a_stale_cache_entry_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With names that forget the source, the test of the cache fails."""
    needs(has_nvrtc(), "NVRTC")
    monkeypatch.setattr(compiler, "entry_name", lambda _, architecture: f"sm_{architecture}")
    with pytest.raises(AssertionError):
        test_a_binary_is_compiled_once(tmp_path, monkeypatch)


def test_without_a_fault_the_sanitizers_are_silent() -> None:
    needs(host_compiler() is not None, "g++")
    done = run_alone(sources.FOLDER, "sanitized", 1)
    said = [line for line in done.stderr.splitlines() if "makecontext/swapcontext" not in line]
    assert (done.returncode, said, done.stdout.strip()) == (0, [], "")
