"""Cell codes: every stored oracle, round trips, and what is refused."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids.codes import KOREA_SIZES_M, CellCode, cell_codes, check_code_grid, parse_cell_code
from grids.errors import CellCodeError


@pytest.fixture(scope="module")
def oracles(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "science" / "oracles.json").read_text(encoding="utf-8"))


def test_every_korean_oracle(oracles: dict[str, Any]) -> None:
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:5179", always_xy=True)
    checked = 0
    for case in oracles["grid_kr"]["cases"]:
        east, north = case.get("E"), case.get("N")
        if "lon" in case:
            projected = to_plane.transform(case["lon"], case["lat"])
            if east is None:
                east, north = projected
            elif "id10" not in case:  # Dokdo is given to the hundredth of a degree only
                assert projected == pytest.approx((east, north), abs=1)
        for size in KOREA_SIZES_M:
            if str(size) in case:
                code = case[str(size)]
                assert cell_codes("korea", "EPSG:5179", [east], [north], size).tolist() == [code]
                cell = parse_cell_code(code)
                assert (cell.size_m, cell.east_m, cell.north_m) == (size, east // size * size, north // size * size)
                checked += 1
        if "id10" in case:
            assert cell_codes("korea", "EPSG:5179", [east], [north], 10).tolist() == [case["id10"]]
            checked += 1
        if "id" in case:
            cell = parse_cell_code(case["id"])
            assert [cell.east_m, cell.north_m] == case["sw"]
            assert cell.size_m == case.get("size", 10)
            assert cell_codes("korea", "EPSG:5179", [cell.east_m], [cell.north_m], cell.size_m).tolist() == [case["id"]]
            corner = to_plane.transform(cell.east_m, cell.north_m, direction="INVERSE")
            if "sw_lonlat" in case or "lonlat" in case:
                assert corner == pytest.approx(case.get("sw_lonlat", case.get("lonlat")), abs=2e-6)
            if "center_lonlat" in case:
                half = cell.size_m / 2
                centre = to_plane.transform(cell.east_m + half, cell.north_m + half, direction="INVERSE")
                assert centre == pytest.approx(case["center_lonlat"], abs=2e-6)
            checked += 1
    assert checked == 12


def test_every_european_oracle(oracles: dict[str, Any]) -> None:
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3035", always_xy=True)
    for case in oracles["grid_eu"]["cases"]:
        cell = parse_cell_code(case["long"])
        assert cell_codes("inspire", "EPSG:3035", [cell.east_m], [cell.north_m], cell.size_m).tolist() == [case["long"]]
        if "short" in case:
            assert parse_cell_code(case["short"]) == cell
        if "lon" in case:
            east, north = to_plane.transform(case["lon"], case["lat"])
            assert (east, north) == pytest.approx((case["E"], case["N"]), abs=0.1)
            assert cell_codes("inspire", "EPSG:3035", [east], [north], 1000).tolist() == [case["long"]]


def test_the_wrong_dokdo_of_the_press_lies_elsewhere() -> None:
    wrong, right = parse_cell_code("마사87872465"), parse_cell_code("사사87872465")
    assert right.east_m - wrong.east_m == 200_000


def test_the_example_cells_nest() -> None:
    big, half, small = (parse_cell_code(code) for code in ("다사6443", "다사64a43b", "다사644437"))
    for inner, outer in ((half, big), (small, half)):
        assert outer.east_m <= inner.east_m < outer.east_m + outer.size_m
        assert outer.north_m <= inner.north_m < outer.north_m + outer.size_m


def test_codes_of_another_crs_keep_its_number() -> None:
    codes = cell_codes("inspire", "EPSG:32642", np.array([512_345.6]), np.array([4_400_099.9]), 100)
    assert codes.tolist() == ["CRS32642RES100mN4400000E512300"]
    assert parse_cell_code(codes[0]) == CellCode("inspire", 32642, 512_300, 4_400_000, 100)


def test_short_form_with_zeros_of_250_m() -> None:
    assert parse_cell_code("250mN268425E433450") == CellCode("inspire", 3035, 4_334_500, 2_684_250, 250)


def test_decomposed_letters_are_read() -> None:
    assert parse_cell_code(unicodedata.normalize("NFD", "다사6443")) == parse_cell_code("다사6443")


@given(
    east=st.integers(700_000, 1_399_999),
    north=st.integers(1_300_000, 2_099_999),
    size=st.sampled_from(KOREA_SIZES_M),
)
def test_korean_round_trip(east: int, north: int, size: int) -> None:
    code = cell_codes("korea", "EPSG:5179", [east], [north], size)[0]
    assert parse_cell_code(code) == CellCode("korea", 5179, east // size * size, north // size * size, size)


@given(
    east=st.integers(0, 9_999_999),
    north=st.integers(0, 9_999_999),
    size=st.sampled_from([10, 25, 100, 250, 500, 1000, 10_000]),
)
def test_inspire_round_trip(east: int, north: int, size: int) -> None:
    code = cell_codes("inspire", "EPSG:32632", [east], [north], size)[0]
    assert parse_cell_code(code) == CellCode("inspire", 32632, east // size * size, north // size * size, size)


def test_many_codes_at_once() -> None:
    rng = np.random.default_rng(1)
    east, north = rng.integers(7000, 14000, 5000) * 100, rng.integers(13000, 21000, 5000) * 100
    codes = cell_codes("korea", "EPSG:5179", east, north, 100)
    again = [parse_cell_code(code) for code in codes.tolist()]
    assert [cell.east_m for cell in again] == east.tolist()
    assert [cell.north_m for cell in again] == north.tolist()


@pytest.mark.parametrize(
    "code",
    [
        "",
        "다사",
        "다사64434",
        "아사6443",
        "다자6443",
        "다사64a43",
        "다사64ab43a",
        "다사64c43a",
        "다사6443x",
        "CRS3035RES0mN0E0",
        "CRS3035RES1000mN2684500E4334000",
        "CRS3035RES1000mN-1000E0",
        "1kmN2684",
        "kmN2684E4334",
        "다사６４４３",
    ],
)
def test_what_is_no_code_is_named(code: str) -> None:
    with pytest.raises(CellCodeError, match=r"Cell code .*expected|Cell code .*corner|Cell code .*letters"):
        parse_cell_code(code)


@pytest.mark.parametrize(
    ("scheme", "crs", "east", "north", "size", "message"),
    [
        ("korea", "EPSG:5179", 699_999, 1_900_000, 100, "outside the Korean national grid"),
        ("korea", "EPSG:5179", 1_400_000, 1_900_000, 100, "outside the Korean national grid"),
        ("korea", "EPSG:5179", 900_000, 2_100_000, 100, "outside the Korean national grid"),
        ("korea", "EPSG:5179", 900_000, 1_900_000, 200, "no Korean cell code for 200 m"),
        ("korea", "EPSG:5186", 900_000, 1_900_000, 100, "belong to EPSG:5179"),
        ("inspire", "EPSG:3035", -1, 0, 100, "negative"),
        ("inspire", "+proj=laea +lat_0=40 +lon_0=67", 0, 0, 100, "no EPSG number"),
        ("inspire", "EPSG:none", 0, 0, 100, "unknown"),
        ("inspire", "EPSG:3035", 0, 0, 0, "above 0"),
        ("inspire", "EPSG:3035", float("nan"), 0, 100, "finite"),
        ("seoul", "EPSG:5186", 0, 0, 250, "'korea' or 'inspire'"),
    ],
)
def test_places_without_code_are_refused(
    scheme: Any, crs: str, east: float, north: float, size: int, message: str
) -> None:
    with pytest.raises(CellCodeError, match=message):
        cell_codes(scheme, crs, [east], [north], size)


def test_a_grid_shifted_against_its_codes_is_refused() -> None:
    with pytest.raises(CellCodeError, match="no multiple"):
        check_code_grid("inspire", "EPSG:32632", (50, 0), 100)


def test_many_codes_are_written_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    east, north = rng.integers(700_000, 1_400_000, 40_000), rng.integers(1_300_000, 2_100_000, 40_000)
    for size in KOREA_SIZES_M:
        codes = cell_codes("korea", "EPSG:5179", east, north, size)
        some = slice(0, None, 997)
        assert codes[some].tolist() == [
            cell_codes("korea", "EPSG:5179", [e], [n], size)[0] for e, n in zip(east[some], north[some], strict=True)
        ]
        corners = np.array([(parse_cell_code(code).east_m, parse_cell_code(code).north_m) for code in codes[some]])
        assert (corners == np.stack((east, north), axis=1)[some] // size * size).all()


def test_inspire_numbers_of_any_width_stand_beside_each_other() -> None:
    rng = np.random.default_rng(4)
    east, north = (10 ** rng.uniform(0, 9, (2, 40_000))).astype(np.int64)
    codes = cell_codes("inspire", "EPSG:3035", east, north, 10)
    assert codes.tolist() == [
        f"CRS3035RES10mN{n}E{e}" for e, n in zip((east // 10 * 10).tolist(), (north // 10 * 10).tolist(), strict=True)
    ]


def test_no_cells_have_no_codes() -> None:
    assert cell_codes("korea", "EPSG:5179", [], [], 100).tolist() == []
    assert cell_codes("inspire", "EPSG:3035", [], [], 100).tolist() == []
