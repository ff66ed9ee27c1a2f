"""Tiles answered from memory: the same answer as the first time, and never that of another edition."""

import asyncio
import gzip
import shutil
import socket
import threading
from collections.abc import Callable

import anyio
import httpx
import pytest
from starlette.types import Message

from api import tile_cache
from api.app import create_app
from api.formats import takes_gzip
from api.settings import Settings
from api.tile_app import KeptTiles
from api.tile_cache import KeptTile, TileCache
from grids.edition import Store
from grids.tiles import packed

TILE = "/api/town/collections/grid-100m/tiles/WebMercatorQuad/11/718/1078"
PINNED = f"{TILE}?year=2023&edition=0123456789abcdef"
FIRST, SECOND = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def alone(own_store: Store, serving: Callable[..., httpx.Client]) -> httpx.Client:
    """A server of its own, that has no tile yet."""
    return serving(own_store.path)


def counted(client: httpx.Client) -> int:
    """How many tiles the server says it has answered."""
    text = client.get("/api/metrics").text
    route = "/api/{region}/collections/{collection}/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}"
    start = f'carbonmap_requests_total{{method="GET",route="{route}",status="200"}} '
    return sum(int(float(line.removeprefix(start))) for line in text.splitlines() if line.startswith(start))


@pytest.mark.parametrize("encoding", ["gzip", "identity", "gzip;q=0", "br, gzip;q=0.5", "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_second_answer_is_the_first(alone: httpx.Client, method: str, encoding: str) -> None:
    headers = {"accept-encoding": encoding, "origin": "https://elsewhere.example", "x-request-id": "mine"}
    first, second = (alone.request(method, PINNED, headers=headers) for _ in range(2))
    names = set(first.headers) - {"date"}
    assert names == set(second.headers) - {"date"}
    differing = [name for name in names if first.headers[name] != second.headers[name]]
    # Compression by the way differs in what it says of the length, and in the order of what it varies by.
    assert [name for name in differing if name != "vary"] == []
    assert set(first.headers["vary"].split(", ")) >= set(second.headers["vary"].split(", ")) >= {"Accept-Encoding"}
    assert ("content-encoding" in second.headers) == (encoding not in ("identity", "gzip;q=0"))
    assert second.headers["x-request-id"] == "mine"
    assert second.headers["access-control-allow-origin"] == "*"
    assert second.headers["content-security-policy"].startswith("default-src 'none'")
    assert second.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert second.content == first.content
    assert (len(second.content) > 0) == (method == "GET")


def test_columns_in_another_order_are_the_same_tile(alone: httpx.Client) -> None:
    orders = ("net_tco2e,held,area_ha", "held,area_ha,net_tco2e", "area_ha,net_tco2e,held,net_tco2e")
    answers = [alone.get(f"{PINNED}&properties={order}") for order in orders]
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert len({answer.content for answer in answers}) == 1
    assert alone.get(f"{PINNED}&properties=held").content != answers[0].content


def test_who_has_it_already_gets_no_body(alone: httpx.Client) -> None:
    tag = alone.get(PINNED).headers["etag"]
    for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = alone.get(PINNED, headers={"if-none-match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in again.headers
    assert alone.get(PINNED, headers={"if-none-match": '"other"'}).status_code == 200
    # Another order of the same words is the same tile, the long way.
    other = f"{TILE}?edition={FIRST}&year=2023"
    assert alone.get(other).headers["etag"] == tag
    assert alone.get(other, headers={"if-none-match": tag}).status_code == 304


def test_kept_tiles_are_counted_with_the_others(alone: httpx.Client) -> None:
    before = counted(alone)
    for _ in range(3):
        assert alone.get(PINNED).status_code == 200
    assert counted(alone) == before + 3


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("&x=1", 400),
        ("&year=2022", 400),
        ("&edition=" + FIRST, 400),
        ("&f=mvt", 400),
        ("%20", 400),
        ("&properties=a", 400),
    ],
)
def test_what_is_refused_stays_refused(alone: httpx.Client, change: str, status: int) -> None:
    for _ in range(2):
        assert alone.get(PINNED).status_code == 200
        assert alone.get(PINNED + change).status_code == (200 if change == "&" else 400)
    assert alone.post(PINNED).status_code == 405
    told = alone.options(PINNED)
    assert (told.status_code, told.headers["allow"], told.content) == (204, "GET, HEAD, OPTIONS", b"")


def test_a_new_edition_is_answered_from_at_once(
    own_store: Store, serving: Callable[..., httpx.Client], publish: Callable[..., None]
) -> None:
    client = serving(own_store.path)
    for _ in range(2):
        old = client.get(f"{TILE}?year=2023")
        assert client.get(PINNED).content == old.content
    publish(own_store.path, "town", SECOND, seed=9)
    new = client.get(f"{TILE}?year=2023")
    assert new.headers["etag"] != old.headers["etag"]
    assert new.content != old.content
    assert client.get(PINNED).content == old.content
    assert client.get(f"{TILE}?year=2023&edition={SECOND}").content == new.content
    # A tag of the old edition is no tag of the new one.
    assert client.get(f"{TILE}?year=2023", headers={"if-none-match": old.headers["etag"]}).status_code == 200


def test_tiles_of_an_edition_that_was_deleted_are_not_there(
    own_store: Store,
    serving: Callable[..., httpx.Client],
    publish: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tile_cache, "LOOK_S", 0.0)
    client = serving(own_store.path)
    publish(own_store.path, "town", SECOND, seed=9)
    other = f"{TILE}?year=2023&edition={SECOND}"
    for _ in range(2):
        assert client.get(PINNED).status_code == client.get(other).status_code == 200
    shutil.rmtree(own_store.path / "town" / FIRST)
    for _ in range(2):
        assert client.get(PINNED).status_code == 404
        assert client.get(other).status_code == 200


def test_tiles_of_what_is_gone_make_room_and_the_store_is_not_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    there = {("town", FIRST), ("town", SECOND)}
    clock = [0.0]
    monkeypatch.setattr(tile_cache.time, "monotonic", lambda: clock[0])

    def has(region: str, edition: str) -> bool:
        asked.append((region, edition))
        return (region, edition) in there

    cache = TileCache(10_000, has)
    first = ("town", FIRST)
    for number in range(3):
        cache.keep((f"/{number}", b""), kept(2000))
    for _ in range(5):
        assert cache.look(first)
    assert asked == [first]
    there.clear()
    assert cache.look(first), "within a second of the last look"
    assert cache.get(("/0", b"")) is not None
    clock[0] = 1.0
    assert not cache.look(first)
    assert cache.get(("/0", b"")) is None
    assert len(asked) == 2
    there.add(("town", FIRST))
    assert cache.get(("/1", b"")) is None, "all of that edition went"
    for number in range(3):
        cache.keep((f"/{number}", b""), kept(2000))
    assert all(cache.get((f"/{number}", b"")) for number in range(3)), "the room of those that went is there again"


def test_a_store_that_hangs_holds_up_only_who_asks_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_cache, "LOOK_S", 3600.0)
    answers = threading.Event()
    cache = TileCache(10_000, lambda _, edition: edition == SECOND or answers.wait(60))
    cache.keep(("/hangs", b""), kept(100))
    cache.keep(("/stands", b""), KeptTile(b"x", "", "", ("town", SECOND)))
    assert cache.look(("town", SECOND))

    async def beyond(*_: object) -> None:
        pytest.fail("both are kept")

    app = KeptTiles(beyond, cache, (), ())
    order: list[str] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def ask(path: str) -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                order.append(path)

        headers = [(b"accept-encoding", b"gzip")]
        await app(
            {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}, receive, send
        )

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "/hangs")
            await anyio.wait_all_tasks_blocked()
            await ask("/stands")
            answers.set()

    anyio.run(both)
    assert order == ["/stands", "/hangs"]


