"""Roads that measures can name: by a place near one, or by their ids; only what is open, or drawn as background."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import shapely
from fastapi import APIRouter, Depends, Query, Request, Response

from api.answers import dumped, labels, of_edition, unchanged
from api.errors import InvalidParameter
from api.formats import GEOJSON, GeoJson
from api.params import ComposedId, OpenedParam, only
from api.road_lookup import KnownRoads, RoadLookup
from api.scenario_answers import known_list, place_features
from api.scenario_models import RoadsOut
from api.scenarios import listed_ids
from api.turns import running
from grids.edition import Edition
from grids.projections import LONLAT, reproject
from grids.store_errors import YearNotFound

router = APIRouter(tags=["scenarios"], prefix="/{region}/scenarios/roads")

MOST_IDS = 200
_FAR_M = 1000.0


@router.get(
    "",
    response_model=RoadsOut,
    response_class=GeoJson,
    dependencies=[Depends(only("edition", "year", "lon", "lat", "within_m", "ids"))],
)
async def scenario_roads(
    request: Request,
    opened: OpenedParam,
    year: Annotated[int | None, Query(description="of the traffic; the latest if not given", ge=1, le=9999)] = None,
    lon: Annotated[float | None, Query(description="of a place near a road, degrees", ge=-180, le=180)] = None,
    lat: Annotated[float | None, Query(description="of that place, degrees", ge=-90, le=90)] = None,
    within_m: Annotated[float, Query(description="how far the road may be from it, metres", gt=0, le=_FAR_M)] = 50.0,
    ids: Annotated[ComposedId | None, Query(description="ids of roads, separated by commas, instead")] = None,
) -> Response:
    """Say which road cars use nearest to a place, or where the named ones run; none where there is no such road.

    What is told of a road is what measures of roads start from, in an edition's year.
    """
    by_place = lon is not None and lat is not None
    if by_place == (ids is not None) or (lon is None) != (lat is None):
        raise InvalidParameter("lon, lat, ids: expected a place by lon and lat, or ids of roads, and not both")
    names = [] if ids is None else listed_ids(ids)
    if len(names) > MOST_IDS:
        raise InvalidParameter(f"ids: got {len(names)}, at most {MOST_IDS} are taken")
    edition = opened.edition
    years = edition.manifest.region.years
    known_year = year if year is not None else max(years)
    if known_year not in years:
        raise YearNotFound(
            f"region {edition.region.id!r} has no year {known_year}; it has {', '.join(map(str, sorted(years)))}"
        )

    def made() -> bytes:
        roads = _lookup(request).roads(edition, known_year)
        if roads is None:
            chosen: list[str] = []
        elif lon is not None and lat is not None:
            nearest = _nearest(roads, edition, lon, lat, within_m)
            chosen = [] if nearest is None else [nearest]
        else:
            chosen = names
        features = [] if roads is None else _features(roads, edition, chosen)
        return dumped({"type": "FeatureCollection", **labels(edition.manifest), "year": known_year,
                       "numberReturned": len(features), "features": features})  # fmt: skip

    kept = unchanged(request, opened, GEOJSON.media_type)
    if kept is not None:
        return kept
    body = await running(request, made)
    return of_edition(request, opened, lambda: body, GEOJSON.media_type)


def _nearest(roads: KnownRoads, edition: Edition, lon: float, lat: float, within_m: float) -> str | None:
    place = reproject(np.array([shapely.Point(lon, lat)], dtype=object), LONLAT, edition.crs)[0]
    if not np.isfinite(shapely.get_coordinates(place)).all():  # so far off that the region's projection has no place
        return None
    return roads.nearest(place, within_m)


def _features(roads: KnownRoads, edition: Edition, names: list[str]) -> list[dict[str, Any]]:
    found = [one for name in dict.fromkeys(names) if (one := roads.road(name)) is not None]
    columns: dict[str, Sequence[Any]] = {
        "km": [one.km for one in found],
        "kmh": known_list(np.array([one.kmh for one in found], dtype=np.float64)),
        "lanes": known_list(np.array([one.lanes for one in found], dtype=np.float64)),
        "aadt": known_list(np.array([one.aadt for one in found], dtype=np.float64)),
        "oneway": [one.oneway for one in found],
    }
    lines = np.array([one.line for one in found], dtype=object)
    return place_features([one.id for one in found], lines, edition.crs, columns) if found else []


def _lookup(request: Request) -> RoadLookup:
    lookup: RoadLookup = request.app.state.roads
    return lookup
