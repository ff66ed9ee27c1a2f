"""A full disk while a file is made: told as what it is, whatever the library that writes it says."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import dataclass
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

ROOM = 1_500
LIMITED = """
import json, resource, sys
from pathlib import Path
from grids.edition import Store
from grids.exports.files import export_file, write_file
from grids.exports.room import NoRoom
store, region, folder, room, with_room, *names = sys.argv[1:]
edition = Store(Path(store)).open(region)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
told = {}
for name in (*names, with_room):
    most = 10_000_000 if name == with_room else int(room)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        write_file(edition, export_file(edition, name), Path(folder) / name)
        told[name] = "made"
    except NoRoom as problem:
        told[name] = str(problem)
print(json.dumps(told))
"""
WITH_ROOM = "grid-500m_2023.csv"


@dataclass(frozen=True)
class Limited:
    """What a process said of each file while none could be larger than so many bytes, and where it wrote."""

    folder: Path
    said: dict[str, str]


@pytest.fixture(scope="module")
def limited(small_edition: Edition, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Limited:
    """Make every file in one process without room, and one more once there is."""
    folder = tmp_path_factory.mktemp("full")
    given = [str(small_edition.folder.parents[1]), small_edition.region.id, str(folder), str(ROOM), WITH_ROOM, *FILES]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *given], capture_output=True, text=True, cwd=project, check=False
    )
    assert done.returncode == 0, done.stderr
    return Limited(folder, json.loads(done.stdout))


@pytest.mark.parametrize("name", FILES)
def test_every_format_says_that_there_is_no_room(limited: Limited, name: str) -> None:
    assert f"{name} cannot be written in {limited.folder}: {os.strerror(errno.EFBIG)}" in limited.said[name]
    assert "Make room there, or give another folder" in limited.said[name]


def test_with_room_the_same_process_makes_it(limited: Limited) -> None:
    assert limited.said[WITH_ROOM] == "made"
    assert (limited.folder / WITH_ROOM).stat().st_size > ROOM


def test_other_failures_are_no_lack_of_room(tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    draft.write_bytes(b"half of it")
    assert no_room(draft, RuntimeError("NetCDF: HDF error")) is None
    assert no_room(draft, PermissionError(errno.EACCES, "not yours")) is None
    assert draft.read_bytes() == b"half of it"
    assert no_room(tmp_path / "none", ValueError("a mistake")) is None
    assert not (tmp_path / "none").exists()
    assert isinstance(no_room(draft, OSError(errno.ENOSPC, "full")), NoRoom)
