"""The command line as a whole: fast start, plain mistakes, safe output."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scheduler import __version__
from scheduler.cli.app import app
from scheduler.cli.console import output, safe

VERBS = (
    *(
        "plan",
        "check",
        "explain",
        "score",
        "risk",
        "release",
        "replan",
        "site",
        "show",
        "report",
        "schema",
    ),
    *("export", "import"),
)
RUNNER = CliRunner()
TINY_SITE = str(Path(__file__).parent.parent / "examples" / "tiny" / "site.yaml")


def rackwatt(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from scheduler.cli.app import main; main()", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        check=False,
    )


def test_help_names_every_verb_and_starts_fast() -> None:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        done = rackwatt("--help")
        times.append(time.perf_counter() - start)
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in VERBS)
    assert min(times) < 0.3


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    done = RUNNER.invoke(app, [verb, "--help"])
    assert done.exit_code == 0
    assert "Traceback" not in done.output


def test_version_and_wrong_usage() -> None:
    assert RUNNER.invoke(app, ["--version"]).output == f"rackwatt {__version__}\n"
    assert RUNNER.invoke(app, ["frobnicate"]).exit_code == 2
    assert RUNNER.invoke(app, ["plan"]).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "no-site.yaml", "no-workload.yaml", "--out", "OUT"),
        ("check", "no-folder"),
        ("check", "one", "two"),
        ("explain", "job"),
        ("explain", "job", "no-folder"),
        ("score", "no-folder"),
        ("site", "no-site.yaml"),
    ],
)
def test_missing_files_are_a_line_on_stderr_and_exit_code_2(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    done = RUNNER.invoke(app, [word.replace("OUT", str(tmp_path / "out")) for word in words])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) in (1, 2)
    assert "Traceback" not in done.stderr


def test_every_mistake_of_a_file_is_a_line_with_its_place(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("name: x\npower_basis: guess\nhalls: 7\n")
    done = RUNNER.invoke(app, ["site", str(site)])
    assert done.exit_code == 2
    lines = done.stderr.splitlines()
    assert any("site.yaml:2: power_basis: expected" in line for line in lines)
    assert any("site.yaml:3: halls: expected" in line for line in lines)


def test_schema_is_json_schema_and_refuses_other_kinds() -> None:
    done = RUNNER.invoke(app, ["schema", "site"])
    assert done.exit_code == 0
    assert '"$schema"' in done.stdout
    assert RUNNER.invoke(app, ["schema", "weather"]).exit_code == 2


def test_site_shows_trees_redundancy_and_power_on_both_bases() -> None:
    done = RUNNER.invoke(app, ["site", TINY_SITE])
    assert done.exit_code == 0
    for expected in ("hall H1: 12 racks", "H1-A01..A03", "ups", "3N/2", "nameplate", "observed"):
        assert expected in done.stdout
    assert "deliverable to racks" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 100


def test_no_color_means_no_escape_even_where_colour_is_forced() -> None:
    done = rackwatt("site", TINY_SITE, FORCE_COLOR="1", NO_COLOR="1")
    assert done.returncode == 0
    assert "\x1b[3" not in done.stdout  # colours; FORCE_COLOR may still ask for bold


def test_a_terminal_without_unicode_gets_question_marks_not_a_traceback() -> None:
    done = rackwatt("site", TINY_SITE, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, "")


def test_names_cannot_open_markup_or_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    output().print(safe("[red]a[/red]\x1b[2Jb"))
    assert capsys.readouterr().out == "[red]a[/red]\ufffd[2Jb\n"
