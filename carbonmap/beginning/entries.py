"""Sources, zone sets and context of a region file, made of what was found; each with its reasons."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from carbonmap.beginning.place import covers, inner_bounds, meets, union_of
from carbonmap.beginning.roles import Role
from carbonmap.region import NOT_COLLECTIONS
from gis.crs import Bounds
from gis.found_osm import AdminLevel, FoundOsm

_MANY_ROADS = 100_000
_MAIN_ROADS = ["motorway", "trunk", "primary", "secondary", "tertiary"]
_FAR_BEYOND = 4.0
_LITTLE = 0.5


@dataclass
class Entry:
    """One member of `sources`, `zone_sets` or `context`.

    Attributes:
        data: as it stands in the region file.
        why: reasons and hints, one a line, written above it as comments.
        active: else it is written as a comment, for the user to choose.
        is_boundary: the zones are the region.
    """

    data: dict[str, Any]
    why: list[str] = field(default_factory=list)
    active: bool = True
    is_boundary: bool = False


def osm_sources(osm: FoundOsm, place: Bounds, crs: str, *, has_raster: bool) -> list[Entry]:
    """Buildings, roads and, where no raster says more, woods of an OpenStreetMap file."""
    coverage, why = _coverage(osm.lonlat, place, crs, "the extract")
    entries = []
    if osm.counts["buildings"]:
        columns = {"use": "building"}
        columns |= {"levels": "building:levels"} if osm.tags["building:levels"] else {}
        columns |= {"height_m": "height"} if osm.tags["height"] else {}
        stated = max(osm.tags["building:levels"], osm.tags["height"])
        data = {
            "id": "osm_buildings",
            "sector": "buildings",
            "file": osm.file,
            "layer": "buildings",
            "columns": columns,
        }
        hints = [
            f"about {osm.counts['buildings']:,} buildings, of which {stated:,} state storeys or height",
            *why,
            "no building on the map counts as none on the ground; where mapping is partial, say complete: false",
        ]
        entries.append(Entry(data | {"uses": "osm"} | coverage | {"open": True}, hints))
    if osm.counts["roads"]:
        columns = {"road_class": "highway", "lanes": "lanes", "oneway": "oneway", "speed_kmh": "maxspeed"}
        data = {"id": "osm_roads", "sector": "transport", "file": osm.file, "layer": "roads", "columns": columns}
        hints = [
            f"about {osm.counts['roads']:,} ways, of which {osm.tags['maxspeed']:,} state a limit; no traffic",
            *why,
        ]
        entries.append(Entry(data | coverage | {"open": True}, hints))
    if osm.counts["forest"]:
        columns = {"land_cover": "class", "leaf_type": "leaf_type"}
        data = {"id": "osm_forest", "sector": "forest", "file": osm.file, "layer": "forest", "columns": columns}
        hints = [f"about {osm.counts['forest']:,} woods", *why]
        if has_raster:
            hints.append(
                "not used: the raster says of all ground what it is, the map of woods only where somebody drew one"
            )
        entries.append(Entry(data | coverage | {"open": True}, hints, active=not has_raster))
    return entries


def osm_context(osm: FoundOsm) -> list[Entry]:
    """What is drawn behind the numbers."""
    file = {"file": osm.file}
    entries = []
    if osm.counts["water"]:
        entries.append(Entry({"kind": "water", **file, "layer": "water", "columns": {"name": "name"}}))
    if osm.counts["roads"]:
        data: dict[str, Any] = {"kind": "roads", **file, "layer": "roads"}
        data["columns"] = {"road_class": "highway", "name": "name"}
        many = osm.counts["roads"] > _MANY_ROADS
        entries.append(Entry(data | ({"where": {"highway": _MAIN_ROADS}} if many else {})))
    if osm.counts["places"]:
        data = {"kind": "places", **file, "layer": "places", "columns": {"name": "name", "rank": "place"}}
        entries.append(Entry(data))
    return entries


def layer_sources(roles: Sequence[Role], place: Bounds, crs: str) -> list[Entry]:
    """Sources of all other files; tables filled from forms are joined to the first source of their sector."""
    entries: list[Entry] = []
    taken: dict[str, list[Bounds]] = {}
    rasters = [role for role in roles if role.kind == "land_cover" and role.layer.lonlat is not None]
    rasters = [role for role in rasters if meets(role.layer.lonlat or place, place)]
    together = union_of([role.layer.lonlat for role in rasters if role.layer.lonlat is not None])
    for role in roles:
        if role.kind in ("buildings", "transport", "forest", "population"):
            entries.append(_vector_source(role, place))
        elif role in rasters:
            entries.append(
                _raster_source(role, place, crs, taken, is_whole=together is not None and covers(together, place))
            )
    names: dict[str, int] = {}
    for entry in entries:
        name = entry.data["id"]
        names[name] = names.get(name, 0) + 1
        entry.data["id"] = name if names[name] == 1 else f"{name}_{names[name]}"
    return entries


def _vector_source(role: Role, place: Bounds) -> Entry:
    layer, dataset = role.layer, role.dataset
    data: dict[str, Any] = {"id": dataset.id if dataset is not None else _slug(layer.layer or layer.file)}
    data |= {"sector": role.kind, "file": layer.file}
    data |= {"layer": layer.layer} if layer.layer else {}
    data |= {"columns": role.columns} if role.columns else {}
    data |= {"uses": role.uses} if role.uses else {}
    why = [f"{layer.features:,} {layer.geometry or 'row'}s", *role.why]
    if role.xy is not None:
        data |= {"x": role.xy[0], "y": role.xy[1], "crs": "EPSG:4326"}
    elif not layer.crs:
        stated = dataset.crs if dataset is not None else None
        data["crs"] = stated or "EPSG:4326"
        why.append(
            f"the file says no CRS; {data['crs']} is {'what it usually has' if stated else 'a guess'}: look at the map"
        )
    if layer.encoding:
        data["encoding"] = dataset.encoding if dataset is not None and dataset.encoding else layer.encoding
        why.append(f"the file does not say its encoding; {data['encoding']} decodes it")
    if dataset is not None and dataset.where:
        present = {column: values for column, values in dataset.where.items() if column in layer.columns}
        data |= {"where": {column: list(values) for column, values in present.items()}} if present else {}
    if role.kind == "population":
        data["coverage"] = {"file": layer.file} | ({"layer": layer.layer} if layer.layer else {})
        why.append("where it has no polygon, population is unknown")
    elif layer.lonlat is not None and _share(layer.lonlat, place) < _LITTLE:
        why.append("its features lie in a small part of the place: elsewhere there are none, unless coverage says so")
    data["open"] = dataset is not None or role.kind != "buildings"
    if not data["open"]:
        why.append("open: false until its owner says that values of single buildings may be published")
    return Entry(data, why)


def _raster_source(role: Role, place: Bounds, crs: str, taken: dict[str, list[Bounds]], *, is_whole: bool) -> Entry:
    layer = role.layer
    assert layer.lonlat is not None
    data = {"id": role.classes, "sector": "land_cover", "file": layer.file, "classes": role.classes}
    why = [f"{layer.features:,} pixels, {layer.crs or 'CRS not stated'}", *role.why]
    if not is_whole:
        coverage, said = _coverage(layer.lonlat, place, crs, "the raster")
        data |= coverage
        why += said
    before = taken.setdefault("land_cover", [])
    double = any(_share(layer.lonlat, box) > 0.05 for box in before)
    if double:
        why.append("not used: another raster covers this ground already, and it would count twice")
    else:
        before.append(layer.lonlat)
    return Entry(data | {"open": True}, why, active=not double)


def zone_entries(
    zones: Sequence[Role],
    chosen: Role | None,
    admin: AdminLevel | None,
    osm: FoundOsm | None,
    languages: Sequence[str],
    place: Bounds,
) -> list[Entry]:
    """Zone sets, the coarsest first; those that reach far beyond the place, or are one zone, are left to the user."""
    entries: list[Entry] = []
    used: set[str] = set()
    coarser: tuple[str, Bounds] | None = None
    for role in sorted(zones, key=lambda role: (role.layer.features, role.layer.file)):
        box = role.layer.lonlat
        assert box is not None
        entry = _zone_entry(role, languages, used)
        entry.is_boundary = role is chosen
        if not entry.is_boundary:
            entry.active = meets(box, place) and role.layer.features > 1 and _size(box) <= _FAR_BEYOND * _size(place)
            if not entry.active:
                entry.why.append(
                    "not used: it is one zone"
                    if role.layer.features < 2
                    else "not used: reaches far beyond the place; keep the zones of the place with where"
                )
        if entry.active:
            if coarser is not None and covers(coarser[1], box):
                entry.data["parent"] = coarser[0]
            coarser = (entry.data["id"], box)
        entries.append(entry)
    if not zones and admin is not None and osm is not None:
        names = {f"name_{language}": "name" for language in languages}
        data = {
            "id": f"admin_{admin.level}", "title": {languages[0]: f"Administrative level {admin.level}"},
            "file": osm.file, "layer": "admin", "where": {"admin_level": [admin.level]},
            "columns": {"id": "id", **names},
        }  # fmt: skip
        why = [
            f"{len(admin.names)} areas of the extract that are whole, {admin.covered:.0%} of its box: "
            + ", ".join(admin.names[:8]) + (" ..." if len(admin.names) > 8 else "")
        ]  # fmt: skip
        entries.append(Entry(data, why, is_boundary=True))
    return entries


def _zone_entry(role: Role, languages: Sequence[str], used: set[str]) -> Entry:
    layer, dataset = role.layer, role.dataset
    name = dataset.id if dataset is not None else _slug(layer.layer or layer.file)
    if name.startswith(NOT_COLLECTIONS):
        name = f"zones-{name}"
    while name in used:
        name += "-2"
    used.add(name)
    plain = role.columns.get("name") or next(
        (role.columns[key] for key in role.columns if key.startswith("name_")), None
    )
    columns = {"id": role.columns["id"]}
    for language in languages:
        theirs = role.columns.get(f"name_{language}") or plain
        columns |= {f"name_{language}": theirs} if theirs else {}
    title = dataset.title if dataset is not None else name.replace("_", " ").replace("-", " ").capitalize()
    data: dict[str, Any] = {"id": name, "title": {languages[0]: title}, "file": layer.file}
    data |= {"kind": "land_use"} if dataset is not None and dataset.land_use else {}
    data |= {"layer": layer.layer} if layer.layer else {}
    data["columns"] = columns
    why = [f"{layer.features:,} zone{'s' if layer.features != 1 else ''}", *role.why]
    if not layer.crs:
        data["crs"] = (dataset.crs if dataset is not None else None) or "EPSG:4326"
        why.append(f"the file says no CRS; {data['crs']} is supposed: look at the map")
    if layer.encoding:
        data["encoding"] = layer.encoding
    if columns["id"] not in layer.unique and layer.unique:
        data["dissolve"] = True
    return Entry(data, why)


def _coverage(box: Bounds | None, place: Bounds, crs: str, what: str) -> tuple[dict[str, Any], list[str]]:
    """The key `coverage` where a file does not reach around the place, and the reason."""
    if box is None or covers(box, place):
        return {}, []
    bounds = list(inner_bounds(box, crs))
    return {"coverage": {"bounds": bounds}}, [
        f"{what} covers part of the place: beyond these bounds values are unknown, not zero"
    ]


def _share(box: Bounds, place: Bounds) -> float:
    """Fraction of a place that a box covers."""
    if not meets(box, place):
        return 0.0
    shared = max(box[0], place[0]), max(box[1], place[1]), min(box[2], place[2]), min(box[3], place[3])
    return _size(shared) / _size(place)


def _size(box: Bounds) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _slug(text: str) -> str:
    """A name that may be an id: lower case letters, digits, hyphens and underscores, a letter first."""
    stem = re.sub(r"\.[a-z0-9.]+$", "", text.rsplit("/", 1)[-1].lower())
    slug = re.sub(r"[^a-z0-9]+", "_", stem).strip("_")[:50]
    return slug if slug[:1].isalpha() else f"layer_{slug}".rstrip("_")


_FORM_SECTORS = {"meters": "buildings", "counts": "transport", "stands": "forest"}


def join_forms(entries: Sequence[Entry], roles: Sequence[Role], year: int) -> None:
    """Join tables that were filled from forms to the first source of their sector."""
    for role in roles:
        sector = _FORM_SECTORS.get(role.form, "")
        entry = next((one for one in entries if one.active and one.data["sector"] == sector), None)
        if entry is None:
            continue
        file = role.layer.file
        if role.form == "meters":
            join: dict[str, Any] = {
                "file": file, "key": "building_id", "layout": "long", "year": "year", "month": "month",
                "carrier": "carrier", "value": "value", "unit_column": "unit",
            }  # fmt: skip
            entry.data["open"] = False
            entry.why.append(f"open: false, since {file} holds meters of single buildings")
        elif role.form == "counts":
            kinds = [name for name in role.layer.columns if name.startswith("aadt_")]
            columns = {f"aadt_{year}": "aadt", **{name: name for name in kinds}}
            join = {"file": file, "key": "road_id", "layout": "wide", "columns": columns}
        else:
            names = ("species", "age_years", "increment_m3_ha")
            columns = {name: name for name in names if name in role.layer.columns}
            join = {"file": file, "key": "stand_id", "layout": "wide", "columns": columns}
        if role.layer.encoding:
            join["encoding"] = role.layer.encoding
        entry.data.setdefault("joins", []).append(join)
