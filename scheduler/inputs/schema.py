"""JSON Schemas of the files that people write, so that editors complete and check them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from scheduler.inputs.offer_file import OffersFile
from scheduler.inputs.site_file import SiteFile
from scheduler.inputs.workload_file import WorkloadFile, schema_of_jobs_file
from scheduler.inputs.workload_tables import COLUMNS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MODELS: Mapping[str, type[BaseModel]] = {
    "site": SiteFile,
    "workload": WorkloadFile,
    "offer": OffersFile,
}


def json_schema(kind: Literal["site", "workload", "offer"]) -> dict[str, Any]:
    """Return the schema of ``site.yaml``, ``workload.yaml`` or ``offer.yaml``."""
    schema = MODELS[kind].model_json_schema(mode="validation")
    if kind == "workload":
        for section in COLUMNS:
            fields = schema["properties"][section]
            description = fields.pop("description", f"The {section}.")
            shape = {key: fields.pop(key) for key in ("type", "items") if key in fields}
            fields |= {"description": description, "anyOf": [shape, schema_of_jobs_file()]}
    title = f"rackwatt {kind}"
    return {"$schema": DIALECT, **schema, "title": title}
