"""Each check finds what it is for, says which features, and is silent where nothing is wrong."""

import json
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.checks import Finding, check_layer, check_zones
from gis.errors import ReportMismatch
from gis.geometry_column import GeometryColumn
from gis.layers import JoinReport, Layer, ReadReport, Unparsable, ZoneLayer

UTM = "EPSG:32632"
REGION = shapely.box(0, 0, 1000, 1000)


def layer(shapes: list[Any], sector: str = "buildings", report: ReadReport | None = None, **columns: Any) -> Layer:
    ids = columns.pop("id", [str(index) for index in range(len(shapes))])
    features = gpd.GeoDataFrame({"id": ids, **columns}, geometry=shapes, crs=UTM)
    if report is None:
        report = ReadReport("s", "s.gpkg", read=len(shapes), kept=len(shapes))
    geometry = GeometryColumn.of_objects(features.geometry.to_numpy())
    return Layer("s", sector, features.drop(columns="geometry"), geometry, features.crs, False, report)


def found(findings: list[Finding], what: str) -> Finding:
    [finding] = [finding for finding in findings if what in finding.what]
    return finding


def test_a_clean_layer_has_only_its_counts() -> None:
    findings = check_layer(layer([shapely.box(10, 10, 20, 20)], levels=[2.0]), REGION, REGION)
    assert [(finding.level, finding.count) for finding in findings] == [("info", 1)]
    assert findings[0].what == "1 of 1 features kept (Polygon), from (10, 10) to (20, 20) m"


def test_geometry_and_repetition() -> None:
    square, bowtie = shapely.box(0, 0, 10, 10), shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    reversed_square = shapely.Polygon(list(square.exterior.coords)[::-1])
    thin = shapely.box(50, 50, 50.0001, 50.0001)
    findings = check_layer(layer([square, bowtie, reversed_square, thin], id=["a", "b", "a", "c"]), REGION, REGION)
    assert found(findings, "invalid geometries").examples == ("b",)
    assert found(findings, "no extent").examples == ("b", "c")  # two equal triangles, one turned round
    assert found(findings, "ids that stand for several").level == "error"
    assert found(findings, "same geometry").count == 1
    assert [finding.level for finding in findings] == sorted(
        (f.level for f in findings), key="error warning info".index
    )


def test_place() -> None:
    inside, cut, out = shapely.box(0, 0, 10, 10), shapely.box(990, 0, 1010, 10), shapely.box(2000, 0, 2010, 10)
    west = shapely.box(0, 0, 500, 1000)
    findings = check_layer(layer([inside, cut, out]), REGION, west)
    assert found(findings, "wholly outside").examples == ("2",)
    assert found(findings, "cut by").examples == ("1",)
    assert found(findings, "source's own coverage").examples == ("1",)
    assert "covers 50.0%" in found(findings, "elsewhere its sector is unknown").what
    lost = check_layer(layer([out]), REGION, REGION)
    assert (lost[0].level, "check the crs" in lost[0].remedy) == ("error", True)


def test_values() -> None:
    line = shapely.LineString([(0, 0), (10, 0)])
    findings = check_layer(
        layer([line] * 3, "transport", aadt=[-5.0, 9e6, np.nan], road_class=[None] * 3), REGION, REGION
    )
    odd = found(findings, "aadt outside")
    assert (odd.level, odd.count, odd.what) == ("error", 2, "aadt outside 0 to 500000: -5 to 9e+06")
    assert found(findings, "no value in aadt (33%").level == "info"
    assert found(findings, "no feature has a value in road_class").level == "warning"
    square = shapely.box(0, 0, 10, 10)
    findings = check_layer(layer([square], levels=[201.0], gas_kwh_2020=[-1.0]), REGION, REGION)
    assert found(findings, "levels outside").level == "warning"
    assert "feeds back" in found(findings, "gas_kwh_2020 outside").remedy


def test_the_report_is_told() -> None:
    report = ReadReport("s", "s.gpkg", read=6, kept=1, filtered=1, empty=1, duplicates=1)
    report.refused = [("a", "invalid: Self-intersection[1 2]"), ("b", "invalid: Self-intersection[3 4]")]
    report.unparsable = {"levels": Unparsable(1, ["EG"])}
    report.missing_nodes = 7
    report.joins = [JoinReport("m.csv", rows=3, keys=2, keys_unmatched=2, keys_unmatched_examples=["x"])]
    report.joins[0].incomplete_years = {"gas_kwh_2020": 4}
    report.verify()
    findings = check_layer(layer([shapely.box(0, 0, 1, 1)], report=report), REGION, REGION)
    assert found(findings, "refused: invalid: Self-intersection").examples == ("a", "b")
    assert found(findings, "no numbers").examples == ("EG",)
    assert found(findings, "nodes that clipped").count == 7
    assert found(findings, "keys that no feature has").level == "error"
    assert found(findings, "fewer than 12 months, taken as unknown").count == 4
    json.dumps([finding.as_dict() for finding in findings])
    report.read = 7
    with pytest.raises(ReportMismatch, match="7 features read, 6 accounted for"):
        report.verify()


def zones(name: str, shapes: list[Any], **columns: Any) -> ZoneLayer:
    ids = [f"{name}{index}" for index in range(len(shapes))]
    given = {"id": ids, "parent_id": [None] * len(shapes), **columns}
    features = gpd.GeoDataFrame(given, geometry=shapes, crs=UTM)
    return ZoneLayer(name, features, ReadReport(name, "z.gpkg", read=len(shapes), kept=len(shapes)))


def test_zones() -> None:
    halves = [shapely.box(0, 0, 500, 1000), shapely.box(500, 0, 900, 1000)]
    parents = zones("p", [shapely.box(0, 0, 500, 1000), shapely.box(500, 0, 1000, 1000)])
    children = zones("c", halves, parent_id=["p0", "p1"], name_ko=["가", None])
    children.overlaps.append(("c0", "c1", 3.0))
    findings = check_zones(children, REGION, parents)
    assert "0.100 km2 of the region (10.00%)" in found(findings, "lie in no zone").what
    assert found(findings, "zones without name_ko").examples == ("c1",)
    assert found(findings, "overlaps").examples == ("c0 and c1: 3.0 m2",)
    assert found(findings, "not that of their children").examples == ("p1: 20.00%",)
    children.features["parent_id"] = ["p0", "p9"]
    lost = found(check_zones(children, REGION, parents), "parent is not in p")
    assert (lost.level, lost.examples) == ("error", ("c1 -> p9",))
    whole = [(f.level, f.count) for f in check_zones(parents, REGION)]
    assert whole == [("info", 2)]
