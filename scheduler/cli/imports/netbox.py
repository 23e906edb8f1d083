"""``rackwatt import netbox``: racks and power of a NetBox server, or of its saved replies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.imports.taking import take

if TYPE_CHECKING:
    from scheduler.exchange.exchanged import Imported


def command(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Folder of saved replies, or https://NETBOX.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for site.json.")],
    site: Annotated[str, typer.Option(help="Slug of the NetBox site, if it has several.")] = "",
    token_env: Annotated[
        str, typer.Option(help="Name of the environment variable that holds the token.")
    ] = "",
    token_file: Annotated[Path | None, typer.Option(help="File that holds the token.")] = None,
    rules: Annotated[
        Path | None, typer.Option("--map", help="CSV: field,value,type,nodes; what racks are.")
    ] = None,
    power_factor: Annotated[
        float, typer.Option(min=0.01, max=1, help="W / VA of alternating current.")
    ] = 0.95,
    power_basis: Annotated[
        str, typer.Option(help="nameplate, observed_peak or percentile.")
    ] = "observed_peak",
    survive: Annotated[
        str, typer.Option(help="Kinds that may fail, such as panel,feed,pdu; by default panel.")
    ] = "",
    array_field: Annotated[
        str, typer.Option(help="Custom field of racks that names their array.")
    ] = "",
    wait: Annotated[
        float, typer.Option(min=1, max=600, help="Seconds that the server may stay silent.")
    ] = 30,
) -> None:
    """Take a site from NetBox: racks, panels, feeds and PDUs, the least limit of every way.

    Exit codes: 0 written, 2 bad input, or a server that cannot be read.
    """

    def load() -> Imported:
        from scheduler.exchange.exchanged import ExchangeError
        from scheduler.exchange.netbox.choices import Choices
        from scheduler.exchange.netbox.load import Source, import_netbox
        from scheduler.exchange.netbox.patience import Patience
        from scheduler.exchange.netbox.rack_rules import read_rules
        from scheduler.exchange.netbox.token import Token
        from scheduler.inputs.mistakes import InputError, Mistakes
        from scheduler.model.units import exact
        from scheduler.words import clean

        if token_env and token_file is not None:
            raise ExchangeError(["--token-env, --token-file: expected one of them, got both"])
        token = Token.from_environment(token_env) if token_env else None
        token = Token.from_file(token_file) if token_file is not None else token
        mistakes = Mistakes()
        table = read_rules(rules, mistakes) if rules is not None else []
        try:
            mistakes.raise_if_any()
        except InputError as error:
            raise ExchangeError([*map(str, error.mistakes)]) from None
        return import_netbox(
            Source(
                place=source,
                token=token,
                site=site,
                patience=Patience(silence_s=wait),
                say=lambda line: typer.echo(clean(line), err=True),
            ),
            Choices(
                rules=tuple(table),
                power_factor=exact(power_factor),
                power_basis=power_basis,
                survive=tuple(kind.strip() for kind in survive.split(",") if kind.strip()),
                array_field=array_field,
            ),
        )

    take(load, out)
