"""Inputs of one's own: layers of files that anybody has, in place of the generated city."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

from bench.cases import Place, write_inputs
from bench.inputs import Frame, Layer
from grids.measures import repaired

GeometryArray = NDArray[np.object_]

MOST_KM = 300
"""Side of the square that layers may span: nine million cells, which peers have as polygons."""

_WRITTEN = re.compile(r"(?:(?P<name>[\w-]+)=)?(?P<file>[^:]+)(?::(?P<layer>[^:]*))?(?::(?P<where>.+))?", re.DOTALL)


_OURS = ("zones", "gap")  # files that are written beside the layers

_NOTHING = "{name} has neither lines nor polygons; some were expected."


class InputError(ValueError):
    """Inputs that cannot be compared on."""


@dataclass(frozen=True)
class Source:
    """One layer of one file.

    Attributes:
        name: what the table calls it.
        file: in any format that GDAL reads, or GeoParquet.
        layer: of the file; None for its only one.
        where: which features, as SQL; None for all.
    """

    name: str
    file: Path
    layer: str | None = None
    where: str | None = None

    @classmethod
    def of(cls, text: str) -> "Source":
        """Read `[NAME=]FILE[:LAYER[:WHERE]]`.

        Raises:
            InputError: another text.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise InputError(f"{text!r} was given; [NAME=]FILE[:LAYER[:WHERE]] was expected.")
        file = Path(found["file"])
        name = found["name"] or re.sub(r"[^\w-]+", "-", "-".join(filter(None, (file.stem, found["layer"]))))
        return cls(name, file, found["layer"] or None, found["where"])

    @property
    def text(self) -> str:
        """The source as it is written, without its folder."""
        return ":".join(part for part in (f"{self.name}={self.file.name}", self.layer, self.where) if part)

    def read(self) -> gpd.GeoDataFrame:
        """The features, geometry alone.

        Raises:
            InputError: a file, layer or condition that cannot be read, or coordinates in no CRS.
        """
        is_parquet = self.file.suffix in (".parquet", ".geoparquet")
        if is_parquet and (self.layer or self.where):
            raise InputError(
                f"{self.text} was given; GeoParquet has no layers and is read as a whole: {self.file.name} alone was "
                "expected. Write the features that are wanted to a file of their own."
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # GDAL speaks of nodes that a clipped extract lacks
                if is_parquet:
                    frame = gpd.read_parquet(self.file)
                else:
                    frame = pyogrio.read_dataframe(self.file, layer=self.layer, where=self.where, columns=[])
        except (RuntimeError, OSError, ValueError) as error:  # what pyogrio raises are RuntimeErrors of its own
            raise InputError(f"{self.file} cannot be read as a layer of features: {error}") from error
        if frame.crs is None:
            raise InputError(f"The coordinates of {self.file} are in no CRS; a file that names one was expected.")
        if (frame.geometry.isna() | frame.geometry.is_empty).all():
            raise InputError(_NOTHING.format(name=self.name))
        return frame


@dataclass(frozen=True)
class Given:
    """Sources that a question is asked of.

    Attributes:
        sources: of layers.
        zones: of zones; None where cells are asked for.
        times: how often each feature is taken: small files are done before a clock can tell.
    """

    sources: tuple[Source, ...]
    zones: Source | None = None
    times: int = 1

    def write(self, folder: Path) -> Place:
        """Write them as all contestants are given them, see `bench.cases.write_inputs`.

        In a CRS of metres (that of the first source, or the UTM zone where it lies), in two dimensions; invalid
        polygons are repaired first, since peers fail on them or give other areas, and of mixed layers the kind is taken
        that most features are of.

        Raises:
            InputError: what cannot be read, lies too far apart, or has neither lines nor polygons.
            GeometryError: zones that cannot be repaired.
        """
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise InputError(f"Layers were called {', '.join(names)}; different names were expected: NAME=FILE.")
        taken = [name for name in names if name in _OURS]
        if taken:
            raise InputError(f"A layer was called {taken[0]}, as a file of ours is; another was expected: NAME=FILE.")
        frames = [source.read() for source in self.sources]
        crs = _metric(self.sources[0], frames[0])
        shapes = [
            _of_one_kind(source.name, _shapes(source, frame, crs))
            for source, frame in zip(self.sources, frames, strict=True)
        ]
        notes = tuple(map(_described, names, frames, shapes))
        layers = [
            _layer(name, np.tile(each, self.times), k) for k, (name, each) in enumerate(zip(names, shapes, strict=True))
        ]
        bounds = np.array([shapely.total_bounds(layer.geometries) for layer in layers])
        frame = Frame.around(np.concatenate((bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0))), crs)
        if frame.side_m > 1000 * MOST_KM:
            raise InputError(
                f"The features lie {frame.side_m / 1000:,.0f} km apart; {MOST_KM} km at most were expected. Choose "
                "fewer by a condition: FILE:LAYER:WHERE."
            )
        zones = np.zeros(0, dtype=np.object_)
        if self.zones is not None:
            zones = _polygons(_shapes(self.zones, self.zones.read(), crs))
        return replace(write_inputs(folder, frame, layers, zones), notes=notes)

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked for, without the folders that files lie in."""
        asked: dict[str, Any] = {"inputs": " and ".join(source.text for source in self.sources)}
        return asked | ({} if self.zones is None else {"zones": self.zones.text}) | {"times": self.times}


@contextmanager
def _told(source: Source) -> Iterator[None]:
    """Coordinates that PROJ cannot take elsewhere, as those of a building site's own CRS."""
    try:
        yield
    except RuntimeError as error:  # ProjError is one
        raise InputError(
            f"The coordinates of {source.file} are in a CRS from which there is no way to metres of an EPSG number "
            f"({error}); one that is known by its number was expected."
        ) from error


