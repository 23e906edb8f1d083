"""What a rack is: rules of the user, and guesses from the models of its devices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from scheduler.exchange.netbox.entries import Ref
from scheduler.exchange.netbox.objects import Device, NetBoxRack
from scheduler.inputs.catalogue import catalogue
from scheduler.inputs.mistakes import Mistakes, Plain
from scheduler.inputs.tables import read_table
from scheduler.inputs.validation import closest, one_of

BASE_LOAD, LEAVE_OUT = "base-load", "leave-out"
RACK_FIELDS = ("rack", "role", "rack_type", "group", "location")
DEVICE_FIELDS = ("device_type", "device_role")
CUSTOM = "custom_field."
COLUMNS = ("field", "value", "type", "nodes")
MOST_NODES = 1000

# Word in the name of a device type -> rack type. The first match counts.
GUESSES = (
    ("gb300", "gb300-nvl72"),
    ("gb200", "gb200-nvl72"),
    ("b200", "hgx-b200-air"),
    ("h200", "hgx-h200-liquid"),
    ("h100", "hgx-h100-liquid"),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """Racks whose `field` matches `value` are of `becomes`; case does not matter."""

    field: str
    value: str
    becomes: str
    nodes: int | None = None

    def fits_rack(self, rack: NetBoxRack) -> bool:
        """Whether the rule speaks of this rack itself."""
        if self.field.startswith(CUSTOM):
            value = rack.custom_fields.get(self.field.removeprefix(CUSTOM))
            return value is not None and self._fits([value])
        if self.field == "rack":
            return self._fits([rack.name])
        if self.field not in RACK_FIELDS:
            return False
        refs: Mapping[str, Ref | None] = {
            "role": rack.role,
            "rack_type": rack.rack_type,
            "group": rack.group,
            "location": rack.location,
        }
        return self._fits(_words(refs[self.field]))

    def fits_device(self, device: Device) -> bool:
        """Whether the rule speaks of devices, and of this one."""
        if self.field not in DEVICE_FIELDS:
            return False
        return self._fits(
            _words(device.device_type if self.field == "device_type" else device.role)
        )

    def _fits(self, words: Iterable[str]) -> bool:
        return any(fnmatchcase(word.lower(), self.value.lower()) for word in words)


def read_rules(path: Path, mistakes: Mistakes) -> list[Rule]:
    """Read a table of rules, the first match first: ``field,value,type,nodes``."""
    table = read_table(path, COLUMNS, mistakes, required=COLUMNS[:3])
    if table is None:
        return []
    rules = []
    kinds = (*catalogue(), BASE_LOAD, LEAVE_OUT)
    for row, line in zip(table.rows, table.lines, strict=True):
        field, becomes, nodes = row.get("field", ""), row.get("type", ""), row.get("nodes", "")
        if field not in (*RACK_FIELDS, *DEVICE_FIELDS) and not field.startswith(CUSTOM):
            known = (*RACK_FIELDS, *DEVICE_FIELDS, f"{CUSTOM}NAME")
            mistakes.add_at(table.file, line, "field", one_of(known), field)
        if not row.get("value"):
            mistakes.add_at(table.file, line, "value", "a name or a pattern", Plain("nothing"))
        if becomes not in kinds:
            hint = closest(becomes, kinds)
            mistakes.add_at(table.file, line, "type", one_of(kinds), becomes, hint)
        is_count = re.fullmatch(r"[0-9]{1,4}", nodes) and 1 <= int(nodes) <= MOST_NODES
        if nodes and not is_count:
            mistakes.add_at(table.file, line, "nodes", f"1 to {MOST_NODES}", Plain(nodes))
        count = int(nodes) if is_count else None
        rules.append(Rule(field, row.get("value", ""), becomes, count))
    return rules


def guesses(devices: Iterable[Device]) -> Iterator[Rule]:
    """Yield a rule for every device type that is named like a GPU of the catalogue."""
    seen: dict[str, None] = {}
    for device in devices:
        for word in _words(device.device_type)[:1]:
            seen.setdefault(word)
    for model in seen:
        for word, becomes in GUESSES:
            if re.search(rf"(?:^|[^a-z0-9]|dgx|hgx){word}(?![0-9])", model.lower()):
                yield Rule("device_type", _literal(model), becomes)
                break


def _words(ref: Ref | None) -> list[str]:
    return [] if ref is None else [word for word in (ref.name, ref.slug) if word]


def _literal(text: str) -> str:
    """Return a pattern that `text` alone fits."""
    return re.sub(r"([*?[])", r"[\1]", text)
