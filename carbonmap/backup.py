"""Backup and restore: editions, private tables and the database of keys and scenarios in one file, with digests."""

import errno
import hashlib
import json
import re
import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from carbonmap import __version__
from carbonmap.errors import RegionError
from gis.errors import listed
from grids.durable import sync_file, sync_folder, sync_tree
from grids.edition import Store, file_digest
from grids.locks import ProcessLock
from grids.manifest import checked_edition, checked_region
from grids.publish import INCOMING, point_to
from grids.store_errors import EditionError, InvalidName
from grids.wholeness import PRIVATE_FOLDER, has_digests, is_whole

LIST = "carbonmap-backup.json"
DATABASE = "database.sqlite"

# No region's name begins with a dot; older programs left theirs without one.
_LOCK = ".restore.lock"
_LEFTOVER = re.compile(r"\.?restore-[a-z0-9_]{8}")
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BackupList(BaseModel):
    """What a backup holds: its first member."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    program: str
    regions: dict[str, str]
    """Region -> the edition it serves."""
    files: dict[str, Digest]
    """Member -> SHA-256."""


@dataclass(frozen=True)
class Kept:
    """What was written, or put back.

    Attributes:
        regions: region -> edition.
        files: how many.
        bytes: of all of them.
        remarks: what the user should know.
    """

    regions: dict[str, str]
    files: int
    bytes: int
    remarks: tuple[str, ...] = ()


def back_up(store: Path, database: Path, to: Path, *, overwrite: bool = False) -> Kept:
    """Write the edition that each region serves, and the database beside the store, into one tar file.

    Written beside and renamed, so that a backup is whole or not there. It holds private tables: keep it as the store.

    Args:
        store: of editions.
        database: SQLite file of keys and scenarios; left out where it is not there.
        to: the file to write.
        overwrite: replace it.

    Raises:
        RegionError: nothing to back up, a damaged edition, or a file of that name.
    """
    if to.exists() and not overwrite:
        raise RegionError(f"{to} is there already; choose another name, or say --overwrite")
    regions: dict[str, str] = {}
    paths: dict[str, Path] = {}
    remarks: list[str] = []
    try:
        for region in Store(store).regions():
            edition = Store(store).open(region)
            if not is_whole(edition.folder):
                raise RegionError(
                    f"{region}: edition {edition.id} is damaged (carbonmap doctor --deep); build it again"
                )
            regions[region] = edition.id
            remarks += _untold(region, edition.folder)
            for file in sorted(edition.folder.rglob("*")):
                if file.is_file():
                    paths[f"{region}/{edition.id}/{file.relative_to(edition.folder).as_posix()}"] = file
    except EditionError as problem:
        raise RegionError(str(problem)) from None
    if not regions:
        raise RegionError(f"{store}: nothing is published there, so there is nothing to back up")
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="carbonmap-backup-", dir=to.parent) as scratch:
        if database.is_file():
            paths[DATABASE] = _copied_database(database, Path(scratch) / DATABASE)
        held = BackupList(
            program=__version__, regions=regions, files={name: file_digest(path) for name, path in paths.items()}
        )
        listing = Path(scratch) / LIST
        listing.write_text(held.model_dump_json(indent=1), encoding="utf-8")
        written = Path(scratch) / "backup.tar"
        with tarfile.open(written, "w", dereference=True) as archive:  # a link is what it points to, as for the digest
            for name, path in ({LIST: listing} | paths).items():
                archive.add(path, arcname=name, recursive=False)
        _read_back(written, held)
        written.chmod(0o600)  # it holds what the store keeps from other users
        written.replace(to)
    return Kept(regions, len(paths), to.stat().st_size, tuple(remarks))


def _untold(region: str, folder: Path) -> list[str]:
    """What to say of an edition whose private tables may be damaged without anybody being able to tell."""
    if has_digests(folder):
        return []
    return [
        f"{region}: an older program built this edition, which has no digests of private and context tables: whether "
        "they are whole is not known; build it again to have them"
    ]


def _read_back(written: Path, held: BackupList) -> None:
    """Read a backup once, as whoever restores it will: a table may have changed between its digest and its copy."""
    with tarfile.open(written, "r:") as archive:
        found = {}
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is not None and member.name != LIST:
                found[member.name] = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    differ = sorted(name for name in held.files if found.get(name) != held.files[name])
    if differ:
        raise RegionError(
            f"the backup was not written: {listed(differ, 3)} changed meanwhile, or cannot be kept; try again"
        )


def _copied_database(database: Path, to: Path) -> Path:
    """A copy that is whole even while a server writes."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return to


