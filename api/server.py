"""Runs the server: finds a port, says where it listens, and stops in good order."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from api.errors import ServerError
from api.parent_process import Watching
from api.settings import PREFIX, Settings

STOP_S = 10
"""How long requests under way may go on after the server was told to stop."""

WORKER_S = 30
"""How long a worker may take to answer the process that started it, which it cannot before it has loaded the program.
One that takes longer is killed and started again; with uvicorn's five seconds that was every one on a busy machine."""

MOST_WORKERS = 64

_FACTORY = "api.app:app_from_environment"


def serve(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    workers: int = 1,
    any_port: bool = False,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a store until interrupted (Ctrl-C or SIGTERM); requests under way are finished first.

    Several workers are processes that share the port and the mapped files of the store; one that dies is started again.

    Args:
        settings: what is served, and how.
        host: address to listen on; the default is reachable from this computer only.
        port: 0 for any free one.
        workers: processes.
        any_port: take any free port when `port` is taken, instead of failing.
        ready: called with the address once the server listens.

    Raises:
        ServerError: no such store, the port is taken, or so many workers are not possible.
    """
    if not settings.store.is_dir():
        raise ServerError(
            f"there is no store at {settings.store}: build a region into it first, or give the folder where one is"
        )
    if not 1 <= workers <= MOST_WORKERS:
        raise ServerError(f"workers: got {workers}, expected 1 to {MOST_WORKERS}")
    with listen(host, port, any_port) as listening, _told(settings, workers):
        # After the variables are set: what counts requests looks at them when it is imported.
        from api.app import app_from_environment
        from api.watch import configure_logs
        from api.wire import GuardedProtocol

        configure_logs(settings.log_format)
        options: dict[str, Any] = {
            "factory": True,
            "http": GuardedProtocol,
            "ws": "none",
            "log_config": None,
            "log_level": "warning",
            "access_log": False,
            "lifespan": "off",
            "server_header": False,
            "timeout_graceful_shutdown": STOP_S,
            "timeout_worker_healthcheck": WORKER_S,
        }
        if ready is not None:
            ready(address_of(listening))
        try:
            if workers == 1:
                uvicorn.Server(uvicorn.Config(app_from_environment, **options)).run(sockets=[listening])
            else:
                config = uvicorn.Config(_FACTORY, workers=workers, **options)
                Watching(config, sockets=[listening]).run()
        except KeyboardInterrupt:  # uvicorn hands the signal on once it has stopped in good order
            return


@contextmanager
def _told(settings: Settings, workers: int) -> Iterator[None]:
    """Tell workers, which are other processes, by variables; several also need a folder to count requests together."""
    told = settings.as_environment()
    folder = tempfile.mkdtemp(prefix="carbonmap-metrics-") if workers > 1 and settings.metrics else None
    if folder is not None:
        told["PROMETHEUS_MULTIPROC_DIR"] = folder
    ours = {name for name in os.environ if name.startswith(PREFIX)} | set(told)
    before = {name: os.environ.get(name) for name in ours}
    # A setting that is not given must not come back from a variable in the worker.
    for name in before:
        if name.removeprefix(PREFIX).lower() in Settings.model_fields:
            os.environ.pop(name, None)
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def address_of(listening: socket.socket) -> str:
    """Return the http address of a listening socket, as a person on this computer would type it."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def listen(host: str, port: int, any_port: bool = False) -> socket.socket:
    """Return a socket that listens on a port; 0, or `any_port` when it is taken, means any free one.

    Raises:
        ServerError: the port is taken, or the address is none of this computer's.
    """
    try:
        return _bound(host, port)
    except OSError as error:
        if any_port and port:
            return listen(host, 0)
        raise ServerError(
            f"cannot listen on {host} port {port}: {error.strerror or error}. Another program may use the port: "
            f"give another one, or 0 for any that is free"
        ) from error


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # The protocol is named since asyncio turns Nagle's delay off only then: without it every small answer takes 40 ms.
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name != "nt":  # there it would let two servers share one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except BaseException:
        listening.close()
        raise
    return listening
