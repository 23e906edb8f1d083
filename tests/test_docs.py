"""What the docs say holds: links lead somewhere, commands parse, code blocks run."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
import typer

import benchmarks.__main__ as harness
from kernels.forms import Compiled, Shards
from kernels.reference import score
from kernels.score import TermScore
from scheduler.cli.app import app
from scheduler.compile import compile_problem
from scheduler.evaluate import to_shards
from scheduler.model import Plan, Problem, Tenant
from scheduler.terms import TERMS
from scheduler.terms.base import Terrain
from scheduler.topology import Topology
from tests import build
from tests.random_problems import random_plan, random_problem

PROJECT = Path(__file__).resolve().parent.parent
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
IDS = [str(page.relative_to(PROJECT)) for page in PAGES]

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
NAMED_FILE = re.compile(
    r"(?:docs|examples|scheduler|kernels|benchmarks|tests|\.ci)/[\w./-]*[\w-]|Makefile|Dockerfile\.\w+"
)


@dataclass(frozen=True)
class Command:
    """A command that a page shows."""

    page: Path
    words: tuple[str, ...]


def commands(page: Path) -> Iterator[Command]:
    """Yield the commands in shell blocks and in code spans, without what stands for a choice."""
    text = page.read_text(encoding="utf-8")
    blocks = [body for kind, body in FENCE.findall(text) if kind in ("sh", "bash", "console", "")]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    for line in [*lines, *SPAN.findall(FENCE.sub("", text))]:
        alone = re.split(r" {2,}", line.strip().removeprefix("$ "))[0]  # its meaning may follow
        plain = re.sub(r"[\[\]]", "", alone).replace("...", "")
        if re.match(r"(rackwatt|make|python -m \w[\w.]*)( |$)", plain):
            words = shlex.split(plain, comments=True)
            end = next((i for i, word in enumerate(words) if word in "|>;&&"), len(words))
            yield Command(page, tuple(words[:end]))


def shown(program: str) -> list[Command]:
    """All commands of one program that say more than its name, each once a page."""
    size = len(program.split())
    found = {
        (command.page, command.words): command
        for page in PAGES
        for command in commands(page)
        if " ".join(command.words[:size]) == program and len(command.words) > size
    }
    return list(found.values())


def said(command: Command) -> str:
    return f"{command.page.name}: {' '.join(command.words)}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    links = [link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [link for link in links if link and "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_named_file_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    spans = SPAN.findall(FENCE.sub("", text))
    blocks = [body for kind, body in FENCE.findall(text) if kind in ("sh", "bash", "console")]
    named = {name for part in [*spans, *blocks] for name in NAMED_FILE.findall(part)}
    walkthrough = {name for name in named if "row_share" in name}  # the example of a new term
    missing = {name for name in named - walkthrough if not (PROJECT / name).exists()}
    assert missing == set()


@pytest.mark.parametrize("command", shown("rackwatt"), ids=said)
def test_every_rackwatt_command_parses(command: Command) -> None:
    group: Any = typer.main.get_command(app)
    words = list(command.words[1:])
    if words[0].startswith("-") or words[0] == "VERB":
        return
    while hasattr(group, "commands") and words and words[0].islower():
        verb = group.commands.get(words[0])
        assert verb is not None, f"expected one of {sorted(group.commands)}, got {words[0]}"
        context = verb.context_class(verb, info_name=words[0], parent=group.context_class(group))
        group, words = verb, words[1:]
    group.make_parser(context).parse_args(words)


@pytest.mark.parametrize("command", shown("python -m benchmarks"), ids=said)
def test_every_benchmark_command_parses(command: Command) -> None:
    assert isinstance(harness.parser().parse_args(command.words[3:]), argparse.Namespace)


@pytest.mark.parametrize("command", shown("make"), ids=said)
def test_every_make_target_exists(command: Command) -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(command.words[1])}:", makefile, re.MULTILINE)


def rows_of(page: Path) -> list[list[str]]:
    """Cells of every line of the tables of a page, without headers."""
    lines = page.read_text(encoding="utf-8").splitlines()
    rules = {number for number, line in enumerate(lines) if line.startswith("|---")}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for number, line in enumerate(lines)
        if line.startswith("|") and not {number, number + 1} & rules
    ]


def unit_in_short(unit: str) -> str:
    """``units in hall H1 -> units``, ``array domains -> domains``."""
    return "domains" if unit.endswith(" domains") else unit.partition(" in ")[0]


def test_the_table_of_terms_says_what_the_terms_do() -> None:
    forms: dict[str, set[str]] = {term.name: set() for term in TERMS}
    units: dict[str, set[str]] = {term.name: set() for term in TERMS}
    for seed in range(40):
        problem = random_problem(seed)
        terrain, plan = Terrain(problem, Topology(problem.site)), random_plan(problem, Random(seed))
        for term in (term for term in TERMS if term.applies(problem)):
            forms[term.name] |= {f"`{type(form).__name__}`" for form in term.compile(terrain)}
            units[term.name] |= {unit_in_short(f.unit) for f in term.explain(problem, plan)}
    rows = rows_of(PROJECT / "docs" / "terms" / "README.md")
    assert [row[0] for row in rows] == [f"[{term.name}]({term.name}.md)" for term in TERMS]
    for term, (_, sentence, form, unit) in zip(TERMS, rows, strict=True):
        assert sentence == (type(term).__doc__ or "").splitlines()[0]
        assert {form} == forms[term.name], term.name
        assert set(unit.split(", ")) == units[term.name], term.name


def test_the_index_names_every_page_of_the_docs() -> None:
    index = PROJECT / "docs" / "README.md"
    pages = {page.name for page in (PROJECT / "docs").glob("*.md")} - {"README.md"}
    named = [link for row in rows_of(index) for link in LINK.findall(row[0])]
    assert sorted(named) == sorted([*pages, "terms/README.md"])


def test_the_docs_show_commands() -> None:
    assert shown("rackwatt")
    assert shown("make")


def test_the_container_file_has_what_it_needs() -> None:
    text = (PROJECT / "Dockerfile.cuda").read_text(encoding="utf-8")
    lines = text.replace("\\\n", " ").splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    last_stage = text[text.rindex("\nFROM ") :]
    stages = [line[3] for line in words if line[0] == "FROM"]
    copied = {
        line[1].partition("=")[2] for line in words if line[:1] == ["COPY"] and "=" in line[1]
    }
    assert re.search(r"nvidia/cuda:13\.[\d.]+-runtime-", text)
    assert "'.[cuda13,fast]'" in text
    assert copied <= set(stages)
    assert "test" in copied, "expected the last stage to ask for the tests"
    assert re.search(r"pytest.*\n.*touch /tests-passed", text)
    assert re.search(r"^USER (?!root)\w+$", last_stage, re.MULTILINE)
    assert 'ENTRYPOINT ["rackwatt"]' in last_stage
    assert {".git", ".venv", "out"} <= set((PROJECT / ".dockerignore").read_text().split())


@dataclass(frozen=True, kw_only=True)
class TenantInRows(Tenant):
    """A tenant with the field of the walkthrough's first step."""

    most_racks_in_row: int | None = None


