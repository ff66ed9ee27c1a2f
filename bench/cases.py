"""One piece of work that every contestant is given: share one layer out to cells or zones and add up."""

from collections.abc import Callable, Sequence
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
    with_gaps,
    write_layer,
)
from grids.measures import AREAS, LINES, overlay
from grids.zones import gap_between

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
        frame: the square of cells.
        layers: names of the layers that all contestants are given.
        threads: what contestants that use several may use.
        postgis: folder of the database server's socket, empty without one.
        notes: sentences on the layers.
    """

    folder: Path
    frame: Frame
    layers: tuple[str, ...] = LAYERS
    threads: int = 1
    postgis: str = ""
    notes: tuple[str, ...] = ()

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
        return self.place.frame

    @property
    def file(self) -> Path:
        """The GeoParquet file of the layer."""
        return self.place.file(self.name)

    @cached_property
    def zones(self) -> GeometryArray:
        """The zones, in order."""
        return read_layer("zones", self.place.file("zones")).geometries

    @cached_property
    def gap(self) -> BaseGeometry | None:
        """All ground in none of the zones, as far as features go; None if there is none."""
        gap = read_layer("gap", self.place.file("gap")).geometries
        return gap[0] if gap.size else None

    @cached_property
    def targets(self) -> GeometryArray:
        """Cells or zones as polygons."""
        return self.zones if self.question == "zones" else self.grid.cell_polygons()

    def with_rest(self, totals: FloatArray) -> FloatArray:
        """(targets,) totals of zones and, behind them, what they leave of all."""
        return np.append(totals, self.values.sum() - totals.sum())

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


def write_city(folder: Path, buildings: int) -> Place:
    """Write the layers of a generated city, with zones that leave gaps."""
    layers = [make_layer(name, buildings) for name in (*LAYERS, BORDER_ROADS)]
    return replace(write_inputs(folder, Frame.of(buildings), layers, with_gaps(make_zones(buildings))), layers=LAYERS)


def write_inputs(folder: Path, frame: Frame, layers: Sequence[Layer], zones: GeometryArray) -> Place:
    """Write layers, a few features of each for first calls, the zones, and the ground in none of them.

    Raises:
        GeometryError: zones that are no valid polygons.
    """
    few = folder / "few"
    few.mkdir(parents=True, exist_ok=True)
    place = Place(folder, frame, tuple(layer.name for layer in layers))
    for layer in layers:
        write_layer(layer, place.file(layer.name))
        write_layer(layer.first(_FEW), few_of(place).file(layer.name))
    every = [*(shapely.total_bounds(layer.geometries) for layer in layers), np.array(frame.bounds)]
    around = Frame.around(np.concatenate((np.min(every, axis=0)[:2], np.max(every, axis=0)[2:])), frame.crs)
    gap = gap_between(zones, around.polygon).ground if zones.size else None
    of_gap = np.array([gap, None], dtype=np.object_)[: int(gap is not None)]
    for name, shapes in (("zones", zones), ("gap", of_gap)):
        for each in (place, few_of(place)):
            write_layer(Layer(name, shapes, np.zeros(shapes.size)), each.file(name))
    return place


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
    polygons, whose = case.targets, np.arange(case.targets.size)
    if question == "zones" and case.gap is not None:  # measured by itself too: piece by piece, behind the zones
        pieces = shapely.get_parts(case.gap)
        polygons = np.concatenate((polygons, pieces))
        whose = np.concatenate((whose, np.full(pieces.size, whose.size)))

    def run() -> FloatArray:
        features, targets = (
            np.asarray(shapely.transform(geometries, lambda xy: xy - case.grid.origin_m), dtype=np.object_)
            for geometries in (case.layer.geometries, polygons)
        )
        shapely.prepare(features)
        target, feature = shapely.STRtree(features).query(targets, predicate="intersects")
        # Edge by edge where a line crosses or retraces itself: GEOS would count once what it passes twice.
        kinds = np.full(feature.size, LINES if case.layer.is_lines else AREAS, dtype=np.int64)
        parts = overlay(shapely.intersection, features[feature], targets[target], kinds, feature)
        totals = case.added_up(whose[target], feature, parts)
        if question == "zones" and totals.size == case.zones.size:
            totals = np.append(totals, 0.0)
        np.save(place.totals_file(question, layer), totals)
        return totals

    return run


def largest_error(totals: FloatArray, exact: FloatArray) -> float:
    """The largest difference in any target, as a fraction of the mean total of the targets that hold something."""
    return float(np.abs(totals - exact).max() / exact[exact > 0].mean())
