"""NetBox over HTTP: pages, errors, limits and slow replies; the token shows up nowhere."""

from __future__ import annotations

import json
import logging
import re
import socket
import ssl
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scheduler.cli.app import app
from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.netbox import http
from scheduler.exchange.netbox.http import NetBox
from scheduler.exchange.netbox.load import Source, import_netbox
from scheduler.exchange.netbox.patience import Patience, unreachable
from scheduler.exchange.netbox.token import Token
from scheduler.inputs import read_site_file
from tests.netbox_server import Stub, drip, send, serving
from tests.netbox_shapes import data_centre, rack, reply, save

TOKEN = "0123456789abcdef0123456789abcdef01234567"
QUICK = Patience(silence_s=0.3, page_s=0.5, attempts=3, first_pause_s=1, longest_pause_s=60)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving(Stub(data_centre(), TOKEN)) as served:
        yield served


class Client:
    """A client that notes its pauses in place of sleeping."""

    def __init__(self, url: str, token: str = TOKEN, patience: Patience = QUICK) -> None:
        self.pauses: list[float] = []
        self.said: list[str] = []
        secret = Token(token, "test") if token else None
        self.api = NetBox(
            url, secret, patience=patience, say=self.said.append, pause=self.pauses.append
        )

    def racks(self) -> list[Any]:
        """Return the racks of all pages."""
        return [row for page in self.api.pages("racks", {}) for row in page.data["results"]]

    def fails(self) -> str:
        """Return the words of the failure; the token is nowhere in the traceback."""
        with pytest.raises(ExchangeError) as caught:
            self.racks()
        everything = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
        assert TOKEN not in everything + str(self.said) + repr(vars(self.api))
        return str(caught.value)


def once(act: Callable[[Any], None], times: int = 1) -> Callable[[Any, str, int], bool]:
    """Misbehave the first `times` a page is asked for."""

    def misbehave(handler: Any, _path: str, attempt: int) -> bool:
        if attempt <= times:
            act(handler)
        return attempt <= times

    return misbehave


def always(act: Callable[[Any], None]) -> Callable[[Any, str, int], bool]:
    return once(act, times=1_000)


def test_all_pages_are_read_in_order(stub: Stub) -> None:
    stub.objects["racks"] = [rack(i, f"R{i}") for i in range(1, 8)]
    stub.page = 3
    client = Client(stub.url)
    assert [row["id"] for row in client.racks()] == [1, 2, 3, 4, 5, 6, 7]
    assert len(stub.asked) == 3  # 3 + 3 + 1
    assert client.said[-1] == "racks: 7 of 7"
    assert all(headers["Authorization"] == f"Token {TOKEN}" for headers in stub.headers)


@pytest.mark.parametrize("suffix", ["", "/", "/api", "/api/"])
def test_the_address_may_end_in_api(stub: Stub, suffix: str) -> None:
    assert len(Client(stub.url + suffix).racks()) == 3


def test_new_tokens_go_out_as_bearer() -> None:
    assert Token("nbt_abc.12345", "t").header() == "Bearer nbt_abc.12345"
    assert Token(TOKEN, "t").header() == f"Token {TOKEN}"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"detail": "no"}, "401: the server wants a token"),
        (403, {"detail": "Invalid token"}, r"403: not allowed to read racks.*Invalid token"),
        (404, {"detail": "Not found."}, "404: nothing there"),
        (500, "<html>oops</html>", "500: the server refuses$"),
        (200, "<!DOCTYPE html><title>Login</title>", "got a page in HTML"),
        (200, {"detail": "hello"}, "expected a list reply"),
        (200, [1, 2], "expected a list reply"),
    ],
)
def test_a_refusal_ends_at_once_with_its_meaning(
    stub: Stub, status: int, body: Any, words: str
) -> None:
    stub.misbehave = always(lambda handler: send(handler, status, body))
    client = Client(stub.url)
    assert re.search(words, client.fails())
    assert len(stub.asked) == 1
    assert client.pauses == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_with_growing_pauses(stub: Stub, status: int) -> None:
    stub.misbehave = once(lambda handler: send(handler, status, {"detail": "busy"}), times=2)
    client = Client(stub.url)
    assert len(client.racks()) == 3
    assert client.pauses == [1, 2]
    stub.misbehave = always(lambda handler: send(handler, status, {"detail": "busy"}))
    assert "given up after 3 attempts" in client.fails()


