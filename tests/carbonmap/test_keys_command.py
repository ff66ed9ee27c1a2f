"""`carbonmap keys` and `carbonmap database`, as whoever runs a server types them."""

import getpass
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.database import Database
from api.database_tables import REVISION
from api.keys import KEY, KeyHolder, Keys
from api.settings import Settings
from carbonmap.errors import RegionError
from carbonmap.keys import _end_of
from carbonmap.resources import web_folder

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., tuple[int, str, str]]) -> Run:
    """Run `carbonmap ...` over an empty store; variables are given by name."""
    (tmp_path / "store").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CARBONMAP_")]:
        monkeypatch.delenv(name)

    def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            patch.setenv("CARBONMAP_STORE", str(tmp_path / "store"))
            for name, value in variables.items():
                patch.setenv(name, value)
            return command(*arguments)

    return run


def printed(done: tuple[int, str, str]) -> str:
    code, out, errors = done
    assert code == 0, errors
    return out


def refused(done: tuple[int, str, str], *words: str) -> None:
    """One paragraph and exit code 2."""
    code, out, errors = done
    assert (code, out) == (2, "")
    assert errors.startswith("carbonmap: ")
    assert len(errors.splitlines()) == 1
    for word in words:
        assert word in errors


def test_a_key_can_be_piped(tmp_path: Path, project: Path) -> None:
    (tmp_path / "store").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(project), "CARBONMAP_STORE": str(tmp_path / "store")}
    command = [sys.executable, "-m", "carbonmap", "keys", "create", "--role", "planner", "--name", "Ann"]
    made = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    key = made.stdout.removesuffix("\n")
    assert KEY.fullmatch(key), "the key stands alone on standard output"
    assert key[3:13] in made.stderr
    assert key not in made.stderr


def test_the_life_of_a_key(run: Run, tmp_path: Path) -> None:
    key = printed(run("keys", "create", "--role", "planner", "--name", "도시계획과", "--expires", "2999-12-31")).strip()
    keys = Keys(Database.of(Settings(store=tmp_path / "store")))
    until = datetime(3000, 1, 1, tzinfo=UTC)
    assert keys.holder(key) == KeyHolder(key[3:13], "도시계획과", "planner", until)

    [line] = json.loads(printed(run("keys", "list", "--json")))
    assert (line["prefix"], line["state"], line["expires"]) == (key[3:13], "valid", "3000-01-01T00:00:00Z")
    header, row = printed(run("keys", "list")).splitlines()
    assert header.split() == ["prefix", "role", "state", "created", "expires", "revoked", "name"]
    assert row.split()[:3] == [key[3:13], "planner", "valid"]

    assert printed(run("keys", "revoke", key[3:13])) == "revoked\n"
    assert printed(run("keys", "revoke", key[3:13])) == "it was revoked before\n"
    assert not isinstance(keys.holder(key), KeyHolder)
    revoked, created = json.loads(printed(run("keys", "audit", "--json")))
    assert [entry["action"] for entry in (revoked, created)] == ["key.revoke", "key.create"]
    assert {entry["who"] for entry in (revoked, created)} == {f"operator {getpass.getuser()}"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created["at"])
    assert "key.revoke" in printed(run("keys", "audit", "--most", "1"))


