"""Sums straight from GeoParquet: the same as from memory, whatever the row groups and threads."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from grids.cell_sums import cell_sums
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.wkb import WkbColumn
from grids.wkb_files import sums_from_parquet

GRID = Grid("EPSG:5179", (700_000, 1_300_000), 100, "korea")
CORNER = np.array([960_000.0, 1_940_000.0])
FRAME = (*(CORNER - 500), *(CORNER + 700))


def table(n: int) -> pa.Table:
    rng = np.random.default_rng(8)
    west, south = CORNER[:, None] + rng.uniform(-600, 600, (2, n))
    shapes = shapely.box(west, south, west + rng.uniform(1, 90, n), south + rng.uniform(1, 90, n))
    shapes[7] = shapely.Polygon(CORNER + np.array([(50, 50), (350, 350), (350, 50), (50, 250)]))
    shapes[n - 3] = None
    geometry = pa.array([None if shape is None else shapely.to_wkb(shape) for shape in shapes], pa.binary())
    return pa.table({"geometry": geometry, "kwh": rng.uniform(0, 9, n), "people": rng.integers(0, 9, n)})


def test_a_file_gives_what_its_features_give(tmp_path: Path) -> None:
    given = table(1000)
    pq.write_table(given, tmp_path / "b.parquet", row_group_size=130, compression="zstd")
    found = [
        sums_from_parquet(tmp_path / "b.parquet", "geometry", ["kwh", "people"], GRID, FRAME, threads=k) for k in (1, 3)
    ]
    values = np.stack((given["kwh"].to_numpy(), given["people"].to_numpy()), axis=1)
    expected = cell_sums(WkbColumn.from_arrow(given["geometry"]), values, GRID, FRAME)
    assert found[0].sums.tobytes() == found[1].sums.tobytes()
    np.testing.assert_allclose(found[0].sums, expected.sums, rtol=1e-12)
    np.testing.assert_allclose(found[0].outside, expected.outside, rtol=1e-12)
    assert found[0].repaired.tolist() == expected.repaired.tolist() == [7]
    assert found[0].nowhere.tolist() == expected.nowhere.tolist() == [997]


def test_what_cannot_be_added_up_is_refused_with_its_row_group(tmp_path: Path) -> None:
    file = tmp_path / "b.parquet"
    pq.write_table(table(20), file)
    with pytest.raises(GridError, match=r"no column kWh; among geometry, kwh, people"):
        sums_from_parquet(file, "geometry", ["kWh"], GRID, FRAME)
    pq.write_table(pa.table({"geometry": [b"\1\2", b"\3"], "kwh": [1.0, None]}), file, row_group_size=1)
    with pytest.raises(GeometryError, match=r"b.parquet, row group 0: Feature 0 is no well-known binary"):
        sums_from_parquet(file, "geometry", ["kwh"], GRID, FRAME)
    pq.write_table(pa.table({"geometry": [b"", b""], "kwh": [1.0, None]}), file, row_group_size=1)
    with pytest.raises(GridError, match="row group 1: column kwh has 1 nulls"):
        sums_from_parquet(file, "geometry", ["kwh"], GRID, FRAME)
