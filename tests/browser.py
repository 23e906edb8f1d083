"""A headless Chromium for tests: opens a page, runs scripts, moves the pointer, takes pictures."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

START_S, ANSWER_S = 30.0, 60.0


class Page:
    """One tab, spoken to over the DevTools protocol."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=ANSWER_S, suppress_origin=True)
        self._number = 0
        self.said: list[str] = []  # errors and warnings of the console, and of anything else
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result; events on the way are noted."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"), event.get("params", {}):
            case "Runtime.exceptionThrown", {"exceptionDetails": details}:
                self.said.append(json.dumps(details))
            case "Runtime.consoleAPICalled", {"type": "error" | "warning" | "assert"} as call:
                self.said.append(json.dumps(call))
            case "Log.entryAdded", {"entry": {"level": "error" | "warning"} as entry}:
                self.said.append(json.dumps(entry))

    def run(self, script: str) -> Any:
        """Return the value of an expression, as plain data."""
        found = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, path: Path) -> float:
        """Open a file, wait until the page has drawn everything, and return the seconds."""
        began = time.monotonic()
        self.ask("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.documentElement?.dataset.drawn === 'yes'")
        return time.monotonic() - began

    def wait(self, script: str, limit_s: float = 60.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + limit_s
        while not self.run(script):
            assert time.monotonic() < end, f"still not true: {script}; {self.said}"
            time.sleep(0.02)

    def middle_of(self, selector: str) -> tuple[float, float]:
        """Scroll the first match into view and return its middle on the screen."""
        x, y = self.run(
            f"(() => {{ const node = document.querySelector({json.dumps(selector)});"
            "node.scrollIntoView({block: 'center'}); const box = node.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        return x, y

    def hover(self, selector: str) -> None:
        """Move the pointer onto the first match."""
        x, y = self.middle_of(selector)
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x - 1, y=y)
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector: str) -> None:
        """Press and release the first mouse button on the first match."""
        x, y = self.middle_of(selector)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press and release a key, wherever the focus is."""
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def size(self, width: int, height: int) -> None:
        """Set the size of the window."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write what the window shows, or the whole page, as a PNG file."""
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def opened(*options: str) -> Iterator[Page]:
    """Start Chromium and yield an empty tab."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "expected Chromium on the PATH"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                chromium,
                "--headless=new",
                "--remote-debugging-port=0",
                f"--user-data-dir={profile}",
                "--no-first-run",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--window-size=1400,900",
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
                *options,
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            page = Page(_tab(_port(Path(profile))))
            yield page
            page._socket.close()
        finally:
            process.terminate()
            process.wait(START_S)


def _port(profile: Path) -> int:
    """Return the port that Chromium chose; it writes it into its profile."""
    told, end = profile / "DevToolsActivePort", time.monotonic() + START_S
    while not (told.exists() and told.read_text().count("\n")):
        assert time.monotonic() < end, "Chromium did not start"
        time.sleep(0.05)
    return int(told.read_text().splitlines()[0])


def _tab(port: int) -> str:
    from http.client import HTTPConnection

    end = time.monotonic() + START_S
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=START_S)
        connection.request("GET", "/json/list")
        tabs = [
            each for each in json.loads(connection.getresponse().read()) if each["type"] == "page"
        ]
        connection.close()
        if tabs:
            return str(tabs[0]["webSocketDebuggerUrl"])
        assert time.monotonic() < end, "Chromium has no tab"
        time.sleep(0.05)
