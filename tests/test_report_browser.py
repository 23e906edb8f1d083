"""The page in a real browser: it draws every view, answers, and says nothing on the console."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from scheduler.inputs import OfferRecord, RunRecord
from scheduler.model import Plan
from scheduler.report.facts import Recorded, gather
from scheduler.report.page import page_of
from scheduler.report.picture import browser, take_picture
from tests import build
from tests.reported import BY_HAND, HOSTILE, LINK, OFFER, QUOTES, hostile, many_racks, tiny, without

MISSING = not (shutil.which("chromium") and find_spec("websocket") and find_spec("plotly"))
REQUIRED = os.environ.get("RACKWATT_REQUIRE_CHROMIUM") == "1"
pytestmark = pytest.mark.skipif(
    MISSING and not REQUIRED, reason="needs Chromium, websocket-client and Plotly"
)
ALL = "Array.from(document.querySelectorAll"
COUNT = f"(selector) => {ALL}(selector)).filter(node => node.getClientRects().length).length"
OPEN_MS = 3000  # in which a site of 4,000 racks is there
ANSWER_MS = 1000  # in which it answers


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    from tests.browser import opened

    with opened() as tab:
        yield tab
        assert tab.said == []


@pytest.fixture(scope="module")
def site(page: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The tiny site against a plan without train, and with an offer."""
    course = [[0.5, 100.0, None], [1.0, 150.0, 200.0], [2.0, 190.08, 195.0]]
    run = RunRecord.model_validate({"margin_usd_per_h": 190.08, "course": course})
    recorded = Recorded(run=run, offer=OfferRecord.model_validate(OFFER))
    facts = gather(tiny(), BY_HAND, recorded, without(BY_HAND, "train"))
    path = tmp_path_factory.mktemp("page") / "tiny.html"
    path.write_text(page_of(facts))
    page.size(1400, 900)
    page.open(path)
    return page


def number(page: Any, selector: str) -> int:
    """How many nodes match and take any room."""
    found = page.run(f"({COUNT})({json.dumps(selector)})")
    assert isinstance(found, int)
    return found


def text(page: Any, selector: str) -> str:
    return str(page.run(f"document.querySelector({json.dumps(selector)}).innerText"))


def choose(page: Any, selector: str, value: str) -> None:
    page.run(
        f"(() => {{ const node = document.querySelector({json.dumps(selector)});"
        f"node.value = {json.dumps(value)};"
        "for (const kind of ['input', 'change']) node.dispatchEvent(new Event(kind)); })()"
    )


def rack(page: Any, name: str) -> str:
    """Return the selector of a rack's box on the map."""
    names = page.run("JSON.parse(document.getElementById('facts').textContent).racks.name")
    return f'.rack[data-rack="{names.index(name)}"]'


def test_every_view_is_drawn(site: Any) -> None:
    assert number(site, "main > section") == 12
    assert number(site, "#search-plot .scatterlayer .trace") == 2
    assert number(site, "#map .rack") == 12
    assert number(site, "#power-plot .slice") == 16  # 14 nodes, their hall, both utilities
    assert number(site, "#loops li") == 1
    assert number(site, "#fabric-plot .hm image, #fabric-plot .heatmaplayer image") >= 1
    assert number(site, "#money-plot .bars path") == 3
    assert number(site, "#frontier-plot .bars path") == 3
    assert "What it displaces earns 2.50 $/h: 1 job." in text(site, "#offer-words")
    assert HOSTILE in text(site, "#displaced")
    assert number(site, "#gangs-plot svg") >= 1
    for table in (
        "nodes",
        "spreads",
        "tenant-table",
        "contract-table",
        "gangs",
        "gpu-types",
        "changes",
        "told",
    ):
        assert number(site, f"#{table} tbody tr") >= 1, table
    assert number(site, "#unplaced-table tbody tr") == 3
    assert number(site, "#sums > div") >= 6
    assert site.said == []


def test_the_title_band_says_how_the_plan_is(site: Any) -> None:
    band = text(site, ".band")
    for words in ("tiny", "117.0 kW", "190.08 $", "limits hold", "86 of 154 GPUs"):
        assert words in band


