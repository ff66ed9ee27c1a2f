"""A full disk while a file is made: told as what it is, whatever the library that writes it says."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grids.edition import Edition
from grids.exports.room import NoRoom, no_room

resource = pytest.importorskip("resource", reason="files cannot be limited on this system")

FILES = (
    "grid-1km_2023.parquet",
    "grid-100m_2023.parquet",
    "grid-100m_2023.gpkg",
    "grid-100m_2023.csv",
    "grid-100m_2023.tif",
    "grid-100m.nc",
    "grid-100m_2023.pmtiles",
    "municipality_2023.html",
    "manifest.json",
)

LIMITED = """
import resource, sys
from pathlib import Path
from grids.edition import Store
from grids.exports.files import export_file, write_file
from grids.exports.room import NoRoom
store, region, name, folder, limit = sys.argv[1:]
opened = Store(Path(store)).open(region)
file = export_file(opened, name)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    write_file(opened, file, Path(folder) / name)
except NoRoom as problem:
    print(problem)
    sys.exit(2)
"""


def limited(edition: Edition, name: str, folder: Path, limit: int) -> "subprocess.CompletedProcess[str]":
    """Make a file in a process that may not write files larger than so many bytes."""
    given = [str(edition.folder.parents[1]), edition.region.id, name, str(folder), str(limit)]
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", LIMITED, *given], capture_output=True, text=True, cwd=root, check=False
    )


@pytest.mark.parametrize("name", FILES)
def test_every_format_says_that_there_is_no_room(small_edition: Edition, tmp_path: Path, name: str) -> None:
    done = limited(small_edition, name, tmp_path, 1500)
    assert done.returncode == 2, done.stderr
    assert f"{name} cannot be written in {tmp_path}: {os.strerror(errno.EFBIG)}" in done.stdout
    assert "Make room there, or give another folder" in done.stdout


def test_with_room_the_same_process_makes_it(small_edition: Edition, tmp_path: Path) -> None:
    done = limited(small_edition, "grid-1km_2023.csv", tmp_path, 10_000_000)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "grid-1km_2023.csv").stat().st_size > 1500


def test_other_failures_are_no_lack_of_room(tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    draft.write_bytes(b"half of it")
    assert no_room(draft, RuntimeError("NetCDF: HDF error")) is None
    assert no_room(draft, PermissionError(errno.EACCES, "not yours")) is None
    assert draft.read_bytes() == b"half of it"
    assert no_room(tmp_path / "none", ValueError("a mistake")) is None
    assert not (tmp_path / "none").exists()
    assert isinstance(no_room(draft, OSError(errno.ENOSPC, "full")), NoRoom)
