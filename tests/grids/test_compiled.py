"""The compiled code's cache: none, a damaged one, and the warm-up."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from grids.compiled import compiled, inner

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


def test_a_damaged_cache_is_no_failure(tmp_path: Path, project: Path) -> None:
    run(tmp_path, project, tmp_path / "cache")
    [file] = (tmp_path / "cache").rglob("*.nbc")
    file.write_bytes(file.read_bytes()[:40])
    assert run(tmp_path, project, tmp_path / "cache") == "42"


def test_a_user_without_a_home_gets_no_folder_named_so(tmp_path: Path, project: Path) -> None:
    code = "import os, runpy; os.path.expanduser = lambda path: path; runpy.run_path('package/script.py')"
    package = tmp_path / "package"
    package.mkdir()
    (package / "script.py").write_text(CODE, "utf-8")
    (package / "__pycache__").write_text("a file where numba's folder would be", "utf-8")
    env = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**env, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.stdout.strip() == "42", done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["package"]


def test_two_processes_at_once_leave_one_file_per_combination_of_types(tmp_path: Path, project: Path) -> None:
    (tmp_path / "script.py").write_text(CODE.replace("twice(21)", "twice(21), twice(21.0)"), "utf-8")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: run(tmp_path, project, tmp_path / "cache"), range(2)))
    assert [*done, run(tmp_path, project, tmp_path / "cache")] == ["42 42.0"] * 3
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 2


def test_code_of_former_sources_is_removed_when_new_code_is_written(tmp_path: Path, project: Path) -> None:
    """A change of a compiled module makes new files; the old ones of the same function go, wherever it stood."""
    kernels = tmp_path / "some_kernels.py"
    source = "from grids.compiled import compiled\n\n@compiled\ndef twice(x):\n    return x * 2\n"
    other = "\n@compiled\ndef twice_more(x):\n    return x * 4\n"
    (tmp_path / "script.py").write_text("from some_kernels import *\nprint(twice(21), twice_more(21))\n", "utf-8")
    cache = tmp_path / "cache"

    def left() -> list[str]:
        return sorted(file.name for file in cache.rglob("*.nbc"))

    kernels.write_text(source + other, "utf-8")
    assert run(tmp_path, project, cache) == "42 84"
    former = left()
    assert len(former) == 2
    (folder,) = {file.parent for file in cache.rglob("*.nbc")}
    of_another_python = folder / former[0].replace(".py3", ".py9", 1)
    of_another_python.write_bytes(b"")
    kernels.write_text("# moved down\n" + source + other.replace("x * 4", "x * 8"), "utf-8")
    assert run(tmp_path, project, cache) == "42 168"
    now = left()
    assert len(now) == 3
    assert of_another_python.name in now
    assert not set(former) & set(now)


def test_one_version_serves_all_literals() -> None:
    @inner
    def added(a: int, b: int) -> int:
        return a + b

    @compiled
    def sums(n: int) -> int:
        return added(n, 0) + added(0, n) + added(n, n) + added(1, 2)

    assert sums(2) == 11
    assert len(added.overloads) == 1  # type: ignore[attr-defined]
