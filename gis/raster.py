"""Land-cover rasters, window by window: blocks of one class as exact polygons in the region's CRS."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from gis.crs import Bounds, metric_crs, moved_bounds, source_crs
from gis.errors import ClassTableError, CrsError, EmptyLayer, LayerMissing, UnreadableFile, WrongGeometry, listed
from gis.files import input_file
from gis.layers import ReadReport
from gis.raw import Progress
from gis.sources import Source

_TILE_PIXELS = 1024
_PIXELS_AT_ONCE = 1 << 24
"""Of a window: some writers make one block of a whole file."""
_NOTHING = np.iinfo(np.int64).min
"""A pixel that says nothing: the file's nodata, or one that its mask or alpha band leaves out."""
_EDGE_M = 250.0
"""Longest straight edge of a reprojected run: chord and curve then differ by some millimetres (L^2 tan(lat) / 8 R)."""
_DEGREE_M = 111_320.0


@dataclass(frozen=True)
class ClassRuns:
    """Polygons of one class each; together they tile the window's known pixels without overlap."""

    geometries: NDArray[np.object_]
    """(n,) shapely polygons in the region's CRS: boxes where it is the raster's, else with densified edges."""
    class_codes: NDArray[np.int64]
    """(n,) the raster's codes."""


def class_runs(
    source: Source,
    inputs: Path,
    crs: str,
    bounds: Bounds | None = None,
    *,
    classes: Mapping[int, object] | None = None,
    report: ReadReport | None = None,
    progress: Progress | None = None,
) -> Iterator[ClassRuns]:
    """Read a land-cover raster block by block; memory holds one block.

    Within a block, pixels of equal class side by side in a row are one run, and equal runs of rows below each other
    one rectangle. Where the region's CRS is not the raster's, edges are densified before they are projected.

    Args:
        source: a source with a .tif file.
        inputs: folder of the input files.
        crs: the region's metric CRS.
        bounds: (west, south, east, north) in `crs`; only windows that meet it are read. All when None.
        classes: codes that are known; a code outside them is an error. By default those of a mapping in `source`.
        report: filled while iterating, in pixels.
        progress: called with a text and the fraction done.

    Yields:
        One ClassRuns per block that holds anything.

    Raises:
        FileMissing, UnreadableFile, CrsError; LayerMissing (no such band); WrongGeometry (not a class raster);
        ClassTableError (an unknown code); EmptyLayer (the raster lies elsewhere).
    """
    target = metric_crs(crs)
    path = input_file(inputs, source.file)
    report = ReadReport(source.id, source.file) if report is None else report
    report.unit = "pixels"
    known = classes if classes is not None else source.classes if isinstance(source.classes, dict) else None
    with _opened(path) as dataset:
        own = _check(dataset, source, report)
        transformer = None
        if not own.equals(target, ignore_axis_order=True):
            transformer = pyproj.Transformer.from_crs(own, target, always_xy=True)
        area = _window(dataset, None if bounds is None else moved_bounds(bounds, target, own), source)
        windows = _blocks(dataset, area)
        for number, window in enumerate(windows):
            if progress is not None:
                progress(f"reading {path.name}", number / len(windows))
            codes = _read(dataset, source, window)
            _count(codes, dataset.nodata, known, report, source)
            runs = _runs(codes)
            if len(runs.codes):
                yield ClassRuns(_polygons(runs, window, dataset.transform, transformer, own), runs.codes)
        if progress is not None:
            progress(f"reading {path.name}", 1.0)
        report.verify()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open as GeoTIFF and nothing else: GDAL would take a VRT of other files and addresses by its content."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset = rasterio.open(path, driver="GTiff")
    except RasterioError as problem:
        raise UnreadableFile(
            f"{path.name} cannot be opened as GeoTIFF ({problem}); it is truncated or damaged"
        ) from problem
    with dataset:
        yield dataset


