"""Whatever the files hold: a problem, or an `InputError` that names at least one mistake."""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.inputs import (
    InputError,
    read_plan,
    read_problem,
    site_document,
    workload_document,
)
from scheduler.model import Problem
from tests.test_inputs_explicit import full_problem
from tests.test_inputs_tables import COMPACT, SITE

WORKLOAD = """
tenants:
  - {name: acme, kind: external, isolation: array, conflicts: [lab]}
  - {name: lab}
profiles:
  - {name: mine, mean: 10 %, peak: 90 %, cap: 40 %, swing: 5 %, synchronous: true}
contracts:
  - tenant: acme
    mw: 0.1
    gpu_types: [H100, h200]
    price_usd_per_gpu_h: 2.35
    notice_days: 90
    sla: {survives: [ups, cdu], spare_nodes: 2 %, credits: standard}
jobs:
  - {name: pretrain, tenant: lab, units: 16, gpus_per_unit: 8, power: training-sync,
     topology: {required: pod, preferred: array, slowdown: 2 %}, value_usd_per_gpu_h: 1.90}
  - {name: sweep, tenant: lab, gpus: 24, gang: false, min_units: 1, power: mine,
     spread: {level: array, max_units: 4}, within: [H1], priority: 3, duration_h: 1.5}
"""
TABLES = {
    "jobs.csv": "name,tenant,units,gpu_types,required,spread_level,spread_max_units,slowdown\n"
    "a,t,2,h100,pod,,,\n"
    '"b b",t,1,h100;h200,,rack,2,2 %\n',
    "tenants.csv": "name,kind,isolation,conflicts\nt,,rack,u\nu,external,,\n",
    "contracts.csv": "tenant,gpus,price_usd_per_gpu_h,survives,spare_nodes\nu,8,2.5,ups,2 %\n",
}
TOKENS = [
    *("nan", "-inf", ".inf", "1e300", "1e308*10", "1e999", "-1", "0", "9" * 30, "9" * 5000),
    *("&a", "*a", "<<: *a", "!!python/name:os", "!!binary", "---", "...", "? ", "%YAML 9"),
    *("{", "}", "[", "]", ",", ";", ":", "'", '"', "#", "|", ">", "\t", "\n", "\r", "  ", "\\"),
    *("\0", "\x1b[31m", "\x85", "\u2028", "\u202e", "\u200b", "e\u0301", "\U0001f600", "שלום"),
    *("\\ud800", "\\u0000", "true", "null", "~", "[[[[", "{a: ", "name", "H1", "ups1", "2 %"),
]
NASTY: list[Any] = [
    *(None, True, "", " ", "x", "nan", "inf", "\u202e", "\U0001f600", "a\nb", "x" * 5000),
    *(0, -1, 2**31, 2**63, 10**40, -(10**40), 0.5, -0.0, 1e300, -1e300, float("nan")),
    *(float("inf"), [], {}, [[]], [None], {"": 0}, {"name": {}}, "50 %", "101 %", "-1 %"),
]


def attempt(read: Callable[[], object]) -> tuple[object, InputError | None]:
    """Return what is read, or the error; anything else that is raised fails the test."""
    try:
        return read(), None
    except InputError as error:
        return None, error


def outcome(site: Path, workload: Path) -> str:
    """Read both; a problem can be written again, an error names its mistakes in short lines."""
    problem, error = attempt(lambda: read_problem(site, workload))
    if isinstance(problem, Problem):
        json.dumps([site_document(problem.site), workload_document(problem.workload)]).encode()
        return "read"
    assert error is not None
    assert error.mistakes
    for mistake in error.mistakes:
        text = str(mistake)
        assert text.isprintable()
        assert mistake.line >= 1
        assert len(mistake.got) <= 80
        text.encode()
    return "refused"


