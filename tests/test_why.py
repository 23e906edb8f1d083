"""Reasons of placed and unplaced jobs; all sums by hand (16 GPUs and 16 kW a rack)."""

from __future__ import annotations

import pytest

from scheduler.check import check
from scheduler.model import Conflict, Level, Plan, PowerNode, Problem, Site, Sla
from scheduler.room import Room
from scheduler.trial import Bench, Budget
from scheduler.why import unplaced_reasons, why, why_not
from tests import build


def two_arrays() -> Site:
    """Arrays A and B of two racks each: 32 GPUs in each array."""
    names = [("A", "A-r1"), ("A", "A-r2"), ("B", "B-r1"), ("B", "B-r2")]
    return build.site([build.rack(name, array=array) for array, name in names])


def crowded(**fields: object) -> Problem:
    """Job `big` needs 24 GPUs in one array; `x` takes 16 in A, `acme` holds B with 8."""
    big = {"units": 3, "required": Level.ARRAY, "value_mills_per_gpu_h": 3000, **fields}
    return build.problem(
        two_arrays(),
        [
            build.job("big", **big),
            build.job("x", units=2),
            build.job("y", tenant="acme"),
        ],
        [build.tenant("acme", isolation=Level.ARRAY)],
    )


CROWDED_PLAN = Plan({"x": {"A-r1": 2}, "y": {"B-r1": 1}})


def small_ups(rating_w: int = 20_000, **job: object) -> Problem:
    """Two racks on two UPS; either UPS carries all after the loss of the other."""
    nodes = {n: PowerNode(name=n, kind="ups", rating_w=rating_w) for n in ("ups1", "ups2")}
    site = build.site(power_nodes=nodes, failure_kinds=("ups",))
    return build.problem(site, [build.job("big", **{"units": 3, **job}), build.job("x")])


def test_a_gang_without_room_in_one_domain_says_what_is_free_and_who_holds_the_rest() -> None:
    reasons = why(crowded(), CROWDED_PLAN, "big")
    assert reasons.dominant == (
        "needs 24 GPUs in one array, but the best one (A) has 16 free for it; "
        "B has 24 free, but array B is held by acme (array isolation)"
    )
    assert reasons.changes[0] == "with 16 GPUs instead of 24 it fits"
    assert (reasons.placed_gpus, reasons.asked_gpus, reasons.where) == (0, 24, "")


def test_the_cheap_reason_is_the_same_sentence() -> None:
    cheap = why_not(crowded(), CROWDED_PLAN, "big").dominant
    assert cheap == why(crowded(), CROWDED_PLAN, "big").dominant


def test_a_tenant_that_needs_the_domain_alone_and_a_conflict_are_named() -> None:
    alone = build.problem(
        two_arrays(),
        [build.job("big", tenant="acme", units=5), build.job("x", units=1)],
        [build.tenant("acme", isolation=Level.ARRAY)],
    )
    # acme: B has 4 nodes = 32 GPUs; of A 3 nodes = 24 GPUs are free, but t is there
    line = why(alone, Plan({"x": {"A-r1": 1}}), "big").dominant
    assert line == (
        "needs 40 GPUs, but the site has 32 free for it; "
        "24 more are free, but acme needs array A alone (array isolation) and t is there"
    )
    foes = build.problem(
        two_arrays(),
        [build.job("big", tenant="foe", units=5), build.job("x", units=1)],
        [build.tenant("foe", conflicts=(Conflict(tenant="t", level=Level.ARRAY),))],
    )
    line = why(foes, Plan({"x": {"A-r1": 1}}), "big").dominant
    assert line.endswith("24 more are free, but t is in array A and in conflict with foe")


def test_power_after_a_failure_is_told_with_load_limit_state_and_excess() -> None:
    """x 8 kW and big 24 kW: the UPS left would carry 32 kW of 20 kW."""
    reasons = why(small_ups(), Plan({"x": {"r1": 1}}), "big")
    assert reasons.dominant == (
        "ups2 would reach 160.0 % of 20.0 kW after loss of ups1, 12.0 kW too much"
    )
    assert reasons.changes[0] == "with 8 GPUs instead of 24 it fits"  # 8 + 8 kW <= 20 kW


