"""The kernel benchmark: synthetic problems, records, and that a wrong result is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import benchmarks.__main__ as harness
from benchmarks import gpu_driver, kernel_speed
from benchmarks.floors import Floor
from benchmarks.plot import draw
from benchmarks.synthetic import SEVERITIES, synthetic
from kernels import reference
from kernels.cpu import NumpyEvaluator
from kernels.exactness import check_range
from kernels.sweep import Sweeper, all_candidates, rowwise
from tests.test_sweep import columns

SMALL = ["kernels", "--sizes", "64x60", "--repeats", "1", "--plans", "4", "--scenarios", "50"]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_synthetic_problems_are_large_and_exact(severity: str) -> None:
    compiled, shards = synthetic(256, 300, severity=severity)
    check_range(compiled)
    again, same = synthetic(256, 300, severity=severity)
    assert reference.score(compiled, shards) == reference.score(again, same)
    score = reference.score(compiled, shards)
    assert score.by_term["rack_capacity"].violation == 0
    assert score.by_term["units"].violation == 0
    assert (score.by_term["power_normal"].violation > 0) == (severity == "broken")
    other = synthetic(256, 300, severity=severity, seed=1)[0]
    assert not np.array_equal(other.units.most, compiled.units.most)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_the_fast_sweep_is_right_on_synthetic_problems(severity: str) -> None:
    compiled, shards = synthetic(300, 400, severity=severity)
    asked = all_candidates(compiled, shards).take(slice(0, None, 9))
    sweeper = Sweeper(compiled)
    assert sweeper.layout is not None
    found = sweeper.sweep(shards, asked, 5)
    expected = rowwise.sweep(compiled, shards, asked, 5, sweeper.layout.rank)
    assert columns(found) == columns(expected)


def test_cells_of_many_racks_take_the_general_path() -> None:
    compiled, shards = synthetic(256, 60, cell=256)
    sweeper = Sweeper(compiled)
    assert sweeper.layout is not None  # far rows: every rack has a signature of its own
    assert sweeper.layout.num_signatures == 256
    asked = all_candidates(compiled, shards).take(slice(0, None, 5))
    expected = rowwise.sweep(compiled, shards, asked, 2, sweeper.layout.rank)
    assert columns(sweeper.sweep(shards, asked, 2)) == columns(expected)


def test_records_hold_times_rates_and_floors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "kernels.json"
    assert harness.main([*SMALL, "--json", str(out)]) == 0
    document = json.loads(out.read_text())
    assert len(document["records"]) == 7
    for record in document["records"]:
        assert record["right"]
        assert 0 < record["least_s"] <= record["seconds"] <= record["most_s"]
        assert record["per_second"] == pytest.approx(record["items"] / record["seconds"])
        assert record["floor_s"] > 0
    assert document["records"][5]["ratio_to_row_by_row"] > 0
    assert document["floors"]["cpu"]["copied_gb_per_s"] > 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert any("times as fast as row by row" in line for line in lines)


def test_a_wrong_result_fails_the_benchmark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = NumpyEvaluator.score_batch

    def wrong(self: NumpyEvaluator, *asked: Any) -> Any:
        violation, unmet, margin = right(self, *asked)
        return violation, unmet, margin + 1

    monkeypatch.setattr(NumpyEvaluator, "score_batch", wrong)
    assert harness.main(SMALL) == 1
    assert "WRONG" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options", [["--sizes", "many"], ["--sizes", "3x3"], ["--severity", "grave"]]
)
def test_unknown_sizes_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert harness.main(["kernels", *options]) == 2
    assert "expected such as 512x500" in capsys.readouterr().err


def test_without_a_gpu_nothing_is_measured_on_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    assert harness.main([*SMALL, "--backend", "cuda"]) == 2
    assert "not yet run on a GPU" in capsys.readouterr().err
    assert gpu_driver.main() == 1
    backends, lines = kernel_speed.chosen("all")
    assert [each.name for each in backends] == ["cpu"]
    assert "not yet run on a GPU" in lines[1]


def test_the_floor_is_the_dearer_of_memory_and_arithmetic() -> None:
    floor = Floor(copied_bytes_per_s=100.0, additions_per_s=10.0)
    assert floor.seconds(200, 5) == 2.0
    assert floor.seconds(10, 50) == 5.0


def test_a_picture_needs_plotly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "plotly.graph_objects", None)
    assert "plotly is not installed" in draw({"records": []}, tmp_path / "plot.html")
