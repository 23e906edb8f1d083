"""All mistakes in one run: what is sound is checked, what is broken is reported once."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from scheduler.inputs import (
    InputError,
    json_schema,
    read_plan,
    read_problem,
    site_document,
    workload_document,
)
from scheduler.inputs.mistakes import MOST_OF_A_KIND, Mistakes
from scheduler.inputs.read import read_site_file
from scheduler.inputs.validation import one_of
from tests import build
from tests.test_inputs_tables import COMPACT, SITE, write

EXAMPLES = Path(__file__).parent.parent / "examples"


def said(folder: Path, current: Path | None = None) -> list[str]:
    """Return the mistakes of the site and the workload in `folder`, without the folder."""
    with pytest.raises(InputError) as error:
        read_problem(folder, folder, current)
    return [str(each).replace(f"{folder}/", "") for each in error.value.mistakes]


def starts(lines: list[str]) -> list[str]:
    """Return places and fields: all before the first ``: expected``."""
    return [line.partition(": expected")[0] for line in lines]


MIXED = """\
tenants:
  - {name: t}
  - {name: broken, kind: sideways}
  - {name: lonely, conflicts: [nobody, broken]}
profiles:
  - {name: steady, mean: 0.5, peak: 100 %, cap: 40 %}
contracts:
  - {tenant: t, gpus: many, price_usd_per_gpu_h: 1}
  - {tenant: t, mw: 1e-9, price_usd_per_gpu_h: 1}
  - {tenant: who, gpus: 8, price_usd_per_gpu_h: 1}
jobs:
  - {name: a, tenant: t, units: none}
  - {name: b, tenant: tt, units: 1}
  - {name: c, tenant: broken, units: 1, power: steady}
  - {name: d, tenant: t, units: 1, power: stead, gpu_types: [h101], within: [H9]}
  - {name: e, tenant: t, units: 1, color: red}
  - {name: b, tenant: t, units: 2}
"""


def test_shape_and_reference_come_together(tmp_path: Path) -> None:
    write(tmp_path, {"site.yaml": COMPACT, "workload.yaml": MIXED})
    expected = [
        "workload.yaml:3: tenants[1].kind",
        "workload.yaml:4: tenants.lonely.conflicts",  # nobody; the broken one exists
        "workload.yaml:6: profiles[0].mean",
        "workload.yaml:8: contracts[0].gpus",
        "workload.yaml:9: contracts[1].mw",
        "workload.yaml:10: contracts.who-contract.tenant",
        "workload.yaml:12: jobs[0].units",
        "workload.yaml:13: jobs.b.tenant",
        "workload.yaml:15: jobs.d.gpu_types",
        "workload.yaml:15: jobs.d.power",
        "workload.yaml:15: jobs.d.within",
        "workload.yaml:16: jobs[4].color",
        "workload.yaml:17: jobs[5].name",
    ]
    found = sorted(starts(said(tmp_path)), key=lambda each: (int(each.split(":")[1]), each))
    assert found == expected


@pytest.mark.parametrize(
    "tenants",
    ["tenant:\n  - {name: t}\n", "tenants: 5\n", "tenants:\n  - {nam: t}\n", "tenants: no.csv\n"],
)
def test_a_lost_section_hides_no_more_than_itself(tmp_path: Path, tenants: str) -> None:
    job = "jobs:\n  - {name: a, tenant: t, units: 1, power: bach}\n"
    write(tmp_path, {"site.yaml": COMPACT, "workload.yaml": tenants + job})
    fields = [each.split(": ")[1] for each in said(tmp_path)]
    assert "jobs.a.power" in fields
    assert "jobs.a.tenant" not in fields


@pytest.mark.parametrize("fault", ["ups_kw: 2500}", "rack: hgx-h100-liquid"])
def test_a_broken_site_does_not_hide_the_workload(tmp_path: Path, fault: str) -> None:
    workload = "tenants: [{name: t}]\njobs:\n  - {name: a, tenant: s, units: 1, power: bach}\n"
    workload += "  - {name: b, tenant: t, units: x}\n  - {name: c, tenant: t, gpus: 9}\n"
    site = COMPACT.replace(fault, fault.replace("2500", "-1").replace("h100", "h10"))
    write(tmp_path, {"site.yaml": site, "workload.yaml": workload})
    first, *others = starts(said(tmp_path))
    assert first.startswith("site.yaml:")
    assert sorted(others) == [
        "workload.yaml:3: jobs.a.power",
        "workload.yaml:3: jobs.a.tenant",
        "workload.yaml:4: jobs[1].units",
    ]


def test_a_site_file_that_is_missing_does_not_hide_the_workload(tmp_path: Path) -> None:
    write(tmp_path, {"workload.yaml": "jobs: [{name: a, tenant: s, units: 1}]\n"})
    assert starts(said(tmp_path)) == ["site.yaml:1: file", "workload.yaml:1: jobs.a.tenant"]


def test_a_broken_workload_does_not_hide_the_plan_that_runs(tmp_path: Path) -> None:
    write(tmp_path, {"site.yaml": COMPACT, "workload.yaml": "jobs: 5\n"})
    (tmp_path / "now.csv").write_text("job,rack,units\na,r,-1\n")
    found = starts(said(tmp_path, tmp_path / "now.csv"))
    assert found == ["now.csv:2: placements[0].units", "workload.yaml:1: jobs"]


SHORT = """\
name: tiny
ambient: {dry_bulb_c: hot, wet_bulb_c: 26}
power_basis: observed_peak
rack_types:
  bad: {like: hgx-h100-liquid, nodes: few}
  lone: {like: nothing}
