"""The verbs of a beginning: `init`, and `doctor` for what does not begin."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from carbonmap.commands.options import HostOption, PortOption, StoreOption, console
from carbonmap.errors import RegionError


def init(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Id of the region: lower case, part of addresses.", show_default=False),
    ],
    inputs: Annotated[
        Path,
        typer.Option("--inputs", metavar="DIR", help="The folder of your files; folders in it are looked at, too."),
    ] = Path(),
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where NAME.yaml is written. Default: this folder.", show_default=False
        ),
    ] = None,
    shipped: Annotated[
        str | None,
        typer.Option("--from", metavar="REGION", help="Copy a region that ships, instead of proposing one."),
    ] = None,
    template: Annotated[
        str | None, typer.Option("--template", help="korea, osm or uzbekistan. Default: by where the files lie.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="What the place is called.")] = None,
    crs: Annotated[str | None, typer.Option("--crs", help="A projected CRS in metres, e.g. EPSG:32642.")] = None,
    year: Annotated[
        list[int] | None, typer.Option("--year", min=1900, max=2200, help="To publish; may be given again.")
    ] = None,
    bounds: Annotated[
        str | None, typer.Option("--bounds", metavar="W,S,E,N", help="The region in degrees, instead of zones.")
    ] = None,
    boundary: Annotated[
        str | None, typer.Option("--boundary", metavar="FILE", help="The file whose zones are the region.")
    ] = None,
    languages: Annotated[
        str | None, typer.Option("--languages", metavar="LIST", help="Of names, e.g. uz,ru,en,ko.")
    ] = None,
    forms: Annotated[
        bool, typer.Option("--forms/--no-forms", help="Put CSV forms for meters, counts and stands into forms/.")
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take what is proposed.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace NAME.yaml.")] = False,
) -> None:
    """Begin a region: look through a folder, propose a region file that explains itself, say what is missing.

    Files are recognised by format, geometry and columns (OpenStreetMap, GeoPackage, shapefiles, GeoJSON, GeoParquet,
    tables, land-cover rasters); nothing in them is changed. On a terminal each choice is asked for; elsewhere, or with
    `--yes`, the proposal is taken.

    Examples: `carbonmap init my-town`; `carbonmap init songpa --inputs data --template korea --year 2023`;
    `carbonmap init jizzakh --from jizzakh`
    """
    from carbonmap.beginning.interview import chosen_lines, found_lines, interview
    from carbonmap.beginning.new_region import copy_shipped, write_proposal
    from carbonmap.beginning.proposal import Wishes, checked_id, propose

    folder = Path() if out is None else out
    checked_id(name)
    if shipped is not None:
        written = copy_shipped(name, shipped, folder, overwrite=overwrite, forms=forms)
        _say_written(written.region, written.others, None)
        return
    if (folder / f"{name}.yaml").exists() and not overwrite:
        raise RegionError(f"{folder / name}.yaml is there already; choose another name, or say --overwrite")
    wishes = Wishes(
        template, title, crs, tuple(year or ()), _bounds(bounds), boundary,
        tuple(part.strip() for part in (languages or "").split(",") if part.strip()),
    )  # fmt: skip
    console.print(f"Looking through {inputs.resolve()}", markup=False)
    proposal = propose(inputs, name, wishes)
    for line in found_lines(proposal):
        console.print(line, markup=False)
    if not yes and sys.stdin.isatty() and sys.stdout.isatty():
        answered = interview(proposal, wishes, lambda question, usual: str(typer.prompt(question, default=usual)))
        if answered != wishes:
            proposal = propose(inputs, name, answered)
    for line in chosen_lines(proposal):
        console.print(line, markup=False)
    written = write_proposal(proposal, folder, inputs, overwrite=overwrite, forms=forms)
    _say_written(written.region, written.others, None if inputs.resolve() == folder.resolve() else inputs)


def _bounds(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = east = south = north = 0.0
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise RegionError(f"--bounds {text}: expected WEST,SOUTH,EAST,NORTH in degrees, e.g. 66.6,39.5,69.1,41.2")
    return west, south, east, north


def _say_written(region: Path, others: list[Path], inputs: Path | None) -> None:
    given = f" --inputs {inputs}" if inputs is not None else ""
    console.print(f"Written: {region}" + (f", {', '.join(map(str, others))}" if others else ""), markup=False)
    console.print(f"Next: carbonmap check {region}{given}", markup=False)
    console.print(f"      carbonmap build {region}{given}", markup=False)
    console.print("      carbonmap serve", markup=False)


def doctor(
    store: StoreOption = Path("store"),
    region: Annotated[
        str | None, typer.Option("--region", metavar="REGION", help="A region file to look at, too.")
    ] = None,
    inputs: Annotated[Path | None, typer.Option("--inputs", metavar="DIR", help="Where its files are.")] = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    deep: Annotated[bool, typer.Option("--deep", help="Read every table and compare its digest.")] = False,
) -> None:
    """Say whether this machine, this installation and this store are fit; each finding has its remedy.

    Exit code 0: nothing stands in the way (warnings are listed); 2: something will not work.
    """
    from carbonmap.doctor import examine

    part, errors, warnings = "", 0, 0
    for found in examine(store, region=region, inputs=inputs, host=host, port=port, deep=deep):
        if found.part != part:
            part = found.part
            console.print(part, markup=False)
        console.print(f"  {found.level:8}{found.what}", markup=False)
        if found.remedy and found.level != "ok":
            console.print(f"          {found.remedy}", markup=False)
        errors += found.level == "error"
        warnings += found.level == "warning"
    console.print(f"{errors} errors, {warnings} warnings", markup=False)
    if errors:
        raise typer.Exit(2)
