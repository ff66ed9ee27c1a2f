"""The whole build on a region small enough to check by hand."""

import copy
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from carbonmap.build import Built, build_region
from carbonmap.errors import RegionError
from carbonmap.progress import Silent
from grids.edition import Edition, Store

ELECTRICITY_2023 = 0.4173e-3  # tCO2e per kWh (kr_elec_2023)
METERED_KWH = {"b1": 12_000, "b2": 24_000, "b4": 3_600}
GRIDS = ("grid-1km", "grid-500m", "grid-100m")
COLLECTIONS = (*GRIDS, "district", "h3-8")


def build(tiny) -> tuple[Built, Edition]:
    built = build_region(tiny.write(), None, tiny.store, progress=Silent())
    return built, Store(tiny.store).open("tiny")


def table(edition: Edition, collection: str) -> pd.DataFrame:
    return edition.table(collection).to_pandas().set_index("id")


def lines(edition: Edition, layer: str) -> pd.DataFrame:
    return pd.read_parquet(edition.private("lines", layer))


def test_every_collection_adds_up_to_the_same_total(tiny):
    _, edition = build(tiny)
    totals = edition.manifest.totals[2023]
    for collection in COLLECTIONS:
        rows = table(edition, collection)
        for sector in ("buildings", "transport", "forest"):
            assert rows[f"{sector}_tco2e"].sum() == pytest.approx(totals[sector], rel=1e-9), (collection, sector)


def test_metered_electricity_times_the_factor_of_its_year(tiny):
    _, edition = build(tiny)
    expected = sum(METERED_KWH.values()) * ELECTRICITY_2023
    metered = lines(edition, "buildings").query("method == 'metered'")
    assert metered["emissions_tco2e"].sum() == pytest.approx(expected, rel=1e-12)
    assert set(metered["factor_id"]) == {"kr_elec_2023"}


def test_a_building_without_meter_is_modelled_from_its_floor_area(tiny):
    _, edition = build(tiny)
    b3 = lines(edition, "buildings").query("feature == 2")
    assert set(b3["method"]) <= {"modelled", "default"}
    assert set(b3["carrier"]) >= {"electricity", "gas"}
    assert (b3["emissions_tco2e"] > 0).all()


def test_a_road_on_the_border_of_cells_belongs_to_the_cells_above_it_once(tiny):
    _, edition = build(tiny)
    road = lines(edition, "roads").query("feature == 0")["emissions_tco2e"].sum()
    shares = pd.read_parquet(edition.private("shares", "roads.grid-1km")).query("feature == 0")
    assert shares["share"].tolist() == pytest.approx([0.5, 0.5])
    cells = table(edition, "grid-1km")
    holding = cells.index[shares["target"]]
    assert sorted(holding) == ["CRS32632RES1000mN5221000E540000", "CRS32632RES1000mN5221000E541000"]
    upper = cells.loc[holding, "transport_tco2e"].sum()
    assert upper > road


def test_net_adds_up_with_a_road_on_the_edge_of_the_region(tiny):
    """The cells to the right of it have no ground in the region; nothing is unknown there."""
    edge = {"type": "LineString", "coordinates": [[542_000, 5_220_000], [542_000, 5_220_500]]}
    properties = {"rid": "r3", "class": "residential", "count": 500, "speed": 30}
    tiny.layers["roads.geojson"]["features"].append({"type": "Feature", "properties": properties, "geometry": edge})
    _, edition = build(tiny)
    assert "CRS32632RES1000mN5220000E542000" in table(edition, "grid-1km").index
    for collection in GRIDS:
        assert table(edition, collection)["net_tco2e"].sum() == pytest.approx(edition.manifest.totals[2023]["net"])


