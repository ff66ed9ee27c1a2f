"""A disk that has no room left: one paragraph that says so, nothing published, and a build that goes on afterwards."""

import resource
import subprocess
import sys
from typing import Any

_ROOM = 4_096


def test_a_full_disk_is_told_and_nothing_is_published(tiny: Any) -> None:
    """No file may grow beyond the room, which the system tells as it tells a full disk."""
    build = [sys.executable, "-m", "carbonmap", "build", str(tiny.write()), "--store", str(tiny.store)]
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    ended = subprocess.run(
        build,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM, most)),
    )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "The disk is full, or nothing may be written there: make room" in ended.stderr
    assert not (tiny.store / "tiny" / "current").exists()
    assert subprocess.run(build, capture_output=True, check=False).returncode == 0
    assert (tiny.store / "tiny" / "current").is_file()