@pytest.fixture
def walkthrough_term(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The term that CONTRIBUTING.md adds, made from the text of the page."""
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    source = next(body for kind, body in FENCE.findall(text) if kind == "python")
    module: Any = ModuleType("row_share")
    monkeypatch.setitem(sys.modules, "row_share", module)
    exec(compile(source, "CONTRIBUTING.md", "exec", dont_inherit=True), vars(module))
    return module.RowShare()


@pytest.mark.parametrize(("limit", "violation"), [(None, 0), (3, 0), (2, 1), (1, 2)])
def test_the_walkthrough_of_contributing_works(
    walkthrough_term: Any, limit: int | None, violation: int
) -> None:
    # Three racks of row 0 hold work of tenant t, one of row 1 does: 3 - limit are too many.
    racks = [build.rack(f"r{i}", row=int(i == 3)) for i in range(4)]
    jobs = [build.job(f"j{i}") for i in range(4)]
    tenant = TenantInRows(name="t", most_racks_in_row=limit)
    problem = build.problem(build.site(racks), jobs, [tenant])
    plan = Plan({f"j{i}": {f"r{i}": 1} for i in range(4)})
    term = walkthrough_term
    assert term.applies(problem) is (limit is not None)
    assert sum(finding.violation for finding in term.explain(problem, plan)) == violation
    assert (
        score(*only(term, problem, plan)).by_term.get(term.name, TermScore()).violation == violation
    )


def only(term: Any, problem: Problem, plan: Plan) -> tuple[Compiled, Shards]:
    """The problem compiled with one term alone, and the plan as arrays."""
    topology = Topology(problem.site)
    whole = compile_problem(problem, topology)
    forms = tuple(term.compile(Terrain(problem, topology)))
    alone = Compiled(whole.job_names, whole.rack_names, whole.units, forms)
    return alone, to_shards(alone, plan)
