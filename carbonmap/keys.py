"""`carbonmap keys` and `carbonmap database`: who may write and see what is private, and where that is kept."""

import getpass
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carbonmap.commands.options import SettledStoreOption
from carbonmap.errors import RegionError

if TYPE_CHECKING:  # they take half a second, which --help need not wait for
    from api.database import Database
    from api.keys import Actor, Keys
    from api.settings import Settings

keys_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""Who may write scenarios and see private receipts.

`carbonmap keys create --role planner --name 'Planning office' --expires 2027-12-31`

`carbonmap keys revoke PREFIX`

A key goes into the header `Authorization: Bearer ck_...` of a request. What is public needs none.""",
)
database_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The database that keys are kept in: a file beside the store, or PostgreSQL (docs/keys.md).",
)

SettingsOption = Annotated[
    Path | None,
    typer.Option("--settings", help="The server's TOML file of settings, see docs/deploy.md.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]


class RoleName(StrEnum):
    """What `--role` takes."""

    PLANNER = "planner"
    ADMIN = "admin"


@keys_app.command()
def create(
    role: Annotated[
        RoleName, typer.Option("--role", help="A planner writes scenarios; an admin sees private receipts, too.")
    ],
    name: Annotated[str, typer.Option("--name", metavar="WHO", help="Who will hold it.")],
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires",
            metavar="DATE",
            help="The last day (UTC) it is valid, as 2027-12-31, or a moment as 2027-12-31T12:00+09:00. Default: none.",
            show_default=False,
        ),
    ] = None,
    store: SettledStoreOption = None,
    settings: SettingsOption = None,
) -> None:
    """Make a key. It is printed this once, alone on standard output; only a digest of it is kept."""
    with _keys(store, settings, make=True) as keys:
        key = keys.create(name, role.value, _operator(), None if expires is None else _end_of(expires))
    typer.echo(key)
    sys.stderr.write("Keep it like a password: it cannot be shown again. To revoke it: carbonmap keys revoke ")
    sys.stderr.write(f"{key.split('_')[1]}\n")


@keys_app.command("list")
def list_(store: SettledStoreOption = None, settings: SettingsOption = None, as_json: JsonOption = False) -> None:
    """List all keys there ever were: prefix, role, state, since when, until when, whose."""
    from api.keys import utc_now

    with _keys(store, settings) as keys:
        listed, now = keys.listed(), utc_now()
    rows = [
        {
            "prefix": key.prefix,
            "role": key.role,
            "state": key.state(now),
            "created": _second(key.created_at),
            "expires": _second(key.expires_at),
            "revoked": _second(key.revoked_at),
            "name": key.name,
        }
        for key in listed
    ]
    _tell(rows, as_json, "no key was made yet: carbonmap keys create makes one")


@keys_app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="The ten digits after ck_.", show_default=False)],
    store: SettledStoreOption = None,
    settings: SettingsOption = None,
) -> None:
    """Revoke a key for good: the next request with it is refused, by every worker."""
    with _keys(store, settings) as keys:
        done = keys.revoke(prefix, _operator())
    typer.echo("revoked" if done else "it was revoked before")


@keys_app.command()
def audit(
    store: SettledStoreOption = None,
    settings: SettingsOption = None,
    most: Annotated[int, typer.Option("--most", min=1, help="How many entries, the latest ones.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Say who did what with keys, when and from where; the latest first."""
    with _keys(store, settings) as keys:
        entries = keys.audited(most)
    rows: list[dict[str, str | None]] = [
        {
            "at": _second(entry.at),
            "who": entry.who,
            "origin": entry.origin,
            "action": entry.action,
            "subject": entry.subject,
        }
        for entry in entries
    ]
    _tell(rows, as_json, "nothing was done yet")


@database_app.command()
def upgrade(store: SettledStoreOption = None, settings: SettingsOption = None) -> None:
    """Make the tables, or bring those of an older version up to this one; may be run again, and by several at once.

    Of a file this happens by itself; of PostgreSQL only by this command, since other machines may use it. Make a backup
    first.
    """
    with _database(store, settings) as database:
        before, after = database.upgrade()
    done = "is up to date" if before == after else f"was upgraded from {before or 'nothing'}"
    typer.echo(f"Database {database.name} {done}: revision {after}")


@database_app.command()
def status(store: SettledStoreOption = None, settings: SettingsOption = None) -> None:
    """Say where the database is and whether it can be used; exit code 2 if not."""
    from api.database_tables import REVISION

    with _database(store, settings) as database:
        database.check()
    typer.echo(f"Database {database.name} is ready: revision {REVISION}")


@contextmanager
def _database(store: Path | None, file: Path | None) -> Iterator["Database"]:
    """Open the database that a server with the same settings would use; its complaints become the command's."""
    from api.database import Database
    from api.errors import ApiError
    from api.settings import Settings

    try:
        settings = Settings.load(file, store=store)
        _refuse_no_store(settings)
        yield Database.of(settings)
    except ApiError as problem:
        raise RegionError(str(problem)) from None


@contextmanager
def _keys(store: Path | None, file: Path | None, *, make: bool = False) -> Iterator["Keys"]:
    from api.keys import Keys

    with _database(store, file) as database:
        if make and database.file is not None:
            database.upgrade()
        else:
            database.prepare()
        yield Keys(database)


def _refuse_no_store(settings: "Settings") -> None:
    """A file beside a folder that is mistyped would be one that no server looks into."""
    if settings.database_url is None and not settings.store.is_dir():
        raise RegionError(
            f"there is no store at {settings.store}, and keys are kept beside it: give the folder that is served with "
            f"--store, or a database with CARBONMAP_DATABASE_URL"
        )


def _operator() -> "Actor":
    """Whoever runs the command, as the operating system knows them."""
    from api.keys import Actor

    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        name = f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"
    return Actor(f"operator {name}", socket.gethostname())


def _end_of(text: str) -> datetime:
    """Return the moment at which a key ends: that given, or the end of the day given."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        # The last day there is has no next one.
        return (
            datetime.combine(day, time.max, UTC)
            if day == date.max
            else datetime.combine(day + timedelta(1), time(), UTC)
        )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RegionError(
            f"--expires: got {text[:80]!r}, expected a day such as 2027-12-31, or a moment with its time zone such as "
            f"2027-12-31T12:00+09:00"
        )
    return moment


def _second(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tell(rows: list[dict[str, str | None]], as_json: bool, nothing: str) -> None:
    """Print rows as JSON, or as columns under their names."""
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not rows:
        typer.echo(nothing)
        return
    lines = [list(rows[0]), *([value or "-" for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        typer.echo("  ".join(f"{value:{width}}" for value, width in zip(line, widths, strict=True)).rstrip())
