"""``rackwatt import telemetry``: power that was measured becomes the figures of a site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.imports.taking import take

if TYPE_CHECKING:
    from scheduler.exchange.exchanged import Imported


def command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Replies of Prometheus (.json) or text of exporters; or a folder.",
        ),
    ],
    site: Annotated[Path, typer.Option(help="Site whose rack types get the figures.")],
    out: Annotated[Path, typer.Option(help="Folder for site.json and what it comes from.")],
    hosts: Annotated[
        Path | None, typer.Option(help="CSV: host,rack; for hosts not called after their rack.")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Metric of GPU power in watts.")
    ] = "DCGM_FI_DEV_POWER_USAGE",
    rack_metric: Annotated[
        str, typer.Option(help="Metric of meters of whole racks in watts, if there are any.")
    ] = "",
    rack_label: Annotated[
        str, typer.Option(help="Label of such a meter that names the rack.")
    ] = "rack",
    step: Annotated[
        int, typer.Option(min=1, max=86_400, help="Seconds of a step; its highest sample counts.")
    ] = 60,
    percentile: Annotated[
        int, typer.Option(min=1, max=100, help="Percentile of the basis of that name.")
    ] = 95,
    job_label: Annotated[
        str, typer.Option(help="Label that names the job; else hpc_job, or namespace and pod.")
    ] = "",
) -> None:
    """Take observed power of racks and jobs from Prometheus or dcgm-exporter.

    Exit codes: 0 written, 2 bad input.
    """

    def load() -> Imported:
        from scheduler.exchange.telemetry.load import Reading, import_telemetry

        reading = Reading(
            metric=metric,
            rack_metric=rack_metric,
            rack_label=rack_label,
            step_s=step,
            percentile=percentile,
            job_label=job_label,
            hosts=hosts,
        )
        return import_telemetry(source, site, reading)

    take(load, out)
