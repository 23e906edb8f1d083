"""``rackwatt release`` from files to tables, JSON and a folder; every bad input is one line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scheduler.cli.app import app
from scheduler.cli.watching import Recorder

RUNNER = CliRunner()
EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = tuple(str(EXAMPLES / "tiny" / name) for name in ("site.yaml", "workload.yaml"))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny example, planned once."""
    folder = tmp_path_factory.mktemp("tiny") / "out"
    done = RUNNER.invoke(app, ["plan", *TINY, "--out", str(folder), "--time-limit", "10"])
    assert done.exit_code == 0, done.output
    return str(folder)


def released(plan: str, *words: str) -> Any:
    return RUNNER.invoke(app, ["release", *TINY, plan, *words, "--time-limit", "20"])


@pytest.fixture(scope="module")
def folder(plan: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is written when ten kilowatts are given back."""
    out = tmp_path_factory.mktemp("released")
    done = released(plan, "--mw", "0.01", "--out", str(out))
    assert done.exit_code == 0, done.output
    assert "give back 10.0 kW of peak draw: met" in done.stdout
    assert "value lost: 20.03 $/h" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    assert "freely" in done.stderr  # progress
    return out


def test_the_folder_passes_the_check_with_the_ceiling_in_it(folder: Path) -> None:
    done = RUNNER.invoke(app, ["check", str(folder)])
    assert (done.exit_code, "OK" in done.stdout) == (0, True)
    site = json.loads((folder / "site.json").read_text())
    ceiling = [node for node in site["power_nodes"] if node["name"] == "release-ceiling"]
    # docs/tiny.md: 111 kW of racks and 6 kW of base load, less 10 kW.
    assert [node["rating_w"] for node in ceiling] == [107_000]


def test_the_running_plan_no_longer_passes_there(folder: Path) -> None:
    paths = [str(folder / "site.json"), str(folder / "workload.json"), str(folder / "current.json")]
    done = RUNNER.invoke(app, ["check", *paths])
    assert done.exit_code == 1
    assert "release-ceiling" in done.stdout


def test_release_json_and_moves_csv_say_the_same(folder: Path) -> None:
    record = json.loads((folder / "release.json").read_text())
    assert record["format"] == "rackwatt-release/1"
    assert (record["met"], record["given"], record["unit"]) == (True, 11_600, "W")
    assert (record["value_lost_usd_per_h"], record["stopped_gpus"]) == (20.032, 12)
    rows = list(csv.DictReader(io.StringIO((folder / "moves.csv").read_text())))
    assert [row["job"] for row in rows] == [step["job"] for step in record["steps"]]
    assert {row["job"]: row["does"] for row in rows} == {"beta-contract": "stops", "night": "stops"}
    assert sum(int(row["gpus"]) for row in rows) == 12


def test_gpus_given_back_stay_held_in_the_files(plan: str, tmp_path: Path) -> None:
    done = released(plan, "--gpus", "8", "--gpu-type", "demo", "--out", str(tmp_path), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["given"] == 8
    placements = json.loads((tmp_path / "plan.json").read_text())["placements"]
    assert sum(each["gpus"] for each in placements if each["job"] == "released") == 8
    assert RUNNER.invoke(app, ["check", str(tmp_path)]).exit_code == 0


def test_what_is_not_met_ends_with_one_and_says_why(plan: str) -> None:
    done = released(plan, "--tenant", "acme", "--within", "30")
    assert done.exit_code == 1
    assert "NOT MET" in done.stdout
    assert "acme-contract: firm, and neither notice nor term agreed: may only move" in done.stdout


def test_more_than_there_is_ends_with_one(plan: str) -> None:
    done = released(plan, "--gpus", "200", "--contiguous", "array")
    assert done.exit_code == 1
    assert "200 GPUs on whole nodes in whole arrays" in done.stderr


def test_an_interrupted_search_tells_what_it_has(
    plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "stopped", lambda _self: True)
    done = released(plan, "--mw", "0.01")
    assert done.exit_code == 130
    assert "give back 10.0 kW of peak draw: met" in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "expected one of --mw, --gpus, --tenant, --domain; got none"),
        (["--mw", "1", "--gpus", "8"], "got --mw, --gpus"),
        (["--mw", "0"], "--mw: expected > 0"),
        (["--mw", "nan"], "--mw: expected > 0"),
        (["--mw", "inf"], "--mw: expected > 0"),
        (["--gpus", "-4"], "--gpus: expected > 0, got -4 GPUs"),
        (["--tenant", "acm"], "did you mean acme?"),
        (["--domain", "H1-A9"], "expected a hall, pod, array, rack, loop or power node"),
        (["--domain", "\x1b[31mH"], "got '\\x1b[31mH'"),
        (["--gpus", "8", "--gpu-type", "h300"], "--gpu-type"),
        (["--gpus", "8", "--contiguous", "rack"], "--contiguous: expected array or hall"),
        (["--domain", "H1", "--contiguous", "hall"], "expected with --mw or --gpus"),
        (["--mw", "1", "--within", "-1"], "--within: expected >= 0, got -1 days"),
        (["--mw", "1", "--move-usd-per-gpu", "-1"], "--move-usd-per-gpu: expected 0 to"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(plan: str, words: list[str], expected: str) -> None:
    done = released(plan, *words)
    assert done.exit_code == 2
    assert expected in done.stderr
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.output
    assert done.stdout == ""


def test_a_plan_of_unknown_jobs_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text('{"format": "rackwatt-plan/1", "placements": [{"job": "x", "rack": "y"}]}')
    done = released(str(path), "--mw", "0.01")
    assert done.exit_code == 2
    assert str(path) in done.stderr


def test_a_folder_that_cannot_be_written_is_told_before_the_search(
    plan: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = released(plan, "--mw", "0.01", "--out", str(tmp_path / "file"))
    assert done.exit_code == 2
    assert "freely" not in done.stderr