def test_what_lies_outside_the_region_is_counted_as_outside(tiny):
    _, edition = build(tiny)
    roads = pd.read_parquet(edition.private("features", "roads"))
    assert roads["outside_share"].tolist() == pytest.approx([0.0, 200 / 2200])
    report = next(layer.report for layer in edition.manifest.layers if layer.id == "roads")
    assert report["partly_outside"] == 1
    whole = lines(edition, "roads").groupby("feature")["emissions_tco2e"].sum()
    published = edition.manifest.totals[2023]["transport"]
    assert published == pytest.approx(whole[0] + whole[1] * 2000 / 2200, rel=1e-12)


def test_forest_removes(tiny):
    _, edition = build(tiny)
    forest = table(edition, "grid-100m")["forest_tco2e"]
    stand_ha = 600 * 700 / 10_000
    # Tier 1, temperate continental (METHODS C4): G (1 + R) CF 44/12, 4.0 t d.m./ha; between both leaf types' R.
    per_ha = -forest.sum() / stand_ha
    assert 4.0 * 1.2 * 0.47 * 44 / 12 < per_ha < 4.0 * 1.4 * 0.51 * 44 / 12
    assert forest.min() < 0
    assert forest.max() == 0


def test_net_is_the_sum_of_the_sectors(tiny):
    _, edition = build(tiny)
    for collection in COLLECTIONS:
        rows = table(edition, collection)
        parts = rows["buildings_tco2e"] + rows["transport_tco2e"] + rows["forest_tco2e"]
        np.testing.assert_allclose(rows["net_tco2e"], parts, rtol=1e-12, atol=1e-12)


def test_a_zone_with_too_few_private_meters_is_held(tiny):
    _, edition = build(tiny)
    rows = table(edition, "district")
    b3 = lines(edition, "buildings").query("feature == 2")["emissions_tco2e"].sum()
    true_east = b3 + METERED_KWH["b4"] / 2 * ELECTRICITY_2023
    assert rows.loc["east", "held"]
    assert abs(rows.loc["east", "buildings_tco2e"] - true_east) > 1e-3
    assert rows.loc["east", "buildings_metered_share"] == 0


def test_nothing_is_held_when_the_meters_are_open(tiny):
    tiny.source("buildings")["open"] = True
    _, edition = build(tiny)
    rows = table(edition, "district")
    assert not rows["held"].any()
    assert rows.loc["east", "buildings_metered_share"] > 0


def test_sectors_that_rest_on_assumptions_are_illustrative(tiny):
    _, edition = build(tiny)
    assert edition.manifest.illustrative == {"buildings": False, "transport": True, "forest": False}
    used = {entry["id"] for entry in edition.manifest.assumptions}
    assert used >= {"transport.aadt.residential", "transport.fleet"}


def test_a_sector_without_source_is_unknown_not_zero(tiny):
    tiny.region["sources"] = [source for source in tiny.region["sources"] if source["id"] != "forest"]
    _, edition = build(tiny)
    rows = table(edition, "grid-1km")
    assert "forest_tco2e" not in rows.columns or rows["forest_tco2e"].isna().all()


def test_outside_a_sources_coverage_values_are_unknown_and_net_too(tiny):
    tiny.source("roads")["coverage"] = {"bounds": [540_000, 5_220_000, 541_000, 5_222_000]}
    _, edition = build(tiny)
    rows = table(edition, "district")
    assert rows.loc["west", "transport_coverage"] == pytest.approx(1.0)
    assert np.isnan(rows.loc["east", "transport_tco2e"])
    assert np.isnan(rows.loc["east", "net_tco2e"])
    assert rows.loc["west", "net_tco2e"] == pytest.approx(
        rows.loc["west", ["buildings_tco2e", "transport_tco2e", "forest_tco2e"]].sum()
    )


def test_net_is_unknown_where_a_sector_is_only_partly_covered(tiny):
    tiny.source("roads")["coverage"] = {"bounds": [540_000, 5_220_000, 541_500, 5_222_000]}
    _, edition = build(tiny)
    rows = table(edition, "district")
    assert rows.loc["east", "transport_coverage"] == pytest.approx(0.5)
    assert rows.loc["east", "transport_tco2e"] > 0
    assert np.isnan(rows.loc["east", "net_tco2e"])
    assert edition.manifest.totals[2023]["net"] is None


