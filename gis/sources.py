"""What a region file says of one source: strict models; `columns` always reads {ours: theirs}."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gis.errors import did_you_mean, listed

Sector = Literal["buildings", "transport", "forest", "land_cover", "population", "jobs"]
ContextKind = Literal["water", "green", "roads", "places", "boundaries", "stops"]
COUNTED = ("population", "jobs")
"""Sectors that emit nothing: how many people live, or work, in a feature."""

OSM_LAYERS = ("buildings", "roads", "forest", "land_use", "water", "places", "admin")
OSM_SUFFIXES = (".osm", ".osm.pbf", ".pbf", ".osm.bz2", ".osm.gz")
RASTER_SUFFIXES = (".tif", ".tiff")
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
LAND_COVER = (
    *("tree_broadleaf", "tree_needleleaf", "tree_mixed", "tree", "shrub", "grass", "crop"),
    *("built", "bare", "water", "wetland", "snow", "other"),
)

_CARRIERS = "electricity|gas|heat|steam|cooling|oil|kerosene|lpg|coal|wood|petrol|diesel|biomass"
METER_COLUMN = re.compile(rf"^(?P<carrier>{_CARRIERS})_(?P<unit>[a-z0-9]+)(?:_(?P<year>(?:19|20)\d\d))?$")

COLUMNS: dict[str, tuple[str, ...]] = {
    "buildings": ("id", "use", "levels", "height_m", "year_built", "floor_area_m2"),
    "transport": ("id", "road_class", "lanes", "oneway", "speed_kmh", "aadt", "aadt_estimated"),
    "forest": ("id", "species", "age_years", "age_class", "increment_m3_ha", "land_cover", "leaf_type"),
    "land_cover": ("id", "class_code", "land_cover"),
    "population": ("id", "population"),
    "jobs": ("id", "jobs"),
    "zones": ("id", "parent_id"),
    "context": ("id", "name", "rank", "road_class", "class"),
}
_PATTERNS: dict[str, re.Pattern[str]] = {
    "buildings": METER_COLUMN,
    "transport": re.compile(r"^aadt_[a-z0-9_]+$"),
    "population": re.compile(r"^population_(19|20)\d\d$"),
    "jobs": re.compile(r"^jobs_(19|20)\d\d$"),
}
_NAMES = re.compile(r"^name(_[a-z]{2,3})?$")


def is_our_column(kind: str, name: str) -> bool:
    """Whether `name` is one of our columns for a sector, `zones` or `context`."""
    pattern = _PATTERNS.get(kind)
    return name in COLUMNS[kind] or bool(_NAMES.match(name)) or bool(pattern and pattern.match(name))


def _check_columns(kind: str, columns: dict[str, str]) -> None:
    for ours in columns:
        if not is_our_column(kind, ours):
            raise ValueError(
                f"column {ours!r} is not one of ours for {kind} (columns read {{ours: theirs}}); ours are: "
                f"{listed(COLUMNS[kind], 20)}, name_<language>"
                + {"buildings": ", <carrier>_<unit>_<year>", "transport": ", aadt_<vehicle class>"}.get(kind, "")
                + f".{did_you_mean(ours, COLUMNS[kind])}"
            )


def _plain_file(file: str) -> str:
    """A region file may come from anywhere, so it names plain files below the inputs folder and nothing else."""
    text = file.strip()
    parts = PurePosixPath(text.replace("\\", "/")).parts
    if not text or "\0" in text:
        raise ValueError(f"file is {file!r}; expected the name of a file below the inputs folder")
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]*:", text):
        raise ValueError(
            f"file is {file!r}; remote addresses, drives and driver prefixes are not read: copy the file "
            "below the inputs folder and give its relative path"
        )
    if text.startswith(("/", "\\", "~")) or ".." in parts:
        raise ValueError(
            f"file is {file!r}; expected a path relative to the inputs folder, without '..' or /vsi; "
            "choose the folder with --inputs"
        )
    return text


def _years(value: Any) -> Any:
    return [value] if isinstance(value, int) else value


def _texts(value: Any) -> Any:
    """YAML reads 8 as a number and `no` as false: codes are compared as text, and booleans are refused."""
    if isinstance(value, list):
        if any(isinstance(item, bool) for item in value):
            raise ValueError("a value here reads as true or false in YAML; write it in quotes, e.g. 'no'")
        return [None if item is None else str(item) for item in value]
    return value


class Strict(BaseModel):
    """An unknown key is an error, so is a number without end, and nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class Range(Strict):
    """Keep values between `min` and `max`, both included."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a range needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
File = Annotated[str, AfterValidator(_plain_file)]
Year = Annotated[int, Field(ge=1900, le=2200)]
Years = Annotated[tuple[Year, ...], BeforeValidator(_years)]
Allowed = Annotated[tuple[str | None, ...], BeforeValidator(_texts), Field(min_length=1)] | Range
Where = dict[str, Allowed]
"""Column of theirs -> the values to keep (compared as text; None: a missing one), or a range."""

Bounds = Annotated[tuple[float, float, float, float], Field(description="west, south, east, north")]


def check_bounds(bounds: tuple[float, float, float, float]) -> None:
    """Refuse bounds that enclose nothing: [west, south, east, north] must grow."""
    west, south, east, north = bounds
    if not (west < east and south < north):
        raise ValueError(f"bounds {list(bounds)} enclose nothing; expected [west, south, east, north], west < east")


class Coverage(Strict):
    """Where a source says what there is; outside it, values are unknown. Exactly one of bounds, file, zone_set."""

    bounds: Bounds | None = None
    file: File | None = None
    layer: str | None = None
    zone_set: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [key for key in ("bounds", "file", "zone_set") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"coverage needs exactly one of bounds, file, zone_set; given: {listed(given)}")
        if self.layer is not None and self.file is None:
            raise ValueError("coverage.layer goes with coverage.file")
        if self.bounds is not None:
            check_bounds(self.bounds)
        return self


class Join(Strict):
    """A table joined to a source by key: `long` (one row per month or year and carrier) or `wide` (one per feature)."""

    file: File
    key: str
    """The key's column in the table."""
    on: str = "id"
    """The column of the layer (our name) that holds the same key."""
    layout: Literal["long", "wide"]
    layer: str | None = None
    """Sheet of an XLSX file."""
    encoding: str | None = None
    where: Where = {}
    columns: dict[str, str] = {}
    """Wide: {ours: theirs}."""
    duplicates: Literal["refuse", "sum", "first"] = "refuse"
    """Wide: what to do when a key has several rows; all of them are counted in any case."""
    year: str | int | None = None
    """Long: column of the year, or one year for the whole table; without it the month says it (202301, 2023-01)."""
    month: str | None = None
    """Long: column of the month; without it a row is a whole year."""
    carrier: str | None = None
    """Long: column of the carrier."""
    carrier_is: str | None = None
    """Long: the one carrier of the whole table, where there is no such column."""
    carriers: dict[str, str] = {}
    """Long: {theirs: ours}, e.g. {전기: electricity}; a carrier not listed is taken as it is."""
    value: str | None = None
    unit: str | None = None
    """Long: the unit of every value, e.g. kWh."""
    unit_column: str | None = None
    """Long: column of the unit, where it differs by row."""
    missing_months: Literal["null", "scale"] = "null"
    """Long: a year with fewer than 12 months is unknown, or scaled to 12 and marked in `<column>_months`."""

    repeats: Literal["refuse", "sum", "once"] = "refuse"
    """Long: what to do with rows equal to another in key, month, carrier and amount: a table that was appended twice
    counts `once`; meters of one building that read alike make a `sum`. They are counted in any case."""

    @model_validator(mode="after")
    def _layout(self) -> Self:
        long_keys = ("year", "month", "carrier", "carrier_is", "value", "unit", "unit_column")
        if self.layout == "wide":
            stray = [key for key in long_keys if getattr(self, key) is not None] + (
                ["carriers"] if self.carriers else []
            )
            if stray:
                raise ValueError(f"a wide join takes columns: {{ours: theirs}}; {listed(stray)} belong to layout: long")
            if not self.columns:
                raise ValueError("a wide join needs columns: {ours: theirs}")
            return self
        if self.columns:
            raise ValueError("a long join makes <carrier>_<unit>_<year> itself; columns belongs to layout: wide")
        if self.value is None:
            raise ValueError("a long join needs value: the column of the amounts")
        if (self.carrier is None) == (self.carrier_is is None):
            raise ValueError("a long join needs either carrier (a column) or carrier_is (one carrier for the table)")
        if (self.unit is None) == (self.unit_column is None):
            raise ValueError("a long join needs either unit (e.g. kWh) or unit_column")
        if self.year is None and self.month is None:
            raise ValueError("a long join needs year, month (202301, 2023-01) or both")
        return self


