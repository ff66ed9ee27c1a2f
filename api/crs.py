"""Coordinate reference systems of requests and answers (OGC API Features Part 2): their URIs and orders of axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pyproj import CRS
from pyproj.exceptions import CRSError

from api.errors import InvalidParameter
from grids.edition import Edition
from grids.projections import LONLAT

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

_ROOT = "http://www.opengis.net/def/crs"


@dataclass(frozen=True)
class Reference:
    """A CRS by which coordinates come and go.

    Attributes:
        uri: its name in requests and answers.
        short: its CURIE without brackets, such as `EPSG:5179`.
        code: what computes it: lon/lat or the region's CRS, x before y.
        flipped: the CRS has y (north, latitude) before x, and so have coordinates in requests, GeoJSON and WKT.
    """

    uri: str
    short: str
    code: str
    flipped: bool = False


DEFAULT = Reference(CRS84, "OGC:CRS84", LONLAT)
_WGS84 = Reference(f"{_ROOT}/EPSG/0/4326", LONLAT, LONLAT, flipped=True)


@lru_cache(maxsize=64)
def _storage(crs: str) -> Reference | None:
    try:
        known = CRS.from_user_input(crs)
    except CRSError:
        return None
    authority = known.to_authority()
    if authority is None:  # a CRS of the region's own making has no name to ask for it by
        return None
    name, code = authority
    flipped = bool(known.axis_info) and known.axis_info[0].direction in ("north", "south")
    return Reference(f"{_ROOT}/{name}/0/{code}", f"{name}:{code}", crs, flipped)


def storage(edition: Edition) -> Reference | None:
    """Return the region's metric CRS, in which its geometry is kept; none if nobody has given it a code."""
    return _storage(edition.crs)


def offered(edition: Edition) -> Sequence[Reference]:
    """Return the CRSs that answers may come in; the first is the default."""
    own = storage(edition)
    return (DEFAULT, _WGS84) if own is None else (DEFAULT, own, _WGS84)


def reference(edition: Edition, text: str | None, parameter: str) -> Reference:
    """Return the CRS that a parameter names by URI or (safe) CURIE; CRS84 if there is none.

    Raises:
        InvalidParameter: another CRS than those offered.
    """
    if text is None:
        return DEFAULT
    name = text.removeprefix("[").removesuffix("]") if text.startswith("[") and text.endswith("]") else text
    for known in offered(edition):
        if name in (known.uri, known.short):
            return known
    uris = ", ".join(known.uri for known in offered(edition))
    raise InvalidParameter(f"{parameter}: {text[:120]!r} is not offered here: expected one of {uris}")
