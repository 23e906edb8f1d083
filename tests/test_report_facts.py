"""The facts of the report, against numbers worked out by hand (docs/tiny.md has the sums)."""

from __future__ import annotations

from random import Random

import pytest

from scheduler.check import check
from scheduler.model import Plan, Prices, Problem, Tenant
from scheduler.node_packing import pack_nodes
from scheduler.report.differences import differences_between
from scheduler.report.facts import Facts, gather
from scheduler.report.floor import WIDEST, floor_of
from scheduler.report.fragmentation import fragmentation_of
from scheduler.report.money_words import power_left, sums
from scheduler.report.racks import RackFacts
from scheduler.report.tight import Tightest
from tests import build
from tests.random_problems import random_plan, random_problem
from tests.reported import ARRAYS, BY_HAND, many_racks, tiny, without


@pytest.fixture(scope="module")
def facts() -> Facts:
    return gather(tiny(), BY_HAND)


def rack(facts: Facts, name: str) -> RackFacts:
    return next(each for each in facts.racks if each.name == name)


def test_the_plan_by_hand_is_checked(facts: Facts) -> None:
    assert (facts.num_broken, facts.violation, facts.unmet_firm_gpus) == (0, 0, 0)
    assert check(facts.problem, facts.plan).checked
    # 24 + 32 + 16 + 8 + 4 + 2 GPUs of what is asked; spares of acme are left out.
    assert (facts.placed_gpus, facts.asked_gpus) == (86, 154)
    assert facts.it_w == 111_000 + 6_000


def test_a_rack_tells_what_it_holds_and_draws(facts: Facts) -> None:
    # 2 kW idle, one node of night 3.6 kW, two GPUs of notebook 1.8 kW; 4 + 2 of 8 GPUs.
    last = rack(facts, "H1-A03-R4")
    assert [(held.job, held.gpus) for held in last.held] == [("night", 4), ("notebook", 2)]
    assert (last.gpus, last.slots, last.usable_gpus, last.used_permille) == (6, 6, 8, 750)
    assert (last.peak_w, last.full_w) == (7_400, 10_000)


def test_a_rack_tells_who_has_its_domains_alone(facts: Facts) -> None:
    def alone(name: str) -> tuple[str, str]:
        found = rack(facts, name)
        return found.alone_level, found.alone_tenant

    assert alone("H1-A01-R2") == ("array", "acme")
    assert alone("H1-A03-R1") == ("rack", "beta")
    assert alone("H1-A03-R2") == ("", "")


def test_an_empty_rack_in_a_domain_that_is_held_is_kept() -> None:
    thin = Plan({**BY_HAND.units, "acme-contract": dict.fromkeys(ARRAYS[1][:3], 2)})
    kept = rack(gather(tiny(), thin), ARRAYS[1][3])
    assert (kept.held, kept.alone_level, kept.alone_tenant) == ((), "array", "acme")


def test_the_tightest_limit_that_a_rack_leans_on(facts: Facts) -> None:
    # A busway of A01 carries all 40 of its 40 kW when the other one is out: nothing is left.
    # Array A03 draws 31 of 40 kW, but the loop takes 88.8 of 90 kW: 13 thousandths are left.
    # So for A02, where train is shed after a failure.
    for name in ARRAYS[1]:
        busway = rack(facts, name).tightest
        assert busway is not None
        assert (busway.term, busway.amount, busway.limit) == ("power_failover", 40_000, 40_000)
        assert busway.subject in ("H1-A01-BA", "H1-A01-BB")
    loop = Tightest("cooling_loops", "H1-L1", "normal", 88_800, 90_000, "W")
    assert {rack(facts, name).tightest for name in ARRAYS[2] + ARRAYS[3]} == {loop}
    assert loop.left_permille == 13
    assert facts.worst is not None
    assert facts.worst.left_permille == 0


