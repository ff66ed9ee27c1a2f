"""Boxes and shapes of requests: checked, then turned to x before y."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from api.crs import Reference
from api.errors import InvalidParameter
from grids.effort import meetings_of
from grids.manifest import Bbox
from grids.projections import LONLAT

MOST_MEETINGS = 1 << 21
"""Pairs of edges of one shape whose boxes meet: a comb or a star of 4,000 corners has as many, a coast of 10,000 hardly
any. GEOS holds each against each to find whether they cross."""
_FEW_CORNERS = 2_048  # have no more pairs of edges than that, wherever they lie
MOST_METRES = 1e8  # no projection of the earth goes farther


def read_box(numbers: Sequence[float], crs: Reference, parameter: str) -> Bbox:
    """Return a box as least x, least y, greatest x, greatest y.

    Args:
        numbers: four in the CRS's order of axes, or six with heights, which are not looked at: nothing here has one.
        crs: what they are given in.
        parameter: named in errors.

    Raises:
        InvalidParameter: not four or six finite numbers, outside the world, upside down, or across the antimeridian.
    """
    said = ",".join(f"{number:g}" for number in numbers[:6])
    if len(numbers) not in (4, 6):
        raise InvalidParameter(
            f"{parameter}: got {len(numbers)} numbers, expected four numbers {_order(crs)}, "
            "or six with a height after each corner"
        )
    if not all(math.isfinite(number) for number in numbers):
        raise InvalidParameter(f"{parameter}: got {said}, expected finite numbers")
    first, second, third, fourth = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
    west, south, east, north = (second, first, fourth, third) if crs.flipped else (first, second, third, fourth)
    _check_reach(np.array([[west, south], [east, north]]), crs, f"{parameter}: got {said}")
    if south > north:
        raise InvalidParameter(f"{parameter}: south {south:g} is above north {north:g}, expected {_order(crs)}")
    if west > east:
        across = (
            ". A box across the antimeridian is not taken, since no region here reaches over it: ask two boxes, "
            "one on either side"
            if crs.code == LONLAT
            else ""
        )
        raise InvalidParameter(
            f"{parameter}: west {west:g} is greater than east {east:g}, expected {_order(crs)}{across}"
        )
    return west, south, east, north


def read_shape(document: Mapping[str, Any], crs: Reference, what: str) -> shapely.Geometry:
    """Return a GeoJSON geometry, x before y, without heights; whoever sent it, this is where it is checked.

    Args:
        document: the geometry.
        crs: what its coordinates are given in.
        what: begins errors, such as `body: the polygon`.

    Raises:
        InvalidParameter: no GeoJSON geometry, not finite, outside the world, folded so often beside itself that it
            takes long to say whether it is valid, or not valid (such as crossing itself).
    """
    try:
        shape = shapely.force_2d(shapely.from_geojson(orjson.dumps(document)))
    except (shapely.errors.ShapelyError, orjson.JSONEncodeError) as error:
        reason = str(error).removeprefix("ParseException: ")[:120]
        raise InvalidParameter(f"{what} cannot be read: {reason}") from error
    points = shapely.get_coordinates(shape)
    if not np.isfinite(points).all():
        raise InvalidParameter(f"{what} holds a number that is not finite")
    if crs.flipped:
        shape = flipped(shape)
        points = points[:, ::-1]
    _check_reach(points, crs, what)
    many = len(points) > _FEW_CORNERS and shapely.get_dimensions(shape) == 2
    if many and meetings_of(shape, MOST_MEETINGS) > MOST_MEETINGS:
        raise InvalidParameter(
            f"{what} folds too often beside itself: more than {MOST_MEETINGS} pairs of its edges lie across each "
            "other's boxes, the most that are looked at. Draw a simpler outline"
        )
    if not shapely.is_valid(shape):
        reason = shapely.is_valid_reason(shape)[:120]
        raise InvalidParameter(f"{what} is not valid: {reason}. Draw what does not cross itself")
    return shape


def flipped(shapes: Any) -> Any:
    """Return one geometry, or (n,) of them, with x and y changed over."""
    return shapely.transform(shapes, lambda points: points[:, ::-1])


def _check_reach(points: NDArray[np.float64], crs: Reference, where: str) -> None:
    if not len(points):
        return
    if crs.code == LONLAT:
        if (np.abs(points) > (180, 90)).any():
            order = "latitude (-90..90) before longitude (-180..180)"
            order = order if crs.flipped else "longitude (-180..180) before latitude (-90..90)"
            raise InvalidParameter(f"{where} lies outside the world, expected {order}")
    elif (np.abs(points) > MOST_METRES).any():
        raise InvalidParameter(f"{where} lies farther than {MOST_METRES:g} m from the origin of {crs.short}")


def _order(crs: Reference) -> str:
    sides = "south,west,north,east" if crs.flipped else "west,south,east,north"
    return f"{sides} in {'degrees' if crs.code == LONLAT else f'metres of {crs.short}'}"
