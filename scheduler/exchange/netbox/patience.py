"""How long a server may take, what is worth a second try, and what a lost connection means."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn

from scheduler.exchange.exchanged import ExchangeError

_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a server may take, and how often it is asked again."""

    silence_s: float = 30  # without a byte
    page_s: float = 120  # for one page
    attempts: int = 5
    first_pause_s: float = 1  # doubles each time
    longest_pause_s: float = 120  # a server that asks for more is given up


class AgainError(Exception):
    """A reply that is worth a second try: why, and how long the server asks to wait."""

    def __init__(self, why: str, pause_s: float | None = None) -> None:
        super().__init__(why)
        self.pause_s = pause_s


def retry_after(value: str) -> float | None:
    """Read Retry-After: seconds, or a date."""
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def unreachable(reason: object, shown: str) -> NoReturn:
    """Raise what a failed connection means."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        words = getattr(reason, "verify_message", "") or "verification failed"
        line = f"{shown}: the certificate is not trusted ({words})"
        raise ExchangeError([f"{line}; SSL_CERT_FILE names authorities of your own"])
    if isinstance(reason, TimeoutError):
        raise AgainError("no answer in time")
    words = getattr(reason, "strerror", None) or type(reason).__name__
    raise AgainError(f"no connection ({words})")
