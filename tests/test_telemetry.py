"""Measured power: every GPU once, blanks dropped, racks and jobs, figures of rack types."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from scheduler.cli.app import app
from scheduler.exchange.exchanged import ExchangeError, Imported
from scheduler.exchange.telemetry import gpu_power as gpu_power_module
from scheduler.exchange.telemetry.gpu_power import GPU_POWER, gpu_power, job_of, watts_or_why
from scheduler.exchange.telemetry.hosts import rack_of_hosts
from scheduler.exchange.telemetry.load import Reading, import_telemetry
from scheduler.exchange.telemetry.rack_power import rack_w
from scheduler.exchange.telemetry.series import Series, read_series
from scheduler.exchange.telemetry.type_figures import nearest_rank
from scheduler.inputs import read_site_file, site_document
from scheduler.inputs.mistakes import Mistakes
from scheduler.model import Site
from tests import build

BEGIN = 1_790_000_040  # a full minute


def labels(gpu: int, host: str = "r1-n0", **more: str) -> dict[str, str]:
    return {"gpu": str(gpu), "UUID": f"GPU-{host}-{gpu}", "Hostname": host, **more}


def matrix(rows: Sequence[tuple[dict[str, str], Sequence[Any]]], name: str = GPU_POWER) -> str:
    """A range reply; each row is labels and one value a minute."""
    result = [
        {
            "metric": {"__name__": name} | tags,
            "values": [[BEGIN + 60 * i, str(value)] for i, value in enumerate(values)],
        }
        for tags, values in rows
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


def whole_rack(watts: list[Any], rack: str = "r1") -> list[tuple[dict[str, str], list[Any]]]:
    """Sixteen GPUs on two hosts, each with these values."""
    return [(labels(g, f"{rack}-n{n}"), watts) for n in range(2) for g in range(8)]


@pytest.fixture
def site() -> Site:
    """Two racks of 16 GPUs: 100 to 700 W each; racks idle at 4 kW, 16 kW at peak."""
    kind = build.rack_type(idle_w=4_000, gpu_idle_w=100, gpu_peak_w=700, source="catalogue")
    return build.site(rack_types={"hgx": kind})


@pytest.fixture
def folder(tmp_path: Path, site: Site) -> Path:
    (tmp_path / "site.json").write_text(json.dumps(site_document(site)))
    return tmp_path


def taken(folder: Path, text: str, name: str = "power.json", **reading: Any) -> Imported:
    (folder / name).write_text(text)
    return import_telemetry(folder / name, folder / "site.json", Reading(**reading))


def read_back(folder: Path, imported: Imported) -> Site:
    (folder / "new.json").write_text(imported.files["site.json"])
    return read_site_file(folder / "new.json")


def of(text: str, name: str = "x.json", folder: Path | None = None) -> list[Series]:
    assert folder is not None
    (folder / name).write_text(text)
    mistakes = Mistakes()
    found = list(read_series(folder / name, mistakes))
    mistakes.raise_if_any()
    return found


def test_a_rack_follows_its_gpus_between_idle_and_peak(site: Site) -> None:
    kind = site.rack_types["hgx"]
    # 16 GPUs at 400 W are half of their range (100 to 700 W): 4 kW + 6 kW.
    assert rack_w(kind, 16 * 400_000, 16) == 10_000
    assert rack_w(kind, 16 * 700_000, 16) == 16_000
    assert rack_w(kind, 16 * 50_000, 16) == 4_000
    # 8 seen GPUs stand for 16. 1 W more than half: 12,000 x 1 / 9,600 = 1.25, rounded up.
    assert rack_w(kind, 8 * 400_000, 8) == 10_000
    assert rack_w(kind, 16 * 400_000 + 1_000, 16) == 10_002


def test_full_racks_give_the_figures_of_their_type(folder: Path) -> None:
    # 100 minutes: 95 at 400 W (10,000 W a rack), 4 at 550 W (13,000 W), 1 at 650 W (15,000 W).
    watts = [400] * 95 + [550] * 4 + [650]
    imported = taken(folder, matrix(whole_rack(watts)))
    kind = read_back(folder, imported).rack_types["hgx"]
    assert (kind.observed_peak_w, kind.percentile_w) == (15_000, 10_000)
    assert (kind.nameplate_w, kind.idle_w) == (20_000, 4_000)
    assert kind.source == (
        "observed_peak, percentile 95 [D] own site: 100 samples of 1 full racks, "
        "2026-09-21T14:14Z to 2026-09-21T15:53Z; rest: catalogue"
    )
    assert imported.unmapped == ()
    higher = taken(folder, matrix(whole_rack(watts)), percentile=96)
    assert read_back(folder, higher).rack_types["hgx"].percentile_w == 13_000


def test_the_overlay_says_the_same(folder: Path) -> None:
    imported = taken(folder, matrix(whole_rack([550] * 100)))
    overlay = yaml.safe_load(imported.files["rack_types.yaml"])["rack_types"]["hgx"]
    assert (overlay["observed_peak_kw"], overlay["percentile_kw"]) == (13, 13)
    assert overlay["source"].startswith("observed_peak, percentile 95 [D] own site: 100 samples")


def test_the_overlay_does_in_a_site_file_and_nodes_are_found_by_name(tmp_path: Path) -> None:
    # A rack of 8 x 8 H100 at 760 W of 90 to 700 W: 15,200 + 52,000 x 670 / 610 = 72,314.8 W.
    example = Path(__file__).resolve().parent.parent / "examples" / "colossus-tenth" / "site.yaml"
    rows = [(labels(g, f"h1-a01-r1-n{n:02d}"), [760]) for n in range(1, 9) for g in range(8)]
    (tmp_path / "power.json").write_text(matrix(rows))
    imported = import_telemetry(tmp_path / "power.json", example)
    assert imported.unmapped == ()
    assert "rack_types:" not in example.read_text()
    (tmp_path / "site.yaml").write_text(example.read_text() + imported.files["rack_types.yaml"])
    site = read_site_file(tmp_path / "site.yaml")
    assert site.rack_types["hgx-h100-liquid"].observed_peak_w == 72_315
    assert read_back(tmp_path, imported).rack_types["hgx-h100-liquid"].observed_peak_w == 72_315


def test_estimates_do_not_stand_on_estimates(folder: Path) -> None:
    text = matrix(whole_rack([550] * 100))
    (folder / "once.json").write_text(taken(folder, text).files["site.json"])
    with pytest.raises(ExchangeError, match="expected a site without figures of an earlier import"):
        import_telemetry(folder / "power.json", folder / "once.json")


def test_few_samples_raise_figures_and_lower_none(folder: Path) -> None:
    imported = taken(folder, matrix(whole_rack([400] * 99)))
    kind = read_back(folder, imported).rack_types["hgx"]
    assert (kind.observed_peak_w, kind.percentile_w) == (16_000, 15_000)
    assert "hgx: fewer than 100 samples of full racks lower no figure" in imported.notes
    hot = read_back(folder, taken(folder, matrix(whole_rack([760])))).rack_types["hgx"]
    # 760 W is 1.1 of the range: 4,000 + 12,000 x 1.1 = 17,200 W.
    assert (hot.observed_peak_w, hot.percentile_w) == (17_200, 17_200)


def test_meters_of_racks_are_taken_before_estimates(folder: Path) -> None:
    # GPUs say 10,000 W. The meters of both feeds say 6,000 + 5,500 W, and at one minute 1 W more.
    def both(name: str, first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
        return [({"rack": name, "feed": "A"}, first), ({"rack": name, "feed": "B"}, second)]

    meters = [*both("r1", [6_000] * 100, [5_500] * 99 + [5_500.2]), ({"rack": "x"}, [1])]
    meters += [({"rack": "r2", "feed": "A"}, [float("nan"), 9_000])]
    (folder / "in").mkdir()
    (folder / "in" / "gpus.json").write_text(matrix(whole_rack([400] * 100)))
    (folder / "in" / "meters.json").write_text(matrix(meters, "pdu_watts"))
    reading = Reading(rack_metric="pdu_watts")
    imported = import_telemetry(folder / "in", folder / "site.json", reading)
    kind = read_back(folder, imported).rack_types["hgx"]
    assert (kind.observed_peak_w, kind.percentile_w) == (11_501, 11_500)
    assert kind.source.startswith("observed_peak, percentile 95 [T] own site: 100 metered samples")
    assert imported.unmapped == (
        "rack r2: metered, but too few of its GPUs are seen to tell whether it was full",
        "meter with rack x: no such rack in the site",
        "1 samples of meters: no power of a rack",
    )
    racks = json.loads(imported.files["observed.json"])["racks"]
    assert [(rack["rack"], rack["peak_w"]) for rack in racks] == [("r1", 11_501), ("r2", 9_000)]


def test_a_site_that_was_never_full_keeps_its_figures(folder: Path) -> None:
    rows = whole_rack([150] * 120)
    rows[0] = (rows[0][0], [700] * 120)  # one GPU of 16 has work: 6.25 %
    imported = taken(folder, matrix(rows))
    assert read_back(folder, imported).rack_types["hgx"].observed_peak_w == 16_000
    assert imported.unmapped == (
        "rack type hgx: no rack was seen full (at most 6.2 % of its GPUs had work): "
        "its figures stay",
    )
    assert "rack_types: {}" in imported.files["rack_types.yaml"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (9.223372036854775e18, "blank"),
        (9223372036854775794, "blank"),
        (2147483632, "blank"),
        (140737488355328.0, "blank"),
        (float("nan"), "not a number"),
        (float("inf"), "not a number"),
        (-1, "outside"),
        (10_001, "outside"),
    ],
)
def test_samples_that_are_no_power_are_dropped(folder: Path, value: float, why: str) -> None:
    assert why in watts_or_why(value)[1]
    rows = whole_rack([550] * 100)
    rows[3] = (rows[3][0], [550] * 99 + [value])
    imported = taken(folder, matrix(rows))
    # The minute with the blank has 15 of 16 GPUs, 93.8 %: it counts, scaled to 16.
    kind = read_back(folder, imported).rack_types["hgx"]
    assert kind.observed_peak_w == 13_000
    assert any(line.startswith("1 samples: ") and why in line for line in imported.unmapped)


def test_a_split_or_shared_gpu_is_counted_once(folder: Path) -> None:
    rows = whole_rack([550] * 100)
    tags = rows[0][0]
    for part in range(7):  # MIG: the whole GPU's power, once for every instance
        rows.append(({**tags, "GPU_I_ID": str(part), "GPU_I_PROFILE": "1g.10gb"}, [550] * 100))
    old = {**tags, "UUID": f"MIG-{tags['UUID']}/3/0"}
    new = {**tags, "UUID": "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f"}
    nameless = {key: value for key, value in tags.items() if key != "UUID"}
    second = {**tags, "instance": "10.0.0.1:9400", "job": "a second scrape"}
    rows += [(each, [550] * 100) for each in (old, new, nameless, second)]
    imported = taken(folder, matrix(rows))
    assert read_back(folder, imported).rack_types["hgx"].observed_peak_w == 13_000
    # The old form does not carry a UUID of hexadecimal digits here, so it goes by host and index.
    assert "1,100 samples of GPUs that were there already: counted once" in imported.notes


@given(
    st.lists(st.integers(100, 700), min_size=1, max_size=4),
    st.lists(st.integers(0, 3), max_size=12),
)
@settings(max_examples=50, deadline=None)
def test_repeats_change_no_power(watts: list[int], repeats: list[int]) -> None:
    once = [Series(GPU_POWER, labels(g), ((0, float(w)),)) for g, w in enumerate(watts)]
    again = [once[number % len(once)] for number in repeats]
    found, both = gpu_power(once), gpu_power([*once, *again])
    assert found.milliwatts == both.milliwatts
    assert both.repeats == len(again)
    assert sum(sum(steps.values()) for steps in both.milliwatts.values()) == 1000 * sum(watts)


def test_the_highest_sample_of_a_step_counts() -> None:
    series = Series(GPU_POWER, labels(0), ((0, 300.0), (15_000, 500.25), (60_000, 200.0)))
    assert gpu_power([series]).milliwatts == {"GPU-r1-n0-0": {0: 500_250, 1: 200_000}}
    assert gpu_power([series], step_s=300).milliwatts == {"GPU-r1-n0-0": {0: 500_250}}


def test_jobs_share_the_power_of_a_gpu(folder: Path) -> None:
    # a alone on GPU 0, a and b share GPU 1: a has 400 + 400 / 2 W, b 200 W.
    rows = [
        (labels(0, pod="a", namespace="t"), [400]),
        (labels(1, pod="a", namespace="t"), [400]),
        (labels(1, pod="b", namespace="t"), [400]),
        (labels(2, pod="nvidia-dcgm-exporter-x", namespace="gpu"), [120]),
        (labels(3), [120]),
    ]
    imported = taken(folder, matrix(rows))
    jobs = json.loads(imported.files["observed.json"])["jobs"]
    # a: (600 - 150) / (1050 - 150) = 0.5 of the range of 1.5 GPUs; b: (200 - 50) / (350 - 50).
    assert jobs == [
        {"job": "t/a", "gpus": 2, "samples": 1, "mean_w": 600, "peak_w": 600}
        | {"mean_permille": 500, "peak_permille": 500},
        {"job": "t/b", "gpus": 1, "samples": 1, "mean_w": 200, "peak_w": 200}
        | {"mean_permille": 500, "peak_permille": 500},
    ]
    assert "jobs on one GPU at the same time share its power equally [A]" in imported.notes
    assert "rack r1: at most 4 of 16 GPUs seen at a time" in imported.unmapped


def test_the_mean_and_peak_of_a_job_are_over_its_steps(folder: Path) -> None:
    rows = [(labels(g, hpc_job="4711"), [100, 400, 700]) for g in range(2)]
    (job,) = json.loads(taken(folder, matrix(rows)).files["observed.json"])["jobs"]
    assert (job["job"], job["mean_w"], job["peak_w"]) == ("4711", 800, 1_400)
    assert (job["mean_permille"], job["peak_permille"]) == (500, 1000)


def test_the_name_of_a_job() -> None:
    assert job_of({"hpc_job": "12", "pod": "p"}, "") == "12"
    assert job_of({"hpc_job": "0", "pod": "p"}, "") == "p"
    assert job_of(
        {"pod": "dcgm-exporter-1", "exported_pod": "p", "exported_namespace": "n"}, ""
    ) == ("n/p")
    assert job_of({"pod": "dcgm-exporter-1", "namespace": "gpu"}, "") == ""
    assert job_of({"workload": "w", "pod": "p"}, "workload") == "w"
    assert job_of({"pod": "p"}, "workload") == ""


def test_hosts_are_found_by_the_name_of_their_rack() -> None:
    racks = [build.rack("H1-A01-R1"), build.rack("H1-A01-R10")]
    racks.append(build.rack("r1", hosts=("node-a", "node-b")))
    hosts = ("h1-a01-r1-n03", "H1-A01-R10.dc.example", "r1", "r12-n1", "gpu-7", "H1-A01-R1n3")
    found = rack_of_hosts((*hosts, "Node-B.dc.example"), build.site(racks), {"gpu-7": "r1"})
    assert found == {
        "Node-B.dc.example": "r1",
        "h1-a01-r1-n03": "H1-A01-R1",
        "H1-A01-R10.dc.example": "H1-A01-R10",
        "r1": "r1",
        "gpu-7": "r1",
    }


def test_hosts_in_no_rack_and_other_metrics_are_listed(folder: Path) -> None:
    rows = [*whole_rack([550] * 100), (labels(0, "mystery"), [300])]
    (folder / "in").mkdir()
    (folder / "in" / "a.json").write_text(matrix(rows))
    (folder / "in" / "b.json").write_text(matrix(rows[:2], "DCGM_FI_DEV_GPU_TEMP"))
    imported = import_telemetry(folder / "in", folder / "site.json")
    assert imported.unmapped == (
        "host mystery: in no rack of the site (1 GPUs); --hosts says where",
        "2 series of DCGM_FI_DEV_GPU_TEMP: not read",
    )
    table = folder / "hosts.csv"
    table.write_text("host,rack\nmystery,r2\n")
    reading = Reading(hosts=table)
    again = import_telemetry(folder / "in", folder / "site.json", reading)
    assert "rack r2: at most 1 of 16 GPUs seen at a time" in again.unmapped
    table.write_text("host,rack\nmystery,r9\n")
    with pytest.raises(ExchangeError, match=r"hosts.csv:2: rack: expected one of r1, r2, got 'r9'"):
        import_telemetry(folder / "in", folder / "site.json", reading)


EXPOSITION = """# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).
# TYPE DCGM_FI_DEV_POWER_USAGE gauge
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA H100 {80GB}",\
Hostname="r1-n0",pod="say \\"hi\\""} 400.5
DCGM_FI_DEV_POWER_USAGE{gpu="1",UUID="GPU-b",Hostname="r1-n0"} 9.223372036854775e+18
DCGM_FI_DEV_POWER_USAGE{gpu="2",UUID="GPU-c",Hostname="r1-n0",} 100 1790000040000
DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="GPU-a",Hostname="r1-n0"} 40
up 1
"""


def test_text_of_an_exporter_is_read(tmp_path: Path) -> None:
    found = of(EXPOSITION, "r1.prom", tmp_path)
    assert [series.metric for series in found] == [*[GPU_POWER] * 3, "DCGM_FI_DEV_GPU_TEMP", "up"]
    assert found[0].labels["modelName"] == "NVIDIA H100 {80GB}"
    assert found[0].labels["pod"] == 'say "hi"'
    assert [series.samples[0][1] for series in found][:3] == [400.5, 9.223372036854775e18, 100]
    assert (found[0].is_timed, found[2].is_timed) == (False, True)
    assert found[2].samples[0][0] == 1_790_000_040_000


def test_texts_of_one_folder_are_one_moment(folder: Path) -> None:
    line = 'DCGM_FI_DEV_POWER_USAGE{{gpu="{0}",UUID="GPU-{1}-{0}",Hostname="{1}"}} {2}\n'
    for moment, watts in enumerate((400, 550)):
        for host in ("r1-n0", "r1-n1"):
            path = folder / "scrapes" / f"{moment}" / f"{host}.prom"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(line.format(gpu, host, watts) for gpu in range(8)))
    imported = import_telemetry(folder / "scrapes", folder / "site.json", Reading(step_s=1))
    observed = json.loads(imported.files["observed.json"])
    (rack,) = observed["racks"]
    assert (rack["samples"], rack["mean_w"], rack["peak_w"]) == (2, 11_500, 13_000)
    assert observed["period"] == "time not given"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.json", "[]", "x.json:1: status: expected a reply with status success"),
        ("x.json", '{"status": "error", "error": "query timed out"}', "got 'query timed out'"),
        ("x.json", '{"status": "success", "data": {"resultType": "scalar"}}', "matrix, vector"),
        ("x.json", '{"status": "success", "data": {"resultType": "matrix"}}', "a list of series"),
        (
            "x.json",
            '{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, '
            '"value": [1, "much"]}]}}',
            "data.result[0].value: expected pairs of time and value",
        ),
        ("x.json", '{"status": "success"', "valid JSON"),
        ("x.prom", "power{a=1} 3\n", "x.prom:1: sample: expected a sample"),
        ("x.prom", "power much\n", "x.prom:1: sample"),
        ("x.prom", "up 1\n", "expected samples of DCGM_FI_DEV_POWER_USAGE, got up"),
    ],
)
def test_what_is_no_telemetry_is_named(folder: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        taken(folder, text, name)
    assert words in str(caught.value)


def test_a_vector_is_one_moment(folder: Path) -> None:
    rows = [
        {"metric": {"__name__": GPU_POWER} | tags, "value": [BEGIN, "550"]}
        for tags, _ in whole_rack([550])
    ]
    reply = {"status": "success", "data": {"resultType": "vector", "result": rows}}
    imported = taken(folder, json.dumps(reply))
    (rack,) = json.loads(imported.files["observed.json"])["racks"]
    assert (rack["samples"], rack["peak_w"]) == (1, 13_000)


def test_too_many_samples_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_power_module, "MOST_SAMPLES", 100)
    with pytest.raises(ExchangeError, match="at most 100 samples of power"):
        taken(folder, matrix(whole_rack([550] * 100)))


@given(st.lists(st.integers(0, 100), min_size=1, max_size=40), st.integers(1, 100))
def test_the_percentile_is_the_nearest_rank(values: list[int], percentile: int) -> None:
    found = nearest_rank(values, percentile)
    below = sum(value <= found for value in values)
    less = sum(value < found for value in values)
    assert below * 100 >= percentile * len(values) > less * 100


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_no_line_of_text_raises_anything(
    tmp_path_factory: pytest.TempPathFactory, line: str
) -> None:
    path = tmp_path_factory.mktemp("t") / "x.prom"
    path.write_bytes(line.encode("utf-8", "surrogatepass"))
    mistakes = Mistakes()
    for series in read_series(path, mistakes):
        assert series.metric


def test_the_command_writes_and_lists(folder: Path) -> None:
    (folder / "power.json").write_text(matrix([*whole_rack([550] * 100), (labels(0, "x"), [1])]))
    words = ["import", "telemetry", str(folder / "power.json"), "--out", str(folder / "out")]
    done = CliRunner().invoke(app, [*words, "--site", str(folder / "site.json")])
    assert done.exit_code == 0, done.output
    assert "not mapped: host x: in no rack of the site" in done.stdout
    assert "hgx: observed peak 13,000 W (was 16,000)" in done.stderr
    names = {"site.json", "observed.json", "rack_types.yaml", "unmapped.txt"}
    assert {path.name for path in (folder / "out").iterdir()} == names
    assert read_site_file(folder / "out" / "site.json").rack_types["hgx"].percentile_w == 13_000
    bad = CliRunner().invoke(app, [*words, "--site", str(folder / "none.json")])
    assert bad.exit_code == 2
    assert "none.json" in bad.stderr
