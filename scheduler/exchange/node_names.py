"""Host names of nodes: the model counts nodes in racks, every neighbour wants names.

Names are DNS labels (RFC 1123: lower-case letters, digits and hyphens, at most 63), so that they
do as Slurm host names and as Kubernetes node names and label values alike.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from scheduler.model import Rack, Site

LONGEST = 63  # characters of a DNS label, of a Kubernetes label value, of a Slurm switch name
_HASH = 6  # hex digits that tell names apart which become the same label
_FEWEST_DIGITS = 2


@dataclass(frozen=True)
class NodeNames:
    """Names of all nodes of a site, in both directions."""

    hosts: Mapping[str, tuple[str, ...]]  # rack -> names, node 0 first; broken nodes included

    @cached_property
    def place(self) -> Mapping[str, tuple[str, int]]:
        """Return rack and node, counted from 0, of every name."""
        return {
            host: (rack, node)
            for rack, hosts in self.hosts.items()
            for node, host in enumerate(hosts)
        }

    def usable(self, site: Site, rack: str) -> tuple[str, ...]:
        """Return names of the nodes on which work can be placed: broken ones come last."""
        return self.hosts[rack][: site.usable_nodes(site.racks[rack])]


def node_names(site: Site) -> NodeNames:
    """Return the site's own host names, or ``<rack>-nNN``: rack in lower case, node from 1.

    Drained racks and broken nodes have names as well. Numbers have two digits, or as many as the
    largest rack of the site needs. The names of a rack depend on its own name alone, unless
    another rack becomes the same label (see `labels`) or has given such names to its nodes.
    """
    given = {host for rack in site.racks.values() for host in rack.hosts}
    unnamed = [rack for rack in site.racks.values() if not rack.hosts]
    most = max((site.type_of(rack).nodes for rack in unnamed), default=0)
    digits = max(_FEWEST_DIGITS, len(str(most)))
    stems = labels((rack.name for rack in unnamed), LONGEST - len("-n") - digits)
    hosts = {rack.name: rack.hosts for rack in site.racks.values()}
    for rack in unnamed:
        made = _hosts(site, rack, stems[rack.name], digits)
        if not given.isdisjoint(made):
            taken = set(stems.values())
            stem = told_apart(rack.name, stems[rack.name], LONGEST - len("-n") - digits, taken)
            made = _hosts(site, rack, stem, digits)
        hosts[rack.name] = made
    return NodeNames(hosts)


def labels(names: Iterable[str], longest: int = LONGEST) -> dict[str, str]:
    """Return a DNS label for each of `names`, no two alike, whatever order they come in.

    Letters become small, anything but letters and digits a hyphen. A name that is a label already
    keeps it. Others that are too long, or would be the same, end in six digits of their SHA-256.
    """
    plain = {name: _plain(name) for name in sorted(set(names))}
    wanted: dict[str, list[str]] = {}
    for name, label in plain.items():
        wanted.setdefault(label, []).append(name)
    kept = {
        name: label
        for name, label in plain.items()
        if len(label) <= longest and (name == label or len(wanted[label]) == 1)
    }
    taken = set(kept.values())
    for name in plain:
        if name not in kept:
            kept[name] = told_apart(name, plain[name], longest, taken)
            taken.add(kept[name])
    return {name: kept[name] for name in plain}


def _hosts(site: Site, rack: Rack, stem: str, digits: int) -> tuple[str, ...]:
    return tuple(f"{stem}-n{node:0{digits}d}" for node in range(1, site.type_of(rack).nodes + 1))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "x"


def told_apart(name: str, label: str, longest: int, taken: Container[str]) -> str:
    """Return `label` with an end made of `name`; a longer one if even that is taken."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    for digits in range(_HASH, len(digest)):
        end = f"-{digest[:digits]}"
        found = label[: longest - len(end)].rstrip("-") + end
        if found not in taken:
            return found
    raise ValueError(f"{name}: no label is left")
