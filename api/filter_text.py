"""CQL2 as text: short work is parsed here, long work in a process beside this one, so that others are answered.

The parser keeps the interpreter to itself while it works: what takes it a fifth of a second would hold up every other
request by as much, and a few clients that send such texts in a loop would leave nothing to others.
"""

import atexit
import json
import subprocess
import sys
import threading
from typing import Any

from api.errors import RunsBusy, log
from api.filter_parser import tree_of

PARSE_S = 10.0
"""What parsing one may take, the start of the process included. It takes 0.3 s at most, longer on a busy machine."""


def parsed(text: str, heavy: bool = False) -> Any:
    """Return the tree of a CQL2 text as JSON has it.

    Args:
        text: of `api.filter_parser.MOST_BYTES` at most.
        heavy: whether it may take long, as it does with a fault within brackets.

    Raises:
        ValueError: this is not CQL2, as the parser says it.
        RunsBusy: it took longer than it may.
    """
    return _beside.tree_of(text) if heavy else tree_of(text)


class Beside:
    """The parser in a process of its own, which is started for the first text and ends with this process.

    Args:
        seconds: what parsing a text may take; the process is ended then, and started anew for the next text.
    """

    def __init__(self, seconds: float = PARSE_S) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def tree_of(self, text: str) -> Any:
        """Return the tree of a text, when its turn comes; raises as `parsed` does."""
        with self._turn:  # of those who ask there are few: `api.turns.FILTER_THREADS`
            answer = self._answered(text)
        if "fault" in answer:
            raise ValueError(answer["fault"])
        return answer["tree"]

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _answered(self, text: str) -> dict[str, Any]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            # -P: the folder the server was started in must not offer modules of our names.
            command = [sys.executable, "-P", "-m", "api.filter_parser"]
            # What the parser says when it fails would be plain lines among the documents of the log.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        process, late = self._process, threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        deadline = threading.Timer(self._seconds, end)
        deadline.daemon = True
        deadline.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(text).encode("ascii") + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:  # it has ended
            line = b""
        finally:
            deadline.cancel()
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.close()
        if late.is_set():
            log.error("a filter of %d characters took longer than %g s to parse", len(text), self._seconds)
            raise RunsBusy(
                f"filter: it took longer than {self._seconds:g} s to parse, the most that one may: ask again with "
                "fewer brackets, or with filter-lang=cql2-json"
            )
        log.error("a filter of %d characters ended the process that parses", len(text))
        raise ValueError("it ended the parser: ask with fewer brackets, or with filter-lang=cql2-json")


_beside = Beside()
atexit.register(_beside.close)
