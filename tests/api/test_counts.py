"""Counting requests in several processes must never be what ends one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT = """
import resource, sys
from pathlib import Path
if len(sys.argv) > 1:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from api.counts import count, metrics
for status in (200, 404):
    count("GET", "/api/regions", status, 10, 0.01)
answer = metrics(None)
print(answer.status_code, answer.body.decode().count("carbonmap_requests_total{"))
"""


def counted(folder: Path, *limits: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    return subprocess.run([sys.executable, "-c", COUNT, *limits], env=env, capture_output=True, text=True, check=False)


def test_processes_count_together_in_files_that_are_there_as_a_whole(tmp_path: Path) -> None:
    for process in range(1, 3):
        done = counted(tmp_path)
        assert (done.returncode, done.stdout) == (0, "200 2\n"), done.stderr
        files = sorted(tmp_path.glob("*.db"))
        assert len(files) == 2 * process
        for file in files:
            # No holes: each would have to be filled on a disk that may be full by then, and end the process.
            assert file.stat().st_blocks * 512 >= file.stat().st_size == 1 << 20


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_without_room_a_process_serves_uncounted(tmp_path: Path) -> None:
    done = counted(tmp_path, str(64 << 10))
    assert (done.returncode, done.stdout) == (0, "200 0\n"), done.stderr
    assert list(tmp_path.iterdir()) == []
    assert "no room to count requests" in done.stderr


def test_a_folder_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    assert counted(tmp_path / "gone" / "again").stdout == "200 2\n"