def test_without_a_smaller_size_the_next_changes_are_tried() -> None:
    """One unit cannot shrink. x 8 kW + big 8 kW > 12 kW: x is worth less and leaves."""
    problem = small_ups(12_000, units=1, value_mills_per_gpu_h=5000)
    reasons = why(problem, Plan({"x": {"r1": 1}}), "big")
    # 8 GPUs at 5 $ come, 8 at 1 $ go, energy stays
    assert reasons.changes[0] == (
        "without x of t (8 GPUs) it fits; the margin would change by 32.00 $/h"
    )


def test_a_power_action_is_found_if_no_cheaper_job_is_in_the_way() -> None:
    """Emergency rating 2 x 12 kW for 10 s holds 16 kW before the action; capped: 8 + 3.2 kW."""
    nodes = {
        n: PowerNode(name=n, kind="ups", rating_w=12_000, emergency_permille=2000, emergency_s=10)
        for n in ("ups1", "ups2")
    }
    site = build.site(power_nodes=nodes, failure_kinds=("ups",))
    problem = build.problem(site, [build.job("big"), build.job("x")])
    reasons = why(problem, Plan({"x": {"r1": 1}}), "big")
    assert reasons.changes[0] == "if its power may be capped when a part of the site fails, it fits"


def test_a_higher_rating_is_the_last_resort() -> None:
    """One feed of 12 kW, 16 kW would flow in the normal state: 4 kW more are needed."""
    nodes = {"ups1": PowerNode(name="ups1", kind="ups", rating_w=12_000)}
    racks = [build.rack(name, feeds=("ups1",)) for name in ("r1", "r2")]
    problem = build.problem(
        build.site(racks, power_nodes=nodes), [build.job("big"), build.job("x")]
    )
    reasons = why(problem, Plan({"x": {"r1": 1}}), "big")
    assert reasons.changes[-1] == "with 4,000 W more rating of ups1 it fits"


def test_a_looser_level_is_found_beside_a_smaller_size() -> None:
    """40 GPUs: array A has 24 free, B 32; the hall has all of them."""
    problem = build.problem(
        two_arrays(),
        [
            build.job("big", units=5, required=Level.ARRAY),
            build.job("x", value_mills_per_gpu_h=9000),
        ],
    )
    assert why(problem, Plan({"x": {"A-r1": 1}}), "big").changes == (
        "with 32 GPUs instead of 40 it fits",
        "if it may lie in one pod instead of in one array, it fits",
    )


def test_a_job_larger_than_any_domain_says_so() -> None:
    """An array of two racks holds 4 units of 8 GPUs, whoever is there."""
    problem = build.problem(two_arrays(), [build.job("big", units=5, required=Level.ARRAY)])
    line = why(problem, Plan({}), "big").dominant
    assert line == "needs 40 GPUs in one array, but the largest one (A) holds 32 when it is empty"


def test_unsuitable_hardware_is_told_with_the_number_of_racks() -> None:
    problem = build.problem(jobs=[build.job("odd", gpu_types=("b200",))])
    line = why(problem, Plan({}), "odd").dominant
    assert line == "no rack suits it (2 racks: has h100, allowed are b200)"


def test_a_job_that_fits_but_does_not_pay_says_so() -> None:
    """Worth nothing: only energy is left, 4 kW mean at 65 $/MWh and a PUE of 1.15 = 0.30 $/h."""
    problem = build.problem(jobs=[build.job("idle", value_mills_per_gpu_h=0)])
    reasons = why(problem, Plan({}), "idle")
    assert reasons.lines == (
        "no limit is in the way on r1; there it would change the margin by -0.30 $/h, "
        "so leaving it out pays more",
    )
    assert reasons.changes == ()


