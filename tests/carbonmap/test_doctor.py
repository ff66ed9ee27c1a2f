"""`carbonmap doctor`: a fit machine passes; what is missing, damaged or taken is found, with a remedy."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from carbonmap import doctor
from carbonmap.build import build_region
from carbonmap.doctor import Diagnosis, examine
from carbonmap.progress import Silent
from grids.edition import Edition, Store
from grids.wholeness import DIGESTS

Command = Callable[..., tuple[int, str, str]]


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
        return number


def found(store: Path, **more: Any) -> list[Diagnosis]:
    return list(examine(store, host="127.0.0.1", port=port(), **more))


def errors(store: Path, **more: Any) -> list[Diagnosis]:
    return [one for one in found(store, **more) if one.level == "error"]


@pytest.fixture
def published(tiny: Any) -> Edition:
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    return Store(tiny.store).open("tiny")


def test_a_whole_store_and_its_region_file_pass(tiny: Any, published: Edition, command: Command) -> None:
    assert errors(tiny.store, region=str(tiny.file), deep=True) == []
    code, out, _ = command("doctor", "--store", tiny.store, "--region", tiny.file, "--port", port())
    assert code == 0
    assert f"tiny: edition {published.id}" in out
    assert "0 errors" in out


def test_a_table_that_was_cut_or_changed_is_found(tiny: Any, published: Edition, command: Command) -> None:
    table = published.folder / "tables" / "grid-100m" / "2023.parquet"
    whole = table.read_bytes()
    table.chmod(0o644)
    table.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert errors(tiny.store) == []  # the same size: only a digest tells
    [problem] = errors(tiny.store, deep=True)
    assert "grid-100m/2023 is not what was published" in problem.what
    assert "the same inputs give the same bytes" in problem.remedy
    table.write_bytes(whole[:100])
    assert "its manifest says" in errors(tiny.store)[0].what
    code, out, err = command("doctor", "--store", tiny.store, "--port", port())
    assert (code, err) == (2, "")
    assert "1 errors" in out
    table.parent.chmod(0o755)
    shutil.rmtree(table.parent)
    assert "is missing" in errors(tiny.store)[0].what


def test_a_damaged_private_table_is_found(tiny: Any, published: Edition) -> None:
    table = next((published.folder / "private").glob("lines-*.parquet"))
    table.write_bytes(b"broken")
    [problem] = errors(tiny.store, deep=True)
    assert f"private/{table.name} is missing, or not what was published" in problem.what
    (published.folder / "private" / DIGESTS).unlink()
    assert errors(tiny.store, deep=True) == []
    [warning] = [one for one in found(tiny.store, deep=True) if one.part == "store" and one.level == "warning"]
    assert "private and context ones cannot be told" in warning.what


def test_a_region_that_points_nowhere_is_found(tiny: Any, published: Edition) -> None:
    shutil.rmtree(published.folder)
    [problem] = errors(tiny.store)
    assert problem.part == "store"
    assert "not in the store" in problem.what


def test_missing_inputs_and_wrong_region_files_are_found(tiny: Any, tmp_path: Path) -> None:
    tiny.write()
    (tiny.folder / "roads.geojson").unlink()
    [problem] = errors(tmp_path / "store", region=str(tiny.file))
    assert "roads.geojson" in problem.what
    assert "--inputs" in problem.remedy
    tiny.region["crs"] = "EPSG:4326"
    tiny.write()
    [problem] = errors(tmp_path / "store", region=str(tiny.file))
    assert "is geographic" in problem.what


def test_a_taken_port_is_a_warning(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listed = list(examine(tmp_path / "store", host="127.0.0.1", port=taken.getsockname()[1]))
    assert listed[-1].level == "warning"
    assert "--port" in listed[-1].remedy


@pytest.mark.parametrize(("memory", "level"), [(1 << 30, "error"), (3 << 30, "warning"), (8 << 30, "ok")])
def test_little_memory_is_said(memory: int, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "memory_bytes", lambda: memory)
    machine = next(one for one in found(tmp_path / "store") if one.part == "machine")
    assert machine.level == level


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: _Usage(10 << 30, 10 << 30, 1 << 20))
    full = errors(tmp_path / "store")
    assert len(full) == 2
    assert all("free some" in one.remedy for one in full)


def test_old_and_missing_libraries_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor, "requires", lambda _name: ["numpy>=99.1", "nowhere-to-be-found>=1", 'x>=1; extra == "dask"']
    )
    [problem] = errors(tmp_path / "store")
    assert "nowhere-to-be-found" in problem.what
    assert "at least 99.1" in problem.what


def test_parts_of_a_stopped_build_are_said(tiny: Any, published: Edition) -> None:
    assert not [one for one in found(tiny.store) if one.level != "ok" and one.part == "store"]
    (tiny.store / ".incoming" / "tiny.work" / "0123456789abcdef").mkdir(parents=True)
    warnings = [one for one in found(tiny.store) if one.level == "warning" and one.part == "store"]
    assert len(warnings) == 1
    assert "goes on from them" in warnings[0].remedy
