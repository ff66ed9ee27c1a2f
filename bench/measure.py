"""One measurement is one fresh process: nobody inherits another's memory, caches or compiled code."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

_MB = 1e6
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, kibibytes elsewhere


@dataclass(frozen=True)
class Measured:
    """What one run took.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of all threads.
        loaded_mb: the process's peak before the work, its inputs in memory.
        peak_mb: the process's peak after it.
        answer: what the work returned.
        failure: why there is no answer; empty where there is one.
    """

    seconds: float = float("nan")
    cpu_seconds: float = float("nan")
    loaded_mb: float = float("nan")
    peak_mb: float = float("nan")
    answer: Any = None
    failure: str = ""


def measured(prepare: Callable[..., Callable[[], Any]], *given: Any, limit_s: float) -> Measured:
    """Prepare the work in a process of its own, then measure it there.

    Args:
        prepare: a function of a module; what it returns is the work.
        given: its arguments.
        limit_s: the process is ended after this time, preparation included.
    """
    # A server that has imported the heavy modules forks the processes: a fresh one starts in milliseconds.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bench.contestants"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, prepare, given), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(limit_s):
            return Measured(failure=f"not done within {limit_s:g} s")
        found = receiver.recv()
        assert isinstance(found, Measured)
        return found
    except EOFError:
        return Measured(failure="its process died")
    finally:
        process.kill()
        process.join()
        receiver.close()


def _work(sender: Connection, prepare: Callable[..., Callable[[], Any]], given: tuple[Any, ...]) -> None:
    try:
        run = prepare(*given)
        loaded = _peak_mb()
        began, cpu = time.perf_counter(), time.process_time()
        answer = run()
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
        sender.send(Measured(seconds, cpu_seconds, loaded, _peak_mb(), answer))
    except Exception as problem:  # noqa: BLE001 - a peer may fail in any way, and the others go on
        sender.send(Measured(failure=f"{type(problem).__name__}: {problem}"[:300]))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT / _MB
