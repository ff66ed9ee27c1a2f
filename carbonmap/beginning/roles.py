"""What a layer is to us: a sector, zones, a table to join, or nothing; and which of its columns are which of ours."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from carbonmap.beginning.templates import Dataset, Synonym, Template, form_of, read_synonyms
from carbonmap.resources import data_folder
from gis.classes import class_table
from gis.found_layers import FoundLayer
from gis.uses import read_uses

MOST_ZONES = 20_000

_HINTS = {
    "buildings": ("build", "bldg", "footprint", "gebaeude", "batiment", "건물", "benchmark"),
    "transport": ("road", "street", "traffic", "link", "highway", "strasse", "도로", "교통"),
    "forest": ("forest", "stand", "wood", "임상", "산림"),
    "population": ("popul", "인구", "census"),
    "zones": ("admin", "district", "municip", "bound", "zone", "dong", "kunnat", "tuman", "구역", "경계", "neighbo"),
}
_GEOMETRY = {
    "polygon": ("population", "buildings", "forest", "zones"),
    "line": ("transport",),
    "point": ("buildings",),
}
_TELLING = {
    "buildings": {"use", "levels", "height_m", "floor_area_m2", "year_built"},
    "transport": {"road_class", "lanes", "speed_kmh", "aadt"},
    "forest": {"species", "age_years", "age_class", "increment_m3_ha"},
    "population": {"population"},
    "zones": {"name", "name_en", "name_ko", "name_ru", "name_uz"},
}
"""Columns that make a layer what it is; ids are in every layer."""
_COORDINATES = (("longitude", "latitude"), ("lon", "lat"), ("lng", "lat"), ("x_wgs84", "y_wgs84"))


@dataclass
class Role:
    """What a layer is taken for.

    Attributes:
        layer: as found.
        kind: a sector, `zones`, `table`, `form`, or empty: not used.
        columns: ours -> theirs.
        why: reasons in words, one a line.
        dataset: the template's data set it is, where one was recognised.
        form: the form it was filled from.
    """

    layer: FoundLayer
    kind: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)
    dataset: Dataset | None = None
    form: str = ""
    xy: tuple[str, str] | None = None
    uses: str = ""
    classes: str = ""


def roles_of(layers: Sequence[FoundLayer], template: Template) -> list[Role]:
    """Say of each layer what it is, and why."""
    synonyms = read_synonyms()
    return [_role(layer, template, synonyms) for layer in layers]


def _role(layer: FoundLayer, template: Template, synonyms: Sequence[Synonym]) -> Role:
    role = Role(layer)
    role.dataset = next((dataset for dataset in template.datasets if dataset.knows(layer)), None)
    if layer.kind == "raster":
        _take_raster(role)
    elif layer.kind == "table":
        _take_table(role, synonyms)
    elif role.dataset is not None and role.dataset.kind != "osm":
        _take_dataset(role)
    else:
        _take_by_columns(role, synonyms)
    if role.kind == "buildings" and "use" in role.columns:
        _choose_uses(role)
    return role


def _take_dataset(role: Role) -> None:
    dataset, layer = role.dataset, role.layer
    assert dataset is not None
    there = {column.lower(): column for column in layer.columns}
    role.kind = dataset.kind
    role.columns = {ours: there[theirs.lower()] for ours, theirs in dataset.columns.items() if theirs.lower() in there}
    role.why.append(f"known by its columns: {dataset.title}")
    role.why += [
        f"{theirs} -> {ours}: {dataset.explained[name]}"
        for ours, theirs in role.columns.items()
        if (name := dataset.columns[ours]) in dataset.explained
    ]
    role.why += [f"note: {dataset.note}"] if dataset.note else []
    _keep_true_id(role)


def _take_by_columns(role: Role, synonyms: Sequence[Synonym]) -> None:
    """Take a layer of no known data set for what its geometry, its columns and its name say."""
    layer = role.layer
    best: tuple[int, str, dict[str, str]] = (0, "", {})
    for kind in _GEOMETRY.get(layer.geometry, ()):
        columns = _matched(kind, layer, synonyms)
        telling = len(_TELLING[kind] & set(columns))
        hinted = any(hint in layer.title.lower() for hint in _HINTS[kind])
        if not telling and not (hinted and kind != "population"):
            continue
        if kind == "zones" and (layer.features > MOST_ZONES or "id" not in columns):
            continue
        # A population column says it all; names stand in every layer, so zones come last unless the file is called so.
        score = {"population": 100, "zones": 1}.get(kind, 10) * telling + 15 * hinted
        if score > best[0]:
            best = (score, kind, columns)
    _, role.kind, role.columns = best
    if not role.kind:
        what = layer.geometry or "table"
        role.why.append(
            f"{what}s with columns {', '.join(layer.columns[:12]) or 'none'}: nothing that is known of these"
        )
        return
    role.why += [f"{theirs} -> {ours}: by its name" for ours, theirs in role.columns.items()]
    _keep_true_id(role)


def _matched(kind: str, layer: FoundLayer, synonyms: Sequence[Synonym]) -> dict[str, str]:
    there = {column.lower(): column for column in layer.columns}
    found: dict[str, str] = {}
    for synonym in synonyms:
        if synonym.kind != kind:
            continue
        candidates = [there[name] for name in synonym.theirs if name in there]
        if synonym.ours == "id":
            candidates = [column for column in candidates if column in layer.unique]
            if not candidates and kind == "zones":
                candidates = [column for column in layer.columns if column in layer.unique]
        taken = next((column for column in candidates if column not in found.values() or kind == "zones"), None)
        if taken is not None:
            found[synonym.ours] = taken
    return found


def _keep_true_id(role: Role) -> None:
    """Ids must be unique; where the file's are not, features are numbered, but zones need theirs."""
    theirs = role.columns.get("id")
    if theirs is None or theirs in role.layer.unique or not role.layer.unique:
        return
    if role.kind == "zones":
        role.why.append(f"{theirs} stands several times: parts of one zone are joined (dissolve)")
    else:
        del role.columns["id"]
        role.why.append(f"{theirs} is not unique, so that features are numbered; joins need a column that is")


