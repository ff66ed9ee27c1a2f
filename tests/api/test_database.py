"""The database of keys: the same tables in SQLite and a real PostgreSQL, upgraded once, and its troubles told."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import api.database
from api.database import Database
from api.database_tables import REVISION, VERSION_TABLE, metadata
from api.errors import DatabaseAway, DatabaseMissing, DatabaseNotReady, SettingsError
from api.keys import Actor, KeyHolder, Keys
from api.settings import Settings

ME = Actor("a test", "here")
STEP = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{revision}", "{before}"
def upgrade():
    op.create_table("added", sa.Column("id", sa.Integer, primary_key=True))
    {then}
"""


def described(database: Database) -> list[Any]:
    """How the tables differ from what the program says they are."""
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, metadata))


@pytest.fixture
def with_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path) -> Callable[..., None]:
    """Let the program know one step more, as a later version would."""

    def add(revision: str = "later", then: str = "pass") -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(project / "api" / "migrations", folder, ignore=shutil.ignore_patterns("__pycache__"))
        step = STEP.format(revision=revision, before=REVISION, then=then)
        (folder / "versions" / "later.py").write_text(step, "utf-8")
        steps = ScriptDirectory(str(folder))
        monkeypatch.setattr(api.database, "_steps", lambda: steps)
        monkeypatch.setattr(api.database, "REVISION", revision)

    return add


def set_revision(database: Database, revision: str) -> None:
    with database.writing() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'"))


# --- upgrading --------------------------------------------------------------------------------------------------------


def test_upgrading_makes_the_tables_the_program_knows_and_then_does_nothing(database: Database) -> None:
    assert database.upgrade() == (None, REVISION)
    assert described(database) == []
    key = Keys(database).create("Ann", "planner", ME)
    assert database.upgrade() == (REVISION, REVISION)
    assert [record.prefix for record in Keys(database).listed()] == [key.split("_")[1]]


def test_the_tables_are_those_of_the_last_step() -> None:
    assert api.database._steps().get_heads() == [REVISION]


def test_a_difference_between_tables_and_program_would_be_seen(database: Database) -> None:
    database.upgrade()
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE keys DROP COLUMN expires_at"))
    assert described(database) != []


def test_several_processes_upgrade_at_once_and_one_does_it(
    database_settings: Settings, at_once: Callable[[str, Settings], list[str]]
) -> None:
    said = at_once("print(Database.of(settings).upgrade())", database_settings)
    newest = REVISION
    assert sorted(said) == sorted([str((None, newest)), *[str((newest, newest))] * 3])


def test_what_is_older_is_told_and_then_upgraded(database: Database, with_a_step: Callable[..., None]) -> None:
    database.upgrade()
    key = Keys(database).create("Ann", "planner", ME)
    before = REVISION
    with_a_step()
    with pytest.raises(DatabaseNotReady, match=r"older.*carbonmap database upgrade"):
        database.check()
    if database.file is None:  # other machines may use it still
        with pytest.raises(DatabaseNotReady, match="older"):
            database.prepare()
        assert database.upgrade() == (before, "later")
    else:
        database.prepare()
    assert Keys(database).holder(key).prefix == key.split("_")[1]
    with database.reading() as connection:
        assert inspect(connection).has_table("added")


def test_a_step_that_fails_changes_nothing(database: Database, with_a_step: Callable[..., None]) -> None:
    database.upgrade()
    before = REVISION
    with_a_step(then="raise RuntimeError('half way')")
    with pytest.raises(RuntimeError, match="half way"):
        database.upgrade()
    with database._transaction("BEGIN") as connection:
        assert not inspect(connection).has_table("added")
        assert connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) == before


def test_a_newer_database_is_left_alone_and_told(database: Database) -> None:
    database.upgrade()
    set_revision(database, "of-the-future")
    for use in (database.check, database.upgrade, database.prepare, lambda: Keys(database).create("A", "admin", ME)):
        with pytest.raises(DatabaseNotReady, match=r"'of-the-future'.*newer version upgraded it.*restore a backup"):
            use()


def test_tables_of_another_program_are_not_touched(database: Database) -> None:
    if database.file is not None:
        database.file.touch()
    with database._transaction("BEGIN IMMEDIATE") as connection:
        connection.execute(text("CREATE TABLE keys (id integer)"))
    with pytest.raises(DatabaseNotReady, match="tables keys that are not of carbonmap"):
        database.upgrade()


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def beside(tmp_path: Path) -> Database:
    """The database that a store has without any setting; nothing was made yet."""
    (tmp_path / "store").mkdir()
    return Database.of(Settings(store=tmp_path / "store"))


def test_a_file_is_made_by_writing_and_not_by_looking(beside: Database, tmp_path: Path) -> None:
    assert beside.file == (tmp_path / "store.sqlite").resolve()
    beside.prepare()
    with pytest.raises(DatabaseMissing, match="carbonmap keys create"):
        beside.check()
    assert Keys(beside).listed() == []
    assert list(tmp_path.iterdir()) == [tmp_path / "store"]


