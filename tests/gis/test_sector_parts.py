"""A layer in parts: what its parts make, put together, is what the whole makes, to the last bit."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from accounting.emissions import empty_lines
from accounting.sector import Remark, SectorEmissions, joined
from carbonmap.ground import read_ground
from carbonmap.region import Region, RegionFile
from carbonmap.sectors import Accounts, sector_emissions
from gis.readers import read_source
from gis.sources import Source

REAL = {
    "liechtenstein": ("liechtenstein-osm-2024", 2_500),
    "seattle": ("seattle-energy-traffic-2016", 400),
    "helsinki": ("helsinki-combined", 300),
}


def same(whole: SectorEmissions, together: SectorEmissions) -> None:
    assert whole.compact.kinds == together.compact.kinds
    for name in ("feature", "kind", "activity", "emissions_tco2e"):
        ours, theirs = getattr(whole.compact, name), getattr(together.compact, name)
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes(), name
    pd.testing.assert_frame_equal(whole.lines, together.lines, check_exact=True)
    pd.testing.assert_frame_equal(whole.features, together.features, check_exact=True)
    assert whole.counts == together.counts
    assert sorted(whole.warnings) == sorted(together.warnings)
    assert whole.lookups == together.lookups
    assert whole.assumptions == together.assumptions


def in_parts(
    source: Source, features: gpd.GeoDataFrame, region: Region, accounts: Accounts, size: int
) -> SectorEmissions:
    return joined(
        [
            sector_emissions(source, features.iloc[first : first + size].reset_index(drop=True), region, accounts)
            for first in range(0, len(features), size)
        ]
    )


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_parts_of_real_layers_make_the_whole(name: str, shared: Path, project: Path) -> None:
    folder, size = REAL[name]
    file = RegionFile(name, shared / "data" / folder)
    accounts, ground = Accounts.of(file.region), read_ground(file.region, file.inputs)
    for source in file.region.sources:
        if not source.is_raster:
            features = read_source(source, file.inputs, file.region.crs, ground.reading_bbox).features
            whole = sector_emissions(source, features, file.region, accounts)
            same(whole, in_parts(source, features, file.region, accounts, size))


def test_parts_of_made_up_layers_make_the_whole() -> None:
    """Kinds, remarks and fuels that occur in one part only; several years; parts without any line."""
    file = RegionFile("liechtenstein", None)
    region = file.region.model_copy(update={"years": [2023, 2022]})
    accounts = Accounts.of(region)
    rng = np.random.default_rng(1)
    n = 400
    x, y = 550_000 + rng.uniform(0, 5000, n), 5_220_000 + rng.uniform(0, 5000, n)
    boxes = shapely.box(x, y, x + rng.uniform(5, 40, n), y + rng.uniform(5, 40, n))
    buildings = gpd.GeoDataFrame(
        {
            "id": [f"b{i}" for i in range(n)],
            "use": rng.choice(["office", "retail", "spaceport", "hut", None], n),
            "levels": np.where(rng.random(n) < 0.4, rng.integers(1, 9, n), np.nan),
            "floor_area_m2": np.where(rng.random(n) < 0.4, rng.uniform(50, 900, n), np.nan),
            "year_built": np.where(rng.random(n) < 0.5, rng.integers(1890, 2023, n), np.nan),
            "electricity_kwh_2023": np.where(np.arange(n) > 250, rng.normal(5000, 4000, n), np.nan),
            "gas_kwh_2022": np.where(rng.random(n) < 0.2, rng.uniform(0, 9000, n), np.nan),
        },
        geometry=np.where(rng.random(n) < 0.3, shapely.centroid(boxes), boxes),
        crs=region.crs,
    )
    source = next(source for source in region.sources if source.sector == "buildings")
    whole = sector_emissions(source, buildings, region, accounts)
    assert len({kind.year for kind in whole.compact.kinds}) == 2
    assert any("spaceport" in warning for warning in whole.warnings)
    for size in (1, 7, 150, 399):
        same(whole, in_parts(source, buildings, region, accounts, size))


def test_remarks_of_parts_make_one_sentence() -> None:
    parts = [
        SectorEmissions(
            compact=empty_lines(),
            features=pd.DataFrame(index=range(2)),
            warnings=("plain",),
            remarks=(
                Remark("{count} odd, at most {largest:.1f}: {words}.", 2, 1.5, {"b": 1, "a": 1}, "name"),
                Remark("Unknown: {words}.", words={"x": number, "y": 3}, order="most"),
                Remark("{count} lost: {words}.", 6, words={f"{number}{i}": 1 for i in range(2)}, shown=2, n_words=6),
            ),
        )
        for number in (1, 4)
    ]
    together = joined(parts)
    assert together.warnings == (
        "4 odd, at most 1.5: a, b.",
        "Unknown: y (6), x (5).",
        "12 lost: 10, 11 ... (12 in all).",
        "plain",
    )
    assert len(together.features) == 4