def test_a_damaged_edition_is_no_tile(own_store: Store, serving: Callable[..., httpx.Client]) -> None:
    (own_store.path / "town" / "current").write_text("nonsense", "utf-8")
    client = serving(own_store.path)
    assert client.get(TILE).status_code == 503
    (own_store.path / "town" / "current").write_text(FIRST, "utf-8")
    assert client.get(TILE).status_code == 200
    (own_store.path / "town" / FIRST / "tables" / "h3-8" / "2023.parquet").write_bytes(b"PAR1")
    other = client.get(TILE.replace("grid-100m", "h3-8"))
    assert (other.status_code, other.headers["content-type"]) == (503, "application/problem+json")
    assert client.get(TILE.replace("grid-100m", "h3-8")).status_code == 503


def test_years_columns_and_grids_are_apart(alone: httpx.Client) -> None:
    queries = ("year=2022", "year=2023", "year=2023&properties=net_tco2e", "year=2023&properties=held")
    sources = (TILE, "/api/town/grid-auto/tiles/WebMercatorQuad/11/718/1078")
    for _ in range(2):
        bodies = {alone.get(f"{at}?{query}&edition={FIRST}").content for at in sources for query in queries}
        assert len(bodies) == len(queries) * len(sources)


def test_two_regions_are_apart(
    own_store: Store, serving: Callable[..., httpx.Client], publish: Callable[..., None]
) -> None:
    publish(own_store.path, "village", FIRST, seed=5)
    client = serving(own_store.path)
    for _ in range(2):
        assert client.get(PINNED).content != client.get(PINNED.replace("/town/", "/village/")).content


