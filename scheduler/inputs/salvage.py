"""What is left of a file with mistakes of shape, so that its references are checked as well."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from scheduler.inputs.validation import near


class Everything(Collection[str]):
    """Holds every name: nothing is known about what is missing."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass
class Gaps:
    """Names of records that exist and could not be read: references to them are no mistakes."""

    names: dict[str, set[str]] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)  # sections where any name may be missing

    def lose(self, section: str, entry: object) -> None:
        """Note a record that is left out, by its name if it has one."""
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str):
            self.names.setdefault(section, set()).add(name)
        else:
            self.unreadable.add(section)

    def touch(self, section: str) -> bool:
        """Whether anything of the section is missing."""
        return section in self.names or section in self.unreadable

    def among(self, section: str, read: Collection[str]) -> Collection[str]:
        """Return the names that may be referred to: those that were read, and the gaps."""
        if section in self.unreadable:
            return Everything()
        missing = self.names.get(section)
        return {**dict.fromkeys(read), **dict.fromkeys(missing)} if missing else read


@dataclass(frozen=True)
class Kept:
    """The sound part of a file; `numbers` tells where the kept entries of a section stood."""

    record: Any
    numbers: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def places(self, section: str, count: int) -> Sequence[int]:
        """Return the places of the `count` entries of a section in the file."""
        return self.numbers.get(section, range(count))


def salvage(
    model: type[BaseModel],
    content: object,
    error: ValidationError,
    gaps: Gaps,
    stand_ins: Mapping[str, Any],
) -> Kept | None:
    """Read what is left of `content` without the entries that `error` names.

    Lists lose their broken entries, other fields fall back to their default or to a stand-in, and
    what is lost is noted in `gaps`. None if too little is left.
    """
    if not isinstance(content, dict):
        return None
    broken: dict[str, set[int]] = {}
    whole: set[str] = set()
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        top, *rest = each["loc"] or ("",)
        if isinstance(content.get(str(top)), list) and rest and isinstance(rest[0], int):
            broken.setdefault(str(top), set()).add(rest[0])
        else:
            whole.add(str(top))
    kept = {key: value for key, value in content.items() if key not in whole}
    numbers: dict[str, list[int]] = {}
    for section in broken.keys() - whole:
        entries, bad = content[section], broken[section]
        numbers[section] = [number for number in range(len(entries)) if number not in bad]
        kept[section] = [entries[number] for number in numbers[section]]
        for number in bad:
            gaps.lose(section, entries[number])
    gaps.unreadable |= _fields_meant(model, whole)
    missing = [key for key, info in model.model_fields.items() if info.is_required()]
    for key in missing:
        is_list = get_origin(model.model_fields[key].annotation) is list
        if key not in kept and (is_list or key in stand_ins):
            kept[key] = stand_ins.get(key, [])
    try:
        return Kept(model.model_validate(kept), numbers)
    except ValidationError:
        return None


def _fields_meant(model: type[BaseModel], keys: Collection[str]) -> set[str]:
    """Fields that the keys name or misspell."""
    fields = model.model_fields
    misspelt = {word for key in keys - fields.keys() for word in near(key, fields, 1)}
    return (set(keys) & fields.keys()) | misspelt
