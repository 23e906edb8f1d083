"""Imports go one way only: the table below is the architecture, read from every module's source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("kernels", "scheduler")

MODEL, TERMS, INPUTS = "scheduler.model", "scheduler.terms", "scheduler.inputs"
TOPOLOGY, COMPILE, EVALUATE = "scheduler.topology", "scheduler.compile", "scheduler.evaluate"
PLANNER, SOLVE, CHECK = "scheduler.planner", "scheduler.solve", "scheduler.check"
NODE_PACKING, ROOM, TRIAL = "scheduler.node_packing", "scheduler.room", "scheduler.trial"
CHANGES, WHY, WORDS = "scheduler.changes", "scheduler.why", "scheduler.words"
RESULT, WRITE, CLI = "scheduler.result", "scheduler.write", "scheduler.cli"
MAKING_ROOM = "scheduler.making_room"
HEADROOM, STRANDED = "scheduler.firm_headroom", "scheduler.stranded"
POWER_WORDS, IT_POWER = "scheduler.power_words", "scheduler.it_power"
DRAWABLE, GPU_COUNTS = "scheduler.drawable", "scheduler.gpu_counts"
CONFLICTS, LIMIT_WORDS = "scheduler.conflicts", "scheduler.limit_words"
PACE, STARTING = "scheduler.pace", "scheduler.starting"
EXCHANGE, QUESTIONS, REPORT = "scheduler.exchange", "scheduler.questions", "scheduler.report"
FAMILIES, WORTH, GAP_WORDS = "scheduler.families", "scheduler.worth", "scheduler.gap_words"

# Who may import what of the project, from the bottom to the top. A module belongs to the longest
# entry that its name starts with; what is inside one entry may import each other.
LAYERS: dict[str, set[str]] = {
    "kernels": set(),
    "scheduler": set(),
    MODEL: set(),
    WORDS: {MODEL},
    PACE: set(),
    TOPOLOGY: {MODEL},
    NODE_PACKING: {MODEL},
    INPUTS: {MODEL},
    TERMS: {MODEL, WORDS, TOPOLOGY, NODE_PACKING, "kernels"},
    CHECK: {MODEL, TERMS},
    COMPILE: {MODEL, TOPOLOGY, TERMS, "kernels"},
    EVALUATE: {MODEL, "kernels"},
    PLANNER: {"kernels"},
    STARTING: {MODEL, EVALUATE, PLANNER, "kernels"},
    SOLVE: {MODEL, TOPOLOGY, COMPILE, EVALUATE, PLANNER, CHECK, PACE, STARTING, "kernels"},
    ROOM: {MODEL, NODE_PACKING, TERMS},
    TRIAL: {MODEL, CHECK, ROOM},
    MAKING_ROOM: {MODEL, ROOM, TRIAL},
    CHANGES: {MODEL, TRIAL, MAKING_ROOM, WORDS},
    WHY: {MODEL, ROOM, TRIAL, CHANGES, WORDS},
    HEADROOM: {MODEL, TOPOLOGY},
    STRANDED: {MODEL, TOPOLOGY, ROOM, TRIAL, HEADROOM},
    POWER_WORDS: {WORDS},
    IT_POWER: {MODEL},
    GPU_COUNTS: {MODEL},
    DRAWABLE: {MODEL, IT_POWER, TERMS, TOPOLOGY, PLANNER, "kernels"},
    LIMIT_WORDS: {MODEL, WORDS, PLANNER},
    CONFLICTS: {MODEL, WORDS, PLANNER, SOLVE, LIMIT_WORDS},
    FAMILIES: {MODEL},
    WORTH: {MODEL, WORDS, PLANNER, FAMILIES},
    GAP_WORDS: {MODEL, WORDS, PLANNER, FAMILIES, WORTH},
    RESULT: {
        *(MODEL, SOLVE, HEADROOM, STRANDED, WORDS, WORTH, GAP_WORDS, "scheduler"),
        *(IT_POWER, GPU_COUNTS, DRAWABLE),
    },
    WRITE: {MODEL, INPUTS, NODE_PACKING, CHECK, SOLVE, WORDS, "scheduler"},
    EXCHANGE: {MODEL, INPUTS, NODE_PACKING, WORDS, TOPOLOGY, WRITE},
}
LAYERS[QUESTIONS] = set(LAYERS) - {PLANNER, EXCHANGE, TERMS}
LAYERS[REPORT] = set(LAYERS) - {PLANNER, EXCHANGE, TERMS}
LAYERS[CLI] = set(LAYERS) - {PLANNER}

# Third-party packages and the only modules that may import them.
OWNERS: dict[str, set[str]] = {
    "networkx": {TOPOLOGY},
    "ortools": {PLANNER},
    "pydantic": {INPUTS},
    "pydantic_core": {INPUTS},
    "yaml": {INPUTS},
    "typer": {CLI},
    "rich": {CLI},
    "plotly": {REPORT},
    "numpy": {INPUTS, "kernels", PLANNER, TERMS, COMPILE, EVALUATE, DRAWABLE, QUESTIONS, REPORT},
    "cupy": {"kernels"},
    "numba": {"scheduler.planner.fast.jit"},
    "ray": {"scheduler.planner.engine.ray_engine"},
}


@dataclass(frozen=True)
class Import:
    """One imported module of one module."""

    importer: str
    line: int
    target: str
    at_start: bool  # runs when the module is imported


def modules() -> dict[str, Path]:
    """Every module of the product by dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def imports_of(module: str) -> Iterator[Import]:
    """Yield every import, also those inside functions and under ``TYPE_CHECKING``."""
    known = modules()
    tree = tree_of(module)
    lazy = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If)
        and (not isinstance(node, ast.If) or "TYPE_CHECKING" in ast.unparse(node.test))
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                targets = [name.name for name in names]
            case ast.ImportFrom(module=str(base), names=names, level=0):
                inner = [f"{base}.{name.name}" for name in names]
                targets = [each if each in known else base for each in inner]
            case ast.ImportFrom(level=level) if level:
                pytest.fail(f"{module}:{node.lineno}: expected an absolute import")
            case _:
                continue
        for target in targets:
            yield Import(module, node.lineno, target, id(node) not in lazy)