def _take_raster(role: Role) -> None:
    layer = role.layer
    if not layer.codes:
        role.why.append("a raster of numbers, or of nothing; only rasters of land-cover classes are read")
        return
    tables = sorted(
        path.stem.removeprefix("land_cover_") for path in (data_folder() / "schema").glob("land_cover_*.csv")
    )
    known = {name: set(class_table(name, data_folder() / "schema")) for name in tables}
    fitting = [name for name, codes in known.items() if set(layer.codes) <= codes]
    named = role.dataset.classes if role.dataset is not None and role.dataset.classes else ""
    hinted = [
        name
        for name in fitting
        if name.split("_")[-1] in layer.file.lower() or name.split("_")[0] in layer.file.lower()
    ]
    chosen = named if named in fitting else (hinted or sorted(fitting, key=lambda name: len(known[name])) or [""])[0]
    shown = ", ".join(map(str, layer.codes[:12])) + (" ..." if len(layer.codes) > 12 else "")
    if not chosen:
        role.why.append(
            f"classes {shown}: in no table that ships ({', '.join(tables)}); give classes: {{code: land cover}} by hand"
        )
        return
    role.kind, role.classes = "land_cover", chosen
    role.why.append(f"classes {shown}: all of them are in the table {chosen}")
    if len(fitting) > 1 and chosen != named:
        role.why.append(f"they are in {', '.join(name for name in fitting if name != chosen)} too: is {chosen} right?")


def _take_table(role: Role, synonyms: Sequence[Synonym]) -> None:
    layer = role.layer
    form = form_of(layer.columns)
    if form is not None:
        role.kind, role.form = "form", form
        role.why.append(f"filled from the form {form}.csv")
        return
    if role.dataset is not None and role.dataset.kind == "table":
        role.kind = "table"
        role.why.append(f"known by its columns: {role.dataset.title}")
        role.why += [f"note: {role.dataset.note}"] if role.dataset.note else []
        return
    there = {column.lower(): column for column in layer.columns}
    xy = next(((there[x], there[y]) for x, y in _COORDINATES if x in there and y in there), None)
    columns = _matched("buildings", layer, synonyms)
    if xy is not None and len(_TELLING["buildings"] & set(columns)) >= 2:
        role.kind, role.columns, role.xy = "buildings", columns, xy
        role.why += [f"{theirs} -> {ours}: by its name" for ours, theirs in columns.items()]
        _keep_true_id(role)
        return
    role.why.append(
        f"a table of {', '.join(layer.columns[:10])}: joined to nothing; docs/region-file.md says how (joins)"
    )


def _choose_uses(role: Role) -> None:
    """The table of uses that knows most of the values there are."""
    values = (role.layer.samples or {}).get(role.columns["use"], ())
    if role.dataset is not None and role.dataset.uses:
        role.uses = role.dataset.uses
        return
    tables = sorted(path.stem.removeprefix("uses_") for path in (data_folder() / "schema").glob("uses_*.csv"))
    known = {name: read_uses(name, data_folder() / "schema") for name in tables}
    counts = {name: sum(value in uses or value.lower() in uses for value in values) for name, uses in known.items()}
    best = max(tables, key=lambda name: counts[name])
    if values and 2 * counts[best] >= len(values):
        role.uses = best
        role.why.append(f"uses: the table {best} knows {counts[best]} of {len(values)} values looked at")
    else:
        shown = ", ".join(values[:6])
        role.why.append(f"uses: no table knows {shown}; give uses: {{theirs: ours}}, else all are of use `other`")
