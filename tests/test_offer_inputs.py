"""Offer files: sizes, defaults, capital, mistakes with their places, schema."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from scheduler.cli.app import app
from scheduler.inputs import InputError, json_schema, read_offers, read_problem
from scheduler.model import Level, Offer, Problem
from scheduler.model.levels import ISOLATION_LEVELS
from tests.offers import EXAMPLES, tiny

PROBLEM = tiny()
FIELDS = sorted(json_schema("offer")["$defs"]["OfferEntry"]["properties"])
TENTH = EXAMPLES / "colossus-tenth"


def read(tmp_path: Path, text: str, problem: Problem = PROBLEM) -> tuple[Offer, ...]:
    file = tmp_path / "offer.yaml"
    file.write_text(text, encoding="utf-8")
    return read_offers(file, problem)


def one(tmp_path: Path, fields: str) -> Offer:
    (found,) = read(tmp_path, f"offers:\n  - {{name: new, {fields}}}\n")
    return found


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    return [str(each).removeprefix(f"{tmp_path / 'offer.yaml'}:") for each in caught.value.mistakes]


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    offer = one(tmp_path, "gpus: 10")
    contract = offer.contract
    assert (contract.units, contract.gpus_per_unit, offer.gpus) == (3, 4, 12)  # whole nodes of 4
    assert (contract.gpu_types, contract.profile, contract.firm) == (("demo",), "opaque", True)
    assert (offer.tenant.external, offer.tenant.isolation) == (True, Level.HOST)
    assert (offer.is_priced, contract.price_mills_per_gpu_h, offer.asked_w) == (False, 0, None)


def test_what_is_asked_becomes_a_contract(tmp_path: Path) -> None:
    offer = one(
        tmp_path,
        "units: 2, gpu_types: [DEMO], isolation: rack, price_usd_per_gpu_h: 2.5, term_days: 365, "
        "notice_days: 90, start: 2027-01-31, take_or_pay: true, power: steady, power_action: cap, "
        "within: [H1-A02], expected_credits: 0.5 %, "
        "topology: {required: array}, sla: {survives: [rack, ups], spare_nodes: 50 %}",
    )
    contract = offer.contract
    assert (offer.gpus, contract.gpu_types, offer.tenant.isolation) == (8, ("demo",), Level.RACK)
    assert (contract.price_mills_per_gpu_h, offer.is_priced) == (2_500, True)
    assert (contract.term_days, contract.notice_days, contract.take_or_pay) == (365, 90, True)
    assert (contract.profile, contract.power_action, contract.within) == (
        "steady",
        "cap",
        ("H1-A02",),
    )
    assert (contract.required, contract.sla.survives) == (Level.ARRAY, ("rack", "ups"))
    assert (contract.sla.spare_permille, offer.credit_permille) == (500, 5)
    assert offer.starts == "2027-01-31"


def test_megawatts_are_gpus_on_the_power_basis_of_the_site(tmp_path: Path) -> None:
    # A rack of 8 GPUs draws 10 kW: 30 kW are 24 GPUs. At the meter, PUE 1.2, 36 kW are.
    assert one(tmp_path, "mw: 0.03").gpus == 24
    assert one(tmp_path, "mw: 0.036, mw_at: meter").gpus == 24
    assert one(tmp_path, "mw: 0.036, mw_at: meter").asked_w == 30_000
    assert one(tmp_path, "mw: 0.0299").gpus == 24  # 23.92 GPUs are 23, in whole nodes 24


def test_megawatts_of_several_types_are_at_their_mean() -> None:
    # 288 racks of 64 Hopper at 67.2 kW: 1,050 W a GPU, so 4 MW are 3,809, in whole nodes 3,816.
    problem = read_problem(TENTH / "site.yaml", TENTH / "workload.yaml")
    newton, curie = read_offers(TENTH / "offer.yaml", problem)
    assert (newton.gpus, newton.asked_w) == (3_816, 4_000_000)
    assert curie.gpus == 1_024


def test_capital_comes_back_over_its_months(tmp_path: Path) -> None:
    # 7,300 $ over 100 months of 730 h are 0.10 $ an hour; what does not divide is rounded up.
    offer = one(tmp_path, "gpus: 8, capex: {usd_per_gpu: 7300, months: 100}")
    assert offer.capex_mills_per_gpu_h == 100
    assert one(tmp_path, "gpus: 8, capex: {usd_per_gpu: 1, months: 100}").capex_mills_per_gpu_h == 1


def test_every_mistake_of_shape_has_its_place(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        "offers:\n"
        "  - {name: a, gpus: -1}\n"
        "  - {name: b, gpus: 8, isolation: galaxy}\n"
        "  - {name: c, gpus: 8, start: tomorrow}\n"
        "  - {name: d, gpus: 8, mw: 3}\n"
        "  - {name: e, gpus: 8, expected_credits: 100 %}\n"
        "  - {name: f, gpus: 8, colour: red}\n",
    )
    assert [line.partition(", got")[0] for line in found] == [
        "2: offers[0].gpus: expected >= 1",
        f"3: offers[1].isolation: expected one of {', '.join(ISOLATION_LEVELS)}",
        "4: offers[2].start: expected a date such as 2027-01-31",
        "5: offers[3]: expected exactly one of gpus, units or mw",
        "6: offers[4]: expected credits of less than the whole fee",
        f"7: offers[5].colour: expected one of {', '.join(FIELDS)}",
    ]


def test_every_mistake_of_meaning_has_its_place(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        "offers:\n"
        "  - {name: acme, gpus: 8}\n"
        "  - name: b\n"
        "    gpus: 8\n"
        "    gpu_types: [dmo]\n"
        "    power: stedy\n"
        "    within: [H9]\n"
        "    sla: {survives: [sun]}\n"
        "  - {name: b, gpus: 8}\n"
        "  - {name: c, mw: 0.000001}\n",
    )
    assert [line.partition(": expected")[0] for line in found] == [
        "2: offers[0].name",
        "5: offers.b.gpu_types",
        "6: offers[1].power",
        "7: offers.b.within",
        "8: offers.b.sla.survives",
        "9: offers[2].name",
        "9: offers[2].name",
        "10: offers[3].mw",
    ]


@pytest.mark.parametrize("text", ["", "offers: []", "offers: 3", "[1]", "offers:\n - x", "a: &b 1"])
def test_what_is_no_offer_file_is_a_mistake(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, text)


WORDS = st.sampled_from(
    (*"{}[]:,'-\n\x1b\u202e", "name", "gpus", "mw", "sla", "capex", "8", "nan", "1e400", "rack")
)


@given(st.lists(WORDS, max_size=25))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nonsense_raises_nothing_but_mistakes(tmp_path: Path, words: list[str]) -> None:
    with suppress(InputError):
        assert read(tmp_path, "offers:\n  - {name: new, gpus: 8, " + " ".join(words))


def test_the_schema_is_printed_and_names_every_field() -> None:
    done = CliRunner().invoke(app, ["schema", "offer"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json_schema("offer")
    fields = json_schema("offer")["$defs"]["OfferEntry"]["properties"]
    assert {"gpus", "mw", "isolation", "sla", "price_usd_per_gpu_h", "start"} <= fields.keys()
    assert CliRunner().invoke(app, ["schema", "weather"]).exit_code == 2


@pytest.mark.parametrize("file", ["offer-300mw.yaml", "offer-100mw.yaml"])
def test_the_offers_of_the_whole_site_ask_for_what_they_say(file: str) -> None:
    # 300 MW at the site's mean of 261.12 MW / 221,760 GPUs; 100 MW at 1,050 W.
    folder = EXAMPLES / "colossus"
    problem = read_problem(folder / "site.yaml", folder / "workload.yaml")
    (titan,) = read_offers(folder / file, problem)
    assert titan.gpus == {"offer-300mw.yaml": 254_760, "offer-100mw.yaml": 95_240}[file]
