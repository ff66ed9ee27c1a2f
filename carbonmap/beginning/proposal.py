"""A region file proposed from what lies in a folder: everything it says, with the reason for each choice."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from carbonmap.beginning.entries import Entry, join_forms, layer_sources, osm_context, osm_sources, zone_entries
from carbonmap.beginning.place import (
    KOREAN_ORIGIN,
    Chosen,
    hexagon_resolution,
    inner_bounds,
    meets,
    proposed_crs,
    proposed_sizes,
    square_km,
    tile_names,
    union_of,
)
from carbonmap.beginning.roles import Role, roles_of
from carbonmap.beginning.templates import Template, read_template, template_for
from carbonmap.completeness import STATED
from carbonmap.errors import RegionError
from carbonmap.resources import region_files
from gis.crs import Bounds
from gis.errors import listed
from gis.found_layers import FoundFiles, found_files
from gis.found_osm import AdminLevel, FoundOsm, admin_levels
from grids.manifest import checked_region
from grids.store_errors import InvalidName

_NEEDED = ("buildings", "transport", "forest", "population", "zones")
_COVERED_BY = {"forest": ("forest", "land_cover")}
_MOST_ADMIN_BYTES = 400_000_000


@dataclass(frozen=True)
class Wishes:
    """What the user has decided already; all else is proposed.

    Attributes:
        template: its name.
        title: of the region, in the first language.
        crs: of the region.
        years: to publish.
        bounds: the region itself as west, south, east, north in degrees, instead of zones.
        boundary: the file whose zones are the region.
        languages: of names.
    """

    template: str | None = None
    title: str | None = None
    crs: str | None = None
    years: tuple[int, ...] = ()
    bounds: Bounds | None = None
    boundary: str | None = None
    languages: tuple[str, ...] = ()


@dataclass
class Proposal:
    """A region file in parts, each with its reason.

    Attributes:
        id: of the region.
        found: the folder's files.
        roles: what the layers are taken for.
        osm: the OpenStreetMap file that is used.
        template: what it begins with.
        template_why: how it was chosen.
        lonlat: the box of the region in degrees.
        boundary: `{zone_set: ...}` or `{bounds: ...}`, and why.
        missing: what is missing, and where it can be had.
        remarks: what the user should look at.
    """

    id: str
    found: FoundFiles
    roles: list[Role]
    osm: FoundOsm | None
    template: Template
    template_why: str
    lonlat: Bounds
    names: dict[str, str]
    languages: tuple[str, ...]
    crs: Chosen
    sizes: tuple[list[int], str]
    hexagons: int
    years: tuple[tuple[int, ...], str]
    boundary: tuple[dict[str, Any], str]
    sources: list[Entry] = field(default_factory=list)
    zone_sets: list[Entry] = field(default_factory=list)
    context: list[Entry] = field(default_factory=list)
    attributions: list[dict[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def grid(self) -> dict[str, Any]:
        """The key `grid`."""
        korean = self.template.codes == "korea" and self.crs.value == "EPSG:5179"
        origin = list(KOREAN_ORIGIN) if korean else [0, 0]
        return {"origin_m": origin, "sizes_m": self.sizes[0], "codes": "korea" if korean else "inspire"}


def checked_id(name: str) -> str:
    """Return the name if a region may have it as its id, which is part of file names and addresses.

    Raises:
        RegionError: it may not.
    """
    try:
        checked_region(name)
    except InvalidName:
        fits = False
    else:
        fits = re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name) is not None and len(name) <= 60
    if not fits:
        raise RegionError(
            f"{name!r} cannot be the id of a region, which is part of addresses: expected lower case letters, digits "
            "and hyphens, beginning with a letter, and no word that addresses begin with, e.g. jizzakh or new-york"
        )
    return name


def propose(folder: Path, name: str, wishes: Wishes) -> Proposal:
    """Look through a folder and propose a region file.

    Args:
        folder: of the input files.
        name: id of the region.
        wishes: what is decided already.

    Raises:
        RegionError: a name that cannot be an id; a folder in which nothing says where the place is.
    """
    checked_id(name)
    if not folder.is_dir():
        raise RegionError(f"--inputs {folder}: no such folder; expected the folder that holds your files")
    found = found_files(folder)
    osm = _best_osm(found.osm)
    anchor = wishes.bounds or _anchor(osm, found)
    template, why = (
        (read_template(wishes.template), "as asked for") if wishes.template else template_for(anchor, found.layers)
    )
    roles = roles_of(found.layers, template)
    if anchor is None:
        raise RegionError(_nowhere(folder, found))
    zones = [role for role in roles if role.kind == "zones" and role.layer.lonlat is not None]
    chosen = _boundary_role(zones, wishes)
    admin, tangled = _admin_level(folder, osm) if not zones and wishes.bounds is None else (None, [])
    lonlat = wishes.bounds or (chosen.layer.lonlat if chosen is not None else None) or _extent(osm, roles, anchor)
    crs = proposed_crs(lonlat, template, found.layers, wishes.crs)
    km2 = square_km(lonlat, crs.value)
    languages = wishes.languages or template.languages
    proposal = Proposal(
        id=name,
        found=found,
        roles=roles,
        osm=osm,
        template=template,
        template_why=why,
        lonlat=lonlat,
        names={languages[0]: wishes.title or name.replace("-", " ").title()},
        languages=languages,
        crs=crs,
        sizes=proposed_sizes(km2),
        hexagons=hexagon_resolution(km2),
        years=_years(wishes, osm),
        boundary=({}, ""),
    )
    proposal.zone_sets = zone_entries(zones, chosen, admin, osm, languages, lonlat)
    proposal.boundary = _boundary(proposal, chosen, admin, wishes)
    has_raster = any(role.kind == "land_cover" for role in roles)
    if osm is not None:
        proposal.sources += osm_sources(osm, proposal.lonlat, crs.value, has_raster=has_raster)
        proposal.context = osm_context(osm)
    proposal.sources += layer_sources(roles, proposal.lonlat, crs.value)
    join_forms(proposal.sources, roles, proposal.years[0][0])
    if not any(entry.active for entry in proposal.sources):
        raise RegionError(_nothing(folder, found, roles))
    _attribute(proposal)
    _say_missing(proposal)
    _remark(proposal, chosen)
    if osm is not None and tangled:
        proposal.remarks.append(
            f"{len(tangled)} of the administrative areas in {osm.file} were not looked at, since their edges cross too "
            f"often: {listed(tangled)}; if the zones of this region are among them, give a file of zones"
        )
    return proposal


def _best_osm(files: Sequence[FoundOsm]) -> FoundOsm | None:
    """The OpenStreetMap file that holds most; of two with the same, the one in PBF."""
    if not files:
        return None
    return max(
        files, key=lambda one: (one.counts["buildings"] + one.counts["roads"], one.file.endswith(".pbf"), -one.size)
    )


def _anchor(osm: FoundOsm | None, found: FoundFiles) -> Bounds | None:
    """Where the data are, roughly: the extract's box, else that of the smallest layer."""
    if osm is not None and osm.lonlat is not None:
        return osm.lonlat
    boxes = [layer.lonlat for layer in found.layers if layer.lonlat is not None]
    return min(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]), default=None)


