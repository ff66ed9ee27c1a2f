"""What `manifest.json` of an edition says, as strict models, and which names may stand in a store's paths.

It is the contract between a build and everything that reads an edition; `data/schema/manifest.md` explains it.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from grids.store_errors import EditionBroken, InvalidName

MANIFEST_FILE = "manifest.json"
_TIMES_IN_MEMORY = 6

# Names become folders and addresses. Lower case only, so that a store means the same on file systems that fold case.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_EDITION = re.compile(r"[0-9a-f]{16}")
_RESERVED_REGIONS = frozenset(
    {"health", "ready", "metrics", "keys", "regions", "docs", "redoc", "openapi", "conformance", "current"}
)
_PARTS = frozenset(["shp", "shx", "dbf", "prj", "cpg", "tif", "tiff", "tfw", "tifw", "tiffw", "wld", "tab", "aux"])
_AFTER_RASTER = re.compile(r"(\.tiff?)(?:\.aux\.xml|\.aux|\.xml)$")
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


def checked_name(name: str, what: str = "name") -> str:
    """Return `name` if it may be a folder's name and part of an address.

    Raises:
        InvalidName: anything but 1 to 64 of a-z, 0-9, '_' and '-', beginning and ending with a letter or digit.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _WINDOWS_DEVICES:
        raise InvalidName(
            f"{what} {str(name)[:80]!r} cannot be used: give 1 to 64 of a-z, 0-9, '_' and '-', "
            f"beginning and ending with a letter or digit (for example 'grid-1km' or 'legal_dong')"
        )
    return name


def checked_region(name: str) -> str:
    """Return a region's id if it is a valid name and no word the API keeps for itself."""
    if checked_name(name, "region id") in _RESERVED_REGIONS:
        raise InvalidName(
            f"region id {name!r} is kept for the API's own addresses: choose another id in the region file"
        )
    return name


def checked_edition(edition: str) -> str:
    """Return an edition's id if it is 16 lower-case hexadecimal digits."""
    if not isinstance(edition, str) or not _EDITION.fullmatch(edition):
        raise InvalidName(f"edition {str(edition)[:80]!r} is not an edition id: expected 16 digits of 0-9 and a-f")
    return edition


Name = Annotated[str, AfterValidator(checked_name)]
RegionId = Annotated[str, AfterValidator(checked_region)]
EditionId = Annotated[str, AfterValidator(checked_edition)]
Titles = Annotated[dict[str, str], Field(min_length=1)]
Bbox = tuple[float, float, float, float]


class Strict(BaseModel):
    """Unknown keys are errors: a misspelt key in a manifest would otherwise vanish silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CollectionInfo(Strict):
    """What a build says of one collection before its tables are written.

    `level` orders collections of a kind from coarse (0) to fine. Grids need `cell_size_m` and `origin_m`: the corner of
    cell (row, col) is origin + (col, row) x size, northward and eastward. `parent` names the next coarser
    collection, if any.
    """

    id: Name
    title: Titles
    kind: Literal["grid", "zones", "hexagons"]
    level: int = Field(default=0, ge=0)
    parent: Name | None = None
    cell_size_m: int | None = Field(default=None, gt=0)
    origin_m: tuple[int, int] | None = None
    codes: Literal["korea", "inspire"] | None = None
    resolution: int | None = Field(default=None, ge=0, le=15)
    zone_kind: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "grid" and (self.cell_size_m is None or self.origin_m is None):
            raise ValueError(f"collection {self.id!r} is a grid and needs cell_size_m and origin_m")
        return self


class TableInfo(Strict):
    """One written table: rows, size and digest of `tables/<collection>/<year>.parquet`."""

    rows: int = Field(ge=0)
    bytes: int = Field(ge=0)
    sha256: str


class Collection(CollectionInfo):
    """A published collection: what the build said and what its tables hold."""

    columns: tuple[str, ...]
    bbox: Bbox | None = Field(description="west, south, east, north in degrees; null when every table is empty")
    tables: dict[int, TableInfo]

    @property
    def years(self) -> list[int]:
        """Years that have a table, ascending."""
        return sorted(self.tables)

    @property
    def count(self) -> int:
        """Rows of the largest year's table."""
        return max((table.rows for table in self.tables.values()), default=0)


class Attribution(Strict):
    """Whose data it is; `texts` says it in further languages."""

    text: str
    licence: str | None = None
    url: str | None = None
    texts: dict[str, str] = {}


# What may stand in a header of the page besides: no blank, quote, semicolon or comma.
_TILE_TEMPLATE = re.compile(r"(?P<origin>https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?)?/[^\s\"'<>;,\\\\]*")


def _tile_template(template: str) -> str:
    """Return the address of a tile if it is one: https://host/... or /... with {z}, {x} and {y}."""
    fields = sorted(re.findall(r"\{([^{}]*)\}", template))
    if not _TILE_TEMPLATE.fullmatch(template) or template.startswith("//") or fields != ["x", "y", "z"]:
        raise ValueError(
            f"{template[:120]!r} is no address of tiles; expected https://host/... (or /..., on the map's own server) "
            "with {z}, {x} and {y} once each, and no other braces, blanks, quotes, commas or semicolons"
        )
    return template


