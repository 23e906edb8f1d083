"""Reads nodes and jobs as ``sinfo``, ``scontrol`` and ``squeue`` print them with ``--json``.

Both shapes are read: one record a node (``scontrol show nodes``, ``sinfo`` of 21.08 to 22.05)
and one record for nodes that are alike (``sinfo`` since 23.02).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.slurm.fields import list_of, number_of, text_of, words_of
from scheduler.exchange.slurm.hostlist import HostlistError, expand
from scheduler.inputs.json_text import read_json
from scheduler.inputs.mistakes import InputError, Mistakes
from scheduler.inputs.text_file import read_text

_BROKEN = {"DOWN", "FAIL", "FAILING", "ERROR", "INVAL"}
_DRAINED = {"DRAIN", "DRAINED", "DRAINING"}
_GPUS = re.compile(r"(?:gres[:/])?gpu(?::([A-Za-z0-9_.-]+?))?[:=]([0-9]{1,9})(?:\(.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node as Slurm sees it."""

    gpu_type: str  # empty if Slurm's GPUs have no type
    gpus: int
    broken: bool = False
    drained: bool = False
    partitions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedJob:
    """A job of the queue; `nodes` are those on which it runs."""

    number: str
    name: str
    account: str
    partition: str
    running: bool
    node_count: int
    gpus: int  # in all, 0 if it asks for none
    gpu_type: str
    nodes: tuple[str, ...] = ()
    minutes: int | None = None
    unmapped: tuple[str, ...] = ()  # what of it has no place here


@dataclass
class StateRead:
    """Nodes or jobs of a file, and what in it has no place."""

    nodes: dict[str, NodeState] = field(default_factory=dict)
    jobs: list[QueuedJob] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)


def read_nodes(path: Path) -> StateRead:
    """Read nodes. Raises `ExchangeError` if the file cannot be read."""
    data, read = _json(path), StateRead()
    rows = list_of(data, "nodes") or list_of(data, "sinfo")
    if not rows:
        raise ExchangeError([f"{path}:1: file: expected nodes of `sinfo --json`, got none"])
    for row in rows:
        if not isinstance(row, dict):
            continue
        inner = row.get("node")
        words = words_of(row, "state") | words_of(row, "state_flags") | words_of(inner, "state")
        gres = row.get("gres")
        gpus = _gpus(text_of(gres, "total") if isinstance(gres, dict) else text_of(row, "gres"))
        for host in _hosts_of(row, path, read.unmapped):
            if len(gpus) > 1:
                read.unmapped.append(f"node {host}: GPUs of several types, counted as {gpus[0][0]}")
            known = read.nodes.get(host)  # a row for each partition since 23.02
            read.nodes[host] = NodeState(
                gpu_type=gpus[0][0] if gpus else "",
                gpus=sum(count for _type, count in gpus),
                broken=bool(words & _BROKEN),
                drained=bool(words & _DRAINED),
                partitions=(*_partitions(row), *(known.partitions if known else ())),
            )
    return read


def read_jobs(path: Path) -> StateRead:
    """Read the queue: running and waiting jobs; others are counted by state in `unmapped`."""
    data, read = _json(path), StateRead()
    if not isinstance(data, dict) or "jobs" not in data:
        raise ExchangeError([f"{path}:1: file: expected jobs of `squeue --json`"])
    over: dict[str, int] = {}
    for row in list_of(data, "jobs"):
        states = words_of(row, "job_state")
        if states & {"RUNNING", "PENDING"}:
            read.jobs.append(_job(row, "RUNNING" in states, read.unmapped))
        else:
            state = " ".join(sorted(states)) or "without a state"
            over[state] = over.get(state, 0) + 1
    read.unmapped += [
        f"{count:,} jobs {state}: neither run nor wait" for state, count in over.items()
    ]
    return read


def _job(row: dict[str, Any], running: bool, unmapped: list[str]) -> QueuedJob:
    number = text_of(row, "job_id") or "?"
    nodes = _expanded(text_of(row, "nodes"), f"job {number}", unmapped) if running else ()
    count = len(nodes) or number_of(row, "node_count") or 1
    gpus, gpu_type = _asked(row, count)
    extra = {
        "array_task_string": "an array of tasks, taken as one",
        "features": "a constraint",
        "required_nodes": "a list of nodes it must have",
        "excluded_nodes": "a list of nodes it must not have",
        "dependency": "a dependency",
        "licenses": "licences",
    }
    return QueuedJob(
        number=number,
        name=text_of(row, "name"),
        account=text_of(row, "account") or text_of(row, "user_name"),
        partition=text_of(row, "partition"),
        running=running,
        node_count=count,
        gpus=gpus,
        gpu_type=gpu_type,
        nodes=nodes,
        minutes=number_of(row, "time_limit"),
        unmapped=tuple(
            f"{words} ({text_of(row, key)[:60]})"
            for key, words in extra.items()
            if text_of(row, key)
        ),
    )


def _asked(row: dict[str, Any], nodes: int) -> tuple[int, str]:
    """Return GPUs in all, and their type: what was given, else what was asked for."""
    asked = {key: _gpus(text_of(row, f"tres_per_{key}")) for key in ("job", "node", "task")}
    given = _gpus(text_of(row, "tres_alloc_str"))
    types = [each for found in (*asked.values(), given) for each, _count in found if each]
    times = {"job": 1, "node": nodes, "task": number_of(row, "tasks") or 1}
    totals = [sum(n for _type, n in found) * times[key] for key, found in asked.items() if found]
    untyped = [count for each, count in given if not each]
    total = next(iter([*untyped, *totals]), sum(count for _type, count in given))
    return total, next(iter(types), "")


def _gpus(text: str) -> list[tuple[str, int]]:
    """Return type and count of the GPUs in ``gpu:h100:8(S:0-1)`` or ``cpu=1,gres/gpu=8``."""
    found = []
    for part in re.split(r",(?![^(]*\))", text):
        match = _GPUS.fullmatch(part.strip())
        if match:
            found.append((match[1] or "", int(match[2])))
    return sorted(found, key=lambda each: -each[1])


def _partitions(row: dict[str, Any]) -> list[str]:
    inner = text_of(row.get("partition"), "name")
    return [*filter(None, [inner]), *(p for p in list_of(row, "partitions") if isinstance(p, str))]


def _hosts_of(row: dict[str, Any], path: Path, unmapped: list[str]) -> Iterator[str]:
    inner = row.get("nodes")
    texts = list_of(inner, "nodes") if isinstance(inner, dict) else [text_of(row, "name")]
    for text in texts:
        yield from _expanded(text if isinstance(text, str) else "", str(path), unmapped)


def _expanded(text: str, where: str, unmapped: list[str]) -> tuple[str, ...]:
    try:
        return tuple(expand(text)) if text else ()
    except HostlistError as error:
        unmapped.append(f"{where}: nodes {text[:60]!r}: expected {error}")
        return ()


def _json(path: Path) -> Any:
    mistakes = Mistakes()
    text = read_text(path, mistakes)
    data = None if text is None else read_json(str(path), text, mistakes)
    try:
        mistakes.raise_if_any()
    except InputError as error:
        raise ExchangeError([str(each) for each in error.mistakes]) from None
    assert data is not None, "a reader that gives up says why"
    return data[0]
