"""The page as text: names are data, scripts are bound, files are whole, mistakes are plain."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from scheduler.cli.app import app
from scheduler.inputs import OfferRecord, RunRecord, read_run_record
from scheduler.model import Plan
from scheduler.report import page
from scheduler.report.facts import Recorded, gather
from scheduler.report.page import embedded, page_of
from scheduler.report.page_data import page_data
from scheduler.report.picture import PictureError, take_picture
from scheduler.words import clean
from tests import build
from tests.reported import (
    BY_HAND,
    HOSTILE,
    LINK,
    OFFER,
    QUOTES,
    hostile,
    tiny,
    without,
    write_folder,
)

needs_plotly = pytest.mark.skipif(find_spec("plotly") is None, reason="needs the extra report")
SCRIPT = re.compile(r"<script(?: [^>]*)?>(.*?)</script>", re.DOTALL)


@pytest.fixture
def short_plotly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-in for Plotly's 5 MB, with the words that would end a script."""
    monkeypatch.setattr(page, "_plotly", lambda: "const Plotly = '</script>';")


def facts_in(text: str) -> Any:
    return json.loads(SCRIPT.findall(text)[0])


@pytest.mark.usefixtures("short_plotly")
def test_names_are_text_wherever_they_stand() -> None:
    text = page_of(gather(*hostile()))
    assert HOSTILE not in text
    assert LINK not in text
    assert len(SCRIPT.findall(text)) == text.count("</script>") == 3
    assert html.escape(HOSTILE) in text  # the title
    data = facts_in(text)
    assert data["racks"]["name"] == [HOSTILE, QUOTES]
    assert [job["name"] for job in data["jobs"]] == [LINK]
    assert data["unplaced"][0]["job"] == QUOTES


@pytest.mark.usefixtures("short_plotly")
def test_only_the_scripts_of_the_page_may_run() -> None:
    text = page_of(gather(*hostile()))
    _, ours, plotly = SCRIPT.findall(text)
    digests = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in (ours, plotly)
    ]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    rules = dict(part.strip().partition(" ")[::2] for part in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert sorted(rules["script-src"].split()) == sorted(f"'sha256-{each}'" for each in digests)


@needs_plotly
def test_the_page_asks_nothing_of_the_network() -> None:
    text = page_of(gather(tiny(), BY_HAND))
    head = text[: text.index('<script type="application/json"')]
    assert re.findall(r'(?:src|href)="(?!#|data:,)[^"]*"', head) == []
    assert len(text) < 25 * 2**20


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names, names, names)
def test_any_name_comes_back_as_it_is(rack: str, job: str, tenant: str) -> None:
    problem = build.problem(
        build.site([build.rack(rack)], name=job), [build.job(job, tenant=tenant)]
    )
    data = page_data(gather(problem, Plan({job: {rack: 1}})))
    text = embedded(data)
    assert not set(text) & set("<>&\u2028\u2029")
    back = json.loads(text)
    assert back["racks"]["name"] == [clean(rack)]
    assert back["jobs"][0]["name"] == clean(job)
    assert back["tenants"][0]["name"] == clean(tenant)


def test_the_data_holds_what_the_facts_say() -> None:
    earlier = without(BY_HAND, "train")
    recorded = Recorded(offer=OfferRecord.model_validate(OFFER))
    facts = gather(tiny(), BY_HAND, recorded, earlier)
    data: Any = json.loads(embedded(page_data(facts)))
    racks = data["racks"]
    assert {len(column) for column in racks.values()} == {12}
    last = racks["name"].index("H1-A03-R4")
    held = [(data["jobs"][j]["name"], units, gpus) for j, units, gpus in racks["held"][last]]
    assert held == [("night", 1, 4), ("notebook", 2, 2)]
    assert [data["nodes"][n]["name"] for n in racks["feeds"][0]] == ["H1-A01-BA", "H1-A01-BB"]
    assert data["loops"][racks["loop"][0]]["name"] == "H1-L1"
    node = [each["name"] for each in data["nodes"]].index("H1-UPS2")
    state = next(each for each in data["states"] if each["name"] == "loss of H1-UPS1")
    assert state["after"][state["nodes"].index(node)] == 55_800
    assert [change["job"] for change in data["difference"]["jobs"]] == ["train"]
    (offer,) = data["offers"]
    labels = [(point["label"], point["gpus"], point["bound"]) for point in offer["points"]]
    assert labels == [("rack", 32, 32), ("array", 16, 24), ("survives ups and cdu", 8, 8)]
    assert "It pays from 1.500 $/GPU-h." in offer["words"]


