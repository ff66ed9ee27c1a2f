"""A command watched from outside: how long each step took, and how much memory it and its children held at once."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]

_LOOK_EVERY_S = 0.1
_MB = 1e6


@dataclass
class Watched:
    """What a command took.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of it and the children it waited for.
        peak_mb: the largest sum of the memory of all its processes at one moment (looked at ten times a second, and
            for a process alone its own highest mark); pages that processes share count for each.
        lines: what it wrote to standard error, each with the seconds since its start.
        output: what it wrote to standard output.
        failure: why it did not end well; empty where it did.
    """

    seconds: float = float("nan")
    cpu_seconds: float = float("nan")
    peak_mb: float = float("nan")
    lines: list[tuple[float, str]] = field(default_factory=list)
    output: str = ""
    failure: str = ""

    def steps(self) -> dict[str, float]:
        """Seconds between the lines that say `[3/14] what` or, before there is a plan, `[1] what`; by what."""
        marks = [(at, line.partition("] ")[2]) for at, line in self.lines if line.startswith("[") and "] " in line]
        ends = [*(at for at, _ in marks[1:]), self.seconds]
        found: dict[str, float] = {}
        for (at, what), end in zip(marks, ends, strict=True):
            found[what] = found.get(what, 0.0) + end - at
        return found


def watched(command: Sequence[str], *, environment: Mapping[str, str], limit_s: float) -> Watched:
    """Run a command to its end, and tell what it took.

    Args:
        command: program and arguments.
        environment: variables beside those of this process.
        limit_s: it and its children are ended after this time.
    """
    found = Watched()
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said: list[str] = []
    listeners = [
        threading.Thread(target=_listen, args=(process.stderr, found.lines, began), daemon=True),
        threading.Thread(target=lambda out: said.append(out.read()), args=(process.stdout,), daemon=True),
    ]
    for listener in listeners:
        listener.start()
    tree = psutil.Process(process.pid)
    peak = 0.0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.perf_counter() - began > limit_s:
            _end(tree)
            found.failure = f"not done within {limit_s:g} s"
            _, status, usage = os.wait4(process.pid, 0)
            break
        peak = max(peak, _memory_mb(tree))
        time.sleep(_LOOK_EVERY_S)
    found.seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    for listener in listeners:
        listener.join()
    process.stdout.close()
    process.stderr.close()
    found.cpu_seconds = usage.ru_utime + usage.ru_stime
    found.peak_mb = peak
    found.output = "".join(said)
    if process.returncode and not found.failure:
        last = " ".join(line for _, line in found.lines[-3:])
        found.failure = f"exit code {process.returncode}: {last}"[:500]
    return found


def _listen(stream: IO[str], lines: list[tuple[float, str]], began: float) -> None:
    for line in stream:
        lines.append((time.perf_counter() - began, line.rstrip()))


def _memory_mb(tree: psutil.Process) -> float:
    """Memory of a process and its descendants now; of one alone, the most it ever held."""
    try:
        family = [tree, *tree.children(recursive=True)]
    except psutil.Error:
        return 0.0
    held = 0.0
    for member in family:
        try:
            held += member.memory_info().rss
        except psutil.Error:  # it has ended since
            continue
    return max(held, _highest_mark(tree.pid)) / _MB


def _highest_mark(pid: int) -> float:
    """Bytes of the largest resident set that a process has had; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0.0
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return 0.0
    marks = [line.split() for line in status.splitlines() if line.startswith("VmHWM:")]
    return 1024.0 * float(marks[0][1]) if marks else 0.0


def _end(tree: psutil.Process) -> None:
    """End a process and its descendants, and nothing else."""
    for member in [*tree.children(recursive=True), tree]:
        try:
            member.kill()
        except psutil.Error:
            continue
