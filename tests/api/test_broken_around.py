"""What breaks around a server: disks that are full, stores that are swapped, sockets that are closed by halves."""

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from hostile_requests import ITEMS, get

from api.database import Database
from api.keys import Actor, Keys
from api.settings import Settings
from grids.edition import Store

FULL = Path("/dev/full")
SCENARIO: dict[str, Any] = {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 0.5}]}
_ALONE = """
import sys
from pathlib import Path
from api.server import serve
from api.settings import Settings
serve(Settings(store=Path(sys.argv[1]), log_format="json"), port=0, ready=lambda at: print(at, flush=True))
"""


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file of this process, in which the server runs too, grows beyond so many bytes: as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(not FULL.exists(), reason="Linux has a file that is always full")
def test_a_log_that_takes_no_more_stops_no_answer(small_store: Path, project: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(project)}
    with FULL.open("w") as full:
        server = subprocess.Popen(
            [sys.executable, "-c", _ALONE, str(small_store)], stdout=subprocess.PIPE, stderr=full, env=environment
        )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().decode().strip()
        with httpx.Client(base_url=address, timeout=60) as client:
            for _ in range(3):
                assert client.get("/api/town/collections").status_code == 200
                assert client.get("/api/nowhere/").status_code == 404
                assert client.get("/api/keys/self", headers={"Authorization": "Bearer ck_x"}).status_code == 401
        assert server.poll() is None
    finally:
        server.terminate()
        assert server.wait(60) is not None
        assert server.stdout is not None
        server.stdout.close()


def test_a_disk_that_is_full_loses_what_is_written_and_nothing_else(
    small_store: Path, tmp_path: Path, serving: Callable[..., httpx.Client]
) -> None:
    url = f"sqlite:///{tmp_path / 'keys.sqlite'}"
    database = Database.of(Settings(store=small_store, database_url=url))
    database.upgrade()
    key = {"Authorization": f"Bearer {Keys(database).create('Ann', 'planner', Actor('a test', 'here'))}"}
    client = serving(small_store, database_url=url)
    turns = np.linspace(0, 2 * np.pi, 2_000, endpoint=False)
    ring = np.column_stack([9.55 + np.cos(turns) / 50, 47.15 + np.sin(turns) / 50]).tolist()
    area = {"polygon": [[*ring, ring[0]]]}
    large = {**SCENARIO, "measures": [{**SCENARIO["measures"][0], "area": area}]}
    first = client.post("/api/town/scenarios", json=large, headers=key)
    assert first.status_code == 201, first.text
    saved = {first.json()["id"]}
    with files_of_at_most(300_000):
        for _ in range(20):
            told = client.post("/api/town/scenarios", json=large, headers=key)
            if told.status_code != 201:
                break
            saved.add(told.json()["id"])
        assert told.status_code == 503, told.text[:300]
        assert told.headers["content-type"] == "application/problem+json"
        assert "Traceback" not in told.text
        assert client.get("/api/town/collections").status_code == 200
        assert client.get(f"/api/town/scenarios/{first.json()['id']}").status_code == 200
    listed = client.get("/api/town/scenarios", headers=key).json()["scenarios"]
    assert {one["id"] for one in listed} == saved, "all of each, or nothing"
    assert client.post("/api/town/scenarios", json=SCENARIO, headers=key).status_code == 201


def test_a_store_that_is_swapped_is_the_one_that_is_asked(
    own_store: Store, tmp_path: Path, serving: Callable[..., httpx.Client], publish: Callable[..., None]
) -> None:
    client = serving(own_store.path)
    items = "/api/town/collections/grid-1km/items?limit=30"
    old = client.get(items).json()
    publish(tmp_path / "other", "town", "fedcba9876543210", seed=5)
    aside = own_store.path.with_name("aside")
    own_store.path.rename(aside)
    for path in (items, "/api/regions", "/api/town/collections/municipality/items/west"):
        gone = client.get(path)
        assert gone.status_code in (404, 503), gone.text
        assert gone.headers["content-type"] == "application/problem+json"
    shutil.copytree(tmp_path / "other", own_store.path)
    new = client.get(items).json()
    assert new["edition"] == "fedcba9876543210"
    before, after = ([one["properties"]["net_tco2e"] for one in page["features"]] for page in (old, new))
    assert before != after
    assert client.get(f"{items}&edition={old['edition']}").status_code == 404
    shutil.rmtree(own_store.path)
    aside.rename(own_store.path)
    assert client.get(items).json() == old


@pytest.mark.parametrize("asked", [get(f"{ITEMS}?limit=100"), get("/api/nowhere/"), b"GET /api/town/coll", b""])
def test_a_client_that_closes_its_half_leaves_nothing_behind(
    served_port: int, client: httpx.Client, asked: bytes
) -> None:
    """Who has closed is taken for gone, so that nobody works for those who are: a whole answer comes, or none."""
    process = psutil.Process()
    before = len(process.net_connections("tcp"))
    for _ in range(25):
        with socket.create_connection(("127.0.0.1", served_port), timeout=30) as line:
            line.sendall(asked)
            line.shutdown(socket.SHUT_WR)
            got = b""
            with contextlib.suppress(ConnectionResetError):
                while part := line.recv(65_536):
                    got += part
        head, _, body = got.partition(b"\r\n\r\n")
        if got:
            sizes: list[Any] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            assert len(body) == int(sizes[0].split(b":")[1])
    assert client.get("/api/town/collections").status_code == 200
    assert len(process.net_connections("tcp")) <= before + 5