TileTemplate = Annotated[str, AfterValidator(_tile_template)]


class BaseMap(Strict):
    """A map of somebody else's below the numbers: square pictures (XYZ, Web Mercator) and whom to name for them."""

    tiles: TileTemplate
    dark_tiles: TileTemplate | None = Field(default=None, description="for dark ground; else `tiles` are dimmed")
    attribution: Attribution
    maxzoom: int = Field(default=18, ge=0, le=22)
    tile_size: Literal[256, 512] = 256

    def origins(self) -> set[str]:
        """Return the servers that a browser asks for it; none if it is the map's own."""
        found = (_TILE_TEMPLATE.fullmatch(template) for template in (self.tiles, self.dark_tiles or self.tiles))
        return {match["origin"] for match in found if match is not None and match["origin"] is not None}


class RegionInfo(Strict):
    """The region an edition is of; `bbox` is west, south, east, north in degrees, `currency` a code of ISO 4217."""

    id: RegionId
    name: Titles
    languages: tuple[str, ...] = Field(min_length=1)
    crs: str
    bbox: Bbox
    synthetic: bool
    years: tuple[int, ...] = Field(min_length=1)
    attributions: tuple[Attribution, ...] = ()
    base_map: BaseMap | None = None
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    factor_regions: tuple[str, ...] = ()


class InputInfo(Strict):
    """One input file of the build, by its name as the region file gives it."""

    file: str
    bytes: int = Field(ge=0)
    sha256: str


class PublicInput(Strict):
    """One input file as anybody may see it: size and digest would let a guess at a private file be confirmed.

    `reason` says why they are left out: `closed` where the file is behind a source that is not open.
    """

    file: str
    bytes: int | None
    sha256: str | None
    reason: Literal["closed"] | None = None


class Neighbours(Strict):
    """What neighbours of a layer have in common of what a model cannot know of each: how much, how far, who says so."""

    part: float = Field(gt=0, le=1)
    range_m: float = Field(gt=0)
    source: str


class LayerInfo(Strict):
    """One layer: its sector, whether its source is open, and what happened to every feature read."""

    id: str
    sector: str
    open: bool
    complete: bool = True
    neighbours: Neighbours | None = None
    report: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        """Files the layer was read from, as its report names them: the source's, then those of joined tables."""
        joins = self.report.get("joins")
        tables = [join.get("file") for join in joins if isinstance(join, dict)] if isinstance(joins, list) else []
        return tuple(dict.fromkeys(str(name) for name in (self.report.get("file"), *tables) if name))


class Claim(Strict):
    """Ground that two zones claimed, and who has it now."""

    keeps: str
    loses: str
    area_m2: float


class Overlaps(Strict):
    """Ground that zones of the file shared, cut off one of each two: how much, and what was let pass as noise."""

    count: int = Field(ge=0)
    area_m2: float
    largest: tuple[Claim, ...] = ()
    tolerance_share: float
    tolerance_m2: float
    smaller_wins: bool


class Slivers(Strict):
    """Ground that zones still shared by the rounding of their borders, cut off the later one."""

    count: int = Field(ge=0)
    area_m2: float
    largest: tuple[Claim, ...] = ()
    tolerance_m2: float


class GapPiece(Strict):
    """Connected ground in no zone: its area and a place in it, in the region's CRS."""

    area_m2: float
    x: float
    y: float


class Gaps(Strict):
    """Ground of the region that lies in none of the zones."""

    count: int = Field(ge=0)
    area_m2: float
    largest: tuple[GapPiece, ...] = ()


class Needles(Strict):
    """Pieces between zones thinner than ground can be (`width_m`); what lies there goes to a zone or the gap."""

    count: int = Field(ge=0)
    area_m2: float
    width_m: float


class ZoneRecord(Strict):
    """How the zones of a collection share out the region's ground; `report` is that of reading, empty for hexagons."""

    zones: int = Field(ge=0)
    report: dict[str, JsonValue] = Field(default_factory=dict)
    overlaps: Overlaps
    slivers: Slivers
    gaps: Gaps
    needles: Needles


class Residual(Strict):
    """How far one sum over features was from the same sum over targets and what lies outside, relative.

    `layer` is `*` for the published columns of a whole sector.
    """

    layer: str
    sector: str
    carrier: str
    basis: str
    year: int
    residual: float


class CodeInfo(Strict):
    """The code that built the edition."""

    version: str
    sha256: str


