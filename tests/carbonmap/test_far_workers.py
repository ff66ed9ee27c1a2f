"""Workers look at their inputs as the build itself does, and read their own row groups from an object store."""

import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

import gis.spans
from carbonmap.build import build_region
from carbonmap.dask_cluster import local_cluster, quiet
from carbonmap.dask_engine import DaskEngine
from carbonmap.dask_worker import Terms, work_order
from carbonmap.errors import RegionError
from carbonmap.fetched import ObjectFolder, versions_in
from carbonmap.manifest import identity_of
from carbonmap.parts import Part, WorkFolder, join_tables, parts_of
from carbonmap.plan import Plan
from carbonmap.progress import Silent
from carbonmap.region import RegionFile
from carbonmap.seals import InputChanged
from gis.errors import UnreadableFile
from tests.carbonmap.object_store import ObjectStore

ROWS = 2


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gis.spans, "ROWS_AT_ONCE", ROWS)


def written(tiny: Any) -> Path:
    """The tiny region, its buildings as GeoParquet of two parts with a column that nobody asks for."""
    tiny.write()
    frame = gpd.read_file(tiny.folder / "buildings.geojson")
    noise = np.random.default_rng(7)
    frame["ballast"] = [noise.bytes(1 << 16).hex() for _ in range(len(frame))]
    frame.to_parquet(tiny.folder / "buildings.parquet", row_group_size=ROWS)
    tiny.source("buildings")["file"] = "buildings.parquet"
    return Path(tiny.write())


def uploaded(tiny: Any, objects: ObjectStore) -> Path:
    """The region file here, and its inputs in the object store alone."""
    region = written(tiny)
    for file in sorted(tiny.folder.iterdir()):
        if file.is_file() and file != region:
            objects.objects[f"nation/{file.name}"] = file.read_bytes()
            file.unlink()
    return region


def asked_to_work(file: RegionFile, folder: Path, *, far: bool) -> tuple[Terms, WorkFolder, list[Part]]:
    """A build as a worker gets it, with the joined tables that it finds ready; and the parts of the buildings."""
    plan, work = Plan(file), WorkFolder(folder)
    source = plan.source("buildings")
    join_tables(source, plan, work)
    return Terms.of(plan, work, identity_of(file), far=far), work, parts_of(source, plan)


def order(terms: Terms, part: Part) -> Any:
    return work_order(terms, pickle.dumps(part))


def test_a_worker_keeps_nothing_of_inputs_that_changed_since_it_began(tiny: Any) -> None:
    terms, work, (first, second) = asked_to_work(RegionFile(written(tiny)), tiny.folder / "work", far=False)
    assert order(terms, first).error is None
    assert work.record(first) is not None
    zones = tiny.folder / "zones.geojson"
    os.utime(zones, ns=(1, 1))
    outcome = order(terms, second)
    assert isinstance(outcome.error, InputChanged)
    assert "zones.geojson changed while the region was built" in str(outcome.error)
    assert work.record(second) is None


def test_a_worker_reads_its_own_row_groups_from_the_object_store(tiny: Any, objects: ObjectStore) -> None:
    region = uploaded(tiny, objects)
    folder = ObjectFolder(objects.address).fetch(RegionFile(region).region, tiny.store, lambda sentence: None)
    file = RegionFile(region, folder, address=objects.address)
    near, here, parts = asked_to_work(file, tiny.folder / "near", far=False)
    objects.asked.clear()
    objects.sent.clear()
    assert all(order(near, part).error is None for part in parts)
    assert objects.asked == []  # workers of this machine have the copy beside them
    terms, work, parts = asked_to_work(file, tiny.folder / "far", far=True)
    assert order(terms, parts[1]).error is None
    assert objects.read == ["nation/buildings.parquet"]
    whole = len(objects.objects["nation/buildings.parquet"])
    assert 0 < objects.sent["nation/buildings.parquet"] < whole / 2  # neither the other part nor the ballast
    assert order(terms, parts[0]).error is None
    for part in parts:
        for file_of in here.path(part).glob("*.arrow"):
            assert file_of.read_bytes() == (work.path(part) / file_of.name).read_bytes()


