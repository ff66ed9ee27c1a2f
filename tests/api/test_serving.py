"""Settings, the web map's files, and the server that runs it all."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from api.app import app_from_environment
from api.errors import ServerError, SettingsError
from api.server import address_of, listen, serve
from api.settings import Settings


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    given = {
        "CARBONMAP_STORE": str(tmp_path),
        "CARBONMAP_PUBLIC_URL": "https://map.example.org/",
        "CARBONMAP_OTHER": "1",
    }
    settings = Settings.load(environment=given)
    assert (settings.store, settings.web, settings.public_url) == (tmp_path, None, "https://map.example.org")
    assert Settings.load(environment={}).store == Path("store")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"CARBONMAP_STORE": "s", "CARBONMAP_PUBLIC_URL": "ftp://x"}, "CARBONMAP_PUBLIC_URL: .*begins with http"),
        ({"CARBONMAP_STORE": "s", "CARBONMAP_GZIP_LEVEL": "11"}, "CARBONMAP_GZIP_LEVEL"),
    ],
)
def test_settings_that_cannot_be(given: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.load(environment=given)


def test_the_application_can_be_made_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBONMAP_STORE", str(tmp_path))
    assert app_from_environment().state.settings.store == tmp_path


def test_links_use_the_public_address(small_store: Path, serving: Callable[..., httpx.Client]) -> None:
    client = serving(small_store, public_url="https://map.example.org/carbon")
    told = client.get("/api/town/collections/grid-1km/items?limit=1").json()
    assert all(link["href"].startswith("https://map.example.org/carbon/api/town/") for link in told["links"])


def test_the_map_is_at_the_root(client: httpx.Client) -> None:
    page = client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-cache"
    assert "worker-src 'self' blob:" in page.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["main-abc123.js", "worker-abc123.mjs"])
def test_scripts_are_scripts_and_kept_for_good(client: httpx.Client, name: str) -> None:
    script = client.get(f"/assets/{name}")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/../../secret.txt", "//etc/passwd"]
)
def test_other_files_are_out_of_reach(served_port: int, path: str) -> None:
    # Raw, since clients tidy such paths up before they send them.
    with socket.create_connection(("127.0.0.1", served_port), timeout=10) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"application/problem+json" in answer
    assert b"\r\n\r\nsecret" not in answer


def test_a_missing_map_is_explained(small_store: Path, tmp_path: Path, serving: Callable[..., httpx.Client]) -> None:
    for web in (None, tmp_path / "nothing"):
        page = serving(small_store, web=web).get("/")
        assert page.status_code == 503
        assert "make web" in page.text
        assert page.headers["content-type"].startswith("text/html")


def test_a_port_that_is_taken(small_store: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ServerError, match="give another one, or 0"):
        serve(Settings(store=small_store), port=taken.getsockname()[1])


def test_small_answers_are_not_delayed() -> None:
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # asyncio sets TCP_NODELAY on such sockets only


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="there is no store at"):
        serve(Settings(store=tmp_path / "nothing"))


def test_addresses_can_be_typed() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listening:
        assert address_of(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}/"


@pytest.mark.parametrize("stop", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_the_server_finds_a_port_and_stops_in_good_order(
    small_store: Path, project: Path, stop: signal.Signals
) -> None:
    script = (
        "import socket, sys; from pathlib import Path; from api.server import serve\n"
        "from api.settings import Settings\n"
        "taken = socket.create_server(('127.0.0.1', 0))\n"
        "port = taken.getsockname()[1]\n"
        "serve(Settings(store=Path(sys.argv[1])), port=port, any_port=True, ready=lambda at: print(at, flush=True))"
    )
    command = [sys.executable, "-c", script, str(small_store)]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        at = server.stdout.readline().strip()
        assert httpx.get(f"{at}api/health", timeout=30).json() == {"status": "ok", "regions": 1}
        server.send_signal(stop)
        assert server.wait(30) in (0, -stop)
        assert "Traceback" not in server.stderr.read()


def test_another_public_address_is_another_tag(small_store: Path, serving: Callable[..., httpx.Client]) -> None:
    """Links begin with it, so a copy with the old host must not count as the answer."""
    old = serving(small_store, public_url="https://old.example.org")
    address = "/api/town/collections/grid-1km/tiles/WebMercatorQuad?edition=0123456789abcdef"
    first = old.get(address)
    assert "https://old.example.org/" in first.text
    tag = {"if-none-match": first.headers["etag"]}
    assert old.get(address, headers=tag).status_code == 304
    # The same address is asked of a server that was told another name: the request alone does not show it.
    new = serving(small_store, public_url="https://new.example.org")
    second = new.get(address, headers={**tag, "host": old.base_url.netloc.decode()})
    assert second.status_code == 200
    assert "https://new.example.org/" in second.text


def test_a_proxy_on_this_computer_says_the_scheme_and_nothing_else(
    small_store: Path, serving: Callable[..., httpx.Client]
) -> None:
    client = serving(small_store)
    host = client.base_url.netloc.decode()
    said = {"x-forwarded-proto": "https", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    text = client.get("/api/town/", headers={**said, "x-forwarded-for": "203.0.113.9"}).text
    assert f"https://{host}/api/town" in text
    assert "evil.example" not in text
