"""A picture of the page, taken by a headless Chromium that is already there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTH = 1600  # pixels
LEAST_HEIGHT, MOST_HEIGHT = 800, 16_000  # pixels; Chromium cuts longer pictures
LIMIT_S = 120
_HEIGHT = re.compile(r'data-height="(\d{1,6})"')
_DRAWN = 'data-drawn="yes"'


class PictureError(Exception):
    """No picture could be taken."""


def browser() -> str | None:
    """Return the first Chromium or Chrome on the PATH, None without one."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def take_picture(chromium: str, page: Path, picture: Path, *, dark: bool = False) -> None:
    """Write `page` as a PNG file, as high as the page is.

    Raises
    ------
    PictureError
        Chromium failed, took too long or did not draw the page.
    """
    address = page.resolve().as_uri()
    dom = _run(chromium, address, "--dump-dom", f"--window-size={WIDTH},1000", dark=dark)
    height = _HEIGHT.search(dom)
    if _DRAWN not in dom or height is None:
        raise PictureError(f"{chromium} did not draw the page")
    high = min(max(int(height[1]), LEAST_HEIGHT), MOST_HEIGHT)
    with tempfile.TemporaryDirectory(dir=picture.resolve().parent) as folder:
        taken = Path(folder) / "page.png"
        _run(
            chromium,
            address,
            f"--screenshot={taken}",
            f"--window-size={WIDTH},{high}",
            dark=dark,
        )
        if not taken.exists():
            raise PictureError(f"{chromium} wrote no picture")
        taken.replace(picture)


def _run(chromium: str, address: str, *options: str, dark: bool) -> str:
    """Run Chromium once, with a profile of its own that is removed afterwards."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            chromium,
            "--headless=new",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-dev-shm-usage",
            "--virtual-time-budget=20000",
            f"--user-data-dir={profile}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # root has no sandbox to run in
            *(["--blink-settings=preferredColorScheme=0"] if dark else []),
            *options,
            address,
        ]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PictureError(f"{chromium} took more than {LIMIT_S} s") from None
        except OSError as error:
            raise PictureError(f"{chromium}: {error.strerror}") from None
    if done.returncode:
        raise PictureError(f"{chromium} ended with code {done.returncode}")
    return done.stdout
