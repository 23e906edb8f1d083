"""Public traces as workloads, on small tables made here and, where present, on the real ones."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from scheduler.cli.app import app
from scheduler.exchange import acme, openb, philly
from scheduler.exchange.moment import (
    HIGHEST_VALUE_MILLS,
    LOWEST_VALUE_MILLS,
    TracedJob,
    densest,
    locality,
    replicated,
    thinned,
    usable_gpus,
    value_mills,
)
from scheduler.inputs import read_problem, site_document
from scheduler.model import Level, Problem, Site
from tests import build

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PHILLY = DATA / "philly" / "philly_gpu_jobs_sia.csv"
KALOS = DATA / "acme" / "kalos_converted_sample.csv"
POWER = DATA / "acme" / "acme_power_temp_cdf.csv"
OPENB = DATA / "openb" / "openb_pod_list_default.csv"
OPENB_NODES = DATA / "openb" / "openb_node_list_all_node.csv"
needs_data = pytest.mark.skipif(not PHILLY.exists(), reason="the public traces are not here")

PHILLY_ROWS = """timestamp,duration,num_gpus,gpu_time,cluster
2020-01-01 00:10:00,7200.0,1,7200,aa
2020-01-01 00:20:00,7200.0,1,7200,aa
2020-01-01 00:30:00,1800.0,64,115200,bb
2020-01-01 01:00:00,3600.0,4,14400,bb
2020-01-01 00:50:00,4200.5,16,67208,cc
2020-01-01 05:00:00,60.0,1,60,dd
"""
ACME_ROWS = """job_id,arrival_time,num_iteration,gpu_workers,gpu_per_worker
0,0.0,7200,1,2.0
1,100.0,7200,2,8.0
2,1000.0,7201,4,8.0
3,1010.0,14400,1,8.0
4,9000.0,7200,64,8.0
"""
OPENB_ROWS = """name,num_gpu,gpu_milli,gpu_spec,qos,creation_time,deletion_time,scheduled_time
p0,1,600,,LS,0,100,0
p1,1,400,,LS,0,100,10
p2,1,500,V100M16|V100M32,LS,0,60,20
p3,1,300,,BE,0,100,0
p4,8,1000,,BE,0,100,30
p5,0,0,,LS,0,100,0
p6,1,1000,,LS,0,100,
p7,4,1000,,LS,110,190,110
"""
NODES_ROWS = """sn,cpu_milli,memory_mib,gpu,model
n0,32000,262144,0,
n1,64000,262144,2,P100
n2,64000,262144,8,G2
n3,64000,262144,8,G2
"""
# Idle 60 W up to 50 %; then 100 W at 50 %, 300 W at 90 %, 400 W at 100 %.
POWER_ROWS = "cluster,metric,unit,value,cdf_percent\n" + "".join(
    f"{cluster},{metric},W,{value},{percent}\n"
    for cluster in ("kalos", "seren")
    for metric, rows in (
        ("gpu_power", ((60, 0), (60, 5), (99, 49.9), (100, 50), (300, 90), (400, 100))),
        ("gpu_temp", ((20, 0), (90, 100))),
    )
    for value, percent in rows
)


def traced(name: str, gpus: int, start_s: int = 0, tenant: str = "t") -> TracedJob:
    return TracedJob(
        name=name, tenant=tenant, gpus=gpus, start_s=start_s, duration_s=60, profile="acme-small"
    )


@pytest.fixture
def site() -> Site:
    """Four racks of 16 GPUs in two arrays: 64 GPUs, 32 an array, one pod."""
    return build.site([build.rack(f"r{i}", array=f"A{i // 2}") for i in range(4)])


@pytest.fixture
def folder(tmp_path: Path, site: Site) -> Path:
    (tmp_path / "site.json").write_text(json.dumps(site_document(site)))
    (tmp_path / "philly.csv").write_text(PHILLY_ROWS)
    (tmp_path / "acme.csv").write_text(ACME_ROWS)
    (tmp_path / "openb.csv").write_text(OPENB_ROWS)
    (tmp_path / "nodes.csv").write_text(NODES_ROWS)
    (tmp_path / "power.csv").write_text(POWER_ROWS)
    return tmp_path


def run(folder: Path, name: str, *options: str) -> Result:
    """Run the command into the folder ``out``."""
    words = ["import", name, str(folder / f"{name}.csv"), "--site", str(folder / "site.json")]
    return CliRunner().invoke(app, [*words, "--out", str(folder / "out"), *options])


def imported(folder: Path, name: str, *options: str) -> Problem:
    """Import a trace with the command and read what it wrote."""
    done = run(folder, name, *options)
    assert done.exit_code == 0, done.output
    return read_problem(folder / "site.json", folder / "out" / "workload.yaml")


def asked_gpus(problem: Problem) -> int:
    return sum(job.gpus for job in problem.workload.jobs.values())


def test_the_busiest_hour_is_the_full_hour_with_most_gpus(folder: Path) -> None:
    # At 01:00 the 64-GPU job has just ended: 1 + 1 + 4 + 16 = 22 run. At 02:00: 1 + 1 + 16 minus
    # what ended, 16 until 02:00:00.5 and 1 + 1 until 02:10 and 02:20 = 18.
    jobs = philly.read_jobs(folder / "philly.csv")
    hour = philly.busiest_hour(jobs)
    assert hour == philly.moment_of("2020-01-01T01:00", jobs)
    assert sum(job.gpus for job in philly.running_at(jobs, hour)) == 22
    assert philly.moment_of("busiest", jobs) == hour


def test_a_job_runs_from_its_submission_until_before_its_end() -> None:
    job = traced("j", 1, start_s=100)
    assert [bool(philly.running_at([job], at)) for at in (99, 100, 159, 160)] == [
        False,
        True,
        True,
        False,
    ]


def test_jobs_are_repeated_in_order_until_the_load_is_reached() -> None:
    # 3 + 2 = 5 GPUs a round; 9 asks for 3 + 2 + 3 + 2 = 10, which is the first sum >= 9.
    jobs = replicated([traced("a", 3), traced("b", 2)], 9)
    assert [job.name for job in jobs] == ["a-1", "b-1", "a-2", "b-2"]
    assert replicated([], 9) == ()


def test_the_densest_stretch_is_the_shortest_that_reaches_the_load() -> None:
    arrivals = [("a", 4, 0), ("b", 4, 100), ("c", 2, 110), ("d", 3, 111), ("e", 8, 500)]
    jobs = [traced(*each) for each in arrivals]
    # 8 GPUs: e alone takes 0 s. 9 GPUs: b + c + d take 11 s, d + e 389 s, a + b + c 110 s.
    assert [job.name for job in densest(jobs, 8)] == ["e"]
    assert [job.name for job in densest(jobs, 9)] == ["b", "c", "d"]
    assert densest(jobs, 99) == tuple(jobs)


def test_an_even_part_keeps_the_mix_of_sizes() -> None:
    sizes = [4, 4, 4, 4, 8, 8, 8, 8]
    jobs = [traced(f"j{i}", gpus, start_s=i) for i, gpus in enumerate(sizes)]
    # A quarter of 48 GPUs. Owed: 1, 2 (half of 4: taken, -2), -1, 0, then 2, 4 (taken, -4), -2, 0.
    assert [job.name for job in thinned(jobs, 12)] == ["j1", "j5"]
    assert thinned(jobs, 48) == tuple(jobs)


def test_power_profiles_come_from_the_busy_part_of_the_distribution(folder: Path) -> None:
    # Idle 60 W. Busy: 200 W on average for 40 %, 350 W for 10 %: (80 + 35) / 0.5 = 230 W.
    # mean = (230 - 60) / 340 = 0.5; peak: the 99 % quantile is 400 W, so 340 / 340 = 1.
    profiles = acme.profiles(folder / "power.csv")
    assert [(p.name, p.mean_permille, p.peak_permille) for p in profiles] == [
        ("acme-pretrain", 500, 1000),
        ("acme-small", 500, 1000),
    ]
    assert [p.synchronous for p in profiles] == [True, False]


def test_a_philly_workload_reads_back(folder: Path) -> None:
    problem = imported(folder, "philly", "--power", str(folder / "power.csv"))
    # 64 GPUs x 1.1 = 70.4, so 71 are asked for. A round of 22: aa 1 + 1, cc 16, bb 4. Three
    # rounds are 66, then 1 + 1 + 16 goes to 84.
    assert asked_gpus(problem) == 84
    assert set(problem.workload.tenants) == {"vc-aa", "vc-bb", "vc-cc", "vc-dd"}
    jobs = problem.workload.jobs
    assert (jobs["vc-aa-1gpu"].units, jobs["vc-aa-1gpu"].min_units) == (8, 1)
    assert (jobs["vc-bb-4gpu"].units, jobs["vc-bb-4gpu"].gpus_per_unit) == (3, 4)
    gangs = [job for job in jobs.values() if job.tenant == "vc-cc"]
    assert [(job.units, job.min_units, job.gpus_per_unit) for job in gangs] == [(2, 2, 8)] * 4
    assert {job.power_action for job in gangs} == {"shed"}
    assert {job.preferred for job in gangs} == {Level.ARRAY}
    assert jobs["vc-aa-1gpu"].power_action == "cap"
    profile = problem.workload.profiles["acme-small"]
    assert (profile.mean_permille, profile.peak_permille, profile.cap_permille) == (500, 1000, 570)
    assert not profile.synchronous


def test_merging_changes_the_number_of_jobs_and_nothing_else(folder: Path) -> None:
    merged = imported(folder, "philly")
    apart = imported(folder, "philly", "--no-merge")
    assert asked_gpus(merged) == asked_gpus(apart) == 84
    assert (len(merged.workload.jobs), len(apart.workload.jobs)) == (6, 15)

    def worth(problem: Problem) -> dict[tuple[str, int], int]:
        return {(j.tenant, j.gpus_per_unit): j.value_mills_per_gpu_h for j in problem.jobs.values()}

    assert worth(merged) == worth(apart)


def test_an_acme_workload_reads_back(folder: Path) -> None:
    problem = imported(folder, "acme", "--load", "0.5")
    # 32 GPUs: job 2 alone (4 x 8 GPUs) takes 0 s.
    (job,) = problem.workload.jobs.values()
    assert (job.name, job.tenant, job.units, job.gpus_per_unit) == (
        "kalos-2-1",
        "kalos-tuning",
        4,
        8,
    )
    assert (job.profile, job.power_action, job.duration_h) == ("acme-pretrain", "shed", 2)
    assert problem.workload.profiles["acme-pretrain"].synchronous
    assert problem.workload.profiles["acme-pretrain"].swing_permille == 600
    assert set(problem.workload.tenants) == {"kalos-pretraining", "kalos-small", "kalos-tuning"}


def test_all_acme_jobs_are_taken_and_repeated_for_a_large_load(folder: Path) -> None:
    # Sizes 2, 16, 32, 8, 512 are 570 GPUs; 64 x 9 = 576 are asked for, so 2 and 16 come again.
    problem = imported(folder, "acme", "--at", "all", "--load", "9", "--no-merge")
    assert list(problem.workload.jobs) == [
        *("kalos-0-1", "kalos-1-1", "kalos-2-1", "kalos-3-1", "kalos-4-1"),
        *("kalos-0-2", "kalos-1-2"),
    ]


def test_a_load_smaller_than_any_job_is_refused(folder: Path) -> None:
    # 64 x 0.01 = 0.64, so 1 GPU of 570 is asked for: no job owes half of its GPUs.
    done = run(folder, "acme", "--at", "all", "--load", "0.01")
    assert done.exit_code == 2
    assert "expected jobs for 1 GPUs" in done.stderr


def test_a_gang_lies_in_the_smallest_domain_that_holds_it(site: Site) -> None:
    assert locality(traced("one", 8), site) == {}
    assert "required" not in locality(traced("fits", 32), site)
    assert locality(traced("large", 40), site)["required"] == "pod"
    split = {name: replace(rack, pod=rack.array) for name, rack in site.racks.items()}
    assert locality(traced("large", 40), replace(site, racks=split))["required"] == "hall"
    assert "required" not in locality(traced("larger", 80), site)


def test_drained_racks_and_broken_nodes_take_no_load(site: Site) -> None:
    worn = {
        **site.racks,
        "r0": replace(site.racks["r0"], drained=True),
        "r1": replace(site.racks["r1"], down_nodes=1),
    }
    assert usable_gpus(site) == 64
    assert usable_gpus(replace(site, racks=worn)) == 40


def test_values_are_tiers_of_the_named_range() -> None:
    values = {value_mills("t", gpus, seed=0) for gpus in range(1, 200)}
    span = HIGHEST_VALUE_MILLS - LOWEST_VALUE_MILLS
    assert values == {LOWEST_VALUE_MILLS + span * tier // 9 for tier in range(10)}


def test_the_same_command_writes_the_same_bytes(folder: Path) -> None:
    imported(folder, "philly", "--seed", "3")
    first = (folder / "out" / "workload.yaml").read_bytes()
    imported(folder, "philly", "--seed", "3")
    assert (folder / "out" / "workload.yaml").read_bytes() == first
    imported(folder, "philly", "--seed", "4")
    other = (folder / "out" / "workload.yaml").read_bytes()
    assert other.splitlines()[1:] != first.splitlines()[1:]


@pytest.mark.parametrize("name", ["philly", "acme", "openb"])
def test_the_header_names_source_licence_and_command(folder: Path, name: str) -> None:
    imported(folder, name)
    text = (folder / "out" / "workload.yaml").read_text()
    header = "".join(line for line in text.splitlines() if line.startswith("#"))
    for word in ("Cite:", "USENIX", f"rackwatt import {name} "):
        assert word in header
    assert ("CC BY 4.0" in header) is (name != "openb")  # openb's folder has no licence file


def test_the_command_of_the_header_makes_the_same_file(folder: Path) -> None:
    imported(folder, "philly", "--seed", "3", "--no-merge", "--load", "0.5", "--at", "busiest")
    first = (folder / "out" / "workload.yaml").read_text()
    command = first.splitlines()[0].removeprefix("# Made by: rackwatt ")
    again = [*shlex.split(command), "--out", str(folder / "again")]
    assert CliRunner().invoke(app, again).exit_code == 0
    assert (folder / "again" / "workload.yaml").read_text() == first


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("philly", "timestamp,duration,num_gpus,cluster\nyesterday,1,1,a\n", "philly.csv:2"),
        ("philly", "timestamp,duration,num_gpus,cluster\n2020-01-01,nan,1,a\n", "philly.csv:2"),
        ("philly", "timestamp,duration,num_gpus,cluster\n2020-01-01,1,0,a\n", "num_gpus >= 1"),
        ("philly", "when,what\n1,2\n", "expected columns timestamp"),
        ("philly", "timestamp,duration,num_gpus,cluster\n", "at least one job"),
        ("acme", "job_id\n1\n", "expected columns job_id"),
        (
            "acme",
            "job_id,arrival_time,num_iteration,gpu_workers,gpu_per_worker\n1,0,1,1,0.5\n",
            "whole GPUs",
        ),
        ("acme", "job_id,arrival_time,num_iteration,gpu_workers,gpu_per_worker\n", "got none"),
        ("openb", "name,num_gpu\np,1\n", "openb.csv:2: expected columns name"),
        ("openb", OPENB_ROWS.replace("600", "1600"), "openb.csv:2: expected a name, a class"),
        ("openb", OPENB_ROWS.splitlines()[0] + "\n", "expected pods with GPUs in all, got none"),
    ],
)
def test_bad_traces_are_named_with_file_and_line(
    folder: Path, name: str, rows: str, message: str
) -> None:
    (folder / f"{name}.csv").write_text(rows)
    done = run(folder, name)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (folder / "out").exists()


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "acme.csv").unlink()
    done = run(folder, "acme")
    assert done.exit_code == 2
    assert "acme.csv: No such file" in done.stderr


def test_parts_of_gpus_share_whole_ones(folder: Path) -> None:
    # At 30 s p0 (600), p1 (400), p2 (500), p3 (300) and p4 (8 GPUs) run: 9.8 GPUs, the most.
    pods = openb.read_pods(folder / "openb.csv")
    assert openb.busiest_moment(pods) == 30
    running = openb.running_at(pods, 30)
    assert [pod.name for pod in running] == ["p0", "p1", "p2", "p3", "p4", "p5"]
    # Class LS, the largest first: 600, then 500 on a second GPU, then 400 beside the 600.
    jobs = openb.jobs_of([pod for pod in running if pod.gpus])
    assert [(job.name, job.tenant, job.gpus) for job in jobs] == [
        ("p0", "openb-ls", 1),
        ("p3", "openb-be", 1),
        ("p2", "openb-ls", 1),
        ("p4", "openb-be", 8),
    ]
    assert [job.duration_s for job in jobs] == [100, 100, 40, 70]


def test_an_openb_workload_reads_back_and_lists_what_is_lost(folder: Path) -> None:
    done = run(
        folder, "openb", "--at", "busiest", "--load", "0.5", "--nodes", str(folder / "nodes.csv")
    )
    assert done.exit_code == 0, done.output
    problem = read_problem(folder / "site.json", folder / "out" / "workload.yaml")
    # 32 GPUs are asked for. A round has 1 + 1 + 1 + 8 = 11; two are 22, then 1 + 1 + 1 + 8 is 33.
    assert asked_gpus(problem) == 33
    assert set(problem.workload.tenants) == {"openb-be", "openb-ls"}
    assert (folder / "out" / "unmapped.txt").read_text().splitlines() == [
        "pod p5: it asks for no GPU",
        "models V100M16|V100M32 of 1 pods: the site has other GPUs, so any type will do",
        "1 pods were never started: they ran at no moment",
    ]
    assert "4 nodes with 18 GPUs (2 G2, 1 without GPUs, 1 P100)" in done.stderr
    assert set(imported(folder, "openb", "--at", "120", "--load", "0.5").jobs) == {"openb-ls-4gpu"}
    # All pods are 1 + 1 + 1 + 8 + 1 + 4 = 16 GPUs a round, in order of their start; p6 comes by
    # its creation.
    everything = imported(folder, "openb", "--load", "0.25", "--no-merge")
    assert sorted(everything.jobs) == ["p0-1", "p2-1", "p3-1", "p4-1", "p6-1", "p7-1"]


@given(st.lists(st.tuples(st.integers(1, 999), st.sampled_from(("LS", "BE"))), max_size=30))
def test_sharing_puts_every_part_on_a_gpu_of_its_class(parts: list[tuple[int, str]]) -> None:
    pods = [
        openb.Pod(
            name=f"p{i}", gpus=1, milli=milli, models="", qos=qos, created_s=0, start_s=0, end_s=9
        )
        for i, (milli, qos) in enumerate(parts)
    ]
    jobs = openb.jobs_of(pods)
    for tenant in ("openb-ls", "openb-be"):
        asked = [pod.milli for pod in pods if pod.tenant == tenant]
        gpus = sum(job.gpus for job in jobs if job.tenant == tenant)
        # First fit leaves at most one GPU half empty or less.
        assert -(-sum(asked) // 1000) <= gpus <= max(1, 2 * sum(asked) // 1000 + 1) * bool(asked)


@needs_data
def test_the_measured_profiles_are_those_of_the_published_distribution() -> None:
    assert acme.profiles(POWER) == acme.profiles()


@needs_data
def test_the_philly_trace_is_what_the_docs_say() -> None:
    jobs = philly.read_jobs(PHILLY)
    running = philly.running_at(jobs, philly.moment_of("2017-10-21T23:00", jobs))
    assert len(jobs) == 82_247
    assert philly.busiest_hour(jobs) == philly.moment_of("2017-10-21T23:00", jobs)
    assert (len(running), sum(job.gpus for job in running)) == (739, 1117)
    assert (len(philly.tenants(jobs)), len(philly.tenants(running))) == (15, 11)
    assert sum(job.gpus == 1 for job in running) == 653
    assert max(job.gpus for job in running) == 8


@needs_data
def test_the_acme_sample_is_what_the_docs_say() -> None:
    jobs = acme.read_jobs(KALOS)
    window = densest(jobs, 23_444)  # 110 % of 21,312 GPUs
    assert (len(jobs), len(window)) == (319, 37)
    assert max(job.gpus for job in jobs) == 1024
    assert window[-1].start_s - window[0].start_s < 1.15 * 86_400
    assert sum(job.gpus for job in window if job.gpus == 1024) > sum(j.gpus for j in window) / 2


@needs_data
def test_the_openb_trace_is_what_the_docs_say() -> None:
    pods = openb.read_pods(OPENB)
    moment_s = openb.busiest_moment(pods)
    running = [pod for pod in openb.running_at(pods, moment_s) if pod.gpus]
    asked_milli = sum(pod.demand_milli for pod in running)
    assert (len(pods), len(running), asked_milli) == (8_152, 49, 65_590)
    on_gpus = [pod for pod in pods if pod.gpus]
    jobs = openb.jobs_of(on_gpus)
    whole = sum(job.gpus for job in jobs)
    assert (len(on_gpus), sum(pod.milli < 1000 for pod in on_gpus)) == (7_064, 3_078)
    assert (sum(pod.demand_milli for pod in on_gpus), len(jobs), whole) == (
        *(6_086_800, 6_042, 6_411),
    )
    assert "1,523 nodes with 6,212 GPUs" in openb.nodes_in_words(OPENB_NODES)