def _metric(source: Source, frame: gpd.GeoDataFrame) -> str:
    """A CRS of metres by its EPSG number: that of the layer, else of the UTM zone where it lies."""
    own = frame.crs
    if own.is_projected and own.axis_info[0].unit_name == "metre" and own.to_epsg() is not None:
        return f"EPSG:{own.to_epsg()}"
    with _told(source):
        return f"EPSG:{frame.estimate_utm_crs().to_epsg()}"


def _shapes(source: Source, frame: gpd.GeoDataFrame, crs: str) -> GeometryArray:
    """The features that lie somewhere, in two dimensions."""
    with _told(source):
        placed = frame.geometry.to_crs(crs)
    shapes = np.asarray(shapely.force_2d(placed.to_numpy()), dtype=np.object_)
    return shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]


def _of_one_kind(name: str, shapes: GeometryArray) -> GeometryArray:
    """Lines or polygons that have an extent, whichever are more."""
    kinds = shapely.get_dimensions(shapes)
    if (kinds == 2).sum() >= (kinds == 1).sum():
        chosen = _polygons(shapes)
        chosen = chosen[shapely.area(chosen) > 0]
    else:
        chosen = shapes[kinds == 1]
        chosen = chosen[shapely.length(chosen) > 0]
    if not chosen.size:
        raise InputError(_NOTHING.format(name=name))
    return chosen


def _described(name: str, frame: gpd.GeoDataFrame, shapes: GeometryArray) -> str:
    """A sentence on what a layer is like."""
    kind = "polygons" if shapely.get_dimensions(shapes[0]) == 2 else "lines"
    broken = int((~shapely.is_valid(frame.geometry.to_numpy())).sum())
    parts, vertices = shapely.get_num_geometries(shapes), shapely.get_num_coordinates(shapes)
    several, holed = float((parts > 1).mean()), shapely.get_num_interior_rings(shapely.get_parts(shapes)) > 0
    return (
        f"{name}: {shapes.size:,} {kind} of {len(frame):,} features, {broken:,} of which were invalid; "
        f"{vertices.mean():.1f} vertices on average, {vertices.max():,} at most; {several:.1%} of several parts; "
        f"{holed.mean():.1%} of the parts with holes."
    )


def _layer(name: str, shapes: GeometryArray, seed: int) -> Layer:
    return Layer(name, shapes, np.random.default_rng([20260101, seed]).uniform(1.0, 1000.0, shapes.size))


def _polygons(shapes: GeometryArray) -> GeometryArray:
    """Polygons among features, valid ones."""
    polygons = shapes[shapely.get_dimensions(shapes) == 2]
    broken = ~shapely.is_valid(polygons)
    polygons[broken] = repaired(polygons[broken])
    some: GeometryArray = polygons[~shapely.is_empty(polygons)]
    return some


def given(inputs: Sequence[str], zones: str | None, times: int) -> Given:
    """What the command line asks for.

    Raises:
        InputError: a text that says nothing of a file.
    """
    return Given(tuple(map(Source.of, inputs)), None if zones is None else Source.of(zones), times)