class Source(Strict):
    """One file (or one layer of it) of one sector."""

    id: Identifier
    sector: Sector
    file: File
    layer: str | None = None
    columns: dict[str, str] = {}
    uses: str | dict[str, str] | None = None
    """A table data/schema/uses_<name>.csv, or {theirs: ours}."""
    classes: str | dict[int, str] | None = None
    """Land cover: a table data/schema/land_cover_<name>.csv, or {code: our land_cover}."""
    coverage: Literal["boundary"] | Coverage = "boundary"
    open: bool = False
    complete: bool = True
    """Whether the source holds all there is within its coverage. If not, no feature means unknown there, not zero."""
    years: Years = Field(default=(), validation_alias=AliasChoices("years", "year"))
    """Years the source describes (`years: [2023, 2024]` or `year: 2023`); empty: every year of the region."""
    where: Where = {}
    encoding: str | None = None
    crs: str | None = None
    """Only where the file has none, or to override a wrong one (reported)."""
    x: str | None = None
    y: str | None = None
    """CSV, XLSX: the columns of the coordinates, in `crs`."""
    invalid: Literal["repair", "refuse"] = "repair"
    band: Annotated[int, Field(ge=1)] = 1
    joins: tuple[Join, ...] = ()

    @property
    def is_raster(self) -> bool:
        """Whether the file is a raster, read in windows by `gis.raster`."""
        return self.file.lower().endswith(RASTER_SUFFIXES)

    @property
    def has_features(self) -> bool:
        """Whether it has features with emissions: it is no raster, and does not only count people or jobs."""
        return not self.is_raster and self.sector not in COUNTED

    @property
    def file_has_ids(self) -> bool:
        """Whether its features have ids without a column that is named for them: those of OpenStreetMap."""
        return self.file.lower().endswith(OSM_SUFFIXES)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _check_columns(self.sector, self.columns)
        for join in self.joins:
            _check_columns(self.sector, join.columns)
        _check_osm_layer(self.file, self.layer)
        if (self.x is None) != (self.y is None):
            raise ValueError("x and y go together: the columns of the coordinates")
        if self.x is not None and self.crs is None:
            raise ValueError(
                "coordinates in columns x and y need a crs, e.g. crs: EPSG:4326 for longitude and latitude"
            )
        if self.file.lower().endswith(TABLE_SUFFIXES) and self.x is None:
            raise ValueError(
                f"{self.file} is a table: name the columns of its coordinates (x, y, crs), or join it "
                "to a source with geometry (joins)"
            )
        if self.is_raster and self.sector != "land_cover":
            raise ValueError(f"{self.file} is a raster; rasters are read for sector: land_cover, not {self.sector}")
        if self.is_raster and self.classes is None:
            raise ValueError(
                f"{self.file}: a land-cover raster needs classes: a table (worldcover, esa_cci, "
                "corine_fi) or {code: land cover}"
            )
        if isinstance(self.classes, dict):
            for code, name in self.classes.items():
                if name not in LAND_COVER:
                    raise ValueError(
                        f"classes: {code}: {name!r} is none of {listed(LAND_COVER, 20)}."
                        f"{did_you_mean(name, LAND_COVER)}"
                    )
        if self.sector in COUNTED:
            given = [*self.columns, *(ours for join in self.joins for ours in join.columns)]
            if not any(ours.startswith(self.sector) for ours in given):
                raise ValueError(f"sector {self.sector} needs columns: {{{self.sector}: <their column>}}")
        return self


