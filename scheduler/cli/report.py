"""``rackwatt report``: one page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scheduler.cli.console import fail
from scheduler.cli.reading import DIR_OR_FILES

PAGE = "report.html"


def command(
    paths: Annotated[
        list[Path], typer.Argument(metavar=DIR_OR_FILES, help="What `plan` wrote, or three files.")
    ],
    against: Annotated[
        Path | None, typer.Option(help="Another plan or its folder: show what this one moves.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help=f"The page to write (default DIR/{PAGE}).")
    ] = None,
    png: Annotated[
        Path | None, typer.Option(help="Write a picture of the page, too; needs Chromium.")
    ] = None,
    dark: Annotated[bool, typer.Option("--dark", help="The picture in the dark theme.")] = False,
) -> None:
    """Write one HTML page that works offline: floor, power, cooling, tenants, money, findings.

    Exit codes: 0 written, 2 bad input or something that is needed is not installed.
    """
    from scheduler.cli.reading import plan_of, planned, recorded_in
    from scheduler.report.facts import gather
    from scheduler.report.page import PlotlyMissingError, page_of
    from scheduler.report.picture import PictureError, browser, take_picture
    from scheduler.words import clean
    from scheduler.write import write_together

    folder = paths[0]
    if len(paths) > 1 and out is None:
        fail("--out: expected the page to write, as there is no DIR")
    chromium = None
    if png is not None:
        chromium = browser()
        if chromium is None:
            fail("--png: needs Chromium or Chrome on the PATH; found none")
    if len(paths) == 1:
        paths[0], against = _of_an_offer(folder, against)
    problem, plan = planned(paths)
    earlier = None if against is None else plan_of(against, None)
    facts = gather(problem, plan, recorded_in(paths[0]) if len(paths) == 1 else None, earlier)
    try:
        page = page_of(facts)
    except PlotlyMissingError as error:
        fail(str(error))
    target = folder / PAGE if out is None else out
    target.parent.mkdir(parents=True, exist_ok=True)
    write_together(target.parent, {target.name: page.encode("utf-8", "backslashreplace")})
    print(clean(str(target)))
    if png is not None and chromium is not None:
        png.parent.mkdir(parents=True, exist_ok=True)
        try:
            take_picture(chromium, target, png, dark=dark)
        except PictureError as error:
            fail(str(error))
        print(clean(str(png)))


def _of_an_offer(folder: Path, against: Path | None) -> tuple[Path, Path | None]:
    """Of what ``rackwatt offer`` wrote, return the plan with the offers, against that without."""
    inside, without = folder / "with", folder / "without"
    if (folder / "plan.json").exists() or not (inside / "plan.json").exists():
        return folder, against
    return inside, (without if against is None and (without / "plan.json").exists() else against)
