"""``rackwatt offer`` from files to tables, JSON and folders; exit codes; unusable input."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scheduler.cli.app import app
from scheduler.model import Level, Plan, Problem
from scheduler.questions.offer import Budget, Solver, answer
from scheduler.questions.offer.fit import Fits
from scheduler.solve import Solution
from tests import build
from tests.offers import TINY, offer, solver
from tests.solutions import solution

RUNNER = CliRunner()
OFFERS = """offers:
  - {name: gamma, gpus: 8, isolation: rack, power: steady, price_usd_per_gpu_h: 2.50,
     notice_days: 90}
  - {name: delta, gpus: 200, power: steady, price_usd_per_gpu_h: 3.00}
"""


@pytest.fixture(scope="module")
def weighed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Two offers to the tiny site, weighed once: folder, stdout, stderr."""
    folder = tmp_path_factory.mktemp("offer")
    (folder / "offer.yaml").write_text(OFFERS)
    words = [*TINY, str(folder / "offer.yaml"), "--out", str(folder / "out"), "--time-limit", "300"]
    done = RUNNER.invoke(app, ["offer", *words, "--workers", "1"])
    assert done.exit_code == 1, done.output  # delta does not fit
    return folder / "out", done.stdout, done.stderr


def record_of(folder: Path) -> dict[str, Any]:
    data = json.loads((folder / "offer.json").read_text())
    assert isinstance(data, dict)
    return data


def test_tables_say_all_that_is_asked_for(weighed: tuple[Path, str, str]) -> None:
    _, out, err = weighed
    flat = " ".join(out.split())
    for expected in (
        "without an offer: margin 190.08 $/h, at most 190.08 $/h possible, checked",
        "gamma asks for 8 GPUs of demo, rack isolation, $2.500/GPU-h, 90 days' notice",
        "It fits as it is asked for; the largest block is 48 GPUs (60.0 kW), proven.",
        "accept at or above $1.932/GPU-h",
        "exact: both plans are proven the best",
        "at $2.500/GPU-h it gains 4.54 $/h",
        "It does not fit as it is asked for",
        "It asks for 200 GPUs of demo; the empty site tiny has 96 in use that it may take.",
        "accept at or above",
        "cancellable by notice",
        "HHI",
        "together: the 2 offers",
    ):
        assert expected in flat, expected
    assert max(len(line) for line in out.splitlines()) <= 100
    assert "plan without any offer" in err


def test_the_record_says_the_same(weighed: tuple[Path, str, str]) -> None:
    record = record_of(weighed[0])
    gamma, delta = record["offers"]
    assert (record["format"], record["power_basis"]) == ("rackwatt-offer/1", "observed_peak")
    assert (gamma["fits"], delta["fits"]) == ("fits", "does not fit")
    assert gamma["deal"]["break_even"]["accept_at_usd_per_gpu_h"] == 1.932
    assert gamma["deal"]["break_even"]["exact"] is True
    # beta's 17.12 $/h are lost: 8 GPUs of 2.20 $, less 0.48 $ of energy
    assert delta["largest_block"]["gpus"] == delta["deal"]["gpus"] == 48
    assert gamma["deal"]["revenue"]["cancellable_usd_per_h"] == 20.0
    assert record["together"]["fits"] in ("does not fit", "open")
    assert record["without"]["margin_usd_per_h"] == 190.08


def test_the_frontier_is_a_table_and_every_point_has_a_plan(
    weighed: tuple[Path, str, str],
) -> None:
    folder = weighed[0]
    rows = list(csv.DictReader((folder / "frontier.csv").read_text().splitlines()))
    gamma = [row for row in rows if row["offer"] == "gamma" and row["series"] == "isolation"]
    assert [(row["isolation"], row["gpus"], row["bound_gpus"]) for row in gamma] == [
        ("host", "48", "48"),
        ("rack", "48", "48"),
        ("array", "48", "48"),
        ("pod", "0", "0"),
        ("hall", "0", "0"),
        ("site", "0", "0"),
    ]
    points = sorted((folder / "frontier").iterdir())
    assert len(points) == len(rows)
    site = str(folder / "without" / "site.json")
    for point in points:
        words = [site, str(point / "workload.json"), str(point / "plan.json")]
        checked = RUNNER.invoke(app, ["check", *words])
        assert checked.exit_code == 0, checked.output
        assert "unmet firm 0 GPUs" in checked.output


