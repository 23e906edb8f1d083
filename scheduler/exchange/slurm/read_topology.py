"""Reads ``topology.conf``, ``topology.yaml`` and what ``scontrol show topology`` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.slurm.fields import list_of, text_of
from scheduler.exchange.slurm.hostlist import HostlistError, expand
from scheduler.exchange.slurm.topologies import Block, Blocks, Switch, Topologies
from scheduler.exchange.slurm.topology_rules import block_faults, tree_faults
from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import InputError, Mistakes
from scheduler.inputs.text_file import read_text

MOST_BYTES = 64 * 2**20
_PAIR = re.compile(r'([A-Za-z]+)=("[^"]*"|\S*)')


@dataclass
class TopologyRead:
    """Topologies of a file, and what in it has no place in them."""

    file: str
    switches: list[Switch] = field(default_factory=list)
    blocks: list[Blocks] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    @property
    def topologies(self) -> Topologies:
        """What was read."""
        return Topologies(switches=tuple(self.switches), blocks=tuple(self.blocks))

    def hosts(self, text: str, line: int) -> tuple[str, ...]:
        """Return the names of a hostlist; none after a mistake."""
        try:
            return tuple(expand(text)) if text else ()
        except HostlistError as error:
            self.mistakes.append(f"{self.file}:{line}: hostlist: expected {error}")
            return ()


def read_topology(path: Path) -> TopologyRead:
    """Read a topology; YAML if the name says so, else lines of ``Key=Value``.

    Raises
    ------
    ExchangeError
        With every mistake and its line.
    """
    mistakes, read = Mistakes(), TopologyRead(str(path))
    if path.suffix.lower() in (".yaml", ".yml"):
        document = Document.load(path, mistakes)
        if document is not None:
            _read_yaml(document, read)
    else:
        text = read_text(path, mistakes, MOST_BYTES)
        if text is not None:
            _read_lines(text, read)
    try:
        mistakes.raise_if_any()
    except InputError as error:
        raise ExchangeError([str(each) for each in error.mistakes]) from None
    faults = [*tree_faults(tuple(read.switches))]
    for blocks in read.blocks:
        faults += block_faults(blocks)
    wrong = read.mistakes or [f"{path}:{max(line, 1)}: {text}" for line, text in faults]
    if not (read.switches or read.blocks or wrong):
        wrong = [f"{path}:1: file: expected switches or blocks, got none"]
    if wrong:
        raise ExchangeError(wrong)
    return read


def _read_lines(text: str, read: TopologyRead) -> None:
    blocks: list[Block] = []
    sizes: tuple[int, ...] = ()
    for line, content in _logical_lines(text):
        pairs = {key.lower(): value.strip('"') for key, value in _PAIR.findall(content)}
        match next(iter(pairs), ""):
            case "switchname":
                below = pairs.get("switches") or pairs.get("children") or ""
                read.switches.append(
                    # Of a higher switch, `scontrol` shows the nodes of all below it as well.
                    Switch(
                        name=pairs["switchname"],
                        children=read.hosts(below, line),
                        nodes=() if below else read.hosts(pairs.get("nodes", ""), line),
                        line=line,
                    )
                )
            case "blockname":
                nodes = read.hosts(pairs.get("nodes", ""), line)
                blocks.append(Block(name=pairs["blockname"], nodes=nodes, line=line))
            case "blocksizes":
                found = pairs["blocksizes"].split(",")
                sizes = tuple(int(size) for size in found if size.isascii() and size.isdecimal())
            case _:
                read.unmapped.append(f"{read.file}:{line}: {content[:80]}: no switch and no block")
    if blocks:
        base = min(len(block.nodes) for block in blocks)
        read.blocks.append(Blocks(name="blocks", sizes=sizes or (base,), blocks=tuple(blocks)))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with their numbers: continued ones joined, remarks and empty ones left out."""
    held, start = "", 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        start = start or number
        part = line.partition("#")[0].rstrip()
        if part.endswith("\\"):
            held += part[:-1] + " "
            continue
        if (held + part).strip():
            yield start, (held + part).strip()
        held, start = "", 0


def _read_yaml(document: Document, read: TopologyRead) -> None:
    """Read a list of topologies. What is missing or of another type the rules find by its name."""
    entries = document.data if isinstance(document.data, list) else []
    if not entries:
        read.mistakes.append(f"{document.file}:1: file: expected a list of topologies")
    for i, entry in enumerate(entries):
        name, line = text_of(entry, "topology"), document.line_of((i,))
        tree = entry.get("tree") if isinstance(entry, dict) else None
        block = entry.get("block") if isinstance(entry, dict) else None
        if block is not None:
            read.blocks.append(
                Blocks(
                    name=name,
                    sizes=tuple(
                        size for size in list_of(block, "block_sizes") if type(size) is int
                    ),
                    blocks=tuple(
                        Block(
                            name=text_of(each, "block"),
                            nodes=read.hosts(text_of(each, "nodes"), at),
                            line=at,
                        )
                        for at, each in _numbered(document, i, "block", "blocks")
                    ),
                    line=line,
                )
            )
        elif tree is not None and not read.switches:
            read.switches += [
                Switch(
                    name=text_of(each, "switch"),
                    children=read.hosts(text_of(each, "children"), at),
                    nodes=read.hosts(text_of(each, "nodes"), at),
                    line=at,
                )
                for at, each in _numbered(document, i, "tree", "switches")
            ]
        else:
            what = "a second tree" if tree is not None else "neither a tree nor blocks"
            read.unmapped.append(f"{document.file}:{line}: topology {name}: {what}")


def _numbered(document: Document, i: int, kind: str, key: str) -> Iterator[tuple[int, object]]:
    """Yield the records of a topology with their lines."""
    for j, each in enumerate(list_of(document.data[i][kind], key)):
        yield document.line_of((i, kind, key, j)), each
