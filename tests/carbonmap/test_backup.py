"""Backup and restore: the same bytes come back, a damaged or foreign file changes nothing."""

import errno
import hashlib
import io
import json
import os
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from carbonmap.backup import DATABASE, LIST, back_up, restore
from carbonmap.build import build_region
from carbonmap.errors import RegionError
from carbonmap.progress import Silent
from grids.edition import Edition, Store, file_digest
from grids.locks import ProcessLock
from grids.wholeness import DIGESTS

Command = Callable[..., tuple[int, str, str]]


def digests(folder: Path) -> dict[str, str]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and ".incoming" not in file.parts]
    return {file.relative_to(folder).as_posix(): file_digest(file) for file in files}


@pytest.fixture
def kept(tiny: Any, tmp_path: Path) -> Path:
    """A backup of the tiny region and of a database with one word in it."""
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    with closing(sqlite3.connect(tmp_path / "db.sqlite")) as database:
        database.execute("create table words (word text)")
        database.execute("insert into words values ('mine')")
        database.commit()
    file = tmp_path / "backup.tar"
    back_up(tiny.store, tmp_path / "db.sqlite", file)
    return file


def edited(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of a backup, its members changed."""
    with tarfile.open(file) as archive:
        members = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    change(members)
    copy = file.with_name("edited.tar")
    with tarfile.open(copy, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return copy


def test_what_was_kept_comes_back_byte_by_byte(tiny: Any, kept: Path, tmp_path: Path, command: Command) -> None:
    assert kept.stat().st_mode & 0o077 == 0  # private tables are in it
    new = tmp_path / "elsewhere" / "store"
    code, out, err = command("restore", kept, "--store", new)
    assert (code, err) == (0, "")
    edition = Store(new).open("tiny")
    assert edition.id in out
    assert digests(new) == digests(tiny.store)
    with closing(sqlite3.connect(new.with_name("store.sqlite"))) as database:
        assert database.execute("select word from words").fetchall() == [("mine",)]
    assert command("restore", kept, "--store", new)[0] == 0  # again: nothing to do, and nothing breaks


def test_a_region_that_serves_something_newer_is_not_turned_back_unasked(tiny: Any, kept: Path, tmp_path: Path) -> None:
    before = Store(tiny.store).current("tiny")
    tiny.region["h3_resolutions"] = []
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    newer = Store(tiny.store).current("tiny")
    assert newer != before
    with pytest.raises(RegionError, match="serves another edition now"):
        restore(kept, tiny.store, tmp_path / "db.sqlite")
    assert Store(tiny.store).current("tiny") == newer
    restore(kept, tiny.store, tmp_path / "db.sqlite", overwrite=True)
    assert Store(tiny.store).current("tiny") == before


def _cut(members: dict[str, bytes]) -> None:
    name = next(name for name in members if name.endswith(".parquet"))
    members[name] = members[name][:-1] + b"x"


def _lose(members: dict[str, bytes]) -> None:
    del members[next(name for name in members if name.endswith("manifest.json"))]


def _add(members: dict[str, bytes]) -> None:
    members["../../evil"] = b"x"


def _list_outside(members: dict[str, bytes]) -> None:
    held = json.loads(members[LIST])
    held["files"]["tiny/../../evil"] = "0" * 64
    members[LIST] = json.dumps(held).encode()


def _rename_region(members: dict[str, bytes]) -> None:
    held = json.loads(members[LIST])
    held["regions"] = {"../evil": next(iter(held["regions"].values()))}
    members[LIST] = json.dumps(held).encode()


def _no_list(members: dict[str, bytes]) -> None:
    del members[LIST]


@pytest.mark.parametrize("change", [_cut, _lose, _add, _list_outside, _rename_region, _no_list])
def test_a_damaged_or_foreign_backup_changes_nothing(
    change: Callable[[dict[str, bytes]], None], kept: Path, tmp_path: Path
) -> None:
    store = tmp_path / "new" / "store"
    with pytest.raises(RegionError):
        restore(edited(kept, change), store, tmp_path / "new.sqlite")
    assert not (tmp_path / "new.sqlite").exists()
    assert not list(tmp_path.rglob("evil"))
    assert not store.exists()  # nor is a folder left behind


def test_what_cannot_be_kept_is_said(tiny: Any, kept: Path, tmp_path: Path, command: Command) -> None:
    code, _, err = command("backup", kept, "--store", tiny.store)
    assert code == 2
    assert "is there already" in err
    code, _, err = command("backup", tmp_path / "b.tar", "--store", tmp_path / "nowhere")
    assert code == 2
    (tmp_path / "text.tar").write_text("no tar", "utf-8")
    code, _, err = command("restore", tmp_path / "text.tar", "--store", tmp_path / "s")
    assert code == 2
    assert "cannot be read as a backup" in err
    edition = Store(tiny.store).open("tiny")
    table = edition.folder / "tables" / "district" / "2023.parquet"
    table.chmod(0o644)
    table.write_bytes(table.read_bytes()[:50])
    code, _, err = command("backup", tmp_path / "c.tar", "--store", tiny.store)
    assert code == 2
    assert not (tmp_path / "c.tar").exists()


def private_table(edition: Edition) -> Path:
    return next((edition.folder / "private").glob("lines-*.parquet"))


def test_a_damaged_private_table_is_found_and_comes_back(tiny: Any, kept: Path, tmp_path: Path) -> None:
    edition = Store(tiny.store).open("tiny")
    table = private_table(edition)
    whole = digests(tiny.store)
    table.write_bytes(b"broken")
    with pytest.raises(RegionError, match="is damaged"):
        back_up(tiny.store, tmp_path / "none.sqlite", tmp_path / "second.tar")
    put = restore(kept, tiny.store, tmp_path / "none.sqlite")
    assert any(table.name in remark for remark in put.remarks)
    assert digests(tiny.store) == whole


def test_private_tables_are_closed_to_other_users(tiny: Any, kept: Path, tmp_path: Path) -> None:
    restore(kept, tmp_path / "new", tmp_path / "new.sqlite")
    for store in (tiny.store, tmp_path / "new"):
        folder = Store(store).open("tiny").folder
        assert (folder / "private").stat().st_mode & 0o777 == 0o700
        assert (folder / "tables").stat().st_mode & 0o055 == 0o055


def test_an_edition_of_an_older_program_says_what_is_not_known(tiny: Any, kept: Path, tmp_path: Path) -> None:
    edition = Store(tiny.store).open("tiny")
    (edition.folder / "private" / DIGESTS).unlink()
    older = back_up(tiny.store, tmp_path / "none.sqlite", tmp_path / "older.tar")
    assert "an older program built this edition" in older.remarks[0]
    table = private_table(edition)
    whole = table.read_bytes()
    table.write_bytes(b"broken")
    put = restore(tmp_path / "older.tar", tiny.store, tmp_path / "none.sqlite")
    assert table.read_bytes() == whole  # the backup has its digest
    assert len(put.remarks) == 2


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_linked_table_is_kept_as_what_it_is(
    link: Callable[[Path, Path], None], tiny: Any, kept: Path, tmp_path: Path
) -> None:
    first, second = sorted((Store(tiny.store).open("tiny").folder / "private").glob("*.parquet"))[:2]
    elsewhere = tmp_path / "elsewhere.parquet"
    first.rename(elsewhere)
    link(first, elsewhere)
    (second.parent / "also.parquet").hardlink_to(second)
    back_up(tiny.store, tmp_path / "none.sqlite", tmp_path / "linked.tar")
    restore(tmp_path / "linked.tar", tmp_path / "new", tmp_path / "new.sqlite")
    assert digests(tmp_path / "new") == digests(tiny.store)


def test_no_region_is_switched_before_all_are_checked(tiny: Any, tmp_path: Path) -> None:
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    tiny.region["id"] = "zweite"
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    file = tmp_path / "two.tar"
    back_up(tiny.store, tmp_path / "none.sqlite", file)

    def spoil(members: dict[str, bytes]) -> None:
        name = next(name for name in members if name.startswith("zweite/") and "/tables/" in name)
        members[name] = b"broken"
        held = json.loads(members[LIST])
        held["files"][name] = hashlib.sha256(members[name]).hexdigest()  # the backup agrees with itself
        members[LIST] = json.dumps(held).encode()

    with pytest.raises(RegionError, match="of zweite is not whole; nothing was changed"):
        restore(edited(file, spoil), tmp_path / "new", tmp_path / "new.sqlite")
    assert not (tmp_path / "new").exists()


def test_a_database_in_use_is_not_replaced(tiny: Any, kept: Path, tmp_path: Path) -> None:
    served = tmp_path / "served.sqlite"
    with closing(sqlite3.connect(served)) as server:
        server.execute("PRAGMA journal_mode = WAL")
        server.execute("create table words (word text)")
        server.commit()
        with pytest.raises(RegionError, match="Stop the servers"):
            restore(kept, tmp_path / "new", served, overwrite=True)
        assert not (tmp_path / "new").exists()
        server.execute("insert into words values ('later')")
        server.commit()
    with closing(sqlite3.connect(served)) as database:
        assert database.execute("select word from words").fetchall() == [("later",)]
    restore(kept, tmp_path / "new", served, overwrite=True)
    with closing(sqlite3.connect(served)) as database:
        assert database.execute("select word from words").fetchall() == [("mine",)]


def test_a_damaged_database_and_a_missing_folder_of_it(tiny: Any, kept: Path, tmp_path: Path) -> None:
    restore(kept, tmp_path / "new", tmp_path / "not" / "yet" / "there.sqlite")
    assert (tmp_path / "not" / "yet" / "there.sqlite").is_file()

    def spoil(members: dict[str, bytes]) -> None:
        members[DATABASE] = members[DATABASE][:100] + b"x" * (len(members[DATABASE]) - 100)
        held = json.loads(members[LIST])
        held["files"][DATABASE] = hashlib.sha256(members[DATABASE]).hexdigest()
        members[LIST] = json.dumps(held).encode()

    with pytest.raises(RegionError, match="the database in the backup is damaged"):
        restore(edited(kept, spoil), tmp_path / "other", tmp_path / "other.sqlite")
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "other.sqlite").exists()


def test_a_build_under_way_is_not_disturbed(tiny: Any, kept: Path, tmp_path: Path) -> None:
    with (
        ProcessLock(tiny.store / ".incoming" / "tiny.lock", "a build of region 'tiny' in this store"),
        pytest.raises(RegionError, match="already under way"),
    ):
        restore(kept, tiny.store, tmp_path / "none.sqlite")


def test_what_a_killed_restore_left_is_cleared(tiny: Any, kept: Path, tmp_path: Path) -> None:
    incoming = tiny.store / ".incoming"
    stays = incoming / "restore-0123456789abcdef-17"  # a build's, of a region called restore
    for name in ("restore-abcd_123", ".restore-abcd_123", stays.name):
        (incoming / name / "tiny").mkdir(parents=True)
    restore(kept, tiny.store, tmp_path / "none.sqlite")
    assert sorted(path for path in incoming.iterdir() if path.is_dir()) == [stays]


def test_a_full_disk_is_no_fault_of_the_backup(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: Any, **_more: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tarfile.TarFile, "extract", full)
    with pytest.raises(RegionError, match=r"cannot be written: No space left.*may be whole"):
        restore(kept, tmp_path / "new", tmp_path / "new.sqlite")
    assert not (tmp_path / "new").exists()
