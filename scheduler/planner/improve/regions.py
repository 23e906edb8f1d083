"""Regions of racks that have much in common, and the parts that a round works on."""

from __future__ import annotations

import numpy as np

from kernels.forms import Compiled, GroupPresence, Ints

REGION_RACKS = 400  # a region has no more, where the forms know smaller domains
SETTLED_RACKS = 640  # up to so many racks, steps go on for long from many plans of a whole site
PART_RACKS = 320  # about so many racks are worked on as one part
BLOCK_RACKS = 48  # and so many where every rack is told apart


def regions(compiled: Compiled, most_racks: int = REGION_RACKS) -> list[Ints]:
    """Cut the racks along the largest domains of the forms that have at most so many racks."""
    label = np.zeros(compiled.num_racks, np.int64)
    fits: list[tuple[int, Ints]] = []
    for form in compiled.forms:
        if isinstance(form, GroupPresence) and form.num_domains > 1:
            domain = form.domain_of_rack.astype(np.int64) + 1
            size = int(np.bincount(domain).max())
            if size <= most_racks:
                fits.append((size, domain))
    if fits:
        label = max(fits, key=lambda fit: fit[0])[1]
    elif compiled.num_racks > most_racks:
        label = np.arange(compiled.num_racks) * -(-compiled.num_racks // most_racks)
        label //= compiled.num_racks
    order = np.argsort(label, kind="stable")
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    return [np.sort(racks).astype(np.int64) for racks in np.split(order, cuts)]


def choose_parts(
    places: list[Ints], empty: Ints, count: int, racks: int, rng: np.random.Generator
) -> list[Ints]:
    """Choose up to `count` parts of about `racks` racks each; regions with empty slots more often.

    `empty` (R,) are the slots that nobody uses. Parts share no rack.
    """
    waste = np.array([float(empty[place].sum()) for place in places])
    weight = 0.5 / len(places) + 0.5 * waste / max(1.0, waste.sum())
    weight /= weight.sum()
    order = rng.choice(len(places), len(places), replace=False, p=weight).tolist()
    parts: list[list[Ints]] = []
    for region in order:
        size = sum(map(len, parts[-1])) if parts else racks
        if size + len(places[region]) > racks:
            if len(parts) == count:
                break
            parts.append([])
        parts[-1].append(places[region])
    return [np.sort(np.concatenate(part)) for part in parts]
