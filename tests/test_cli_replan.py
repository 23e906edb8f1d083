"""``rackwatt replan`` from files to a checked folder; bad input; what is printed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scheduler.cli.app import app

RUNNER = CliRunner()
EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = tuple(str(EXAMPLES / "tiny" / name) for name in ("site.yaml", "workload.yaml"))


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny example as it runs: everything for which there is room, beginning with nothing."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "nothing.json").write_text('{"placements": []}')
    words = ["replan", *TINY, str(folder / "nothing.json"), "--max-moves", "0"]
    done = RUNNER.invoke(app, [*words, "--out", str(folder / "out")])
    assert done.exit_code == 0, done.output
    return folder / "out"


@pytest.fixture(scope="module")
def replanned(planned: Path) -> tuple[Path, str, str]:
    """The same without one UPS: folder, stdout, stderr."""
    folder = planned.parent / "replanned"
    words = ["replan", str(planned), "--failed", "H1-UPS1", "--max-moves", "4", "--time-limit", "2"]
    done = RUNNER.invoke(app, [*words, "--out", str(folder)])
    assert done.exit_code in (0, 1), done.output
    return folder, done.stdout, done.stderr


def test_tables_and_progress(replanned: tuple[Path, str, str]) -> None:
    _, out, progress = replanned
    assert out.startswith("tiny after the loss of H1-UPS1\n")
    assert "moves at will" in out
    assert "during and after every wave" in out
    assert all(len(line) <= 100 for line in out.splitlines())
    assert "repairing what is broken" in progress


def test_the_folder_checks(replanned: tuple[Path, str, str]) -> None:
    folder, _, _ = replanned
    done = RUNNER.invoke(app, ["check", str(folder)])
    assert done.exit_code == 0, done.output
    site = json.loads((folder / "site.json").read_text())
    assert "H1-UPS1" not in {node["name"] for node in site["power_nodes"]}


def test_the_files_say_the_same(replanned: tuple[Path, str, str]) -> None:
    folder, _, _ = replanned
    record = json.loads((folder / "replan.json").read_text())
    waves = json.loads((folder / "waves.json").read_text())
    with (folder / "moves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert waves["format"] == "rackwatt-waves/1"
    assert len(waves["waves"]) == len(record["waves"])
    assert sum(len(wave["moves"]) for wave in waves["waves"]) == len(rows)
    moved = sum(int(row["units"]) for row in rows if row["kind"] == "move")
    assert moved == sum(wave["moved_units"] for wave in record["waves"])
    assert record["failed"] == ["H1-UPS1"]
    assert [point["budget"] for point in record["frontier"]] == [0, 4]


def test_the_moves_lead_to_the_plan(replanned: tuple[Path, str, str]) -> None:
    folder, _, _ = replanned
    units: dict[tuple[str, str], int] = {}
    for entry in json.loads((folder / "current.json").read_text())["placements"]:
        units[entry["job"], entry["rack"]] = entry["units"]
    for wave in json.loads((folder / "waves.json").read_text())["waves"]:
        for move in wave["moves"]:
            for rack, sign in ((move["from"], -1), (move["to"], 1)):
                if rack is not None:
                    pair = move["job"], rack
                    units[pair] = units.get(pair, 0) + sign * move["units"]
    plan = json.loads((folder / "plan.json").read_text())["placements"]
    assert {pair: n for pair, n in units.items() if n} == {
        (entry["job"], entry["rack"]): entry["units"] for entry in plan
    }


def test_json_is_the_record(planned: Path) -> None:
    words = ["replan", str(planned), "--max-moves", "0", "--time-limit", "1", "--json"]
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["emergency"] is None
    assert record["after"]["left_units"] == 0


def test_an_unknown_component_is_bad_input(planned: Path) -> None:
    done = RUNNER.invoke(app, ["replan", str(planned), "--failed", "H9\x1b-UPS1"])
    assert done.exit_code == 2
    assert "expected power nodes or cooling loops of the site, got H9\ufffd-UPS1" in done.stderr


def test_bad_files_are_listed(tmp_path: Path) -> None:
    bad = tmp_path / "plan.json"
    bad.write_text('{"placements": [{"job": "a", "rack": "r", "units": -1}]}')
    done = RUNNER.invoke(app, ["replan", *TINY, str(bad)])
    assert done.exit_code == 2
    assert "plan.json:1: placements[0].units: expected" in done.stderr


def test_jobs_that_are_no_more_are_told(planned: Path, tmp_path: Path) -> None:
    plan = json.loads((planned / "plan.json").read_text())
    plan["placements"].append({"job": "ended", "rack": "H1-A01-R1", "units": 3})
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    words = ["replan", *TINY, str(tmp_path / "plan.json"), "--max-moves", "0", "--time-limit", "1"]
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "3 units of the plan are of jobs or racks that are no more" in done.stdout


def test_a_folder_that_cannot_be_written(planned: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    words = ["replan", str(planned), "--out", str(tmp_path / "file" / "out")]
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 2
    assert done.stdout == ""


def test_the_emergency_is_shown(planned: Path) -> None:
    words = ["replan", str(planned), "--failed", "H1-UPS1", "--failed", "H1-UPS2"]
    done = RUNNER.invoke(app, [*words, "--max-moves", "0", "--time-limit", "1"])
    assert done.exit_code in (0, 1), done.output
    assert "at once: H1-UPS3 is" in done.stdout
