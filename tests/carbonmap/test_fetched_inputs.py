"""Inputs in an object store, over real HTTP: the same edition as from a folder, fetched once, and honest troubles."""

from pathlib import Path
from typing import Any

import pytest

from carbonmap.build import build_region
from carbonmap.check import check_region
from carbonmap.errors import RegionError
from carbonmap.fetched import ObjectFolder
from carbonmap.progress import Silent
from carbonmap.region import RegionFile
from tests.carbonmap.object_store import ObjectStore


def uploaded(tiny: Any, objects: ObjectStore) -> Path:
    """The tiny region's inputs in the object store and not on disk; the region file alone is here."""
    region = tiny.write()
    for file in sorted(tiny.folder.iterdir()):
        if file.is_file() and file != region:
            objects.objects[f"nation/{file.name}"] = file.read_bytes()
            file.unlink()
    return Path(region)


def fetch(region: Path, objects: ObjectStore, store: Path) -> Path:
    return ObjectFolder(objects.address).fetch(RegionFile(region).region, store, lambda sentence: None)


def test_an_edition_from_an_object_store_is_that_of_a_folder(tiny: Any, objects: ObjectStore, tmp_path: Path) -> None:
    local = build_region(tiny.write(), None, tiny.store, progress=Silent())
    region, store = uploaded(tiny, objects), tmp_path / "elsewhere"
    built = build_region(region, objects.address, store, progress=Silent())
    assert built.edition == local.edition
    tables = sorted(path.relative_to(tiny.store) for path in tiny.store.glob("tiny/*/tables/*/*.parquet"))
    assert tables
    assert all((tiny.store / table).read_bytes() == (store / table).read_bytes() for table in tables)
    objects.asked.clear()
    assert build_region(region, objects.address, store, progress=Silent()).edition == local.edition
    assert objects.read == []  # what has not changed is not read again


def test_only_what_changed_is_fetched_again(tiny: Any, objects: ObjectStore) -> None:
    region = uploaded(tiny, objects)
    objects.objects["nation/unnamed.csv"] = b"nobody asks for it"
    folder = fetch(region, objects, tiny.store)
    assert objects.read == sorted(set(objects.objects) - {"nation/unnamed.csv"})
    objects.asked.clear()
    objects.objects["nation/meters.csv"] += b"\n"
    assert fetch(region, objects, tiny.store) == folder
    assert objects.read == ["nation/meters.csv"]
    assert (folder / "meters.csv").read_bytes() == objects.objects["nation/meters.csv"]
    (folder / "meters.csv").write_bytes(b"cut short")
    fetch(region, objects, tiny.store)
    assert (folder / "meters.csv").read_bytes() == objects.objects["nation/meters.csv"]


def test_what_changes_while_it_is_fetched_is_refused_and_not_kept(tiny: Any, objects: ObjectStore) -> None:
    region = uploaded(tiny, objects)
    before = objects.objects["nation/meters.csv"]

    def exchange(key: str) -> None:
        if key == "nation/meters.csv":
            objects.objects[key] = before.replace(b"1000", b"1001")  # as long as it was

    objects.before_read = exchange
    with pytest.raises(RegionError, match=r"s3://inputs/nation/meters\.csv changed while it was fetched"):
        fetch(region, objects, tiny.store)
    assert not [path for path in tiny.store.rglob("*") if path.name.startswith("meters.csv")]
    fetch(region, objects, tiny.store)  # it is still now


def test_what_is_not_there_is_named_with_what_is(tiny: Any, objects: ObjectStore) -> None:
    region = uploaded(tiny, objects)
    objects.objects["nation/metres.csv"] = objects.objects.pop("nation/meters.csv")
    with pytest.raises(RegionError, match=r"no object 'meters\.csv' in s3://inputs/nation;.*metres\.csv"):
        fetch(region, objects, tiny.store)


def test_who_may_not_read_is_told_so(tiny: Any, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    region = uploaded(tiny, objects)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    with pytest.raises(RegionError, match=r"may not be read: give credentials .*AWS_ACCESS_KEY_ID"):
        fetch(region, objects, tiny.store)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://host/folder", "expected a folder, or an address"),
        ("s3://", "expected a folder, or an address"),
        ("s3://user:secret@bucket/folder", "credentials do not belong"),
    ],
)
def test_addresses_that_are_none_are_refused_and_secrets_not_repeated(address: str, message: str) -> None:
    with pytest.raises(RegionError, match=message) as refused:
        ObjectFolder(address)
    assert "secret@" not in str(refused.value)


def test_check_says_that_it_wants_a_folder(tiny: Any) -> None:
    with pytest.raises(RegionError, match="check looks at files of a folder"):
        check_region(tiny.write(), "s3://bucket/folder")
