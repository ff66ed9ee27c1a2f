"""Where a layer lies that does not lie where it should, and which mistake of its coordinates that looks like."""

from collections.abc import Iterator
from math import isfinite

from pyproj import CRS
from pyproj.aoi import AreaOfInterest, AreaOfUse
from pyproj.database import query_crs_info
from pyproj.enums import PJType
from pyproj.exceptions import CRSError, ProjError

from gis.crs import LONLAT, Bounds, moved_bounds

_MOST_NAMED = 3
_BESIDE = 6.0
"""Degrees around a region of which files may be in the CRS of: the next zone of UTM."""
_CENTRAL = 0.5
"""Fraction of an extent that has to lie in the region for a CRS to be named: those of neighbouring zones are off by
hundreds of kilometres, those of another datum by a few hundred metres, and these are told apart by their names."""


def whereabouts(extent: Bounds, crs: CRS, wanted: Bounds, region_crs: CRS | None = None) -> str:
    """Say where coordinates lie, where they were expected, and what to try.

    Args:
        extent: (west, south, east, north) of them as they are written, x first.
        crs: the one they were read in.
        wanted: of the region, in degrees.
        region_crs: the region's own; the first that is tried.

    Returns:
        Sentences for a message: the place in the file's numbers and in degrees, the region's, and the remedy.
    """
    lies = _in_degrees(extent, crs)
    place = "which is no place on earth" if lies is None else f"which is {_degrees(lies)}"
    if crs.is_geographic:
        place = "longitude before latitude"
    west, south, east, north = extent
    said = (
        f"The file's coordinates run from ({west:.6g}, {south:.6g}) to ({east:.6g}, {north:.6g}), read in "
        f"{_name(crs)}, {place}; the region is {_degrees(wanted)}. "
    )
    swapped = (south, west, north, east)
    if _meets(swapped, crs, wanted):
        return said + (
            "With x and y exchanged they would lie in the region: write east (or longitude) first, north (or latitude) "
            "second; for a table, exchange x and y of the source in the region file"
        )
    others = list(_others(crs, extent, wanted, region_crs))
    fits = [_name(other) for other in others if _meets(extent, other, wanted)]
    if fits:
        code = fits[0].split(" ")[0]
        more = f" (or {', '.join(fits[1:_MOST_NAMED])})" if len(fits) > 1 else ""
        return said + f"Read in {fits[0]}{more} they would lie in the region: say crs: {code} for it in the region file"
    turned = next((other for other in others if _meets(swapped, other, wanted)), None)
    if turned is not None:
        return said + (
            f"With x and y exchanged, and read in {_name(turned)}, they would lie in the region: write east (or "
            f"longitude) first, and say crs: {_name(turned).split(' ')[0]} in the region file"
        )
    return said + (
        "No CRS that is used around there brings them into the region: is it the right file, and does the region's "
        "boundary (its zones, or bounds) lie where it should?"
    )


def _others(crs: CRS, extent: Bounds, wanted: Bounds, region_crs: CRS | None) -> Iterator[CRS]:
    """What the coordinates may truly be in: the region's own CRS, degrees, Web Mercator, all that are used around.

    First come those made for the region, and of them those of a datum that file or region name already.
    """
    if region_crs is not None and not region_crs.equals(crs, ignore_axis_order=True):
        yield region_crs
    if not crs.is_geographic and max(map(abs, extent)) <= 180:
        yield LONLAT
        return
    yield CRS.from_epsg(3857)
    west, south, east, north = wanted
    around = AreaOfInterest(
        max(west - _BESIDE, -180), max(south - _BESIDE, -90), min(east + _BESIDE, 180), min(north + _BESIDE, 90)
    )
    datums = {_datum(crs), None if region_crs is None else _datum(region_crs)}
    found: list[tuple[bool, bool, CRS]] = []
    for info in query_crs_info("EPSG", PJType.PROJECTED_CRS, around):
        try:
            other = CRS.from_user_input(f"{info.auth_name}:{info.code}")
        except CRSError:
            continue
        found.append((not _is_made_for(info.area_of_use, wanted), _datum(other) not in datums, other))
    yield from (other for _, _, other in sorted(found, key=lambda each: each[:2]))


def _datum(crs: CRS) -> str | None:
    return None if crs.geodetic_crs is None else str(crs.geodetic_crs.name)


def _is_made_for(area: AreaOfUse | None, wanted: Bounds) -> bool:
    """Whether a region lies wholly where a CRS is meant to be used."""
    if area is None:
        return False
    west, south, east, north = wanted
    return area.west <= west and area.south <= south and area.east >= east and area.north >= north


def _meets(extent: Bounds, crs: CRS, wanted: Bounds) -> bool:
    """Whether most of an extent, or of the region, would be in the other."""
    lies = _in_degrees(extent, crs)
    if lies is None:
        return False
    inner = (max(lies[0], wanted[0]), max(lies[1], wanted[1]), min(lies[2], wanted[2]), min(lies[3], wanted[3]))
    if inner[0] > inner[2] or inner[1] > inner[3]:
        return False
    smaller = min(_size(lies), _size(wanted))
    return smaller == 0 or _size(inner) >= _CENTRAL * smaller


def _size(bounds: Bounds) -> float:
    return (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])


def _in_degrees(extent: Bounds, crs: CRS) -> Bounds | None:
    """Bounds as longitude and latitude; None where the CRS has no place for them."""
    if crs.is_geographic:
        return extent if max(abs(extent[1]), abs(extent[3])) <= 90 else None
    if crs.geodetic_crs is None:
        return None
    try:  # of its own datum, which is a few hundred metres off at most: to look for a way to another one takes long
        moved = moved_bounds(extent, crs, crs.geodetic_crs)
    except (ValueError, ProjError):
        return None
    return moved if all(map(isfinite, moved)) else None


def _degrees(bounds: Bounds) -> str:
    west, south, east, north = bounds
    return f"at longitude {west:.4f} to {east:.4f}, latitude {south:.4f} to {north:.4f}"


def _name(crs: CRS) -> str:
    authority = crs.to_authority()
    return crs.name if authority is None else f"{':'.join(authority)} ({crs.name})"