class ZoneSet(Strict):
    """The areas of one level, one collection; `parent` is a zone set listed before."""

    id: Identifier
    title: dict[str, str]
    kind: Literal["administrative", "land_use"] = "administrative"
    file: File
    layer: str | None = None
    columns: dict[str, str]
    parent: str | None = None
    where: Where = {}
    encoding: str | None = None
    crs: str | None = None
    invalid: Literal["repair", "refuse"] = "repair"
    dissolve: bool = False
    """Join the parts of one id into one zone; otherwise an id that stands twice is an error."""
    overlap_tolerance: Annotated[float, Field(ge=0, le=0.05)] = 0.001
    """Overlap of two zones, as a fraction of the smaller, up to which it is digitising noise and cut off the later."""
    overlap_width_m: Annotated[float, Field(ge=0)] = 10.0
    """Mean width of an overlap, up to which it is such noise: a thousandth of a province would be square kilometres."""
    overlaps: Literal["refuse", "smaller_wins"] = "refuse"
    """Larger overlaps: an error, or the smaller zone (a city drawn upon its district) is cut out of the larger."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _check_columns("zones", self.columns)
        _check_osm_layer(self.file, self.layer)
        if "id" not in self.columns:
            raise ValueError("a zone set needs columns: {id: <their column of unique codes>, name_<language>: ...}")
        if not self.title:
            raise ValueError("a zone set needs a title in at least one language, e.g. title: {en: Municipality}")
        return self


class ContextSource(Strict):
    """Something drawn quietly behind the numbers: water, green, roads, places, boundaries; or stops of transit."""

    kind: ContextKind
    file: File
    layer: str | None = None
    columns: dict[str, str] = {}
    where: Where = {}
    encoding: str | None = None
    crs: str | None = None
    x: str | None = None
    y: str | None = None
    """CSV, XLSX: the columns of the coordinates, in `crs`, as of `stops.txt` in a GTFS feed."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _check_columns("context", self.columns)
        if (self.x is None) != (self.y is None) or (self.x is not None and self.crs is None):
            raise ValueError("x and y go together, with a crs, e.g. x: stop_lon, y: stop_lat, crs: EPSG:4326")
        if self.file.lower().endswith(TABLE_SUFFIXES) and self.x is None:
            raise ValueError(f"{self.file} is a table: name the columns of its coordinates (x, y, crs)")
        _check_osm_layer(self.file, self.layer)
        return self


def _check_osm_layer(file: str, layer: str | None) -> None:
    if file.lower().endswith(OSM_SUFFIXES) and layer not in OSM_LAYERS:
        raise ValueError(
            f"layer is {layer!r}; of an OpenStreetMap file one reads {listed(OSM_LAYERS)}."
            f"{did_you_mean(layer or '', OSM_LAYERS)}"
        )