def test_a_placed_job_names_its_tightest_limits_and_the_best_other_place() -> None:
    reasons = why(small_ups(), Plan({"x": {"r1": 1}}), "x")
    assert reasons.where == "r1"
    # 8 kW of 20 kW after the loss of the other UPS
    assert "ups2 is at 40.0 % of 20.0 kW after loss of ups1, 12.0 kW left" in reasons.lines
    assert any(line.startswith("moved to r2 it would break nothing") for line in reasons.lines)


def test_a_placed_job_that_cannot_move_says_what_a_move_breaks() -> None:
    plan = Plan({"x": {"A-r1": 2}, "y": {"B-r1": 1}, "big": {}})
    reasons = why(crowded(), plan, "y")
    assert "acme has every array that it uses to itself" in reasons.lines
    alone = build.problem(build.site([build.rack("r1")]), [build.job("x")])
    lines = why(alone, Plan({"x": {"r1": 1}}), "x").lines
    assert "no other place has enough free nodes for it" in lines


def test_unplaced_reasons_list_the_largest_gap_first_and_partly_placed_jobs() -> None:
    problem = build.problem(
        jobs=[build.job("small"), build.job("part", units=4, min_units=1), build.job("all")]
    )
    # r1 and r2: 4 nodes; part has 2, all has 1: missing are 16 and 8 GPUs, 8 are free
    plan = Plan({"part": {"r1": 2}, "all": {"r2": 1}})
    reasons = unplaced_reasons(problem, plan)
    assert list(reasons) == ["part", "small"]
    assert reasons["part"] == "needs 16 GPUs, but the site has 8 free for it"
    assert reasons["small"].startswith("no limit is in the way on r2")


def test_every_confirmed_change_of_a_trial_breaks_nothing() -> None:
    """The bench trusts the check alone: a fitting trial has no broken limit at all."""
    problem = small_ups(units=1)
    trial = Bench.build(problem, Plan({"x": {"r1": 1}}), "big").fitting(1)
    assert trial is not None
    assert check(problem, trial.plan).checked


def test_limits_that_were_broken_before_do_not_count_against_a_job() -> None:
    """ups1 alone feeds x with 8 kW of 4 kW; `big` on another feed makes nothing worse."""
    nodes = {
        "ups1": PowerNode(name="ups1", kind="ups", rating_w=4_000),
        "ups2": PowerNode(name="ups2", kind="ups", rating_w=50_000),
    }
    racks = [build.rack("r1", feeds=("ups1",)), build.rack("r2", feeds=("ups2",))]
    problem = build.problem(
        build.site(racks, power_nodes=nodes), [build.job("big", units=2), build.job("x")]
    )
    reasons = why(problem, Plan({"x": {"r1": 1}}), "big")
    assert reasons.dominant.startswith("no limit is in the way on r2")


def test_a_part_that_is_placed_already_is_no_smaller_size() -> None:
    """`part` has 2 of 4 units and the other rack is full: 2 units are what it has."""
    problem = build.problem(jobs=[build.job("part", units=4, min_units=1), build.job("x", units=2)])
    reasons = why(problem, Plan({"part": {"r1": 2}, "x": {"r2": 2}}), "part")
    assert (reasons.is_kept_out, reasons.placed_units) == (True, 2)
    assert not [change for change in reasons.changes if "instead of" in change]


def test_an_unknown_job_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        why(crowded(), CROWDED_PLAN, "nobody")


def full_array(**fields: object) -> Problem:
    """One rack of two nodes; `big` wants `units` of them and the others hold both."""
    jobs = [
        build.job("big", value_mills_per_gpu_h=3000, **fields),
        build.job("elastic", units=2, min_units=1, value_mills_per_gpu_h=4000),
        build.job("cheap"),
        build.job("dear", value_mills_per_gpu_h=2000),
    ]
    return build.problem(build.site([build.rack("r1")]), jobs)


