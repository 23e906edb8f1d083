"""Addresses of a server: where it begins, what is still it, and how they are shown."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from scheduler.exchange.exchanged import ExchangeError

Origin = tuple[str, str, int | None]  # scheme, host, port


class SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows redirects within one origin, so that the token goes nowhere else."""

    def __init__(self, origin: Origin, hide: Callable[[str], str]) -> None:
        self.origin, self.hide = origin, hide

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        """Return the next request; another origin ends everything."""
        if origin_of(newurl) != self.origin:
            fp.close()
            here, there = shown_url(req.full_url), self.hide(shown_url(newurl))
            raise ExchangeError([f"{here}: redirects to {there}, which is not followed"])
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def base_of(url: str) -> str:
    """Return the address of the server without ``/api``; raise what is wrong with it."""
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        usable, parts = False, urllib.parse.urlsplit("")
    if not usable:
        raise ExchangeError(["SOURCE: expected a folder or an address such as https://netbox.site"])
    if "@" in parts.netloc or parts.query or parts.fragment:
        line = "SOURCE: expected an address without user, password, query or fragment"
        raise ExchangeError([line])
    path = parts.path.rstrip("/").removesuffix("/api")
    return f"{parts.scheme}://{parts.netloc}{path}"


def origin_of(url: str) -> Origin:
    """Return scheme, host and port; empty ones if it is no address."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, (parts.hostname or "").lower(), port
    except ValueError:
        return "", "", None


def shown_url(url: str) -> str:
    """Return an address for people: without user, password and fragment."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return "(no address)"
    netloc = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
