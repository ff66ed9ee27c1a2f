"""Servers to be measured, each a process of its own on a free port: ours, the bare framework, and tipg on PostGIS."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil  # type: ignore[import-untyped]
import typer
import uvicorn

_START_S = 180.0
_OPTIONS: dict[str, Any] = {
    "http": "httptools",
    "ws": "none",
    "log_config": None,
    "log_level": "warning",
    "access_log": False,
    "lifespan": "off",
    "server_header": False,
}
"""Of uvicorn, as `api.server` has them."""


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        address: such as `http://127.0.0.1:8000`.
        process: it.
    """

    address: str
    process: psutil.Process

    @property
    def family(self) -> list[psutil.Process]:
        """It and its children."""
        return [self.process, *self.process.children(recursive=True)]

    @property
    def memory_mb(self) -> float:
        """What it holds in memory now, with its children."""
        return sum(float(member.memory_info().rss) for member in self.family) / 1e6

    @property
    def cpu_seconds(self) -> float:
        """Processor time that it has taken so far, without its children's."""
        taken = self.process.cpu_times()
        return float(taken.user + taken.system)


class NoAnswer(RuntimeError):
    """A server did not start, or refused what was asked of it; says which, what it said, and the remedy."""


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def fetch(address: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Ask once; a refusal is an answer too."""
    request = urllib.request.Request(address, data=body, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=_START_S) as answer:
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, dict(refusal.headers.items()), refusal.read())


@contextmanager
def ours(store: Path, workers: int = 1) -> Iterator[Server]:
    """Serve a store with `carbonmap`'s own server."""
    command = [sys.executable, "-m", "bench.serve_servers", "ours", "--workers", str(workers), str(store)]
    with _running(command, "/api/ready") as server:
        yield server


@contextmanager
def bare(answers: Mapping[str, Answer]) -> Iterator[Server]:
    """Serve answers that are given, by path, from Starlette's own routes: what the framework alone can do."""
    with tempfile.TemporaryDirectory(prefix="bench-bare-") as name:
        folder = Path(name)
        listed = []
        for k, (path, answer) in enumerate(answers.items()):
            (folder / str(k)).write_bytes(answer.body)
            kept = {key: answer.headers[key] for key in _KEPT if key in answer.headers}
            listed.append({"path": path, "headers": kept, "file": str(folder / str(k))})
        told = folder / "answers.json"
        told.write_bytes(orjson.dumps(listed))
        with _running([sys.executable, "-m", "bench.serve_servers", "bare", str(told)], next(iter(answers))) as server:
            yield server


@contextmanager
def tipg(socket_folder: str) -> Iterator[Server]:
    """Serve PostGIS with tipg, one worker.

    Raises:
        NoAnswer: it did not start; what it said, and which version of it this asks.
    """
    where = {
        "DATABASE_URL": f"postgresql://postgres@{socket_folder.replace('/', '%2F')}:5432/postgres",
        "TIPG_DB_DATETIME_EXTENT": "FALSE",
        "TIPG_MAX_FEATURES_PER_TILE": "100000",
        "TIPG_TILE_BUFFER": "64",
        "TIPG_CATALOG_TTL": "3600",
    }
    command = [sys.executable, "-m", "uvicorn", "tipg.main:app", "--log-level", "warning", "--no-access-log"]
    try:
        with _running(command, "/healthz", port_option="--port", environment=where) as server:
            yield server
    except NoAnswer as failure:
        raise NoAnswer(f"{failure}. It is asked as version 1 is: pip install 'tipg>=1,<2' uvicorn") from failure


_KEPT = ("content-type", "content-encoding", "cache-control", "etag")


@contextmanager
def _running(
    command: Sequence[str], ready: str, *, port_option: str = "", environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    full = [*command, *([port_option] if port_option else []), str(port)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(full, env={**os.environ, **(environment or {})}, stdout=said, stderr=said)
        try:
            server = Server(f"http://127.0.0.1:{port}", psutil.Process(process.pid))
            _wait_for(server, ready, process, said)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(server: Server, path: str, process: subprocess.Popen[bytes], said: Any) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if fetch(server.address + path).status < 500:
                return
        except OSError:
            time.sleep(0.1)
    said.seek(0)
    told = said.read().decode(errors="replace").strip()[-500:] or "it said nothing"
    reason = "did not answer in time" if process.poll() is None else f"ended with {process.returncode}"
    raise NoAnswer(f"a server did not start ({server.address}{path}, {reason}): {told}")


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command("ours")
def _serve_ours(store: Path, port: int, workers: int = 1) -> None:
    from api.server import serve
    from api.settings import Settings

    serve(Settings(store=store, log_format="json"), port=port, workers=workers)


@app.command("bare")
def _serve_bare(answers: Path, port: int) -> None:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    def route(given: Mapping[str, Any]) -> Route:
        body, headers = Path(given["file"]).read_bytes(), dict(given["headers"])

        async def answer(request: Request) -> Response:
            if request.method == "POST":
                await request.body()
            return Response(body, headers=headers)

        return Route(given["path"], answer, methods=["GET", "POST"])

    routes = [route(given) for given in orjson.loads(answers.read_bytes())]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, **_OPTIONS)


if __name__ == "__main__":
    app()
