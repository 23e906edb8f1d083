"""A server that speaks like NetBox, on 127.0.0.1: pages, errors, rate limits, slow replies."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.netbox_shapes import Json

MOST_WAIT_S = 3.0  # no reply of the stub takes longer


class Stub:
    """What the server holds, how it misbehaves, and what it was asked."""

    def __init__(self, objects: dict[str, list[Json]], token: str = "", page: int = 1000) -> None:
        self.objects, self.token, self.page = objects, token, page
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.attempts: Counter[str] = Counter()
        self.url = ""
        self.leads_to = ""  # in place of the next page
        # Sends a reply of its own and returns True, or returns False to let the stub go on.
        self.misbehave: Callable[[Any, str, int], bool] = lambda _handler, _path, _attempt: False

    def next_url(self, path: str, offset: int, limit: int) -> str:
        """Return what a page says of the one after it."""
        return self.leads_to or f"{self.url}{path}?limit={limit}&offset={offset}"

    def answer(self, handler: Any) -> None:
        """Answer one request."""
        parts = urlsplit(handler.path)
        self.asked.append(handler.path)
        self.headers.append(dict(handler.headers))
        self.attempts[handler.path] += 1
        if self.misbehave(handler, handler.path, self.attempts[handler.path]):
            return
        if self.token and handler.headers.get("Authorization") != f"Token {self.token}":
            send(handler, 403, {"detail": "Invalid token"})
            return
        endpoint = parts.path.removeprefix("/api/dcim/").strip("/")
        if endpoint not in self.objects:
            send(handler, 404, {"detail": "Not found."})
            return
        query = parse_qs(parts.query)
        offset = int(query.get("offset", ["0"])[0])
        limit = min(self.page, int(query.get("limit", ["50"])[0]))
        rows = self.objects[endpoint]
        more = offset + limit < len(rows)
        following = self.next_url(parts.path, offset + limit, limit) if more else None
        page = rows[offset : offset + limit]
        body = {"count": len(rows), "next": following, "previous": None, "results": page}
        send(handler, 200, body)


def send(handler: Any, status: int, body: Any, **headers: str) -> None:
    """Send JSON, or text as it stands."""
    raw = (body if isinstance(body, str) else json.dumps(body)).encode()
    kind = "text/html" if isinstance(body, str) else "application/json"
    handler.send_response(status)
    for name, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(raw)


def drip(handler: Any, seconds: float) -> None:
    """Send the beginning of a reply, then a space now and then, and never the end."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    until = time.monotonic() + min(seconds, MOST_WAIT_S)
    with suppress(OSError):  # the client gives up, as it should
        while time.monotonic() < until:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.02)


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    """Run the stub in a thread for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                stub.answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=MOST_WAIT_S)
