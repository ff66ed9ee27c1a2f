"""One page that opens offline: a folium map with its script and style inside, a legend, and the labels."""

import html
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folium
import numpy as np
import pyarrow as pa
import shapely

from grids.class_breaks import ValueClass, colour_of, value_classes
from grids.exports import labels
from grids.exports.public_table import PublicTable
from grids.projections import LONLAT, reproject
from grids.ramps import GROUNDS, THEMES
from grids.store_errors import InvalidTable
from grids.tables import Geometries

MOST_SHAPES = 12_000
"""Cells, hexagons or zones drawn at most; of more, those with the largest amounts, and the page says so."""

MOST_VERTICES = 150_000
"""Corners of zones at most; outlines are simplified together until there are no more."""

_GROUND = GROUNDS["light"]
_Z90 = 1.6448536269514722
"""Half the width of a 90 % interval in standard deviations."""

_SCRIPT, _STYLE = "leaflet.js", "leaflet.css"
_PAGE_STYLE = """
.legend{position:absolute;z-index:1000;right:10px;bottom:24px;max-width:22rem;max-height:80%;overflow:auto;
background:#fff;padding:8px 12px;border-radius:4px;box-shadow:0 1px 4px rgba(0,0,0,.4);
font:13px/1.4 system-ui,sans-serif;color:#222}
.leaflet-tooltip{font-size:12px}.legend h1{font-size:15px;margin:0 0 4px}
.legend p{margin:4px 0}.legend .warning{font-weight:600;color:#8a1c00}
.legend i{display:inline-block;width:18px;height:12px;margin-right:6px;border:1px solid #777;vertical-align:-1px}
.legend small{color:#444}
"""


def write_html_map(table: PublicTable, path: Path, leaflet: Path) -> None:
    """Write a page with a map of net emissions per hectare, or of the first sector's where net is unknown.

    Classes and colours are those of the style that the API serves of the same collection and year.

    Args:
        table: what to draw.
        path: the page to write.
        leaflet: folder with `leaflet.js` and `leaflet.css`, which are put into the page.

    Raises:
        InvalidTable: an empty table.
    """
    drawn = _drawn(table)
    page = folium.Map(tiles=None, prefer_canvas=True, control_scale=True)
    page.default_js, page.default_css = [("leaflet", _SCRIPT)], [("leaflet_css", _STYLE)]
    fields = [name for name in drawn.features[0]["properties"] if name != "style"]
    folium.GeoJson(
        {"type": "FeatureCollection", "features": drawn.features},
        tooltip=folium.GeoJsonTooltip(fields=fields, aliases=fields, localize=False, sticky=True),
        color="#555555",
        weight=0.3,
        fillOpacity=0.85,
    ).add_to(page)
    west, south, east, north = drawn.bounds
    page.fit_bounds([[south, west], [north, east]])
    figure: Any = page.get_root()
    figure.title = html.escape(labels.title(table.edition, table.collection.id, table.year))
    _name_steadily(figure)
    rendered = figure.render()
    # Not through folium: it would read names of places as templates.
    rendered = rendered.replace("</body>", f"{_legend(table, drawn)}</body>", 1)
    path.write_text(_inlined(rendered, leaflet), encoding="utf-8")


@dataclass(frozen=True)
class _Drawn:
    """What the map shows: features of GeoJSON with their style, and what the legend says of them."""

    features: list[dict[str, Any]]
    bounds: tuple[float, float, float, float]
    column: str
    classes: Sequence[ValueClass]
    left_out: int


def _drawn(table: PublicTable) -> _Drawn:
    if not table.count:
        raise InvalidTable(f"{table.collection.id} has no row in {table.year}: there is nothing to draw")
    sectors = [sector for sector in table.edition.manifest.sectors if f"{sector}_tco2e" in table.collection.columns]
    totals = ["net", *sectors]
    words = [name for name in table.collection.columns if name.startswith("name_")]
    names = ["id", *words[:1], "area_ha", "held", *(f"{total}_tco2e" for total in totals), "net_sd_tco2e"]
    names = [name for name in names if name in table.collection.columns]
    columns = [f"{total}_tco2e" for total in totals]
    sums = table.edition.table(table.collection.id, table.year, [*columns, "area_ha"]).to_pandas()
    column = next((name for name in columns if sums[name].notna().any()), "net_tco2e")
    per_ha = (sums[column] / sums["area_ha"].where(sums["area_ha"] > 0)).to_numpy()
    # Of all places, drawn or not: a colour means here what it means on the map that is served.
    classes = value_classes(per_ha[np.isfinite(per_ha)], THEMES[column.removesuffix("_tco2e")]["light"])
    # Of too many, those with the largest amounts are kept, in the table's order; ties by that order too.
    weight = sums[column].abs().fillna(-1.0).to_numpy()
    kept = np.sort(np.argsort(-weight, kind="stable")[:MOST_SHAPES])
    rows = table.edition.rows(table.collection.id, table.year, kept.astype(np.int64), names + _position(table))
    shapes = _lonlat_shapes(table, rows)
    chosen = rows.select(names).to_pandas()
    features = []
    for value, shape, row in zip(per_ha[kept].tolist(), shapes, chosen.to_dict("records"), strict=True):
        features.append(
            {
                "type": "Feature",
                "geometry": json.loads(shape),
                "properties": {
                    "style": {"fillColor": colour_of(value, classes, _GROUND)},
                    **_told(row, totals, words[:1]),
                },
            }
        )
    bounds = table.collection.bbox
    assert bounds is not None
    return _Drawn(features, bounds, column, classes, len(sums) - len(kept))