def test_a_worker_that_may_not_read_there_takes_the_copy_in_the_store(
    tiny: Any, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    region = uploaded(tiny, objects)
    folder = ObjectFolder(objects.address).fetch(RegionFile(region).region, tiny.store, lambda sentence: None)
    terms, work, parts = asked_to_work(
        RegionFile(region, folder, address=objects.address), tiny.folder / "far", far=True
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    assert order(terms, parts[0]).error is None
    assert work.record(parts[0]) is not None
    assert f"inputs are read from {folder}: " in caplog.text
    assert "give credentials" in caplog.text


def test_an_object_that_changed_since_it_was_fetched_stops_the_build(tiny: Any, objects: ObjectStore) -> None:
    region = uploaded(tiny, objects)
    folder = ObjectFolder(objects.address).fetch(RegionFile(region).region, tiny.store, lambda sentence: None)
    terms, work, (first, second) = asked_to_work(
        RegionFile(region, folder, address=objects.address), tiny.folder / "far", far=True
    )
    assert order(terms, first).error is None
    objects.objects["nation/buildings.parquet"] += b"\n"
    outcome = order(terms, second)
    assert isinstance(outcome.error, RegionError)
    assert "s3://inputs/nation/buildings.parquet changed since it was fetched" in str(outcome.error)
    assert work.record(second) is None


def test_what_changes_while_it_is_read_is_told_so(tiny: Any, objects: ObjectStore) -> None:
    region = uploaded(tiny, objects)
    fetched = ObjectFolder(objects.address)
    version = versions_in(fetched.fetch(RegionFile(region).region, tiny.store, lambda sentence: None))["meters.csv"]
    before = objects.objects["nation/meters.csv"]
    with fetched.opened("meters.csv", version) as source:
        assert source.read() == before
    changed = r"nation/meters\.csv changed since it was fetched"
    with pytest.raises(RegionError, match=changed), fetched.opened("meters.csv", version):
        objects.objects["nation/meters.csv"] = before + b"\n"
    objects.objects["nation/meters.csv"] = before

    def read_of_another() -> None:
        del objects.objects["nation/meters.csv"]
        raise UnreadableFile("what was read of another version makes no sense")

    with pytest.raises(RegionError, match=changed), fetched.opened("meters.csv", version):
        read_of_another()
    objects.objects["nation/meters.csv"] = before
    with pytest.raises(UnreadableFile, match="of its own"), fetched.opened("meters.csv", version):
        raise UnreadableFile("a fault of its own")


def test_what_was_fetched_for_another_build_is_not_asked_for(
    tiny: Any, objects: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A store keeps the versions of all that was ever fetched from an address; some of it may be gone from there."""
    region = uploaded(tiny, objects)
    folder = ObjectFolder(objects.address).fetch(RegionFile(region).region, tiny.store, lambda sentence: None)
    file = RegionFile(region, folder, address=objects.address)
    terms, work, parts = asked_to_work(file, tiny.folder / "far", far=True)
    terms = replace(terms, versions={"a.csv": "gone", **terms.versions})
    objects.asked.clear()
    assert order(terms, parts[0]).error is None
    assert work.record(parts[0]) is not None
    assert objects.read == ["nation/buildings.parquet"]
    terms, work, parts = asked_to_work(file, tiny.folder / "none", far=True)
    terms = replace(terms, versions={"a.csv": "gone"})
    objects.asked.clear()
    assert order(terms, parts[0]).error is None
    assert work.record(parts[0]) is not None
    assert objects.asked == []
    assert not caplog.records


def test_an_edition_by_workers_that_read_from_the_object_store_is_that_of_a_folder(
    tiny: Any, objects: ObjectStore, tmp_path: Path
) -> None:
    local = build_region(written(tiny), None, tiny.store, progress=Silent())
    region, store = uploaded(tiny, objects), tmp_path / "elsewhere"
    with quiet(), local_cluster(1) as cluster:
        after: list[int] = []

        class Told(Silent):
            def step(self, what: str) -> None:
                if what == "reading zones":  # all is fetched by now
                    after.append(len(objects.asked))

        engine = DaskEngine(cluster.scheduler_address)
        built = build_region(region, objects.address, store, progress=Told(), engine=engine)
    assert built.edition == local.edition
    assert ("GET", "nation/buildings.parquet") in objects.asked[after[0] :]
    tables = sorted(path.relative_to(tiny.store) for path in tiny.store.glob("tiny/*/tables/*/*.parquet"))
    assert tables
    assert all((tiny.store / table).read_bytes() == (store / table).read_bytes() for table in tables)