halls:
  - name: H1
    power: {scheme: 5N/3}
    cooling: {air: {suply_c: 22}}
    arrays:
      - {cuont: 2, rack: hgx-h100-lquid}
      - {rack: bad, drained: [H1-A09-R1]}
      - {rack: missing}
  - name: H2
    power: {scheme: 2N, ups: 3}
    arrays:
      - {rack: hgx-h100-liquid}
"""


def test_a_short_site_file_is_checked_around_its_broken_parts(tmp_path: Path) -> None:
    write(tmp_path, {"site.yaml": SHORT})
    with pytest.raises(InputError) as error:
        read_site_file(tmp_path / "site.yaml")
    found = sorted((each.line, each.field) for each in error.value.mistakes)
    assert found == [
        (2, "ambient.dry_bulb_c"),
        (5, "rack_types.bad.nodes"),
        (6, "rack_types.lone.like"),
        (9, "halls[0].power.scheme"),
        (10, "halls[0].cooling.air.suply_c"),
        (12, "halls[0].arrays[0].cuont"),
        (12, "halls[0].arrays[0].rack"),
        (14, "halls[0].arrays[2].rack"),
    ]


def test_a_short_site_file_is_written_out_in_spite_of_its_mistakes(tmp_path: Path) -> None:
    site = COMPACT.replace("dry_bulb_c: 36", "dry_bulb_c: hot") + "        down_nodes: {X: 1}\n"
    site = site.replace("- {count: 2, racks: 8, rack: hgx-h100-liquid}", "- rack: hgx-h100-liquid")
    write(tmp_path, {"site.yaml": site + "failure_sets: [[H1-UPS1, H1-UPS9]]\n"})
    with pytest.raises(InputError) as error:
        read_site_file(tmp_path / "site.yaml")
    fields = [each.field for each in error.value.mistakes]
    assert fields == ["ambient.dry_bulb_c", "halls[0].arrays[0].down_nodes.X"]


# The loop of the rack and the pod that it shares are in the other hall.
_NESTED = ("racks.csv:2: racks.r1.loop", "racks.csv:3: racks.r2.hall")
# Table, what is replaced by what, the mistakes: with the line of the row.
ROWS = [
    ("racks.csv", "no,1", "no,x", ["racks.csv:2: racks[0].down_nodes"]),
    ("racks.csv", ",yes,", ",perhaps,", ["racks.csv:3: racks[1].drained"]),
    ("racks.csv", "r1,own,H,A", "r1,own,G,A", ["racks.csv:2: racks.r1.hall", *_NESTED]),
    ("racks.csv", "r2,hgx-h100-liquid,H,B,P,ups1,,yes,", "r2,own", ["racks.csv:3: row"]),
    ("racks.csv", "down_nodes", "down_node", ["racks.csv:1: header"]),
    ("racks.csv", ",pod", ",colour", ["racks.csv:1: header", "racks.csv:1: header"]),
    ("rack_types.csv", "h100,2", "h100,two", ["rack_types.csv:2: rack_types[0].nodes"]),
    ("rack_types.csv", "own,h100,2,8", "own,h100", ["rack_types.csv:2: row"]),
    ("rack_types.csv", "20.0001,16", "20.0001,0.1", ["rack_types.csv:2: rack_types.own"]),
    ("halls.csv", "27.0009", "warm", ["halls.csv:2: halls[0].inlet_limit_mc"]),
    ("halls.csv", "H,22.0001,27.0009,", "H,22", ["halls.csv:2: row"]),
    ("halls.csv", "supply_c", "name", ["halls.csv:1: header", "halls.csv:1: header"]),
    ("power_nodes.csv", "ups1,ups,grid", "ups1,ups,gird", ["power_nodes.csv:3: power_nodes.ups1"]),
    ("power_nodes.csv", "300.0009", "lots", ["power_nodes.csv:2: power_nodes[0].rating_w"]),
    ("power_nodes.csv", "ups2,ups,grid,share,100,,", "ups2", ["power_nodes.csv:4: row"]),
    ("loops.csv", "l1,H,2", "l1,G,2", ["loops.csv:2: loops.l1.hall"]),
    ("loops.csv", "l1,H,2", "l1,H,two", ["loops.csv:2: loops[0].units"]),
    ("loops.csv", ",return_limit_c", "", ["loops.csv:1: header", "loops.csv:2: row"]),
    ("base_loads.csv", "ups1;ups2", "ups1;ups9", ["base_loads.csv:2: base_loads[0].feeds"]),
    ("base_loads.csv", "1.0001", "-1", ["base_loads.csv:2: base_loads[0].power_w"]),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), ROWS)
def test_rows_of_a_site_folder(
    tmp_path: Path, file: str, old: str, new: str, expected: list[str]
) -> None:
    assert SITE[file].count(old) == 1
    files = {**SITE, file: SITE[file].replace(old, new)}
    files["site.yaml"] += "failure_sets: [[nothing]]\n"
    found = refused_site(tmp_path, files)
    last = found.pop()  # all files are checked in spite of the table
    assert last.startswith("site.yaml:4: failure_sets[0]") or file in (
        "power_nodes.csv",
        "loops.csv",
    )
    found += [last] if not last.startswith("site.yaml:4") else []
    assert len(found) == len(expected)
    assert all(each.startswith(start) for each, start in zip(found, expected, strict=True))


def refused_site(folder: Path, files: dict[str, str]) -> list[str]:
    """Return where the mistakes of a site folder are."""
    with pytest.raises(InputError) as error:
        read_site_file(write(folder / "s", files))
    return starts([str(each).replace(f"{folder / 's'}/", "") for each in error.value.mistakes])


TABLES = {
    "site.yaml": COMPACT,
    "tenants.csv": "name,kind,conflicts\nt,internal,u\nu,external,\n",
    "contracts.csv": "name,tenant,gpus,price_usd_per_gpu_h,survives\nc,u,8,2,ups\n",
    "jobs.csv": "name,tenant,gpus,power\na,t,8,p\nb,t,8,batch\n",
    "profiles.csv": "name,mean,peak,cap\np,10 %,20 %,5 %\n",
}


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("tenants.csv", "external", "extern", ["tenants.csv:3: tenants[1].kind"]),
        ("tenants.csv", "internal,u", "internal,v", ["tenants.csv:2: tenants.t.conflicts"]),
        ("tenants.csv", "u,external,", "u,external", ["tenants.csv:3: row"]),
        ("tenants.csv", "name,", "nme,", ["tenants.csv:1: header"]),
        ("tenants.csv", "kind", "knd", ["tenants.csv:1: header"]),
        (
            "contracts.csv",
            "c,u,8,2",
            "c,u,8,dear",
            ["contracts.csv:2: contracts[0].price_usd_per_gpu_h"],
        ),
        ("contracts.csv", "c,u,8", "c,w,8", ["contracts.csv:2: contracts.c.tenant"]),
        ("contracts.csv", ",ups", ",upps", ["contracts.csv:2: contracts.c.sla.survives"]),
        ("contracts.csv", "c,u,8,2,ups", "c,u", ["contracts.csv:2: row"]),
        ("contracts.csv", "tenant", "who", ["contracts.csv:1: header"] * 2),
        ("jobs.csv", "b,t,8", "b,t,x", ["jobs.csv:3: jobs[1].gpus"]),
        ("jobs.csv", "b,t,8,batch", "b,t", ["jobs.csv:3: row"]),
        (
            "jobs.csv",
            "b,t,8,batch",
            "b,s,8,bach",
            ["jobs.csv:3: jobs.b.tenant", "jobs.csv:3: jobs.b.power"],
        ),
        ("jobs.csv", "gpus", "gpu", ["jobs.csv:1: header"]),
        ("jobs.csv", ",power\n", ",colour\n", ["jobs.csv:1: header"]),
        ("profiles.csv", "10 %", "0.1", ["profiles.csv:2: profiles[0].mean"]),
        (
            "profiles.csv",
            "p,10 %,20 %",
            "p,30 %,20 %",
            ["profiles.csv:2: profiles.p.mean_permille"],
        ),
        ("profiles.csv", "p,10 %,20 %,5 %", "p", ["profiles.csv:2: row"]),
        ("profiles.csv", ",cap", "", ["profiles.csv:1: header"]),
    ],
)
def test_rows_of_a_workload_folder(
    tmp_path: Path, file: str, old: str, new: str, expected: list[str]
) -> None:
    assert TABLES[file].count(old) == 1
    files = {**TABLES, file: TABLES[file].replace(old, new)}
    files["jobs.csv"] += "z,t,1,bad\n"  # in the last line: found in spite of all that
    found = starts(said(write(tmp_path, files)))
    assert [each for each in found if not each.endswith("jobs.z.power")] == expected
    is_lost = ",colour" in new or ",cap" in old  # the column with the name, all names
    assert ("jobs.csv:4: jobs.z.power" in found) is not is_lost


def test_explicit_records_are_checked_around_broken_ones(tmp_path: Path) -> None:
    problem = build.problem(jobs=[build.job("a"), build.job("b"), build.job("c")])
    site: dict[str, Any] = site_document(problem.site)
    workload: dict[str, Any] = workload_document(problem.workload)
    site["racks"][0]["down_nodes"] = "one"
    site["racks"][1]["type"] = "none"
    workload["jobs"][0]["units"] = "one"
    workload["jobs"][2]["tenant"] = "none"
    write(tmp_path, {"site.json": json.dumps(site), "workload.json": json.dumps(workload)})
    fields = [each.split(": ")[1] for each in said(tmp_path)]
    assert sorted(fields) == [
        "jobs.c.tenant",
        "jobs[0].units",
        "racks.r2.type",
        "racks[0].down_nodes",
    ]


def test_long_lists_of_names_are_shortened() -> None:
    names = [f"rack-{number:03d}" for number in range(131)]
    assert one_of(names[:20]).count(",") == 19
    assert one_of(names, "rack-01") == "one of rack-101, rack-091, rack-081 and 128 more"
    assert one_of(names, "zzz") == "one of rack-000, rack-001, rack-002 and 128 more"
    assert one_of(["é"]) == "one of é"
    assert one_of([]) == "nothing here"


def test_a_plan_of_another_workload_is_summed_up(tmp_path: Path) -> None:
    problem = build.problem(jobs=[build.job(f"job-{number}") for number in range(200)])
    path = tmp_path / "placements.csv"
    path.write_text("job,rack,units\n" + "".join(f"x{n},r1,1\n" for n in range(300)))
    with pytest.raises(InputError) as error:
        read_plan(path, problem)
    *listed, total = error.value.mistakes
    assert [each.line for each in listed] == list(range(2, 2 + MOST_OF_A_KIND))
    assert str(total).endswith(
        "placements.csv:11: placements[*].job: expected one of job-0, job-1, job-2 and 197 more, "
        "got 290 more mistakes like this one"
    )
    assert max(len(str(each)) - len(str(path)) for each in error.value.mistakes) < 140


def test_only_mistakes_alike_are_summed_up() -> None:
    mistakes = Mistakes()
    for number in range(15):
        mistakes.add(_Line(number), ("jobs", f"j{number}", "units"), f"<= {number} GPUs", number)
        mistakes.add(_Line(number), ("jobs", number, "name"), "a value", None)
    mistakes.add(_Line(99), ("jobs", "j1", "tenant"), "a value", None)
    assert len(mistakes) == 31
    with pytest.raises(InputError) as error:
        mistakes.raise_if_any()
    found = error.value.mistakes
    assert len(found) == 2 * (MOST_OF_A_KIND + 1) + 1
    totals = [(each.field, each.got) for each in found if "more" in each.got]
    assert totals == [
        ("jobs[*].units", "5 more mistakes like this one"),
        ("jobs[*].name", "5 more mistakes like this one"),
    ]


class _Line:
    """A place in a file."""

    def __init__(self, line: int) -> None:
        self.line = line

    def where(self, loc: tuple[str | int, ...]) -> tuple[str, int]:
        """File and line."""
        return "f" if loc else "", self.line


@pytest.mark.parametrize("kind", ["site", "workload"])
@pytest.mark.parametrize("example", ["tiny", "colossus-tenth", "colossus"])
def test_schemas_accept_the_examples(example: str, kind: str) -> None:
    jsonschema = importlib.import_module("jsonschema")
    text = (EXAMPLES / example / f"{kind}.yaml").read_text("utf-8")
    schema = json_schema("site" if kind == "site" else "workload")
    validator = jsonschema.Draft202012Validator(schema)
    content = yaml.safe_load(text)
    assert [each.message for each in validator.iter_errors(content)] == []
    broken = {**content, "unknown": 1}
    assert len(list(validator.iter_errors(broken))) == 1
