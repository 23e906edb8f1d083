"""The pages of the site file and of the catalogue say what the code says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scheduler.inputs.catalogue import figures
from scheduler.inputs.hall_file import (
    AirFile,
    ArrayFile,
    CoolingFile,
    HallFile,
    LoopFile,
    PowerFile,
)
from scheduler.inputs.rack_type_file import RackTypeFile
from scheduler.inputs.site_file import (
    AmbientFile,
    DayFile,
    FabricFile,
    PlantFile,
    PricesFile,
    SiteFile,
    SwingFile,
    UtilityFile,
)

DOCS = Path(__file__).parent.parent / "docs"
PARTS: dict[str, type[BaseModel]] = {
    "Site": SiteFile,
    "`ambient`": AmbientFile,
    "`ambient.hot_days`": DayFile,
    "`halls`": HallFile,
    "`halls.power`": PowerFile,
    "`halls.cooling`": CoolingFile,
    "`halls.cooling.loop`": LoopFile,
    "`halls.cooling.air`": AirFile,
    "`halls.arrays`": ArrayFile,
    "`plant`": PlantFile,
    "`utility`": UtilityFile,
    "`fabric`": FabricFile,
    "`prices`": PricesFile,
    "`swing`": SwingFile,
    "`rack_types`": RackTypeFile,
}


def cell(field: FieldInfo) -> str:
    """The default as the page shows it."""
    if field.is_required():
        return "**required**"
    if field.default_factory is not None:
        return "all defaults"
    return "" if field.default is None else f"`{field.default}`".replace("'", "")


def table(model: type[BaseModel]) -> Iterator[str]:
    """The rows of the page for one part of the file."""
    yield "| field | unit | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        unit = extra.get("unit", "") if isinstance(extra, dict) else ""
        yield f"| `{name}` | {unit} | {cell(field)} | {field.description} |"


@pytest.mark.parametrize("title", PARTS)
def test_every_field_stands_on_the_page(title: str) -> None:
    page = (DOCS / "site-file.md").read_text("utf-8")
    _, found, rest = page.partition(f"### {title}\n\n")
    assert found
    assert rest.startswith("\n".join(table(PARTS[title])))


@pytest.mark.parametrize("name", figures())
def test_every_figure_stands_on_the_page(name: str) -> None:
    page = (DOCS / "catalogue.md").read_text("utf-8")
    row = figures()[name]

    def shown(*fields: str) -> str:
        return " | ".join(f"{row[field].value} [{row[field].tag}]" for field in fields)

    size = f"{row['nodes'].value} x {row['gpus_per_node'].value}"
    power = shown("nameplate_kw", "observed_peak_kw", "percentile_kw", "idle_kw")
    heat = shown("liquid", "flow_lpm", "air_w_per_k", "gpu_peak_w", "r_th_k_per_w", "slowdown_c")
    assert f"| `{name}` | {row['gpu'].value} | {size} | {power} |" in page
    assert f"| `{name}` | {heat} |" in page
