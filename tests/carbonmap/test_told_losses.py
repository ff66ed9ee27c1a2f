"""What a build leaves out, and why, is told in its last lines and in the manifest: by source, with ids and amounts."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from shapely.errors import GEOSException

from carbonmap.build import Built, build_region
from carbonmap.progress import Silent
from gis.errors import EmptyLayer
from tests.carbonmap.conftest import EAST, NORTH, box


def build(tiny: Any) -> Built:
    return build_region(tiny.write(), None, tiny.store, progress=Silent())


def report_of(built: Built, layer: str) -> dict[str, Any]:
    return next(each.report for each in built.manifest.layers if each.id == layer)


def lines_of(built: Built, layer: str) -> str:
    """The lines of the summary about one layer."""
    text = "\n".join(built.summary())
    return text.split(f"  {layer}: ")[1].split("\n  forest" if layer == "roads" else "\n  roads")[0]


def test_features_without_geometry_are_told_with_their_ids(tiny: Any, command: Any) -> None:
    features = tiny.layers["buildings.geojson"]["features"]
    for number in range(7):
        nothing = None if number % 2 else {"type": "Polygon", "coordinates": []}
        given = {"bid": f"none{number}", "kind": "office", "floors": 1, "area": 10.0}
        features.append({"type": "Feature", "properties": given, "geometry": nothing})
    built = build(tiny)
    report = report_of(built, "buildings")
    assert report["empty"] == 7
    assert report["empty_ids"] == ["none0", "none1", "none2", "none3", "none4"]
    told = lines_of(built, "buildings")
    assert "without geometry, and so in no total: 7 (none0, none1, none2, none3, none4 ...)" in told
    public = json.dumps(built.manifest.public())
    assert '"empty": 7' in public
    assert "none0" not in public  # buildings are private
    checked = command("check", tiny.file)[1]
    assert "without geometry (7)" in checked
    assert "none0" in checked


def test_meters_of_a_year_that_is_not_built_and_readings_below_zero_are_told(tiny: Any, command: Any) -> None:
    tiny.meters += "".join(f"b1;2021{month:02d};electricity;50\nb4;2021{month:02d};gas;7\n" for month in range(1, 13))
    tiny.meters = tiny.meters.replace("b2;202307;electricity;2000", "b2;202307;electricity;-150")
    tiny.meters = tiny.meters.replace("b4;202301;electricity;300", "b4;202301;electricity;-900000")
    built = build(tiny)
    checked = " ".join(command("check", tiny.file)[1].split())
    for told in (lines_of(built, "buildings"), checked):
        assert (
            "electricity_kwh_2021: readings of 1 buildings (600 kwh in all) are of a year that is not built, and count "
            "nowhere; to use them add 2021 to years."
        ) in told
        assert "gas_kwh_2021: readings of 1 buildings (84 kwh in all)" in told
        # Of the year one is hidden by the others: it shows among the rows alone.
        assert "electricity_kwh_2023: 1 readings are negative (net feed-in?) and keep their sign: b4." in told
    assert "meters.csv: 2 readings are below zero, and keep their sign (keys b2, b4)" in lines_of(built, "buildings")
    assert "meters.csv: readings below zero, which keep their sign (2) e.g. b2, b4" in checked
    [join] = report_of(built, "buildings")["joins"]
    assert (join["negative_rows"], join["negative_examples"]) == (2, ["b2", "b4"])
    tiny.region["years"] = [2021, 2023]
    assert "not built" not in lines_of(build(tiny), "buildings")


def test_amounts_of_unbuilt_years_add_up_over_parts(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.write()
    parts(tiny, "buildings.geojson", 2, monkeypatch, electricity_kwh_2019=[1.0, 20.0, np.nan, 300.0])
    tiny.source("buildings")["columns"]["electricity_kwh_2019"] = "electricity_kwh_2019"
    told = lines_of(build(tiny), "buildings")
    assert "electricity_kwh_2019: readings of 3 buildings (321 kwh in all)" in told


def parts(tiny: Any, name: str, rows: int, monkeypatch: pytest.MonkeyPatch, **columns: Any) -> Path:
    """Write a layer as GeoParquet of several parts, with checksums, and let its source read that."""
    monkeypatch.setattr("gis.spans.ROWS_AT_ONCE", rows)
    frame = gpd.read_file(tiny.folder / name).assign(**columns)
    path = Path(tiny.folder / name).with_suffix(".parquet")
    frame.to_parquet(path, row_group_size=rows, write_page_checksum=True, compression="none")
    for source in tiny.region["sources"]:
        if source["file"] == name:
            source["file"] = path.name
    return path


def test_a_damaged_row_group_is_named_and_nothing_is_published(
    tiny: Any, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.write()
    path = parts(tiny, "buildings.geojson", 2, monkeypatch)
    raw = bytearray(path.read_bytes())
    [third] = gpd.read_parquet(path).geometry.to_wkb()[2:3]
    raw[raw.index(third[40:]) + 3] ^= 0x20  # a coordinate that is one still, and another
    path.write_bytes(raw)
    code, _, error = command("build", tiny.write(), "--store", tiny.store, "--quiet")
    assert code == 2
    assert "buildings.parquet cannot be read as Parquet in row group 2 of 2 (rows 3 to 4)" in error
    assert "copy it again" in error
    assert not (tiny.store / "tiny").exists()


def test_a_feature_that_cannot_be_read_is_named_by_its_id(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, command: Any
) -> None:
    tiny.write()
    path = parts(tiny, "roads.geojson", 100, monkeypatch)
    table = pq.read_table(path)
    whole, cut = table["geometry"].to_pylist()
    place = table.schema.get_field_index("geometry")
    pq.write_table(table.set_column(place, "geometry", pa.array([whole, cut[:-5]])), path)
    built = build(tiny)
    assert [entry["id"] for entry in report_of(built, "roads")["refused"]] == ["r2"]
    assert "refused 1: its geometry cannot be read" in lines_of(built, "roads")
    assert "(r2)" in lines_of(built, "roads")


def test_a_feature_that_geos_cannot_cut_is_refused_with_what_it_amounts_to(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = {"bid": "over", "kind": "office", "floors": 2, "area": 3700.0}
    tiny.layers["buildings.geojson"]["features"].append(
        {"type": "Feature", "properties": over, "geometry": box(-30, 300, 30, 337)}
    )
    real = shapely.difference

    def fails(given: Any, *others: Any, **how: Any) -> Any:
        if np.isclose(shapely.area(given), 60 * 37, rtol=1e-9, atol=0).any():
            raise GEOSException("TopologyException: side location conflict")
        return real(given, *others, **how)

    monkeypatch.setattr(shapely, "difference", fails)
    built = build(tiny)
    report = report_of(built, "buildings")
    assert [entry["id"] for entry in report["refused"]] == ["over"]
    assert (report["read"], report["kept"], report["left_out"]["count"]) == (5, 4, 1)
    assert report["left_out"]["amounts"]["area_ha"] == pytest.approx(0.222, rel=1e-3)
    assert report["left_out"]["amounts"]["emissions_tco2e_2023"] > 0
    told = lines_of(built, "buildings")
    assert "refused 1: GEOS cannot cut it at a border that it crosses (over)" in told
    assert "in no total, since they were refused when they were cut: 1 (area_ha 0.22" in told


def moved(geometry: dict[str, Any], crs: str, *, swapped: bool = False) -> dict[str, Any]:
    """A polygon in another CRS, y first if swapped."""
    transformer = pyproj.Transformer.from_crs("EPSG:32632", crs, always_xy=True)
    rings = [[transformer.transform(*place) for place in ring] for ring in geometry["coordinates"]]
    return {"type": "Polygon", "coordinates": [[place[::-1] if swapped else place for place in ring] for ring in rings]}


def elsewhere(tiny: Any, written_in: str, said: str, *, swapped: bool = False) -> None:
    """Write the buildings in one CRS, or y first, and say another."""
    for feature in tiny.layers["buildings.geojson"]["features"]:
        feature["geometry"] = moved(feature["geometry"], written_in, swapped=swapped)
    tiny.layers["buildings.geojson"]["crs"] = {"type": "name", "properties": {"name": said}}


def test_a_layer_with_latitude_first_is_told_so(tiny: Any) -> None:
    elsewhere(tiny, "EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84", swapped=True)
    with pytest.raises(EmptyLayer, match=r"4 outside the region's bounds.*With x and y exchanged they would lie in"):
        build(tiny)
    assert not (tiny.store / "tiny").exists()


def test_a_layer_in_parts_of_another_zone_is_told_which(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere(tiny, "EPSG:32633", "urn:ogc:def:crs:EPSG::32632")
    tiny.write()
    parts(tiny, "buildings.geojson", 2, monkeypatch)
    with pytest.raises(
        EmptyLayer, match=r"nothing of buildings.parquet .*say crs: EPSG:32633 for it in the region file"
    ):
        build(tiny)


def test_a_layer_of_another_place_is_told_so(tiny: Any) -> None:
    for feature in tiny.layers["roads.geojson"]["features"]:
        feature["geometry"]["coordinates"] = [[x + 90_000, y] for x, y in feature["geometry"]["coordinates"]]
    with pytest.raises(
        EmptyLayer, match=r"No CRS that is used around there brings them into the region: is it the right file"
    ):
        build(tiny)


def test_a_layer_beside_the_region_counts_as_outside_and_is_told(tiny: Any) -> None:
    for feature in tiny.layers["forest.geojson"]["features"]:
        feature["geometry"] = box(2100, 100, 2300, 300)
    assert "none of its 1 features lies on the region's ground" in "\n".join(build(tiny).summary())


def test_bounds_and_zones_that_do_not_meet_are_told_what_may_be_wrong(tiny: Any, command: Any) -> None:
    def complaint() -> str:
        code, _, error = command("build", tiny.write(), "--store", tiny.store, "--quiet")
        assert code == 2
        return str(error)

    tiny.region["boundary"] = {"bounds": [9.5, 47.1, 9.6, 47.2]}
    said = complaint()
    assert "look like degrees; metres of EPSG:32632 were expected" in said
    assert "which would be [5378" in said
    tiny.region["boundary"] = {"bounds": [EAST, NORTH, EAST + 2000, NORTH + 2000]}
    for feature in tiny.layers["zones.geojson"]["features"]:
        feature["geometry"] = moved(feature["geometry"], "EPSG:32633")
    said = complaint()
    assert "zone set district (zones.geojson) lies wholly outside the region's boundary" in said
    assert "Read in EPSG:32633" in said
    tiny.region["boundary"] = {"zone_set": "district"}
    tiny.source("roads")["coverage"] = {"bounds": [9.5, 47.1, 9.6, 47.2]}
    assert "do not meet" in (said := complaint())
    assert "the coverage looks like degrees" in said


@pytest.mark.parametrize(
    "verb",
    [
        ["info"],
        ["info", "tiny"],
        ["receipt", "tiny", "grid-100m", "x"],
        ["export", "csv", "tiny"],
        ["scenario", "tiny", "trend"],
        ["mix", "tiny", "mix.json"],
        ["where", "tiny"],
        ["reconcile", "tiny", "nothing.csv"],
        ["quality", "tiny"],
        ["serve"],
        ["backup", "a.tar"],
        ["keys", "list"],
    ],
    ids=lambda verb: "-".join(verb[:2]),
)
def test_a_store_that_is_not_there_is_an_error_of_every_verb(
    verb: list[str], command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    measure = {"id": "r", "kind": "retrofit", "costs": {"capital_per_unit": 100, "currency": "EUR"}}
    document = {
        "year": 2035,
        "zones": "district",
        "target_share": 0.1,
        "candidates": [{"measure": measure, "levels": [1]}],
    }
    (tmp_path / "mix.json").write_text(json.dumps(document))
    code, out, error = command(*verb, "--store", tmp_path / "nowhere")
    assert code == 2, out + error
    assert "nowhere" in error
    assert not (tmp_path / "nowhere").exists()


def with_raster(tiny: Any, rows: int) -> None:
    """A land cover of trees, of so many of the region's 20 rows of 100 m from the north."""
    tiny.region["sources"][2] = {
        "id": "cover", "sector": "land_cover", "file": "{lc}.tif", "classes": {1: "tree_mixed"}, "open": True,
    }  # fmt: skip
    tiny.write()
    place = {"transform": Affine(100, 0, EAST, 0, -100, NORTH + 2000), "crs": "EPSG:32632"}
    kind = {"driver": "GTiff", "width": 20, "height": rows, "count": 1, "dtype": "uint8"}
    with rasterio.open(tiny.folder / "{lc}.tif", "w", **kind, **place) as raster:
        raster.write(np.ones((rows, 20), np.uint8), 1)


def test_ground_of_which_a_raster_says_nothing_is_told(tiny: Any) -> None:
    with_raster(tiny, 15)
    assert "{lc}.tif says nothing of 100 ha of its domain (25.0%)" in "\n".join(build(tiny).summary())
    with_raster(tiny, 20)
    assert "says nothing" not in "\n".join(build(tiny).summary())


def test_values_that_are_no_numbers_and_words_of_gdal_are_told(tiny: Any, capfd: pytest.CaptureFixture[str]) -> None:
    features = tiny.layers["buildings.geojson"]["features"]
    features[2]["properties"]["area"] = "about 200"
    features.append({"type": "Feature", "properties": {"bid": "odd"}, "geometry": {"type": "Circle"}})
    tiny.meters = tiny.meters.replace("b1;202312;electricity;1000\n", "")
    told = lines_of(build(tiny), "buildings")
    assert "buildings.geojson: 1 values of floor_area_m2 are no numbers, taken as unknown ('about 200')" in told
    assert "buildings.geojson: GDAL: Unsupported geometry type detected" in told
    assert "meters.csv: years of fewer than 12 months of electricity_kwh_2023 are taken as unknown: 1 features" in told
    assert "Unsupported" not in capfd.readouterr().err