def test_design_flows_are_no_headroom_of_a_plan() -> None:
    # An empty site: 180 of 200 L/min are designed in, but idle racks leave 19.2 of 90 kW of heat.
    found = gather(tiny(), Plan({}))
    worst = found.loops[0].worst
    assert worst is not None
    assert (worst.amount, worst.limit, worst.unit) == (19_200, 90_000, "W")
    assert not [told for told in found.told if "L/min" in told.text]


def test_the_inlet_is_the_supply_warmed_by_what_comes_back(facts: Facts) -> None:
    findings = check(facts.problem, facts.plan).findings
    rise = {f.subject: f.amount for f in findings if f.term == "inlet_temperature"}
    assert rise
    for each in facts.racks:
        assert each.inlet_mc == 22_000 - (-rise.get(each.name, 0) // 1_000_000)


def test_power_nodes_tell_their_worst_state(facts: Facts) -> None:
    nodes = {node.name: node for node in facts.nodes}
    # Normal: (40 + 40) / 2 + 2 and (40 + 31) / 2 + 2 kW.
    assert [nodes[f"H1-UPS{n}"].normal_w for n in (1, 2, 3)] == [42_000, 37_500, 37_500]
    # UPS1 at 63 of 79.8 kW has less left (210) than at 47 of 60 kW after the action (216).
    first, second = nodes["H1-UPS1"].worst, nodes["H1-UPS2"].worst
    assert first is not None
    assert second is not None
    assert (first.amount, first.limit, first.left_permille) == (63_000, 79_800, 210)
    assert first.state.endswith("(before action)")
    assert (second.amount, second.limit, second.state) == (55_800, 60_000, "loss of H1-UPS1")
    assert nodes["H1-UPS1"].seconds_w == 79_800
    names = [node.name for node in facts.nodes]
    assert all(
        names.index(parent) < names.index(node.name)
        for node in facts.nodes
        for parent in node.parents
    )


def test_failure_states_tell_the_loads_that_grow(facts: Facts) -> None:
    state = next(each for each in facts.states if each.name == "loss of H1-UPS1")
    assert (state.failed, state.lost_racks) == (("H1-UPS1",), ())
    assert (state.after_w["H1-UPS2"], state.after_w["H1-UPS3"]) == (55_800, 23_800)
    assert (state.before_w["H1-UPS2"], state.before_w["H1-UPS3"]) == (58_500, 58_500)


def test_racks_that_a_failure_takes_out_are_named() -> None:
    site = build.site([build.rack("r1", feeds=("ups1",)), build.rack("r2")], failure_kinds=("ups",))
    states = gather(build.problem(site), Plan({})).states
    assert {state.name: state.lost_racks for state in states} == {
        "loss of ups1": ("r1",),
        "loss of ups2": (),
    }


def test_loops_tell_their_heat(facts: Facts) -> None:
    (loop,) = facts.loops
    assert (loop.heat_w, loop.carried_w, loop.units, loop.racks) == (88_800, 90_000, 3, 12)
    assert (loop.supply_mc, loop.hottest_day) == (30_000, "design")


def test_tenants_and_contracts_tell_what_became_of_promises(facts: Facts) -> None:
    acme, beta, research = facts.tenants
    assert (acme.asked_gpus, acme.placed_gpus, acme.alone, acme.where) == (24, 24, 1, "H1-A01")
    assert (beta.alone, research.alone) == (1, 0)
    assert acme.broken == beta.broken == research.broken == ()
    # 70.080, 17.120 and 62.080 + 39.232 + 2.912 + 2.256 dollars.
    assert [t.margin_mills for t in facts.tenants] == [70_080, 17_120, 106_480]
    firm, loose = facts.contracts
    assert (firm.promised_gpus, firm.held_gpus, firm.counted_gpus) == (24, 32, 24)
    assert (firm.worst_loss_gpus, firm.verdict, loose.verdict) == (8, "kept", "placed")


def test_a_promise_that_is_not_kept_shows() -> None:
    thin = Plan({**BY_HAND.units, "acme-contract": dict.fromkeys(ARRAYS[1][:3], 2)})
    # 24 GPUs on three racks; the loss of one takes 8, so 16 count.
    found = gather(tiny(), thin)
    assert found.contracts[0].verdict == "8 GPUs short"
    assert found.told[0].grade == "owed"
    assert found.unmet_firm_gpus == 8


def test_a_neighbour_in_an_exclusive_array_shows() -> None:
    moved = Plan({**BY_HAND.units, "acme-contract": {**dict.fromkeys(ARRAYS[1][:3], 2)}})
    moved = Plan({**moved.units, "chat": {ARRAYS[1][3]: 2, "H1-A03-R2": 2}})
    found = gather(tiny(), moved)
    broken = {tenant.name: tenant.broken for tenant in found.tenants}
    assert broken == {"acme": ("isolation",), "beta": (), "research": ("isolation",)}
    assert found.told[0].grade == "broken"


def test_money_by_hand(facts: Facts) -> None:
    money = facts.money
    assert (money.margin_mills, money.idle_mills) == (190_080, -3_600)
    # Mean above idle: 16 + 16 + 6.4 + 4 + 2.4 + 1.2 = 46 kW; idle and base load 30 kW.
    assert (money.mean_it_w, money.energy_mills) == (76_000, 9_120)
    # Earned: 106.48 + 70.08 + 17.12 = 193.68; 106.48 / 193.68 = 0.5497.
    # Squares: (11338.0 + 4911.2 + 293.1) / 37511.9 = 0.44099.
    assert (money.top_tenant, money.top_permille, money.hhi) == ("research", 549, 4409)
    # 24 x 3.00 + 32 x 2.00 + 16 x 2.50 + 8 x 2.20 + 4 x 0.80 + 2 x 1.20 = 199.20 for 86 GPUs.
    assert money.gpu_price_mills == 199_200 // 86


def test_power_for_more_nodes_is_told_in_nodes() -> None:
    # Idle, every pair of UPS could take much more: 90 kW in all, and a node draws 8 / 2 = 4 kW.
    assert power_left(gather(tiny(), Plan({}))) == (
        "power and cooling are not asked. Firm power for 90.0 kW more is left, "
        "about 22 nodes of the hungriest type; "
        "1,500 W of it is stranded, though work waits: 1,500 W as loops cool no more."
    )


@pytest.mark.parametrize(
    ("shares", "words"), [((1,), "highly"), ((4, 3, 3), "highly"), ((1,) * 5, "moderately")]
)
def test_concentration_in_words(shares: tuple[int, ...], words: str) -> None:
    # 10,000; 1,600 + 900 + 900 = 3,400; 5 x 400 = 2,000. Nothing idles and nothing costs.
    jobs = [
        build.job(f"j{i}", tenant=f"t{i}", value_mills_per_gpu_h=share * 1000)
        for i, share in enumerate(shares)
    ]
    racks = [build.rack(f"r{i}") for i in range(len(shares))]
    free = Prices(energy_mills_per_mwh=0)
    problem = build.problem(build.site(racks, prices=free), jobs)
    facts = gather(problem, Plan({f"j{i}": {f"r{i}": 1} for i in range(len(shares))}))
    assert facts.money.hhi == 10_000 * sum(n * n for n in shares) // sum(shares) ** 2
    remarks = {name: remark for name, _, remark in sums(facts)}
    assert remarks["concentration (HHI)"].startswith(words)


def test_an_overfull_rack_of_one_tenant_is_no_broken_isolation() -> None:
    def broken(tenant: str) -> list[tuple[str, ...]]:
        jobs = [build.job("a", units=2), build.job("b", tenant=tenant)]
        plan = Plan({"a": {"r1": 2}, "b": {"r1": 1}})  # 3 nodes on a rack of 2
        return [each.broken for each in gather(build.problem(jobs=jobs), plan).tenants]

    assert broken("t") == [()]
    assert broken("u") == [("rack_capacity",), ("rack_capacity",)]


def counts(plan: Plan, isolation: str, within: str) -> dict[int, int]:
    return {
        each.nodes: each.count
        for each in fragmentation_of(tiny(), plan)
        if (each.isolation, each.within) == (isolation, within)
    }


def test_a_full_site_has_no_room_for_any_gang() -> None:
    assert {each.count for each in fragmentation_of(tiny(), BY_HAND)} == {0}


def test_gangs_that_share_racks() -> None:
    # Free without train and chat: all 8 nodes of array A02, 4 nodes on two racks of A03.
    plan = without(BY_HAND, "train", "chat")
    assert counts(plan, "host", "rack") == {1: 12, 2: 6, 4: 0}
    assert counts(plan, "host", "array") == {1: 12, 2: 6, 4: 3, 8: 1, 16: 0}
    assert counts(plan, "host", "site") == {1: 12, 2: 6, 4: 3, 8: 1, 16: 0}


def test_gangs_that_take_racks_alone() -> None:
    # Six racks of two nodes are empty: every gang takes whole racks.
    plan = without(BY_HAND, "train", "chat")
    assert counts(plan, "rack", "array") == {1: 6, 2: 6, 4: 3, 8: 1, 16: 0}
    assert counts(plan, "rack", "rack") == {1: 6, 2: 6, 4: 0}


def test_gangs_that_take_arrays_alone() -> None:
    # A01 is held by acme, others are in A03: only A02 is left.
    plan = without(BY_HAND, "train", "chat")
    assert counts(plan, "array", "array") == {1: 1, 2: 1, 4: 1, 8: 1, 16: 0}
    assert counts(plan, "array", "rack") == {1: 1, 2: 1, 4: 0}
    assert counts(plan, "hall", "hall") == {1: 0}


def test_single_nodes_are_the_free_nodes_that_nobody_has_alone() -> None:
    for seed in range(25):
        problem = random_problem(seed)
        plan = random_plan(problem, Random(seed))
        for gangs in fragmentation_of(problem, plan):
            if (gangs.within, gangs.isolation, gangs.nodes) == ("site", "host", 1):
                assert gangs.count == free_nodes(problem, plan, gangs.gpu_type), (seed, gangs)


def free_nodes(problem: Problem, plan: Plan, gpu_type: str) -> int:
    """Count free nodes by packing them, on racks in no domain that a tenant has alone."""
    site = problem.site
    outer = [name for name in plan.units if not problem.is_inside_contract(problem.jobs[name])]
    used = pack_nodes(problem, Plan({name: plan.units[name] for name in outer}))
    alone = set()
    for name, where, _ in plan.shards():
        isolation = problem.tenant_of(problem.jobs[name]).isolation
        for kind in site.isolation_ladder.get(isolation, ()):
            alone.add((kind, site.domain_of(site.racks[where], kind)))
    free = 0
    for each in site.racks.values():
        kept = any((kind, site.domain_of(each, kind)) in alone for kind, _ in alone)
        if site.type_of(each).gpu_type == gpu_type and not kept:
            nodes = {use.node for use in used.get(each.name, ())}
            free += max(0, site.usable_nodes(each) - len(nodes))
    return free


def test_spread_of_jobs_over_the_fabric(facts: Facts) -> None:
    by_job = {spread.job: spread for spread in facts.spreads}
    assert set(by_job) == {"acme-contract", "train", "chat"}
    assert (by_job["train"].racks, by_job["train"].arrays, by_job["train"].hops) == (4, 1, 1)
    apart = Plan({"chat": {ARRAYS[1][0]: 1, ARRAYS[3][0]: 1}})
    (spread,) = gather(tiny(), apart).spreads
    assert (spread.arrays, spread.fewest_arrays, spread.hops) == (2, 1, 3)


def test_what_two_plans_differ_in() -> None:
    # chat leaves R3 for R1, where beta is gone from; train is new: 8 units of 4 GPUs.
    earlier = without(BY_HAND, "train")
    after = Plan(
        {**without(BY_HAND, "beta-contract").units, "chat": {"H1-A03-R1": 2, "H1-A03-R2": 2}}
    )
    found = differences_between(tiny(), after, earlier)
    assert (found.moved_gpus, found.started_gpus, found.stopped_gpus) == (8, 32, 8)
    chat = next(each for each in found.jobs if each.job == "chat")
    assert (chat.left, chat.came, chat.moved) == ({"H1-A03-R3": 2}, {"H1-A03-R1": 2}, 2)
    assert differences_between(tiny(), after, after).jobs == ()


def test_jobs_and_racks_of_another_site_do_not_upset_the_comparison() -> None:
    found = differences_between(tiny(), BY_HAND, Plan({"ghost": {"nowhere": 3}}))
    assert found.gone == ("nowhere",)
    assert found.stopped_gpus == 3


def test_unplaced_jobs_have_a_reason(facts: Facts) -> None:
    assert [(each.job, each.missing_gpus) for each in facts.unplaced] == [
        ("big-tune", 48),
        ("sweep", 16),
        ("night", 4),
    ]


@pytest.mark.parametrize("same", [{"row": 0, "position": 0}, {"row": 3, "position": 7}])
def test_without_places_every_array_is_a_line(same: dict[str, int]) -> None:
    racks = [build.rack(f"r{i}", array=f"A{i // 3}", **same) for i in range(7)]
    (hall,) = floor_of(build.site(racks))
    assert [(seat.line, seat.column) for seat in hall.seats] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0),
    ]  # fmt: skip