def _check(dataset: Any, source: Source, report: ReadReport) -> pyproj.CRS:
    name = source.file
    if source.band > dataset.count:
        raise LayerMissing(f"{name} has {dataset.count} band(s); band: {source.band} is not there")
    kind = dataset.dtypes[source.band - 1]
    if not kind.startswith(("int", "uint")):
        raise WrongGeometry(f"{name}: band {source.band} holds {kind} numbers; a class raster holds whole numbers")
    scale, offset = dataset.scales[source.band - 1], dataset.offsets[source.band - 1]
    if (scale, offset) != (1.0, 0.0):
        raise WrongGeometry(
            f"{name}: band {source.band} says its numbers are to be multiplied by {scale:.6g} and moved by "
            f"{offset:.6g}; classes are numbers as they stand. Write it anew without (gdal_translate -a_scale 1 "
            "-a_offset 0, or -unscale if the classes are what comes of it)"
        )
    transform = dataset.transform
    if transform.is_identity:
        raise CrsError(f"{name} does not say where it lies (no geotransform); georeference it first")
    if transform.b or transform.d:
        raise CrsError(f"{name} is rotated against its CRS; warp it to a north-up raster first (gdalwarp)")
    crs = source_crs(dataset.crs.to_wkt() if dataset.crs else None, source.crs, name, report.notes)
    report.crs = ":".join(crs.to_authority() or (crs.name,))
    report.notes.append(
        f"counts are pixels of {abs(transform.a):.12g} x {abs(transform.e):.12g} in {report.crs}, of the windows that "
        f"meet the domain; nodata ({dataset.nodata}){' and what its mask leaves out' * _is_masked(dataset, source)} "
        "counts as empty"
    )
    return crs


def _is_masked(dataset: Any, source: Source) -> bool:
    """Whether a mask (in the file or beside it) or an alpha band says which pixels hold something."""
    return MaskFlags.per_dataset in dataset.mask_flag_enums[source.band - 1]


def _window(dataset: Any, bounds: Bounds | None, source: Source) -> Window:
    """The pixels that meet the bounds (in the raster's CRS), rounded outwards."""
    if bounds is None:
        return Window(0, 0, dataset.width, dataset.height)
    grid = dataset.transform
    c0, c1 = (bounds[0] - grid.c) / grid.a, (bounds[2] - grid.c) / grid.a
    r0, r1 = (bounds[3] - grid.f) / grid.e, (bounds[1] - grid.f) / grid.e
    left, right = max(int(np.floor(min(c0, c1))), 0), min(int(np.ceil(max(c0, c1))), dataset.width)
    top, bottom = max(int(np.floor(min(r0, r1))), 0), min(int(np.ceil(max(r0, r1))), dataset.height)
    if left >= right or top >= bottom:
        raise EmptyLayer(
            f"source {source.id}: {source.file} covers {tuple(dataset.bounds)} ({dataset.crs}), which does not "
            "meet the region; it is another tile"
        )
    return Window(left, top, right - left, bottom - top)


