"""The verbs that make an edition: `demo`, `check`, `build`."""

import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from carbonmap.commands.options import (
    CheckedInputsOption,
    HostOption,
    InputsOption,
    PortOption,
    QuietOption,
    RegionArgument,
    StoreOption,
    console,
)
from carbonmap.commands.server import serve_store


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
        # A line for every request is for who runs a server; here it would push the address out of sight.
        logging.getLogger("carbonmap.access").setLevel(logging.WARNING)
        serve_store(built.store, host, port, any_port=True)


def check(region: RegionArgument, inputs: CheckedInputsOption = None, store: StoreOption = Path("store")) -> None:
    """Check a region file and all its inputs without building anything.

    Prints counts, extents, invalid geometries, missing values, duplicates, features outside the region and coverage,
    each with a remedy; with `disclosure: {audit: true}`, also beside which editions of the store a build would be held.
    Exit code 0: can be built (warnings are listed); 2: cannot.
    """
    from carbonmap.check import check_region, print_report

    report = check_region(region, inputs, store)
    print_report(report, console)
    if not report.buildable:
        raise typer.Exit(2)


def build(
    region: RegionArgument,
    inputs: InputsOption = None,
    store: StoreOption = Path("store"),
    engine: EngineOption = EngineName.LOCAL,
    scheduler: SchedulerOption = None,
    quiet: QuietOption = False,
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
        console.print(line)


def _compile(*, quiet: bool = False) -> None:
    """Compile what builds compute with, if this version has not been started on this machine before; and say so."""
    from carbonmap.warm_up import is_cold, warm_up

    if is_cold():
        if not quiet:
            sys.stderr.write("Compiling for this machine, once: about half a minute on a quiet one\n")
        warm_up()


def _say_built(store: Path, region: str, edition: str, seconds: float | None) -> None:
    how = "is up to date" if seconds is None else f"built in {seconds:.1f} s"
    console.print(f"Edition {edition} of {region} {how}, in {store}", markup=False)