def test_the_same_build_twice_gives_the_same_bytes_and_the_same_edition(tiny, tmp_path):
    first, _ = build(tiny)
    second = build_region(tiny.file, None, tmp_path / "other", progress=Silent())
    assert first.edition == second.edition
    folders = [first.store / "tiny" / first.edition, second.store / "tiny" / second.edition]
    files = [{p.relative_to(f): p.read_bytes() for p in sorted(f.rglob("*")) if p.is_file()} for f in folders]
    assert files[0].keys() == files[1].keys()
    assert [name for name in files[0] if files[0][name] != files[1][name]] == []


def test_a_second_build_of_the_same_inputs_only_serves_what_is_there(tiny):
    first, _ = build(tiny)
    again, _ = build(tiny)
    assert again.edition == first.edition
    assert again.seconds is None


def test_work_that_a_build_left_when_it_was_killed_after_publishing_is_cleared_by_the_next(tiny):
    first, _ = build(tiny)
    left = tiny.store / ".incoming" / "tiny.work" / first.edition / "buildings" / "00000"
    left.mkdir(parents=True)
    again, _ = build(tiny)
    assert again.seconds is None
    assert not (tiny.store / ".incoming" / "tiny.work").exists()


def test_another_input_is_another_edition_and_the_old_one_stays(tiny):
    first, _ = build(tiny)
    tiny.meters = tiny.meters.replace(";1000", ";1001")
    second, edition = build(tiny)
    assert second.edition != first.edition
    assert edition.id == second.edition
    assert Store(tiny.store).open("tiny", first.edition).id == first.edition


def test_the_manifest_says_what_became_of_every_feature(tiny):
    _, edition = build(tiny)
    for layer in edition.manifest.layers:
        report = layer.report
        accounted = sum(int(report[key]) for key in ("kept", "filtered", "outside", "empty", "duplicates"))
        assert report["read"] == accounted + len(report["refused"])
    names = {entry.file for entry in edition.manifest.inputs}
    assert names == {"buildings.geojson", "forest.geojson", "meters.csv", "roads.geojson", "zones.geojson"}


def test_the_manifest_tells_one_region_file_from_another(tiny):
    _, first = build(tiny)
    _, again = build(tiny)
    tiny.region["name"]["en"] += " and more"
    _, renamed = build(tiny)
    assert len(first.manifest.region_file) == 64
    assert again.manifest.region_file == first.manifest.region_file
    assert renamed.manifest.region_file != first.manifest.region_file


def test_residuals_are_written_down_for_every_collection(tiny):
    _, edition = build(tiny)
    residuals = edition.manifest.residuals
    assert set(residuals) == set(COLLECTIONS)
    for balances in residuals.values():
        assert balances
        assert max(balance.residual for balance in balances) < 1e-9


def test_the_worst_feature_of_every_collection_is_written_down_and_told(tiny, command):
    _, edition = build(tiny)
    closure = edition.manifest.closure
    assert set(closure) == set(COLLECTIONS)
    for by_layer in closure.values():
        assert set(by_layer) == {"buildings", "roads", "forest"}
        assert max(by_layer.values()) <= 1e-9
    assert "worst feature: its parts miss it by" in command("info", "tiny", "--store", tiny.store)[1]


def test_no_private_value_stands_in_the_public_manifest(tiny):
    tiny.layers["buildings.geojson"]["features"][3]["geometry"]["coordinates"] = [[[0, 0], [1, 1], [0, 0]]]
    _, edition = build(tiny)
    text = json.dumps(edition.manifest.public())
    assert '"b4"' not in text


