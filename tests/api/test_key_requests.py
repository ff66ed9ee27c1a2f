"""Keys as requests bring them: to a real server, to several workers, and while the database is away."""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from anyio import CapacityLimiter
from fastapi import Depends, FastAPI, Request, Response
from openapi_spec_validator import validate
from sqlalchemy import text

from api import errors
from api.answers import answer
from api.app import create_app
from api.database import Database
from api.database_tables import VERSION_TABLE
from api.errors import TooManyTries
from api.holders import OPTIONAL_KEY, THREADS, HolderParam, needs, note
from api.keys import Actor, KeyHolder, Keys
from api.middleware import Confidential
from api.models import Problem
from api.settings import Settings
from api.tries import MOST_ADDRESSES, MOST_TRIES, WINDOW_S, Tries, network_of
from api.watch import configure_logs

ME = Actor("a test", "here")
SELF = "/api/keys/self"
OPEN = "/api/town/collections/grid-1km/items?limit=1"
NOT_VALID = "this key is not valid: check it, or ask whoever runs the server for another"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def wait_for(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within a minute."""
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def keys(database: Database) -> Keys:
    database.upgrade()
    return Keys(database)


@pytest.fixture
def keyed(keys: Keys, database_settings: Settings, serving: Callable[..., httpx.Client]) -> httpx.Client:
    """A server over the database of the keys."""
    return serving(database_settings.store, database_url=database_settings.database_url)


# --- a real server ----------------------------------------------------------------------------------------------------


def test_who_has_a_key_is_told_who_they_are(keys: Keys, keyed: httpx.Client) -> None:
    key = keys.create("도시계획과", "planner", ME)
    told = keyed.get(SELF, headers=bearer(key))
    assert told.status_code == 200
    assert told.json() == {"name": "도시계획과", "role": "planner", "prefix": key[3:13], "expires": None}
    assert told.headers["cache-control"] == "private, no-store"
    assert "Authorization" in told.headers["vary"]
    assert "etag" not in told.headers
    for scheme in ("bearer", "BEARER  "):
        assert keyed.get(SELF, headers={"Authorization": f"{scheme} {key}"}).status_code == 200


def test_no_answer_says_why_a_key_is_refused(keys: Keys, keyed: httpx.Client) -> None:
    good, revoked = keys.create("Ann", "admin", ME), keys.create("Bob", "admin", ME)
    keys.revoke(revoked, ME)
    over = Keys(keys._database, lambda: keys._now().replace(year=2020)).create(
        "Cy", "admin", ME, keys._now().replace(year=2021)
    )
    wrong = [revoked, over, good[:-1] + ("0" if good[-1] != "0" else "1"), f"ck_0000000000_{'0' * 64}", "x", "x y"]
    answers = [keyed.get(SELF, headers=bearer(key)) for key in wrong]
    answers.append(keyed.get(SELF, headers={"Authorization": good}))
    answers.append(keyed.get(SELF, headers=[("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")]))
    for told in answers:
        assert told.status_code == 401
        Problem.model_validate(told.json())
        assert told.json()["detail"] == NOT_VALID
        assert told.headers["www-authenticate"] == 'Bearer realm="carbonmap", error="invalid_token"'
        assert told.headers["content-type"] == "application/problem+json"
        assert "no-store" in told.headers["cache-control"]
    assert keyed.get(SELF, headers=bearer(good)).status_code == 200


def test_without_a_key_one_is_asked_for(keyed: httpx.Client) -> None:
    for headers in ({}, {"Authorization": "Basic YW5uOnNlY3JldA=="}):
        told = keyed.get(SELF, headers=headers)
        assert told.status_code == 401
        assert told.headers["www-authenticate"] == 'Bearer realm="carbonmap"'
        assert "Authorization: Bearer" in told.json()["detail"]


def test_what_is_public_asks_nobody(keyed: httpx.Client) -> None:
    plain = keyed.get(OPEN)
    for headers in (bearer("nonsense"), bearer(f"ck_0000000000_{'0' * 64}"), {"Authorization": "Basic eDp5"}):
        told = keyed.get(OPEN, headers=headers)
        assert (told.status_code, told.content) == (200, plain.content)
        assert told.headers["cache-control"] == plain.headers["cache-control"]


def test_while_the_file_of_the_keys_is_gone_a_key_is_no_guess(
    own_store: Any, tmp_path: Path, serving: Callable[..., httpx.Client]
) -> None:
    file = tmp_path / "keys.sqlite"
    url = f"sqlite:///{file}"
    database = Database.of(Settings(store=own_store.path, database_url=url))
    database.upgrade()
    key = Keys(database).create("Ann", "planner", ME)
    client = serving(own_store.path, database_url=url)
    assert client.get(SELF, headers=bearer(key)).status_code == 200
    file.rename(tmp_path / "away")
    told = [client.get(SELF, headers=bearer(key)) for _ in range(MOST_TRIES + 1)]
    assert {answer.status_code for answer in told} == {503}
    assert str(tmp_path) not in told[0].text
    later = serving(own_store.path, database_url=url)  # has never seen the file
    assert {later.get(SELF, headers=bearer(key)).status_code for _ in range(MOST_TRIES + 1)} == {401}
    (tmp_path / "away").rename(file)
    for server in (client, later):
        assert server.get(SELF, headers=bearer(key)).status_code == 200


def test_a_moment_that_is_none_is_the_databases_fault(
    own_store: Any, tmp_path: Path, serving: Callable[..., httpx.Client]
) -> None:
    url = f"sqlite:///{tmp_path / 'keys.sqlite'}"
    database = Database.of(Settings(store=own_store.path, database_url=url))
    database.upgrade()
    key = Keys(database).create("Ann", "planner", ME)
    with database.writing() as connection:
        connection.execute(text("UPDATE keys SET expires_at = 'some day'"))
    assert serving(own_store.path, database_url=url).get(SELF, headers=bearer(key)).status_code == 503


def test_without_any_database_every_key_is_refused(own_store: Any, serving: Callable[..., httpx.Client]) -> None:
    client = serving(own_store.path)
    assert client.get(SELF, headers=bearer(f"ck_0123456789_{'0' * 64}")).status_code == 401
    assert client.get(OPEN).status_code == 200
    assert not list(own_store.path.parent.glob("*.sqlite*"))


def test_pages_of_other_hosts_may_send_keys(client: httpx.Client) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    told = client.options(SELF, headers={**asked, "Access-Control-Request-Headers": "authorization"})
    assert told.status_code == 200
    assert "authorization" in told.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize("name", ["key", "api_key", "Token", "access_token", "anything"])
def test_keys_in_addresses_are_refused_by_name(client: httpx.Client, name: str) -> None:
    told = client.get("/api/regions", params={name: f"ck_0123456789_{'a' * 64}"})
    assert told.status_code == 400
    assert told.json()["detail"].startswith(f"{name}: a key never goes into an address")
    assert "aaaa" not in told.text


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_key_is_ever_in_the_log(
    keyed: httpx.Client, keys: Keys, capfd: pytest.CaptureFixture[str], form: Any
) -> None:
    key = keys.create("Ann", "admin", ME)
    secret = key.split("_")[2]
    loggers = [logging.getLogger(name) for name in ("carbonmap", "uvicorn")]
    kept = [(logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    configure_logs(form)
    said = ""
    try:
        keyed.get(SELF, headers=bearer(key))
        keyed.get(SELF, params={"key": key})
        keyed.get(f"/api/{key}/collections", params={"x": key.replace("_", "%5f")})
        keyed.get(f"/{key}")
        keys.revoke(key, ME)
        keyed.get(SELF, headers=bearer(key))

        def written() -> bool:
            nonlocal said
            said += capfd.readouterr().err
            return said.count(SELF) >= 3

        assert wait_for(written)
    finally:
        for logger, (handlers, propagate, level) in zip(loggers, kept, strict=True):
            logger.handlers[:] = handlers
            logger.propagate = propagate
            logger.setLevel(level)
    assert secret not in said
    assert f"revoked, prefix {key[3:13]}" in said
    assert said.count("(hidden)") >= 3


def test_the_definition_tells_of_keys(client: httpx.Client) -> None:
    document = client.get("/api/openapi.json").json()
    validate(document)
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    known = document["paths"][SELF]["get"]
    assert known["security"] == [{"key": []}]
    assert {"401", "403", "429", "503"} <= set(known["responses"])


# --- routes that look at keys -----------------------------------------------------------------------------------------


@pytest.fixture
def routes(keys: Keys) -> Callable[..., httpx.Response]:
    """Addresses as other routes write them: ask(path, **headers)."""
    app = FastAPI()
    errors.install(app)
    app.add_middleware(Confidential)
    app.state.settings = Settings(store=Path("store"))
    app.state.keys, app.state.tries, app.state.key_threads = keys, Tries(), CapacityLimiter(8)

    @app.get("/both", openapi_extra=OPTIONAL_KEY)
    def both(request: Request, holder: HolderParam) -> Response:
        if holder is not None:
            note(request, holder, "both.read", "something")
        return answer(request, lambda: (holder.name if holder else "nobody").encode(), of="x")

    @app.get("/admin")
    def admin(holder: Annotated[KeyHolder, Depends(needs("admin"))]) -> str:
        return holder.name

    def ask(path: str, **headers: str) -> httpx.Response:
        import asyncio

        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(go())

    ask.app = app  # type: ignore[attr-defined]
    return ask


def test_an_admins_address_is_for_admins(routes: Callable[..., httpx.Response], keys: Keys) -> None:
    planner, admin = keys.create("Ann", "planner", ME), keys.create("Bob", "admin", ME)
    assert routes("/admin", **bearer(admin)).json() == "Bob"
    refused = routes("/admin", **bearer(planner))
    assert refused.status_code == 403
    assert refused.headers["www-authenticate"].endswith('error="insufficient_scope"')
    assert "'admin'" in refused.json()["detail"]
    assert refused.headers["cache-control"] == "private, no-store"
    assert routes("/admin").status_code == 401


def test_who_has_a_key_is_not_told_that_they_know_the_public_answer(
    routes: Callable[..., httpx.Response], keys: Keys
) -> None:
    key = keys.create("Ann", "admin", ME)
    public = routes("/both")
    assert (public.text, public.headers["vary"], public.headers["cache-control"]) == (
        *("nobody", "Authorization"),
        "public, no-cache",
    )
    tag = {"If-None-Match": public.headers["etag"]}
    assert routes("/both", **tag).status_code == 304
    for headers in (bearer(key), {**bearer(key), **tag}, {**bearer(key), "If-None-Match": "*"}):
        told = routes("/both", **headers)
        assert (told.status_code, told.text) == (200, "Ann")
        assert told.headers["cache-control"] == "private, no-store"
        assert "etag" not in told.headers


def test_what_a_holder_does_is_audited(routes: Callable[..., httpx.Response], keys: Keys) -> None:
    key = keys.create("Ann", "admin", ME)
    routes("/both", **bearer(key))
    entry = keys.audited(1)[0]
    assert (entry.who, entry.origin) == (f"key {key[3:13]} Ann", "127.0.0.1")
    assert (entry.action, entry.subject) == ("both.read", "something")


def test_a_key_that_may_be_given_is_described_as_such(routes: Any) -> None:
    assert routes.app.openapi()["paths"]["/both"]["get"]["security"] == [{}, {"key": []}]


# --- trying many keys -------------------------------------------------------------------------------------------------


def test_who_tries_many_keys_is_told_to_come_later(keys: Keys, keyed: httpx.Client) -> None:
    key = keys.create("Ann", "admin", ME)
    codes = [keyed.get(SELF, headers=bearer(f"ck_{number:010x}_{'0' * 64}")).status_code for number in range(40)]
    assert codes == [401] * MOST_TRIES + [429] * (40 - MOST_TRIES)
    assert keyed.get(SELF, headers=bearer(key)).status_code == 200, "others of that address may hold a key"
    told = keyed.get(SELF, headers=bearer(f"ck_{40:010x}_{'0' * 64}"))
    assert told.status_code == 429
    assert 1 <= int(told.headers["retry-after"]) <= WINDOW_S
    assert f"{MOST_TRIES} keys" in told.json()["detail"]
    assert keyed.get(OPEN).status_code == 200


def test_tries_are_forgotten_after_a_minute_and_counted_by_network() -> None:
    now = 1_000.0
    tries = Tries(most=2, now=lambda: now)
    for _ in range(2):
        tries.refuse_too_many("2001:db8::1")
        tries.count("2001:db8::1")
    with pytest.raises(TooManyTries) as told:
        tries.refuse_too_many("2001:db8::ffff")
    assert told.value.headers == {"Retry-After": "60"}
    tries.refuse_too_many("2001:db8:0:1::1")
    tries.refuse_too_many("192.0.2.1")
    now += WINDOW_S
    tries.refuse_too_many("2001:db8::1")
    tries.count("2001:db8::1")
    tries.refuse_too_many("2001:db8::1")


def test_one_network_is_one_however_its_addresses_are_written() -> None:
    assert network_of("::ffff:192.0.2.1") == network_of("::ffff:c000:201") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("::ffff:192.0.2.2") != network_of("::ffff:192.0.2.1")
    assert network_of("fe80::1%eth0") == network_of("fe80::2%1") == network_of("fe80::1")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("a name") == "a name"


def test_tries_of_many_addresses_do_not_fill_the_memory() -> None:
    tries = Tries(most=1)
    for number in range(MOST_ADDRESSES + 5):
        tries.count(f"host {number}")
    assert len(tries._seen) == MOST_ADDRESSES
    tries.refuse_too_many("host 0")
    with pytest.raises(TooManyTries):
        tries.refuse_too_many(f"host {MOST_ADDRESSES}")


# --- several workers --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="workers share a socket by inheriting it")
def test_a_revoked_key_is_refused_at_once_by_every_worker(small_store: Path, project: Path, tmp_path: Path) -> None:
    settings = Settings(store=small_store, database_url=f"sqlite:///{tmp_path / 'keys.sqlite'}")
    Database.of(settings).upgrade()
    keys = Keys(Database.of(settings))
    key = keys.create("Ann", "planner", ME)
    file = tmp_path / "serve_workers.py"
    file.write_text(
        "from api.server import serve; from api.settings import Settings\n"
        "if __name__ == '__main__':\n"
        "    serve(Settings.load(), port=0, workers=2, ready=lambda at: print(at, flush=True))"
    )
    environment = {**os.environ, **settings.as_environment(), "PYTHONPATH": str(project), "TMPDIR": str(tmp_path)}
    command = [sys.executable, str(file)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as server:
        try:
            assert server.stdout is not None
            at = server.stdout.readline().strip()

            def codes() -> set[int]:
                """What connections of their own are told, all open at once, so that every worker takes some."""
                with ExitStack() as stack:
                    clients = [stack.enter_context(httpx.Client(base_url=at, timeout=60)) for _ in range(8)]
                    for client in clients:
                        client.get("/api/health")
                    return {client.get(SELF, headers=bearer(key)).status_code for client in clients}

            def that_answered(status: str) -> int:
                """Workers that answered so: each counts in a file of its own."""
                files = tmp_path.glob("carbonmap-metrics-*/counter_*.db")
                told = f'"route": "{SELF}", "status": "{status}"'.encode()
                return len([1 for file in files if told in file.read_bytes()])

            assert wait_for(lambda: codes() == {200} and that_answered("200") == 2)
            keys.revoke(key, ME)
            assert codes() == {401}
            assert wait_for(lambda: codes() == {401} and that_answered("401") == 2)
        finally:
            server.terminate()
            server.wait(30)


# --- a database that cannot be used -----------------------------------------------------------------------------------


def unavailable(told: httpx.Response) -> None:
    assert told.status_code == 503
    assert 1 <= int(told.headers["retry-after"]) <= 60
    assert "needs none is served" in told.json()["detail"]


def test_while_the_database_is_away_the_public_is_served_and_keys_work_again_after(
    postgresql: Any, small_store: Path, serving: Callable[..., httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(store=small_store, database_url=postgresql.url(postgresql.make_database()))
    database = Database.of(settings)
    database.upgrade()
    key = Keys(database).create("Ann", "admin", ME)
    client = serving(small_store, database_url=settings.database_url)
    assert client.get(SELF, headers=bearer(key)).status_code == 200
    postgresql.stop()
    try:
        for _ in range(3):
            unavailable(client.get(SELF, headers=bearer(key)))
            assert client.get(OPEN).status_code == 200
            assert client.get(SELF).status_code == 401  # without a key nobody needs to be asked
        assert client.get("/api/ready").status_code == 200
    finally:
        postgresql.start()
    assert "cannot be reached" in caplog.text
    assert postgresql.password not in caplog.text
    assert wait_for(lambda: client.get(SELF, headers=bearer(key)).status_code == 200)


def test_a_database_that_does_not_answer_holds_up_nobody_else(
    small_store: Path, serving: Callable[..., httpx.Client]
) -> None:
    told: list[httpx.Response] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections and says nothing
        silent.settimeout(60)
        at = f"postgresql://ann:x@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=600"
        client = serving(small_store, database_url=at)

        def ask() -> None:
            with httpx.Client(base_url=client.base_url, timeout=60) as mine:
                told.append(mine.get(SELF, headers=bearer(f"ck_0123456789_{'0' * 64}")))

        threads = [threading.Thread(target=ask) for _ in range(60)]  # more than a process has threads
        for thread in threads:
            thread.start()
        with ExitStack() as stack:
            for _ in range(THREADS):
                stack.enter_context(silent.accept()[0])
            time.sleep(1)  # the others arrive, too
            for _ in range(5):
                assert client.get(OPEN).status_code == 200
            assert told == [], "the public waited for the database"
            silent.close()
    for thread in threads:
        thread.join()
    assert len(told) == 60
    for one in told:
        unavailable(one)


@pytest.mark.parametrize("trouble", ["newer", "damaged", "empty"])
def test_a_server_started_with_a_database_it_cannot_use_says_so_and_serves_the_public(
    database: Database,
    database_settings: Settings,
    serving: Callable[..., httpx.Client],
    caplog: pytest.LogCaptureFixture,
    trouble: str,
) -> None:
    key = f"ck_0123456789_{'0' * 64}"
    expected = {"newer": "a newer version upgraded it", "damaged": "damaged", "empty": "carbonmap database upgrade"}
    if trouble == "newer":
        database.upgrade()
        with database.writing() as connection:
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = 'of-the-future'"))
    elif trouble == "damaged":
        if database.file is None:
            database.upgrade()
            with database.writing() as connection:
                connection.execute(text("DROP TABLE keys"))
            expected["damaged"] = 'relation "keys" does not exist'
        else:
            database.file.write_bytes(b"no database at all" * 100)
    elif database.file is not None:
        database.file.touch()  # a file is made ready when the server starts
        create_app(database_settings).state.database.prepare_or_say()
        assert not caplog.records
        database.check()
        return
    create_app(database_settings).state.database.prepare_or_say()
    if not (trouble == "damaged" and database.file is None):  # its revision is as it should be
        [line] = [record.getMessage() for record in caplog.records]
        assert expected[trouble] in line
        assert "what is public is served" in line
    client = serving(database_settings.store, database_url=database_settings.database_url)
    unavailable(client.get(SELF, headers=bearer(key)))
    assert expected[trouble] in caplog.text
    assert client.get(OPEN).status_code == 200


def test_a_worker_looks_at_its_database_when_it_starts(small_store: Path, project: Path, tmp_path: Path) -> None:
    (tmp_path / "keys.sqlite").write_bytes(b"no database at all" * 100)
    settings = Settings(store=small_store, database_url=f"sqlite:///{tmp_path / 'keys.sqlite'}")
    environment = {**os.environ, **settings.as_environment(), "PYTHONPATH": str(project)}
    command = [sys.executable, "-c", "from api.app import app_from_environment; print(app_from_environment().title)"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "carbonmap\n")
    assert "what is public is served" in done.stderr
    assert "restore a backup" in done.stderr