def test_many_at_a_time_get_whole_tiles(alone: httpx.Client) -> None:
    expected = {z: alone.get(f"{TILE.replace('/11/718/1078', '')}/{z}/0/0?year=2023").content for z in range(4)}
    wrong: list[int] = []

    def ask(number: int) -> None:
        for turn in range(12):
            z = (number + turn) % 4
            found = alone.get(f"{TILE.replace('/11/718/1078', '')}/{z}/0/0?year=2023&edition={FIRST}")
            if found.status_code != 200 or found.content != expected[z]:
                wrong.append(z)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_pipelined_requests_are_answered_in_order(alone: httpx.Client) -> None:
    alone.get(PINNED)
    address = alone.base_url
    line = f"GET {PINNED} HTTP/1.1\r\nHost: x\r\n"
    with socket.create_connection((address.host, address.port or 80), timeout=10) as connection:
        connection.sendall(f"{line}X-Request-ID: a\r\n\r\n{line}X-Request-ID: b\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert 0 < answer.index(b"x-request-id: a") < answer.index(b"x-request-id: b")


def kept(length: int) -> KeptTile:
    return KeptTile(b"x" * length, "", "", ("town", FIRST))


def test_the_cache_is_bounded_and_lets_go_of_what_is_not_asked_for() -> None:
    cache = TileCache(10_000, lambda *_: True)
    for number in range(50):
        cache.keep((f"/{number}", b""), kept(1000))
        assert cache.get(("/0", b"")) is not None  # asked for all the time
    held = [number for number in range(50) if cache.get((f"/{number}", b""))]
    assert held == [0, *range(50 - len(held) + 1, 50)]
    assert 3 < len(held) * 1600 / 1000 < 11
    cache.keep(("/large", b""), kept(20_000))
    assert cache.get(("/large", b"")) is None
    cache.keep(("/0", b""), kept(5000))
    found = cache.get(("/0", b""))
    assert found is not None
    assert len(found.packed) == 5000


def test_addresses_count_as_the_tiles_do() -> None:
    cache = TileCache(100_000, lambda *_: True)
    for number in range(200):
        cache.keep((f"/{number}", b"properties=" + b"x" * 8_000), kept(100))
    held = [number for number in range(200) if cache.get((f"/{number}", b"properties=" + b"x" * 8_000))]
    assert held == list(range(200 - len(held), 200))
    assert 8 < len(held) < 13


def test_a_server_may_keep_nothing(own_store: Store, serving: Callable[..., httpx.Client]) -> None:
    client = serving(own_store.path, tile_bytes=0)
    assert client.get(PINNED).content == client.get(PINNED).content != b""


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_the_thread_that_answers_all_unpacks_nothing(
    own_store: Store, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    unpacked_by: list[int] = []
    plain = KeptTile.plain

    def unpacked(tile: KeptTile) -> bytes:
        unpacked_by.append(threading.get_ident())
        return plain(tile)

    monkeypatch.setattr(KeptTile, "plain", unpacked)
    transport = httpx.ASGITransport(create_app(Settings(store=own_store.path)))

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return [await client.get(PINNED, headers={"accept-encoding": encoding}) for _ in range(3)]

    first, *others = asyncio.run(ask())
    assert len(first.content) > 1000
    assert [other.content for other in others] == [first.content] * 2
    assert len(unpacked_by) == (3 if encoding == "identity" else 0)
    assert threading.get_ident() not in unpacked_by


def test_empty_tiles_are_kept_too(alone: httpx.Client) -> None:
    empty = f"/api/town/context/tiles/WebMercatorQuad/5/0/0?edition={FIRST}"
    for _ in range(2):
        response = alone.get(empty)
        assert (response.status_code, response.content) == (200, b"")
        assert "content-encoding" not in response.headers
        assert response.headers["content-length"] == "0"


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.2", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("gzip;q=0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("br", False),
        ("gzipped", False),
    ],
)
def test_what_a_client_takes(header: str, taken: bool) -> None:
    assert takes_gzip(header) is taken


def test_packing_is_gzip() -> None:
    assert packed(b"") == b""
    assert gzip.decompress(packed(b"tile" * 100)) == b"tile" * 100
    assert packed(b"tile") == packed(b"tile")  # no time of day in it
