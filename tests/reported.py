"""The tiny example with the plan of docs/tiny.md, and a site with hostile names: for the report."""

from __future__ import annotations

from pathlib import Path

from scheduler.inputs import read_problem
from scheduler.model import Hall, Plan, Problem, Rack
from scheduler.write import as_json, input_files, placement_rows
from tests import build

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ARRAYS = {n: [f"H1-A0{n}-R{r}" for r in range(1, 5)] for n in (1, 2, 3)}
BY_HAND = Plan(
    {
        "acme-contract": dict.fromkeys(ARRAYS[1], 2),
        "train": dict.fromkeys(ARRAYS[2], 2),
        "beta-contract": {"H1-A03-R1": 2},
        "chat": {"H1-A03-R2": 2, "H1-A03-R3": 2},
        "night": {"H1-A03-R4": 1},
        "notebook": {"H1-A03-R4": 2},
    }
)
HOSTILE = "<script>alert(1)</script>"
LINK = '<a href="javascript:alert(2)">&amp;</a>'
QUOTES = "'\"`\\u003c${x}{{site}}</style>--><!--"
OFFER: dict[str, object] = {  # what ``rackwatt offer`` writes, a part of it
    "offers": [
        {
            "name": "block",
            "asked": {"gpus": 24, "isolation": "array"},
            "fits": "yes",
            "frontier": {
                "isolation": [
                    {"isolation": "rack", "gpus": 32, "bound_gpus": 32, "proven": True},
                    {"isolation": "array", "gpus": 16, "bound_gpus": 24},
                ],
                "redundancy": [
                    {
                        "isolation": "array",
                        "survives": ["ups", "cdu"],
                        "gpus": 8,
                        "bound_gpus": 8,
                        "proven": True,
                    }
                ],
            },
            "deal": {
                "gain_usd_per_h": 3.5,
                "break_even": {"usd_per_gpu_h": 1.5},
                "displaced": [{"job": HOSTILE, "tenant": "t", "gpus": 8, "usd_per_h": 2.5}],
            },
        }
    ]
}


def tiny() -> Problem:
    """Return the problem of examples/tiny."""
    return read_problem(EXAMPLES / "tiny" / "site.yaml", EXAMPLES / "tiny" / "workload.yaml")


def without(plan: Plan, *jobs: str) -> Plan:
    """Return `plan` without some jobs."""
    return Plan({name: racks for name, racks in plan.units.items() if name not in jobs})


def hostile() -> tuple[Problem, Plan]:
    """Return two racks, a job and a tenant whose names are markup."""
    racks = [build.rack(HOSTILE), build.rack(QUOTES)]
    job = build.job(LINK, tenant=HOSTILE, units=4)
    left = build.job(QUOTES, tenant=LINK, units=9)
    problem = build.problem(build.site(racks, name=HOSTILE), [job, left])
    return problem, Plan({LINK: {HOSTILE: 2, QUOTES: 2}})


def many_racks(count: int) -> tuple[Problem, Plan]:
    """Return `count` full racks in halls of 80, with forty tenants."""

    def seat(i: int) -> Rack:
        hall, place = divmod(i, 80)
        name = f"H{hall:02d}-R{place:02d}"
        array = f"H{hall:02d}-A{place // 8}"
        where = {
            "hall": f"H{hall:02d}",
            "array": array,
            "pod": f"P{hall}",
            "row": place // 16,
            "loop": None,
        }
        return build.rack(name, position=i % 16, **where)

    racks = [seat(i) for i in range(count)]
    jobs = [build.job(f"j{i}", tenant=f"t{i % 40}", units=2) for i in range(count)]
    nodes = {name: build.ups(name, 10**9) for name in ("ups1", "ups2")}
    names = dict.fromkeys(["H", *(each.hall for each in racks)])  # the loop is in H
    halls = {name: Hall(name=name, supply_mc=22_000, inlet_limit_mc=27_000) for name in names}
    site = build.site(racks, power_nodes=nodes, halls=halls, failure_kinds=("ups",))
    problem = build.problem(site, jobs)
    return problem, Plan({f"j{i}": {racks[i].name: 2} for i in range(count)})


def write_folder(folder: Path, problem: Problem, plan: Plan) -> Path:
    """Write what ``rackwatt plan`` writes, without a run behind it; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in input_files(problem).items():
        (folder / name).write_bytes(content)
    rows = placement_rows(problem, plan)
    document = {"format": "rackwatt-plan/1", "placements": rows}
    (folder / "plan.json").write_bytes(as_json(document))
    return folder