def restore(file: Path, store: Path, database: Path, *, overwrite: bool = False) -> Kept:
    """Put a backup back: all of it is unpacked beside and checked, then renamed into place; then regions point to it.

    An edition that is in the store with other bytes, a private table for instance, is swapped for the backup's.

    Args:
        file: of `back_up`.
        store: where to; made if it is not there.
        database: where the database goes; one that is there stays, unless `overwrite`.
        overwrite: let regions point to the backup's editions that point to others now, and replace the database.

    Raises:
        RegionError: no backup, a member that is missing, foreign or damaged, a region that serves another edition or is
            being built, a database in use, a full disk; nothing was changed.
    """
    existed = store.exists()
    try:
        with ExitStack() as held_open:
            return _restore(file, store, database, held_open, overwrite=overwrite)
    except EditionError as problem:
        raise RegionError(f"{problem}; nothing was changed") from None
    except OSError as problem:
        raise RegionError(
            f"{problem.filename or store} cannot be written: {problem.strerror or problem}. The backup may be whole: "
            "make room there, or restore elsewhere"
        ) from None
    finally:
        if not existed:
            _remove_empty(store)


def _restore(file: Path, store: Path, database: Path, held_open: ExitStack, *, overwrite: bool) -> Kept:
    """Check everything, hold everything, then switch: what can fail comes before the first change."""
    incoming = store / INCOMING
    incoming.mkdir(parents=True, exist_ok=True)
    held_open.enter_context(ProcessLock(incoming / _LOCK, "a restore into this store"))
    for left in incoming.iterdir():
        if _LEFTOVER.fullmatch(left.name):  # whoever holds the lock is the only live restore
            shutil.rmtree(left)
    scratch = Path(held_open.enter_context(tempfile.TemporaryDirectory(prefix=".restore-", dir=incoming)))
    held = _unpack(file, scratch)
    for region in sorted(held.regions):
        lock = ProcessLock(incoming / f"{region}.lock", f"a build of region {region!r} in this store")
        held_open.enter_context(lock)
    here = _served(store)
    other = sorted(region for region, edition in held.regions.items() if here.get(region, edition) != edition)
    if other and not overwrite:
        raise RegionError(
            f"{store}: {listed(other)} serves another edition now than the backup holds; nothing was changed. Say "
            "--overwrite to go back to the backup's"
        )
    remarks: list[str] = []
    differ: dict[str, list[str]] = {}
    for region, edition in held.regions.items():
        unpacked, place = scratch / region / edition, store / region / edition
        if not is_whole(unpacked):
            raise RegionError(f"{file}: edition {edition} of {region} is not whole; nothing was changed")
        remarks += _untold(region, unpacked)
        if (unpacked / PRIVATE_FOLDER).is_dir():
            (unpacked / PRIVATE_FOLDER).chmod(0o700)
        sync_tree(unpacked)
        if place.exists():
            differ[region] = _differing(held, f"{region}/{edition}/", place)
    fresh, said = _fresh_database(scratch / DATABASE, database, held_open, overwrite=overwrite)
    for region, edition in held.regions.items():
        unpacked, place = scratch / region / edition, store / region / edition
        place.parent.mkdir(exist_ok=True)
        if differ.get(region):
            place.rename(scratch / f"{region}-damaged")
            remarks.append(f"{region}: {listed(differ[region], 3)} of edition {edition} differed and came back")
        if not place.exists():
            unpacked.rename(place)
            sync_folder(place.parent)
        point_to(store, region, edition)
    if fresh is not None:
        for left in (database.with_name(database.name + suffix) for suffix in ("-wal", "-shm")):
            left.unlink(missing_ok=True)
        fresh.replace(database)
        sync_folder(database.parent)
    return Kept(held.regions, len(held.files), file.stat().st_size, (*remarks, *said))


def _served(store: Path) -> dict[str, str]:
    """Region -> the edition it serves; a region whose pointer cannot be read is there to be restored."""
    found = {}
    for region in Store(store).regions():
        with suppress(EditionError):
            found[region] = Store(store).current(region)
    return found


def _differing(held: BackupList, root: str, place: Path) -> list[str]:
    """Files of the backup that an edition in the store lacks, or has otherwise; what else lies there may stay."""
    files = {name.removeprefix(root): digest for name, digest in held.files.items() if name.startswith(root)}
    return [
        name for name, digest in files.items() if not (place / name).is_file() or file_digest(place / name) != digest
    ]


