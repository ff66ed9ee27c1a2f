"""One piece of work that every contestant is given: share one layer out to cells or zones and add up."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bench.inputs import (
    BORDER_ROADS,
    LAYERS,
    Frame,
    Layer,
    make_layer,
    make_zones,
    read_layer,
    read_values,
    write_layer,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

QUESTIONS = ("cells", "zones")
_FEW = 20


@dataclass(frozen=True)
class Place:
    """Where the inputs of one run lie; small enough to be handed to another process.

    Attributes:
        folder: of the files that `write_inputs` wrote.
        buildings: size of the city.
        threads: what contestants that use several may use.
        postgis: folder of the database server's socket, empty without one.
    """

    folder: Path
    buildings: int
    threads: int = 1
    postgis: str = ""

    def file(self, layer: str) -> Path:
        """The GeoParquet file of a layer."""
        return self.folder / f"{layer}.parquet"

    def totals_file(self, question: str, layer: str) -> Path:
        """Where the totals by exact intersection are kept."""
        return self.folder / f"exact-{question}-{layer}.npy"


@dataclass(frozen=True)
class Case:
    """A layer and what it is shared out to; what is not asked for is not read."""

    question: str
    name: str
    place: Place

    @cached_property
    def layer(self) -> Layer:
        """The layer as geometry objects."""
        return read_layer(self.name, self.file)

    @cached_property
    def values(self) -> FloatArray:
        """(features,) what is shared out."""
        return read_values(self.file)

    @property
    def grid(self) -> Frame:
        """The square of cells."""
        return Frame.of(self.place.buildings)

    @property
    def file(self) -> Path:
        """The GeoParquet file of the layer."""
        return self.place.file(self.name)

    @cached_property
    def zones(self) -> GeometryArray:
        """The zones, in order."""
        return read_layer("zones", self.place.file("zones")).geometries

    @cached_property
    def targets(self) -> GeometryArray:
        """Cells or zones as polygons."""
        return self.zones if self.question == "zones" else self.grid.cell_polygons()

    @cached_property
    def domain(self) -> BaseGeometry:
        """What the targets cover."""
        return shapely.union_all(self.zones) if self.question == "zones" else self.grid.polygon

    def with_objects(self) -> "Case":
        """The same case, its layer and targets in memory as geometry objects."""
        _ = self.layer, self.values, self.targets
        return self

    def measure(self, geometries: GeometryArray) -> FloatArray:
        """Length of lines, area of polygons."""
        return np.asarray((shapely.length if self.layer.is_lines else shapely.area)(geometries), dtype=np.float64)

    def added_up(self, target: IntArray, feature: IntArray, parts: GeometryArray) -> FloatArray:
        """(targets,) totals of parts of features (n,), each with its target."""
        share = self.measure(parts) / self.measure(self.layer.geometries)[feature]
        totals = np.bincount(target, share * self.values[feature], minlength=self.targets.size)
        return np.asarray(totals, dtype=np.float64)


def write_inputs(place: Place) -> None:
    """Write the layers of a city, a few features of each for first calls, and its zones."""
    few = place.folder / "few"
    few.mkdir(parents=True, exist_ok=True)
    for name in (*LAYERS, BORDER_ROADS):
        layer = make_layer(name, place.buildings)
        write_layer(layer, place.file(name))
        write_layer(layer.first(_FEW), few / place.file(name).name)
    zones = make_zones(place.buildings)
    for folder in (place.folder, few):
        write_layer(Layer("zones", zones, np.zeros(zones.size)), folder / "zones.parquet")


def read_case(question: str, layer: str, place: Place) -> Case:
    """The case of a layer that has been written.

    Raises:
        FileNotFoundError: it has not.
    """
    if not place.file(layer).is_file():
        raise FileNotFoundError(place.file(layer))
    return Case(question, layer, place)


def few_of(place: Place) -> Place:
    """The same place with a few features only."""
    return replace(place, folder=place.folder / "few")


def exact_totals(question: str, layer: str, place: Place) -> Callable[[], FloatArray]:
    """Totals from the intersection of every feature with every target it meets, and no short cut.

    Taken with the frame's corner as origin: coordinates are then a hundred times smaller and rounding with them.
    Moving there is itself exact.
    """
    case = read_case(question, layer, place)

    def run() -> FloatArray:
        features, targets = (
            np.asarray(shapely.transform(geometries, lambda xy: xy - case.grid.origin_m), dtype=np.object_)
            for geometries in (case.layer.geometries, case.targets)
        )
        shapely.prepare(features)
        target, feature = shapely.STRtree(features).query(targets, predicate="intersects")
        totals = case.added_up(target, feature, shapely.intersection(features[feature], targets[target]))
        np.save(place.totals_file(question, layer), totals)
        return totals

    return run


def largest_error(totals: FloatArray, exact: FloatArray) -> float:
    """The largest difference in any target, as a fraction of the mean total of the targets that hold something."""
    return float(np.abs(totals - exact).max() / exact[exact > 0].mean())
