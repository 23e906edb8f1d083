"""The hardware catalogue: complete, tagged, consistent."""

from __future__ import annotations

import pytest

from scheduler.inputs.catalogue import catalogue, figures
from scheduler.inputs.rack_type_file import FIGURES
from scheduler.model import Level

TYPES = {
    "hgx-h100-liquid": ("h100", 64),
    "hgx-h200-liquid": ("h200", 64),
    "gb200-nvl72": ("gb200", 72),
    "gb300-nvl72": ("gb300", 72),
    "hgx-b200-air": ("b200", 16),
    "hgx-b200-liquid": ("b200", 64),
    "vera-rubin-nvl72": ("vr200", 72),
}


def test_all_types_with_their_gpus() -> None:
    assert {name: (t.gpu_type, t.gpus) for name, t in catalogue().items()} == TYPES


def test_hopper_rack_by_hand() -> None:
    rack = catalogue()["hgx-h100-liquid"]
    assert rack.nameplate_w == 8 * 10_200
    assert rack.observed_peak_w == 8 * 8_400
    assert rack.idle_w == 8 * 1_900
    assert rack.liquid_permille == 800
    assert rack.r_th_mk_per_w == 45
    assert rack.slowdown_mc == 87_000
    assert rack.nvlink_domain == Level.HOST


def test_nvl72_is_one_nvlink_domain() -> None:
    rack = catalogue()["gb200-nvl72"]
    assert (rack.nodes, rack.gpus_per_node, rack.nvlink_domain) == (18, 4, Level.RACK)
    # 115 kW of 132 kW: 871.2 thousandths, rounded up
    assert rack.liquid_permille == 872


@pytest.mark.parametrize("name", TYPES)
def test_every_figure_has_a_tag_and_a_source(name: str) -> None:
    row = figures()[name]
    assert set(row) == set(FIGURES)
    text = catalogue()[name].source
    for field, figure in row.items():
        assert f"{field} [{figure.tag}] {figure.source}" in text


@pytest.mark.parametrize("name", TYPES)
def test_figures_are_consistent(name: str) -> None:
    rack = catalogue()[name]
    assert rack.idle_w < rack.percentile_w <= rack.observed_peak_w <= rack.nameplate_w
    assert rack.gpus * rack.gpu_peak_w < rack.nameplate_w
    assert rack.gpus * rack.gpu_idle_w < rack.idle_w
    air_w = rack.nameplate_w * (1000 - rack.liquid_permille) // 1000
    # design air warms by about 12 K
    assert air_w == 0 or 11_000 < air_w * 1000 // rack.air_w_per_k < 13_000
    liquid_kw = (rack.nameplate_w - air_w) / 1000
    # 1.25 to 2 L/min per kW (OCP)
    assert liquid_kw == 0 or 1.25 < rack.flow_mlpm / 1000 / liquid_kw < 2.0
