"""Styles that MapLibre's own validator and QGIS take, with classes that the values fall into."""

import json
import math
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from api.tile_models import Style, Styles
from grids.class_breaks import ValueClass, colour_of, rounded, value_classes
from grids.edition import Store
from grids.exports.files import export_file, write_file
from grids.ramps import GROUNDS, THEMES, Ground, Ramps, ramp_colours

QGIS = """
import json, sys
from qgis.core import Qgis, QgsApplication, QgsMapBoxGlStyleConverter, QgsSymbolLayer
application = QgsApplication([], False)
application.initQgis()
converter = QgsMapBoxGlStyleConverter()
done = converter.convert(json.load(sys.stdin))
styles = []
for one in converter.renderer().styles():
    drawn = one.symbol().symbolLayer(0)
    styles.append([one.styleName(), one.filterExpression(), drawn.color().name(), one.layerName()])
told = {"ok": done == QgsMapBoxGlStyleConverter.Success, "warnings": converter.warnings(), "styles": styles}
json.dump(told, sys.stdout)
"""
CHECK = """
const spec = require(process.argv[1]);
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const found = spec.validateStyleMin(JSON.parse(line));
  process.stdout.write(`${JSON.stringify(found.map((error) => error.message))}\n`);
});
"""
Faults = Callable[[dict[str, Any]], list[str]]
COLLECTIONS = (None, "grid-auto", "grid-1km", "municipality", "h3-8")


def style_of(client: httpx.Client, theme: str = "net", **params: Any) -> dict[str, Any]:
    response = client.get(f"/api/town/styles/{theme}", params={k: v for k, v in params.items() if v is not None})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/vnd.mapbox.style+json"
    found: dict[str, Any] = response.json()
    Style.model_validate(found)
    return found


