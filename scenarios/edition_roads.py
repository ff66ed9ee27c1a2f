"""The roads of an edition that cars may use: from open road layers, else from the roads drawn as background."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import shapely

from accounting.factors import FactorTable
from grids.edition import Edition
from grids.shipped import data_folder
from grids.store_errors import CollectionNotFound
from scenarios.frame import BoolArray, FloatArray, IntArray
from scenarios.notes import Note
from scenarios.open_features import open_features, open_layers
from scenarios.parameters import Parameters, shipped_parameters
from scenarios.road_graph import Objects, Roads

_AGAINST, _ALONG = ("-1", "reverse"), ("yes", "true", "1")
_IMPLIED = ("motorway", "motorway_link")
_NO_CARS = ("busway",)  # motor traffic, but no cars


def edition_roads(edition: Edition, year: int, parameters: Parameters | None = None) -> Roads | None:
    """Roads with speed, direction and traffic as far as the edition tells them; None where it has no roads.

    An open layer tells speeds (limits stand for mean speeds), directions, lanes and traffic. Of a closed one nothing is
    taken: the background's road classes tell speeds, and traffic is unknown.

    Args:
        edition: which.
        year: of the traffic.
        parameters: speeds by class, used where the edition states none.
    """
    known = shipped_parameters() if parameters is None else parameters
    layers = open_layers(edition, "transport")
    tables = [_open_roads(edition, layer) for layer in layers or ()]
    notes = []
    if tables:
        table = pa.concat_tables(tables, promote_options="permissive")
        lines = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
        notes.append(Note("roads", "road_speeds"))
    else:
        try:
            table = edition.context("roads", edition.manifest.region.bbox).rows
        except CollectionNotFound:
            return None
        shapes = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
        to_metres = pyproj.Transformer.from_crs("OGC:CRS84", edition.crs, always_xy=True)
        lines = shapely.transform(shapes, lambda at: np.column_stack(to_metres.transform(at[:, 0], at[:, 1])))
        notes.append(Note("roads", "road_background", illustrative=True))
    frame = table.drop_columns(["geometry"]).to_pandas()
    names, drives = _classes(frame)
    stated = _speeds(edition)
    kmh = _numbers(frame, "speed_kmh")
    unknown = drives & ~(kmh > 0)
    used = set()
    for name in sorted(set(names[unknown])):
        here = unknown & (names == name)
        key = f"roads.speed.{name}" if f"roads.speed.{name}" in known.items else "roads.speed.other"
        if name not in stated:
            used.add(key)
        kmh[here] = stated[name] if name in stated else known.number(key)
    parts, of = shapely.get_parts(lines, return_index=True)
    good = drives[of] & (shapely.get_type_id(parts) == 1) & ~shapely.is_empty(parts)
    parts, of = parts[good], of[good]
    if not len(parts):
        return None
    # A background that names no roads: by their number, the same in every run on this edition.
    names_of = frame["id"].astype(str) if "id" in frame else pd.Series(range(len(frame))).astype(str)
    ids = names_of.to_numpy(dtype=object)
    return Roads(
        parts, ids[of], kmh[of], _oneway(frame, names)[of], _positive(frame, "lanes")[of],
        _numbers(frame, f"aadt_{year}")[of], tuple(notes), tuple(sorted(used)),
    )  # fmt: skip


def _open_roads(edition: Edition, layer: str) -> pa.Table:
    table = open_features(edition, layer)
    return table.whole(list(dict.fromkeys(["id", "geometry", *table.columns])))


def _classes(frame: pd.DataFrame) -> tuple[Objects, BoolArray]:
    """Class (n,) of each road, and whether cars run there; a road of no known class runs where it has a speed."""
    words = FactorTable.load(data_folder() / "factors").words.road_classes
    said = frame["road_class"] if "road_class" in frame else pd.Series([None] * len(frame), dtype=object)
    names = said.astype(object).where(said.notna(), "unknown").astype(str).to_numpy(dtype=object)
    has_speed = _numbers(frame, "speed_kmh") > 0
    runs = np.array(
        [words[name].traffic and name not in _NO_CARS if name in words else False for name in names], dtype=bool
    )
    strange = np.array([name not in words for name in names], dtype=bool)
    return np.array([words[name].of_class or name if name in words else name for name in names], dtype=object), (
        runs | (strange & has_speed)
    )


def _speeds(edition: Edition) -> Mapping[str, float]:
    """Speeds (km/h) by class that the edition's region file assumes."""
    found = {}
    for row in edition.manifest.assumptions:
        name, value = str(row.get("id", "")), row.get("value")
        if name.startswith("transport.speed.") and isinstance(value, int | float) and row.get("unit") == "km/h":
            found[name.removeprefix("transport.speed.")] = float(value)
    return found


def _oneway(frame: pd.DataFrame, names: Objects) -> IntArray:
    """0 both ways, 1 along, -1 against; motorways and their ramps go along their lines unless they say no."""
    implied = np.isin(names.astype(str), _IMPLIED)
    if "oneway" not in frame:
        return implied.astype(np.int64)
    said = frame["oneway"].astype(object)
    text = said.where(said.notna(), "").astype(str).str.lower().to_numpy()
    along = np.isin(text, _ALONG) | (implied & ~np.isin(text, ("no", "false", "0", *_AGAINST)))
    return np.where(np.isin(text, _AGAINST), -1, along.astype(np.int64)).astype(np.int64)


def _numbers(frame: pd.DataFrame, column: str) -> FloatArray:
    return (
        frame[column].to_numpy(np.float64, na_value=np.nan, copy=True)
        if column in frame
        else np.full(len(frame), np.nan)
    )


def _positive(frame: pd.DataFrame, column: str) -> FloatArray:
    values = pd.to_numeric(frame[column], errors="coerce") if column in frame else pd.Series(np.nan, frame.index)
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    return np.where(numbers > 0, numbers, np.nan)