def _position(table: PublicTable) -> list[str]:
    return ["row", "col"] if table.collection.kind == "grid" else []


def _told(row: dict[str, Any], totals: list[str], words: list[str]) -> dict[str, str]:
    """What the tooltip says of a row; texts are escaped, since the tooltip is made of HTML."""
    said = {"id": html.escape(str(row["id"]))}
    if words and row[words[0]]:
        said["name"] = html.escape(str(row[words[0]]))
    for total in totals:
        value = row.get(f"{total}_tco2e")
        if value is None:
            continue
        text = "unknown" if math.isnan(value) else f"{value:,.1f} tCO2e/a"
        deviation = row.get("net_sd_tco2e") if total == "net" else None
        if deviation is not None and not math.isnan(deviation) and not math.isnan(value):
            text += f" ± {_Z90 * deviation:,.1f} (90 %)"
        said[total] = text
    said["area"] = f"{row['area_ha']:,.1f} ha"
    if row.get("held"):
        said["held"] = "protected: a share of a larger area's total"
    return said


def _lonlat_shapes(table: PublicTable, rows: pa.Table) -> list[str]:
    """Outlines of rows as GeoJSON geometries, to a hundred-thousandth of a degree (about a metre)."""
    edition, collection = table.edition, table.collection
    shapes = edition.polygons(collection.id, rows)
    if collection.kind == "zones":
        shapes = _simplified(shapes)
    moved = reproject(shapes, edition.crs, LONLAT)
    rounded = shapely.transform(moved, lambda points: np.round(points, 5))
    return [str(text) for text in shapely.to_geojson(rounded)]


def _simplified(shapes: Geometries) -> Geometries:
    """Zones with at most MOST_VERTICES corners; borders that neighbours share stay shared."""
    west, south, east, north = shapely.total_bounds(shapes)
    tolerance, simple = max(east - west, north - south) / 20_000, shapes
    while shapely.get_num_coordinates(simple).sum() > MOST_VERTICES and tolerance < east - west:
        simple = np.asarray(shapely.coverage_simplify(shapes, tolerance), dtype=object)
        tolerance *= 2
    return simple


def _legend(table: PublicTable, drawn: _Drawn) -> str:
    edition = table.edition
    described = table.dictionary.describe(drawn.column)
    colours = [(one.colour, one.label) for one in drawn.classes] + [(_GROUND.zero, "0"), (_GROUND.unknown, "unknown")]
    classes = "".join(f'<p><i style="background:{colour}"></i>{label}</p>' for colour, label in colours)
    warnings = "".join(f'<p class="warning">{html.escape(text)}</p>' for text in labels.warnings_of(edition))
    thinned = ""
    if drawn.left_out:
        thinned = (
            f"<p><small>Drawn are the {len(drawn.features):,} of {len(drawn.features) + drawn.left_out:,} with the "
            f"largest amounts; the others are left out of this page.</small></p>"
        )
    sources = "".join(
        f"<p><small>{html.escape(labels.attribution_text(given))}</small></p>" for given in edition.region.attributions
    )
    return (
        f'<div class="legend"><h1>{html.escape(labels.region_name(edition))}</h1>'
        f"<p>{html.escape(described.label['en'])}, {html.escape(table.collection.id)}, {table.year}<br>"
        f"tCO2e per hectare and year; removals are negative</p>{classes}{warnings}{thinned}"
        f"<p><small>Edition {edition.id}</small></p>{sources}</div>"
    )


def _name_steadily(figure: Any) -> None:
    """Number the elements, which folium names at random: equal editions give equal bytes."""
    elements = [figure]
    for number, element in enumerate(elements):
        element._id = str(number)
        elements.extend(element._children.values())


def _inlined(page: str, leaflet: Path) -> str:
    """Put script and style into the page in place of the links to them; nothing is left to fetch."""
    script = (leaflet / "leaflet.js").read_text(encoding="utf-8").partition("//# sourceMappingURL")[0]
    style = re.sub(r"url\(images/[^)]*\)", "none", (leaflet / "leaflet.css").read_text(encoding="utf-8"))
    licence = (leaflet / "LICENSE").read_text(encoding="utf-8")
    for link, content in (
        (f'<script src="{_SCRIPT}"></script>', f"<script>/* Leaflet\n{licence}*/\n{script}</script>"),
        (f'<link rel="stylesheet" href="{_STYLE}"/>', f"<style>{style}{_PAGE_STYLE}</style>"),
    ):
        if page.count(link) != 1:
            raise RuntimeError(f"this version of folium writes its links otherwise: {link} was expected once")
        page = page.replace(link, content)
    return page