def _extent(osm: FoundOsm | None, roles: Sequence[Role], anchor: Bounds) -> Bounds:
    """The box of the sources, where no zones say what the region is."""
    if osm is not None and osm.lonlat is not None:
        return osm.lonlat
    boxes = [
        role.layer.lonlat for role in roles if role.kind not in ("", "land_cover") and role.layer.lonlat is not None
    ]
    return union_of(boxes) or anchor


def _boundary_role(zones: Sequence[Role], wishes: Wishes) -> Role | None:
    """The zones that are the region: those named, else the set of several zones on the smallest ground."""
    if wishes.boundary is not None:
        named = [role for role in zones if wishes.boundary in (role.layer.file, role.layer.layer, role.layer.title)]
        if not named:
            raise RegionError(
                f"--boundary {wishes.boundary}: expected one of the files of zones here: "
                f"{listed(role.layer.file for role in zones)}"
            )
        return named[0]
    if wishes.bounds is not None:
        return None

    def size(role: Role) -> tuple[bool, float]:
        west, south, east, north = role.layer.lonlat or (0.0, 0.0, 0.0, 0.0)
        return role.layer.features < 2, (east - west) * (north - south)

    return min(zones, key=size, default=None)


def _admin_level(folder: Path, osm: FoundOsm | None) -> tuple[AdminLevel | None, list[str]]:
    """The finest level of administrative areas that an extract holds whole, and ids of areas too tangled to tell."""
    if osm is None or osm.lonlat is None or not osm.counts["admin"] or osm.size > _MOST_ADMIN_BYTES:
        return None, []
    every, tangled = admin_levels(folder / osm.file, osm.lonlat)
    levels = [level for level in every if len(level.names) > 1]
    most = max((level.covered for level in levels), default=0.0)
    whole = [level for level in levels if level.covered >= max(0.5 * most, 0.3)]
    return (whole[-1] if whole else None), tangled


def _boundary(
    proposal: Proposal, chosen: Role | None, admin: AdminLevel | None, wishes: Wishes
) -> tuple[dict[str, Any], str]:
    if wishes.bounds is not None or (chosen is None and admin is None):
        bounds = list(inner_bounds(proposal.lonlat, proposal.crs.value))
        why = "as asked for" if wishes.bounds is not None else "the box of the data, since no file of zones is here"
        return {"bounds": bounds}, f"{why}; west, south, east, north in {proposal.crs.value}"
    zone_set = next(entry for entry in proposal.zone_sets if entry.is_boundary)
    return {"zone_set": zone_set.data["id"]}, "the union of its zones is the region"


def _years(wishes: Wishes, osm: FoundOsm | None) -> tuple[tuple[int, ...], str]:
    if wishes.years:
        return wishes.years, "as asked for"
    if osm is not None and osm.newest:
        newest = date.fromisoformat(osm.newest)
        return (newest.year - 1,), f"the last whole year before the extract of {osm.newest}"
    return (datetime.now(UTC).year - 1,), "the last whole year; no file says its own"