def _remove_empty(store: Path) -> None:
    """Leave no store behind where none was and nothing came; locks of a store that nobody knew of yet may go."""
    if any(path.is_dir() for path in store.glob("*") if path.name != INCOMING):
        return
    for lock in (store / INCOMING).glob("*.lock"):
        lock.unlink()
    with suppress(OSError):
        (store / INCOMING).rmdir()
        store.rmdir()


def _fresh_database(
    unpacked: Path, database: Path, held_open: ExitStack, *, overwrite: bool
) -> tuple[Path | None, tuple[str, ...]]:
    """The database of a backup, whole and beside the place where it goes; and what to say of it.

    Raises:
        RegionError: it is damaged, or a server uses the one that would be replaced.
    """
    if not unpacked.is_file():
        return None, ()
    if database.exists() and not overwrite:
        return None, (f"{database} is there and stays; --overwrite replaces it by the backup's",)
    try:
        with closing(sqlite3.connect(unpacked)) as opened:
            sound = opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        sound = False
    if not sound:
        raise RegionError("the database in the backup is damaged; nothing was changed. Use another backup")
    if database.exists():
        _refuse_in_use(database)
    database.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(held_open.enter_context(tempfile.TemporaryDirectory(prefix=".restore-", dir=database.parent)))
    fresh = beside / DATABASE
    shutil.copyfile(unpacked, fresh)
    fresh.chmod(0o600)
    sync_file(fresh)
    return fresh, (f"keys and scenarios are in {database}; start the servers again",)


def _refuse_in_use(database: Path) -> None:
    """Refuse to replace a database that somebody has open, who would write on into a file without a name.

    Leaving the write-ahead log needs the file for oneself, and puts into it what stands in the log.
    """
    try:
        with closing(sqlite3.connect(database, timeout=0)) as opened:
            opened.execute("PRAGMA journal_mode = DELETE")
            opened.execute("BEGIN EXCLUSIVE")
            opened.rollback()
    except sqlite3.OperationalError as problem:
        raise RegionError(
            f"{database} cannot be replaced: {problem}; nothing was changed. Stop the servers that use it first"
        ) from None
    except sqlite3.DatabaseError:  # no database any more: there is nothing to lose
        return


def _unpack(file: Path, to: Path) -> BackupList:
    """Unpack what the list names, and nothing else; every digest must agree."""
    try:
        with tarfile.open(file, "r:") as archive:
            first = archive.next()
            stream = archive.extractfile(first) if first is not None and first.name == LIST else None
            if stream is None:
                raise RegionError(f"{file} is no backup of carbonmap: its first member is not {LIST}")
            held = BackupList.model_validate_json(stream.read())
            _check_names(file, held)
            seen = set()
            for member in archive:
                if member is first:
                    continue
                if member.name not in held.files or not member.isreg() or member.name in seen:
                    raise RegionError(
                        f"{file}: member {member.name!r} does not belong in a backup; nothing was changed"
                    )
                seen.add(member.name)
                archive.extract(member, to, filter="data")
    except OSError as problem:
        if problem.errno in _DISK_FULL or str(problem.filename).startswith(str(to)):  # where it goes, not the file
            raise
        raise RegionError(f"{file} cannot be read: {problem.strerror or problem}") from None
    except (tarfile.TarError, EOFError, ValidationError, json.JSONDecodeError) as problem:
        raise RegionError(f"{file} cannot be read as a backup of carbonmap: {str(problem).splitlines()[0]}") from None
    missing = sorted(set(held.files) - seen)
    damaged = [name for name, digest in held.files.items() if name in seen and file_digest(to / name) != digest]
    if missing or damaged:
        raise RegionError(
            f"{file} is damaged: missing {listed(missing, 3)}, changed {listed(damaged, 3)}; nothing was changed. Use "
            "another copy of it"
        )
    return held


def _check_names(file: Path, held: BackupList) -> None:
    """Names of a list that somebody else wrote may point anywhere."""
    try:
        for region, edition in held.regions.items():
            checked_region(region)
            checked_edition(edition)
    except InvalidName as problem:
        raise RegionError(f"{file}: {problem}") from None
    roots = {f"{region}/{edition}/" for region, edition in held.regions.items()}
    for name in held.files:
        parts = PurePosixPath(name).parts
        inside = any(name.startswith(root) for root in roots) and ".." not in parts and "\\" not in name
        if name != DATABASE and not inside:
            raise RegionError(f"{file}: member {name!r} lies outside the editions it lists; nothing was changed")
