"""The sites and workloads that ship with the project."""

from __future__ import annotations

import runpy
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from scheduler.inputs import read_problem, read_site_file
from scheduler.model import Problem, Site

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def tenth() -> Problem:
    folder = EXAMPLES / "colossus-tenth"
    return read_problem(folder / "site.yaml", folder / "workload.yaml")


def gpus(site: Site) -> dict[str, int]:
    """GPUs by type, broken and drained ones included."""
    found: Counter[str] = Counter()
    for rack in site.racks.values():
        found[site.type_of(rack).gpu_type] += site.type_of(rack).gpus
    return dict(found)


def worst_ups_share(site: Site, basis: str) -> Fraction:
    """Largest load of a UPS over its rating after the loss of one other, all racks at full power.

    The pair rule: ``L_v|u = sum over the racks of v / 2 + racks of the pair {u, v} / 2``.
    """
    loads: Counter[tuple[str, str]] = Counter()
    for rack in site.racks.values():
        pair = [site.power_nodes[feed].parents[0] for feed in rack.feeds]
        loads[pair[0], pair[1]] += getattr(site.type_of(rack), basis)
    for load in site.base_loads:
        loads[load.feeds[0], load.feeds[1]] += load.power_w
    worst = Fraction(0)
    for v, node in site.power_nodes.items():
        if node.kind != "ups":
            continue
        own = sum(w for pair, w in loads.items() if v in pair)
        moved = max(w for pair, w in loads.items() if v in pair)
        worst = max(worst, Fraction(own + moved, 2 * node.rating_w))
    return worst


def test_tenth_has_the_documented_size(tenth: Problem) -> None:
    site = tenth.site
    # halls 1 to 3: 9 * 8 * 64 = 4,608 H100 each; hall 4: 4,608 H200; 10 * 72 GB200 each
    assert gpus(site) == {"h100": 13_824, "h200": 4_608, "gb200": 2_880}
    assert sum(gpus(site).values()) == 21_312
    ups = [node for node in site.power_nodes.values() if node.kind == "ups"]
    assert Counter(node.hall for node in ups) == {"H1": 4, "H2": 4, "H3": 4, "H4": 4}
    # 4N/3: three of four carry the hall, 3 * 2.5 MW
    assert {3 * node.rating_w for node in ups} == {7_500_000}
    assert {rack.pod for rack in site.racks.values()} == {"P1", "P2", "P3", "P4"}


def test_tenth_fits_on_observed_power_and_not_on_nameplate(tenth: Problem) -> None:
    nameplate = sum(tenth.site.type_of(rack).nameplate_w for rack in tenth.site.racks.values())
    # 4 * (72 * 81.6 + 10 * 132) kW = 28.78 MW; with 5 % it is more than 30 MW
    assert nameplate == 28_780_800
    assert nameplate * Fraction(105, 100) > 30_000_000
    # worst: pairs 1300 + 1075.2 + 1075.2 kW on a UPS, + 3 * 51.154 kW base; after the loss the
    # heaviest pair once more: (3450.4 + 153.462 + 1300 + 51.154) / 2 = 2477.5 of 2500 kW
    # at most, less where the pairs beside the heaviest one are lighter
    observed = worst_ups_share(tenth.site, "observed_peak_w")
    assert Fraction(94, 100) < observed < 1
    assert worst_ups_share(tenth.site, "nameplate_w") > 1


def test_tenth_asks_for_more_than_there_is(tenth: Problem) -> None:
    asked = sum(job.gpus for job in tenth.jobs.values())
    assert 1.12 < asked / 21_312 < 1.18
    assert 80 <= len(tenth.jobs) <= 200
    acme = tenth.jobs["acme-ai-contract"]
    # 9,216 GPUs in nodes of 8 and 2 % spare: 1,152 + 24 nodes, in arrays of 64: 19
    assert acme.promised_units == 1152
    assert -(-(1152 + 24) // 64) == 19
    assert acme.firm


def test_colossus_expands_in_two_seconds() -> None:
    start = time.perf_counter()
    site = read_site_file(EXAMPLES / "colossus" / "site.yaml")
    assert time.perf_counter() - start < 2
    # 40 halls: 9 * 8 * 64 Hopper and 13 * 72 GB200 each
    assert sum(gpus(site).values()) == 40 * (4608 + 936) == 221_760
    assert len(site.racks) == 3400
    assert len(site.racks) * 16 >= sum(len(hall.recirculation) for hall in site.halls.values())
    observed_w = sum(site.basis_w(site.type_of(rack)) for rack in site.racks.values())
    base_w = sum(load.power_w for load in site.base_loads)
    facility_mw = (observed_w + base_w) * site.prices.pue_permille / 1e9
    assert 295 < facility_mw < 320
    assert worst_ups_share(site, "observed_peak_w") < 1


def test_colossus_workload_is_what_its_script_writes(tmp_path: Path) -> None:
    folder = EXAMPLES / "colossus"
    script = tmp_path / "generate.py"
    script.write_text((folder / "generate.py").read_text("utf-8"), "utf-8")
    runpy.run_path(str(script), run_name="__main__")
    for name in ("workload.yaml", "jobs.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    problem = read_problem(folder / "site.yaml", folder / "workload.yaml")
    assert len(problem.jobs) > 2000
    assert 1.12 < sum(job.gpus for job in problem.jobs.values()) / 221_760 < 1.18


def test_tiny_is_as_the_docs_say() -> None:
    folder = EXAMPLES / "tiny"
    problem = read_problem(folder / "site.yaml", folder / "workload.yaml")
    site = problem.site
    assert len(site.racks) == 12
    assert gpus(site) == {"demo": 96}
    pairs = {
        rack.array: tuple(site.power_nodes[feed].parents[0] for feed in rack.feeds)
        for rack in site.racks.values()
    }
    assert pairs == {
        "H1-A01": ("H1-UPS1", "H1-UPS2"),
        "H1-A02": ("H1-UPS1", "H1-UPS3"),
        "H1-A03": ("H1-UPS2", "H1-UPS3"),
    }
    loop = site.loops["H1-L1"]
    assert (loop.units - loop.spare_units) * loop.unit_w == 90_000
    assert site.power_nodes["H1-A01-BA"].rating_w == 40_000
    assert {load.power_w for load in site.base_loads} == {2000}