@pytest.mark.skipif(os.name == "nt", reason="files have no such modes there")
def test_only_the_stores_owner_may_read_the_file(beside: Database, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path / "store", 65534, 65534)
    beside.upgrade()
    with beside.writing() as connection:
        connection.execute(text("DELETE FROM keys"))
        files = sorted(tmp_path.glob("store.sqlite*"))
        assert [file.name for file in files] == ["store.sqlite", "store.sqlite-shm", "store.sqlite-wal"]
        for file in files:
            assert file.stat().st_mode & 0o777 == 0o600
            assert file.stat().st_uid == (tmp_path / "store").stat().st_uid


def test_readers_go_on_beside_a_writer(beside: Database) -> None:
    beside.upgrade()
    with beside.writing() as connection:
        connection.execute(text("DELETE FROM audit"))
        beside.check()


def test_who_waits_too_long_for_a_writer_is_told(beside: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    beside.upgrade()
    assert beside.file is not None
    monkeypatch.setattr(api.database, "_WAIT_S", 0.2)
    other = sqlite3.connect(beside.file, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseAway, match="held by another process"), beside.writing():
            pass
    finally:
        other.close()
    with beside.writing():
        pass


@pytest.mark.parametrize("harm", ["no database", "cut off", "overwritten", "a folder"])
def test_a_damaged_file_is_told_with_a_remedy(beside: Database, harm: str) -> None:
    beside.upgrade()
    Keys(beside).create("Ann", "planner", ME)
    assert beside.file is not None
    whole = beside.file.read_bytes()
    for file in beside.file.parent.glob("store.sqlite*"):
        file.unlink()
    if harm == "a folder":
        beside.file.mkdir()
    else:
        page = 4096
        bytes_ = {
            "no database": b"this is a letter and no database" * 100,
            "cut off": whole[: page + 100],
            "overwritten": whole[:page] + b"\xff" * (len(whole) - page),
        }
        beside.file.write_bytes(bytes_[harm])
    with pytest.raises(DatabaseNotReady, match=r"damaged|cannot be used|no tables|not of carbonmap"):
        beside.check()


def test_a_backup_put_back_is_seen_at_once(beside: Database, tmp_path: Path) -> None:
    beside.upgrade()
    keys = Keys(beside)
    first = keys.create("Ann", "planner", ME)
    assert beside.file is not None
    with sqlite3.connect(beside.file) as whole, sqlite3.connect(tmp_path / "backup") as copy:
        whole.backup(copy)
    whole.close()
    copy.close()
    second = keys.create("Bob", "planner", ME)
    for file in beside.file.parent.glob("store.sqlite*"):
        file.unlink()
    shutil.copy(tmp_path / "backup", beside.file)
    assert [record.prefix for record in keys.listed()] == [first.split("_")[1]]
    assert second not in str(keys.listed())


# --- where it is ------------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_told_without_its_password() -> None:
    settings = Settings(store=Path("store"), database_url="postgresql://ann:secret-word@127.0.0.1:9/x")
    database = Database.of(settings)
    with pytest.raises(DatabaseAway, match="cannot be reached") as told:
        database.check()
    with pytest.raises(DatabaseAway, match="a moment ago"):  # nobody tries again at once
        database.check()
    assert "secret-word" not in f"{told.value} {database.name} {settings!r}"


@pytest.mark.parametrize(
    "given",
    ["postgresql://ann:secret-word@h:port/x", "mysql://ann:secret-word@h/x", "sqlite://", "sqlite:///:memory:", "x"],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(given: str) -> None:
    variables = {"CARBONMAP_STORE": "store", "CARBONMAP_DATABASE_URL": given}
    with pytest.raises(SettingsError, match=r"CARBONMAP_DATABASE_URL.*expected sqlite:///FILE or postgresql:") as told:
        Settings.load(environment=variables)
    assert "secret-word" not in str(told.value)


def test_the_password_may_stand_in_a_file(postgresql: Any, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{postgresql.password}\n")
    url = postgresql.url(postgresql.make_database(), password="")
    settings = Settings(store=tmp_path, database_url=url, database_password_file=tmp_path / "password")
    assert Settings.load(environment=settings.as_environment()) == settings
    Database.of(settings).upgrade()
    with pytest.raises(SettingsError, match="nowhere"):
        Database.of(settings.model_copy(update={"database_password_file": tmp_path / "nowhere"}))
    (tmp_path / "password").write_text("wrong")
    with pytest.raises(DatabaseAway, match="password authentication failed"):
        Database.of(settings).check()


def test_a_dump_put_into_an_empty_database_has_all_keys(postgresql: Any, tmp_path: Path) -> None:
    first, second = (postgresql.url(postgresql.make_database()) for _ in range(2))
    database = Database.of(Settings(store=tmp_path, database_url=first))
    database.upgrade()
    keys = [Keys(database).create(name, "admin", ME) for name in ("Ann", "도시계획과")]
    dump = str(tmp_path / "keys.backup")
    for command in (
        ["pg_dump", "--format=custom", f"--file={dump}", f"--dbname={first}"],
        ["pg_restore", "--clean", "--if-exists", "--single-transaction", f"--dbname={second}", dump],
    ):
        done = subprocess.run([postgresql.programs / command[0], *command[1:]], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
    restored = Database.of(Settings(store=tmp_path, database_url=second))
    restored.check()
    assert all(isinstance(Keys(restored).holder(key), KeyHolder) for key in keys)
    assert described(restored) == []
    Keys(restored).note(ME, "after", "a restore: numbers go on")