class Manifest(Strict):
    """The whole of `manifest.json`; version, edition, collections and context are added by the writer.

    `region_file` is the SHA-256 of all that the region file says, with defaults; None in editions of older programs.
    `closure` says by collection and layer how far the parts of its worst feature were from the whole of it.
    """

    version: Literal[1] = 1
    edition: EditionId
    region: RegionInfo
    region_file: str | None = None
    sectors: tuple[str, ...]
    illustrative: dict[str, bool]
    collections: tuple[Collection, ...]
    context: tuple[Name, ...] = ()
    inputs: tuple[InputInfo, ...] = ()
    factors: tuple[dict[str, JsonValue], ...] = ()
    assumptions: tuple[dict[str, JsonValue], ...] = ()
    layers: tuple[LayerInfo, ...] = ()
    zones: dict[str, ZoneRecord] = Field(default_factory=dict)
    residuals: dict[str, tuple[Residual, ...]] = Field(default_factory=dict)
    closure: dict[str, dict[str, float]] = Field(default_factory=dict)
    totals: dict[int, dict[str, float | None]] = Field(default_factory=dict)
    disclosure: JsonValue = None
    calibration: JsonValue = None
    code: CodeInfo
    libraries: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [collection.id for collection in self.collections]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"collections given twice: {', '.join(twice)}")
        for collection in self.collections:
            if collection.parent is not None and collection.parent not in ids:
                raise ValueError(
                    f"collection {collection.id!r} names the parent {collection.parent!r}, which is not published"
                )
        unknown = sorted(set(self.illustrative) ^ set(self.sectors))
        if unknown:
            raise ValueError(
                f"illustrative must be given for every sector and no other; it differs for {', '.join(unknown)}"
            )
        return self

    def public(self) -> dict[str, Any]:
        """The part anybody may read: of layers that are not open, and of disclosure (but for its rule), counts only.

        Ids of refused or repaired features of a private source, by how much a held value was moved, and digests of
        closed files and of the region file, which says what closed files are like, stay inside.
        """
        document = self.model_dump(mode="json", exclude={"region_file"})
        document["inputs"] = [entry.model_dump(mode="json") for entry in self.public_inputs()]
        for layer in document["layers"]:
            if not layer["open"]:
                layer["report"] = counts_only(layer["report"])
        counted = counts_only(self.disclosure)
        if isinstance(self.disclosure, dict) and isinstance(counted, dict) and "rule" in self.disclosure:
            counted["rule"] = self.disclosure["rule"]
        document["disclosure"] = counted
        return document

    def public_inputs(self) -> list[PublicInput]:
        """Input files in their order; of those behind a source that is not open, neither size nor digest."""
        closed = {_stem(name) for layer in self.layers if not layer.open for name in layer.files}
        return [
            PublicInput(file=entry.file, bytes=None, sha256=None, reason="closed")
            if _stem(entry.file) in closed
            else PublicInput(**entry.model_dump())
            for entry in self.inputs
        ]


def _stem(file: str) -> str:
    """A name that all parts of a shapefile or raster share: some lie in other files than the one a report names."""
    name, dot, suffix = _AFTER_RASTER.sub(r"\1", file.lower()).rpartition(".")
    return f"{name}.*" if dot and suffix in _PARTS else file


def counts_only(value: JsonValue) -> JsonValue:
    """Keep whole numbers, truth values and the keys that lead to them; drop texts, fractions and lists."""
    if isinstance(value, Mapping):
        kept = {key: counts_only(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner is not None}
    return value if isinstance(value, bool | int) else None


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of the edition in `folder`.

    Raises:
        EditionBroken: missing, unreadable, not as declared here, or of another edition or region than the folder.
    """
    path = folder / MANIFEST_FILE
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise EditionBroken(
            f"edition {folder.name} of region {folder.parent.name!r} has no {MANIFEST_FILE}: build it again"
        ) from error
    except OSError as error:
        raise EditionBroken(
            f"{MANIFEST_FILE} of edition {folder.name} cannot be read: {error.strerror or error}"
        ) from error
    except ValidationError as error:
        raise EditionBroken(
            f"{MANIFEST_FILE} of edition {folder.name} of region {folder.parent.name!r} "
            f"is not as this version expects: {first_faults(error)}. Build it again"
        ) from error
    if (manifest.region.id, manifest.edition) != (folder.parent.name, folder.name):
        raise EditionBroken(
            f"{MANIFEST_FILE} in {folder.parent.name}/{folder.name} says it is edition {manifest.edition} of region "
            f"{manifest.region.id!r}: the folder was renamed or copied by hand, build it again"
        )
    return manifest


def manifest_bytes(folder: Path) -> int:
    """Return how many bytes a manifest takes in memory, roughly; 0 where there is none."""
    try:
        return _TIMES_IN_MEMORY * (folder / MANIFEST_FILE).stat().st_size
    except OSError:
        return 0


def first_faults(error: ValidationError, limit: int = 3) -> str:
    """Say in one line what pydantic found, with the place of each fault."""
    faults = [
        f"{'.'.join(map(str, fault['loc'])) or 'document'}: {fault['msg']}" for fault in error.errors(include_url=False)
    ]
    more = f" (and {len(faults) - limit} more)" if len(faults) > limit else ""
    return "; ".join(faults[:limit]) + more
