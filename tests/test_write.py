"""The files of a plan: what they hold, and that they appear whole or not at all."""

from __future__ import annotations

import csv
import errno
import io
import json
from pathlib import Path

import pytest

from scheduler.inputs import read_plan, read_problem
from scheduler.model import Plan, PowerNode, Problem
from scheduler.result import result_record
from scheduler.write import (
    placement_rows,
    placements_csv,
    prepare_folder,
    spreadsheet_cell,
    write_solution,
    write_together,
)
from tests import build
from tests.solutions import solution

FILES = {
    "findings.json",
    "placements.csv",
    "plan.json",
    "result.json",
    "site.json",
    "workload.json",
}
RESULT_KEYS = [
    *("status", "violation", "unmet_firm_gpus", "conflict"),
    *("margin_usd_per_h", "bound_usd_per_h", "gap", "bound_by", "prices", "gap_parts"),
    "course",
    *("placed_gpus", "requested_gpus", "gpus_by_type", "power", "cooling", "stranded_mw"),
    "stranded_by_cause_mw",
    *("isolation_cost_usd_per_h", "by_term", "checked", "seed", "backend"),
    *("engine", "workers", "problem_digest", "versions"),
    *("wall_s", "phases_s", "peak_rss_mib"),
]


def small() -> Problem:
    return build.problem(jobs=[build.job("a", units=2), build.job("b", gpus_per_unit=4)])


SMALL_PLAN = Plan({"a": {"r1": 1, "r2": 1}, "b": {"r1": 1}})


def write(folder: Path, problem: Problem, plan: Plan) -> None:
    done = solution(problem, plan)
    write_solution(folder, done, result_record(done, 1.5), {"c": "no room"})


def read(folder: Path, name: str) -> dict[str, object]:
    data = json.loads((folder / name).read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def test_all_files_are_there_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, small(), SMALL_PLAN)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert list(read(tmp_path, "result.json")) == RESULT_KEYS


def test_what_is_written_reads_back_as_the_same_problem_and_plan(tmp_path: Path) -> None:
    problem = small()
    write(tmp_path, problem, SMALL_PLAN)
    again = read_problem(tmp_path / "site.json", tmp_path / "workload.json")
    assert (again.site, again.workload) == (problem.site, problem.workload)
    assert read_plan(tmp_path / "plan.json", again) == SMALL_PLAN
    assert read_plan(tmp_path / "placements.csv", again) == SMALL_PLAN


def test_the_running_plan_is_kept_with_the_inputs_and_an_old_one_removed(tmp_path: Path) -> None:
    running = Plan({"a": {"r2": 2}})
    problem = Problem(small().site, small().workload, running)
    write(tmp_path, problem, SMALL_PLAN)
    assert read_plan(tmp_path / "current.json", problem) == running
    write(tmp_path, small(), SMALL_PLAN)
    assert not (tmp_path / "current.json").exists()


def test_placements_name_the_nodes(tmp_path: Path) -> None:
    """On r1: a takes 8 slots of node 0, b 4 slots of node 1 (one tenant, largest first)."""
    rows = placement_rows(small(), SMALL_PLAN)
    assert rows == [
        {"job": "a", "rack": "r1", "units": 1, "gpus": 8, "nodes": [0]},
        {"job": "a", "rack": "r2", "units": 1, "gpus": 8, "nodes": [0]},
        {"job": "b", "rack": "r1", "units": 1, "gpus": 4, "nodes": [1]},
    ]
    write(tmp_path, small(), SMALL_PLAN)
    table = list(csv.reader(io.StringIO((tmp_path / "placements.csv").read_text())))
    assert table[:2] == [["job", "rack", "units", "gpus", "nodes"], ["a", "r1", "1", "8", "0"]]


def test_findings_tell_what_is_broken_owed_tight_and_not_placed(tmp_path: Path) -> None:
    """16 kW on one feed of 10 kW: 6 kW too much. A contract without any unit is owed 8 GPUs."""
    nodes = {"ups1": PowerNode(name="ups1", kind="ups", rating_w=10_000)}
    site = build.site([build.rack("r1", feeds=("ups1",))], power_nodes=nodes)
    deal = build.contract("deal", tenant="u")
    problem = build.problem(site, [build.job("a", units=2)], contracts=[deal])
    write(tmp_path, problem, Plan({"a": {"r1": 2}}))
    findings = json.loads((tmp_path / "findings.json").read_text())
    (broken,) = findings["broken"]
    assert (broken["subject"], broken["violation"], broken["unit"]) == ("ups1", 6_000, "W")
    assert broken["jobs"] == ["a"]
    (owed,) = findings["obligations"]
    assert (owed["subject"], owed["amount"], owed["limit"]) == ("deal", 0, 8)
    assert findings["tightest"]["power_normal"][0]["subject"] == "ups1"
    assert findings["unplaced"] == [{"job": "c", "reason": "no room"}]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_of_the_spreadsheet_is_a_formula(text: str) -> None:
    assert spreadsheet_cell(text) == "'" + text
    row = {"job": text, "rack": "r", "units": 1, "gpus": 8, "nodes": [0, 1]}
    cells = list(csv.reader(io.StringIO(placements_csv([row]).decode(), newline="")))
    assert cells[1] == ["'" + text, "r", "1", "8", "0 1"]


def test_a_full_disk_changes_nothing_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_together(tmp_path, {"one": b"old", "two": b"old"})
    synced: list[int] = []

    def full_at_the_second(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full_at_the_second)
    with pytest.raises(OSError, match="No space left"):
        write_together(tmp_path, {"one": b"new", "two": b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "one": b"old",
        "two": b"old",
    }


def test_a_rename_that_fails_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("os.replace", refuse)
    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with pytest.raises(OSError, match="Read-only"):
        write_together(tmp_path, {"one": b"new"})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_made_or_refused_before_anything_is_solved(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "deep" / "folder")
    assert list((tmp_path / "deep" / "folder").iterdir()) == []
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileExistsError):
        prepare_folder(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        prepare_folder(tmp_path / "file" / "below")
