"""``rackwatt plan`` from files to a checked folder; interrupts, kills, unusable folders."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scheduler.cli.app import app
from scheduler.cli.plan_tables import print_plan
from scheduler.cli.saving import Folder
from scheduler.cli.watching import Lines, Recorder, watched
from scheduler.model import Plan
from scheduler.pace import Pace
from scheduler.planner import Best, GapPart, Price, Search
from scheduler.result import result_record
from scheduler.solve import Progress, Solution
from tests import build
from tests.solutions import solution

RUNNER = CliRunner()
EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = tuple(str(EXAMPLES / "tiny" / name) for name in ("site.yaml", "workload.yaml"))
TENTH = tuple(str(EXAMPLES / "colossus-tenth" / name) for name in ("site.yaml", "workload.yaml"))


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The tiny example, planned once: folder, stdout, stderr."""
    folder = tmp_path_factory.mktemp("tiny") / "out"
    done = RUNNER.invoke(app, ["plan", *TINY, "--out", str(folder), "--time-limit", "10"])
    assert done.exit_code == 0, done.output
    return folder, done.stdout, done.stderr


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A long plan of the large example into `tmp_path`, once its first plan is on disk."""
    words = ["plan", *TENTH, "--out", str(tmp_path), "--time-limit", "120", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from scheduler.cli.app import main; main()", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "plan.json").exists() and time.monotonic() < deadline:
            assert process.poll() is None, "expected a plan that takes long"
            time.sleep(0.05)
        yield process
        process.kill()


def result_of(folder: Path) -> dict[str, Any]:
    data = json.loads((folder / "result.json").read_text())
    assert isinstance(data, dict)
    return data


def test_tables_name_status_tenants_headroom_reasons_and_files(
    planned: tuple[Path, str, str],
) -> None:
    folder, out, _ = planned
    for expected in (
        "status optimal, checked: all",
        "margin ",
        "gap 0.00 %",
        "acme",
        "H1-A0",
        "power, after a failure",
        "loss of ",
        "at the observed peak",
        "98.7 % of the 118.5 kW that any plan",
        "demo            96           96      94      2        68",
        "firm power: 5,991 W more could be drawn",  # the load of 79.6 kW by 4.2 of 55.8 kW
        "though work waits: 5,991 W as racks that suit it are full",
        "not placed in full",
        "needs 48 GPUs in one array",
        "154       86",
        "rackwatt explain JOB",
        "placements.csv",
    ):
        assert expected in out
    assert max(len(line) for line in out.splitlines()) <= 100
    assert {path.name for path in folder.iterdir()} == {
        "plan.json",
        "placements.csv",
        "result.json",
        "findings.json",
        "site.json",
        "workload.json",
    }


def test_progress_goes_to_stderr_as_plain_lines(planned: tuple[Path, str, str]) -> None:
    _, out, err = planned
    assert " s] " not in out
    assert "\x1b" not in out + err


def test_the_written_plan_passes_check_in_both_forms(planned: tuple[Path, str, str]) -> None:
    folder = planned[0]
    done = RUNNER.invoke(app, ["check", str(folder)])
    assert done.exit_code == 0
    assert done.stdout.startswith("OK: all ")
    done = RUNNER.invoke(app, ["check", *TINY, str(folder / "placements.csv"), "--json"])
    assert done.exit_code == 0
    verdict = json.loads(done.stdout)
    assert verdict["checked"] is True
    assert verdict["margin_usd_per_h"] == result_of(folder)["margin_usd_per_h"]


def test_check_finds_a_unit_too_many(planned: tuple[Path, str, str], tmp_path: Path) -> None:
    folder = planned[0]
    with (folder / "placements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    rack = next(row["rack"] for row in rows if row["job"] == "train")
    plan = {
        "format": "rackwatt-plan/1",
        "placements": [{"job": "train", "rack": rack, "units": 9}],
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    done = RUNNER.invoke(app, ["check", *TINY, str(tmp_path / "plan.json")])
    assert done.exit_code == 1
    assert (
        f"rack_capacity: {rack} (normal): 9 nodes, limit 2 nodes, 7 nodes too much" in done.stdout
    )
    assert "BROKEN: " in done.stdout
    done = RUNNER.invoke(app, ["check", *TINY, str(tmp_path / "plan.json"), "--json"])
    assert done.exit_code == 1
    assert {each["term"] for each in json.loads(done.stdout)["broken"]} >= {"rack_capacity"}


def test_score_and_explain_read_the_folder(planned: tuple[Path, str, str]) -> None:
    folder = str(planned[0])
    done = RUNNER.invoke(app, ["score", folder, "--json"])
    assert done.exit_code == 0
    score = json.loads(done.stdout)
    assert score["margin_usd_per_h"] == result_of(planned[0])["margin_usd_per_h"]
    assert score["backend"] == "cpu"
    assert score["kernels_ms"] > 0
    shares = [each["share"] for each in score["headroom"]["power_normal"]]
    assert shares == sorted(shares)
    assert RUNNER.invoke(app, ["score", folder, "--all", "--backend", "cpu"]).exit_code == 0
    assert RUNNER.invoke(app, ["score", folder, "--backend", "abacus"]).exit_code == 2
    done = RUNNER.invoke(app, ["explain", "big-tune", folder])
    assert done.exit_code == 0
    assert "in one array, but the largest one (H1-A01) holds 32 when it is empty" in done.stdout
    done = RUNNER.invoke(app, ["explain", "--unplaced", folder, "--json"])
    assert json.loads(done.stdout)[0]["job"] == "big-tune"
    done = RUNNER.invoke(app, ["explain", "big-tuna", folder])
    assert done.exit_code == 2
    assert "did you mean big-tune?" in done.stderr
    done = RUNNER.invoke(app, ["explain", "acme", folder])
    assert "acme is a tenant; expected one of its jobs or contracts: acme-contract" in done.stderr


def test_score_shows_every_ups_after_a_failure_and_says_which_backend_it_took(
    planned: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No plan can break H1-UPS3 after a loss, so the compiled problem may leave it out."""
    monkeypatch.setitem(sys.modules, "cupy", None)
    done = RUNNER.invoke(app, ["score", str(planned[0]), "--all", "--json", "--backend", "cuda"])
    left = json.loads(done.stdout)["headroom"]["power_failover"]
    assert {f"H1-UPS{i}" for i in (1, 2, 3)} <= {each["subject"] for each in left}
    assert done.stderr.startswith("note: backend cpu (NumPy ")
    assert done.stderr.count("\n") == 1
    done = RUNNER.invoke(app, ["score", str(planned[0])])
    assert "racks: 1" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_a_site_that_cannot_carry_its_idle_load_says_so(tmp_path: Path) -> None:
    """Idle racks and base load draw 30 kW; a UPS of 14 kW takes 15 kW after a loss."""
    text = Path(TINY[0]).read_text().replace("ups_kw: 60", "ups_kw: 14")
    (tmp_path / "site.yaml").write_text(text)
    out = tmp_path / "out"
    words = [str(tmp_path / "site.yaml"), TINY[1], "--out", str(out), "--time-limit", "5"]
    done = RUNNER.invoke(app, ["plan", *words])
    assert done.exit_code == 1
    assert "would reach 107.1 % of 14.0 kW after loss of " in done.stdout
    assert "broken: 1 more limits, see findings.json" in done.stdout
    assert "6 limits are broken without any work" in done.stdout
    done = RUNNER.invoke(app, ["explain", "train", str(out)])
    assert "smallest change found: even the empty site cannot take it: H1-UPS" in done.stdout