def test_retry_after_is_kept_in_seconds_and_as_a_date(stub: Stub) -> None:
    stub.misbehave = once(lambda handler: send(handler, 429, {}, Retry_After="7"))
    client = Client(stub.url)
    assert len(client.racks()) == 3
    assert client.pauses == [7]
    stub.attempts.clear()
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    stub.misbehave = once(lambda handler: send(handler, 503, {}, Retry_After=later))
    client = Client(stub.url)
    assert len(client.racks()) == 3
    assert 30 < client.pauses[0] <= 40


def test_a_server_that_asks_for_an_hour_is_given_up(stub: Stub) -> None:
    stub.misbehave = always(lambda handler: send(handler, 429, {}, Retry_After="3600"))
    client = Client(stub.url)
    assert "asks to wait 3,600 s" in client.fails()
    assert client.pauses == []


def test_nonsense_in_retry_after_is_like_none(stub: Stub) -> None:
    stub.misbehave = once(lambda handler: send(handler, 429, {}, Retry_After="soon"))
    client = Client(stub.url)
    client.racks()
    assert client.pauses == [1]


def test_a_slow_reply_is_given_up_in_bounded_time(stub: Stub) -> None:
    stub.misbehave = always(lambda handler: drip(handler, 3))
    client = Client(stub.url)
    began = time.monotonic()
    assert "no whole reply within 0.5 s" in client.fails()
    assert time.monotonic() - began < 3 * (0.5 + 0.5)


def test_a_silent_server_is_given_up_in_bounded_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert "no answer in time" in client.fails()
        assert time.monotonic() - began < 3 * (0.3 + 0.5)


def test_a_slow_reply_that_recovers_is_taken(stub: Stub) -> None:
    stub.misbehave = once(lambda handler: drip(handler, 1))
    assert len(Client(stub.url).racks()) == 3


def test_a_reply_that_is_cut_short_is_asked_for_again(stub: Stub) -> None:
    def cut(handler: Any) -> None:
        raw = json.dumps(reply([rack(1, "R1")])).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw[:20])
        handler.close_connection = True

    stub.misbehave = once(cut)
    assert len(Client(stub.url).racks()) == 3
    stub.misbehave = always(cut)
    assert "the reply ends after 20 of" in Client(stub.url).fails()


def test_json_that_is_cut_short_is_asked_for_again(stub: Stub) -> None:
    stub.misbehave = always(lambda handler: send(handler, 200, '{"count": 3, "results": [{'))
    client = Client(stub.url)
    assert "no JSON or ends too early" in client.fails()
    assert len(stub.asked) == 3


def test_a_refused_connection_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert "no connection (Connection refused)" in Client(f"http://127.0.0.1:{port}").fails()


def test_a_certificate_that_is_not_trusted_ends_at_once() -> None:
    with pytest.raises(ExchangeError, match=r"is not trusted .*SSL_CERT_FILE"):
        unreachable(ssl.SSLCertVerificationError(1, "self-signed"), "https://netbox.example")


@pytest.mark.parametrize(
    "following",
    [
        "http://elsewhere.example/api/dcim/racks/?offset=50",
        "https://127.0.0.1/api/dcim/racks/?offset=50",
        "//169.254.169.254/latest/meta-data",
        "/api/users/tokens/?offset=50",
        "file:///etc/passwd",
        "http://[broken/",
    ],
)
def test_next_is_followed_within_its_origin_alone(stub: Stub, following: str) -> None:
    stub.leads_to = following
    stub.page = 1
    assert "which is not followed" in Client(stub.url).fails()
    assert len(stub.asked) == 1


def test_the_token_goes_to_no_other_port() -> None:
    with serving(Stub(data_centre())) as other, serving(Stub(data_centre())) as asked:
        asked.page = 1
        asked.leads_to = f"{other.url}/api/dcim/racks/?offset=1"
        assert "which is not followed" in Client(asked.url).fails()
        asked.misbehave = always(lambda handler: send(handler, 302, {}, Location=other.url))
        assert "redirects to" in Client(asked.url).fails()
        assert other.asked == []


def test_a_redirect_within_the_origin_is_followed(stub: Stub) -> None:
    stub.misbehave = once(
        lambda handler: send(handler, 301, {}, Location=f"{stub.url}/api/dcim/racks/?limit=9")
    )
    assert len(Client(stub.url).racks()) == 3


def test_pages_that_lead_in_a_circle_end(stub: Stub) -> None:
    stub.leads_to = "?limit=1&offset=0"
    stub.page = 1
    assert "got a loop" in Client(stub.url).fails()