def test_every_colouring_has_its_key(site: Any) -> None:
    keys = set()
    for k in range(6):
        site.run(f"document.querySelector('#colouring input[value=\"{k}\"]').click()")
        keys.add(text(site, "#legend"))
        counted = site.run(f"{ALL}('#legend .count')).reduce((sum, n) => sum + +n.innerText, 0)")
        assert counted == 12
    assert len(keys) == 6
    site.run("document.querySelector('#colouring input[value=\"0\"]').click()")


def test_letters_say_the_same_as_colours(site: Any) -> None:
    codes = site.run(f"{ALL}('#map .code')).map(node => node.textContent).join('')")
    # research has most GPUs placed, then acme, then beta.
    assert codes == "BBBB" + "AAAA" + "CAAA"


def test_hover_tells_what_a_rack_holds(site: Any) -> None:
    site.hover(rack(site, "H1-A03-R4"))
    tip = text(site, "#tip")
    for words in ("night (research): 4 GPUs", "6 of 8 GPUs", "7,400 W", "H1-A03-BA", "H1-L1"):
        assert words in tip
    site.hover("h1")
    assert number(site, "#tip") == 0


def test_a_click_keeps_a_rack_and_its_job_can_be_picked_out(site: Any) -> None:
    site.click(rack(site, "H1-A03-R2"))
    assert "H1-A03-R2" in text(site, "#kept")
    site.click("#kept button")
    assert site.run("document.getElementById('pick').value") == "job: chat"
    assert number(site, "#map.picking .rack.on") == 2
    site.click("#unpick")
    assert number(site, "#map.picking") == 0


def test_a_tenant_is_picked_out_by_its_name(site: Any) -> None:
    choose(site, "#pick", "tenant: acme")
    assert number(site, ".rack.on") == 4
    choose(site, "#pick", "")
    assert number(site, ".rack.on") == 0


def test_the_map_can_be_walked_by_keyboard(site: Any) -> None:
    site.run("document.getElementById('unpick').click()")
    site.run("document.getElementById('map').focus()")
    for _ in range(3):
        site.press("ArrowRight")
    assert text(site, "#kept h3") == "H1-A01-R3"
    site.press("Enter")
    assert site.run("document.getElementById('pick').value") == "job: acme-contract"
    site.press("Escape")
    assert number(site, ".rack.on, .cursor") == 0


def test_zoom_goes_in_and_back(site: Any) -> None:
    whole = site.run("document.getElementById('map').getAttribute('viewBox')")
    site.click("#closer")
    assert site.run("document.getElementById('map').getAttribute('viewBox')") != whole
    site.click("#whole")
    assert site.run("document.getElementById('map').getAttribute('viewBox')") == whole


def test_the_failure_state_switches_the_power_tree(site: Any) -> None:
    labels = f"{ALL}('#power-plot .slicetext')).map(node => node.textContent).join('|')"
    # The first is lost, the second carries 55.8 of 60 kW once jobs have acted: 93.0 %.
    state = site.run(
        "[...document.getElementById('state').options]"
        ".find(option => option.text === 'loss of H1-UPS1').value"
    )
    choose(site, "#state", state)
    site.wait(f"{labels}.includes('OUT')")
    assert "H1-UPS2\u00a0\u00a093.0 %" in site.run(labels).replace("  ", "\u00a0\u00a0")
    assert "loss of H1-UPS1: no rack is out" in text(site, "#state-words")
    choose(site, "#state", "normal")
    site.wait(f"!{labels}.includes('OUT')")
    # 42 of 60 kW.
    assert "H1-UPS1\u00a0\u00a070.0 %" in site.run(labels).replace("  ", "\u00a0\u00a0")
    choose(site, "#state", "worst")


def test_hover_tells_about_a_power_node(site: Any) -> None:
    site.hover("#power-plot .slice:nth-of-type(9) path")
    assert "rated" in text(site, "#tip")
    site.hover("h1")


def test_tables_sort_and_filter(site: Any) -> None:
    first = "#tenant-table tbody tr:first-child"
    site.click("#tenant-table thead th:nth-child(4) button")
    assert "research" in text(site, first)
    site.click("#tenant-table thead th:nth-child(4) button")
    assert "beta" in text(site, first)
    choose(site, "#nodes input", "ups3")
    assert number(site, "#nodes tbody tr") >= 1
    assert "H1-UPS3" in text(site, "#nodes tbody")
    choose(site, "#nodes input", "")