def layer_of(module: str) -> str:
    """Longest entry of `LAYERS` that `module` lies in; ``scheduler`` is its __init__ alone."""
    if module == "scheduler":
        return module
    inside = [layer for layer in LAYERS if layer != "scheduler" and is_inside(module, layer)]
    return max(inside, key=len, default="")


def is_inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("module", modules())
def test_imports_of_the_project_follow_the_table(module: str) -> None:
    layer = layer_of(module)
    assert layer, f"{module}: expected a line in LAYERS that says what it may import"
    wrong = [
        f"{module}:{each.line}: {layer} may not import {each.target}"
        for each in imports_of(module)
        if each.target.split(".")[0] in (*PACKAGES, "tests", "benchmarks")
        and layer_of(each.target) not in {layer, *LAYERS[layer]}
    ]
    assert wrong == []


@pytest.mark.parametrize("module", modules())
def test_third_party_packages_stay_with_their_owners(module: str) -> None:
    wrong = [
        f"{module}:{each.line}: {each.target} is for {sorted(OWNERS.get(root, set())) or 'nobody'}"
        for each in imports_of(module)
        if (root := each.target.split(".")[0]) not in (*PACKAGES, *sys.stdlib_module_names)
        and not any(is_inside(module, owner) for owner in OWNERS.get(root, set()))
    ]
    assert wrong == []


def test_the_model_imports_the_standard_library_only() -> None:
    foreign = {
        each.target
        for module in modules()
        if is_inside(module, MODEL)
        for each in imports_of(module)
        if not is_inside(each.target, MODEL)
        and each.target.split(".")[0] not in sys.stdlib_module_names
    }
    assert foreign == set()


def test_nobody_imports_the_command_line() -> None:
    importers = {
        each.importer
        for module in modules()
        if not is_inside(module, "scheduler.cli")
        for each in imports_of(module)
        if is_inside(each.target, "scheduler.cli")
    }
    assert importers == set()


def test_cupy_is_imported_in_one_file_and_late() -> None:
    cupy = [each for module in modules() for each in imports_of(module) if each.target == "cupy"]
    assert len({each.importer for each in cupy}) <= 1
    assert not [each for each in cupy if each.at_start]