@pytest.mark.parametrize("name", ["without", "with", "with-1", "with-2"])
def test_every_plan_folder_passes_the_check(weighed: tuple[Path, str, str], name: str) -> None:
    done = RUNNER.invoke(app, ["check", str(weighed[0] / name)])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("offers:\n  - {name: acme, gpus: 8}\n", "2: offers[0].name: expected a name that no"),
        ("offers:\n  - {name: x, gpus: 0}\n", "2: offers[0].gpus: expected >= 1"),
        ("offers: []\n", "1: offers: expected at least 1 item"),
    ],
)
def test_bad_offers_are_lines_on_stderr(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "offer.yaml"
    file.write_text(text)
    done = RUNNER.invoke(app, ["offer", *TINY, str(file)])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert expected in done.stderr


def test_a_missing_offer_file_is_a_line(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["offer", *TINY, str(tmp_path / "none.yaml")])
    assert done.exit_code == 2
    assert "none.yaml" in done.stderr
    assert "Traceback" not in done.output


def test_names_cannot_open_markup(tmp_path: Path) -> None:
    file = tmp_path / "offer.yaml"
    file.write_text("offers:\n  - {name: '[red]x', gpus: 200, gpus_per_unit: 4, power: steady}\n")
    done = RUNNER.invoke(app, ["offer", *TINY, str(file), "--time-limit", "2"])
    assert "[red]x asks for" in done.stdout


def test_no_offer_is_weighed_where_firm_contracts_are_not_met() -> None:
    # 5 nodes are promised and there are 4.
    problem = build.problem(contracts=[build.contract("too-much", units=5)])
    found = answer(problem, [offer(profile="flat")], solver())
    assert found.weighed == ()
    assert "too-much lacks 8" in " ".join(found.lines)


class Unlucky(Solver):
    """A solver whose first plan is the empty one."""

    def solve(self, problem: Problem, time_limit_s: float, **options: Any) -> Solution:
        """Solve, but for the first time."""
        if not tried:
            tried.append(problem)
            return solution(problem, Plan({}))
        return super().solve(problem, time_limit_s, **options)


tried: list[Problem] = []


def test_a_first_plan_that_misses_firm_contracts_is_not_the_last() -> None:
    problem = build.problem(contracts=[build.contract("held")])
    unlucky = Unlucky(Budget(60.0, lambda _: None, lambda: False), workers=1)
    found = answer(problem, [offer(profile="flat")], unlucky)
    assert tried == [problem]
    assert found.without.verdict.unmet_firm_gpus == 0
    (weighed,) = found.weighed
    assert weighed.fit.fits is Fits.YES


def test_a_question_that_is_stopped_ends_with_what_it_has() -> None:
    stop = Solver(Budget(60.0, lambda _: None, lambda: True), workers=1)
    problem = build.problem(contracts=[build.contract("held", firm=False)])
    found = answer(problem, [offer(profile="flat"), offer("two", Level.RACK)], stop)
    assert found.weighed == ()
    assert found.together is None
    assert found.without.verdict.checked


def test_offers_compete_for_the_same_racks() -> None:
    # 4 nodes: two offers of 3 fit alone, not together; the dearer one is taken.
    offers = [
        offer("low", units=3, price=1_000, profile="flat"),
        offer("high", units=3, price=2_000, profile="flat"),
    ]
    found = answer(build.problem(), offers, solver()).together
    assert found is not None
    assert (found.fits, found.least_unmet_gpus, found.taken) == (Fits.NO, 16, ("high",))
    assert found.lost_mills == found.gains_alone_mills - found.gain_mills > 0
