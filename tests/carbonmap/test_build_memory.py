"""A build's memory: it follows what the edition holds, not how much is read; looked at from outside."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely

from tests.carbonmap.conftest import EAST, NORTH

ROWS_OF_A_PART = 20_000
FEW = 40_000

BUILD = """
import re, sys
from pathlib import Path

import gis.spans
from carbonmap.build import build_region
from carbonmap.progress import Silent

gis.spans.ROWS_AT_ONCE = int(sys.argv[2])
folder = Path(sys.argv[1])
build_region(folder / "region.yaml", None, folder / "store", progress=Silent())
# Not the system's count of a process's resources, which begins with what its parent had.
print(1024 * int(re.search("VmHWM: *([0-9]+) kB", Path("/proc/self/status").read_text().expandtabs(1))[1]))
"""


def write_town(tiny: Any, buildings: int) -> Path:
    """The tiny region with so many buildings of 41 vertices on the same 2 x 2 km; nothing else grows with them."""
    tiny.source("buildings").pop("joins", None)
    tiny.region["h3_resolutions"] = []
    tiny.source("buildings")["file"] = "buildings.parquet"
    rng = np.random.default_rng(1)
    east, north = rng.uniform(20, 1980, buildings), np.sort(rng.uniform(20, 1980, buildings))
    frame = gpd.GeoDataFrame(
        {
            "bid": np.arange(buildings),
            "kind": "apartment",
            "floors": 3.0,
            "area": 300.0,
            # text that is read with each feature and not kept: what is held too long shows
            "note": [f"{k:0300d}" for k in range(buildings)],
        },
        geometry=shapely.buffer(shapely.points(EAST + east, NORTH + north), 5.0, quad_segs=10),
        crs="EPSG:32632",
    )
    region = Path(tiny.write())
    frame.to_parquet(tiny.folder / "buildings.parquet", row_group_size=ROWS_OF_A_PART)
    return region.parent


def built(tiny: Any, buildings: int, rows_of_a_part: int = ROWS_OF_A_PART) -> tuple[int, int]:
    """Peak memory of a build in a process of its own, and the bytes of its tables before compression."""
    folder = write_town(tiny, buildings)
    command = [sys.executable, "-c", BUILD, str(folder), str(rows_of_a_part)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = [pq.ParquetFile(path).metadata for path in (folder / "store").glob("tiny/*/*/**/*.parquet")]
    size = sum(file.row_group(group).total_byte_size for file in files for group in range(file.num_row_groups))
    return int(done.stdout), size


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell a process's own peak")
def test_memory_grows_by_no_more_than_what_the_edition_holds(tiny: Any) -> None:
    """Four times the buildings in four times the parts; read as one part, it grows by twice what this allows."""
    peak, size = built(tiny, FEW)
    larger_peak, larger_size = built(tiny, 4 * FEW)
    assert larger_size > 3 * size
    assert larger_peak - peak <= larger_size - size
