"""`carbonmap serve`: where the map is stands on standard output by itself, whatever the log looks like."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from carbonmap.build import build_region
from carbonmap.progress import Silent


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_address_is_said_plainly_beside_either_log(tiny: Any, project: Path, form: str) -> None:
    build_region(tiny.write(), None, tiny.folder / "store", progress=Silent())
    command = [sys.executable, "-P", "-m", "carbonmap", "serve", "--store", str(tiny.folder / "store"), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(project), "CARBONMAP_LOG_FORMAT": form}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=environment, **pipes) as server:
        try:
            assert server.stdout is not None
            said = [server.stdout.readline() for _ in range(3)]
            address = re.fullmatch(r"The map is at (http://127\.0\.0\.1:\d+/)   \(Ctrl-C stops it\)\n", said[1])
            assert address is not None, said
            assert said[::2] == ["\n", "\n"]
            assert httpx.get(f"{address[1]}api/regions", timeout=120).status_code == 200
        finally:
            server.send_signal(signal.SIGTERM)
        rest, log = server.communicate(timeout=120)
    assert rest == ""
    assert "/api/regions" in log
    if form == "json":
        assert [line for line in log.splitlines() if not isinstance(json.loads(line), dict)] == []
