"""The command line: `carbonmap demo | init | check | build | serve | info | receipt | export | scenario | ...`."""

import errno
import logging
import os
import sys
from typing import Annotated

import typer

from accounting.errors import AccountingError
from carbonmap import __version__
from carbonmap.commands.beginning import doctor, init
from carbonmap.commands.builds import build, check, demo
from carbonmap.commands.editions import export, info, receipt
from carbonmap.commands.options import console
from carbonmap.commands.plans import mix, scenario, where
from carbonmap.commands.quality import quality, reconcile
from carbonmap.commands.safekeeping import backup, restore
from carbonmap.commands.server import serve
from carbonmap.errors import BuildStopped, RegionError
from carbonmap.keys import database_app, keys_app
from carbonmap.resources import MissingResource
from gis.errors import GisError
from grids.errors import GridError

STOPPED = 130
"""Exit code after Ctrl-C."""

PROBLEMS = (RegionError, BuildStopped, GisError, GridError, AccountingError, MissingResource)
"""Errors of ours: one paragraph for the user, exit code 2."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_NO_ROOM = (
    "The disk is full, or nothing may be written there: make room, or choose another place (--store). A build that "
    "ends so publishes nothing, and goes on from the parts that are done when it is started again"
)

_NO_MEMORY = (
    "out of memory. Nothing was published. Use larger cells, a coarser H3 resolution or a smaller region, or a machine "
    "with more memory"
)

app = typer.Typer(
    name="carbonmap",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""The open carbon map: CO2e of buildings, roads and forest, shared out exactly to cells, zones and hexagons.

A region file (YAML) says what a place is and which files describe it. From it come, in this order:

    carbonmap init NAME         look through a folder and write its region file
    carbonmap check REGION      are the files and the region file right?
    carbonmap build REGION      make an edition (published tables with their manifest)
    carbonmap serve             the web map and the API over what was built
    carbonmap info              what is in the store
    carbonmap receipt ...       what stands behind one number
    carbonmap export ...        an edition as files for QGIS, pandas, xarray, a browser
    carbonmap scenario ...      what would change if the city grew or measures were taken
    carbonmap mix ...           which measures, how much and where, for a target or a budget
    carbonmap where ...         which zones should be managed first
    carbonmap reconcile ...     an edition against a published inventory
    carbonmap quality ...       how good an edition is, and which data would improve it most
    carbonmap doctor            is this machine, and this store, fit?
    carbonmap backup, restore   a store in one file, and back
    carbonmap keys ...          who may write scenarios and see private receipts

`carbonmap demo` does all of it for a synthetic city: the first time in a minute or two, later in seconds.""",
)
for verb in (demo, init, check, build, serve, info, receipt, export, scenario, mix, where, reconcile, quality):
    app.command()(verb)
for upkeep in (doctor, backup, restore):
    app.command()(upkeep)
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


def _say_version(wanted: bool) -> None:
    if wanted:
        console.print(__version__)
        raise typer.Exit


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
        said = f"{problem.strerror or problem}: {problem.filename}" if problem.filename else str(problem)
        _complain(f"{said}. {_NO_ROOM}" if problem.errno in _FULL else said)
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