def _attribute(proposal: Proposal) -> None:
    datasets = [role.dataset for role in proposal.roles if role.dataset is not None and role.kind]
    osm = proposal.template.dataset("osm")
    if proposal.osm is not None and osm is not None:
        datasets.insert(0, osm)
    for dataset in {one.attribution: one for one in datasets if one.attribution}.values():
        proposal.attributions.append({"text": dataset.attribution, "licence": dataset.licence, "url": dataset.url})
    used = {entry.data["file"] for entry in (*proposal.sources, *proposal.zone_sets) if entry.active}
    unknown = sorted({role.layer.file for role in proposal.roles if role.dataset is None and role.layer.file in used})
    if unknown:
        text = f"{', '.join(unknown)}: whose they are is not stated yet"
        proposal.attributions.append({"text": text, "licence": "not stated yet: ask before you publish"})
        proposal.remarks.append(f"name the providers and licences of {', '.join(unknown)} under attributions")


def _say_missing(proposal: Proposal) -> None:
    """What no file here is, and which open data of the template cover it."""
    have = {entry.data["sector"] for entry in proposal.sources if entry.active}
    have |= {"zones"} if any(entry.active for entry in proposal.zone_sets) else set()
    for kind in _NEEDED:
        if have & set(_COVERED_BY.get(kind, (kind,))):
            continue
        means = {
            "forest": "forest and land cover: without them net is unknown everywhere",
            "zones": "zones: the map has cells and hexagons only",
            "population": "population: no numbers per person",
        }.get(kind, f"{kind}: the sector is unknown everywhere")
        proposal.missing.append(means)
        for dataset in proposal.template.datasets:
            if dataset.kind in (*_COVERED_BY.get(kind, (kind,)), *(("osm",) if kind != "population" else ())):
                names = tile_names(proposal.lonlat, dataset.tiles) if dataset.tiles else []
                shown = f": {', '.join(names)}" if 0 < len(names) <= 12 else f": {len(names)} tiles" if names else ""
                proposal.missing.append(
                    f"  {dataset.title}{shown}; {dataset.provider}, {dataset.url} ({dataset.licence})"
                )


def _remark(proposal: Proposal, chosen: Role | None) -> None:
    shipped = region_files()
    people = any(entry.active and entry.data["sector"] == "population" for entry in proposal.sources)
    if people and STATED not in proposal.template.assumptions:
        proposal.remarks.append(
            f"say under assumptions how much floor area a resident has here, homes and work ({STATED}, in m2; housing "
            "statistics know that of homes): a zone that has less than its low is told to lack buildings"
        )
    if proposal.id in shipped:
        proposal.remarks.append(f"a region file of this name ships: carbonmap init {proposal.id} --from {proposal.id}")
    electricity = proposal.template.assumptions.get("factor.electricity")
    if electricity is not None:
        proposal.remarks.append(
            f"factor.electricity is {electricity['value']:g} {electricity['unit']}, about the world's mean, and grids "
            "differ twentyfold: give this grid's first, under factors, with its source"
        )
    for other in proposal.found.osm:
        if other is not proposal.osm and proposal.osm is not None:
            same = (
                other.lonlat is not None
                and proposal.osm.lonlat is not None
                and meets(other.lonlat, proposal.osm.lonlat)
            )
            proposal.remarks.append(
                f"{other.file} is not used: {'the same ground as' if same else 'one extract is read, and'} "
                f"{proposal.osm.file} {'is read' if same else 'holds more'}"
            )
    if chosen is not None and proposal.osm is not None and proposal.osm.lonlat is not None:
        data, place = (square_km(box, proposal.crs.value) for box in (proposal.osm.lonlat, proposal.lonlat))
        if place > 20 * data:
            proposal.remarks.append(
                f"{chosen.layer.file} covers {place / data:,.0f} times the ground of {proposal.osm.file}: elsewhere "
                "buildings and roads are unknown. Keep fewer zones with where, or take --bounds"
            )


def _nowhere(folder: Path, found: FoundFiles) -> str:
    unreadable = [f"{name}: {why}" for name, why in found.unreadable.items()]
    return (
        f"nothing in {folder} says where the place is: expected an OpenStreetMap extract (.osm.pbf), or files with "
        f"geometry and a CRS. Readable here: {listed(layer.title for layer in found.layers)}; not readable: "
        f"{listed(unreadable, 5)}. Where to get data: docs/data-sources.md; or say --bounds WEST,SOUTH,EAST,NORTH"
    )


def _nothing(folder: Path, found: FoundFiles, roles: Sequence[Role]) -> str:
    said = [f"{role.layer.title}: {role.why[0] if role.why else role.kind}" for role in roles]
    said += [f"{name}: {why}" for name, why in found.unreadable.items()]
    return (
        f"no file in {folder} holds buildings, roads, forest or land cover: {listed(said, 8)}. An OpenStreetMap "
        "extract holds all of them: docs/data-sources.md says where to get one"
    )