def test_a_settings_file_names_the_store_unless_a_variable_or_the_command_does(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text('store = "of-the-file"\n', "utf-8")
    for name in ("of-the-file", "given"):
        (tmp_path / name).mkdir()
    ask = ("keys", "create", "--role", "planner", "--name", "Ann", "--settings", str(file))
    for variable, given, used in [
        ("", [], "of-the-file"),
        (str(tmp_path / "store"), [], "store"),
        ("", ["--store", "given"], "given"),
    ]:
        printed(run(*ask, *given, CARBONMAP_STORE=variable))
        assert (tmp_path / f"{used}.sqlite").is_file()
        assert f"{used}.sqlite is ready" in printed(
            run("database", "status", "--settings", str(file), *given, CARBONMAP_STORE=variable)
        )
        (tmp_path / f"{used}.sqlite").unlink()


def test_so_does_it_for_the_server_with_the_folder_of_the_map(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Settings] = []
    monkeypatch.setattr("api.server.serve", lambda settings, *_, **__: asked.append(settings))
    file = tmp_path / "server.toml"
    file.write_text('store = "of-the-file"\nweb = "own-map"\n', "utf-8")
    printed(run("serve", "--settings", str(file), CARBONMAP_STORE=""))
    printed(run("serve", "--settings", str(file), "--store", "given", CARBONMAP_STORE="", CARBONMAP_WEB="their-map"))
    printed(run("serve", CARBONMAP_STORE=""))
    shipped = web_folder()
    assert [(settings.store, settings.web) for settings in asked] == [
        (Path("of-the-file"), Path("own-map")),
        (Path("given"), Path("their-map")),
        (Path("store"), shipped),
    ]


def test_before_there_is_a_key(run: Run, tmp_path: Path) -> None:
    assert "carbonmap keys create" in printed(run("keys", "list"))
    assert json.loads(printed(run("keys", "audit", "--json"))) == []
    refused(run("keys", "revoke", "0123456789"), "there is no database", "carbonmap keys create")
    refused(run("database", "status"), "there is no database")
    assert [file.name for file in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--expires", "tomorrow"], ["--expires: got 'tomorrow'", "2027-12-31"]),
        (["--expires", "2999-12-31T12:00"], ["time zone"]),
        (["--expires", "10000-01-01"], ["expected a day"]),
        (["--expires", "2020-01-01"], ["is over"]),
        (["--store", "nowhere"], ["no store at nowhere", "--store"]),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_paragraph(run: Run, arguments: list[str], words: list[str]) -> None:
    refused(run("keys", "create", "--role", "admin", "--name", "Ann", *arguments), *words)


def test_a_role_that_there_is_not_is_refused_with_those_there_are(run: Run) -> None:
    done = run("keys", "create", "--role", "owner", "--name", "Ann")
    assert done[0] == 2
    assert "planner" in done[2]
    assert "admin" in done[2]


def test_a_day_ends_in_utc_and_a_moment_where_it_is() -> None:
    assert _end_of("9999-12-31").isoformat() == "9999-12-31T23:59:59.999999+00:00"
    assert _end_of("2027-12-31") == datetime(2028, 1, 1, tzinfo=UTC)
    assert _end_of("2027-12-31T12:00+09:00") == datetime(2027, 12, 31, 3, tzinfo=UTC)
    assert _end_of("2027-12-31T12:00Z") == datetime(2027, 12, 31, 12, tzinfo=UTC)
    with pytest.raises(RegionError, match="expected a day"):
        _end_of("31.12.2027")


def test_with_postgresql(run: Run, postgresql: Any, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(postgresql.password)
    url = postgresql.url(postgresql.make_database(), password="")
    where = {"CARBONMAP_DATABASE_URL": url, "CARBONMAP_DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
    create = ("keys", "create", "--role", "admin", "--name", "Ann")
    refused(run(*create, **where), "has no tables yet", "carbonmap database upgrade")
    newest = REVISION
    assert f"was upgraded from nothing: revision {newest}" in printed(run("database", "upgrade", **where))
    assert f"is up to date: revision {newest}" in printed(run("database", "upgrade", **where))
    status = printed(run("database", "status", **where))
    assert f"is ready: revision {newest}" in status
    assert postgresql.password not in status
    key = printed(run(*create, **where)).strip()
    assert key[3:13] in printed(run("keys", "list", **where))
    assert not list(tmp_path.glob("*.sqlite"))
    (tmp_path / "password").write_text("wrong")
    refused(run("keys", "list", **where), "password authentication failed")
