"""Collections and distributions."""

from typing import Any

import httpx
import numpy as np
import pytest

from api.models import CollectionOut, Collections, Distribution, JsonSchema, Problem
from grids.edition import Store

GRID = "/api/town/collections/grid-500m"


def test_collections_in_the_order_of_the_build(client: httpx.Client) -> None:
    told = Collections.model_validate_json(client.get("/api/town/collections").content)
    assert [one.id for one in told.collections] == ["grid-1km", "grid-500m", "grid-100m", "municipality", "h3-8"]
    grid = told.collections[1]
    assert (grid.kind, grid.cell_size_m, grid.parent, grid.level) == ("grid", 500, "grid-1km", 1)
    assert grid.sectors == ["buildings", "transport", "forest"]
    assert grid.years == [2022, 2023]
    assert grid.count == 108
    assert (grid.synthetic, grid.illustrative["buildings"]) == (True, True)
    assert told.collections[3].zone_kind == "administrative"
    assert told.collections[4].resolution == 8


def test_one_collection_is_the_same_as_in_the_list(client: httpx.Client) -> None:
    listed = client.get("/api/town/collections").json()["collections"]
    for one in listed:
        alone = client.get(f"/api/town/collections/{one['id']}")
        CollectionOut.model_validate_json(alone.content)
        assert alone.json() == one
        for link in one["links"]:
            assert client.get(link["href"]).status_code == 200


@pytest.mark.parametrize("unit", ["t", "t_per_ha", "t_per_person"])
@pytest.mark.parametrize("column", ["net_tco2e", "transport_tco2e", "buildings_gas_direct_tco2e"])
def test_a_distribution_is_that_of_the_table(client: httpx.Client, small_store: Any, column: str, unit: str) -> None:
    response = client.get(f"{GRID}/distribution", params={"column": column, "unit": unit, "year": 2022})
    told = Distribution.model_validate_json(response.content)
    table = Store(small_store).open("town").table("grid-500m", 2022).to_pandas()
    values = table[column] / {"t": 1.0, "t_per_ha": table["area_ha"], "t_per_person": table["population"]}[unit]
    values = values[np.isfinite(values)].sort_values()
    assert (told.count, told.nulls) == (len(values), len(table) - len(values))
    assert told.nulls > 0 or column == "buildings_gas_direct_tco2e"
    np.testing.assert_allclose(told.quantiles, np.quantile(values, np.arange(0, 1.01, 0.05)), rtol=1e-12)
    assert (told.min, told.max) == (values.iloc[0], values.iloc[-1])


@pytest.mark.parametrize(
    "column",
    [
        "buildings_gas_direct_tco2e,buildings_electricity_indirect_tco2e",
        "buildings_tco2e*buildings_metered_share,transport_tco2e",
    ],
)
def test_a_distribution_of_parts_is_that_of_their_sum(client: httpx.Client, small_store: Any, column: str) -> None:
    told = client.get(f"{GRID}/distribution", params={"column": column, "year": 2022, "quantiles": 101}).json()
    table = Store(small_store).open("town").table("grid-500m", 2022).to_pandas()
    values = sum(
        table[name] * (table[share].fillna(0) if share else 1)
        for name, _, share in (term.partition("*") for term in column.split(","))
    )
    known = values[np.isfinite(values)]
    assert told["count"] == len(known) > 0
    np.testing.assert_allclose(told["quantiles"], np.quantile(known, np.arange(101) / 100), rtol=1e-12)


@pytest.mark.parametrize("less", [{}, {"less": 2022}], ids=["values", "differences"])
def test_one_question_tells_how_values_are_spread_in_every_year(client: httpx.Client, less: dict[str, int]) -> None:
    query = {"column": "net_tco2e", "unit": "t_per_ha", "year": 2023, "quantiles": 51}
    told = Distribution.model_validate_json(
        client.get(f"{GRID}/distribution", params={**query, **less, "profile": True}).content
    )
    alone = client.get(f"{GRID}/distribution", params={**query, **less}).json()
    assert told.profile is not None
    assert alone["profile"] is None
    assert (told.quantiles, told.count, told.nulls) == (alone["quantiles"], alone["count"], alone["nulls"])
    assert [one.year for one in told.profile] == [2022, 2023]
    assert told.profile[0].quantiles != told.profile[1].quantiles
    for one in told.profile:
        asked = client.get(f"{GRID}/distribution", params={**query, "year": one.year}).json()
        assert one.model_dump(exclude={"year"}) == {
            name: asked[name] for name in ("count", "nulls", "min", "max", "quantiles")
        }


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Geometry"), ("ko", "도형"), ("ru", "Геометрия"), ("uz", "Geometriya")]
)
def test_the_geometry_is_titled_in_the_readers_language(client: httpx.Client, language: str, title: str) -> None:
    told = client.get(f"{GRID}/schema", headers={"accept-language": language})
    assert JsonSchema.model_validate_json(told.content).properties["geometry"]["title"] == title


