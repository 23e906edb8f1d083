"""From a NetBox server, or what was saved of one, to a site that can be read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scheduler.exchange.exchanged import ExchangeError, Imported
from scheduler.exchange.netbox.choices import Choices
from scheduler.exchange.netbox.http import NetBox
from scheduler.exchange.netbox.objects import Objects
from scheduler.exchange.netbox.patience import Patience
from scheduler.exchange.netbox.read_objects import read_objects
from scheduler.exchange.netbox.saved import ENDPOINTS, Pages, check_whole, read_folder
from scheduler.exchange.netbox.site import site_of, with_site
from scheduler.exchange.netbox.token import Token
from scheduler.inputs import InputError, site_document
from scheduler.inputs.document import Document
from scheduler.inputs.explicit import read_site
from scheduler.inputs.mistakes import Mistakes

_FORMULA = ("=", "+", "-", "@", "'")
MOST_SITES = 20  # that are named when one has to be chosen


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where NetBox objects come from: a folder of saved replies, or the address of a server."""

    place: str
    token: Token | None = None
    site: str = ""  # slug or name of the NetBox site; needed if there are several
    patience: Patience | None = None
    say: Callable[[str], None] = lambda _line: None

    @property
    def is_server(self) -> bool:
        """Whether it is an address."""
        return self.place.startswith(("http://", "https://"))


def import_netbox(source: Source, choices: Choices | None = None) -> Imported:
    """Return ``site.json`` with everything that NetBox knows and a site has a place for.

    ``hosts.csv`` says in which rack every server stands; telemetry is read with it.

    Raises
    ------
    ExchangeError
        The server cannot be read, or what it sends cannot be used; with every mistake.
    """
    try:
        return _imported(source, choices or Choices())
    except ExchangeError as error:
        if source.token is None:
            raise
        raise ExchangeError([*map(source.token.hide, error.mistakes)]) from None


def _imported(source: Source, choices: Choices) -> Imported:
    mistakes = Mistakes()
    notes = []
    pages = _fetched(source, mistakes) if source.is_server else _saved(source, mistakes)
    objects = read_objects(pages, mistakes)
    _raise_if_any(mistakes)
    notes += [f"no reply of {name}: taken as empty" for name in ENDPOINTS if not pages.get(name)]
    if source.token is not None and source.place.startswith("http://"):
        notes.append("the token went over plain http, which others on the way can read")
    name, objects = _one_site(objects, source.site)
    made = site_of(name, objects, choices)
    unmapped = made.unmapped
    text = (
        json.dumps(site_document(made.site), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    )
    hide = source.token.hide if source.token else str
    document = Document("site.json", json.loads(text), text=text)
    read_site(document.data, document, mistakes)
    _raise_if_any(mistakes, f"what was left out: {'; '.join(unmapped[:3])}" if unmapped else "")
    return Imported(
        files={"site.json": hide(text), "hosts.csv": hide(_hosts_csv(made.rack_of_host))},
        unmapped=tuple(map(hide, unmapped)),
        notes=tuple(map(hide, [*notes, *made.notes])),
    )


def _hosts_csv(rack_of_host: Mapping[str, str]) -> str:
    """Return a table of hosts and racks, without names that a spreadsheet takes for formulas."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("host", "rack"))
    rows = sorted(rack_of_host.items())
    writer.writerows(row for row in rows if not any(cell.startswith(_FORMULA) for cell in row))
    return text.getvalue()


def _saved(source: Source, mistakes: Mistakes) -> Pages:
    folder = Path(source.place)
    if not folder.is_dir():
        line = f"{source.place}: expected a folder of saved replies, or an address with https://"
        raise ExchangeError([line])
    return read_folder(folder, mistakes)


def _fetched(source: Source, mistakes: Mistakes) -> Pages:
    server = NetBox(source.place, source.token, patience=source.patience, say=source.say)
    query = {"site": source.site} if source.site else {}
    pages = {endpoint: list(server.pages(endpoint, query)) for endpoint in ENDPOINTS}
    for found in pages.values():
        check_whole(found, mistakes)
    return pages


def _one_site(objects: Objects, wanted: str) -> tuple[str, Objects]:
    """Return the objects of the wanted site, or of the only one there is, and its name."""
    if wanted:
        objects = with_site(objects, wanted)
    sites = {rack.site.id: rack.site for rack in objects.racks.values() if rack.site}
    if not objects.racks:
        of = f" of site {wanted}" if wanted else ""
        raise ExchangeError([f"racks: expected at least one rack{of}, got none"])
    if len(sites) > 1:
        names = sorted(site.slug or site.name for site in sites.values())
        shown = ", ".join([*names[:MOST_SITES], *(["..."] if len(names) > MOST_SITES else [])])
        raise ExchangeError([f"--site: expected one of {shown}, as there are several sites"])
    site = next(iter(sites.values()), None)
    return (site.name if site else wanted or "netbox"), objects


def _raise_if_any(mistakes: Mistakes, more: str = "") -> None:
    try:
        mistakes.raise_if_any()
    except InputError as error:
        raise ExchangeError([*map(str, error.mistakes), *([more] if more else [])]) from None
