"""Compact sites for tests: one hall of boxes of 10 kW, one UPS group of 100 kW modules."""

from __future__ import annotations

from typing import Any

from scheduler.inputs.document import Document
from scheduler.inputs.expand import expand_site
from scheduler.inputs.mistakes import InputError, Mistakes
from scheduler.inputs.site_file import SiteFile
from scheduler.model import Site

BOX: dict[str, Any] = {
    "gpu": "demo",
    "nodes": 2,
    "gpus_per_node": 4,
    "nvlink_domain": "host",
    "nameplate_kw": 10,
    "observed_peak_kw": 8,
    "percentile_kw": 7,
    "idle_kw": 2,
    "liquid": "75 %",
    "flow_lpm": 12,
    "gpu_peak_w": 700,
    "gpu_idle_w": 90,
    "r_th_k_per_w": 0.045,
    "slowdown_c": 87,
    "air_w_per_k": 200,
    "source": "[A] test",
}


def hall(name: str = "H1", **fields: Any) -> dict[str, Any]:
    """Return a hall of 6 arrays of 8 boxes: 80 kW nameplate an array, 480 kW in all."""
    return {
        "name": name,
        "power": {"scheme": "4N/3", "ups_kw": 100},
        "arrays": [{"count": 6, "racks": 8, "rack": "box"}],
        **fields,
    }


def compact(*halls: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a compact site of `halls` as plain data, with a PUE of 1.25."""
    return {
        "name": "test",
        "ambient": {"dry_bulb_c": 35, "wet_bulb_c": 25},
        "power_basis": "observed_peak",
        "rack_types": {"box": BOX},
        "halls": list(halls) or [hall()],
        "prices": {"pue": 1.25},
        **fields,
    }


def mistakes_of(data: dict[str, Any]) -> list[str]:
    """Return the mistakes of a compact site as text."""
    mistakes = Mistakes()
    site = expand_site(SiteFile.model_validate(data), Document("site.yaml", data), mistakes)
    assert (site is None) == bool(mistakes)
    try:
        mistakes.raise_if_any()
    except InputError as error:
        return [str(each) for each in error.mistakes]
    return []


def expand(*halls: dict[str, Any], **fields: Any) -> Site:
    """Return the explicit site of a compact one without mistakes."""
    mistakes, data = Mistakes(), compact(*halls, **fields)
    site = expand_site(SiteFile.model_validate(data), Document("site.yaml", data), mistakes)
    mistakes.raise_if_any()
    assert site is not None
    return site
