"""The token for NetBox: read from an environment variable or a file, and never shown."""

from __future__ import annotations

import os
import re
from pathlib import Path

from scheduler.exchange.exchanged import ExchangeError

HIDDEN = "(token)"
MOST_BYTES = 4096
_SHAPE = re.compile(r"[A-Za-z0-9._-]{8,1000}")
_SECOND_KIND = "nbt_"  # tokens of NetBox 4.5 and later, which go out as Bearer


class Token:
    """A secret. It shows itself as ``(token)`` wherever it is printed or formatted."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str, source: str) -> None:
        if not _SHAPE.fullmatch(secret):
            # No word of what it holds: it may be a secret with a typing error.
            raise ExchangeError([f"{source}: expected a token of 8 to 1000 letters and digits"])
        self._secret = secret

    @staticmethod
    def from_environment(name: str) -> Token:
        """Read the token from the environment variable `name`. Raises ExchangeError."""
        secret = os.environ.get(name, "").strip()
        if not secret:
            raise ExchangeError([f"environment variable {name}: expected a token, got nothing"])
        return Token(secret, f"environment variable {name}")

    @staticmethod
    def from_file(path: Path) -> Token:
        """Read the token from the first line of a file. Raises ExchangeError."""
        try:
            with path.open("rb") as file:
                first = file.read(MOST_BYTES).split(b"\n", 1)[0]
        except OSError as error:
            raise ExchangeError([f"{path}: {error.strerror or 'cannot be read'}"]) from None
        return Token(first.decode("ascii", "replace").strip(), str(path))

    def header(self) -> str:
        """Return the value of the Authorization header."""
        scheme = "Bearer" if self._secret.startswith(_SECOND_KIND) else "Token"
        return f"{scheme} {self._secret}"

    def hide(self, text: str) -> str:
        """Return `text` without the token: a server may send back what it was sent."""
        return text.replace(self._secret, HIDDEN)

    def __repr__(self) -> str:
        """Not the secret."""
        return HIDDEN