def people(tiny, *numbers: int | None) -> None:
    """A source of residents: one number for the west, one for the east; fewer leave zones out."""
    zones = tiny.layers["zones.geojson"]
    features = [
        {**zone, "properties": {"code": zone["properties"]["code"], "people": number}}
        for zone, number in zip(zones["features"], numbers, strict=False)
    ]
    tiny.layers["people.geojson"] = {**zones, "features": features}
    columns = {"id": "code", "population": "people"}
    tiny.region["sources"].append(
        {"id": "people", "sector": "population", "file": "people.geojson", "columns": columns}
    )


def test_population_is_shared_out_by_area_and_nobody_lives_where_its_source_has_no_feature(tiny):
    people(tiny, 2000)
    _, edition = build(tiny)
    rows = table(edition, "district")
    assert rows["population"].to_dict() == {"west": pytest.approx(2000), "east": 0}
    cells = table(edition, "grid-1km")
    assert cells.loc["CRS32632RES1000mN5220000E540000", "population"] == pytest.approx(1000)
    assert cells.loc["CRS32632RES1000mN5220000E541000", "population"] == 0


def test_population_is_unknown_where_no_source_speaks(tiny):
    people(tiny, 2000)
    tiny.source("people")["coverage"] = {"bounds": [540_000, 5_220_000, 541_000, 5_222_000]}
    _, edition = build(tiny)
    rows = table(edition, "district")
    assert rows.loc["west", "population"] == pytest.approx(2000)
    assert np.isnan(rows.loc["east", "population"])


def test_a_population_that_its_source_does_not_know_is_not_zero(tiny):
    people(tiny, 2000, None)
    _, edition = build(tiny)
    rows = table(edition, "district")
    assert rows.loc["west", "population"] == pytest.approx(2000)
    assert np.isnan(rows.loc["east", "population"])


def test_inputs_may_lie_elsewhere(tiny, tmp_path):
    tiny.write()
    elsewhere = tmp_path / "file-only"
    elsewhere.mkdir()
    moved = elsewhere / "region.yaml"
    moved.write_bytes(tiny.file.read_bytes())
    built = build_region(moved, tiny.folder, tmp_path / "s", progress=Silent())
    assert isinstance(built.store, Path)
    assert built.edition == build_region(tiny.file, None, tiny.store, progress=Silent()).edition


def test_an_incomplete_source_makes_no_zeros_and_no_net(tiny):
    tiny.source("roads")["complete"] = False
    _, edition = build(tiny)
    rows = table(edition, "grid-500m")
    empty = rows["transport_tco2e"].isna()
    assert empty.any()
    assert (rows.loc[~empty, "transport_tco2e"] > 0).all()
    assert rows["net_tco2e"].isna().all()
    assert rows["buildings_tco2e"].notna().all()
    layer = next(layer for layer in edition.manifest.layers if layer.id == "roads")
    assert not layer.complete


def test_ground_of_two_forest_maps_counts_once_as_the_first(tiny):
    once = build(tiny)[1].manifest.totals[2023]["forest"]
    tiny.layers["woods.geojson"] = tiny.layers["forest.geojson"]
    tiny.region["sources"].append({**tiny.source("forest"), "id": "woods", "file": "woods.geojson"})
    corner = [540_000 + 100, 5_220_000 + 1500]
    square = [
        corner,
        [corner[0] + 100, corner[1]],
        [corner[0] + 100, corner[1] + 100],
        [corner[0], corner[1] + 100],
        corner,
    ]
    second = {"type": "Feature", "properties": {"sid": "s2", "cover": "tree_mixed"}}
    tiny.layers["woods.geojson"] = {
        **tiny.layers["forest.geojson"],
        "features": [
            *tiny.layers["forest.geojson"]["features"],
            {**second, "geometry": {"type": "Polygon", "coordinates": [square]}},
        ],
    }
    _, edition = build(tiny)
    assert edition.manifest.totals[2023]["forest"] == pytest.approx(once * (42 + 1) / 42, rel=1e-5)
    report = next(layer.report for layer in edition.manifest.layers if layer.id == "woods")
    assert [entry["id"] for entry in report["refused"]] == ["s1"]


