"""The wheel: all packages, `data/` and the built web map, nothing else; the same bytes each time; it runs unpacked."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGES = ("accounting", "api", "carbonmap", "gis", "grids", "scenarios")


def build(project: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Build a wheel of a source folder into the target folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout."""
    if not (project / "web" / "dist" / "index.html").is_file():
        pytest.skip("the web map is not built (make web), and a wheel holds it")
    target = tmp_path_factory.mktemp("wheel")
    done = build(project, target)
    assert done.returncode == 0, done.stderr
    [file] = target.glob("*.whl")
    return file


def files_below(folder: Path, prefix: str) -> set[str]:
    """All files of a folder, as a wheel would name them."""
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {f"{prefix}/{file.relative_to(folder).as_posix()}" for file in files}


def test_the_wheel_holds_what_it_should_and_nothing_else(project: Path, wheel: Path) -> None:
    expected = set().union(*(files_below(project / package, package) for package in PACKAGES))
    expected |= files_below(project / "data", "carbonmap/data")
    expected |= files_below(project / "web" / "dist", "carbonmap/web")
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in inside if ".dist-info/" not in name} == expected
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in inside)


def test_the_same_sources_give_the_same_wheel(project: Path, wheel: Path, tmp_path: Path) -> None:
    assert build(project, tmp_path).returncode == 0
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_wheel_runs_from_where_it_is_unpacked(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "from carbonmap import resources\nfrom carbonmap.shadowing import refuse_shadowed\nimport grids.columns\n"
        "refuse_shadowed()\nprint(resources.data_folder(), resources.web_folder(), *resources.region_files())"
    )
    env = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd="/", env=env, capture_output=True, text=True, check=True
    )
    data, web, *regions = done.stdout.split()
    assert (data, web) == (str(tmp_path / "carbonmap" / "data"), str(tmp_path / "carbonmap" / "web"))
    assert "liechtenstein" in regions
    verbs = [sys.executable, "-P", "-m", "carbonmap", "--help"]
    assert "demo" in subprocess.run(verbs, cwd="/", env=env, capture_output=True, text=True, check=True).stdout


def test_without_the_web_map_no_wheel_is_built(project: Path, tmp_path: Path) -> None:
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(project / name, tmp_path / name)
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        shutil.copy(project / package / "__init__.py", tmp_path / package)
    done = build(tmp_path, tmp_path / "dist")
    assert done.returncode != 0
    assert "the web map is not built" in done.stderr
    assert not list((tmp_path / "dist").glob("*.whl"))
