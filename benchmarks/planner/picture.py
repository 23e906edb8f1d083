"""Gap against time for each size, and against severity, in one HTML file without a network."""

from __future__ import annotations

import importlib
import statistics
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.planner.cases import OURS, Record, instance_name
from benchmarks.planner.verdicts import gap

# Okabe and Ito's colours, which colour-blind people tell apart; marks differ as well.
COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2")
MARKS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross")
LEAST_PERCENT = 0.01  # drawn for anything below: the axis is logarithmic

Steps = list[tuple[float, float]]  # seconds, gap from then on


def draw(document: Record, path: Path) -> str:
    """Draw the records; return a line on what came of it."""
    try:
        graph = importlib.import_module("plotly.graph_objects")
        subplots = importlib.import_module("plotly.subplots")
    except ModuleNotFoundError:
        return "no picture: plotly is not installed (extra bench)"
    good = [each for each in document["records"] if each.get("gap") is not None]
    figures = [_by_time(graph, subplots, good), *_by_severity(graph, good)]
    parts = [
        figure.to_html(full_html=False, include_plotlyjs=number == 0)
        for number, figure in enumerate(figures)
    ]
    machine = escape(f"{document['machine']['processor']}, {document['machine']['cores']} cores")
    path.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Planner</title>'
        f"<h1>Proven gap</h1><p>{machine}</p>{''.join(parts)}</html>\n",
        encoding="utf-8",
    )
    return f"picture: {path}"


def steps_of(record: Record) -> Steps:
    """Return the proven gap of a run over time: that of its own margin and bound at each moment."""
    return [
        (seconds, found)
        for seconds, margin, bound in record["curve"]
        if (found := gap(margin, bound)) is not None
    ]


def median_steps(runs: list[Steps]) -> Steps:
    """Return the median over runs at every time at which one of them changes.

    Before its first bound a run's gap is 100 %.
    """
    times = sorted({seconds for steps in runs for seconds, _ in steps})

    def at(steps: Steps, now: float) -> float:
        return next((g for seconds, g in reversed(steps) if seconds <= now), 1.0)

    return [(now, statistics.median(at(steps, now) for steps in runs)) for now in times]


def _by_time(graph: Any, subplots: Any, records: list[Record]) -> Any:
    """One panel for each instance: our seeds thin, their median thick, baselines as marks."""
    instances = list(dict.fromkeys(map(instance_name, records)))
    figure = subplots.make_subplots(
        rows=max(1, len(instances)), cols=1, subplot_titles=[escape(name) for name in instances]
    )
    styles = _styles(records)
    for row, name in enumerate(instances, start=1):
        here = [each for each in records if instance_name(each) == name]
        runs = [steps_of(each) for each in here if each["solver"] == OURS]
        for steps in runs:
            figure.add_trace(_line(graph, steps, 1, name), row=row, col=1)
        if any(runs):
            thick = _line(graph, median_steps(runs), 4, name, legend=row == 1)
            figure.add_trace(thick, row=row, col=1)
        for solver, style in styles.items():
            marks = [each for each in here if each["solver"] == solver != OURS]
            if marks:
                figure.add_trace(_mark(graph, solver, marks, style, row == 1), row=row, col=1)
        figure.update_xaxes(title_text="seconds", row=row, col=1)
        figure.update_yaxes(title_text="gap %", type="log", row=row, col=1)
    figure.update_layout(height=420 * max(1, len(instances)), template="plotly_white")
    return figure


def _by_severity(graph: Any, records: list[Record]) -> list[Any]:
    """One figure for each axis that takes several values: median gap of every solver."""
    figures = []
    with_axes = [each for each in records if each["axes"]]
    for axis in with_axes[0]["axes"] if with_axes else ():
        if len({each["axes"][axis] for each in with_axes}) < 2:
            continue
        figure = graph.Figure()
        lines: dict[tuple[str, str], dict[float, list[float]]] = {}
        for each in with_axes:
            value = each["axes"][axis]
            rest = instance_name({**each, "axes": _without(each["axes"], axis)})
            points = lines.setdefault((rest, each["solver"]), {})
            points.setdefault(value, []).append(each["gap"])
        styles = _styles(records)
        for (rest, solver), points in lines.items():
            colour, mark = styles[solver]
            figure.add_scatter(
                name=escape(f"{rest} {solver}"),
                x=sorted(points),
                y=[_percent(statistics.median(points[value])) for value in sorted(points)],
                mode="lines+markers",
                line={"color": colour, "width": 4 if solver == OURS else 1},
                marker={"symbol": mark, "size": 10},
            )
        figure.update_layout(title=f"Median gap by {escape(axis)}", template="plotly_white")
        figure.update_xaxes(title_text=escape(axis))
        figure.update_yaxes(title_text="gap %", type="log")
        figures.append(figure)
    return figures


def _without(axes: dict[str, float], axis: str) -> dict[str, float]:
    return {name: value for name, value in axes.items() if name != axis}


def _styles(records: list[Record]) -> dict[str, tuple[str, str]]:
    solvers = sorted({each["solver"] for each in records}, key=lambda name: (name != OURS, name))
    return dict(zip(solvers, zip(COLOURS, MARKS, strict=True), strict=False))


def _line(graph: Any, steps: Steps, width: int, instance: str, *, legend: bool = False) -> Any:
    return graph.Scatter(
        name=OURS if width > 1 else escape(f"{instance}, one seed"),
        x=[seconds for seconds, _ in steps],
        y=[_percent(each) for _, each in steps],
        mode="lines",
        line={"color": COLOURS[0], "width": width, "shape": "hv"},
        opacity=1.0 if width > 1 else 0.4,
        legendgroup=OURS,
        showlegend=legend,
    )


def _mark(graph: Any, solver: str, runs: list[Record], style: tuple[str, str], legend: bool) -> Any:
    """Median time and gap of a baseline, with the spread of its gaps."""
    gaps = [_percent(each["gap"]) for each in runs]
    middle = statistics.median(gaps)
    return graph.Scatter(
        name=escape(solver),
        x=[statistics.median(each["wall_s"] for each in runs)],
        y=[middle],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [max(gaps) - middle],
            "arrayminus": [middle - min(gaps)],
        },
        mode="markers",
        marker={"color": style[0], "symbol": style[1], "size": 12},
        legendgroup=solver,
        showlegend=legend,
    )


def _percent(share: float) -> float:
    return max(LEAST_PERCENT, share * 100)
