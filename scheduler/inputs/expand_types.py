"""Rack types of a site: the catalogue with the changes and additions of the site file."""

from __future__ import annotations

from collections.abc import Mapping

from scheduler.inputs import catalogue
from scheduler.inputs.mistakes import Mistakes, Place, Plain
from scheduler.inputs.rack_type_file import FIGURES, RackTypeFile, rack_type
from scheduler.inputs.site_file import SiteFile
from scheduler.inputs.validation import closest, one_of
from scheduler.model import RackType


def rack_types(site_file: SiteFile, place: Place, mistakes: Mistakes) -> dict[str, RackType]:
    """Return every rack type that arrays can name, and add what is wrong with own types."""
    known: dict[str, RackTypeFile] = dict(catalogue.records())
    types: dict[str, RackType] = dict(catalogue.catalogue())
    for name, record in site_file.rack_types.items():
        loc = ("rack_types", name)
        like = record.like or (name if name in known else None)
        if like is not None and like not in known:
            mistakes.add(place, (*loc, "like"), one_of(known), like, closest(like, known))
            continue
        merged = record if like is None else _merge(like, known[like], record)
        found = rack_type(name, merged)
        if found is None:
            missing = [each for each in FIGURES if getattr(merged, each) is None]
            expected = f"values for {', '.join(missing)}"
            hint = "`like: TYPE` takes them from another type"
            mistakes.add(place, loc, expected, Plain("none"), hint)
            continue
        known[name], types[name] = merged, found
        _check_figures(found, place, (*loc, "idle_kw"), mistakes)
    return types


def check_arrays(
    site_file: SiteFile, types: Mapping[str, RackType], place: Place, mistakes: Mistakes
) -> None:
    """Add arrays whose rack type is not known."""
    for h, hall in enumerate(site_file.halls):
        for a, entry in enumerate(hall.arrays):
            if entry.rack not in types and entry.rack not in site_file.rack_types:
                loc = ("halls", h, "arrays", a, "rack")
                hint = closest(entry.rack, types)
                mistakes.add(place, loc, one_of(types), entry.rack, hint)


def _merge(like: str, base: RackTypeFile, record: RackTypeFile) -> RackTypeFile:
    changed = record.changed()
    figures = ", ".join(name for name in FIGURES if name in changed)
    own = record.source or f"{figures or 'nothing'} from the site file"
    return base.model_copy(update=changed | {"source": f"{own}; rest like {like}: {base.source}"})


def _check_figures(
    of: RackType, place: Place, loc: tuple[str | int, ...], mistakes: Mistakes
) -> None:
    lowest_w = min(of.nameplate_w, of.observed_peak_w, of.percentile_w)
    if of.idle_w > lowest_w:
        expected = f"idle power of at most {lowest_w} W, the lowest full-load figure"
        mistakes.add(place, loc, expected, Plain(f"{of.idle_w} W"))
