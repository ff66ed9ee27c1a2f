"""A build killed at any moment leaves the served edition intact and no half edition."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(os.name == "nt", reason="forks a process for every kill, which Windows does not do")
def test_killed_after_any_change_of_files_the_store_is_whole(tmp_path: Path, project: Path) -> None:
    script = Path(__file__).with_name("killed_builds.py")
    run = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "store")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(project)},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["wrong"] == []
    assert result["killed"] >= result["changes"] - 2 > 10
    # Some died after `current` was replaced: their edition is served, whole.
    assert 0 < result["switched"] < result["killed"]
    assert result["left"] == ["town.lock"]
