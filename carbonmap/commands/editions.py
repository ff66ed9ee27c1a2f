"""The verbs that read a store: `info`, `receipt`, `export`."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from carbonmap.commands.options import QuietOption, StoreOption, console
from carbonmap.errors import RegionError


def info(
    store: StoreOption = Path("store"),
    region: Annotated[str | None, typer.Argument(help="A region in the store.", show_default=False)] = None,
) -> None:
    """Say what a store holds: regions, editions, totals, residuals; and which regions ship with the program."""
    from carbonmap.info import describe_region, describe_store

    lines = describe_region(store, region) if region else describe_store(store)
    for line in lines:
        console.print(line, markup=False)


def receipt(
    region: Annotated[str, typer.Argument(metavar="REGION", help="A region in the store.", show_default=False)],
    collection: Annotated[
        str, typer.Argument(metavar="COLLECTION", help="grid-100m, h3-8, or a zone set's id.", show_default=False)
    ],
    item: Annotated[
        str, typer.Argument(metavar="ID", help="A cell's code, a hexagon's or a zone's id.", show_default=False)
    ],
    year: Annotated[int | None, typer.Option("--year", help="Default: the latest.")] = None,
    store: StoreOption = Path("store"),
    top: Annotated[int, typer.Option("--top", min=0, help="How many features to list, the largest first.")] = 100,
    offset: Annotated[int, typer.Option("--offset", min=0, help="How many of them to leave out first.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with everything that is known.")] = False,
) -> None:
    """Say what stands behind one number: features, activities, factors, assumptions, inputs, and its uncertainty.

    It holds the true number, also where the public table holds it back, feature by feature: it is for whoever runs the
    build, not to be passed on.
    """
    from carbonmap.receipt import receipt_json, receipt_lines
    from grids.edition import Store
    from grids.receipts import receipt as read_receipt

    found = read_receipt(Store(store).open(region), collection, item, year, top=top, offset=offset)
    for line in [receipt_json(found)] if as_json else receipt_lines(found):
        typer.echo(line)


class ExportFormat(StrEnum):
    """What `carbonmap export` takes."""

    ALL = "all"
    GEOPARQUET = "geoparquet"
    GEOPACKAGE = "geopackage"
    CSV = "csv"
    GEOTIFF = "geotiff"
    NETCDF = "netcdf"
    PMTILES = "pmtiles"
    HTML = "html"
    DOCUMENTS = "documents"


def export(
    what: Annotated[ExportFormat, typer.Argument(metavar="FORMAT", help="See above.", show_default=False)],
    region: Annotated[str, typer.Argument(metavar="REGION", help="A region in the store.", show_default=False)],
    store: StoreOption = Path("store"),
    collection: Annotated[
        list[str] | None, typer.Option("--collection", "-c", help="Only this one; may be given again. Default: all.")
    ] = None,
    year: Annotated[list[int] | None, typer.Option("--year", "-y", help="Only this one; may be given again.")] = None,
    edition: Annotated[str | None, typer.Option("--edition", help="Default: the one that is served.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Default: REGION-EDITION in this folder.")
    ] = None,
    ahead: Annotated[
        bool, typer.Option("--ahead", help="With all: make what the server would make on demand, where it keeps it.")
    ] = False,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", help="With --ahead: the server's TOML file of settings.", show_default=False),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Write an edition as files that other programs read; the API's downloads are the same bytes.

    | FORMAT | for | what |
    |---|---|---|
    | geoparquet | GeoPandas, DuckDB, QGIS | a table per collection and year, polygons in the region's CRS |
    | geopackage | QGIS, desktop GIS | the same, as one layer |
    | csv | spreadsheets, statistics | the same with lon, lat; a description of its columns beside it |
    | geotiff | rasterio, QGIS | a Cloud-Optimised GeoTIFF per grid and year, a band per column |
    | netcdf | xarray | a file per grid over all years, CF-1.11 |
    | pmtiles | web maps | vector tiles of all zooms in one file |
    | html | a browser, offline | one page with map and legend (one collection unless told) |
    | documents | papers | licence, citation, columns, factors, assumptions, manifest |
    | all | archives | everything, with STAC and SHA256SUMS |

    Edition, year, units, whose data it is, and whether it is synthetic or illustrative stand in every file. Equal
    editions give equal bytes. Stopped by Ctrl-C, it leaves whole files only.

    Examples: `carbonmap export html demo`; `carbonmap export geotiff demo -c grid-100m -y 2023 -o rasters`;
    `carbonmap export all demo && cd demo-* && sha256sum --check SHA256SUMS`
    """
    from carbonmap.export import export_edition, make_ahead
    from carbonmap.progress import Silent, Terminal

    if ahead and (what is not ExportFormat.ALL or collection or year or edition or out):
        raise RegionError(
            "--ahead makes all files of the edition that is served, where the server looks for them: give it with the "
            "format all, and without --collection, --year, --edition and --out."
        )
    if settings and not ahead:
        raise RegionError("--settings says where a server keeps its files, and goes with --ahead only.")
    with _ending_by_term(), nullcontext(Silent()) if quiet else Terminal("Exporting") as progress:
        if ahead:
            done = make_ahead(store, region, settings, progress=progress)
        else:
            done = export_edition(
                store,
                region,
                what.value,
                edition=edition,
                collections=collection or (),
                years=year or (),
                out=out,
                progress=progress,
            )
    size = f"{done.bytes / 1e6:,.1f} MB"
    console.print(f"{len(done.names)} files of edition {done.edition}, {size}, in {done.folder}", markup=False)


@contextmanager
def _ending_by_term() -> Iterator[None]:
    """Let SIGTERM end what is under way as an exit does, so that it takes its drafts along."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
