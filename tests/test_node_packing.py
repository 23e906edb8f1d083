"""Units on nodes: exact, apart where they must be, and inside contracts on what those hold."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.model import Level, Plan, Problem, Tenant, slots_per_unit
from scheduler.node_packing import HostGroup, NodeUse, host_group, pack_nodes
from scheduler.terms.base import Terrain
from scheduler.terms.contract_nodes import ContractNodes
from scheduler.terms.rack_capacity import RackCapacity
from scheduler.topology import Topology
from tests import build
from tests.placement_cases import dense, violation

NODES, NODE_GPUS = 3, 6  # cells of 1, 3 and 6 slots: a chain that is not a power of two
SITE = build.site(
    [build.rack("r1")],
    rack_types={"hgx": build.rack_type(nodes=NODES, gpus_per_node=NODE_GPUS)},
)
CELLS = {1: [1], 2: [3], 3: [3], 5: [6], 6: [6], 8: [6, 6]}  # what a unit takes, by hand
TENANTS: list[Tenant] = [
    build.tenant("ann", isolation=Level.SHARED_HOST),
    build.tenant("bob", isolation=Level.GPU),
    build.tenant("cid"),
]


@st.composite
def filled_racks(draw: st.DrawFn) -> tuple[Problem, Plan]:
    """One rack with a few jobs of three tenants; some tenants hold contracts."""
    sizes, owners = st.sampled_from([1, 2, 3, 5, 6, 8]), st.sampled_from(["ann", "bob", "cid"])
    jobs = [
        build.job(f"j{i}", tenant=draw(owners), units=4, gpus_per_unit=draw(sizes))
        for i in range(draw(st.integers(1, 5)))
    ]
    contracts = [
        build.contract(f"c{i}", tenant=draw(owners), units=4, gpus_per_unit=draw(sizes))
        for i in range(draw(st.integers(0, 2)))
    ]
    problem = build.problem(SITE, jobs, TENANTS, contracts)
    units = {name: draw(st.integers(0, 3)) for name in problem.jobs}
    return problem, Plan({name: {"r1": count} for name, count in units.items() if count})


def fits(problem: Problem, plan: Plan) -> bool:
    """Whether rack capacity and contracts hold, by their forms."""
    terrain = Terrain(problem, Topology(problem.site))
    x = dense(terrain, plan)
    forms = [*RackCapacity().compile(terrain), *ContractNodes().compile(terrain)]
    return all(violation(form, x) == 0 for form in forms)


def groups_on_nodes(problem: Problem, uses: tuple[NodeUse, ...]) -> dict[int, set[HostGroup]]:
    found: dict[int, set[HostGroup]] = defaultdict(set)
    for use in uses:
        group = host_group(problem, problem.jobs[use.job])
        if group is not None:
            found[use.node].add(group)
    return found


@settings(max_examples=300, deadline=None)
@given(filled_racks())
def test_what_the_forms_allow_can_be_packed(case: tuple[Problem, Plan]) -> None:
    problem, plan = case
    uses = pack_nodes(problem, plan).get("r1", ())
    inside = [use for use in uses if host_group(problem, problem.jobs[use.job]) is None]
    of_job: dict[str, int] = defaultdict(int)
    on_node: dict[tuple[int, bool], int] = defaultdict(int)  # jobs inside lie on held slots
    for use in uses:
        of_job[use.job] += use.slots
        on_node[use.node, use in inside] += use.slots

    assert of_job == {
        name: units * slots_per_unit(problem.jobs[name], SITE.rack_types["hgx"])
        for name, _, units in plan.shards()
    }
    assert all(0 < slots <= NODE_GPUS for slots in on_node.values())
    assert all(len(groups) == 1 for groups in groups_on_nodes(problem, uses).values())
    holder = {use.node: use.job for use in uses if problem.jobs[use.job].contract is not None}
    if fits(problem, plan):
        assert max((use.node for use in uses), default=0) < NODES
        for use in inside:
            assert problem.jobs[holder[use.node]].tenant == problem.jobs[use.job].tenant


@settings(max_examples=150, deadline=None)
@given(filled_racks())
def test_every_unit_that_fits_a_node_lies_on_one(case: tuple[Problem, Plan]) -> None:
    problem, plan = case
    for uses in pack_nodes(problem, plan).values():
        for use in uses:
            cell = slots_per_unit(problem.jobs[use.job], SITE.rack_types["hgx"])
            assert use.slots % min(cell, NODE_GPUS) == 0


@settings(max_examples=150, deadline=None)
@given(filled_racks())
def test_no_packing_takes_fewer_nodes(case: tuple[Problem, Plan]) -> None:
    problem, plan = case
    cells: dict[HostGroup, list[int]] = defaultdict(list)
    for name, _, units in plan.shards():
        job = problem.jobs[name]
        group = host_group(problem, job)
        if group is not None:
            cells[group] += CELLS[job.gpus_per_unit] * units
    fewest = sum(fewest_nodes(tuple(sorted(each))) for each in cells.values())
    uses = pack_nodes(problem, plan).get("r1", ())
    assert len(groups_on_nodes(problem, uses)) == fewest


@cache
def fewest_nodes(cells: tuple[int, ...], free: tuple[int, ...] = ()) -> int:
    """Try every node for every cell, smallest first; `free` is the room on nodes in use."""
    if not cells:
        return len(free)
    cell, rest = cells[0], cells[1:]
    options = [fewest_nodes(rest, tuple(sorted((*free, NODE_GPUS - cell))))]
    for i in range(len(free)):
        if free[i] >= cell:
            left = (*free[:i], free[i] - cell, *free[i + 1 :])
            options.append(fewest_nodes(rest, tuple(sorted(left))))
    return min(options)


def test_one_rack_by_hand() -> None:
    problem = build.problem(
        build.site(rack_types={"hgx": build.rack_type(nodes=6)}),
        jobs=[
            build.job("big", tenant="cid", gpus_per_unit=16),
            build.job("small", tenant="cid", units=3, gpus_per_unit=2),
            build.job("half", tenant="cid", units=3, gpus_per_unit=4),
            build.job("tune", tenant="dot", units=2, gpus_per_unit=4),
        ],
        contracts=[build.contract("held", tenant="dot", units=1)],
    )
    plan = Plan(
        {"small": {"r1": 3}, "half": {"r1": 3}, "big": {"r1": 1}, "held": {"r1": 1},
         "tune": {"r1": 2}}
    )  # fmt: skip
    uses = [(use.node, use.job, use.slots) for use in pack_nodes(problem, plan)["r1"]]
    # The reservation holds node 0 and tune fills it. Then cid: 16 on 1 and 2, 4 + 4 on 3,
    # 4 + 2 + 2 on 4, the last 2 on 5.
    assert uses == [
        (0, "held", 8),
        (0, "tune", 8),
        (1, "big", 8),
        (2, "big", 8),
        (3, "half", 8),
        (4, "half", 4),
        (4, "small", 4),
        (5, "small", 2),
    ]


def test_an_overfull_rack_shows_nodes_that_it_lacks() -> None:
    problem = build.problem(jobs=[build.job("j", units=3)])
    nodes = [use.node for use in pack_nodes(problem, Plan({"j": {"r1": 3}}))["r1"]]
    assert nodes == [0, 1, 2]  # the rack has nodes 0 and 1


def test_the_order_of_the_plan_does_not_matter() -> None:
    problem = build.problem(
        jobs=[build.job("a", gpus_per_unit=2), build.job("b", tenant="u", gpus_per_unit=4)]
    )
    one = pack_nodes(problem, Plan({"a": {"r1": 1}, "b": {"r1": 1}}))
    assert one == pack_nodes(problem, Plan({"b": {"r1": 1}, "a": {"r1": 1}}))
