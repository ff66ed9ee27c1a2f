"""The tile matrix set that all tiles are cut by: WebMercatorQuad, as OGC 17-083r4 (annex D.1) defines it."""

import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from api.answers import TILE_MATRIX_SET, Links, answer, dumped, link
from api.formats import JSON, chosen
from api.params import FormatParam, SettingsParam, only
from api.tile_models import TileMatrixSet, TileMatrixSets
from grids.store_errors import TileError

router = APIRouter(tags=["tiles"], prefix="/tileMatrixSets")

TMS_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{TILE_MATRIX_SET}"
TMS_CRS = "http://www.opengis.net/def/crs/EPSG/0/3857"
TILING_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"

_TITLE = "Google Maps Compatible for the World"
_LEVELS = 25
_TILE_PIXELS = 256
_PIXEL_M = 0.00028  # the standard's: a scale denominator is metres of ground over metres of such pixels
_HALF_WORLD = math.pi * 6_378_137.0


def web_mercator_quad() -> dict[str, Any]:
    """Return the definition of WebMercatorQuad in the JSON of the standard."""
    matrices = []
    for level in range(_LEVELS):
        size = 2 * _HALF_WORLD / (_TILE_PIXELS << level)
        matrices.append(
            {
                "id": str(level),
                "scaleDenominator": size / _PIXEL_M,
                "cellSize": size,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": [-_HALF_WORLD, _HALF_WORLD],
                "tileWidth": _TILE_PIXELS,
                "tileHeight": _TILE_PIXELS,
                "matrixWidth": 1 << level,
                "matrixHeight": 1 << level,
            }
        )
    return {
        "id": TILE_MATRIX_SET,
        "title": _TITLE,
        "uri": TMS_URI,
        "crs": TMS_CRS,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": matrices,
    }


@router.get("", response_model=TileMatrixSets, dependencies=[Depends(only("f"))])
def tile_matrix_sets(request: Request, settings: SettingsParam, f: FormatParam = None) -> Response:
    """List the tile matrix sets that tiles are cut by."""
    chosen(request, (JSON,))
    links = Links(request, settings)

    def body() -> bytes:
        entry = {
            "id": TILE_MATRIX_SET,
            "title": _TITLE,
            "uri": TMS_URI,
            "crs": TMS_CRS,
            "links": [link("self", links.address("tileMatrixSets", TILE_MATRIX_SET), title="definition")],
        }
        return dumped({"tileMatrixSets": [entry], "links": [link("self", links.address("tileMatrixSets"))]})

    return answer(request, body, of="tileMatrixSets")


@router.get("/{tileMatrixSet}", response_model=TileMatrixSet, dependencies=[Depends(only("f"))])
def tile_matrix_set(
    request: Request, known: Annotated[str, Path(alias="tileMatrixSet")], f: FormatParam = None
) -> Response:
    """Define a tile matrix set: its scales, its origin, and how many tiles of which size."""
    chosen(request, (JSON,))
    if known != TILE_MATRIX_SET:
        raise TileError(f"there is no tile matrix set {known[:80]!r}: expected {TILE_MATRIX_SET}")
    return answer(request, lambda: dumped(web_mercator_quad()), of="tileMatrixSets")
