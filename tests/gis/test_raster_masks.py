"""What a land-cover raster says beside its numbers: masks, alpha, scales; and blocks that are the whole file."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from gis import raster
from gis.errors import WrongGeometry
from gis.layers import ReadReport
from gis.raster import class_runs
from gis.sources import Source

PICTURE = np.array([[1, 1, 2], [1, 1, 9], [3, 3, 3]], dtype=np.uint8)
SEEN = np.array([[255, 255, 255], [0, 255, 255], [255, 255, 1]], dtype=np.uint8)
SOURCE = Source(id="lc", sector="land_cover", file="lc.tif", classes={1: "tree", 2: "water", 3: "crop"})


def write(folder: Path, bands: int = 1, nodata: int | None = 9) -> Path:
    place = {"transform": Affine(10, 0, 500_000, 0, -10, 5_200_030), "crs": "EPSG:32632", "nodata": nodata}
    with rasterio.open(
        folder / "lc.tif", "w", driver="GTiff", height=3, width=3, count=bands, dtype="uint8", **place
    ) as dataset:
        dataset.write(PICTURE, 1)
    return folder / "lc.tif"


def read(folder: Path) -> tuple[dict[int, float], ReadReport]:
    report = ReadReport("lc", "lc.tif")
    found: dict[int, float] = {}
    for part in class_runs(SOURCE, folder, "EPSG:32632", report=report):
        for code, shape in zip(part.class_codes.tolist(), part.geometries, strict=True):
            found[code] = found.get(code, 0.0) + shape.area
    return found, report


@pytest.mark.parametrize("inside", [True, False])
def test_what_a_mask_leaves_out_is_no_ground(tmp_path: Path, inside: bool) -> None:
    path = write(tmp_path, nodata=None)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside), rasterio.open(path, "r+") as dataset:
        hidden = SEEN.copy()
        hidden[1, 2] = 0  # the 9, which is no class
        dataset.write_mask(hidden)
    assert path.with_name("lc.tif.msk").exists() is not inside
    found, report = read(tmp_path)
    assert found == {1: 300.0, 2: 100.0, 3: 300.0}
    assert (report.read, report.empty, report.kept, report.classes) == (9, 2, 7, {1: 3, 2: 1, 3: 3})
    assert "what its mask leaves out" in report.notes[0]


def test_an_alpha_band_leaves_out_what_is_not_seen_at_all(tmp_path: Path) -> None:
    path = write(tmp_path, bands=2, nodata=None)
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
        hidden = SEEN.copy()
        hidden[1, 2] = 0
        dataset.write(hidden, 2)
    assert read(tmp_path)[0] == {1: 300.0, 2: 100.0, 3: 300.0}


def test_nodata_alone_is_as_it_was(tmp_path: Path) -> None:
    write(tmp_path)
    found, report = read(tmp_path)
    assert found == {1: 400.0, 2: 100.0, 3: 300.0}
    assert (report.empty, report.kept) == (1, 8)
    assert "mask" not in report.notes[0]


def test_numbers_that_are_to_be_multiplied_are_no_classes(tmp_path: Path) -> None:
    with rasterio.open(write(tmp_path), "r+") as dataset:
        dataset.scales, dataset.offsets = [0.5], [10.0]
    with pytest.raises(WrongGeometry, match=r"lc\.tif: band 1 .* multiplied by 0\.5 and moved by 10.*gdal_translate"):
        read(tmp_path)


@pytest.mark.parametrize("pixels", [1, 2, 4, 7, 100])
def test_a_block_of_the_whole_file_is_read_in_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixels: int
) -> None:
    monkeypatch.setattr(raster, "_PIXELS_AT_ONCE", pixels)
    path = write(tmp_path)
    with rasterio.open(path) as dataset:
        assert dataset.block_shapes == [(3, 3)]
        windows = raster._blocks(dataset, rasterio.windows.Window(0, 0, 3, 3))
    assert max(window.width * window.height for window in windows) <= pixels
    assert sum(window.width * window.height for window in windows) == 9
    found, report = read(tmp_path)
    assert found == {1: 400.0, 2: 100.0, 3: 300.0}
    assert (report.read, report.empty) == (9, 1)
