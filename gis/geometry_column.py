"""Geometries of features as well-known binary, with what compiled code saw of them; objects only where needed."""

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from grids.survey import as_arrow, is_plain, joined, moved, plain_wkb, survey, taken
from grids.wkb import WkbColumn, may_be_deep

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Objects = NDArray[np.object_]

MISSING, UNREADABLE = -1, -2  # beside shapely's numbers of types
_TYPE_OF_KIND = np.array([MISSING, 0, 1, 3, 4, 5, 6])
"""Shapely's number of each type of well-known binary; its own has linear rings in between."""


@dataclass(frozen=True)
class GeometryColumn:
    """Geometries of (n,) features.

    Attributes:
        wkb: plain where GEOS can write it so: little-endian, two dimensions, no SRID.
        types: shapely's type ids; MISSING, UNREADABLE (damaged, a curve).
        sound: surely valid, finite and not empty, by `grids.survey`; what is not may be so nevertheless.
        bounds: (n, 4) west, south, east, north; NaN where there is none. They skip vertices that are no numbers.
        areas: planar area of polygons, shells less holes; 0 for all else.
    """

    wkb: WkbColumn
    types: IntArray
    sound: NDArray[np.bool_]
    bounds: FloatArray
    areas: FloatArray

    @classmethod
    def of_arrow(cls, column: pa.Array | pa.ChunkedArray) -> Self:
        """Take well-known binary of any flavour as Arrow has it; GEOS reads what is not plain and surely valid.

        Raises:
            TypeError: an array of something else.
        """
        if isinstance(column.type, pa.BaseExtensionType):
            column = column.cast(column.type.storage_type)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if not any(is_it(column.type) for is_it in _BINARY):
            raise TypeError(f"a column of {column.type}; binary was expected")
        column = column.cast(pa.large_binary())
        made = cls.of_wkb(WkbColumn.from_arrow(column))
        empty = pc.equal(pc.binary_length(column), 0).fill_null(False).to_numpy(zero_copy_only=False)
        made.types[empty] = UNREADABLE  # no bytes at all are not the same as none given
        return made

    @classmethod
    def of_wkb(cls, wkb: WkbColumn) -> Self:
        """Take well-known binary of any flavour; see `of_arrow`."""
        found = survey(wkb)
        types, sound, bounds, areas = _TYPE_OF_KIND[found.kinds], found.sound, found.bounds, found.areas
        rest = np.flatnonzero(~sound & (wkb.ends > wkb.begins))
        if not rest.size:
            return cls(wkb, types, sound, bounds, areas)
        with np.errstate(invalid="ignore", over="ignore"):  # coordinates that are no numbers, or far too large
            objects = _decoded(wkb, rest)
            lost = shapely.is_missing(objects)
            types[rest[lost]] = UNREADABLE
            foreign = np.flatnonzero((found.kinds[rest] < 0) & ~lost)
            if foreign.size:
                plain = plain_wkb(objects[foreign])
                objects[foreign] = shapely.from_wkb(plain)
                wkb = wkb.with_features(dict(zip(rest[foreign].tolist(), plain.tolist(), strict=True)))
                again = survey(taken(wkb, rest[foreign]))
                sound[rest[foreign]] = again.sound
            types[rest[~lost]] = shapely.get_type_id(objects[~lost])
            bounds[rest] = shapely.bounds(objects)
            areas[rest] = np.where(lost, 0.0, shapely.area(objects))
        return cls(wkb, types, sound, bounds, areas)

    @classmethod
    def of_objects(cls, geometries: Objects) -> Self:
        """Take geometry objects, None for missing ones; Z and M are dropped."""
        with np.errstate(invalid="ignore"):
            plain = shapely.to_wkb(shapely.force_2d(geometries), byte_order=1)
        return cls.of_arrow(pa.array(plain, pa.large_binary(), from_pandas=True))

    def __len__(self) -> int:
        """How many features."""
        return int(self.types.size)

    def take(self, which: IntArray | NDArray[np.bool_]) -> Self:
        """The features of positions or of a mask, in order; bytes are not copied."""
        picked: IntArray = np.flatnonzero(which) if which.dtype == bool else which.astype(np.int64, copy=False)
        columns = (self.types[picked], self.sound[picked], self.bounds[picked], self.areas[picked])
        return type(self)(taken(self.wkb, picked), *columns)

    def replaced(self, which: IntArray, geometries: Objects) -> Self:
        """The column with other geometries, valid and not missing, at positions (m,)."""
        if not which.size:
            return self
        fresh = self.of_objects(geometries)
        bytes_of = {int(place): fresh.wkb.feature(k) for k, place in enumerate(which)}
        types, sound = self.types.copy(), self.sound.copy()
        bounds, areas = self.bounds.copy(), self.areas.copy()
        types[which], sound[which], bounds[which], areas[which] = fresh.types, fresh.sound, fresh.bounds, fresh.areas
        return type(self)(self.wkb.with_features(bytes_of), types, sound, bounds, areas)

    def moved(self, move: Callable[[FloatArray], FloatArray]) -> Self:
        """The geometries with their vertices moved, by a function from (v, 2) to (v, 2)."""
        others = np.flatnonzero((self.types >= 0) & ~is_plain(self.wkb))
        with np.errstate(invalid="ignore"):
            moved_others = shapely.transform(self.objects(others), move)
        return type(self).of_wkb(moved(self.wkb, move)).replaced(others, moved_others)

    @classmethod
    def joined(cls, columns: list[Self]) -> Self:
        """Columns one after the other; at least one."""
        parts = [(column.types, column.sound, column.bounds, column.areas) for column in columns]
        return cls(joined([column.wkb for column in columns]), *map(np.concatenate, zip(*parts, strict=True)))

    def objects(self, which: IntArray | None = None) -> Objects:
        """Geometry objects of these positions, or of all; None where there is none or it cannot be read."""
        return _decoded(self.wkb, np.arange(len(self)) if which is None else which)

    def arrow(self) -> Any:
        """(n,) large binary, null where there is none."""
        return as_arrow(self.wkb)


_BINARY = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)


def _decoded(wkb: WkbColumn, which: IntArray) -> Objects:
    """Geometries of well-known binary; None where it cannot be read, lies too deep, or is a curve."""
    given = as_arrow(taken(wkb, which)).to_numpy(zero_copy_only=False)
    deep = [place for place, one in enumerate(given) if one is not None and may_be_deep(one)]
    if deep:
        given = given.copy()
        given[deep] = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return np.asarray(shapely.from_wkb(given, on_invalid="ignore"), dtype=object)
        except NotImplementedError:
            found = np.full(len(given), None, dtype=object)
            for place, one in enumerate(given):
                with contextlib.suppress(NotImplementedError):
                    found[place] = shapely.from_wkb(one, on_invalid="ignore")
            return found
