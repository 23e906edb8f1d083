"""`rackwatt show`: blocks of at most 100 columns, told by characters as well as by colour."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scheduler.check import check
from scheduler.cli.app import app
from scheduler.cli.block_views import by_tenant
from scheduler.cli.blocks import print_floor
from scheduler.cli.console import output
from scheduler.cli.show import VIEWS
from scheduler.model import Hall, Plan
from scheduler.report.floor import floor_of
from scheduler.report.racks import racks_of
from scheduler.topology import Topology
from tests import build
from tests.reported import ARRAYS, BY_HAND, many_racks, tiny, without, write_folder

runner = CliRunner()


def shown(folder: Path, *words: str, **environment: str) -> Any:
    return runner.invoke(app, ["show", str(folder), *words], env=environment)


def map_of(text: str) -> str:
    """Return the line of the only hall of the tiny site."""
    lines = text.splitlines()
    return lines[lines.index(next(line for line in lines if line.rstrip() == "H1")) + 1]


def test_tenants_have_letters_by_size(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, tiny(), without(BY_HAND, "night", "notebook"))
    done = shown(folder)
    # research holds 48 GPUs, acme 32 and beta 8; the last rack is empty.
    assert done.exit_code == 0
    assert map_of(done.stdout) == "BBBB" + "AAAA" + "CAA·"
    assert re.search(r"A  research +6 racks", done.stdout)
    assert re.search(r"·  empty +1 rack\n", done.stdout)


def test_the_other_views_by_hand(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, tiny(), BY_HAND)
    # Broken nowhere; the loop leaves 1.3 %, the busways of A01 leave nothing: all below 2 %.
    assert map_of(shown(folder, "--by", "headroom").stdout) == "0" * 12
    # The last rack: 6 of 8 GPUs are 75 %, the next step.
    assert map_of(shown(folder, "--by", "utilisation").stdout) == "5" * 11 + "4"
    assert map_of(shown(folder, "--by", "exclusivity").stdout) == "AAAA····R···"
    assert set(map_of(shown(folder, "--by", "inlet").stdout)) <= set("012345")


def test_drained_racks_and_broken_limits_show(tmp_path: Path) -> None:
    problem = tiny()
    racks = dict(problem.site.racks)
    racks[ARRAYS[2][0]] = replace(racks[ARRAYS[2][0]], drained=True)
    drained = replace(problem, site=replace(problem.site, racks=racks))
    folder = write_folder(tmp_path / "a", drained, without(BY_HAND, "train"))
    for view in ("tenant", "utilisation"):
        assert map_of(shown(folder, "--by", view).stdout)[4] == "x"
    crowded = Plan({**BY_HAND.units, "big-tune": dict.fromkeys(ARRAYS[2], 2)})
    folder = write_folder(tmp_path / "b", problem, crowded)
    assert "!" in map_of(shown(folder, "--by", "headroom").stdout)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("columns", ["40", "300"])
def test_no_line_is_wider_than_100_columns(tmp_path: Path, view: str, columns: str) -> None:
    problem, plan = many_racks(1000)
    done = shown(write_folder(tmp_path, problem, plan), "--by", view, COLUMNS=columns)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    # 13 halls of 16 racks in 5 rows; 5 halls and 4 gaps of 2 take 88 columns, 6 would take 106.
    heads = [line for line in lines if line.startswith("H")]
    assert [head.split() for head in heads] == [
        [f"H{hall:02d}" for hall in band] for band in (range(5), range(5, 10), range(10, 13))
    ]


def test_more_tenants_than_letters(tmp_path: Path) -> None:
    racks = [build.rack(f"r{i:02d}", position=i) for i in range(60)]
    jobs = [build.job(f"j{i}", tenant=f"t{i:02d}") for i in range(60)]
    plan = Plan({f"j{i}": {f"r{i:02d}": 1} for i in range(60)})
    done = shown(write_folder(tmp_path, build.problem(build.site(racks), jobs), plan))
    assert done.stdout.count("*" * 8) == 1
    assert "and 23 more" in done.stdout  # 52 letters and the others, 30 are listed


def test_no_colour_where_none_is_wanted(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, tiny(), BY_HAND)
    assert "\x1b[" not in shown(folder, NO_COLOR="1", FORCE_COLOR="").stdout
    assert "\x1b[" not in shown(folder).stdout


def test_names_cannot_reach_the_terminal() -> None:
    evil, long = "\x1b[2Jx\u202e", "[bold]<b>" * 20
    racks = [build.rack("r1", hall=evil), build.rack("r2", hall=evil)]
    halls = {evil: Hall(name=evil, supply_mc=22_000, inlet_limit_mc=27_000)}
    site = build.site(racks, halls=halls, name=evil * 40)
    jobs = [build.job("a", tenant=evil), build.job("b", tenant=long)]
    problem, plan = build.problem(site, jobs), Plan({"a": {"r1": 1}, "b": {"r2": 1}})
    found = racks_of(problem, plan, Topology(site), check(problem, plan).findings)
    console = output()
    with console.capture() as captured:
        print_floor(console, site.name, floor_of(site), by_tenant(found))
    text = captured.get()
    assert not set(text) & {"\x1b", "\u202e"}
    assert max(map(len, text.splitlines())) <= 100
    (line,) = [line for line in text.splitlines() if "[bold]" in line]
    assert line.endswith("...       1 rack")
    assert line.startswith("  B  [bold]<b>[bold]")


def test_three_files_do_as_well(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, tiny(), BY_HAND)
    files = [folder / name for name in ("workload.json", "plan.json")]
    assert map_of(shown(folder / "site.json", *map(str, files)).stdout) == "BBBBAAAACAAA"


def test_mistakes_end_with_2(tmp_path: Path) -> None:
    assert shown(tmp_path / "none").exit_code == 2
    done = shown(write_folder(tmp_path, tiny(), BY_HAND), "--by", "smell")
    assert (done.exit_code, "--by: expected tenant, headroom" in done.stderr) == (2, True)