def test_a_page_has_a_largest_size(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_PAGE_BYTES", 1000)
    assert "got more" in Client(stub.url).fails()


def test_all_pages_together_have_a_largest_size(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.page = 1
    monkeypatch.setattr(http, "MOST_BYTES", 1500)
    assert "got more" in Client(stub.url).fails()
    assert len(stub.asked) > 1


@pytest.mark.parametrize(
    "url",
    ["ftp://host/", "https://", "http://user:pass@host", "http://host?x=1", "http://host:99999"],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ExchangeError, match="SOURCE: expected"):
        NetBox(url, None)


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["import", "netbox", *words])


def test_the_command_reads_a_server_and_hides_the_token(
    stub: Stub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("NB", TOKEN)
    stub.page = 2
    stub.objects["racks"][2]["name"] = f"R3 {TOKEN}"  # a server that sends back what it was sent
    done = run(stub.url, "--out", str(tmp_path / "out"), "--token-env", "NB")
    assert done.exit_code == 0, done.output
    assert "plain http" in done.stderr
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert TOKEN not in done.stdout + done.stderr + caplog.text + written
    assert "R3 (token)" in written
    assert set(read_site_file(tmp_path / "out" / "site.json").racks) == {"R1", "R2"}


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_no_error_of_the_command_shows_the_token(
    stub: Stub,
    tmp_path: Path,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "token").write_text(TOKEN + "\n")
    echo = {"detail": f"got {TOKEN}"}
    stub.misbehave = always(lambda handler: send(handler, status, echo))
    done = run(stub.url, "--out", str(tmp_path), "--token-file", str(tmp_path / "token"))
    assert done.exit_code == 2
    assert f"HTTP {status}" in done.stderr
    assert TOKEN not in done.stdout + done.stderr + caplog.text + str(done.exception)
    assert not (tmp_path / "site.json").exists()


@pytest.mark.parametrize("status", [403, 429, 500])
def test_what_a_server_says_of_an_error_is_shown_without_the_token(stub: Stub, status: int) -> None:
    echo = {"detail": f"no such token as {TOKEN}"}
    stub.misbehave = always(lambda handler: send(handler, status, echo))
    assert "no such token as (token)" in Client(stub.url).fails()  # looks for the token, too


def test_pages_do_not_hold_the_token(stub: Stub) -> None:
    stub.objects["racks"][0]["name"] = TOKEN
    assert Client(stub.url).racks()[0]["name"] == "(token)"


def test_a_token_that_comes_back_in_disguise_is_hidden(stub: Stub) -> None:
    source = Source(place=stub.url, token=Token(TOKEN, "t"), patience=QUICK)
    there = f"http://elsewhere.example/{TOKEN}"
    stub.misbehave = always(lambda handler: send(handler, 302, {}, Location=there))
    with pytest.raises(ExchangeError, match=r"redirects to http://elsewhere.example/\(token\)"):
        import_netbox(source)
    escaped = "".join(f"\\u{ord(char):04x}" for char in TOKEN)

    def echo(handler: Any, status: str) -> None:
        row = json.dumps(reply([rack(1, "R1", status="ECHO")])).replace("ECHO", status)
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(row.encode())

    stub.misbehave = always(lambda handler: echo(handler, escaped))
    with pytest.raises(ExchangeError, match=r"status: expected one of .*got '\(token\)'"):
        import_netbox(source)


def test_server_and_saved_replies_give_the_same_site(stub: Stub, tmp_path: Path) -> None:
    source = Source(place=stub.url, token=Token(TOKEN, "t"), patience=QUICK)
    saved = Source(place=str(save(tmp_path, data_centre())))
    assert import_netbox(source).files == import_netbox(saved).files


def test_the_site_is_asked_for_by_its_slug(stub: Stub) -> None:
    source = Source(place=stub.url, token=Token(TOKEN, "t"), patience=QUICK, site="dc1")
    import_netbox(source)
    assert all("site=dc1" in path for path in stub.asked)


@pytest.mark.parametrize(
    ("value", "words"),
    [("", "expected a token, got nothing"), ("se cret!", "8 to 1000 letters"), ("a", "8 to 1000")],
)
def test_a_token_that_is_none_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, words: str
) -> None:
    monkeypatch.setenv("NB", value)
    done = run("http://127.0.0.1:9", "--out", str(tmp_path), "--token-env", "NB")
    assert done.exit_code == 2
    assert words in done.stderr
    assert "se cret" not in done.stderr
    assert run("x", "--out", str(tmp_path), "--token-file", str(tmp_path / "no")).exit_code == 2
    both = ("--token-env", "NB", "--token-file", str(tmp_path / "no"))
    assert "got both" in run("x", "--out", str(tmp_path), *both).stderr


def test_a_token_shows_itself_nowhere() -> None:
    token = Token(TOKEN, "t")
    assert TOKEN not in f"{token} {token!r} {[token]} {Source(place='x', token=token)}"
