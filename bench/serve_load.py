"""wrk asks a server the same thing over and over, and tells how often and how soon it was answered."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 4
"""Under way at a time: enough that the server never waits, few enough that what is measured is no queue."""

_MARK = "answered "
_DONE = """
function done(summary, latency, requests)
  local wrong = summary.errors
  io.write(string.format(
    '%s{"requests": %%d, "microseconds": %%d, "bytes": %%d, "refused": %%d, "broken": %%d, ' ..
    '"p50": %%d, "p95": %%d, "p99": %%d}\\n',
    summary.requests, summary.duration, summary.bytes, wrong.status,
    wrong.connect + wrong.read + wrong.write + wrong.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Asked:
    """A question to a server.

    Attributes:
        paths: addresses below the host, asked for in turn; a `%d` in one counts up, so that none is asked for twice.
        body: posted, if there is one.
        headers: sent along.
        begin: what was asked already; `%d` and the turn of the paths go on from there.
    """

    paths: Sequence[str]
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    begin: int = 0

    def script(self) -> str:
        """The Lua script that has wrk ask it."""
        texts = ", ".join(f"[==[{path}]==]" for path in self.paths)
        headers = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in self.headers.items())
        method, body = ("GET", "nil") if self.body is None else ("POST", f"[==[{self.body.decode('ascii')}]==]")
        return (
            f"local paths = {{{texts}}}\nlocal headers, body, asked = {{{headers}}}, {body}, {self.begin}\n"
            "function request()\n  asked = asked + 1\n"
            "  local path = paths[(asked - 1) % #paths + 1]:gsub('%%d', tostring(asked))\n"
            f'  return wrk.format("{method}", path, headers, body)\nend\n' + _DONE % _MARK
        )


@dataclass(frozen=True)
class Load:
    """How a server answered.

    Attributes:
        requests: answered in all.
        rate: answers per second.
        p50_ms, p95_ms, p99_ms: how long all but the slowest half, twentieth and hundredth took.
        wrong: answers that were refusals, and requests that got none.
        mbytes: of answers, per second.
    """

    requests: int
    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    wrong: int
    mbytes: float


def missing() -> str | None:
    """Why there is no load, or None."""
    return None if shutil.which("wrk") else "wrk is not installed (Debian: apt-get install wrk)"


def load(address: str, asked: Asked, seconds: float) -> Load:
    """Ask for some seconds, over a few connections from one thread.

    Args:
        address: of the server, such as `http://127.0.0.1:8000`.
        asked: what.
        seconds: at least one.

    Raises:
        RuntimeError: wrk could not ask at all.
    """
    with tempfile.TemporaryDirectory(prefix="bench-wrk-") as name:
        script = Path(name) / "asked.lua"
        script.write_text(asked.script(), "utf-8")
        told = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
        done = subprocess.run([*told, "-s", str(script), address], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if done.returncode or not lines:
        raise RuntimeError(f"wrk: {(done.stderr or done.stdout).strip()[-300:]}")
    found = json.loads(lines[0].removeprefix(_MARK))
    took = found["microseconds"] / 1e6
    return Load(
        requests=found["requests"],
        rate=found["requests"] / took,
        p50_ms=found["p50"] / 1e3,
        p95_ms=found["p95"] / 1e3,
        p99_ms=found["p99"] / 1e3,
        wrong=found["refused"] + found["broken"],
        mbytes=found["bytes"] / took / 1e6,
    )