def test_an_elastic_job_gives_up_no_more_than_it_has_to() -> None:
    """8 GPUs at 3 $ come, 8 of the 16 at 4 $ go: -8 $/h."""
    reasons = why(full_array(), Plan({"elastic": {"r1": 2}}), "big")
    assert reasons.changes == (
        "with 8 GPUs less for elastic of t, which is elastic, it fits; "
        "the margin would change by -8.00 $/h",
    )


def test_several_jobs_are_told_where_no_single_one_makes_room() -> None:
    """Both nodes are wanted: 16 GPUs at 3 $ come, 8 at 1 $ and 8 at 2 $ go: 24 $/h."""
    plan = Plan({"cheap": {"r1": 1}, "dear": {"r1": 1}})
    assert why(full_array(units=2), plan, "big").changes == (
        "without 2 jobs (cheap of t, dear of t; 16 GPUs in all) it fits; "
        "the margin would change by 24.00 $/h",
    )


@pytest.mark.parametrize(
    ("gang_mills", "pair_mills", "told"),
    [
        (5000, 1000, ["without gang of t (16 GPUs)", "without 2 jobs (left of t, right of t; 16"]),
        (1000, 5000, ["without gang of t (16 GPUs)"]),
    ],
)
def test_several_jobs_are_told_beside_a_single_one_only_if_they_cost_less(
    gang_mills: int, pair_mills: int, told: list[str]
) -> None:
    """Array A is full of one job, B of two; `big` wants all of one of them."""
    problem = build.problem(
        build.site([build.rack("r1", array="A"), build.rack("r2", array="B")]),
        [
            build.job("big", units=2, required=Level.ARRAY),
            build.job("gang", units=2, value_mills_per_gpu_h=gang_mills),
            build.job("left", value_mills_per_gpu_h=pair_mills),
            build.job("right", value_mills_per_gpu_h=pair_mills),
        ],
    )
    plan = Plan({"gang": {"r1": 2}, "left": {"r2": 1}, "right": {"r2": 1}})
    changes = why(problem, plan, "big").changes
    assert [
        change.partition(" GPUs in all")[0].partition(" it fits")[0] for change in changes
    ] == told


def test_an_elastic_job_gives_up_as_many_units_as_power_is_short() -> None:
    """Elastic 6 x 4 kW and big 8 kW: 32 of 26 kW after a loss, 6 kW too much: two units."""
    problem = build.problem(
        small_ups(26_000).site,
        [build.job("big"), build.job("elastic", units=6, gpus_per_unit=4, min_units=1)],
    )
    plan = Plan({"elastic": {"r1": 4, "r2": 2}})
    assert why(problem, plan, "big").changes[0].startswith("with 8 GPUs less for elastic of t")


def test_holders_are_those_whose_work_takes_nodes() -> None:
    """The job inside the contract takes none of its own: 16 slots of r1 are the contract's."""
    problem = build.problem(
        jobs=[build.job("own", tenant="acme"), build.job("x")],
        contracts=[build.contract("deal", tenant="acme", units=2)],
    )
    plan = Plan({"deal": {"r1": 2}, "own": {"r1": 1}, "x": {"r2": 1}})
    assert Room(problem, plan).holders(("r1", "r2")) == {"deal": 16, "x": 8}


def test_the_cost_of_a_change_counts_what_the_job_earns_already() -> None:
    """`part` has 1 of 2 units: with the other in the place of `x` 8 GPUs come and 8 go: 0 $/h."""
    part = build.job("part", units=2, min_units=1)
    problem = build.problem(build.site([build.rack("r1")]), [part, build.job("x")])
    changes = why(problem, Plan({"part": {"r1": 1}, "x": {"r1": 1}}), "part").changes
    assert changes == ("without x of t (8 GPUs) it fits; the margin would change by 0.00 $/h",)


