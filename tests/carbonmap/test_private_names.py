"""Private tables of a layer in a collection: ids have hyphens in them, and no two tables have one name."""

import copy

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from carbonmap.build import build_region
from carbonmap.progress import Silent
from grids.edition import Edition, Store
from grids.public_receipts import PublicReceipts
from grids.receipts import receipt
from grids.store_errors import EditionBroken
from tests.carbonmap.conftest import Tiny, box, collection


@pytest.fixture
def alike(tiny: Tiny) -> Edition:
    """An edition with `roads` (two lines) in `x-district`, and `roads-x` (one building elsewhere) in `district`."""
    zones = copy.deepcopy(tiny.region["zone_sets"][0]) | {"id": "x-district", "file": "halves.geojson"}
    tiny.region["zone_sets"].append(zones)
    tiny.layers["halves.geojson"] = collection(
        ({"code": "south", "name": "South"}, box(0, 0, 2000, 1000)),
        ({"code": "north", "name": "North"}, box(0, 1000, 2000, 2000)),
    )
    tiny.source("buildings")["id"] = "roads-x"
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    return Store(tiny.store).open("tiny")


def as_older_programs(edition: Edition) -> None:
    """Give private tables the names that they had, all with hyphens; of two alike the last one stays."""
    for path in sorted((edition.folder / "private").glob("*.*.parquet")):
        layer, _, collection_id = path.name.removesuffix(".parquet").partition(".")
        path.rename(path.with_name(f"{layer}-{collection_id}.parquet"))


def test_ids_that_read_alike_with_hyphens_have_tables_of_their_own(alike):
    for layer, zones in (("roads", "x-district"), ("roads-x", "district")):
        features = len(pd.read_parquet(alike.private("features", layer)))
        shares = pd.read_parquet(alike.private("shares", f"{layer}.{zones}"))
        assert sorted(set(shares["feature"])) == list(range(features))


def test_receipts_of_sources_with_ids_alike_are_of_the_right_one(alike):
    for zones in ("district", "x-district"):
        for row in alike.table(zones).to_pylist():
            found = receipt(alike, zones, row["id"])
            for sector in ("transport", "forest"):
                assert found.sectors[sector].sums.emissions_tco2e == pytest.approx(row[f"{sector}_tco2e"], rel=1e-9)


def test_an_older_edition_is_read_where_its_names_are_clear(alike):
    whole = [receipt(alike, "grid-1km", row["id"]) for row in alike.table("grid-1km").to_pylist()]
    as_older_programs(alike)
    older = Store(alike.folder.parents[1]).open("tiny")
    assert [receipt(older, "grid-1km", row["id"]) for row in older.table("grid-1km").to_pylist()] == whole


def test_an_older_edition_with_two_tables_of_one_name_is_refused(alike):
    as_older_programs(alike)
    older = Store(alike.folder.parents[1]).open("tiny")
    with pytest.raises(EditionBroken, match="roads-x in district or of roads in x-district") as refused:
        receipt(older, "district", "west")
    assert "build the region again" in str(refused.value)


def test_receipts_that_do_not_add_up_to_what_is_published_are_refused(alike):
    path = alike.private("shares", "roads.district")
    table = pq.read_table(path)
    halved = table.set_column(table.column_names.index("share"), "share", [np.asarray(table["share"]) / 2])
    pq.write_table(halved, path)
    with pytest.raises(EditionBroken, match=r"of transport in district west .* do not belong together"):
        receipt(alike, "district", "west")
    with pytest.raises(EditionBroken, match="do not belong together"):
        PublicReceipts(alike).receipt("district", "west")
