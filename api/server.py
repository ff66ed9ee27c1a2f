"""Runs the server: finds a port, says where it listens, and stops in good order."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from api.app import create_app
from api.errors import ServerError
from api.settings import Settings


def serve(
    store: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    web: Path | None = None,
    *,
    any_port: bool = False,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a store until interrupted (Ctrl-C or SIGTERM); requests under way are finished first.

    Args:
        store: folder of the editions.
        host: address to listen on; the default is reachable from this computer only.
        port: 0 for any free one.
        web: folder of the built web map.
        any_port: take any free port when `port` is taken, instead of failing.
        ready: called with the address once the server listens.

    Raises:
        ServerError: no such store, or the port is taken.
    """
    if not Path(store).is_dir():
        raise ServerError(
            f"there is no store at {store}: build a region into it first, or give the folder where one is"
        )
    listening = listen(host, port, any_port)
    app = create_app(Settings(store=Path(store), web=web))
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=5
    )
    with listening:
        if ready is not None:
            ready(address_of(listening))
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:  # uvicorn hands the signal on once it has stopped in good order
            return


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