def mutants(text: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Yield copies of `text` with a few random changes."""
    rng = random.Random(seed)
    for _ in range(count):
        data = bytearray(text)
        for _ in range(rng.choice((1, 1, 2, 4))):
            at = rng.randrange(len(data) + 1)
            end = min(len(data), at + rng.choice((1, 1, 2, 5, 40)))
            match rng.randrange(11) // 2:
                case 0:
                    data[at:end] = b""
                case 1:
                    data[at:at] = rng.choice(TOKENS).encode("utf-8", "surrogatepass")
                case 2:
                    data[at:end] = rng.choice(TOKENS).encode("utf-8", "surrogatepass")
                case 3:
                    data[at:at] = data[at:end]
                case 4:
                    data[at:end] = bytes(rng.randrange(256) for _ in range(end - at))
                case _:
                    lines = bytes(data).splitlines(keepends=True)
                    rng.shuffle(lines)
                    data = bytearray(b"".join(lines[: rng.randint(1, len(lines) + 1)]))
        yield bytes(data)


def test_the_examples_are_valid(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(COMPACT)
    (tmp_path / "workload.yaml").write_text(WORKLOAD)
    assert outcome(tmp_path, tmp_path) == "read"
    for name, text in TABLES.items():
        (tmp_path / "t" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "t" / name).write_text(text)
    assert outcome(tmp_path, tmp_path / "t") == "read"


@pytest.mark.parametrize("name", ["site.yaml", "workload.yaml"])
def test_mutated_yaml(tmp_path: Path, name: str) -> None:
    texts = {"site.yaml": COMPACT, "workload.yaml": WORKLOAD}
    for file, text in texts.items():
        (tmp_path / file).write_text(text)
    seen = set()
    for mutant in mutants(texts[name].encode(), seed=7, count=300):
        (tmp_path / name).write_bytes(mutant)
        seen.add(outcome(tmp_path, tmp_path))
    assert seen == {"read", "refused"}


@pytest.mark.parametrize("kind", ["site", "workload"])
def test_mutated_explicit_json(tmp_path: Path, kind: str) -> None:
    problem = full_problem()
    made = {"site": site_document(problem.site), "workload": workload_document(problem.workload)}
    paths = {each: tmp_path / f"{each}.json" for each in made}
    for each, path in paths.items():
        path.write_text(json.dumps(made[each]))
    assert outcome(paths["site"], paths["workload"]) == "read"
    for mutant in mutants(paths[kind].read_bytes(), seed=8, count=300):
        paths[kind].write_bytes(mutant)
        outcome(paths["site"], paths["workload"])


@pytest.mark.parametrize("name", [*SITE, *TABLES])
def test_mutated_tables(tmp_path: Path, name: str) -> None:
    files = {**SITE, **TABLES}
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    assert outcome(tmp_path, tmp_path) == "read"
    for mutant in mutants(files[name].encode(), seed=9, count=60):
        (tmp_path / name).write_bytes(mutant)
        outcome(tmp_path, tmp_path)


def test_mutated_plans(tmp_path: Path) -> None:
    problem = full_problem()
    rows = [{"job": "a", "rack": "r1", "units": 1}, {"job": "b", "rack": "r2", "units": 2}]
    texts = {
        "plan.json": json.dumps({"format": "rackwatt-plan/1", "placements": rows}),
        "placements.csv": "job,rack,units,gpus,nodes\na,r1,1,8,1\nb,r2,2,16,2\n",
    }
    for name, text in texts.items():
        for mutant in mutants(text.encode(), seed=10, count=200):
            (tmp_path / name).write_bytes(mutant)
            _, error = attempt(partial(read_plan, tmp_path / name, problem))
            assert error is None or error.mistakes


def leaves(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value."""
    yield at
    if isinstance(data, dict | list):
        for key, child in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(child, (*at, key))


SHORT = {"site": yaml.safe_load(COMPACT), "workload": yaml.safe_load(WORKLOAD)}
FULL = {
    "site": site_document(full_problem().site),
    "workload": workload_document(full_problem().workload),
}


@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_nasty_values_in_every_place(tmp_path: Path, data: st.DataObject) -> None:
    form = copy.deepcopy(data.draw(st.sampled_from([SHORT, FULL])))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([each for each in leaves(form) if len(each) > 1]))
        spot: Any = form
        for part in path[:-1]:
            spot = spot[part]
        action = data.draw(st.sampled_from(["put", "remove", "add"]))
        if action == "put":
            spot[path[-1]] = copy.deepcopy(data.draw(st.sampled_from(NASTY)))
        elif action == "remove":
            del spot[path[-1]]
        elif isinstance(spot, list):
            spot.append(copy.deepcopy(spot[path[-1]]))
        else:
            spot[data.draw(st.text(max_size=5))] = 1
    as_json = data.draw(st.booleans())
    paths = []
    for kind in ("site", "workload"):
        path = tmp_path / f"{kind}.{'json' if as_json else 'yaml'}"
        content = form.get(kind)
        text = json.dumps(content) if as_json else yaml.safe_dump(content, allow_unicode=True)
        path.write_text(text, "utf-8", "surrogatepass")
        paths.append(path)
    outcome(*paths)


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    raw=st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    name=st.sampled_from(["a.yaml", "a.json", "a.csv", "racks.csv", "jobs.csv"]),
)
def test_any_bytes_in_any_file(tmp_path: Path, raw: bytes, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(raw)
    path = folder / name if name.startswith("a.") else folder
    assert outcome(path, path) == "refused"


LAUGHS = "a0: &a0 [lol, lol]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "---\n",
        "- a\n",
        "5",
        '"text"',
        "\ufeff",
        "\x00" * 100,
        "%PDF-1.7\n\x80\x81",
        LAUGHS,
        "[" * 10_000,
        "{" * 10_000,
        "a:\n" + "".join(" " * i + "- \n" for i in range(2000)),
        "- " * 10_000,
        '"' * 9999,
        "a: |\n" + " x\n" * 10_000,
        "? " * 5000,
        "jobs: [" + "{}, " * 5000 + "]",
    ],
    ids=range(18),
)
def test_bombs_and_odd_files_are_refused_quickly(tmp_path: Path, text: str) -> None:
    start = time.perf_counter()
    for name in ("a.yaml", "a.json", "a.csv"):
        (tmp_path / name).write_text(text, "utf-8", "surrogatepass")
        assert outcome(tmp_path / name, tmp_path / name) == "refused"
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "jobs.csv"])
def test_a_file_of_100_mib_is_refused_quickly(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(b"name,tenant\n")
        file.truncate(100 * 2**20)
    start = time.perf_counter()
    assert outcome(path, tmp_path if name == "jobs.csv" else path) == "refused"
    assert time.perf_counter() - start < 5


def test_many_mistakes_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "workload.yaml"
    path.write_text("jobs:\n" + "  - {name: '', units: -1, color: red}\n" * 2000)
    (tmp_path / "site.yaml").write_text(COMPACT)
    with pytest.raises(InputError) as error:
        read_problem(tmp_path, tmp_path)
    # names, units, colors and tenants: ten of each kind, and what the others add up to
    assert len(error.value.mistakes) == 4 * 11
    assert error.value.mistakes[-1].got == "1990 more mistakes like this one"


def test_thousands_of_unknown_names_do_not_take_long(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(COMPACT.replace("count: 2", "count: 250"))
    rows = "".join(f"j{i},t,1,H1-a9999-r{i}\n" for i in range(5000))
    (tmp_path / "jobs.csv").write_text("name,tenant,units,within\n" + rows)
    (tmp_path / "tenants.csv").write_text("name\nt\n")
    start = time.perf_counter()
    assert outcome(tmp_path, tmp_path) == "refused"
    assert time.perf_counter() - start < 5