def test_json_is_the_result_file_alone(tmp_path: Path) -> None:
    words = ["plan", *TINY, "--out", str(tmp_path), "--time-limit", "10", "--json"]
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0
    assert json.loads(done.stdout) == result_of(tmp_path)
    assert "note: backend cpu (NumPy " in done.stderr


def test_a_folder_that_cannot_be_written_is_refused_before_the_solve(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        done = RUNNER.invoke(app, ["plan", *TINY, "--out", str(out)])
        assert done.exit_code == 2
        assert done.stderr.count("\n") == 1
        assert str(tmp_path / "file") in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_a_disk_that_fills_up_is_one_line_and_keeps_the_old_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plan.json").write_text("old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    done = RUNNER.invoke(app, ["plan", *TINY, "--out", str(tmp_path), "--time-limit", "5"])
    assert done.exit_code == 2
    assert "rackwatt: No space left on device" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
    assert (tmp_path / "plan.json").read_text() == "old"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_solve_with_the_best_checked_plan(
    number: signal.Signals, running: subprocess.Popen[str], tmp_path: Path
) -> None:
    running.send_signal(number)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert json.loads(out)["status"] == "interrupted"
    assert result_of(tmp_path)["status"] == "interrupted"
    assert RUNNER.invoke(app, ["check", str(tmp_path)]).exit_code == 0


def test_a_kill_leaves_the_best_checked_plan(
    running: subprocess.Popen[str], tmp_path: Path
) -> None:
    running.kill()
    running.communicate(timeout=10)
    assert result_of(tmp_path)["status"] == "feasible"
    assert RUNNER.invoke(app, ["check", str(tmp_path)]).exit_code == 0


@pytest.mark.parametrize(("engine", "line"), [("abacus", "got abacus"), ("ray", "extra ray")])
def test_an_engine_that_is_not_there_is_one_line(
    engine: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.cli.reading.find_spec", lambda _name: None)
    done = RUNNER.invoke(app, ["plan", *TINY, "--out", str(tmp_path), "--engine", engine])
    assert done.exit_code == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_engine_and_workers_are_handed_on_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[Search] = []
    run = Search.run

    def noted(search: Search) -> Best:
        searches.append(search)
        return run(search)

    monkeypatch.setattr(Search, "run", noted)
    words = ["--engine", "inline", "--workers", "1", "--memory-limit-mib", "512"]
    done = RUNNER.invoke(app, ["plan", *TINY, "--out", str(tmp_path), *words, "--time-limit", "5"])
    assert done.exit_code == 0
    assert (searches[0].engine, searches[0].memory_limit_mib) == ("inline", 512)
    result = result_of(tmp_path)
    assert (result["engine"], result["workers"]) == ("inline", 1)


def test_the_time_limit_holds_for_the_whole_command(tmp_path: Path) -> None:
    """The tenth of Colossus takes longer than 6 s to solve; the bound is generous."""
    began = time.monotonic()
    RUNNER.invoke(app, ["plan", *TENTH, "--out", str(tmp_path), "--time-limit", "6", "--json"])
    assert time.monotonic() - began < 12
    assert result_of(tmp_path)["checked"] is True


def test_inputs_are_written_with_the_first_plan_of_a_run_alone(tmp_path: Path) -> None:
    problem = build.problem(jobs=[build.job("a")])
    folder = Folder(tmp_path, problem, time.monotonic())
    plans = [solution(problem, Plan({"a": {rack: 1}})) for rack in ("r1", "r2")]
    folder.save(plans[0])
    assert result_of(tmp_path)["stranded_mw"] is None
    (tmp_path / "site.json").unlink()
    folder.save(plans[1])
    assert not (tmp_path / "site.json").exists()
    assert json.loads((tmp_path / "plan.json").read_text())["placements"][0]["rack"] == "r2"


def test_a_slow_save_waits_until_it_is_a_tenth_of_the_time() -> None:
    pace = Pace(3.0)
    assert (pace.due(), pace.longest_s) == (True, 3.0)
    with pace.timed():
        time.sleep(0.02)
    assert not pace.due()
    assert 0.02 <= pace.longest_s < 3.0
    time.sleep(0.15)
    assert not pace.due()
    time.sleep(0.02 + 12 * (pace.longest_s - 0.02))
    time.sleep(0.05)
    assert pace.due()


def test_no_save_begins_when_only_the_last_one_fits() -> None:
    recorder = Recorder(Pace(2.0))
    assert recorder.is_time_to_save()
    recorder.progress(Progress("improve", 5.0, 10.0, 0, 0, 0, None))
    assert recorder.is_time_to_save()
    recorder.progress(Progress("improve", 7.0, 10.0, 0, 0, 0, None))
    assert not recorder.is_time_to_save()


def test_prices_and_gap_are_printed_with_the_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = build.problem(jobs=[build.job("a")])
    proof = {"bound_mills": 9_000, "bound_by": "volume"}
    price = Price("load", "power_normal", "ups1", "normal", "W", 0.2, 100_000)
    parts = (GapPart("job", "a", 9_000),)
    for prices in ((price,), ()):
        done = solution(problem, Plan({}), prices=prices, gap_parts=parts, **proof)
        print_plan(done, result_record(done, 1.0), {}, tmp_path)
    out = capsys.readouterr().out
    assert "possible (by a linear relaxation), gap 100.00 %" in out
    assert "  another 1 MW on the 2 UPS, spread over all, is worth $100/h ($73.00/kW-month)" in out
    assert out.count("no limit is scarce: everything that pays is placed") == 1
    assert "  $9.00/h, 100 %: job a: the bound counts more of it than the plan earns" in out
    assert max(map(len, out.splitlines())) <= 100


def test_better_plans_are_saved_while_the_solve_runs() -> None:
    problem = build.problem(jobs=[build.job("a")])
    plans = [solution(problem, Plan({"a": {rack: 1}})) for rack in ("r1", "r2")]
    saved: list[Solution] = []

    def solve(watch: Recorder) -> Solution:
        watch.incumbent(plans[0])
        while not saved:
            time.sleep(0.01)
        return plans[1]

    found, interrupted = watched(solve, saved.append, nullcontext(Lines()))
    assert (found, interrupted, saved) == (plans[1], False, [plans[0]])


def test_a_save_that_fails_stops_the_solve() -> None:
    problem = build.problem(jobs=[build.job("a")])
    best = solution(problem, Plan({"a": {"r1": 1}}))

    def solve(watch: Recorder) -> Solution:
        watch.incumbent(best)
        while not watch.stopped():
            time.sleep(0.01)
        return best

    def save(_: Solution) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        watched(solve, save, nullcontext(Lines()))


def test_plain_lines_are_limited_in_rate_but_show_every_phase(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines()
    for phase in ("construct", "improve", "improve"):
        lines.show(Progress(phase, 1.0, 10.0, 0, 0, 1_000, 2_000))
    assert capsys.readouterr().err.splitlines() == [
        f"[   1.0 s] {phase}: best 1.00 $/h, bound 2.00 $/h, gap 50.00 %, 9 s left"
        for phase in ("construct", "improve")
    ]
