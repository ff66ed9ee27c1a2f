"""Rankings and series say what the tables say."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from grids.edition import Store

ZONES = "/api/town/collections/municipality"
GRID = "/api/town/collections/grid-500m"


def ranked(client: httpx.Client, address: str, **params: Any) -> dict[str, Any]:
    response = client.get(f"{address}/ranking", params=params)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("column", ["population", "buildings_tco2e", "transport_tco2e"])
def test_ranks_are_those_of_pandas(client: httpx.Client, small_store: Path, column: str, order: str) -> None:
    table = Store(small_store).open("town").table("grid-500m", 2022).to_pandas().set_index("id")
    document = ranked(client, GRID, column=column, order=order, year=2022, limit=1000)
    known = table[column].dropna()
    expected = known.rank(method="min", ascending=order == "asc")
    assert document["peers"] == len(table)
    assert document["unknown"] == len(table) - len(known)
    assert {one["id"]: one["rank"] for one in document["ranked"]} == expected.astype(int).to_dict()
    for one in document["ranked"]:
        assert one["value"] == known[one["id"]]
        assert one["ties"] == (known == one["value"]).sum()
        assert one["held"] == table["held"][one["id"]]
        assert one["percent_of_total"] == pytest.approx(100 * one["value"] / known.sum())
    values = [one["value"] for one in document["ranked"]]
    assert values == sorted(values, reverse=order == "desc")
    assert document["total"] == pytest.approx(known.sum())


def test_a_ranking_has_names_units_and_labels(client: httpx.Client, small_store: Path) -> None:
    table = Store(small_store).open("town").table("municipality", 2023).to_pandas().set_index("id")
    document = ranked(client, ZONES, column="buildings_tco2e", unit="t_per_ha", limit=1)
    density = table["buildings_tco2e"] / table["area_ha"]
    (first,) = document["ranked"]
    assert first["id"] == density.idxmax()
    assert first["value"] == pytest.approx(density.max())
    assert first["name"]["ko"] == table["name_ko"][first["id"]]
    assert first["percent_of_total"] is None
    assert document["total"] is None
    assert document["synthetic"] is True
    assert document["year"] == 2023


def test_parts_of_a_sum_of_two_signs_are_not_told(client: httpx.Client, small_store: Path) -> None:
    table = Store(small_store).open("town").table("grid-100m", 2023, ["net_tco2e"]).to_pandas()["net_tco2e"]
    assert (table > 0).any()
    assert (table < 0).any()
    document = ranked(client, "/api/town/collections/grid-100m", column="net_tco2e")
    assert document["total"] == pytest.approx(table.sum())
    assert {one["percent_of_total"] for one in document["ranked"]} == {None}


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_an_items_own_rank_is_told_wherever_it_stands(client: httpx.Client, order: str) -> None:
    asked = {"column": "buildings_tco2e", "order": order, "unit": "t_per_ha"}
    everyone = ranked(client, GRID, **asked, limit=1000)["ranked"]
    assert len(everyone) > 20
    for one in (everyone[0], everyone[len(everyone) // 2], everyone[-1]):
        document = ranked(client, GRID, **asked, limit=1, item=one["id"])
        assert document["item"] == one
        assert len(document["ranked"]) == 1
    assert ranked(client, GRID, **asked, limit=1)["item"] is None


def test_an_item_of_unknown_value_has_no_rank(client: httpx.Client, small_store: Path) -> None:
    table = Store(small_store).open("town").table("grid-500m", 2023).to_pandas().set_index("id")
    unknown = table["transport_tco2e"].isna()
    assert unknown.any()
    assert ranked(client, GRID, column="transport_tco2e", year=2023, item=unknown.idxmax())["item"] is None


def test_an_item_that_is_no_peer_is_refused(client: httpx.Client, small_store: Path) -> None:
    edition = Store(small_store).open("town")
    parents = edition.table("grid-1km", 2023, ["id", "row", "col"]).to_pandas()
    cells = edition.table("grid-500m", 2023, ["id", "row", "col"]).to_pandas()
    parent, cell = parents.iloc[3], cells.iloc[0]
    assert (cell["row"] // 2, cell["col"] // 2) != (parent["row"], parent["col"])
    for params in ({"item": "nowhere"}, {"item": cell["id"], "parent": parent["id"]}):
        response = client.get(f"{GRID}/ranking", params={"column": "net_tco2e", "year": 2023, **params})
        assert response.status_code == 404
        assert params["item"] in response.json()["detail"]


def test_peers_are_those_within_the_parent(client: httpx.Client, small_store: Path) -> None:
    edition = Store(small_store).open("town")
    parent = edition.table("grid-1km", 2023, ["id", "row", "col"]).to_pandas().iloc[3]
    table = edition.table("grid-500m", 2023, ["id", "row", "col"]).to_pandas()
    inside = table[(table["row"] // 2 == parent["row"]) & (table["col"] // 2 == parent["col"])]
    document = ranked(client, GRID, column="buildings_tco2e", parent=parent["id"])
    assert document["peers"] == len(inside) > 1
    assert {one["id"] for one in document["ranked"]} == set(inside["id"])


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 400),
        ({"column": "nix"}, 400),
        ({"column": "id"}, 400),
        ({"column": "held"}, 400),
        ({"column": "population", "unit": "t_per_ha"}, 400),
        ({"column": "net_tco2e", "order": "up"}, 400),
        ({"column": "net_tco2e", "limit": 1001}, 400),
        ({"column": "net_tco2e", "year": 1999}, 404),
        ({"column": "net_tco2e", "parent": "nowhere"}, 404),
        ({"column": "net_tco2e", "bogus": 1}, 400),
    ],
)
def test_rankings_that_cannot_be_made(client: httpx.Client, params: dict[str, Any], status: int) -> None:
    assert client.get(f"{GRID}/ranking", params=params).status_code == status


def test_a_collection_without_a_parent_refuses_one(client: httpx.Client) -> None:
    response = client.get(f"{ZONES}/ranking", params={"column": "net_tco2e", "parent": "x"})
    assert response.status_code == 400
    assert "no parent" in response.json()["detail"]


def test_series_are_the_tables_of_the_years(client: httpx.Client, small_store: Path) -> None:
    edition = Store(small_store).open("town")
    response = client.get(f"{ZONES}/timeseries", params={"ids": "north/enclave,west"})
    document = response.json()
    assert document["years"] == [2022, 2023]
    assert [one["id"] for one in document["series"]] == ["north/enclave", "west"]
    assert document["series"][0]["name"] == {"en": "Enclave", "ko": "월경지"}
    for k, year in enumerate(document["years"]):
        table = edition.table("municipality", year).to_pandas().set_index("id")
        for one in document["series"]:
            assert one["held"][k] == table["held"][one["id"]]
            assert {"net_tco2e", "net_sd_tco2e", "buildings_tco2e", "forest_sd_tco2e"} <= set(one["values"])
            for column, values in one["values"].items():
                expected = table[column][one["id"]]
                assert values[k] == (None if np.isnan(expected) else expected)
    again = client.get(str(response.url), headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


def test_series_of_columns_asked_for(client: httpx.Client) -> None:
    params = {"ids": "west", "properties": "population,buildings_metered_share"}
    (one,) = client.get(f"{ZONES}/timeseries", params=params).json()["series"]
    assert list(one["values"]) == ["population", "buildings_metered_share"]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 400),
        ({"ids": ""}, 400),
        ({"ids": "west,west"}, 400),
        ({"ids": "west,nowhere"}, 404),
        ({"ids": ",".join(map(str, range(101)))}, 400),
        ({"ids": "west", "properties": "name_en"}, 400),
        ({"ids": "west", "properties": "nix"}, 400),
        ({"ids": "west", "year": 2023}, 400),
    ],
)
def test_series_that_cannot_be_made(client: httpx.Client, params: dict[str, Any], status: int) -> None:
    assert client.get(f"{ZONES}/timeseries", params=params).status_code == status
