"""Files of rates and weather: what they override, and how mistakes are told."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.inputs import InputError, read_rates, read_weather
from tests import build

HOUR_S = 3600


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_built_in_rates_name_their_sources() -> None:
    found = read_rates(None, build.site())
    assert set(found.kinds) >= {"utility", "ups", "busway", "cdu", "rack", "node", "other"}
    for row in found.kinds.values():
        assert all(f"{name} [" in row.source for name in ("mtbf_h", "mttr_h", "beta", "group"))
    ups = found.of("ups")
    assert (ups.mtbf_s, ups.mttr_s, ups.beta_permille) == (200_000 * HOUR_S, 12 * HOUR_S, 50)
    assert found.of("flywheel") == found.kinds["other"]
    assert (found.hot_day_permille, found.overheads.electrical_permille) == (4, 52)


def test_the_page_shows_the_built_in_rates() -> None:
    page = (Path(__file__).parent.parent / "docs" / "risk.md").read_text("utf-8")
    shown = re.findall(
        r"^\| (\w+)[^|]*\| ([\d,]+) \[.\] \| (\d+) \[.\] \| ([^|]*)", page, re.MULTILINE
    )
    found = read_rates(None, build.site())
    assert {kind for kind, *_ in shown} == set(found.kinds)
    for kind, mtbf_h, mttr_h, beta in shown:
        row = found.kinds[kind]
        assert (int(mtbf_h.replace(",", "")), int(mttr_h)) == (
            row.mtbf_s // HOUR_S, row.mttr_s // HOUR_S,
        )  # fmt: skip
        if kind != "node":
            assert int(beta.split()[0]) * 10 == row.beta_permille


def test_a_file_overrides_single_figures(tmp_path: Path) -> None:
    text = "kinds: {ups: {mtbf_h: 1000}, cdu: {beta: 7.5 %, group: hall}}\nfigures: {fans: 3 %}\n"
    found = read_rates(write(tmp_path, "rates.yaml", text), build.site())
    ups, cdu = found.of("ups"), found.of("cdu")
    assert (ups.mtbf_s, ups.mttr_s) == (1000 * HOUR_S, 12 * HOUR_S)
    assert ups.source.startswith("mtbf_h as given; mttr_h [A]")
    assert (cdu.beta_permille, cdu.group) == (75, "hall")
    assert (found.overheads.fans_permille, found.overheads.liquid_permille) == (30, 25)


def test_kinds_of_the_site_may_have_rates_of_their_own(tmp_path: Path) -> None:
    site = build.site(power_nodes={"f": build.ups("f", kind="flywheel")})
    found = read_rates(write(tmp_path, "r.yaml", "kinds: {flywheel: {mttr_h: 0.5}}"), site)
    assert (found.of("flywheel").mttr_s, found.of("other").mttr_s) == (1800, 8 * HOUR_S)


def test_all_mistakes_of_a_rates_file_are_told_with_their_place(tmp_path: Path) -> None:
    text = (
        "kinds:\n"
        "  upps: {mtbf_h: 1000}\n"
        "  ups: {beta: 120 %}\n"
        "  cdu: {beta: 5}\n"
    )  # fmt: skip
    path = write(tmp_path, "rates.yaml", text)
    with pytest.raises(InputError) as error:
        read_rates(path, build.site())
    assert f"{path}:4: kinds.cdu.beta: expected a percentage" in str(error.value)
    path.write_text(text.replace("beta: 5}", "mttr_h: 5}"), encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_rates(path, build.site())
    assert f"{path}:2: kinds.upps: expected one of" in str(error.value)
    assert "did you mean ups?" in str(error.value)
    assert f"{path}:3: kinds.ups.beta: expected at most 100 %" in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kinds: {ups: {mtbf_h: -1}}", "expected > 0 h, got -1 h"),
        ("kinds: {ups: {mttr_h: 0}}", "expected > 0 h, got 0 h"),
        ("kinds: {ups: {mttr_h: 1e6}}", "expected <= 100000 h"),
        ("kinds: {ups: {mttr: 5}}", "expected one of beta, group, mtbf_h, mttr_h"),
        ("kinds: {ups: {group: room}}", "expected hall, loop or site"),
        ("kinds: [ups]", "expected a mapping"),
        ("figures: {hot_day: 101 %}", "expected at most 100 %"),
        ("- 1", "expected a mapping"),
        ("kinds: {ups: &x {}}", "no anchors"),
    ],
)
def test_bad_rates_are_plain_mistakes(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=r"rates\.yaml:1: ") as error:
        read_rates(write(tmp_path, "rates.yaml", text), build.site())
    assert said in str(error.value)


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_any_text_is_rates_or_mistakes(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rates.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(InputError):
        assert read_rates(path, build.site()).kinds


def test_weather_is_read_in_any_order_of_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "w.csv", "wet_bulb_c,time,dry_bulb_c\n20.5,0:00,30\n-3,1:00,-1.25\n")
    hours = read_weather(path)
    assert [(each.dry_bulb_mc, each.wet_bulb_mc) for each in hours] == [
        (30_000, 20_500), (-1250, -3000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dry_bulb_c\n1\n", "w.csv:1: header: expected a column wet_bulb_c"),
        ("dry_bulb_c,wet_bulb_c\n", "w.csv:1: file: expected at least one hour"),
        ("dry_bulb_c,wet_bulb_c\nx,1\n", "w.csv:2: [0].dry_bulb_c: expected a temperature"),
        ("dry_bulb_c,wet_bulb_c\n1,1\n99,1\n", "w.csv:3: [1].dry_bulb_c: expected a temperature"),
        ("dry_bulb_c,wet_bulb_c\nnan,1\n", "expected a temperature from -80 to 60"),
        ("dry_bulb_c,wet_bulb_c\n20,\n", "[0].wet_bulb_c: expected a temperature"),
        ("dry_bulb_c,wet_bulb_c\n20,21\n", "expected at most the dry bulb, 20 °C, got 21 °C"),
    ],
)
def test_bad_weather_is_a_plain_mistake(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        read_weather(write(tmp_path, "w.csv", text))
    assert said in str(error.value)
