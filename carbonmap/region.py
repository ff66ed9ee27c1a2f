"""The region file: everything one place needs said, strictly validated before anything is read."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, model_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from carbonmap.calibration_spec import CalibrationSpec
from carbonmap.currencies import checked_currency
from carbonmap.errors import RegionError
from carbonmap.resources import region_files
from carbonmap.yaml_file import KeyPath, YamlFile
from gis.errors import did_you_mean, listed
from gis.sources import Bounds, ContextSource, Source, Strict, Year, ZoneSet, check_bounds
from grids.manifest import BaseMap

SECTORS = ("buildings", "transport", "forest")
"""Sectors of the published tables, in order, whether or not a region has sources of each; land cover is of forest."""

NOT_COLLECTIONS = ("grid-", "h3-", "context", "collections", "manifest")
"""A zone set's id is a collection id and part of an address: it may not look like one of ours."""


def _no_switch(value: Any) -> Any:
    """Refuse `yes` and `on`, which YAML reads as true and Python as 1."""
    if isinstance(value, bool):
        raise ValueError(f"expected a number; {str(value).lower()} is what YAML makes of yes, no, on and off")
    return value


Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Names = Annotated[dict[Language, str], Field(min_length=1)]


Metres = Annotated[int, Field(ge=-100_000_000, le=100_000_000), BeforeValidator(_no_switch)]
"""Whole metres; more than the way around the earth is a slip of the keyboard."""


class GridSpec(Strict):
    """The nested grids of a region, in metres of its CRS."""

    origin_m: tuple[Metres, Metres] = (0, 0)
    sizes_m: Annotated[tuple[Metres, ...], Field(min_length=1)] = (1000, 500, 100)
    codes: Literal["korea", "inspire"] = "inspire"

    @model_validator(mode="after")
    def _nests(self) -> Self:
        sizes = self.sizes_m
        if min(sizes) <= 0:
            raise ValueError(f"sizes_m {list(sizes)}: a cell size must be a positive number of metres")
        for coarse, fine in pairwise(sizes):
            if coarse <= fine or coarse % fine:
                raise ValueError(
                    f"sizes_m {list(sizes)} do not nest: expected falling sizes, each a multiple of the next"
                )
        return self


class Boundary(Strict):
    """What the region is: the union of one zone set, or bounds [west, south, east, north] in the region's CRS."""

    zone_set: str | None = None
    bounds: Bounds | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.zone_set is None) == (self.bounds is None):
            raise ValueError("boundary needs either zone_set or bounds")
        if self.bounds is not None:
            check_bounds(self.bounds)
        return self


class Attribution(Strict):
    """Whom to name for a source, and under which licence; `texts` says it in further languages."""

    text: str
    licence: str
    url: str | None = None
    texts: dict[str, str] = Field(default_factory=dict)


class Disclosure(Strict):
    """When a cell or zone with private meters is held (truth 7)."""

    min_count: Annotated[int, Field(ge=1)] = 3
    dominance_percent: Annotated[float, Field(ge=0, le=100)] = 10.0
    audit: bool = False

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Disclosure":
        if self.audit and self.dominance_percent == 0:
            raise ValueError(
                "audit: true needs a dominance_percent above 0, such as 20: every value has to be able to move by that "
                "much of itself, and 0 asks for nothing; give one, or leave the audit out"
            )
        return self


class Region(Strict):
    """A place with one configuration, as its region file says it."""

    id: Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=60)]
    name: Names
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("en",)
    synthetic: bool = False
    currency: Annotated[str, AfterValidator(checked_currency)] | None = None
    crs: str
    grid: GridSpec = GridSpec()
    h3_resolutions: tuple[Annotated[int, Field(ge=0, le=12)], ...] = ()
    years: Annotated[tuple[Year, ...], Field(min_length=1)]
    boundary: Boundary
    factor_regions: Annotated[tuple[str, ...], Field(min_length=1)]
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    zone_sets: tuple[ZoneSet, ...] = ()
    context: tuple[ContextSource, ...] = ()
    factors: dict[str, str | dict[str, Any]] = Field(default_factory=dict)
    assumptions: dict[str, dict[str, Any]] = Field(default_factory=dict)
    attributions: tuple[Attribution, ...] = ()
    base_map: BaseMap | None = None
    disclosure: Disclosure = Disclosure()
    calibration: CalibrationSpec | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _check_metric(self.crs)
        if self.grid.codes == "korea" and CRS.from_user_input(self.crs).to_epsg() != 5179:
            raise ValueError(f"grid.codes is korea, whose codes are defined in EPSG:5179; crs is {self.crs}")
        _refuse_twice("sources", [source.id for source in self.sources])
        _refuse_twice("zone_sets", [zones.id for zones in self.zone_sets])
        _refuse_twice("years", [str(year) for year in self.years])
        _refuse_twice("h3_resolutions", [str(resolution) for resolution in self.h3_resolutions])
        if self.disclosure.audit:
            _refuse_row_numbers(self.sources)
        known: list[str] = []
        for zones in self.zone_sets:
            if zones.id.startswith(NOT_COLLECTIONS):
                raise ValueError(f"zone set id {zones.id!r} is reserved for collections of ours; choose another")
            if zones.parent is not None and zones.parent not in known:
                raise ValueError(
                    f"zone set {zones.id!r} names the parent {zones.parent!r}; expected one listed before it: "
                    f"{listed(known)}"
                )
            known.append(zones.id)
        wanted = [("boundary.zone_set", self.boundary.zone_set)]
        if self.calibration is not None:
            wanted.append(("calibration.zone_set", self.calibration.zone_set))
        for source in self.sources:
            if not isinstance(source.coverage, str):
                wanted.append((f"coverage of source {source.id!r}", source.coverage.zone_set))
        for where, name in wanted:
            if name is not None and name not in known:
                raise ValueError(f"{where} names {name!r}; the zone sets of this region are: {listed(known)}")
        return self


