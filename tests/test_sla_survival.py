"""What stays when one component is lost."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from kernels.forms import UNLIMITED, GroupCount
from scheduler.model import Plan, PowerNode, Problem, Sla
from scheduler.terms.base import Terrain
from scheduler.terms.losses import all_losses, counted_units, worst_loss
from scheduler.terms.sla_survival import SlaSurvival
from scheduler.topology import Topology
from tests import build
from tests.placement_cases import (
    compiled,
    contract_outcomes,
    dense,
    members,
    random_plan,
    random_problem,
)
from tests.placement_cases import counted_units as counted_by_forms

TERM = SlaSurvival()
LOOP = build.site().loops["loop1"]
NODES = [
    PowerNode(name="tr1", kind="transformer"),
    PowerNode(name="tr2", kind="transformer"),
    PowerNode(name="ups1", kind="ups", parents=("tr1",)),
    PowerNode(name="ups2", kind="ups", parents=("tr1", "tr2")),
    PowerNode(name="ups3", kind="ups", parents=("tr2",)),
    PowerNode(name="bus1", kind="busway", parents=("ups1",)),
]
SITE = build.site(
    [
        build.rack("r1", array="A1", feeds=("bus1",), loop="solo"),
        build.rack("r2", array="A1", feeds=("bus1", "ups1"), loop="duo"),
        build.rack("r3", array="A2", feeds=("ups1", "ups2"), loop="duo"),
        build.rack("r4", array="A2", feeds=("ups3",), loop=None),
    ],
    power_nodes={node.name: node for node in NODES},
    loops={
        "solo": replace(LOOP, name="solo", units=1),
        "duo": replace(LOOP, name="duo", units=2),
    },
)


def problem(*survives: str, units: int = 10, spare_permille: int = 0) -> Problem:
    sla = Sla(survives=survives, spare_permille=spare_permille)
    return build.problem(SITE, contracts=[build.contract("c", units=units, sla=sla)])


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        ("array", {"A1": {"r1", "r2"}, "A2": {"r3", "r4"}}),
        ("rack", {f"r{i}": {f"r{i}"} for i in range(1, 5)}),
        ("cdu", {"solo": {"r1"}}),  # duo keeps its second unit
        ("busway", {"bus1": {"r1"}}),  # r2 keeps ups1
        ("ups", {"ups1": {"r1", "r2"}, "ups3": {"r4"}}),  # r3 keeps ups2; so ups2 takes out none
        ("transformer", {"tr1": {"r1", "r2"}, "tr2": {"r4"}}),  # ups2 keeps the other one
    ],
)
def test_racks_that_one_loss_takes_out(kind: str, lost: dict[str, set[str]]) -> None:
    by_walk = {name: racks for name, racks in all_losses(problem(kind))[kind].items() if racks}
    assert by_walk == lost
    (form,) = compiled(TERM, problem(kind))
    assert isinstance(form, GroupCount)
    racks = list(SITE.racks)
    found = [{racks[r] for r in domain} for domain in members(form)]
    assert dict(zip(form.domain_names, found, strict=True)) == lost
    assert (form.level, form.limit.tolist(), form.survives.tolist()) == (kind, [UNLIMITED], [True])


def test_a_kind_whose_loss_takes_nothing_out_needs_no_form() -> None:
    assert compiled(TERM, problem("generator")) == []
    assert list(TERM.explain(problem("generator"), Plan({"c": {"r1": 1}}))) == []


@pytest.mark.parametrize(
    ("survives", "spare_permille", "racks", "counted"),
    [
        ((), 0, {"r1": 4, "r4": 4}, 8),
        ((), 0, {"r1": 8, "r4": 8}, 10),  # no more than what is promised
        (("ups",), 0, {"r1": 4, "r2": 2, "r4": 5}, 5),  # 11 - max(4 + 2, 5)
        (("cdu", "ups"), 0, {"r1": 4, "r2": 2, "r3": 9}, 9),  # 15 - max(4, 4 + 2)
        (("busway",), 0, {"r2": 4, "r3": 2}, 6),  # bus1 takes out r1 only
        (("ups",), 150, {"r1": 4, "r4": 5}, 2),  # ceil(10 * 0.15) = 2 spares: 9 - 2 - 5
        (("rack",), 0, {"r1": 7}, 0),
        ((), 500, {"r1": 3}, 0),  # 3 - 5 is clipped
    ],
)
def test_what_counts(
    survives: tuple[str, ...], spare_permille: int, racks: dict[str, int], counted: int
) -> None:
    given = problem(*survives, spare_permille=spare_permille)
    assert counted_units(given.jobs["c"], racks, all_losses(given)) == counted


def test_of_a_job_all_asked_units_count() -> None:
    given = build.problem(SITE, [build.job("j", units=3)])
    assert counted_units(given.jobs["j"], {"r1": 2}, {}) == 2
    assert counted_units(given.jobs["j"], {"r1": 2, "r2": 2}, {}) == 3


def test_the_worst_loss_of_each_kind_is_named() -> None:
    plan = Plan({"c": {"r1": 4, "r2": 2, "r4": 5}})
    findings = list(TERM.explain(problem("ups", "busway"), plan))
    assert [(f.subject, f.state, f.amount, f.limit) for f in findings] == [
        ("c", "loss of ups1", 6, 11),
        ("c", "loss of bus1", 4, 11),
    ]


def test_a_rack_without_supply_is_lost_with_anything() -> None:
    bus = PowerNode(name="bus9", kind="busway", parents=("ups1", "nowhere"))
    racks = [
        build.rack("dark", feeds=("ups9",), loop="duo"),  # no such UPS
        build.rack("lit", feeds=("ups1", "ups9"), loop="duo"),
        build.rack("below", feeds=("bus9",), loop="duo"),
    ]
    site = replace(
        SITE,
        racks={rack.name: rack for rack in racks},
        power_nodes={**SITE.power_nodes, "bus9": bus},
    )
    contracts = [build.contract("c", sla=Sla(survives=("ups", "cdu")))]
    given = build.problem(site, contracts=contracts)
    losses = all_losses(given)
    everything = {"dark", "lit", "below"}
    assert losses["ups"] == {"ups1": everything, "ups2": {"dark"}, "ups3": {"dark"}}
    assert losses["cdu"] == {"solo": {"dark"}, "duo": {"dark"}}
    topology = Topology(site)
    for name, lost in {**losses["ups"], **losses["cdu"]}.items():
        assert topology.lost_racks((name,)) == lost


def test_forms_and_words_count_the_same_units() -> None:
    losses_seen = 0
    for seed in range(200):
        rng = Random(seed)
        given = random_problem(rng)
        terrain = Terrain(given, Topology(given.site))
        losses = all_losses(given)
        plan = random_plan(rng, given)
        expected = counted_by_forms(terrain, TERM.compile(terrain), dense(terrain, plan))
        for job, counted in zip(terrain.jobs, expected.tolist(), strict=True):
            racks = plan.units.get(job.name, {})
            assert counted_units(job, racks, losses) == counted, (seed, job.name)
            losses_seen += worst_loss(job, racks, losses) > 0
    assert losses_seen > 50


def test_the_rule_has_no_limit_of_its_own() -> None:
    assert contract_outcomes(TERM) == {(False, False, False)}