def test_implausible_values_are_told_in_the_manifest_and_at_the_end(tiny):
    tiny.layers["buildings.geojson"]["features"][0]["properties"]["floors"] = 900
    built, edition = build(tiny)
    report = next(layer.report for layer in edition.manifest.layers if layer.id == "buildings")
    assert any("levels outside" in warning and "b1" in warning for warning in report["warnings"])
    assert any("levels outside" in line for line in built.summary())


def test_a_meter_file_appended_twice_is_refused_unless_the_region_file_says_what_to_do(tiny, command):
    _, plain = build(tiny)
    once = lines(plain, "buildings")
    tiny.meters += "\n".join(tiny.meters.splitlines()[1:]) + "\n"
    code, _, error = command("build", tiny.write(), "--store", tiny.store)
    assert code == 2
    assert "36 of its 72 rows repeat another one" in " ".join(error.split())
    assert "repeats: once" in error
    code, out, _ = command("check", tiny.file)
    assert code == 2
    assert "36 of its 72 rows repeat another one" in " ".join(out.split())

    tiny.source("buildings")["joins"][0]["repeats"] = "once"
    built, edition = build(tiny)
    assert any("meters.csv: 36 rows repeat another one and count once" in line for line in built.summary())
    pd.testing.assert_frame_equal(lines(edition, "buildings"), once)
    tiny.source("buildings")["joins"][0]["repeats"] = "sum"
    built, edition = build(tiny)
    assert any("meters.csv: 36 rows repeat another one and add up" in line for line in built.summary())
    metered = once["method"] == "metered"
    assert metered.any()
    twice = lines(edition, "buildings")
    np.testing.assert_allclose(twice["emissions_tco2e"][metered], 2 * once["emissions_tco2e"][metered], rtol=1e-12)
    code, out, _ = command("check", tiny.file)
    assert code == 0
    assert "which add up" in " ".join(out.split())


class Meddler(Silent):
    """Writes to an input when a step begins."""

    def __init__(self, step: str, path: Path, text: str) -> None:
        self.begins, self.path, self.text = step, path, text

    def step(self, what: str) -> None:
        if what.endswith(self.begins):
            self.path.write_text(self.text)


@pytest.mark.parametrize("step", ["reading zones", "buildings: reading and sharing out", "grid-100m"])
@pytest.mark.parametrize("name", ["meters.csv", "forest.geojson", "zones.geojson"])
def test_an_input_that_changes_during_a_build_is_in_no_edition(tiny, step, name):
    file = tiny.write()
    whole = build_region(file, None, tiny.folder / "other", progress=Silent())
    path = tiny.folder / name
    before = path.read_text()
    after = before.replace(";1000", ";9000") if name == "meters.csv" else before.replace("\n", "  \n") + " "
    with pytest.raises(RegionError, match=f"{name} changed while the region was built; nothing was published"):
        build_region(file, None, tiny.store, progress=Meddler(step, path, after))
    assert not (tiny.store / "tiny" / "current").exists()
    path.write_text(before)
    again = build_region(file, None, tiny.store, progress=Silent())
    assert again.edition == whole.edition
    assert again.manifest.totals == whole.manifest.totals


@pytest.mark.parametrize("x", [5e7, 2e8])
@pytest.mark.parametrize("layer", ["buildings.geojson", "forest.geojson"])
def test_a_feature_with_a_vertex_where_no_place_is_is_refused_by_its_id(tiny, layer, x):
    tiny.layers[layer] = copy.deepcopy(tiny.layers[layer])
    features = tiny.layers[layer]["features"]
    features.append(copy.deepcopy(features[-1]))
    features[-1]["properties"] |= {"bid": "astray", "sid": "astray"}
    features[-1]["geometry"]["coordinates"][0][2][0] = x
    _, edition = build(tiny)
    (report,) = [each.report for each in edition.manifest.layers if each.report["file"] == layer]
    assert len(report["refused"]) == 1
    assert report["left_out"]["amounts"] == {}