def _refuse_row_numbers(sources: Sequence[Source]) -> None:
    """An audit knows a meter of an earlier edition again by its feature's id, which no row number is."""
    without = [
        source.id
        for source in sources
        if source.has_features and not source.open and "id" not in source.columns and not source.file_has_ids
    ]
    if without:
        raise ValueError(
            f"disclosure.audit holds each edition beside earlier ones, and sources {listed(without)} are not open and "
            "have no ids but row numbers: a row more or less in the file, and all their meters look changed. Give them "
            "columns: {id: <their column of lasting ids>}, or open: true where no meter in them is private"
        )


class RegionFile:
    """A region file that has been read and validated, and the folder its relative sources are found in.

    Args:
        name_or_path: a path to a YAML file, or the name of a region that ships with the program.
        inputs: where relative sources are looked for; default: the region file's own folder.
        address: of the object store that the inputs were fetched from, if they were (`carbonmap.fetched`).

    Raises:
        RegionError: names file, line, key, what is there and what was expected; all mistakes at once.
    """

    def __init__(self, name_or_path: str | Path, inputs: Path | None = None, address: str | None = None) -> None:
        self.path = find_region_file(name_or_path)
        self.address = address
        document = YamlFile(self.path)
        try:
            self.region = Region.model_validate(document.data)
        except ValidationError as problem:
            raise RegionError(_explain(document, problem)) from None
        self.inputs = (inputs if inputs is not None else self.path.parent).resolve()
        if not self.inputs.is_dir():
            raise RegionError(
                f"--inputs {inputs}: no such folder; expected the folder that holds the sources of {self.path}"
            )


def find_region_file(name_or_path: str | Path) -> Path:
    """Find a region file by path, or by the name of one that ships with the program."""
    text = str(name_or_path)
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or path.exists() or "/" in text or "\\" in text:
        if path.is_dir() and (path / "region.yaml").is_file():
            return path / "region.yaml"
        return path
    shipped = region_files()
    if text in shipped:
        return shipped[text]
    raise RegionError(
        f"no region is called {text!r}; expected the path of a region file (YAML), or one of those that ship with "
        f"the program: {listed(shipped)}.{did_you_mean(text, shipped)}"
    )


def _check_metric(crs: str) -> None:
    try:
        system = CRS.from_user_input(crs)
    except CRSError:
        raise ValueError(f"crs {crs!r} is not known; expected a code such as EPSG:5179 or EPSG:32642") from None
    units = {axis.unit_name for axis in system.axis_info[:2]}
    if not system.is_projected or units != {"metre"}:
        what = "geographic (degrees)" if system.is_geographic else f"in {listed(sorted(units))}"
        raise ValueError(
            f"crs {crs} ({system.name}) is {what}; cells need a projected CRS in metres: a UTM zone (EPSG:326xx), "
            "EPSG:5179 in Korea, EPSG:3035 in Europe"
        )


def _refuse_twice(key: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{key}: {listed(twice)} is given more than once; each needs its own id")


def _explain(document: YamlFile, problem: ValidationError) -> str:
    """Turn pydantic's list of errors into lines of file, line, key, what is there and what was expected."""
    lines = []
    errors = problem.errors()
    for error in errors:
        if error["type"] == "too_short" and any(_is_inside(other["loc"], error["loc"]) for other in errors):
            continue  # pydantic counts only the valid members; the invalid ones speak for themselves
        path: KeyPath = tuple(part for part in error["loc"] if _is_of_the_file(part))
        lines.append(f"{document.path}, line {document.line(path)}, {_key(path)}: {_say(document, path, error)}")
    return "\n".join(dict.fromkeys(lines))


def _say(document: YamlFile, path: KeyPath, error: Any) -> str:
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden":
        expected = sorted(_fields(Region, path[:-1]))
        return f"unknown key; expected one of {listed(expected, 40)}.{did_you_mean(str(path[-1]), expected)}"
    if kind == "missing":
        return "this key is missing, and is needed"
    if kind == "value_error":
        return str(error["ctx"]["error"]) if "error" in error.get("ctx", {}) else str(error["msg"])
    if given is None:
        return "nothing is given here; give a value or remove the key"
    shown = repr(given)
    return f"{_plain(error['msg'])}; found {shown if len(shown) < 80 else shown[:77] + '...'}"


def _plain(message: str) -> str:
    """Pydantic's words in those of YAML."""
    for theirs, ours in (("valid tuple", "list"), ("valid dictionary", "mapping of keys"), ("valid string", "text")):
        message = message.replace(theirs, ours)
    return message[0].lower() + message[1:]


def _is_inside(inner: KeyPath, outer: KeyPath) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _is_of_the_file(part: str | int) -> bool:
    """Drop what pydantic adds to a location for members of a union (`Coverage`, `literal['boundary']`, `str`)."""
    return isinstance(part, int) or not (part[:1].isupper() or "[" in part or part in ("str", "int", "float"))


def _key(path: KeyPath) -> str:
    if not path:
        return "the whole file"
    return "key '" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") + "'"


def _fields(model: type[BaseModel], path: KeyPath) -> set[str]:
    """Name the keys allowed at a place of the file, by walking the model's annotations along its path."""
    annotation: Any = model
    for part in path:
        found = _model_in(annotation)
        if isinstance(part, str) and found is not None and part in found.model_fields:
            annotation = found.model_fields[part].annotation
    found = _model_in(annotation)
    if found is None:
        return set()
    aliases = {
        str(field.validation_alias) for field in found.model_fields.values() if isinstance(field.validation_alias, str)
    }
    return set(found.model_fields) | aliases


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
