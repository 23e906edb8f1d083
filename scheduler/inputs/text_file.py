"""Untrusted text files: bounded in size, UTF-8, without control characters."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from scheduler.inputs.mistakes import Mistakes, Plain

MAX_BYTES = 256 * 2**20

FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def read_text(path: Path, mistakes: Mistakes, max_bytes: int = MAX_BYTES) -> str | None:
    """Read a file; None after a mistake. The size is looked at before anything is read."""
    file = str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            got = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or pipe"
            mistakes.add_at(file, 1, "file", "a file", Plain(got))
            return None
        if status.st_size > max_bytes:
            expected = f"at most {max_bytes / 2**20:g} MiB"
            got = f"{status.st_size / 2**20:.1f} MiB"
            hint = "large inputs are read faster from a folder of CSV tables"
            mistakes.add_at(file, 1, "file", expected, Plain(got), hint)
            return None
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        mistakes.add_at(file, 1, "file", "a file that can be read", Plain(reason))
        return None
    return _decode(file, raw, mistakes)


def forbidden(text: str) -> Plain | None:
    """Return the first character of `text` that no input may hold, in words."""
    bad = FORBIDDEN.search(text)
    return Plain(f"character U+{ord(bad[0]):04X}") if bad else None


def _decode(file: str, raw: bytes, mistakes: Mistakes) -> str | None:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        mistakes.add_at(file, line, "file", "UTF-8 text", Plain(f"byte 0x{raw[error.start]:02x}"))
        return None
    bad = FORBIDDEN.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        mistakes.add_at(file, line, "file", "printable text", forbidden(bad[0]))
        return None
    return text
