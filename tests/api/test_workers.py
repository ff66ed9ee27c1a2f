"""Several processes that answer at one port: what the death of one costs, and of the one that watches over them."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="workers inherit a socket, and nothing is killed by a signal")

ASKED = "api/town/collections/grid-500m/items?limit=20"
CLIENTS = 4


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_a_worker_that_is_killed_under_load_costs_only_what_it_was_answering(
    small_store: Path, workers_serving: Callable[[Path], Any]
) -> None:
    server = workers_serving(small_store)
    wait_until(lambda: server.ready() and len(server.answering) == 2)
    expected = httpx.get(server.address + ASKED, timeout=60).content
    stop = threading.Event()
    killed: list[int] = []
    gone: list[int] = []
    answered: list[int] = []  # how many were gone when the request began
    lost: list[tuple[int, int]] = []  # by whom, and how many had been killed when it failed

    def ask(who: int) -> None:
        # A connection for each request: whichever worker takes it answers.
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(base_url=server.address, timeout=60, limits=limits) as client:
            while not stop.is_set():
                before = len(gone)
                try:
                    answer = client.get(ASKED)
                except httpx.TransportError as failure:
                    if isinstance(failure, httpx.TimeoutException) or len(killed) == before:
                        raise  # nobody died since it began
                    lost.append((who, len(killed)))
                else:
                    assert (answer.status_code, answer.content) == (200, expected)
                    answered.append(before)

    with ThreadPoolExecutor(CLIENTS) as pool:
        asking = [pool.submit(ask, who) for who in range(CLIENTS)]

        def answers_go_on() -> None:
            enough = answered.count(len(gone)) + 10 * CLIENTS
            wait_until(lambda: any(one.done() for one in asking) or answered.count(len(gone)) >= enough)

        try:
            for worker in server.answering:
                answers_go_on()
                killed.append(worker.pid)
                worker.kill()
                wait_until(lambda dead=worker.pid: dead not in [one.pid for one in server.answering])
                gone.append(worker.pid)
            answers_go_on()
        finally:
            stop.set()
    for one in asking:
        one.result()  # which says what failed
    assert len(set(lost)) == len(lost), "at most one of each client for each death: that which was under way"
    wait_until(lambda: len(server.answering) == 2)
    assert not set(killed) & {one.pid for one in server.answering}, "others were started"
    assert "carbonmap_requests_total" in httpx.get(f"{server.address}api/metrics", timeout=60).text
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) in (0, -signal.SIGTERM)


def test_a_worker_that_dies_while_it_is_asked_is_replaced_at_once(tmp_path: Path, project: Path) -> None:
    """The patience with those that do not answer is hours here; who ended is not waited for."""
    file = tmp_path / "parent.py"
    file.write_text(
        "import multiprocessing, os, signal, sys, threading, time\n"
        "import uvicorn\nfrom api.parent_process import Watching\nfrom api.server import listen\n"
        "async def app(scope, receive, send): pass\n"
        "def made():\n"
        "    print('there', os.getpid(), flush=True)\n"
        "    return app\n"
        "if __name__ == '__main__':\n"
        "    config = uvicorn.Config('parent:made', factory=True, workers=2, lifespan='off', log_config=None,\n"
        "                            timeout_worker_healthcheck=36_000)\n"
        "    Watching(config, sockets=[listen('127.0.0.1', 0)]).run()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(project), str(tmp_path)))}
    with subprocess.Popen([sys.executable, str(file)], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        try:
            first, second = (int(parent.stdout.readline().split()[1]) for _ in range(2))
            os.kill(first, signal.SIGSTOP)  # so that it is asked and does not answer
            time.sleep(2)
            os.kill(first, signal.SIGKILL)
            waiter = threading.Timer(240, parent.kill)
            waiter.start()
            started = parent.stdout.readline().split()
            waiter.cancel()
            assert started, "no other was started"
            assert started[0] == "there"
            assert int(started[1]) not in (first, second)
        finally:
            for child in psutil.Process(parent.pid).children(recursive=True) if parent.poll() is None else []:
                child.kill()
            parent.kill()


def test_a_worker_does_not_outlive_a_server_that_was_killed(tmp_path: Path, project: Path) -> None:
    file = tmp_path / "parent.py"
    file.write_text(
        "import multiprocessing, time\nfrom api.parent_process import leave_with_parent\n"
        "def work():\n    leave_with_parent()\n    print('there', flush=True)\n    time.sleep(300)\n"
        "if __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('spawn').Process(target=work)\n"
        "    child.start()\n    print(child.pid, flush=True)\n    child.join()"
    )
    environment = {**os.environ, "PYTHONPATH": str(project)}
    with subprocess.Popen([sys.executable, str(file)], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "there\n"
        parent.kill()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
