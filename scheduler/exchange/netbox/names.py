"""Names that nothing else has: NetBox names are unique within a panel, a location or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def unique_names(candidates: Mapping[K, Sequence[str]], taken: Sequence[str] = ()) -> dict[K, str]:
    """Return for each key its first candidate that is no other key's, else the last with a number.

    The candidates of a key go from short to long, such as ``A01`` and ``Hall 1/A01``.
    """
    counts = Counter(name for names in candidates.values() for name in dict.fromkeys(names))
    used = set(taken)
    found: dict[K, str] = {}
    for key, names in candidates.items():
        free = (name for name in names if counts[name] == 1 and name not in used)
        name = next(free, None)
        number = 1
        while name is None:
            number += 1
            numbered = f"{names[-1]} ({number})"
            name = None if numbered in used or counts[numbered] else numbered
        used.add(name)
        found[key] = name
    return found