def test_a_change_shows_on_the_map(site: Any) -> None:
    site.click("#changes .link")
    assert site.run("document.getElementById('pick').value") == "job: train"
    assert site.run("document.querySelector('#colouring input:checked').value") == "5"
    assert site.run(f"{ALL}('#map .code')).map(n => n.textContent).join('')") == "▲" * 4
    site.click("#unpick")
    site.run("document.querySelector('#colouring input[value=\"0\"]').click()")


def test_the_dark_theme_redraws_the_charts(site: Any) -> None:
    ink = "getComputedStyle(document.querySelector('#money-plot .xtick text')).fill"
    light = site.run(ink)
    site.click("#theme")
    assert site.run("document.documentElement.dataset.theme") == "dark"
    assert site.run(ink) != light
    site.click("#theme")
    assert site.run(ink) == light


def test_the_page_prints(site: Any) -> None:
    printed = site.ask("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
    document = base64.b64decode(printed["data"])
    assert document.startswith(b"%PDF")
    assert document.count(b"/Type /Page\n") + document.count(b"/Type /Page ") >= 3
    assert site.run("document.documentElement.dataset.theme") == "light"


def test_no_text_of_the_page_runs_over_its_place(site: Any) -> None:
    assert site.run("document.documentElement.scrollWidth") <= 1400
    for width in (1400, 1000, 700):
        site.size(width, 900)
        over = site.run(
            f"{ALL}('.band dt, .band dd, nav li, .caption, .tools > *, h2, aside p, .board li'))"
            ".filter(node => node.scrollWidth > node.clientWidth + 1 && node.clientWidth)"
            ".map(node => node.outerHTML.slice(0, 120))"
        )
        assert over == []
        site.wait(f"document.documentElement.scrollWidth <= {width}")  # charts follow
    site.size(1400, 900)


def test_hostile_names_are_text_in_the_browser(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(page_of(gather(*hostile())))
    page.open(path)
    assert text(page, "h1") == HOSTILE
    assert number(page, "#map .rack") == 2
    page.hover(".rack")
    assert HOSTILE in text(page, "#tip")
    assert LINK in text(page, "#tip")
    assert QUOTES in text(page, "#unplaced-table")
    # Also in the charts, where some markup would be read.
    shown = page.run(f"{ALL}('.plot text')).map(node => node.textContent).join('|')")
    assert LINK in shown
    assert HOSTILE in shown
    assert page.run("document.querySelectorAll('.plot a, main a').length") == 0
    assert page.said == []


def test_a_bare_site_is_drawn(page: Any, tmp_path: Path) -> None:
    bare = build.site([build.rack("r1", feeds=(), loop=None)], power_nodes={}, loops={})
    path = tmp_path / "bare.html"
    path.write_text(page_of(gather(build.problem(bare), Plan({}))))
    page.open(path)
    assert number(page, "#map .rack") == 1
    shown = page.run(f"{ALL}('nav li a')).map(node => node.textContent)")
    assert shown == ["Floor", "Tenants", "Money", "Fragmentation", "Findings", "Not placed"]
    assert page.said == []


def test_four_thousand_racks_open_and_answer(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    path.write_text(page_of(gather(*many_racks(4000))))
    page.size(1400, 900)
    page.open(path)
    assert number(page, "#map .rack") == 4000
    assert int(page.run("document.documentElement.dataset.floor")) < OPEN_MS
    took = page.run(
        "(() => { const began = performance.now();"
        "document.querySelector('#colouring input[value=\"1\"]').click();"
        "const pick = document.getElementById('pick'); pick.value = 'tenant: t3';"
        "pick.dispatchEvent(new Event('input')); document.body.getBoundingClientRect();"
        "return performance.now() - began; })()"
    )
    assert took < ANSWER_MS
    assert page.run("document.querySelectorAll('.rack.on').length") == 100


def test_a_picture_is_as_high_as_the_page(tmp_path: Path) -> None:
    chromium = browser()
    assert chromium
    path, picture = tmp_path / "page.html", tmp_path / "page.png"
    path.write_text(page_of(gather(tiny(), BY_HAND)))
    take_picture(chromium, path, picture)
    header = picture.read_bytes()[:24]
    width, height = (int.from_bytes(header[i : i + 4], "big") for i in (16, 20))
    assert header[1:4] == b"PNG"
    assert (width, height > 3000) == (1600, True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["page.html", "page.png"]