@pytest.fixture(scope="module")
def faults(project: Path) -> Iterator[Faults]:
    """MapLibre's validator: what it finds wrong with a style; a style a line, so that one process reads them all."""
    library = project / "web" / "node_modules" / "@maplibre" / "maplibre-gl-style-spec" / "dist" / "index.cjs"
    node = shutil.which("node")
    if node is None or not library.is_file():
        pytest.skip("the web map's packages are not installed")
    command = [node, "-e", CHECK, str(library)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as validator:
        assert validator.stdin is not None
        assert validator.stdout is not None
        lines, answers = validator.stdin, validator.stdout

        def found(style: dict[str, Any]) -> list[str]:
            lines.write(f"{json.dumps(style)}\n")
            lines.flush()
            messages: list[str] = json.loads(answers.readline())
            return messages

        assert found({"version": 8, "sources": {}, "layers": [{"id": "x", "type": "nothing"}]}), "it sees faults"
        yield found


@pytest.mark.parametrize("ground", ["light", "dark"])
@pytest.mark.parametrize("theme", ["net", "buildings", "transport", "forest"])
def test_every_theme_is_a_valid_style(client: httpx.Client, faults: Faults, theme: str, ground: str) -> None:
    style = style_of(client, theme, ground=ground)
    assert faults(style) == []
    land = style["layers"][0]
    assert land["paint"]["background-color"] == GROUNDS["dark" if ground == "dark" else "light"].land
    assert "made up for tests" in style["sources"]["values"]["attribution"]
    assert "synthetic data" in style["sources"]["values"]["attribution"]
    assert "synthetic data" in style["name"]
    told = style["metadata"]["carbonmap"]
    assert (told["edition"], told["synthetic"], told["illustrative"]["buildings"]) == ("0123456789abcdef", True, True)


@pytest.mark.parametrize("unit", ["t", "t_per_ha", "t_per_person"])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_collection_and_unit_is_a_valid_style(
    client: httpx.Client, faults: Faults, collection: str | None, unit: str
) -> None:
    style = style_of(client, collection=collection, unit=unit, year=2022)
    assert faults(style) == []
    for source in style["sources"].values():
        (template,) = source["tiles"]
        tile = client.get(template.replace("{z}", "11").replace("{y}", "718").replace("{x}", "1078"))
        assert tile.status_code == 200
        assert "immutable" in tile.headers["cache-control"]
    assert {layer["source-layer"] for layer in style["layers"] if layer.get("source") == "values"} == {
        collection or "grid-auto"
    }


def matches(condition: Any, properties: dict[str, Any]) -> bool:
    """What a filter says of a feature, by the rules of the style specification."""
    word, *parts = condition
    if word == "all":
        return all(matches(part, properties) for part in parts)
    if word == "any":
        return any(matches(part, properties) for part in parts)
    if word == "!":
        return not matches(parts[0], properties)
    if word == "has":
        return parts[0] in properties
    left, right = (amount(part, properties) for part in parts)
    if word == "==":
        return bool(left == right)
    return bool({">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[word])


def amount(expression: Any, properties: dict[str, Any]) -> Any:
    if not isinstance(expression, list):
        return expression
    if expression[0] == "/":
        by = amount(expression[2], properties)
        return amount(expression[1], properties) / by if by else math.nan
    assert expression[0] == "get"
    return properties[expression[1]]


@pytest.mark.parametrize("theme", ["net", "transport", "forest"])
@pytest.mark.parametrize("unit", ["t", "t_per_ha", "t_per_person"])
@pytest.mark.parametrize("collection", ["grid-500m", "h3-8", "municipality"])
def test_each_place_falls_into_one_class(client: httpx.Client, theme: str, unit: str, collection: str) -> None:
    style = style_of(client, theme, collection=collection, unit=unit, year=2023)
    fills = [layer for layer in style["layers"] if layer["type"] == "fill" and layer["source"] == "values"]
    described = {one["colour"]: one for one in style["metadata"]["carbonmap"]["classes"][collection]}
    items = client.get(f"/api/town/collections/{collection}/items?limit=10000&year=2023").json()["features"]
    seen: set[str] = set()
    for item in items:
        # A null of the table is absent from the tile.
        properties = {name: value for name, value in item["properties"].items() if value is not None}
        drawn = [layer for layer in fills if matches(layer["filter"], properties)]
        assert len(drawn) == 1, item["id"]
        colour = drawn[0]["paint"]["fill-color"]
        divisor = {"t": 1, "t_per_ha": properties.get("area_ha"), "t_per_person": properties.get("population")}[unit]
        value = properties.get(f"{theme}_tco2e")
        if value is None or not divisor:
            assert drawn[0]["id"] == f"{collection}: unknown"
        elif value == 0:
            assert drawn[0]["id"] == f"{collection}: 0"
        else:
            one = described[colour]
            assert one["from"] is None or value / divisor >= one["from"]
            assert one["to"] is None or value / divisor < one["to"]
            seen.add(colour)
    assert len(seen) >= (1 if collection == "municipality" else 4)  # there are three of those


def test_layers_of_each_grid_stand_at_its_zooms(client: httpx.Client) -> None:
    style = style_of(client, "buildings")
    grids = client.get("/api/town/grid-auto/tiles/WebMercatorQuad").json()["grids"]
    for band in grids:
        layers = [layer for layer in style["layers"] if layer["id"].startswith(f"{band['collection']}: ")]
        assert len(layers) > 5
        assert {(layer["minzoom"], layer["maxzoom"]) for layer in layers} == {(band["minzoom"], band["maxzoom"] + 1)}
    ids = [layer["id"] for layer in style["layers"]]
    assert len(set(ids)) == len(ids)


def test_styles_are_listed_and_linked(client: httpx.Client) -> None:
    landing = {link["rel"]: link["href"] for link in client.get("/api/town/").json()["links"]}
    listed = Styles.model_validate_json(client.get(landing["http://www.opengis.net/def/rel/ogc/1.0/styles"]).content)
    assert [one.id for one in listed.styles] == ["net", "buildings", "transport", "forest"]
    assert listed.default == "net"
    grounds = {}
    for one in listed.styles:
        for link in one.links:
            told = client.get(link.href)
            assert told.headers["content-type"] == link.type
            grounds[link.title] = told.json()["metadata"]["carbonmap"]["ground"]
    assert grounds == {"light": "light", "dark": "dark"}


@pytest.mark.parametrize(
    ("address", "status", "detail"),
    [
        ("weather", 404, "theme: got 'weather'"),
        ("net?ground=grey", 400, "ground: got 'grey'"),
        ("net?unit=kg", 400, "unit: got 'kg'"),
        ("net?collection=nix", 404, "no collection 'nix'"),
        ("net?collection=../x", 404, "cannot be used"),
        ("net?year=1999", 404, "no year 1999"),
        ("net?sector=net", 400, "'sector' is no parameter"),
    ],
)
def test_styles_that_cannot_be(client: httpx.Client, address: str, status: int, detail: str) -> None:
    response = client.get(f"/api/town/styles/{address}")
    assert response.status_code == status
    assert detail in response.json()["detail"]


def test_a_style_is_asked_again_by_its_tag(client: httpx.Client) -> None:
    first = client.get("/api/town/styles/net")
    assert first.headers["cache-control"] == "public, no-cache"
    again = client.get("/api/town/styles/net", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    pinned = client.get("/api/town/styles/net?edition=0123456789abcdef")
    assert pinned.headers["cache-control"] == "public, max-age=3600"


def understood(condition: Any) -> bool:
    """Whether QGIS 3.22 and later understand a filter: a property that is there or not, or compared with a number."""
    word, *parts = condition
    if word == "all":
        return all(understood(part) for part in parts)
    if word == "!":
        return parts[0][0] == "has" and understood(parts[0])
    if word == "has":
        return isinstance(parts[0], str)
    if word == "match":
        return bool(parts[0][0] == "get" and parts[2:] == [True, False])
    known = word in ("==", ">", ">=", "<") and parts[0][0] in ("get", "geometry-type")
    return bool(known and isinstance(parts[1], int | float | str))


@pytest.mark.parametrize("collection", [None, "municipality", "h3-8"])
def test_filters_are_such_as_qgis_knows(client: httpx.Client, collection: str | None) -> None:
    layers = style_of(client, collection=collection)["layers"]
    filters = [layer["filter"] for layer in layers if "filter" in layer]
    assert len(filters) > 5
    assert all(understood(condition) for condition in filters)
    computed = style_of(client, collection=collection, unit="t_per_ha")["layers"]
    assert not all(understood(layer["filter"]) for layer in computed if "filter" in layer)
    for layer in layers:
        for name, value in layer["paint"].items():
            assert not isinstance(value, list) or value[0] in ("interpolate", 2), name


@pytest.mark.parametrize("collection", [None, "h3-8"])
def test_qgis_draws_every_class(client: httpx.Client, collection: str | None) -> None:
    system = Path("/usr/bin/python3")
    environment = {"QT_QPA_PLATFORM": "offscreen", "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    has_qgis = [str(system), "-c", "import qgis.core"]
    if not system.exists() or subprocess.run(has_qgis, capture_output=True, env=environment).returncode:
        pytest.skip("needs a program of the system: QGIS with its Python (Debian: python3-qgis)")
    style = style_of(client, collection=collection)
    command = [str(system), "-c", QGIS]
    done = subprocess.run(
        command, input=json.dumps(style), capture_output=True, text=True, check=True, timeout=300, env=environment
    )
    told = json.loads(done.stdout)
    assert told["ok"]
    assert told["warnings"] == []
    drawn = {name: (condition, colour, layer) for name, condition, colour, layer in told["styles"]}
    fills = [layer for layer in style["layers"] if layer["type"] == "fill" and layer["source"] == "values"]
    assert len(fills) > 5
    for layer in fills:
        condition, colour, source_layer = drawn[layer["id"]]
        assert (colour, source_layer) == (layer["paint"]["fill-color"], layer["source-layer"])
        assert condition.count('"net_tco2e"') >= 1
        for number in re.findall(r"(?<=[<>=] )-?[\d.]+", condition):
            assert any(float(number) in part for part in layer["filter"][1:] if isinstance(part, list))


def test_the_map_page_has_the_same_colours(project: Path) -> None:
    for theme, grounds in THEMES.items():
        text = (project / "web" / "src" / "layers" / f"{theme}.ts").read_text("utf-8")
        for ground, ramps in grounds.items():
            part = text[text.index(f"{ground}: {{") :]
            for name, ramp in (("emission", ramps.emission), ("removal", ramps.removal)):
                found = re.search(rf"{name}: \[([^\]]+)\]", part)
                assert found is not None
                assert tuple(re.findall(r"#[0-9a-f]{6}", found[1])) == ramp, (theme, ground, name)


RAMPS = Ramps(("#ffffff", "#880000"), ("#ffffff", "#008800"))


def test_classes_touch_and_cover_all_values() -> None:
    random = np.random.default_rng(3)
    for values in (
        random.lognormal(2, 2, 500),
        -random.lognormal(1, 1, 300),
        random.normal(0, 40, 800),
        np.r_[0.0, 5.0],
    ):
        classes = value_classes(values, RAMPS)
        for before, after in pairwise(classes):
            assert before.high == after.low
        assert classes[0].low is None or classes[0].low == 0
        assert classes[-1].high is None or classes[-1].high == 0
        assert (classes[0].low is None) == bool((values < 0).any())
        sides = [{one.high for one in classes if one.high}, {-(one.low or 0) for one in classes if one.low}]
        if (values < 0).any() and (values > 0).any():
            shorter, longer = sorted(({abs(v) for v in side if v > 0} for side in sides), key=len)
            assert shorter <= longer  # the same breaks on both sides


def test_nothing_known_has_no_classes() -> None:
    assert value_classes(np.empty(0), RAMPS) == []
    assert value_classes(np.zeros(9), RAMPS) == []


@pytest.mark.parametrize(
    ("breaks", "expected"),
    [
        ([1.02, 5.3, 98.0], [1.0, 5.0, 100.0]),
        ([0.0123, 0.0131], [0.0123, 0.013]),
        ([7.0, 7.0, 7.0], [7.0]),
        ([], []),
    ],
)
def test_breaks_are_round_and_stay_apart(breaks: list[float], expected: list[float]) -> None:
    assert rounded(breaks) == pytest.approx(expected)


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_lightness_never_turns_back(ground: Ground) -> None:
    for theme in THEMES.values():
        for ramp in (theme[ground].emission, theme[ground].removal):
            colours = ramp_colours(ramp, 9)
            assert (colours[0], colours[-1]) == (ramp[0], ramp[-1])
            light = [sum(w * int(c[i : i + 2], 16) for w, i in ((0.3, 1), (0.59, 3), (0.11, 5))) for c in colours]
            steps = np.diff(light)
            assert (steps < 0).all() if ground == "light" else (steps > 0).all()


@pytest.mark.parametrize("collection", ["grid-1km", "municipality"])
def test_the_exported_page_is_drawn_as_the_served_map(
    client: httpx.Client, small_store: Path, tmp_path: Path, collection: str
) -> None:
    """The same classes, words and colours, and each place in the class that its value falls into."""
    edition = Store(small_store).open("town")
    write_file(edition, export_file(edition, f"{collection}_2023.html"), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    legend = re.findall(r'<i style="background:(#[0-9a-f]{6})"></i>([^<]+)</p>', page)
    style = style_of(client, collection=collection, year=2023, unit="t_per_ha")
    served = {
        layer["id"].partition(": ")[2]: layer["paint"]["fill-color"]
        for layer in style["layers"]
        if layer["type"] == "fill" and layer["id"].startswith(f"{collection}: ")
    }
    assert {label: colour for colour, label in legend} == served
    assert len(legend) == len(served) > 2
    rows = edition.table(collection, 2023, ["id", "net_tco2e", "area_ha"]).to_pandas().set_index("id")
    told = style["metadata"]["carbonmap"]["classes"][collection]
    classes = [ValueClass(one["from"], one["to"], one["colour"]) for one in told]
    drawn = dict(re.findall(r'"id": "([^"]+)".*?"fillColor": "(#[0-9a-f]{6})"', page))
    assert len(drawn) == len(rows)
    for place, colour in drawn.items():
        row = rows.loc[json.loads(f'"{place}"')]
        assert colour == colour_of(float(row["net_tco2e"] / row["area_ha"]), classes, GROUNDS["light"]), place
