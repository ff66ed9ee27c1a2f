"""The compiled code's cache: none, a damaged one, and the warm-up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import numba
import numpy as np
from grids.compiled import compiled

@compiled
def twice(x):
    return x * 2

print(twice(21))
"""


def run(folder: Path, project: Path, cache: Path) -> str:
    script = folder / "script.py"
    if not script.exists():
        script.write_text(CODE, "utf-8")
    where = {"PYTHONPATH": str(project), "NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, **where}, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_code_is_kept_from_one_process_to_the_next(tmp_path: Path, project: Path) -> None:
    assert [run(tmp_path, project, tmp_path / "cache") for _ in range(2)] == ["42", "42"]
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 1


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path, project: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be", "utf-8")
    assert run(tmp_path, project, tmp_path / "cache") == "42"


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_a_damaged_cache_is_no_failure(tmp_path: Path, project: Path, ending: str) -> None:
    run(tmp_path, project, tmp_path / "cache")
    for file in (tmp_path / "cache").rglob(f"*.{ending}"):
        file.write_bytes(file.read_bytes()[:40])
    assert run(tmp_path, project, tmp_path / "cache") == "42"