def test_every_rack_has_a_place_of_its_own() -> None:
    for seed in range(40):
        site = random_problem(seed).site
        floor = floor_of(site)
        seats = [(hall.name, seat.line, seat.column) for hall in floor for seat in hall.seats]
        assert len(set(seats)) == len(seats) == len(site.racks)
    far = [build.rack(f"r{i}", position=i * 10**6) for i in range(3)]
    long = [build.rack(f"r{i}", position=i) for i in range(WIDEST + 5)]
    twice = [build.rack(f"r{i}", position=i // 2) for i in range(4)]
    for racks in (far, long, twice):
        (hall,) = floor_of(build.site(racks))
        assert len({(seat.line, seat.column) for seat in hall.seats}) == len(racks)
        assert hall.columns <= WIDEST
        assert hall.lines <= 2


def test_facts_of_random_plans_agree_with_the_check() -> None:
    for seed in range(20):
        problem = random_problem(seed)
        plan = random_plan(problem, Random(seed))
        found, verdict = gather(problem, plan), check(problem, plan)
        assert found.violation == verdict.violation
        assert found.money.margin_mills == verdict.margin_mills
        earned = sum(each.margin_mills for each in found.tenants) + found.money.idle_mills
        assert earned == verdict.margin_mills
        assert sum(told.grade == "broken" for told in found.told) == len(verdict.broken)


def test_a_newcomer_takes_no_name_that_is_there() -> None:
    # Two racks of two nodes; job and tenant `newcomer` take one node and share no host.
    job = build.job("newcomer", tenant="newcomer")
    problem = build.problem(jobs=[job], tenants=[Tenant(name="newcomer")])
    found = fragmentation_of(problem, Plan({"newcomer": {"r1": 1}}))
    assert {g.nodes: g.count for g in found if (g.isolation, g.within) == ("host", "site")} == {
        1: 3,
        2: 1,
        4: 0,
    }


def test_a_large_site_is_gathered_fast_enough_to_test() -> None:
    problem, plan = many_racks(400)
    assert len(gather(problem, plan).racks) == 400
