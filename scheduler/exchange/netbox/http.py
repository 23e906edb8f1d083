"""Pages of a NetBox API over HTTP: same origin only, bounded, patient, and silent on the token."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.netbox.addresses import SameOrigin, base_of, origin_of, shown_url
from scheduler.exchange.netbox.patience import (
    AgainError,
    Patience,
    retry_after,
    unreachable,
)
from scheduler.exchange.netbox.token import Token
from scheduler.inputs.document import Document
from scheduler.inputs.json_text import read_json
from scheduler.inputs.mistakes import Mistakes

PAGE_ENTRIES = 500
MOST_PAGES = 10_000
MOST_PAGE_BYTES = 64 * 2**20
MOST_BYTES = 512 * 2**20  # of all pages together
MOST_DETAIL = 300  # bytes of the words that come with an error
_CHUNK = 64 * 2**10
_TRY_AGAIN = (429, 502, 503, 504)


class NetBox:
    """The API of one NetBox server."""

    def __init__(
        self,
        url: str,
        token: Token | None,
        *,
        patience: Patience | None = None,
        say: Callable[[str], None] = lambda _line: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base = base_of(url)
        self._origin = origin_of(self.base)
        self._token, self._say, self._pause = token, say, pause
        self._patience = patience or Patience()
        self._bytes_left = MOST_BYTES
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            SameOrigin(self._origin, self._hidden),
        ):
            self._opener.add_handler(handler)

    def pages(self, endpoint: str, query: Mapping[str, str]) -> Iterator[Document]:
        """Yield the list replies of ``dcim/ENDPOINT``, page by page.

        Raises
        ------
        ExchangeError
            The server refuses, sends what is no list reply, leads elsewhere or takes too long.
        """
        asked = urllib.parse.urlencode({**query, "limit": PAGE_ENTRIES})
        start = f"{self.base}/api/dcim/{endpoint}/"
        url: str | None = f"{start}?{asked}"
        seen: set[str] = set()
        got = 0
        while url is not None:
            if url in seen or len(seen) >= MOST_PAGES:
                raise ExchangeError([f"{start}: expected at most {MOST_PAGES:,} pages, got a loop"])
            seen.add(url)
            page = self._page(url, endpoint)
            got += len(page.data["results"])
            self._say(f"{endpoint}: {got:,} of {page.data.get('count', got):,}")
            yield page
            url = self._next(page.data.get("next"), start)

    def _next(self, following: object, start: str) -> str | None:
        """Return the address of the next page: only below where the first one came from."""
        if following is None:
            return None
        if not isinstance(following, str):
            raise ExchangeError([f"{start}: next: expected an address or null"])
        try:
            url = urllib.parse.urljoin(start, following)
        except ValueError:
            url = following
        if origin_of(url) != self._origin or not url.startswith(start):
            why = (
                "which is not followed: the token belongs to this address alone (behind a proxy, "
                "let NetBox know the scheme and the host that clients see)"
            )
            there = self._hidden(shown_url(url))
            raise ExchangeError([f"{start}: next leads to {there}, {why}"])
        return url

    def _page(self, url: str, endpoint: str) -> Document:
        patience, shown = self._patience, shown_url(url)
        why = ""
        for attempt in range(patience.attempts):
            try:
                return self._parsed(self._text(url, endpoint), shown)
            except AgainError as again:
                why = self._hidden(str(again))
                wait_s = again.pause_s
                if wait_s is None:
                    wait_s = min(patience.longest_pause_s, patience.first_pause_s * 2**attempt)
            if wait_s > patience.longest_pause_s:
                line = f"{shown}: {why}; asks to wait {wait_s:,.0f} s, which is too long"
                raise ExchangeError([line])
            if attempt + 1 < patience.attempts:
                self._say(f"{endpoint}: {why}; again in {wait_s:g} s")
                self._pause(wait_s)
        raise ExchangeError([f"{shown}: {why}; given up after {patience.attempts} attempts"])

    def _text(self, url: str, endpoint: str) -> str:
        """Return the body of one reply, the token hidden in it."""
        request = urllib.request.Request(url, headers={"Accept": "application/json"})
        request.add_header("User-Agent", "rackwatt")
        if self._token is not None:
            request.add_header("Authorization", self._token.header())
        try:
            with self._opener.open(request, timeout=self._patience.silence_s) as reply:
                raw = self._read(reply, shown_url(url))
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error, shown_url(url), endpoint)
        except urllib.error.URLError as error:
            unreachable(error.reason, shown_url(url))
        except (OSError, http.client.HTTPException, ValueError) as error:
            unreachable(error, shown_url(url))
        return self._hidden(raw.decode("utf-8", "replace"))

    def _read(self, reply: Any, shown: str) -> bytes:
        """Read a body within its limits of size and time, whole."""
        deadline = time.monotonic() + self._patience.page_s
        most = min(MOST_PAGE_BYTES, self._bytes_left)
        raw = bytearray()
        while chunk := reply.read1(_CHUNK):
            raw += chunk
            if len(raw) > most:
                raise ExchangeError([f"{shown}: expected at most {most / 2**20:g} MiB, got more"])
            if time.monotonic() > deadline:
                raise AgainError(f"no whole reply within {self._patience.page_s:g} s")
        told = reply.headers.get("Content-Length", "")
        if told.isdecimal() and len(raw) < int(told):
            raise AgainError(f"the reply ends after {len(raw):,} of {int(told):,} bytes")
        self._bytes_left -= len(raw)
        return bytes(raw)

    def _parsed(self, text: str, shown: str) -> Document:
        if text.lstrip()[:1] == "<":
            raise ExchangeError(
                [f"{shown}: expected JSON, got a page in HTML (is this the address of NetBox?)"]
            )
        mistakes = Mistakes()
        read = read_json(shown, text, mistakes)
        if read is None:
            raise AgainError("the reply is no JSON or ends too early")
        data = read[0]
        if not isinstance(data, dict) or not isinstance(data.get("results"), list):
            raise ExchangeError([f"{shown}: expected a list reply with `results`"])
        if not isinstance(data.get("count", 0), int):
            raise ExchangeError([f"{shown}: count: expected a whole number"])
        return Document(shown, data, text=text)

    def _refused(self, error: urllib.error.HTTPError, shown: str, endpoint: str) -> NoReturn:
        """Raise what an error reply means."""
        try:
            body = error.read(MOST_DETAIL).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            body = ""
        words = self._hidden(" ".join(body.split()))
        said = f" ({words})" if words and not words.startswith("<") else ""
        if error.code in _TRY_AGAIN:
            raise AgainError(
                f"HTTP {error.code}{said}", retry_after(error.headers.get("Retry-After", ""))
            )
        meaning = {
            401: "the server wants a token that it knows; see --token-env",
            403: f"not allowed to read {endpoint}; see --token-env, and the token's permissions",
            404: "nothing there; is this the address of NetBox?",
        }.get(error.code, "the server refuses")
        raise ExchangeError([f"{shown}: HTTP {error.code}: {meaning}{said}"])

    def _hidden(self, text: str) -> str:
        return text if self._token is None else self._token.hide(text)
