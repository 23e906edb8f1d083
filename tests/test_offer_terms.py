"""Terms of offers: which are stricter, which levels and losses say the same."""

from __future__ import annotations

from dataclasses import replace

from scheduler.model import Level, Problem, Site, Sla
from scheduler.questions.offer.domain_bound import (
    most_units_by_counting,
    most_units_by_domains,
    most_units_by_slots,
)
from scheduler.questions.offer.terms import (
    Ladder,
    Terms,
    is_as_strict,
    isolation_series,
    redundancy_series,
)
from scheduler.topology import Topology
from tests import build
from tests.offers import offer


def site() -> Site:
    """Four racks in two arrays of one pod, the pod alone in its hall."""
    racks = [build.rack(f"r{n}", array=f"A{n // 2}") for n in range(4)]
    return build.site(racks, failure_kinds=("ups", "cdu"))


def ladder(on: Site) -> Ladder:
    return Ladder(Topology(on))


def test_larger_domains_are_stricter_and_equal_ones_say_the_same() -> None:
    found = ladder(site())
    assert found.is_as_strict(Level.ARRAY, Level.RACK)
    assert not found.is_as_strict(Level.RACK, Level.ARRAY)
    assert found.is_as_strict(Level.RACK, Level.HOST)
    assert not found.is_as_strict(Level.HOST, Level.RACK)
    assert found.is_as_strict(Level.POD, Level.HALL)  # one pod, one hall
    assert found.first_alike(Level.SITE) is Level.POD
    assert found.first_alike(Level.ARRAY) is Level.ARRAY


def test_a_level_that_keeps_a_loop_too_is_stricter_than_one_that_does_not() -> None:
    # Rack r0 hangs on a loop of its own, r1 to r3 on the other: the loop crosses the arrays.
    loops = {name: replace(build.site().loops["loop1"], name=name) for name in ("loop1", "loop2")}
    racks = {
        name: replace(each, loop="loop2") for name, each in site().racks.items() if name == "r0"
    }
    mixed = replace(
        site(),
        loops=loops,
        racks={**site().racks, **racks},
        isolation_ladder={"array": ("array",), "pod": ("loop",)},
    )
    assert not ladder(mixed).is_as_strict(Level.POD, Level.ARRAY)
    assert not ladder(mixed).is_as_strict(Level.ARRAY, Level.POD)


def test_terms_are_as_strict_only_if_every_part_is() -> None:
    found = ladder(site())
    loose = Terms(Level.RACK, ("rack",), 20)
    assert is_as_strict(Terms(Level.ARRAY, ("rack", "array"), 20), loose, found)
    assert not is_as_strict(Terms(Level.HOST, ("rack",), 20), loose, found)
    assert not is_as_strict(Terms(Level.ARRAY, (), 20), loose, found)
    assert not is_as_strict(Terms(Level.ARRAY, ("rack",), 10), loose, found)


def test_a_loss_that_takes_no_rack_out_costs_nothing() -> None:
    # Every rack has two UPS and a loop with a spare CDU: neither loss takes a rack out.
    found = ladder(site())
    assert found.losses(("ups", "cdu", "rack")) == {"rack"}
    assert is_as_strict(Terms(Level.HOST), Terms(Level.HOST, ("ups", "cdu")), found)
    single = {name: replace(rack, feeds=("ups1",)) for name, rack in site().racks.items()}
    assert ladder(replace(site(), racks=single)).losses(("ups",)) == {"ups"}


def test_the_series_hold_what_is_asked_and_no_domain_that_the_site_has_once() -> None:
    found = ladder(site())
    asked = offer(isolation=Level.ARRAY, survives=("cdu",), spare=20)
    levels = [terms.isolation for terms in isolation_series(asked, found)]
    assert levels == [Level.HOST, Level.RACK, Level.ARRAY, Level.POD, Level.HALL, Level.SITE]
    series = redundancy_series(asked, found)
    assert [(each.survives, each.spare_permille) for each in series] == [
        ((), 20),
        (("cdu",), 0),
        (("cdu",), 20),
        (("cdu", "ups"), 20),
        (("rack",), 20),
        (("array",), 20),
    ]


def test_the_bound_by_domains_is_what_firm_contracts_leave() -> None:
    # Arrays of 2 racks, 4 nodes each: 5 firm nodes need both, 4 need one, and 4 are left.
    def bound(units: int, level: Level) -> int:
        contracts = [build.contract("old", units=units)]
        problem: Problem = build.problem(site(), contracts=contracts)
        return most_units_by_domains(problem, offer(isolation=level), ladder(site()))

    assert bound(4, Level.ARRAY) == 4
    assert bound(5, Level.ARRAY) == 0
    assert bound(5, Level.RACK) == 2  # three racks are needed, the fourth has 2 nodes
    assert bound(5, Level.HOST) == 8
    assert bound(1, Level.SITE) == 0


def test_the_bound_by_slots_is_what_firm_contracts_leave() -> None:
    # 64 GPUs; 5 units of 8 with 20 % spares are 48 of them: 2 units of 8 are left, or one of 12.
    contracts = [
        build.contract("old", units=5, sla=Sla(spare_permille=200)),
        build.contract("loose", firm=False, units=3),
    ]
    problem = build.problem(site(), contracts=contracts)
    assert most_units_by_slots(problem, offer()) == 2
    assert most_units_by_slots(problem, offer(gpus_per_unit=12)) == 1
    assert most_units_by_counting(problem, offer(), ladder(site())) == (2, "slots")
    alone = offer(isolation=Level.SITE)
    assert most_units_by_counting(problem, alone, ladder(site())) == (0, "domains")