def test_a_bound_of_another_plan_is_not_shown() -> None:
    def told(margin: float) -> dict[str, str]:
        run = RunRecord(margin_usd_per_h=margin, bound_usd_per_h=200.0, gap=0.05)
        facts = gather(tiny(), BY_HAND, Recorded(run=run))
        return {name: amount for name, amount, _ in page.key_figures(facts)}

    assert told(190.08)["gap to the best possible"] == "5.00 %"
    assert told(190.09)["gap to the best possible"] == "unknown"


def test_what_can_be_drawn_is_of_the_recorded_run() -> None:
    def told(margin: float, **power: float) -> str:
        run = RunRecord.model_validate({"margin_usd_per_h": margin, "power": power})
        facts = gather(tiny(), BY_HAND, Recorded(run=run))
        return next(words for name, _, words in page.key_figures(facts) if name.startswith("IT"))

    assert told(190.08, drawable_mw=0.2).endswith("; 150.0 kW on nameplates")
    assert "58.5 % of the 200.0 kW that any plan" in told(190.08, drawable_mw=0.2)
    assert told(190.08) == told(190.07, drawable_mw=0.2) == "150.0 kW on nameplates"


@pytest.mark.parametrize(("margin", "worth"), [(190.08, ["a rack: $1"]), (190.07, [])])
def test_prices_of_another_plan_are_not_shown(margin: float, worth: list[str]) -> None:
    run = RunRecord.model_validate(
        {"margin_usd_per_h": margin, "prices": [{"words": "a rack: $1"}]}
    )
    data: Any = page_data(gather(tiny(), BY_HAND, Recorded(run=run)))
    assert data["money"]["worth"] == worth


def test_the_course_of_another_plan_is_not_shown() -> None:
    course = [[0.5, 100.0, None], [2.0, 190.08, 195.0]]
    for margin, shown in ((190.08, 2), (190.07, 0)):
        run = RunRecord.model_validate({"margin_usd_per_h": margin, "course": course})
        data: Any = page_data(gather(tiny(), BY_HAND, Recorded(run=run)))
        assert len(data["course"]) == shown


def run(*words: str | Path) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


@needs_plotly
def test_the_verb_writes_one_file(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "plan", tiny(), BY_HAND)
    before = {path.name for path in folder.iterdir()}
    done = run("report", folder)
    assert (done.exit_code, done.stdout.strip()) == (0, str(folder / "report.html"))
    assert {path.name for path in folder.iterdir()} - before == {"report.html"}
    other = write_folder(tmp_path / "other", tiny(), without(BY_HAND, "train"))
    out = tmp_path / "deep" / "er.html"
    assert run("report", folder, "--against", other, "--out", out).exit_code == 0
    assert facts_in(out.read_text())["difference"]["jobs"][0]["job"] == "train"


@pytest.mark.usefixtures("short_plotly")
def test_three_files_do_as_well(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "plan", tiny(), BY_HAND)
    files = [folder / name for name in ("site.json", "workload.json", "plan.json")]
    done = run("report", *files)
    assert (done.exit_code, "--out: expected" in done.stderr) == (2, True)
    assert run("report", *files, "--out", tmp_path / "page.html").exit_code == 0
    assert facts_in((tmp_path / "page.html").read_text())["site"] == "tiny"


