"""Shapes of what is said about tiles and styles: OGC 17-083r4 (tile matrix sets, tile sets) and TileJSON 3.0.0."""

from typing import Any, Literal

from pydantic import ConfigDict

from api.models import Answer, Labels, Link, TileJson


class TileMatrix(Answer):
    """One level of a tile matrix set."""

    id: str
    scaleDenominator: float
    cellSize: float
    cornerOfOrigin: Literal["topLeft"]
    pointOfOrigin: tuple[float, float]
    tileWidth: int
    tileHeight: int
    matrixWidth: int
    matrixHeight: int


class TileMatrixSet(Answer):
    """Definition of a tile matrix set."""

    id: str
    title: str
    uri: str
    crs: str
    orderedAxes: tuple[str, str]
    wellKnownScaleSet: str
    tileMatrices: list[TileMatrix]


class TileMatrixSetItem(Answer):
    """A tile matrix set in a list."""

    id: str
    title: str
    uri: str
    crs: str
    links: list[Link]


class TileMatrixSets(Answer):
    """All tile matrix sets."""

    tileMatrixSets: list[TileMatrixSetItem]
    links: list[Link]


class TileSetItem(Answer):
    """A tile set in a list."""

    title: str
    dataType: Literal["vector"]
    crs: str
    tileMatrixSetURI: str
    links: list[Link]


class TileSets(Answer):
    """Which tile sets a collection, the background or the changing grid comes in."""

    tilesets: list[TileSetItem]
    links: list[Link]


class TileMatrixLimits(Answer):
    """Which tiles of a level are answered."""

    tileMatrix: str
    minTileRow: int
    maxTileRow: int
    minTileCol: int
    maxTileCol: int


class TileLayer(Answer):
    """A layer of the tiles."""

    id: str
    title: str
    dataType: Literal["vector"]
    geometryDimension: int | None = None
    minTileMatrix: str
    maxTileMatrix: str
    propertiesSchema: dict[str, Any]


class Corners(Answer):
    """A bounding box."""

    lowerLeft: tuple[float, float]
    upperRight: tuple[float, float]
    crs: str


class CenterPoint(Answer):
    """Where a map may begin."""

    coordinates: tuple[float, float]
    crs: str
    tileMatrix: str


class Band(Answer):
    """Which grid is drawn from which zoom to which, both included."""

    collection: str
    minzoom: int
    maxzoom: int


class TileSet(TileJson):
    """Metadata of a tile set; the same document is TileJSON, so that clients of both find what they look for."""

    title: str
    dataType: Literal["vector"]
    crs: str
    tileMatrixSetURI: str
    tileMatrixSetLimits: list[TileMatrixLimits]
    layers: list[TileLayer]
    boundingBox: Corners
    centerPoint: CenterPoint
    links: list[Link]


class AutoGridTileSet(TileSet):
    """Metadata of the grid that changes with the zoom."""

    grids: list[Band]


class ResultTileSet(TileSet):
    """Metadata of the tiles of a scenario's result, with classes of its changes."""

    digest: str
    collection: str
    of: str
    change_tco2e: float
    result_illustrative: bool
    classes: dict[str, list[dict[str, Any]]]
    notes: dict[str, str]


class StyleItem(Answer):
    """A style in a list."""

    id: str
    title: str
    links: list[Link]


class Styles(Labels):
    """The styles of a region."""

    default: str
    styles: list[StyleItem]
    links: list[Link]


class Style(Answer):
    """A MapLibre style document (version 8)."""

    model_config = ConfigDict(extra="allow")

    version: Literal[8]
    name: str
    sources: dict[str, Any]
    layers: list[dict[str, Any]]
    metadata: dict[str, Any]
