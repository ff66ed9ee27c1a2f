"""Reaching a Dask scheduler that is running, or starting one with workers on this machine."""

import contextlib
import logging
import os
import re
import signal
import socket
from collections.abc import Iterator
from multiprocessing import resource_tracker
from typing import Any

import distributed

from carbonmap.errors import EngineError, RegionError
from grids.blocks import threads_here

CONNECT_S = 10
"""How long a scheduler may take to answer."""

WORKER_BYTES = 1536 << 20
"""Memory that a worker of this machine should have for itself: a part, the plan, and the program."""

LOOPBACK = "127.0.0.1"

_LONGEST_GREETING = 1 << 20
_ADDRESS = re.compile(
    r"(?P<protocol>tcp|tls)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?):(?P<port>\d{1,5})"
)

_dask: Any = distributed  # which declares the types of some of its functions, and not of others


def checked_address(text: str) -> str:
    """A scheduler's address as it was given.

    Raises:
        RegionError: it is none.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise RegionError(
            f"--scheduler {text!r} is no address of a scheduler; expected tcp://HOST:PORT or tls://HOST:PORT, as "
            "`dask scheduler` prints it, e.g. tcp://10.0.0.5:8786"
        )
    return text


@contextlib.contextmanager
def local_cluster(processes: int) -> Iterator[Any]:
    """A scheduler and workers, each a process, which listen on loopback only and end with the `with` statement.

    Args:
        processes: how many workers.

    Raises:
        EngineError: they do not start.
    """
    threads = max(1, threads_here() // max(processes, 1))
    environment = {"CARBONMAP_THREADS": os.environ.get("CARBONMAP_THREADS", str(threads))}
    if not os.environ.get("CARBONMAP_DEBUG"):
        environment["PYTHONWARNINGS"] = "ignore"  # as the command line does
    try:
        with _without_ctrl_c():
            cluster = _dask.LocalCluster(
                n_workers=processes,
                threads_per_worker=1,
                processes=True,
                host=LOOPBACK,
                # Without one it would still answer /health, on port 8787 if it can.
                scheduler_kwargs={"dashboard": False, "dashboard_address": f"{LOOPBACK}:0"},
                silence_logs=logging.CRITICAL,
                env=environment,
            )
    except (OSError, RuntimeError, TimeoutError) as problem:
        raise EngineError(
            f"the workers of this machine do not start: {problem}; --engine local needs none"
        ) from problem
    with cluster:
        yield cluster


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Let what is started here, and what that starts later, not see Ctrl-C, which a terminal sends to all of them.

    It is for this process to end the others. One that comes meanwhile is seen when this is left.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which lets Ctrl-C through again when it has to start its own process first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def local_client(processes: int | None) -> Iterator[Any]:
    """A client of workers of this machine, for the time of the `with` statement.

    Args:
        processes: how many; None: as many as there are processors, and memory for.

    Raises:
        EngineError: they do not start.
    """
    with (
        local_cluster(processes or _processes_here()) as cluster,
        _dask.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _processes_here() -> int:
    memory: int = _dask.system.MEMORY_LIMIT
    return max(1, min(threads_here(), memory // WORKER_BYTES))


@contextlib.contextmanager
def client_of(scheduler: str) -> Iterator[Any]:
    """A client of a scheduler that is running.

    Args:
        scheduler: its address (`checked_address`).

    Raises:
        EngineError: nothing listens there, or something else; or TLS is not set up.
    """
    _knock(scheduler)
    try:
        client = _dask.Client(scheduler, timeout=CONNECT_S, set_as_default=False, name="carbonmap")
    except (OSError, TimeoutError) as problem:
        raise EngineError(
            f"what listens at {scheduler} does not answer as a Dask scheduler does: {problem}. Is the address the one "
            "that `dask scheduler` prints?"
        ) from problem
    with client:
        yield client


def _knock(scheduler: str) -> None:
    """See whether anything listens, and can be spoken to: Dask itself would try for long, and not say what is wrong."""
    match = _ADDRESS.fullmatch(scheduler)
    assert match is not None  # checked when the engine was made
    if match["protocol"] == "tls":
        try:
            ready = _dask.Security().get_connection_args("client").get("ssl_context") is not None
        except OSError as problem:  # errors of TLS among them
            raise EngineError(f"{scheduler}: Dask's certificates cannot be read: {problem}") from problem
        if not ready:
            raise EngineError(
                f"{scheduler}: for tls Dask needs certificates; its configuration names them under "
                "distributed.comm.tls (docs/scale.md)"
            )
    try:
        with socket.create_connection((match["host"].strip("[]"), int(match["port"])), CONNECT_S) as knocked:
            # A scheduler speaks first; Dask's client may wait for ever for what does not, or speaks otherwise.
            if match["protocol"] == "tcp" and not 0 < _first_number(knocked) < _LONGEST_GREETING:
                raise EngineError(
                    f"what listens at {scheduler} is no Dask scheduler, or one that wants tls://; is the address the "
                    "one that `dask scheduler` prints?"
                )
    except OSError as problem:
        raise EngineError(
            f"no Dask scheduler answers at {scheduler}: {problem.strerror or problem}. Is it running "
            "(`dask scheduler`), is the address the one it prints, and may this machine reach it?"
        ) from problem


def _first_number(connection: socket.socket) -> int:
    """What a Dask process says first: how many bytes follow; 0 when nothing is said."""
    try:
        return int.from_bytes(connection.recv(8, socket.MSG_WAITALL), "little")
    except TimeoutError:
        return 0


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Dask's own log, which tells of every worker that goes, off the terminal; what matters is said here."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]
    levels = {name: logging.getLogger(name).level for name in ("distributed", "tornado", *names)}
    if os.environ.get("CARBONMAP_DEBUG"):
        levels = {}
    for name in levels:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