def _blocks(dataset: Any, area: Window) -> list[Window]:
    """Windows along the file's own blocks, so that each is decompressed once; thin strips are taken together.

    A block that is larger than a window may be is read in several.
    """
    height, width = dataset.block_shapes[0]
    wider = max(width, min(_TILE_PIXELS, dataset.width) // width * width)
    higher = max(height, min(_TILE_PIXELS, _PIXELS_AT_ONCE // wider) // height * height)
    width = min(wider, _PIXELS_AT_ONCE)
    height = max(1, min(higher, _PIXELS_AT_ONCE // width))
    windows = []
    bottom, right = area.row_off + area.height, area.col_off + area.width
    for top in range(area.row_off // height * height, bottom, height):
        for left in range(area.col_off // width * width, right, width):
            row, column = max(top, area.row_off), max(left, area.col_off)
            windows.append(Window(column, row, min(left + width, right) - column, min(top + height, bottom) - row))
    return windows


def _read(dataset: Any, source: Source, window: Window) -> NDArray[np.int64]:
    """Codes of a window, `_NOTHING` where there is none."""
    try:
        codes = np.asarray(dataset.read(source.band, window=window)).astype(np.int64)
        if dataset.nodata is not None:
            codes[codes == dataset.nodata] = _NOTHING
        if _is_masked(dataset, source):
            codes[dataset.read_masks(source.band, window=window) == 0] = _NOTHING
        return codes
    except RasterioError as problem:
        raise UnreadableFile(
            f"{source.file}: rows {window.row_off} to {window.row_off + window.height} cannot be read ({problem}); "
            "the file is truncated or damaged"
        ) from problem


def _count(
    codes: NDArray[np.int64],
    nodata: float | None,
    known: Mapping[int, object] | None,
    report: ReadReport,
    source: Source,
) -> None:
    present, counts = np.unique(codes, return_counts=True)
    report.read += int(codes.size)
    for code, count in zip(present.tolist(), counts.tolist(), strict=True):
        if code == _NOTHING:
            report.empty += count
        elif known is not None and code not in known:
            table = source.classes if isinstance(source.classes, str) else "the region file"
            raise ClassTableError(
                f"source {source.id}: {source.file} holds class {code} ({count} pixels in one block), which its table "
                f"({table}) does not know; it knows: {listed(sorted(known), 60)}. Nodata of the file: {nodata}. Is it "
                "the right table?"
            )
        else:
            report.kept += count
            report.classes[code] = report.classes.get(code, 0) + count


@dataclass(frozen=True)
class _Runs:
    """Rectangles of pixels: rows [top, bottom), columns [left, right)."""

    top: NDArray[np.int64]
    bottom: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    codes: NDArray[np.int64]


def _runs(codes: NDArray[np.int64]) -> _Runs:
    """Runs of equal class within a row, equal ones below each other taken together."""
    height, width = codes.shape
    begins = np.ones((height, width), dtype=bool)
    begins[:, 1:] = codes[:, 1:] != codes[:, :-1]
    row, left = np.nonzero(begins)
    right = np.append(left[1:], width)
    right[np.append(row[1:] != row[:-1], True)] = width
    code = codes[row, left]
    keep = code != _NOTHING
    row, left, right, code = row[keep], left[keep], right[keep], code[keep]
    order = np.lexsort((row, code, right, left))
    row, left, right, code = row[order], left[order], right[order], code[order]
    first = np.ones(len(row), dtype=bool)
    first[1:] = (np.diff(left) != 0) | (np.diff(right) != 0) | (np.diff(code) != 0) | (np.diff(row) != 1)
    last = np.append(first[1:], True) if len(row) else first
    top, bottom = row[first], row[last] + 1
    left, right, code = left[first], right[first], code[first]
    order = np.lexsort((left, top))
    return _Runs(top[order], bottom[order], left[order], right[order], code[order])


def _polygons(
    runs: _Runs, window: Window, transform: Any, transformer: pyproj.Transformer | None, crs: pyproj.CRS
) -> NDArray[np.object_]:
    """Rectangles of pixels as polygons; corners come from whole numbers, so that neighbours share them exactly."""
    left, right = runs.left + window.col_off, runs.right + window.col_off
    top, bottom = runs.top + window.row_off, runs.bottom + window.row_off
    if transformer is None:
        x0, x1 = transform.c + left * transform.a, transform.c + right * transform.a
        y0, y1 = transform.f + top * transform.e, transform.f + bottom * transform.e
        boxes = shapely.box(np.minimum(x0, x1), np.minimum(y0, y1), np.maximum(x0, x1), np.maximum(y0, y1))
        return np.asarray(boxes, dtype=object)
    metres = _DEGREE_M if crs.is_geographic else crs.axis_info[0].unit_conversion_factor
    across = np.ceil((right - left) * abs(transform.a) * metres / _EDGE_M).astype(np.int64)
    down = np.ceil((bottom - top) * abs(transform.e) * metres / _EDGE_M).astype(np.int64)
    result = np.empty(len(left), dtype=object)
    for pieces in np.unique(np.column_stack([across, down]), axis=0):
        chosen = np.flatnonzero((across == pieces[0]) & (down == pieces[1]))
        along, aside = np.linspace(0, 1, pieces[0] + 1), np.linspace(0, 1, pieces[1] + 1)
        # Once around, without repeating a corner: top, right, bottom, left.
        u = np.concatenate([along[:-1], np.ones(pieces[1]), along[:0:-1], np.zeros(pieces[1])])
        v = np.concatenate([np.zeros(pieces[0]), aside[:-1], np.ones(pieces[0]), aside[:0:-1]])
        column = left[chosen, None] + u * (right - left)[chosen, None]
        row = top[chosen, None] + v * (bottom - top)[chosen, None]
        x, y = transformer.transform(transform.c + column * transform.a, transform.f + row * transform.e)
        result[chosen] = shapely.polygons(np.stack([x, y], axis=2))
    return result