def test_contracts_are_never_told_to_leave() -> None:
    """The contract holds the rack, so only an empty site could take the job."""
    problem = build.problem(
        build.site([build.rack("r1")]),
        [build.job("big")],
        contracts=[build.contract("deal", tenant="acme", units=2)],
    )
    assert why(problem, Plan({"deal": {"r1": 2}}), "big").changes == (
        "on the empty site it fits: only other work is in its way, more than a job or two",
    )


def test_what_no_site_can_take_is_told_with_what_it_could() -> None:
    """40 GPUs in an array of 32: A is taken, B has a node, so nothing fits today."""
    problem = build.problem(
        two_arrays(), [build.job("big", units=5, required=Level.ARRAY), build.job("x", units=6)]
    )
    plan = Plan({"x": {"A-r1": 2, "A-r2": 2, "B-r1": 2}})
    never = "even the empty site cannot take it; "
    changes = why(problem, plan, "big").changes
    assert changes[0] == "with 16 GPUs instead of 40 it fits"
    full = Plan({"x": {**plan.units["x"], "B-r2": 2}})
    assert why(problem, full, "big").changes == (
        never + "with 32 GPUs instead of 40 it could",
        never + "if the job may lie in one pod instead of in one array, it could",
    )


def test_another_gpu_type_and_another_place_are_found() -> None:
    """r1 is full; r2 has another type, r3 lies outside `within`."""
    racks = [build.rack("r1"), build.rack("r2", type="new"), build.rack("r3", array="B")]
    types = {"hgx": build.rack_type(), "new": build.rack_type("new", gpu_type="b200")}
    problem = build.problem(
        build.site(racks, rack_types=types),
        [build.job("big", within=("A",)), build.job("x", units=2)],
    )
    changes = why(problem, Plan({"x": {"r1": 2}}), "big").changes
    assert changes[:2] == (
        "if it may run on b200 as well as on h100, it fits",
        "if it may lie outside A, it fits",
    )


def test_a_placed_job_says_what_it_earns_and_what_takes_the_other_pods() -> None:
    """8 GPUs at 1 $ less the energy of 4 kW: 7.70 $/h; pod Q is full of `x`."""
    racks = [build.rack("r1", pod="P"), build.rack("r2", pod="Q", array="B")]
    problem = build.problem(
        build.site(racks), [build.job("a", required=Level.POD), build.job("x", units=2)]
    )
    lines = why(problem, Plan({"a": {"r1": 1}, "x": {"r2": 2}}), "a").lines
    assert lines[:3] == (
        "without it the margin would be 7.70 $/h lower",
        "must lie in one pod: P",
        "no other pod has room for 8 GPUs: the best one, Q, has 0 left; GPUs in use there: Q: x 16",
    )


def test_reservations_and_jobs_inside_them_say_so() -> None:
    """acme holds 2 nodes for 1 that is promised; its own job lies inside."""
    deal = build.contract("deal", tenant="acme", sla=Sla(survives=("rack",)))
    problem = build.problem(jobs=[build.job("own", tenant="acme")], contracts=[deal])
    plan = Plan({"deal": {"r1": 1, "r2": 1}, "own": {"r1": 1}})
    held = why(problem, plan, "deal").lines
    assert "a firm contract: 8 GPUs are promised, 8 GPUs more are held for its SLA" in held
    assert "runs inside deal, on nodes that acme holds already" in why(problem, plan, "own").lines


def test_places_that_somebody_keeps_closed_cost_no_check() -> None:
    """Only B has 24 GPUs free, and acme holds it."""
    bench = Bench.build(crowded(), CROWDED_PLAN, "big")
    before = bench.budget.left
    assert bench.fitting(3) is None
    assert bench.budget.left == before


def test_a_large_site_gets_fewer_checks() -> None:
    """4,000 racks looked at: 50 checks at most, 4 at least."""
    few = [build.rack(f"r{i}") for i in range(400)]
    many = [build.rack(f"r{i}") for i in range(4_000)]
    counts = [Budget.of(build.problem(build.site(racks))).left for racks in (None, few, many)]
    assert counts == [50, 10, 4]
