"""Column names: documented, ordered, and complete in every language."""

import pytest

from grids.columns import (
    BASES,
    CARRIERS,
    LANGUAGES,
    METHODS,
    SECTORS,
    ColumnTable,
    UnknownColumn,
    in_pair_order,
    read_columns,
    value_columns,
)
from grids.errors import GridError


@pytest.fixture(scope="module")
def columns(project) -> ColumnTable:
    return read_columns(project / "data" / "schema")


def test_columns_of_two_sectors_written_out():
    names = value_columns(["forest", "buildings"], {"buildings": [("gas", "direct"), ("electricity", "indirect")]})
    assert names == [
        "year",
        "population",
        "buildings_tco2e",
        "forest_tco2e",
        "net_tco2e",
        "buildings_electricity_indirect_tco2e",
        "buildings_gas_direct_tco2e",
        "buildings_sd_tco2e",
        "forest_sd_tco2e",
        "net_sd_tco2e",
        "buildings_metered_share",
        "buildings_modelled_share",
        "buildings_default_share",
        "forest_metered_share",
        "forest_modelled_share",
        "forest_default_share",
        "buildings_coverage",
        "forest_coverage",
        "buildings_illustrative",
        "forest_illustrative",
    ]


def test_every_possible_name_is_documented_and_stays_in_order(columns):
    every = [(carrier, basis) for carrier in CARRIERS for basis in BASES]
    names = value_columns(SECTORS, dict.fromkeys(SECTORS, every))
    assert len(set(names)) == len(names)
    whole = ["id", "row", "col", "name_en", "name_ko", "parent_id", "year", "area_ha", *names[1:], "held"]
    assert columns.in_order(reversed(whole)) == whole
    for name in whole:
        column = columns.describe(name)
        assert all(column.label.values())
        assert all(column.meaning.values())
        assert "{" not in "".join(column.label.values())


def test_a_carrier_column_says_unit_and_words(columns):
    column = columns.describe("buildings_heat_indirect_tco2e")
    assert (column.type, column.unit, column.nullable) == ("float64", "tCO2e/a", True)
    assert column.label == {
        "en": "Buildings: district heat, indirect",
        "ko": "건물: 지역난방, 간접",
        "ru": "Здания: центральное тепло, косвенные",
        "uz": "Binolar: markaziy issiqlik, bilvosita",
    }


def test_language_stands_in_the_label_of_a_name(columns):
    assert columns.describe("name_ko").label["en"] == "Name (ko)"


def test_every_word_exists_in_every_language(columns):
    for kind, names in {"sector": SECTORS, "carrier": CARRIERS, "basis": BASES, "method": METHODS}.items():
        assert all(columns.word(kind, name, language) for name in names for language in LANGUAGES)


@pytest.mark.parametrize(
    "name", ["", "net", "buildings", "waste_tco2e", "buildings_steam_direct_tco2e", "row ", "net_coverage"]
)
def test_unknown_names_are_refused(columns, name):
    with pytest.raises(UnknownColumn, match=r"not documented in columns\.csv"):
        columns.describe(name)


def test_unknown_carrier_is_refused_by_name():
    with pytest.raises(UnknownColumn, match="unknown carrier 'steam'"):
        in_pair_order([("steam", "direct")])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(GridError, match=r"columns\.csv is missing"):
        read_columns(tmp_path)


def test_a_missing_field_is_named(tmp_path):
    (tmp_path / "columns.csv").write_text("name,type\n", encoding="utf-8")
    with pytest.raises(GridError, match=r"lacks the columns unit"):
        read_columns(tmp_path)
