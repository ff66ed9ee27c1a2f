"""Porto: 51,349 roads of one OpenStreetMap extract, from the file to an edition."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import yaml

from carbonmap.build import build_region
from carbonmap.progress import Silent
from grids.edition import Edition, Store

pytestmark = pytest.mark.shared

BOUNDS = (522_000, 4_542_000, 550_000, 4_578_000)
"""In UTM 29N, within the extract, so that its border cuts roads."""


@pytest.fixture(scope="module")
def porto(project: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """The edition, by the traffic assumptions of the region that ships with the program; hexagons are its zones."""
    folder = tmp_path_factory.mktemp("porto")
    region = yaml.safe_load((project / "data" / "regions" / "liechtenstein.yaml").read_text("utf-8"))
    (roads,) = (source for source in region["sources"] if source["sector"] == "transport")
    traffic = {name: each for name, each in region["assumptions"].items() if name.startswith("transport.")}
    # One road of the extract is an `unclassified_tertiary`, which is no class at all.
    traffic |= {f"transport.{what}.unknown": traffic[f"transport.{what}.road"] for what in ("aadt", "speed")}
    region |= {
        "id": "porto",
        "name": {"en": "Porto"},
        "languages": ["en"],
        "crs": "EPSG:32629",
        "h3_resolutions": [7],
        "boundary": {"bounds": list(BOUNDS)},
        "factor_regions": ["PT", "world"],
        "sources": [roads | {"file": "porto_portugal.osm.pbf"}],
        "zone_sets": [],
        "context": [],
        "assumptions": traffic,
    }
    (folder / "region.yaml").write_text(yaml.safe_dump(region, allow_unicode=True), "utf-8")
    inputs = shared / "data" / "porto-roads-osm-2015"
    build_region(folder / "region.yaml", inputs, folder / "store", progress=Silent())
    return Store(folder / "store").open("porto")


def test_every_road_of_the_extract_is_accounted_for(porto: Edition) -> None:
    (layer,) = porto.manifest.layers
    report = layer.report
    assert report["read"] == 51_349
    accounted = sum(int(report[key]) for key in ("kept", "filtered", "outside", "empty", "duplicates"))
    assert accounted + len(report["refused"]) == 51_349
    assert report["kept"] > 30_000
    assert report["partly_outside"] > 50
    # A line has no ring that could be invalid: nothing is to be repaired, and nothing was in silence.
    assert (report["repaired"]["count"], report["repaired_by_edges"]["count"]) == (0, 0)


def test_no_emissions_of_roads_are_lost_or_made(porto: Edition) -> None:
    assert set(porto.manifest.residuals) == {"grid-1km", "grid-500m", "grid-100m", "h3-7"}
    for collection, balances in porto.manifest.residuals.items():
        assert balances
        assert max(balance.residual for balance in balances) < 1e-9, collection
    total = porto.manifest.totals[2023]["transport"]
    assert total is not None
    for collection in porto.collections:
        column = porto.table(collection, 2023).to_pandas()["transport_tco2e"]
        assert column.sum() == pytest.approx(total, rel=1e-9), collection


@pytest.mark.parametrize("collection", ["grid-100m", "h3-7"])
def test_every_road_is_shared_out_whole(porto: Edition, collection: str) -> None:
    outside = pd.read_parquet(porto.private("features", "osm_roads"), columns=["outside_share"])["outside_share"]
    shares = pd.read_parquet(porto.private("shares", f"osm_roads.{collection}"))
    held = np.bincount(shares["feature"], shares["share"], minlength=len(outside))
    assert np.abs(held + outside - 1).max() < 1e-9


def test_roads_in_cells_are_as_long_as_plain_overlays_say(porto: Edition) -> None:
    roads = shapely.from_wkb(pd.read_parquet(porto.private("features", "osm_roads"))["geometry"].to_numpy())
    cells = porto.table("grid-100m", 2023).to_pandas()[["row", "col"]]
    shares = pd.read_parquet(porto.private("shares", "osm_roads.grid-100m")).sample(3000, random_state=4)
    place = cells.iloc[shares["target"].to_numpy()]
    west, south = place["col"].to_numpy() * 100, place["row"].to_numpy() * 100
    whole = roads[shares["feature"].to_numpy()]
    simple = shapely.is_simple(whole)  # an overlay counts once what a road goes twice
    part = shapely.length(shapely.intersection(whole, shapely.box(west, south, west + 100, south + 100)))
    expected = part / shapely.length(whole)
    assert simple.sum() > 2500
    np.testing.assert_allclose(shares["share"].to_numpy()[simple], expected[simple], rtol=0, atol=1e-9)
