"""Saved replies of a NetBox API: a folder with ``racks.json``, ``racks-2.json`` and so on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import Mistakes, Plain

# Endpoint below /api/dcim/ -> whether a site cannot be made without it.
ENDPOINTS: Mapping[str, bool] = {
    "racks": True,
    "power-panels": True,
    "power-feeds": True,
    "devices": False,
    "power-ports": False,
    "power-outlets": False,
    "rack-reservations": False,
}
Pages = Mapping[str, list[Document]]


def read_folder(folder: Path, mistakes: Mistakes) -> Pages:
    """Read every list reply in a folder; an endpoint without a file has no pages.

    ``NAME.json`` is the whole reply or its first page; ``NAME-2.json`` and so on are the others.
    A list of entries without the frame of a reply is taken too.
    """
    pages: dict[str, list[Document]] = {}
    for endpoint, needed in ENDPOINTS.items():
        found = []
        for path in _files(folder, endpoint):
            document = Document.load(path, mistakes)
            if document is not None:
                found.append(document)
        if not found and needed and not len(mistakes):
            expected = f"the reply of /api/dcim/{endpoint}/"
            mistakes.add_at(str(folder / f"{endpoint}.json"), 1, "file", expected, Plain("none"))
        pages[endpoint] = found
        check_whole(found, mistakes)
    return pages


def check_whole(pages: list[Document], mistakes: Mistakes) -> None:
    """Every page is a list, and together they hold as many entries as the server counted."""
    counted, held = None, 0
    for page in pages:
        if isinstance(page.data, list):
            held += len(page.data)
            continue
        results = page.data.get("results") if isinstance(page.data, dict) else None
        if not isinstance(results, list):
            mistakes.add(page, (), "a list reply with `results`", type(page.data).__name__)
            return
        held += len(results)
        count = page.data.get("count")
        counted = count if isinstance(count, int) else counted
    if counted is not None and held < counted:
        hint = "save every page, or ask for all of them with ?limit=0"
        mistakes.add(pages[-1], ("count",), f"{counted} entries", Plain(f"{held}"), hint)


def _files(folder: Path, endpoint: str) -> list[Path]:
    """Files of one endpoint, in order of their page."""
    name = re.compile(re.escape(endpoint) + r"(?:-([0-9]{1,6}))?\.json")
    matches = [(match, path) for path in folder.iterdir() if (match := name.fullmatch(path.name))]
    return [path for _, path in sorted(matches, key=lambda each: int(each[0][1] or 1))]
