"""`rackwatt export` and `rackwatt import` for Kubernetes, Topograph, DPS and spreadsheets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scheduler.cli.app import app
from scheduler.inputs import read_site_file
from scheduler.write import as_json, input_files, placement_rows
from tests.test_kubernetes_export import small
from tests.test_topograph import MODEL_TEXT

RUNNER = CliRunner()
FILES = {
    "csv": ["nodes.csv", "placements.csv", "power.csv", "racks.csv", "tenants.csv"],
    "dps": ["dps-topology.json"],
    "kai": ["jobs.yaml", "kai.yaml", "nodes.yaml"],
    "kueue": ["jobs.yaml", "kueue.yaml", "nodes.yaml"],
    "topograph": ["topograph-graph.json", "topograph-model.yaml"],
    "volcano": ["nodes.yaml", "volcano.yaml"],
}


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """A folder as `rackwatt plan` writes it."""
    problem, plan = small()
    folder = tmp_path / "plan"
    folder.mkdir()
    placements = {"format": "rackwatt-plan/1", "placements": placement_rows(problem, plan)}
    for name, content in {**input_files(problem), "plan.json": as_json(placements)}.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("form", FILES)
def test_a_plan_is_written_and_then_nothing_changes(
    planned: Path, tmp_path: Path, form: str
) -> None:
    out = tmp_path / "out"
    words = ["export", form, str(planned), "--out", str(out)]
    dry = RUNNER.invoke(app, [*words, "--dry-run"])
    assert dry.exit_code == 1
    assert not out.exists()
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == FILES[form]
    assert RUNNER.invoke(app, [*words, "--dry-run"]).exit_code == 0


def test_a_plan_that_cannot_be_is_refused_in_words(planned: Path, tmp_path: Path) -> None:
    plan = json.loads((planned / "plan.json").read_text())
    plan["placements"].append({"job": "wide", "rack": "r1", "units": 9})
    (planned / "plan.json").write_text(json.dumps(plan))
    done = RUNNER.invoke(app, ["export", "kueue", str(planned), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "rack r1: expected work for 2 nodes, got more" in done.output
    assert "Traceback" not in done.output


def test_a_plan_that_breaks_a_limit_is_written_with_a_warning(
    planned: Path, tmp_path: Path
) -> None:
    words = ["export", "csv", str(planned), "--out", str(tmp_path / "out")]
    assert "breaks limits" not in RUNNER.invoke(app, words).output
    site = json.loads((planned / "site.json").read_text())
    for node in site["power_nodes"]:
        node["rating_w"] = 1_000
    (planned / "site.json").write_text(json.dumps(site))
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0
    assert "note: the plan breaks limits (2); `rackwatt check` names them" in done.output


def test_topograph_comes_in(tmp_path: Path) -> None:
    model, out = tmp_path / "model.yaml", tmp_path / "out"
    model.write_text(MODEL_TEXT, encoding="utf-8")
    words = ["import", "topograph", str(model), "--out", str(out), "--rack-type", "gb200-nvl72"]
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0
    assert "not mapped: switch core: labels: topology.kubernetes.io/region" in done.output
    assert "switch core" in (out / "unmapped.txt").read_text()
    assert set(read_site_file(out / "site.json").racks) == {"nvl", "leaf-2-R1"}


def test_a_plan_comes_back_from_dps_and_from_a_cluster(planned: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert RUNNER.invoke(app, ["export", "dps", str(planned), "--out", str(out)]).exit_code == 0
    done = RUNNER.invoke(app, ["import", "dps", str(out / "dps-topology.json"), "--out", str(out)])
    assert done.exit_code == 0
    assert set(read_site_file(out / "site.json").power_nodes) == {"ups1", "ups2"}
    nodes = [
        {"metadata": {"name": f"r{r}-n0{n}"}, "status": {"capacity": {"nvidia.com/gpu": "8"}}}
        for r in range(1, 7)
        for n in (1, 2)
    ]
    (tmp_path / "nodes.json").write_text(json.dumps({"items": nodes}))
    words = ["import", "kubernetes", str(tmp_path / "nodes.json"), "--out", str(out)]
    own = ["--site", str(planned / "site.json"), "--workload", str(planned / "workload.json")]
    done = RUNNER.invoke(app, [*words, *own])
    assert done.exit_code == 0
    assert "not mapped" not in done.output
    assert read_site_file(out / "site.json").racks["r1"].hosts == ("r1-n01", "r1-n02")
    done = RUNNER.invoke(app, [*words, *own[:2]])
    assert done.exit_code == 2
    assert "--site and --workload: expected both or none" in done.output


@pytest.mark.parametrize("form", ["topograph", "dps", "kubernetes"])
def test_a_file_that_is_none_ends_with_code_2(tmp_path: Path, form: str) -> None:
    (tmp_path / "x.json").write_text('{"switches": "\\u001b[31m", "Entities": 3, "items": 4}')
    more = ["--rack-type", "gb200-nvl72"] if form == "topograph" else []
    for name in ("x.json", "missing.json"):
        words = ["import", form, str(tmp_path / name), "--out", str(tmp_path / "out"), *more]
        done = RUNNER.invoke(app, words)
        assert done.exit_code == 2
        assert "expected" in done.output
        assert "\x1b" not in done.output
        assert "Traceback" not in done.output
