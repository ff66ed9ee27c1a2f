"""In which form an answer goes out: asked for by `f`, otherwise by the Accept header with its weights."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import JSONResponse

from api.errors import InvalidParameter, NotAcceptable


@dataclass(frozen=True)
class Format:
    """One form of an answer.

    Attributes:
        name: value of `f`.
        media_type: what the answer says it is.
        title: for links.
        also: media types that ask for it too.
    """

    name: str
    media_type: str
    title: str
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Media types that ask for this form, without parameters."""
        return (_bare(self.media_type), *self.also)


JSON = Format("json", "application/json", "JSON")
GEOJSON = Format("geojson", "application/geo+json", "GeoJSON", ("application/json", "application/vnd.geo+json"))
SCHEMA = Format("json", "application/schema+json", "JSON Schema", ("application/json",))
OPENAPI = Format("json", "application/vnd.oai.openapi+json;version=3.0", "OpenAPI 3.0", ("application/json",))
HTML = Format("html", "text/html", "HTML", ("application/xhtml+xml",))
CSV = Format("csv", "text/csv; charset=utf-8; header=present", "CSV, geometry as WKT")
FLATGEOBUF = Format("flatgeobuf", "application/vnd.flatgeobuf", "FlatGeobuf", ("application/flatgeobuf",))
GEOPARQUET = Format(
    "geoparquet", "application/vnd.apache.parquet", "GeoParquet", ("application/x-parquet", "application/parquet")
)
ARROW = Format("arrow", "application/vnd.apache.arrow.stream", "Arrow IPC stream")
TILEJSON = Format("tilejson", "application/vnd.mapbox.tile+json", "TileJSON 3.0.0")

DOCUMENT = (JSON, HTML)
SCHEMAS = (SCHEMA, HTML)
DEFINITION = (OPENAPI, HTML)
ITEMS = (GEOJSON, HTML, CSV, FLATGEOBUF, GEOPARQUET, ARROW)
ITEM = (GEOJSON, HTML)
TILESET = (JSON, TILEJSON)

_MOST_RANGES = 30  # browsers send about eight


class GeoJson(JSONResponse):
    """Tells the API's definition which media type a model is sent as."""

    media_type = GEOJSON.media_type


def chosen(request: Request, offered: Sequence[Format]) -> Format:
    """Return the form that a request wants most; the first one where it says nothing.

    Raises:
        InvalidParameter: `f` names another form than those offered.
        NotAcceptable: Accept allows none of them, or is too long to be looked through.
    """
    name = request.query_params.get("f")
    if name is not None:
        for known in offered:
            # GeoJSON is JSON, and clients ask for it so.
            if name == known.name or (name == "json" and JSON.media_type in known.also):
                return known
        raise InvalidParameter(f"f: got {name[:40]!r}, expected one of {', '.join(known.name for known in offered)}")
    ranges = _ranges(request.headers.get("accept", ""))
    if not ranges:
        return offered[0]
    weights = [max(_weight(media_type, ranges) for media_type in known.names) for known in offered]
    best = max(weights)
    if best <= 0:
        raise NotAcceptable(
            f"Accept: none of what it allows is made here. Offered are "
            f"{', '.join(f'{_bare(known.media_type)} (f={known.name})' for known in offered)}"
        )
    return offered[weights.index(best)]


def takes_gzip(header: str) -> bool:
    """Return whether an Accept-Encoding header lets an answer be compressed by gzip."""
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _ranges(header: str) -> list[tuple[str, float]]:
    """Media ranges and their weights; what cannot be read is left out, as RFC 9110 lets us."""
    ranges = []
    given = header.split(",")
    if len(given) > _MOST_RANGES:
        raise NotAcceptable(f"Accept: {len(given)} media ranges are too many, expected {_MOST_RANGES} at most")
    for part in given:
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = min(1.0, max(0.0, float(parameter[2:])))
                except ValueError:
                    weight = 0.0
        if "/" in name and weight == weight:
            ranges.append((name, weight))
    return ranges


def _weight(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The weight of the range that fits a media type most closely."""
    for pattern in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        fitting = [weight for name, weight in ranges if name == pattern]
        if fitting:
            return max(fitting)
    return 0.0
