"""The verbs that keep a store safe: `backup` and `restore`."""

from pathlib import Path
from typing import Annotated

import typer

from carbonmap.commands.options import StoreOption, console

DatabaseOption = Annotated[
    Path | None,
    typer.Option(
        "--database",
        metavar="FILE",
        help="SQLite file of keys and scenarios. Default: beside the store.",
        show_default=False,
    ),
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The backup, a .tar file.", show_default=False)]


def backup(
    file: FileArgument,
    store: StoreOption = Path("store"),
    database: DatabaseOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE.")] = False,
) -> None:
    """Write what every region serves now, with keys and scenarios, into one file; servers may go on.

    It holds private tables, too: keep it where you would keep the store. A database in PostgreSQL has tools of its own
    (pg_dump). Inputs and region files are yours to keep; the same inputs build the same bytes.
    """
    from api.settings import database_beside
    from carbonmap.backup import back_up

    kept = back_up(store, database or database_beside(store), file, overwrite=overwrite)
    shown = ", ".join(f"{region} ({edition})" for region, edition in kept.regions.items())
    console.print(f"{file}: {shown}; {kept.files} files, {kept.bytes / 1e6:,.1f} MB", markup=False)
    for remark in kept.remarks:
        console.print(remark, markup=False)


def restore(
    file: FileArgument,
    store: StoreOption = Path("store"),
    database: DatabaseOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also regions that serve another edition now, and the database.")
    ] = False,
) -> None:
    """Put a backup back, on this machine or another; every digest is checked before anything is changed."""
    from api.settings import database_beside
    from carbonmap.backup import restore as put_back

    kept = put_back(file, store, database or database_beside(store), overwrite=overwrite)
    shown = ", ".join(f"{region} ({edition})" for region, edition in kept.regions.items())
    console.print(f"{store} serves {shown}", markup=False)
    for remark in kept.remarks:
        console.print(remark, markup=False)
