"""Receipts by HTTP: what everybody sees, in words and numbers, and what only an admin's key opens."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.database import Database
from api.keys import Actor, Keys
from api.models import Problem
from api.receipt_models import ReceiptOut
from api.receipt_words import PAGE_WORDS, REASONS
from api.settings import Settings
from grids import public_receipt
from grids.edition import Store

ME = Actor("a test", "here")
WEST = "/api/town/receipts/municipality/west"
PRIVATE = ("meters-0", "meters-1", "osm_roads-0")


def receipt(client: httpx.Client, path: str, **how: Any) -> ReceiptOut:
    response = client.get(path, **how)
    assert response.status_code == 200, response.text
    return ReceiptOut.model_validate_json(response.content)


def item(client: httpx.Client, path: str) -> dict[str, Any]:
    return dict(client.get(path.replace("receipts", "collections").replace("west", "items/west")).json()["properties"])


# --- everybody --------------------------------------------------------------------------------------------------------


def test_numbers_are_those_of_the_item(client: httpx.Client) -> None:
    told, published = receipt(client, WEST), item(client, WEST)
    assert (told.region, told.collection, told.id, told.year) == ("town", "municipality", "west", 2023)
    assert told.name == {"en": "West", "ko": "서구"}
    assert [sector.sector for sector in told.sectors] == ["buildings", "transport", "forest", "net"]
    for sector in told.sectors:
        assert sector.tco2e == published[f"{sector.sector}_tco2e"]
        assert sector.sd_tco2e == published[f"{sector.sector}_sd_tco2e"]
    buildings = told.sectors[0]
    assert buildings.methods == {name: published[f"buildings_{name}_share"] for name in buildings.methods}
    gas = next(carrier for carrier in buildings.carriers if carrier.carrier == "gas")
    assert gas.tco2e == published["buildings_gas_direct_tco2e"]
    assert [(part.source, part.method, part.tco2e, part.lines) for part in gas.parts] == [
        ("meters", "modelled", 0.25, None)
    ]
    assert gas.closed_tco2e == pytest.approx(published["buildings_gas_direct_tco2e"] - 0.25)


def test_labels_and_files_stand_beside_the_numbers(client: httpx.Client) -> None:
    told = receipt(client, WEST)
    assert told.edition == "0123456789abcdef"
    assert told.synthetic
    assert told.illustrative["buildings"]
    assert "illustrative" in [reason.code for reason in told.sectors[0].reasons]
    assert told.attributions[0].text == "made up for tests"
    assert [record["id"] for record in told.factors] == ["made_up"]
    assert [(source.id, source.open) for source in told.sources] == [("meters", False)]
    assert receipt(client, WEST, params={"year": 2022}).year == 2022


def test_words_come_in_the_reader_s_language(client: httpx.Client) -> None:
    response = client.get(WEST, headers={"Accept-Language": "ko-KR, en;q=0.5"})
    assert response.headers["Content-Language"] == "ko"
    assert {"Accept", "Accept-Language"} <= {name.strip() for name in response.headers["Vary"].split(",")}
    told, english = ReceiptOut.model_validate_json(response.content), receipt(client, WEST)
    assert told.sectors[0].title == "건물"
    assert told.sectors[0].carriers[0].title != english.sectors[0].carriers[0].title
    for one, other in zip(told.sectors[0].reasons, english.sectors[0].reasons, strict=True):
        assert (one.code == other.code) & (one.title != other.title) & (one.text != other.text)
    assert client.get(WEST, headers={"Accept-Language": "ru"}).json()["sectors"][0]["title"] == "Здания"


@pytest.mark.parametrize("language", list(REASONS))
def test_every_language_has_every_word(language: str) -> None:
    assert set(REASONS[language]) == set(public_receipt.REASONS)
    assert set(PAGE_WORDS[language]) == set(PAGE_WORDS["en"])
    assert "{min_count}" in REASONS[language]["held"][1]


def test_a_page_for_people_says_the_same(client: httpx.Client) -> None:
    page = client.get(WEST, headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html")
    told = receipt(client, WEST)
    assert f"<h1>{PAGE_WORDS['en']['receipt']}: West, 2023</h1>" in page.text
    for words in (told.sectors[0].title, told.sectors[0].reasons[0].text, "made_up", "synthetic data", "eui:office"):
        assert words in page.text
    assert "<script" not in page.text
    assert told.sectors[2].tco2e is not None
    assert f"<h2>Forest: {told.sectors[2].tco2e:,.4g} tCO2e</h2>" in page.text
    transport = next(sector for sector in told.sectors if sector.sector == "transport")
    assert transport.tco2e is None
    assert "<h2>Transport: unknown</h2>" in page.text


def test_ids_with_slashes_and_letters_of_all_kinds(client: httpx.Client) -> None:
    assert receipt(client, "/api/town/receipts/municipality/north%2Fenclave").id == "north/enclave"
    assert receipt(client, "/api/town/receipts/municipality/north/enclave").id == "north/enclave"
    assert receipt(client, "/api/town/receipts/municipality/동구").id == "동구"


def test_who_has_it_already_is_told_so(client: httpx.Client) -> None:
    first = client.get(WEST)
    again = client.get(WEST, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    pinned = client.get(WEST, params={"edition": "0123456789abcdef"})
    assert pinned.headers["Cache-Control"] == "public, max-age=3600"
    related = next(one["href"] for one in pinned.json()["links"] if one["rel"] == "related")
    assert client.get(related).json()["id"] == "west"


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        (f"{WEST}?year=1999", 404, "no year 1999"),
        ("/api/town/receipts/nowhere/west", 404, "no collection 'nowhere'"),
        ("/api/town/receipts/municipality/south", 404, "no item 'south'"),
        ("/api/town/receipts/grid-100m/..%2F..%2Fmanifest.json", 404, "no item"),
        (f"/api/town/receipts/grid-100m/{'9' * 5000}", 404, "no item"),
        (f"/api/town/receipts/grid-100m/CRS32632RES100mN{'9' * 100}E0", 404, "no item"),
        (f"{WEST}?years=2022", 400, "'years' is no parameter"),
        (f"{WEST}?offset=1", 400, "expected both"),
        (f"{WEST}?features=0", 400, "features"),
        (f"{WEST}?features=1001", 400, "features"),
        (f"{WEST}?f=csv", 400, "csv"),
    ],
)
def test_what_cannot_be_answered(client: httpx.Client, path: str, status: int, says: str) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert says in Problem.model_validate_json(response.content).detail


def test_it_is_described(client: httpx.Client) -> None:
    document = client.get("/api/openapi.json").json()
    answer = document["paths"]["/api/{region}/receipts/{collection}/{item}"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/ReceiptOut")


def test_a_store_without_private_tables_says_that_it_has_no_receipts(
    own_store: Store, serving: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    private = own_store.open("town").folder / "private"
    private.rename(tmp_path / "private")
    client = serving(own_store.path)
    response = client.get(WEST)
    assert response.status_code == 404
    assert "without its private tables" in Problem.model_validate_json(response.content).detail
    assert client.get("/api/town/collections/municipality/items/west").status_code == 200


def test_damaged_private_tables_are_the_server_s_fault_and_name_nothing(
    own_store: Store, serving: Callable[..., httpx.Client]
) -> None:
    (own_store.open("town").folder / "private" / "lines-meters.parquet").write_bytes(b"PAR1")
    response = serving(own_store.path).get(WEST)
    assert response.status_code == 503
    assert "lines-meters" not in response.text


# --- what is private --------------------------------------------------------------------------------------------------


def test_no_public_answer_names_a_feature(client: httpx.Client) -> None:
    for collection in ("municipality", "h3-8", "grid-1km"):
        for year in (2022, 2023):
            address = f"/api/town/collections/{collection}/items"
            found = client.get(address, params={"limit": 40, "year": year, "properties": "held"}).json()["features"]
            for one in found:
                path = f"/api/town/receipts/{collection}/{one['id']}"
                for form in ("json", "html"):
                    text = client.get(path, params={"year": year, "f": form}).text
                    assert not [name for name in PRIVATE if name in text]


@pytest.fixture
def keys(database: Database) -> Keys:
    database.upgrade()
    return Keys(database)


@pytest.fixture
def keyed(keys: Keys, database_settings: Settings, serving: Callable[..., httpx.Client]) -> httpx.Client:
    """A server over the database of the keys."""
    return serving(database_settings.store, database_url=database_settings.database_url)


def test_features_are_for_admins(keys: Keys, keyed: httpx.Client) -> None:
    def asked(key: str | None, **params: Any) -> httpx.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return keyed.get(WEST, params=params, headers=headers)

    planner, admin = keys.create("Ann", "planner", ME), keys.create("Bob", "admin", ME)
    refused = [asked(None, features=5), asked(planner, features=5), asked("ck_0123456789_" + "0" * 64, features=5)]
    assert [response.status_code for response in refused] == [401, 403, 401]
    for response in refused:
        Problem.model_validate_json(response.content)
        assert not [name for name in PRIVATE if name in response.text]
    answer = asked(admin, features=5)
    assert answer.status_code == 200
    assert {"private", "no-store"} <= {part.strip() for part in answer.headers["Cache-Control"].split(",")}
    told = ReceiptOut.model_validate_json(answer.content).features
    assert told is not None
    assert (told.matched, told.offset, len(told.features)) == (3, 0, 3)
    assert {feature.id for feature in told.features} == set(PRIVATE)
    assert told.true_tco2e["buildings"] == 1.25
    assert [entry.action for entry in keys.audited(1)] == ["receipt.read"]
    second = ReceiptOut.model_validate_json(asked(admin, features=1, offset=1).content).features
    assert second is not None
    assert [feature.id for feature in second.features] == [told.features[1].id]
    page = asked(admin, features=5, f="html")
    assert "meters-0" in page.text
    assert "no-store" in page.headers["Cache-Control"]


def test_an_admin_s_answer_is_not_given_to_others(keys: Keys, keyed: httpx.Client) -> None:
    """Neither by a tag that stands for both, nor by a cache that takes one for the other."""
    admin = {"Authorization": f"Bearer {keys.create('Bob', 'admin', ME)}"}
    mine = keyed.get(WEST, params={"features": 5}, headers=admin)
    assert mine.status_code == 200
    assert "Authorization" in mine.headers["Vary"]
    tag = mine.headers.get("ETag", '"none"')
    others = keyed.get(WEST, params={"features": 5}, headers={"If-None-Match": tag})
    assert others.status_code == 401
    assert json.loads(keyed.get(WEST, headers=admin).content).get("features") is None
