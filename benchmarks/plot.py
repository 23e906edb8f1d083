"""A picture of a benchmark's records, in one HTML file that needs no network."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


def draw(document: dict[str, Any], path: Path) -> str:
    """Draw median times by case and size with their spread; return a line on what came of it."""
    try:
        graph = importlib.import_module("plotly.graph_objects")
    except ModuleNotFoundError:
        return "no picture: plotly is not installed (extra bench)"
    figure = graph.Figure()
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in document["records"]:
        if record["right"]:
            name = f"{record['size']} {record['severity']} {record['backend']}"
            groups.setdefault(name, []).append(record)
    for name, records in groups.items():
        median = [record["seconds"] * 1000 for record in records]
        figure.add_bar(
            name=name,
            x=[record["case"] for record in records],
            y=median,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [r["most_s"] * 1000 - m for r, m in zip(records, median, strict=True)],
                "arrayminus": [
                    m - r["least_s"] * 1000 for r, m in zip(records, median, strict=True)
                ],
            },
        )
    figure.update_layout(
        title=f"Kernels on {document['machine']['processor']}",
        yaxis={"title": "ms, median and spread", "type": "log"},
        barmode="group",
    )
    figure.write_html(path, include_plotlyjs=True)
    return f"picture: {path}"