def test_ray_is_imported_late() -> None:
    ray = [each for module in modules() for each in imports_of(module) if each.target == "ray"]
    assert ray
    assert not [each for each in ray if each.at_start]


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("scheduler", "cupy ortools networkx numpy pydantic yaml typer"),
        ("kernels", "cupy ortools networkx pydantic yaml typer"),
        ("scheduler.cli.app", "cupy ortools networkx numpy pydantic yaml"),
        ("scheduler.model", "cupy ortools networkx numpy pydantic yaml typer"),
        ("scheduler.solve", "cupy pandas numba ray plotly"),
        ("scheduler.check", "cupy ortools kernels.reference scheduler.planner scheduler.compile"),
    ],
)
def test_importing_loads_nothing_heavy(module: str, absent: str) -> None:
    code = (
        f"import sys, {module}\nprint(*[name for name in {absent.split()} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.parametrize("module", modules())
def test_everything_public_has_a_docstring(module: str) -> None:
    tree = tree_of(module)
    assert ast.get_docstring(tree), f"{module}: expected a module docstring"
    bare = [
        f"{module}:{node.lineno}: {node.name}"
        for node in public_definitions(tree)
        if not ast.get_docstring(node)
    ]
    assert bare == []


def public_definitions(
    scope: ast.Module | ast.ClassDef,
) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """Yield public classes and functions, and public methods of public classes."""
    for node in scope.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node)


@pytest.mark.parametrize("module", [name for name in modules() if is_inside(name, TERMS)])
def test_explaining_shares_no_code_with_compiling(module: str) -> None:
    """`explain`, and all that it calls in the terms, uses no array, form, terrain or topology."""
    assert arrays_reached_from(module, "explain", set()) == set()


@pytest.mark.parametrize("name", ["heat", "losses", "routing"])
def test_the_plain_sides_import_the_model_alone(name: str) -> None:
    module = f"{TERMS}.{name}"
    ours = {each.target for each in imports_of(module) if each.target.split(".")[0] in PACKAGES}
    assert {target for target in ours if not is_inside(target, MODEL)} == set()
    assert "numpy" not in {each.target for each in imports_of(module)}


def arrays_reached_from(module: str, start: str, seen: set[tuple[str, str]]) -> set[str]:
    """Names of arrays, forms, terrain or topology that `start` and all that it calls use."""
    if (module, start) in seen:
        return set()
    seen.add((module, start))
    tree = tree_of(module)
    used = names_reached_from(tree, start)
    arrays = {"np", "Topology", "Terrain", *imported_names(tree, "kernels")}
    found = {f"{module}: {name}" for name in used & arrays}
    for home in (name for name in modules() if is_inside(name, TERMS)):
        for name in used & imported_names(tree, home):
            found |= arrays_reached_from(home, name, seen)
    return found


def imported_names(tree: ast.Module, package: str) -> set[str]:
    """Names that a module imports from `package`."""
    return {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and is_inside(node.module or "", package)
        for name in node.names
    }


def names_reached_from(tree: ast.Module, start: str) -> set[str]:
    """Names that `start` uses in its body, and those of every definition here that it names."""
    definitions = {
        node.name: {
            each.id if isinstance(each, ast.Name) else each.attr
            for part in node.body
            for each in ast.walk(part)
            if isinstance(each, ast.Name | ast.Attribute)
        }
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        new = definitions.pop(waiting.pop(), set())
        reached |= new
        waiting += sorted(new & definitions.keys())
    return reached


def test_the_tests_see_a_wrong_import(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "def late():\n    import networkx\n    from scheduler.cli import app\n"
    monkeypatch.setattr(sys.modules[__name__], "tree_of", lambda _module: ast.parse(source))
    with pytest.raises(AssertionError, match="networkx is for"):
        test_third_party_packages_stay_with_their_owners(f"{MODEL}.site")
    with pytest.raises(AssertionError, match=r"may not import scheduler\.cli"):
        test_imports_of_the_project_follow_the_table(f"{MODEL}.site")


def test_the_tests_see_explain_call_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {
        f"{TERMS}.a": f"from {TERMS}.b import total\ndef explain(plan):\n    return total(plan)\n",
        f"{TERMS}.b": "import numpy as np\ndef total(plan):\n    return np.sum(plan)\n",
    }
    monkeypatch.setattr(sys.modules[__name__], "modules", lambda: sources)
    monkeypatch.setattr(sys.modules[__name__], "tree_of", lambda module: ast.parse(sources[module]))
    assert arrays_reached_from(f"{TERMS}.a", "explain", set()) == {f"{TERMS}.b: np"}
