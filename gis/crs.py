"""Coordinate reference systems: the region's must be in metres, a file's must be known."""

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from gis.errors import CrsError

LONLAT = CRS.from_epsg(4326)
Bounds = tuple[float, float, float, float]


def any_crs(text: object, where: str) -> CRS:
    """Parse a CRS (`EPSG:5179`, WKT, PROJJSON); `where` names file or key in the error."""
    try:
        return CRS.from_user_input(text)
    except CRSError as problem:
        raise CrsError(
            f"{where}: {text!r} is not a known coordinate reference system; write e.g. EPSG:5179"
        ) from problem


def metric_crs(text: object, where: str = "region crs") -> CRS:
    """Parse a CRS in metres, in which areas and lengths can be computed.

    Raises:
        CrsError: unknown, geographic, in other units, or Web Mercator, whose areas are 1/cos(lat)^2 too large.
    """
    crs = any_crs(text, where)
    if not crs.is_projected:
        raise CrsError(
            f"{where}: {text} ({crs.name}) is in degrees; a projected CRS in metres is needed, e.g. "
            "EPSG:5179 for Korea or the UTM zone (EPSG:326xx north, EPSG:327xx south)"
        )
    units = {axis.unit_name for axis in crs.axis_info[:2]}
    if units != {"metre"}:
        raise CrsError(
            f"{where}: {text} ({crs.name}) is in {', '.join(sorted(units))}; a projected CRS in metres is needed"
        )
    if "Pseudo" in crs.name and "Mercator" in crs.name:
        raise CrsError(f"{where}: {text} (Web Mercator) stretches areas; use the country's CRS or the UTM zone")
    return crs


def source_crs(declared: object | None, override: str | None, file: str, notes: list[str]) -> CRS:
    """The CRS a file's coordinates are in: the file's own, or what the region file says.

    Args:
        declared: what the file says; None when it says nothing.
        override: the source's `crs` key.
        file: for messages.
        notes: a line is added when the region file contradicts the file.

    Raises:
        CrsError: neither says one.
    """
    if declared is None and override is None:
        raise CrsError(
            f"{file} does not say its coordinate reference system (no .prj, no crs); give it in the region "
            "file, e.g. crs: EPSG:5186"
        )
    own = None if declared is None else any_crs(declared, file)
    if override is None:
        assert own is not None
        return own
    stated = any_crs(override, f"crs of {file}")
    if own is not None and not own.equals(stated, ignore_axis_order=True):
        notes.append(f"crs overridden by the region file: the file says {own.name}, read as {stated.name}")
    return stated


def check_degrees(bounds: NDArray[np.float64], crs: CRS, file: str) -> None:
    """Refuse coordinates that cannot be degrees in a geographic CRS; (n, 4) bounds, NaN rows ignored."""
    if not crs.is_geographic or not len(bounds) or np.isnan(bounds).all():
        return
    west, south = np.nanmin(bounds[:, 0]), np.nanmin(bounds[:, 1])
    east, north = np.nanmax(bounds[:, 2]), np.nanmax(bounds[:, 3])
    if west < -181 or east > 361 or south < -90.001 or north > 90.001:
        exchanged = west >= -90 and east <= 90 and south >= -180 and north <= 180
        remedy = (
            "latitude seems to stand first, where longitude (x) was expected: write the file with longitude first, or "
            "exchange x and y of the source in the region file"
            if exchanged
            else "give the true one in the region file, e.g. crs: EPSG:5186"
        )
        raise CrsError(
            f"{file}: coordinates from ({west:.0f}, {south:.0f}) to ({east:.0f}, {north:.0f}) cannot be "
            f"degrees, but the CRS is {crs.name}; {remedy}"
        )


def united(one: Bounds | None, other: Bounds | None) -> Bounds | None:
    """Bounds around both; None where there are none."""
    if one is None or other is None:
        return one or other
    return (min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3]))


def around(boxes: NDArray[np.float64]) -> Bounds | None:
    """Bounds around (n, 4) boxes, those left out that are no numbers; None where there are none."""
    known = boxes[np.isfinite(boxes).all(axis=1)]
    if not len(known):
        return None
    (west, south), (east, north) = known[:, :2].min(axis=0).tolist(), known[:, 2:].max(axis=0).tolist()
    return west, south, east, north


def moved_bounds(bounds: Bounds, source: CRS, target: CRS) -> Bounds:
    """Bounds in another CRS that enclose the given ones (west, south, east, north), edges densified."""
    try:
        transformer = Transformer.from_crs(source, target, always_xy=True)
        return transformer.transform_bounds(*bounds, densify_pts=21)
    except ProjError as problem:
        raise CrsError(f"bounds {bounds} in {source.name} cannot be expressed in {target.name}: {problem}") from problem