def test_pages_elsewhere_may_read_how_many_items_there_are_and_where_a_job_is(client: httpx.Client) -> None:
    told = client.get(f"{GRID}/items?limit=1&f=csv", headers={"origin": "https://elsewhere.example"})
    assert told.headers["ogc-numbermatched"] == "108"
    exposed = told.headers["access-control-expose-headers"].split(", ")
    assert {"OGC-NumberMatched", "OGC-NumberReturned", "Location"} <= set(exposed)


def test_people_are_needed_for_tonnes_per_person(client: httpx.Client) -> None:
    told = client.get(f"{GRID}/distribution", params={"column": "net_tco2e", "unit": "t_per_person"}).json()
    assert all(np.isfinite(told["quantiles"]))  # cells without people are unknown, not infinite


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("", "column: Field required"),
        ("column=nix", "has no column 'nix'; it has id, row"),
        ("column=id", "'id' holds string values"),
        ("column=held", "'held' holds bool values"),
        ("column=net_tco2e&unit=kg", "unit: got 'kg', expected 't', 't_per_ha' or 't_per_person'"),
        ("column=population&unit=t_per_ha", "needs a column of emissions"),
        ("column=geometry", "has no column 'geometry'"),
        ("column=net_tco2e,population", "only columns of emissions"),
        ("column=net_tco2e,net_sd_tco2e", "only columns of emissions"),
        ("column=net_tco2e*area_ha", "expected emissions times a share"),
        ("column=net_tco2e*", "has no column ''"),
        (f"column={','.join(['net_tco2e'] * 41)}", "41 columns to add, expected 40 at most"),
        ("column=net_tco2e&quantiles=1", "quantiles: got '1'"),
        ("column=net_tco2e&quantiles=402", "quantiles: got '402'"),
        ("column=net_tco2e&year=x", "year: got 'x', expected a valid integer"),
    ],
)
def test_distributions_that_cannot_be(client: httpx.Client, query: str, detail: str) -> None:
    response = client.get(f"{GRID}/distribution?{query}")
    assert response.status_code == 400
    assert detail in Problem.model_validate_json(response.content).detail


@pytest.mark.parametrize("unit", ["t", "t_per_ha"])
def test_a_distribution_of_differences_is_that_of_places_joined_by_id(
    client: httpx.Client, small_store: Any, unit: str
) -> None:
    query = {"column": "net_tco2e", "unit": unit, "year": 2023, "less": 2022}
    told = Distribution.model_validate_json(client.get(f"{GRID}/distribution", params=query).content)
    edition = Store(small_store).open("town")
    now, before = (edition.table("grid-500m", year).to_pandas().set_index("id") for year in (2023, 2022))
    change = now["net_tco2e"] - before["net_tco2e"].reindex(now.index)
    values = (change / {"t": 1.0, "t_per_ha": now["area_ha"]}[unit]).dropna().sort_values()
    assert (told.less, told.count, told.nulls) == (2022, len(values), len(now) - len(values))
    np.testing.assert_allclose(told.quantiles, np.quantile(values, np.arange(0, 1.01, 0.05)), rtol=1e-9, atol=1e-9)
    assert values.abs().max() > 0


def test_a_year_that_is_not_there_cannot_be_taken_off(client: httpx.Client) -> None:
    response = client.get(f"{GRID}/distribution?column=net_tco2e&less=1999")
    assert response.status_code == 404
    assert "1999" in response.json()["detail"]


def test_two_sectors_are_taken_from_each_other(client: httpx.Client, small_store: Any) -> None:
    query = {"column": "buildings_tco2e", "less_column": "transport_tco2e", "year": 2023, "quantiles": 21}
    told = Distribution.model_validate_json(client.get(f"{GRID}/distribution", params=query).content)
    rows = Store(small_store).open("town").table("grid-500m", 2023).to_pandas()
    values = (rows["buildings_tco2e"] - rows["transport_tco2e"]).dropna()
    assert (told.less, told.less_column, told.less_edition) == (2023, "transport_tco2e", None)
    assert (told.count, told.nulls) == (len(values), len(rows) - len(values))
    np.testing.assert_allclose(told.quantiles, np.quantile(values, np.arange(0, 1.01, 0.05)), rtol=1e-9, atol=1e-9)
    refused = client.get(f"{GRID}/distribution?column=net_tco2e&less_column=cows_tco2e")
    assert refused.status_code == 400
    assert "less_column: collection 'grid-500m' has no column 'cows_tco2e'" in refused.json()["detail"]
