"""The command line: `carbonmap demo | check | build | serve | info | receipt | export | scenario | where | ...`."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from accounting.errors import AccountingError
from carbonmap import __version__
from carbonmap.errors import BuildStopped, RegionError
from carbonmap.keys import database_app, keys_app
from carbonmap.planning_commands import StoreOption, scenario, where
from carbonmap.resources import MissingResource
from gis.errors import GisError
from grids.errors import GridError

STOPPED = 130
"""Exit code after Ctrl-C."""

PROBLEMS = (RegionError, BuildStopped, GisError, GridError, AccountingError, MissingResource)
"""Errors of ours: one paragraph for the user, exit code 2."""

app = typer.Typer(
    name="carbonmap",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""The open carbon map: CO2e of buildings, roads and forest, shared out exactly to cells, zones and hexagons.

A region file (YAML) says what a place is and which files describe it. From it come, in this order:

    carbonmap check REGION      are the files and the region file right?
    carbonmap build REGION      make an edition (published tables with their manifest)
    carbonmap serve             the web map and the API over what was built
    carbonmap info              what is in the store
    carbonmap receipt ...       what stands behind one number
    carbonmap export ...        an edition as files for QGIS, pandas, xarray, a browser
    carbonmap scenario ...      what would change if the city grew or measures were taken
    carbonmap where ...         which zones should be managed first
    carbonmap keys ...          who may write scenarios and see private receipts

`carbonmap demo` does all of it for a synthetic city, in under a minute.""",
)
app.command()(scenario)
app.command()(where)
app.add_typer(keys_app, name="keys")
app.add_typer(database_app, name="database")


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=lambda wanted: _say_version(wanted), is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options that go before a verb."""


RegionArgument = Annotated[
    str,
    typer.Argument(
        metavar="REGION",
        help="A region file (YAML), or the name of one that ships with the program.",
        show_default=False,
    ),
]
InputsOption = Annotated[
    str | None,
    typer.Option(
        "--inputs",
        metavar="DIR",
        help="Where the region file's sources are: a folder, or s3://BUCKET/FOLDER (docs/scale.md). Default: beside "
        "the region file.",
    ),
]


class EngineName(StrEnum):
    """What `--engine` takes."""

    LOCAL = "local"
    DASK = "dask"


EngineOption = Annotated[
    EngineName,
    typer.Option(
        "--engine", help="What works on the parts of large sources: this process, or Dask workers (docs/scale.md)."
    ),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="With --engine dask: tcp://HOST:PORT of a running scheduler. Default: processes of this machine.",
    ),
]
HostOption = Annotated[str, typer.Option("--host", help="The address to listen on; 127.0.0.1 is this machine only.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")]

_NO_MEMORY = (
    "out of memory. Nothing was published. Use larger cells, a coarser H3 resolution or a smaller region, or a machine "
    "with more memory"
)

_out = Console(highlight=False, soft_wrap=True)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where inputs and store are put.")] = Path(
        "carbonmap-demo"
    ),
    buildings: Annotated[int, typer.Option("--buildings", min=200, max=10_000_000, help="Size of the city.")] = 20_000,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    serve_map: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the map, or only build it.")] = True,
) -> None:
    """Build a synthetic city, serve its map and print the address.

    Everything in it is invented by a generator with a fixed seed, and labelled so wherever a number stands.
    The second time only serves: nothing is built twice.
    """
    from carbonmap.demo import build_demo

    _compile()
    built = build_demo(folder, buildings=buildings)
    _say_built(built.store, built.region, built.edition, built.seconds)
    if serve_map:
        _serve(built.store, host, port, any_port=True)


@app.command()
def check(region: RegionArgument, inputs: InputsOption = None) -> None:
    """Check a region file and all its inputs without building anything.

    Prints counts, extents, invalid geometries, missing values, duplicates, features outside the region and coverage,
    each with a remedy. Exit code 0: can be built (warnings are listed); 2: cannot.
    """
    from carbonmap.check import check_region, print_report

    report = check_region(region, inputs)
    print_report(report, _out)
    if not report.buildable:
        raise typer.Exit(2)


@app.command()
def build(
    region: RegionArgument,
    inputs: InputsOption = None,
    store: StoreOption = Path("store"),
    engine: EngineOption = EngineName.LOCAL,
    scheduler: SchedulerOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Build an edition of a region and make it the one that is served.

    The same inputs, region file, factors and code give the same edition id and the same bytes, whichever engine works
    on them. A build that fails or is stopped (Ctrl-C) publishes nothing; what was served stays, and the same command
    goes on from the parts that were done.
    """
    from carbonmap.build import build_region
    from carbonmap.engines import engine_named
    from carbonmap.progress import Silent, Terminal

    workers = engine_named(engine.value, scheduler)
    _compile(quiet=quiet)  # this process adds up whoever does the parts, and workers of this machine find it done
    if quiet:
        built = build_region(region, inputs, store, progress=Silent(), engine=workers)
    else:
        with Terminal("Building") as progress:
            built = build_region(region, inputs, store, progress=progress, engine=workers)
    _say_built(built.store, built.region, built.edition, built.seconds)
    for line in built.summary():
        _out.print(line)


