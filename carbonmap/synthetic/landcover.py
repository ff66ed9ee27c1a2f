"""A land-cover raster of the region, overlapping the forest map, with the parks' trees that the forest map lacks."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from rasterio import features
from rasterio.transform import Affine
from rasterio.windows import Window

from carbonmap.synthetic.city import City
from carbonmap.synthetic.noise import value_noise
from carbonmap.synthetic.partition import label_polygons
from carbonmap.synthetic.plan import CRS, Plan, Tile

__all__ = ["CLASSES", "LandCoverRaster"]

CLASSES = {10: "tree", 30: "grass", 40: "crop", 50: "built", 80: "water"}
PIXEL_M = 20.0


class LandCoverRaster:
    """The raster while it is drawn: one byte per 400 m2, 0 where no tile is."""

    def __init__(self, plan: Plan) -> None:
        outlines = [tile.outline().bounds for tile in plan.tiles()]
        west = np.floor(min(b[0] for b in outlines) / PIXEL_M) * PIXEL_M
        south = np.floor(min(b[1] for b in outlines) / PIXEL_M) * PIXEL_M
        east = np.ceil(max(b[2] for b in outlines) / PIXEL_M) * PIXEL_M
        north = np.ceil(max(b[3] for b in outlines) / PIXEL_M) * PIXEL_M
        self._west, self._north = float(west), float(north)
        self._pixels = np.zeros((round((north - south) / PIXEL_M), round((east - west) / PIXEL_M)), dtype=np.uint8)

    def add(self, city: City) -> None:
        """Draw a tile: fields and meadows, then woods, built-up ground, parks and water over one another."""
        outline = city.tile.outline()
        west, south, east, north = outline.bounds
        col, row = int((west - self._west) // PIXEL_M), int((self._north - north) // PIXEL_M)
        window = Window(
            col, row, int((east - self._west) // PIXEL_M) + 1 - col, int((self._north - south) // PIXEL_M) + 1 - row
        )  # fmt: skip
        transform = _transform(self._west + col * PIXEL_M, self._north - row * PIXEL_M)
        rows, cols = window.toslices()
        target = self._pixels[rows, cols]
        layers = (
            (40, np.array([outline], dtype=object)),
            (30, _meadows(city.tile, city)),
            (10, city.stands.polygon),
            (50, city.on_map),
            (50, shapely.buffer(city.buildings.polygon[city.buildings.superblock < 0], 9.0, quad_segs=1)),
            (10, city.parks),
            (80, city.water),
        )
        shapes = [
            (geometry, code) for code, geometries in layers for geometry in geometries if not shapely.is_empty(geometry)
        ]
        drawn = features.rasterize(shapes, out_shape=target.shape, transform=transform, fill=0, dtype="uint8")
        np.copyto(target, drawn, where=drawn > 0)

    def write(self, path: Path) -> None:
        """Write the raster as a tiled, compressed GeoTIFF."""
        height, width = self._pixels.shape
        profile = {
            "driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "uint8", "nodata": 0,
            "crs": CRS, "transform": _transform(self._west, self._north),
            "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate",
        }  # fmt: skip
        with rasterio.open(path, "w", **profile) as raster:
            raster.write(self._pixels, 1)


def _transform(west: float, north: float) -> Affine:
    """Pixel to map, from the upper left corner."""
    return Affine(PIXEL_M, 0.0, west, 0.0, -PIXEL_M, north)


def _meadows(tile: Tile, city: City) -> npt.NDArray[np.object_]:
    """Patches of grass among the fields, on the map."""
    u, v = tile.cell_centres()
    s = tile.plan.scale
    grass = (value_noise(u, v, 700.0 * s, tile.plan.seed + 71) > 0.28) & ~city.land.forest
    return label_polygons(tile, grass.astype(np.int32), 1.2, fill=False)[1]
