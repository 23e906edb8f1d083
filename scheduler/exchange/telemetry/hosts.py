"""Which rack a host stands in: a table of the user, else names of nodes and racks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from scheduler.exchange.node_names import node_names
from scheduler.inputs.mistakes import Mistakes
from scheduler.inputs.tables import read_table
from scheduler.inputs.validation import closest, one_of
from scheduler.model import Site

_END = re.compile(r"[-._:/]")


def read_hosts(path: Path, racks: Collection[str], mistakes: Mistakes) -> dict[str, str]:
    """Read a table of ``host,rack``."""
    table = read_table(path, ("host", "rack"), mistakes, required=("host", "rack"))
    found: dict[str, str] = {}
    if table is None:
        return found
    for row, line in zip(table.rows, table.lines, strict=True):
        host, rack = row.get("host", ""), row.get("rack", "")
        if rack not in racks:
            expected, hint = one_of(racks, rack), closest(rack, racks)
            mistakes.add_at(table.file, line, "rack", expected, rack, hint, kind="a rack")
        elif host in found:
            mistakes.add_at(table.file, line, "host", "each host once", host, kind="twice")
        else:
            found[host] = rack
    return found


def rack_of_hosts(hosts: Iterable[str], site: Site, table: Mapping[str, str]) -> dict[str, str]:
    """Return the rack of every host that has one.

    Without a row in the table it is that of the longest node or rack name that the host is called,
    or begins with before ``-``, ``.``, ``_``, ``:`` or ``/``: ``H1-A01-R1-gpu3`` stands in
    ``H1-A01-R1``, ``gpu-7.site.example`` where the node ``gpu-7`` stands. Case does not matter.
    """
    by_name = {rack.lower(): rack for rack in site.racks}
    by_name |= {host.lower(): rack for host, (rack, _) in node_names(site).place.items()}
    found = {}
    for host in hosts:
        name = host.lower()
        ends = [len(name), *(match.start() for match in reversed(list(_END.finditer(name))))]
        guess = next((by_name[name[:end]] for end in ends if name[:end] in by_name), None)
        rack = table.get(host, guess)
        if rack is not None:
            found[host] = rack
    return found
