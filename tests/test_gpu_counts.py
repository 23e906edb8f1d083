"""GPUs by type, counted by hand."""

from __future__ import annotations

from scheduler.gpu_counts import GpuCount, gpu_counts
from scheduler.model import Plan, Sla
from tests import build

TYPES = {
    "hgx": build.rack_type(),
    "nvl": build.rack_type("nvl", gpu_type="gb200", nodes=4, gpus_per_node=4),
}


def test_drained_racks_and_broken_nodes_are_not_in_service() -> None:
    racks = [
        build.rack("r1", down_nodes=1),
        build.rack("r2", drained=True),
        build.rack("r3", type="nvl"),
    ]
    problem = build.problem(build.site(racks, rack_types=TYPES), [build.job("a")])
    h100, gb200 = gpu_counts(problem, Plan({"a": {"r1": 1}}))
    assert h100 == GpuCount("h100", on_site=32, in_service=8, taken=8, waiting=0)
    assert gb200 == GpuCount("gb200", on_site=16, in_service=16, taken=0, waiting=0)
    assert (h100.idle, gb200.idle) == (0, 16)


def test_a_job_waits_for_every_type_that_it_may_use() -> None:
    racks = [build.rack("r1"), build.rack("r2", type="nvl")]
    jobs = [
        build.job("either", units=3, min_units=1, gpu_types=("h100", "gb200")),
        build.job("only", gpu_types=("gb200",), gpus_per_unit=3),
    ]
    problem = build.problem(build.site(racks, rack_types=TYPES), jobs)
    counts = gpu_counts(problem, Plan({"either": {"r1": 2}}))
    assert [(each.gpu_type, each.waiting) for each in counts] == [("gb200", 11), ("h100", 8)]


def test_spares_are_taken_and_slots_are_what_a_unit_keeps_from_others() -> None:
    """A unit of 3 GPUs takes 4 slots; contract of 1 unit and 1 spare; its own job lies inside."""
    problem = build.problem(
        jobs=[build.job("inside"), build.job("odd", tenant="u", gpus_per_unit=3)],
        contracts=[build.contract("deal", sla=Sla(spare_permille=1000))],
    )
    plan = Plan({"deal": {"r1": 2}, "inside": {"r1": 1}, "odd": {"r2": 1}})
    (h100,) = gpu_counts(problem, plan)
    assert (h100.taken, h100.idle, h100.waiting) == (16 + 4, 12, 0)


def test_more_than_there_is_leaves_nothing_idle() -> None:
    problem = build.problem(build.site([build.rack("r1")]), [build.job("a", units=5)])
    (h100,) = gpu_counts(problem, Plan({"a": {"r1": 5}}))
    assert (h100.in_service, h100.taken, h100.idle) == (16, 40, 0)
