"""Bad inputs of thirty and more kinds: each ends in one clear paragraph and exit code 2, never in a traceback.

Each case names what the message must say: the file, layer, key or feature at fault, and something of the remedy.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Spoil = Callable[[Any], None]
"""Spoils a tiny region before it is written."""

CASES: dict[str, tuple[Spoil, tuple[str, ...]]] = {}
"""Name -> what spoils the region, and what the message must say."""


def case(*says: str) -> Callable[[Spoil], Spoil]:
    def note(spoil: Spoil) -> Spoil:
        CASES[spoil.__name__] = (spoil, says)
        return spoil

    return note


# --- the region file --------------------------------------------------------------------------------------------------


@case("region.yaml", "'colour'", "unknown key")
def an_unknown_key(tiny):
    tiny.region["colour"] = "green"


@case("sources[0].colums", "Did you mean 'columns'", "line")
def a_misspelt_key_of_a_source(tiny):
    tiny.source("buildings")["colums"] = tiny.source("buildings").pop("columns")


@case("key 'currency'", "'EURO' is no currency of ISO 4217", "EUR, CHF or UZS")
def a_currency_that_is_none(tiny):
    tiny.region["currency"] = "EURO"


@case("key 'currency'", "did you mean CHF?")
def a_currency_in_small_letters(tiny):
    tiny.region["currency"] = "chf"


@case("key 'crs'", "missing")
def a_missing_key(tiny):
    del tiny.region["crs"]


@case("EPSG:4326", "geographic", "EPSG:326xx")
def a_geographic_crs(tiny):
    tiny.region["crs"] = "EPSG:4326"


@case("EPSG:2263", "metre")
def a_crs_in_feet(tiny):
    tiny.region["crs"] = "EPSG:2263"


@case("EPSG:999999", "not known")
def a_crs_that_does_not_exist(tiny):
    tiny.region["crs"] = "EPSG:999999"


@case("sizes_m", "do not nest")
def grids_that_do_not_nest(tiny):
    tiny.region["grid"]["sizes_m"] = [1000, 300]


@case("korea", "EPSG:5179", "EPSG:32632")
def korean_codes_in_another_crs(tiny):
    tiny.region["grid"]["codes"] = "korea"


@case("buildings", "more than once")
def a_source_id_twice(tiny):
    tiny.source("roads")["id"] = "buildings"


@case("disclosure", "dominance_percent above 0", "line")
def an_audit_that_asks_for_nothing(tiny):
    tiny.region["disclosure"] = {"audit": True, "dominance_percent": 0}


@case("'ward'", "district")
def a_boundary_that_names_no_zone_set(tiny):
    tiny.region["boundary"] = {"zone_set": "ward"}


@case("parent", "'ward'")
def a_parent_that_does_not_exist(tiny):
    tiny.region["zone_sets"][0]["parent"] = "ward"


@case("years", "list")
def years_that_are_no_list(tiny):
    tiny.region["years"] = "last year"


@case("file", "relative")
def a_path_out_of_the_inputs_folder(tiny):
    tiny.source("roads")["file"] = "../../etc/passwd"


@case("file", "remote")
def a_remote_address(tiny):
    tiny.source("roads")["file"] = "https://example.org/roads.geojson"


@case("buildings.eui.ofice", "Did you mean")
def an_assumption_with_a_misspelt_id(tiny):
    entry = {"value": 1, "unit": "kWh/m2/yr", "low": 1, "high": 2, "author": "x", "reason": "y"}
    tiny.region["assumptions"]["buildings.eui.ofice"] = entry


@case("transport.aadt.residential", "unit")
def an_assumption_in_the_wrong_unit(tiny):
    tiny.region["assumptions"]["transport.aadt.residential"]["unit"] = "kg"


@case("transport.aadt.residential", "reason")
def an_assumption_without_a_reason(tiny):
    del tiny.region["assumptions"]["transport.aadt.residential"]["reason"]


@case(
    "no_such_factor",
)
def an_override_that_names_no_factor(tiny):
    tiny.region["factors"] = {"electricity": "no_such_factor"}


@case("transport.aadt.residential", "assumptions")
def a_gap_that_nobody_fills(tiny):
    del tiny.region["assumptions"]["transport.aadt.residential"]


@case("sizes_m[0]", "100000000")
def cells_larger_than_the_earth(tiny):
    tiny.region["grid"]["sizes_m"] = [10**30]


@case("sizes_m[0]", "true")
def a_cell_size_that_yaml_reads_as_true(tiny):
    tiny.region["grid"]["sizes_m"] = [True]


@case("origin_m[0]", "0.5")
def a_grid_origin_between_metres(tiny):
    tiny.region["grid"]["origin_m"] = [0.5, 0]


@case("boundary.bounds[2]", "finite")
def a_boundary_without_end(tiny):
    tiny.region["boundary"] = {"bounds": [0, 0, float("inf"), 1]}


@case("h3_resolutions", "8", "more than once")
def a_hexagon_resolution_twice(tiny):
    tiny.region["h3_resolutions"] = [8, 8]


@case("cells", "coarser")
def cells_finer_than_memory_holds(tiny):
    tiny.region["grid"]["sizes_m"] = [10, 1]
    tiny.region["boundary"] = {"bounds": [500_000, 5_200_000, 600_000, 5_300_000]}


@case("inner", "more than one zone", "nest")
def zones_that_do_not_nest_in_their_parents(tiny):
    zones = tiny.layers["zones.geojson"]
    inner = {"type": "Feature", "properties": {"code": "inner", "name": "Inner"}}
    ring = [
        [540_500, 5_220_500],
        [541_500, 5_220_500],
        [541_500, 5_221_500],
        [540_500, 5_221_500],
        [540_500, 5_220_500],
    ]
    inner["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    tiny.layers["wards.geojson"] = {**zones, "features": [inner]}
    tiny.region["zone_sets"].append(
        {
            "id": "ward",
            "title": {"en": "Ward"},
            "file": "wards.geojson",
            "columns": {"id": "code"},
            "parent": "district",
        }
    )


# --- files ------------------------------------------------------------------------------------------------------------


@case("bildings.geojson", "buildings.geojson")
def a_file_that_is_not_there(tiny):
    tiny.source("buildings")["file"] = "bildings.geojson"


@case("'storeys'", "floors")
def a_column_that_does_not_exist(tiny):
    tiny.source("buildings")["columns"]["levels"] = "storeys"


@case("layer", "'houses'")
def a_layer_that_does_not_exist(tiny):
    tiny.source("buildings")["layer"] = "houses"


@case("roads", "Polygon")
def polygons_for_roads(tiny):
    tiny.source("roads")["file"] = "forest.geojson"
    tiny.source("roads")["columns"] = {"id": "sid"}


@case("buildings.geojson", "b1")
def two_features_with_one_id(tiny):
    tiny.layers["buildings.geojson"]["features"][1]["properties"]["bid"] = "b1"


@case("east", "west", "m2")
def zones_that_overlap(tiny):
    ring = tiny.layers["zones.geojson"]["features"][0]["geometry"]["coordinates"][0]
    for corner in ring:
        if corner[0] == 541_000:
            corner[0] = 541_300


@case("zones.geojson", "code")
def a_zone_without_id(tiny):
    tiny.layers["zones.geojson"]["features"][0]["properties"]["code"] = None


@case("district", "west")
def a_zone_id_twice(tiny):
    tiny.layers["zones.geojson"]["features"][1]["properties"]["code"] = "west"


@case("buildings.geojson", "no feature")
def an_empty_layer(tiny):
    tiny.layers["buildings.geojson"]["features"] = []


@case(
    "buildings",
)
def buildings_on_another_continent(tiny):
    for feature in tiny.layers["buildings.geojson"]["features"]:
        for corner in feature["geometry"]["coordinates"][0]:
            corner[0] += 300_000
            corner[1] -= 3_000_000


@case("boundary", "coverage")
def a_coverage_elsewhere(tiny):
    tiny.source("roads")["coverage"] = {"bounds": [0, 0, 1000, 1000]}


@case("roads", "aadt", "r1", "vehicles per day")
def more_traffic_than_any_road_carries(tiny):
    tiny.layers["roads.geojson"]["features"][0]["properties"]["count"] = 6_000_000


@case("meters.csv", "'amount'")
def meters_without_their_column(tiny):
    tiny.meters = tiny.meters.replace("amount", "kWh", 1)


@case("meters.csv", "gassy")
def meters_of_an_unknown_carrier(tiny):
    tiny.meters = tiny.meters.replace(";electricity;", ";gassy;")


@case("meters.csv", "comma")
def meters_with_decimal_commas(tiny):
    tiny.meters = tiny.meters.replace(";1000\n", ";1000,5\n")


@case("meters.csv", "none of its 3 keys", "x1", "b1")
def meters_whose_keys_no_building_has(tiny):
    tiny.meters = tiny.meters.replace("\nb", "\nx")


@case("meters.csv", "b1", "more than any number")
def meters_that_add_up_to_infinity(tiny):
    tiny.meters = tiny.meters.replace(";1000\n", ";1.7e308\n")


@case("meters.csv", "'zlib'", "encoding")
def a_codec_that_is_no_encoding(tiny):
    tiny.source("buildings")["joins"][0]["encoding"] = "zlib"


@case("zones.geojson", "west", "no geometry")
def a_zone_without_geometry(tiny):
    tiny.layers["zones.geojson"]["features"][0]["geometry"] = None


@case("forest.geojson", "not on earth")
def a_stand_beyond_the_sky(tiny):
    corners = [[-1e300, -1e300], [1e300, -1e300], [1e300, 1e300], [-1e300, -1e300]]
    tiny.layers["forest.geojson"]["features"][0]["geometry"] = {"type": "Polygon", "coordinates": [corners]}


@case("transport.aadt.primary", "assumptions")
def a_list_where_a_count_should_be(tiny):
    tiny.layers["roads.geojson"]["features"][0]["properties"]["count"] = [10000, 12000]


@case("transport.aadt.primary", "assumptions")
def a_count_of_hundreds_of_digits(tiny):
    tiny.layers["roads.geojson"]["features"][0]["properties"]["count"] = "9" * 400


# --- files spoilt after they are written ------------------------------------------------------------------------------

BYTES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {}


def bytes_case(*says: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def note(spoil: Callable[[Path], None]) -> Callable[[Path], None]:
        BYTES[spoil.__name__] = (spoil, says)
        return spoil

    return note


@bytes_case("buildings.geojson", "truncated")
def a_truncated_file(folder):
    file = folder / "buildings.geojson"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@bytes_case(
    "buildings.geojson",
)
def a_file_of_noise(folder):
    (folder / "buildings.geojson").write_bytes(bytes(range(256)) * 40)


@bytes_case("region.yaml", "line")
def yaml_that_is_not_yaml(folder):
    (folder / "region.yaml").write_text("id: [tiny\ncrs: }", encoding="utf-8")


def yaml_case(name: str, more: str, *says: str) -> None:
    """A region file with something added at its end."""

    def spoil(folder: Path) -> None:
        file = folder / "region.yaml"
        file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")

    BYTES[name] = (spoil, ("region.yaml", *says))


_BOMB = "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}' if n else 'x'] * 10)}]\n" for n in range(10))
yaml_case("yaml_whose_aliases_explode", _BOMB, "200,000 values", "aliases")
yaml_case("yaml_that_holds_itself", "loop: &loop [*loop]\n", "40 levels", "alias")
yaml_case("yaml_nested_without_end", f"deep: {'[' * 5000}{']' * 5000}\n", "40 levels")
yaml_case("yaml_that_would_run_code", "x: !!python/object/apply:os.system ['true']\n", "line", "python/object")
yaml_case("yaml_with_a_list_as_key", "? [1, 2]\n: 3\n", "line", "unhashable")
yaml_case("yaml_with_a_date_that_is_none", "x: 2023-13-45\n", "month", "quotes")
yaml_case("yaml_with_thousands_of_digits", f"x: {'9' * 5000}\n", "digits", "quotes")
yaml_case("a_region_file_of_megabytes", f"# {'x' * 1_000_000}\n", "larger than 1 MB")


@bytes_case("region.yaml", "UTF-8")
def a_region_file_in_another_encoding(folder):
    (folder / "region.yaml").write_bytes("id: tiny\nname: {ko: 작은 곳}\n".encode("cp949"))


@bytes_case("region.yaml", "mapping")
def an_empty_region_file(folder):
    (folder / "region.yaml").write_text("", encoding="utf-8")


@bytes_case("region.yaml", "given twice", "line")
def a_key_given_twice(folder):
    file = folder / "region.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "\nid: again\n", encoding="utf-8")


@bytes_case(
    "meters.csv",
)
def meters_in_another_encoding(folder):
    file = folder / "meters.csv"
    file.write_bytes(file.read_text(encoding="utf-8").replace("b1", "건물1").encode("cp949"))


@bytes_case("zones.geojson", "CRS")
def coordinates_that_contradict_their_crs(folder):
    file = folder / "zones.geojson"
    document = json.loads(file.read_text(encoding="utf-8"))
    del document["crs"]  # GeoJSON without crs is longitude and latitude; these are metres
    file.write_text(json.dumps(document), encoding="utf-8")


def complain(tiny, command, says: tuple[str, ...]) -> None:
    before = sorted(path.name for path in tiny.folder.rglob("*"))
    code, out, error = command("build", tiny.file, "--store", tiny.store, "--quiet")
    assert code == 2, out + error
    assert "Traceback" not in error
    assert error.startswith("carbonmap: ")
    assert error.strip().count("\n") < 12, error
    for words in says:
        assert words in error, error
    published = [path for path in tiny.store.rglob("*") if path.is_file() and ".incoming" not in path.parts]
    assert published == []
    assert [name for name in before if not (tiny.folder / name).exists() and "store" not in name] == []


@pytest.mark.parametrize("name", CASES)
def test_bad_input_ends_in_a_clear_paragraph(name, tiny, command):
    spoil, says = CASES[name]
    spoil(tiny)
    tiny.write()
    complain(tiny, command, says)


@pytest.mark.parametrize("name", BYTES)
def test_spoilt_file_ends_in_a_clear_paragraph(name, tiny, command):
    spoil, says = BYTES[name]
    tiny.write()
    spoil(tiny.folder)
    complain(tiny, command, says)


def test_there_are_thirty_kinds_and_more():
    assert len(CASES) + len(BYTES) >= 30


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build"], "REGION"),
        (["build", "atlantis"], "atlantis"),
        (["build", "no/such/file.yaml"], "no such file"),
        (["serve", "--store", "no-such-store"], "no-such-store"),
        (["info", "--store", "no-such-store", "atlantis"], "no-such-store"),
        (["serve", "--port", "70000"], "65535"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_wrong_commands_explain_themselves(arguments, says, command):
    code, _, error = command(*arguments)
    assert code == 2
    assert says in error
    assert "Traceback" not in error


def test_check_reports_every_mistake_and_says_it_cannot_be_built(tiny, command):
    tiny.source("buildings")["columns"]["levels"] = "storeys"
    tiny.source("roads")["columns"]["aadt"] = "counts"
    code, out, _ = command("check", tiny.write())
    assert code == 2
    assert "storeys" in out
    assert "counts" in out
    assert "cannot be built" in out


def test_check_of_a_good_region_says_what_is_in_it(tiny, command):
    code, out, _ = command("check", tiny.write())
    assert code == 0, out
    for words in (
        "4 of 4 features kept",
        "2 of 2 features kept",
        "2 zones",
        "100.0% of the region's ground",
        "can be built",
    ):
        assert words in out
    assert not tiny.store.exists()


def test_a_mistake_of_the_program_itself_shows_no_traceback(tiny, command, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("carbonmap.plan.read_ground", broken)
    code, _, error = command("build", tiny.write(), "--store", tiny.store)
    assert code == 1
    assert "boom" in error
    assert "Traceback" not in error


def test_ctrl_c_is_answered_with_a_sentence_and_publishes_nothing(tiny, command, monkeypatch):
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("carbonmap.build.manifest_of", stopped)
    code, _, error = command("build", tiny.write(), "--store", tiny.store, "--quiet")
    assert code == 130
    assert error == (
        "carbonmap: stopped before it was done; a build that is stopped publishes nothing, and goes on from the parts "
        "that are done when it is started again\n"
    )
    # Nothing but the lock and the parts that are done, which the next build needs no more once it is published.
    left = [path for path in tiny.store.rglob("*") if path.is_file() and "tiny.work" not in path.parts]
    assert [path.name for path in left] == ["tiny.lock"]
    monkeypatch.undo()
    code, _, log = command("build", tiny.write(), "--store", tiny.store)
    assert code == 0
    assert "done before" in log
    assert not (tiny.store / ".incoming" / "tiny.work").exists()


def test_out_of_memory_in_a_library_is_told_as_such(tiny, command, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("std::bad_alloc")

    monkeypatch.setattr("carbonmap.plan.read_ground", full)
    code, _, error = command("build", tiny.write(), "--store", tiny.store, "--quiet")
    assert code == 2
    assert error.startswith("carbonmap: out of memory.")