@pytest.mark.usefixtures("short_plotly")
def test_what_the_run_recorded_is_shown(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, tiny(), BY_HAND)
    price = {"words": "another rack is worth <b>"}
    record = {"margin_usd_per_h": 190.08, "bound_usd_per_h": 195, "gap": 0.025, "prices": [price]}
    (folder / "result.json").write_text(json.dumps(record))
    reasons = {"unplaced": [{"job": "sweep", "reason": "no room <i>"}]}
    (folder / "findings.json").write_text(json.dumps(reasons))
    assert run("report", folder).exit_code == 0
    data = facts_in((folder / "report.html").read_text())
    assert data["money"]["worth"] == ["another rack is worth <b>"]
    assert ["at most possible", "195.00 $/h", "proven gap 2.50 %"] in data["money"]["sums"]
    assert {each["job"]: each["reason"] for each in data["unplaced"]}["sweep"] == "no room <i>"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("result.json", "{", "result.json:1: file: expected valid JSON"),
        ("result.json", '{"gap": "wide"}', "result.json:1: gap: expected a number"),
        ("result.json", '{"gap": 1e400}', "result.json:1"),
        ("findings.json", '{"unplaced": [{"job": 3}]}', "findings.json:1: unplaced[0].job"),
        ("offer.json", '{"offers": [{"name": "a"}]}', "offer.json:1: offers[0].asked"),
        ("offer.json", "[]", "offer.json:1"),
        ("plan.json", "[]", "plan.json:1"),
    ],
)
def test_bad_files_are_told_in_one_line(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    folder = write_folder(tmp_path, tiny(), BY_HAND)
    (folder / name).write_text(content)
    done = run("report", folder)
    assert done.exit_code == 2
    assert words in done.stderr
    assert not (folder / "report.html").exists()


def test_a_folder_without_a_plan_and_a_plan_that_is_not_there(tmp_path: Path) -> None:
    assert run("report", tmp_path / "none").exit_code == 2
    folder = write_folder(tmp_path, tiny(), BY_HAND)
    assert run("report", folder, "--against", tmp_path / "none").exit_code == 2


def test_without_plotly_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "find_spec", lambda _name: None)
    done = run("report", write_folder(tmp_path, tiny(), BY_HAND))
    assert (done.exit_code, "extra report" in done.stderr) == (2, True)


def test_without_chromium_there_is_no_picture_and_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = write_folder(tmp_path / "plan", tiny(), BY_HAND)
    done = run("report", folder, "--png", tmp_path / "page.png")
    assert (done.exit_code, "needs Chromium" in done.stderr) == (2, True)
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", "ended with code 3"),
        ("echo '<html data-height=\"900\">'", "did not draw the page"),
        ('echo \'<html data-drawn="yes" data-height="900">\'', "wrote no picture"),
    ],
)
def test_a_browser_that_fails_is_told(tmp_path: Path, script: str, words: str) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\n{script}\n")
    browser.chmod(0o755)
    with pytest.raises(PictureError, match=words):
        take_picture(str(browser), tmp_path / "page.html", tmp_path / "page.png")
    assert list(tmp_path.glob("*.png")) == []


def test_the_folder_of_an_offer_shows_the_plan_with_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "with", tiny(), BY_HAND)
    write_folder(tmp_path / "without", tiny(), without(BY_HAND, "train"))
    (tmp_path / "offer.json").write_text(json.dumps(OFFER))
    assert run("report", tmp_path).exit_code == 0
    data = facts_in((tmp_path / "report.html").read_text())
    assert [change["job"] for change in data["difference"]["jobs"]] == ["train"]
    assert data["offers"][0]["displaced"][0]["job"] == HOSTILE
    assert run("report", tmp_path / "with").exit_code == 0
    assert facts_in((tmp_path / "with" / "report.html").read_text())["offers"]


def test_a_folder_without_a_record_has_an_empty_one(tmp_path: Path) -> None:
    assert read_run_record(tmp_path) == RunRecord()


def test_the_report_loads_no_plotly_module() -> None:
    """Plotly's modules take a second; the page needs its script alone."""
    lines = (
        "import sys",
        "from scheduler.report.facts import gather",
        "from scheduler.report.page_data import page_data",
        "from tests.reported import BY_HAND, tiny",
        "page_data(gather(tiny(), BY_HAND))",
        "print([name for name in sys.modules if name.startswith('plotly.graph')])",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    assert done.stdout.strip() == "[]"
