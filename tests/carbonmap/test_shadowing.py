"""A stranger's `api.py` is named before it can be imported, and shipped files are found from anywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from carbonmap import __version__, resources
from carbonmap.resources import MissingResource, data_folder, region_files
from carbonmap.shadowing import ROOMS, ShadowedPackage, refuse_shadowed


def run(arguments: list[str], folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run this Python somewhere else."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=os.environ | env, capture_output=True, text=True, check=False)


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A folder whose names clash with ours; importing any of them would be noticed."""
    for name in ("api.py", "grids.py", "yaml.py"):
        (tmp_path / name).write_text("raise SystemExit('a stranger was imported')\n", "utf-8")
    (tmp_path / "data").mkdir()
    return tmp_path


def test_our_own_rooms_pass() -> None:
    refuse_shadowed()


def test_rooms_checked_are_all_rooms(project: Path) -> None:
    packages = {file.parent.name for file in project.glob("*/__init__.py")} - {"carbonmap", "tests", "bench", "fuzz"}
    assert set(ROOMS) == packages


@pytest.mark.parametrize("name", ["api.py", "api/__init__.py", "grids.py"])
def test_a_file_earlier_on_the_path_is_named(project: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("raise SystemExit('a stranger was imported')\n", "utf-8")
    code = "import sys; sys.path.append(sys.argv[1])\nfrom carbonmap.__main__ import main\nmain()"
    done = run(["-P", "-c", code, str(project)], tmp_path, PYTHONPATH=str(tmp_path))
    if done.returncode == 1 and "No module named 'carbonmap'" in done.stderr:
        done = run(
            ["-P", "-c", code, str(project)], tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path), str(project)])
        )
    assert done.returncode == 2, done.stderr
    assert f"{file} takes the place of carbonmap's own package" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_init_does_not_shadow(project: Path, tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()  # Python prefers a real package later on the path
    code = "from carbonmap.shadowing import refuse_shadowed\nrefuse_shadowed()"
    path = os.pathsep.join([str(tmp_path), str(project)])
    done = run(["-P", "-c", code], tmp_path, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr


def test_a_missing_room_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShadowedPackage, match=r"no_such_room.*not installed"):
        refuse_shadowed(["no_such_room"], tmp_path)


def test_python_m_ignores_the_working_folder(project: Path, strange: Path) -> None:
    done = run(["-m", "carbonmap", "--help"], strange, PYTHONPATH="", NO_COLOR="1")
    if "No module named carbonmap" in done.stderr:  # run from a checkout that is not installed
        code = "import sys, runpy; sys.path.append(sys.argv.pop(1)); runpy.run_module('carbonmap', run_name='__main__')"
        done = run(["-c", code, str(project), "--help"], strange, PYTHONPATH="", NO_COLOR="1")
    assert done.returncode == 0, done.stdout + done.stderr
    for verb in ("demo", "check", "build", "serve", "info"):
        assert verb in done.stdout


def test_shipped_files_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "schema").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert tmp_path not in data_folder().parents
    assert (data_folder() / "factors").is_dir()
    assert "liechtenstein" in region_files()
    assert list(region_files()) == sorted(region_files())


def test_a_wheel_finds_its_own_files_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "carbonmap"
    monkeypatch.setattr(resources, "PACKAGE", package)
    monkeypatch.setattr(resources, "HOME", tmp_path)
    with pytest.raises(MissingResource, match="Install carbonmap again"):
        data_folder()
    assert resources.web_folder() is None
    (tmp_path / "data" / "schema").mkdir(parents=True)
    assert data_folder() == tmp_path / "data"
    assert resources.is_checkout()
    (package / "data" / "schema").mkdir(parents=True)
    (package / "web").mkdir()
    (package / "web" / "index.html").write_text("<!doctype html>", "utf-8")
    assert data_folder() == package / "data"
    assert resources.web_folder() == package / "web"
    assert not resources.is_checkout()


def test_the_version_is_a_version() -> None:
    assert [part.isdigit() for part in __version__.split(".")] == [True, True, True]
