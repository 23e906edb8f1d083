"""Inlet temperature of racks by the recirculation matrix."""

from __future__ import annotations

from scheduler.model import Hall, Plan, Recirculation, Site
from scheduler.terms.inlet_temperature import InletTemperature
from tests.build import job, problem, rack, rack_type, site
from tests.thermal import assert_load_never_helps, assert_views_agree, compiled_rows

TERM = InletTemperature()


def ground(*entries: tuple[str, str, int], limit_mc: int = 27_000, idle_w: int = 0) -> Site:
    """A hall with the given entries (rack, source, nK/W); r1, r2 on the loop, r3 in air."""
    recirculation = tuple(Recirculation(rack=r, source=s, nk_per_w=nk) for r, s, nk in entries)
    hall = Hall(name="H", supply_mc=22_000, inlet_limit_mc=limit_mc, recirculation=recirculation)
    return site(
        [rack("r1"), rack("r2"), rack("r3", loop=None)],
        halls={"H": hall},
        rack_types={"hgx": rack_type(idle_w=idle_w)},
    )


def test_heat_of_the_sources_warms_the_inlet() -> None:
    on = ground(("r1", "r1", 200_000), ("r1", "r3", 50_000), ("r2", "r1", 10_000), idle_w=1_000)
    case = problem(on, jobs=[job("a", units=2), job("b", gpus_per_unit=4)])
    plan = Plan({"a": {"r1": 1, "r3": 1}, "b": {"r3": 1}})
    # above idle 15 kW for 16 GPUs: a 7,500 W, b 3,750 W a unit; 20 % to air on the loop
    # air of r1: idle 200 + a 1,500 = 1,700 W; of r3: idle 1,000 + 7,500 + 3,750 = 12,250 W
    # r1: 200,000 * 1,700 + 50,000 * 12,250 = 340,000,000 + 612,500,000 nK = 0.9525 K
    # r2: 10,000 * 1,700 = 17,000,000 nK
    first, second = TERM.explain(case, plan)
    assert (first.subject, first.amount, first.unit) == ("r1", 952_500_000, "nK")
    assert (second.subject, second.amount) == ("r2", 17_000_000)
    # 27 - 22 = 5 K
    assert first.limit == second.limit == 5_000_000_000
    # a: 200,000 * 1,500 + 50,000 * 7,500; b: 50,000 * 3,750
    assert first.jobs == ("a", "b")
    assert compiled_rows(TERM, case, plan) == [
        ("r1", "normal", "nK", 952_500_000, 5_000_000_000),
        ("r2", "normal", "nK", 17_000_000, 5_000_000_000),
    ]


def test_a_hot_inlet_is_told_in_degrees() -> None:
    on = ground(("r2", "r1", 1_000_000), limit_mc=23_000)
    case = problem(on, jobs=[job("a")])
    (found,) = TERM.explain(case, Plan({"a": {"r1": 1}}))
    # 8 kW x 0.2 = 1,600 W at 1 mK/W: 1.6 K above 22 C, where 1 K is allowed
    assert (found.amount, found.violation) == (1_600_000_000, 600_000_000)
    assert "23.6 °C" in found.message
    assert "23.0 °C" in found.message
    assert "160.0 %" in found.message


def test_entries_of_the_same_pair_add_up() -> None:
    on = ground(("r2", "r1", 3), ("r2", "r1", 4))
    case = problem(on, jobs=[job("a")])
    plan = Plan({"a": {"r1": 1}})
    (found,) = TERM.explain(case, plan)
    assert found.amount == 7 * 1_600
    assert compiled_rows(TERM, case, plan) == [("r2", "normal", "nK", 11_200, 5_000_000_000)]


def test_each_hall_has_its_own_supply_and_limit() -> None:
    halls = {
        "H": Hall(
            name="H",
            supply_mc=20_000,
            inlet_limit_mc=21_000,
            recirculation=(Recirculation(rack="r1", source="r1", nk_per_w=1),),
        ),
        "I": Hall(
            name="I",
            supply_mc=25_000,
            inlet_limit_mc=32_000,
            recirculation=(Recirculation(rack="r2", source="r2", nk_per_w=1),),
        ),
    }
    case = problem(site([rack("r1"), rack("r2", hall="I")], halls=halls))
    found = {f.subject: f.limit for f in TERM.explain(case, Plan({}))}
    assert found == {"r1": 1_000_000_000, "r2": 7_000_000_000}
    rows = compiled_rows(TERM, case, Plan({}))
    assert [(row[0], row[4]) for row in rows] == list(found.items())


def test_applies_only_where_air_recirculates() -> None:
    assert TERM.applies(problem(ground(("r1", "r2", 1))))
    assert not TERM.applies(problem())


def test_views_agree() -> None:
    assert_views_agree(TERM)


def test_load_never_helps() -> None:
    assert_load_never_helps(TERM)
