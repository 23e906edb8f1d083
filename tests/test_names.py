"""Names: the packages are ours, terms have pages and tests, and the text speaks of the product."""

from __future__ import annotations

import re
import sys
from importlib.metadata import metadata, version
from pathlib import Path

import pytest

import kernels
import scheduler
from scheduler.terms import TERMS

PROJECT = Path(__file__).resolve().parent.parent
FOLDERS = (".ci", "benchmarks", "docs", "examples", "kernels", "scheduler", "tests")
TEXTS = {".py", ".md", ".toml", ".yaml", ".yml", ".cu", ".cuh", ".cuda", ".csv", ".json", ""}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "misc", "common"}

# Each pattern has a letter in brackets, so that it does not find itself.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w./-])/(?:wor[k]|hom[e]|roo[t]|tm[p])/",
    "a mark of unfinished work": r"\b(?:TOD[O]|FIXM[E]|XX[X])\b",
    "a silenced linter": r"#\s*(?:noq[a]|type: ignor[e]|pragma: no cove[r])",
    "a package registry": r"\b(?:pyp[i]\.org|pythonhoste[d]|npmj[s]\.)",
}


def texts() -> list[Path]:
    """Every text file of the project, by path; nothing that is built or cached."""
    files = [path for path in PROJECT.iterdir() if path.is_file()]
    files += [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*")]
    return sorted(
        path
        for path in files
        if path.is_file() and path.suffix in TEXTS and "__pycache__" not in path.parts
    )


def test_both_imports_are_ours() -> None:
    assert Path(scheduler.__file__).resolve().parent == PROJECT / "scheduler"
    assert Path(kernels.__file__).resolve().parent == PROJECT / "kernels"


def test_the_distribution_is_called_rackwatt() -> None:
    assert metadata("rackwatt")["Name"] == "rackwatt"
    assert version("rackwatt") == scheduler.__version__


def test_no_file_has_a_vague_name() -> None:
    vague = [path for path in texts() if VAGUE_NAMES & set(path.stem.split("_"))]
    assert vague == []


def test_terms_have_names_of_their_own() -> None:
    names = [term.name for term in TERMS]
    assert names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_its_file_its_test_and_its_page_share_a_name(term: object) -> None:
    name = type(term).__module__.rpartition(".")[2]
    assert getattr(term, "name", None) == name
    assert type(term).__name__ == "".join(word.capitalize() for word in name.split("_"))
    assert (PROJECT / "docs" / "terms" / f"{name}.md").is_file()
    assert list((PROJECT / "tests").rglob(f"test_{name}.py"))


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_says_its_rule_and_its_source(term: object) -> None:
    module = sys.modules[type(term).__module__]
    assert (module.__doc__ or "").startswith(f"Term `{module.__name__.rpartition('.')[2]}`: ")
    sentence, blank, *rest = (type(term).__doc__ or "").splitlines()
    assert sentence.endswith(".")
    assert not blank
    assert any("Source: " in line for line in rest)


@pytest.mark.parametrize("reason", FORBIDDEN)
def test_no_text_holds(reason: str) -> None:
    pattern = re.compile(FORBIDDEN[reason])
    found = [
        f"{path.relative_to(PROJECT)}:{number}: {line.strip()}"
        for path in texts()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("a path of one machine", "open('/ho" + "me/me/site.yaml')"),
        ("a mark of unfinished work", "# TO" + "DO: later"),
        ("a silenced linter", "x = 1  # no" + "qa"),
        ("a package registry", "https://pypi" + ".org/simple"),
    ],
)
def test_the_forbidden_is_recognised(reason: str, line: str) -> None:
    assert re.search(FORBIDDEN[reason], line)
