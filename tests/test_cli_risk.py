"""``rackwatt risk`` on the command line: tables, JSON, files, exit codes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scheduler.cli.app import app
from scheduler.model import Plan, Problem
from scheduler.write import PLAN_FORMAT, as_json, input_files, placement_rows
from tests.risk_cases import tiny

RUNNER = CliRunner()


def planned(folder: Path, problem: Problem, plan: Plan) -> str:
    """Write what `plan` would, as far as `risk` reads it."""
    document = {"format": PLAN_FORMAT, "placements": placement_rows(problem, plan)}
    for name, content in {**input_files(problem), "plan.json": as_json(document)}.items():
        (folder / name).write_bytes(content)
    return str(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return planned(tmp_path_factory.mktemp("planned"), *tiny())


def test_tables_name_what_a_person_wants_to_know(folder: str) -> None:
    done = RUNNER.invoke(app, ["risk", folder, "--samples", "300", "--backend", "cpu"])
    assert done.exit_code == 0
    for words in (
        "300 months", "jobs shed", "power_failover", "acme-contract", "margin a month", "PUE",
        "failures that hurt most", "all utility of tiny",
    ):  # fmt: skip
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "300 of 300 months" in done.stderr


def test_json_and_files_hold_the_same(folder: str, tmp_path: Path) -> None:
    words = ["risk", folder, "--samples", "300", "--json", "--out", str(tmp_path / "risk")]
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0
    record = json.loads(done.stdout)
    assert record == json.loads((tmp_path / "risk" / "risk.json").read_text("utf-8"))
    assert record["format"] == "rackwatt-risk/1"
    assert record["margin_usd_per_month"]["without_failures"] == pytest.approx(190.08 * 730)
    assert [stage["samples"] for stage in record["convergence"]] == [18, 37, 75, 150, 300]
    assert sum(stratum["probability"] for stratum in record["strata"]) == pytest.approx(1)
    rows = list(csv.reader(io.StringIO((tmp_path / "risk" / "risk.csv").read_text("utf-8"))))
    assert rows[0] == ["section", "subject", "figure", "value", "low", "high"]
    acme = next(row for row in rows if row[1:3] == ["acme-contract", "availability"])
    assert 0.9 < float(acme[4]) <= float(acme[3]) <= float(acme[5]) <= 1


def test_the_same_seed_prints_the_same(folder: str) -> None:
    def figures(seed: int) -> object:
        words = ["risk", folder, "--samples", "200", "--seed", str(seed), "--json"]
        record = json.loads(RUNNER.invoke(app, words).stdout)
        return {key: value for key, value in record.items() if key not in ("wall_s", "seed")}

    assert figures(3) == figures(3)
    assert figures(3) != figures(4)


def test_rates_and_weather_come_from_files(folder: str, tmp_path: Path) -> None:
    rates, weather = tmp_path / "rates.yaml", tmp_path / "weather.csv"
    rates.write_text("kinds: {ups: {mtbf_h: 100, mttr_h: 100}}", "utf-8")
    weather.write_text("dry_bulb_c,wet_bulb_c\n20,10\n21,11\n", "utf-8")
    words = ["risk", folder, "--samples", "200", "--json"]
    plain = json.loads(RUNNER.invoke(app, words).stdout)
    more = ["--rates", str(rates), "--weather", str(weather)]
    other = json.loads(RUNNER.invoke(app, [*words, *more]).stdout)
    assert other["weather"] == "2 measured hours"
    assert other["energy"]["pue"]["value"] < plain["energy"]["pue"]["value"]
    out = [each["actions"]["something_out"]["probability"]["value"] for each in (plain, other)]
    assert out[0] < 0.1 < 0.8 < out[1]


def test_a_plan_that_breaks_a_limit_is_exit_code_1(tmp_path: Path) -> None:
    problem, plan = tiny()
    racks = dict.fromkeys(plan.units["train"], 3)
    done = RUNNER.invoke(
        app,
        [
            "risk",
            planned(tmp_path, problem, Plan({**plan.units, "train": racks})),
            "--samples",
            "128",
        ],
    )
    assert done.exit_code == 1
    assert "the plan breaks" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rates", "no.yaml"], "no.yaml:1: file: expected a file that can be read"),
        (["--weather", "no.csv"], "no.csv:1: file: expected a file that can be read"),
        (["--backend", "abacus"], "--backend: expected auto, cpu, cuda"),
        (["--samples", "1"], "--samples"),
    ],
)
def test_bad_input_is_a_line_and_exit_code_2(folder: str, words: list[str], said: str) -> None:
    done = RUNNER.invoke(app, ["risk", folder, *words])
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_a_plan_without_anything_in_it(tmp_path: Path) -> None:
    problem, _ = tiny()
    done = RUNNER.invoke(app, ["risk", planned(tmp_path, problem, Plan({})), "--samples", "128"])
    assert done.exit_code == 0
    assert "margin a month" in done.stdout