@app.command()
def serve(
    store: StoreOption = Path("store"),
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Processes; they share the port and the files in memory.")
    ] = 1,
    settings: Annotated[
        Path | None, typer.Option("--settings", help="A TOML file of settings, see docs/deploy.md.", show_default=False)
    ] = None,
) -> None:
    """Serve the web map and the API over a store; prints the address. Ctrl-C stops it."""
    _serve(store, host, port, any_port=False, workers=workers, settings=settings)


@app.command()
def info(
    store: StoreOption = Path("store"),
    region: Annotated[str | None, typer.Argument(help="A region in the store.", show_default=False)] = None,
) -> None:
    """Say what a store holds: regions, editions, totals, residuals; and which regions ship with the program."""
    from carbonmap.info import describe_region, describe_store

    lines = describe_region(store, region) if region else describe_store(store)
    for line in lines:
        _out.print(line, markup=False)


@app.command()
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


@app.command()
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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
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
    _out.print(f"{len(done.names)} files of edition {done.edition}, {size}, in {done.folder}", markup=False)


@contextmanager
def _ending_by_term() -> Iterator[None]:
    """Let SIGTERM end what is under way as an exit does, so that it takes its drafts along."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _compile(*, quiet: bool = False) -> None:
    """Compile what builds compute with, if this version has not been started on this machine before; and say so."""
    from carbonmap.warm_up import is_cold, warm_up

    if is_cold():
        if not quiet:
            sys.stderr.write("Compiling for this machine, once: about half a minute on a quiet one\n")
        warm_up()


def _say_version(wanted: bool) -> None:
    if wanted:
        _out.print(__version__)
        raise typer.Exit


def _say_built(store: Path, region: str, edition: str, seconds: float | None) -> None:
    how = "is up to date" if seconds is None else f"built in {seconds:.1f} s"
    _out.print(f"Edition {edition} of {region} {how}, in {store}", markup=False)


def _serve(
    store: Path, host: str, port: int, *, any_port: bool, workers: int = 1, settings: Path | None = None
) -> None:
    from api.errors import ApiError
    from api.server import serve as run
    from api.settings import Settings
    from carbonmap.resources import web_folder

    try:
        loaded = Settings.load(settings, store=store, web=web_folder())
        run(loaded, host, port, workers=workers, any_port=any_port, ready=_say_address)
    except ApiError as problem:
        raise RegionError(str(problem)) from None


def _say_address(address: str) -> None:
    _out.print(f"The map is at {address}   (Ctrl-C stops it)", markup=False)


def main() -> None:
    """Run the command line; every error of ours becomes one paragraph and exit code 2, never a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except PROBLEMS as problem:
        _complain(str(problem))
        raise SystemExit(2) from None
    except (KeyboardInterrupt, SystemExit) as stop:
        # Typer makes a silent exit of Ctrl-C, with the code that shells give it.
        if isinstance(stop, KeyboardInterrupt) or stop.code == STOPPED:
            _complain(
                "stopped before it was done; a build that is stopped publishes nothing, and goes on from the parts "
                "that are done when it is started again"
            )
            raise SystemExit(STOPPED) from None
        raise
    except OSError as problem:
        _complain(f"{problem.strerror or problem}: {problem.filename}" if problem.filename else str(problem))
        raise SystemExit(2) from None
    except MemoryError:
        _complain(_NO_MEMORY)
        raise SystemExit(2) from None
    except Exception as problem:
        if "bad_alloc" in str(problem):  # how the libraries in C++ say it
            _complain(_NO_MEMORY)
            raise SystemExit(2) from None
        if os.environ.get("CARBONMAP_DEBUG"):
            raise
        _complain(
            f"a mistake of the program itself ({type(problem).__name__}: {problem}). Nothing was published. Please "
            "report it with the region file; CARBONMAP_DEBUG=1 in the environment shows where it happened."
        )
        raise SystemExit(1) from None


def _complain(text: str) -> None:
    sys.stderr.write(f"carbonmap: {text}\n")
