"""Editions that are kept, and what changed between two: the numbers as the tables have them, and the reasons."""

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from grids.edition import CollectionInfo, EditionWriter, Store
from grids.history import largest_changes

FIRST, SECOND = "0123456789abcdef", "fedcba9876543210"
METERS = [{"file": "town.gpkg", "bytes": 11, "sha256": "1" * 64}, {"file": "new.csv", "bytes": 1, "sha256": "2" * 64}]
FACTORS = [{"id": "made_up", "value": 0.5, "chosen": "exact year"}]


@pytest.fixture
def two(own_store: Store, publish: Callable[..., None]) -> Store:
    """A store with two editions, the first published an hour before."""
    manifest = own_store.path / "town" / FIRST / "manifest.json"
    hour_ago = manifest.stat().st_mtime - 3600
    os.utime(manifest, (hour_ago, hour_ago))
    publish(
        own_store.path,
        "town",
        SECOND,
        seed=7,
    )
    return own_store


def test_all_editions_are_listed_and_the_current_one_marked(two: Store, serving: Callable[..., httpx.Client]) -> None:
    client = serving(two.path)
    response = client.get("/api/town/editions")
    document = response.json()
    assert document["current"] == SECOND
    assert [(one["id"], one["current"]) for one in document["editions"]] == [(SECOND, True), (FIRST, False)]
    newest, oldest = document["editions"]
    assert newest["published"] > oldest["published"]
    assert (newest["inputs_changed"], oldest["inputs_changed"]) == (False, None)
    assert newest["totals"]["2023"] == {"buildings": 1.0, "net": None}
    assert document["synthetic"] is True
    for one in document["editions"]:
        for link in one["links"]:
            assert client.get(link["href"]).status_code == 200, link
    same = client.get("/api/town/editions", headers={"If-None-Match": response.headers["etag"]})
    assert same.status_code == 304
    (two.path / "town" / "current").write_text(FIRST)
    again = client.get("/api/town/editions", headers={"If-None-Match": response.headers["etag"]})
    assert [one["current"] for one in again.json()["editions"]] == [False, True]


def test_a_damaged_edition_is_named_and_the_others_are_listed(two: Store, serving: Callable[..., httpx.Client]) -> None:
    (two.path / "town" / FIRST / "manifest.json").write_text("{")
    (two.path / "town" / "not-an-edition").mkdir()
    document = serving(two.path).get("/api/town/editions").json()
    assert document["broken"] == [FIRST]
    assert [one["id"] for one in document["editions"]] == [SECOND]


def test_a_difference_has_the_numbers_of_both_tables(two: Store, serving: Callable[..., httpx.Client]) -> None:
    client = serving(two.path)
    response = client.get(f"/api/town/editions/{FIRST}/diff/{SECOND}", params={"year": 2022})
    document = response.json()
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert (document["before"]["edition"], document["after"]["edition"]) == (FIRST, SECOND)
    old, new = (
        two.open("town", edition).table("municipality", 2022).to_pandas().set_index("id")["net_tco2e"]
        for edition in (FIRST, SECOND)
    )
    largest = document["largest"]
    assert (largest["collection"], largest["column"], largest["compared"]) == ("municipality", "net_tco2e", 3)
    known = (new - old).dropna()
    order = known.abs().sort_values(ascending=False).index.tolist()
    told = [one["id"] for one in largest["items"] if one["difference"] is not None]
    assert told == order
    for one in largest["items"]:
        if one["difference"] is not None:
            assert one["difference"] == pytest.approx(known[one["id"]])
            assert (one["before"], one["after"]) == (old[one["id"]], new[one["id"]])
    assert [(one["year"], one["sector"]) for one in document["totals"]] == [(2023, "buildings"), (2023, "net")]
    assert document["totals"][0]["difference"] == 0.0
    assert document["totals"][1]["difference"] is None
    # The same inputs, factors and code gave other numbers: what is left is the region file.
    assert document["reasons"] == ["region file"]


def test_differences_of_editions_are_spread_over_the_places_that_both_have(
    own_store: Store, serving: Callable[..., httpx.Client]
) -> None:
    manifest = json.loads((own_store.path / "town" / FIRST / "manifest.json").read_text("utf-8"))
    said = ("region", "sectors", "illustrative", "inputs", "factors", "layers", "residuals", "totals", "code")
    before = own_store.open("town").table("grid-500m", 2023).to_pandas()
    # Fewer cells, so that the same place stands in another row.
    after = before[np.arange(len(before)) % 5 > 0].reset_index(drop=True)
    after = after.assign(net_tco2e=after["net_tco2e"] * 3 + 1)
    info = CollectionInfo(
        id="grid-500m", title={"en": "500 m"}, kind="grid", cell_size_m=500, origin_m=(0, 0), codes="inspire"
    )
    with EditionWriter(own_store.path, "town", SECOND, crs="EPSG:32632") as writer:
        writer.write_table(info, 2023, after.drop(columns=[name for name in after if name.startswith("bbox")]))
        writer.publish({name: manifest[name] for name in said})
    client = serving(own_store.path)

    def spread(**query: Any) -> dict[str, Any]:
        answer = client.get(
            "/api/town/collections/grid-500m/distribution", params={"column": "net_tco2e", "year": 2023, **query}
        )
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    told = spread(edition=FIRST, less_edition=SECOND)
    later = after.set_index("id")["net_tco2e"]
    known = before.set_index("id")["net_tco2e"].sub(later).dropna()
    assert (told["count"], told["nulls"]) == (len(known), len(before) - len(known))
    np.testing.assert_allclose(told["quantiles"], np.quantile(known, np.arange(0, 1.01, 0.05)), rtol=1e-9)
    assert told["less_edition"] == SECOND
    back = spread(edition=SECOND, less_edition=FIRST)
    assert (back["count"], back["nulls"]) == (len(known), int(later.isna().sum()))
    np.testing.assert_allclose([back["min"], back["max"]], [-told["max"], -told["min"]], rtol=1e-9)
    for edition, status in (("cafe", 400), ("00000000deadbeef", 404)):
        query = f"column=net_tco2e&year=2023&less_edition={edition}"
        assert client.get(f"/api/town/collections/grid-500m/distribution?{query}").status_code == status


def test_an_edition_does_not_differ_from_itself(two: Store, serving: Callable[..., httpx.Client]) -> None:
    document = serving(two.path).get(f"/api/town/editions/{FIRST}/diff/{FIRST}").json()
    assert document["same"] is True
    assert document["reasons"] == []
    assert (document["largest"]["changed"], document["largest"]["items"]) == (0, [])


def test_tables_of_other_items_are_compared_item_by_item(own_store: Store, tmp_path: Path) -> None:
    """Also when more differ than are asked for, and when an item is in one of the tables only."""
    folder = tmp_path / "store"
    manifest = json.loads((own_store.path / "town" / FIRST / "manifest.json").read_text("utf-8"))
    said = ("region", "sectors", "illustrative", "inputs", "factors", "layers", "residuals", "totals", "code")
    grid = CollectionInfo(
        id="grid-1km", title={"en": "1 km"}, kind="grid", cell_size_m=1000, origin_m=(0, 0), codes="inspire"
    )
    moved = grid.model_copy(update={"origin_m": (-3000, -2000)})  # its rows and columns count from elsewhere
    rng = np.random.default_rng(3)
    row, col = np.divmod(np.arange(12), 4)
    values = rng.normal(size=12).round(2)
    values[5] = np.nan
    for identity, kept, info, change in (
        (FIRST, np.arange(1, 12), grid, 0.0),
        ("1" * 16, np.arange(1, 12), grid, np.r_[0.5, 0.0, -3.0, 0.5, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]),
        ("2" * 16, np.arange(10), grid, rng.normal(size=10)),
        ("3" * 16, np.arange(10), moved, rng.normal(size=10)),
    ):
        north, east = (2, 3) if info is moved else (0, 0)
        frame = pd.DataFrame(
            {
                "id": [f"1kmN{row[k]}E{col[k]}" for k in kept],
                "row": (row[kept] + north).astype(np.int32),
                "col": (col[kept] + east).astype(np.int32),
                "net_tco2e": values[kept] + change,
            }
        )
        with EditionWriter(folder, "town", identity, crs="EPSG:32632") as writer:
            writer.write_table(info, 2023, frame)
            writer.publish({name: manifest[name] for name in said})
    store = Store(folder)
    names = (FIRST, "1" * 16, "2" * 16, "3" * 16)
    tables = {
        name: store.open("town", name).table("grid-1km", 2023).to_pandas().set_index("id")["net_tco2e"]
        for name in names
    }
    for before, after in itertools.permutations(names, 2):
        both = pd.concat([tables[before], tables[after]], axis=1, keys=["old", "new"])
        gap = (both["new"] - both["old"]).abs()
        differ = both[(gap > 0) | (both["old"].isna() != both["new"].isna())]
        for most in (1, 2, 100):
            told = largest_changes(
                store.open("town", before), store.open("town", after), "grid-1km", 2023, "net_tco2e", most
            )
            assert (told.compared, told.changed, len(told.items)) == (len(both), len(differ), min(most, len(differ)))
            sizes = gap[differ.index].sort_values(ascending=False).tolist()[:most]
            np.testing.assert_allclose(
                [np.nan if one.difference is None else abs(one.difference) for one in told.items], sizes
            )
            for one in told.items:
                old, new = (np.nan if value is None else value for value in (one.before, one.after))
                np.testing.assert_equal([old, new], both.loc[one.id].tolist())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"inputs": METERS}, "inputs"),
        ({"factors": FACTORS}, "factors"),
        ({"assumptions": [{"id": "buildings.eui", "value": 3.0}]}, "assumptions"),
        ({"libraries": {"numpy": "0.0"}}, "libraries"),
        ({"code": {"version": "9", "sha256": "3" * 64}}, "code"),
        ({"disclosure": {"rule": {"min_count": 10}}}, "configuration"),
    ],
)
def test_reasons_are_told(
    own_store: Store, serving: Callable[..., httpx.Client], changed: dict[str, Any], reason: str
) -> None:
    """The manifest of one edition says something else: the answer names it and shows both."""
    folder = own_store.path / "town" / FIRST
    second = own_store.path / "town" / SECOND
    second.mkdir()
    (second / "tables").symlink_to(folder / "tables")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (second / "manifest.json").write_text(json.dumps({**manifest, "edition": SECOND, **changed}), "utf-8")
    document = serving(own_store.path).get(f"/api/town/editions/{FIRST}/diff/{SECOND}").json()
    assert document["reasons"] == [reason]
    assert document["largest"]["changed"] == 0
    if reason == "inputs":
        assert [one["file"] for one in document["inputs"]["added"]] == ["new.csv"]
        (one,) = document["inputs"]["changed"]
        assert (one["before"]["sha256"], one["after"]["sha256"]) == ("0" * 64, "1" * 64)
    if reason == "factors":
        (one,) = document["factors"]["changed"]
        assert (one["name"], one["before"]["value"], one["after"]["value"]) == ("made_up", 0.4, 0.5)
    if reason == "code":
        assert document["code"]["after"]["version"] == "9"


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        ("a", "b", ["factors", "region file"]),
        ("a", "a", ["factors"]),
        (None, "b", ["factors"]),
        ("a", None, ["factors"]),
    ],
)
def test_another_region_file_is_told_beside_other_reasons_and_its_digest_is_not(
    own_store: Store,
    serving: Callable[..., httpx.Client],
    before: str | None,
    after: str | None,
    reasons: list[str],
) -> None:
    region = own_store.path / "town"
    manifest = json.loads((region / FIRST / "manifest.json").read_text("utf-8"))
    (region / SECOND).mkdir()
    (region / SECOND / "tables").symlink_to(region / FIRST / "tables")
    for identity, digest, changed in ((FIRST, before, {}), (SECOND, after, {"factors": FACTORS})):
        document = {**manifest, "edition": identity, "region_file": digest and digest * 64, **changed}
        (region / identity / "manifest.json").write_text(json.dumps(document), "utf-8")
    client = serving(own_store.path)
    answer = client.get(f"/api/town/editions/{FIRST}/diff/{SECOND}")
    assert answer.json()["reasons"] == reasons
    for told in (answer, client.get("/api/town/manifest"), client.get("/api/town/downloads/manifest.json")):
        assert told.status_code == 200
        assert "aaaa" not in told.text
        assert "bbbb" not in told.text
        assert "region_file" not in told.text


def test_a_closed_file_changed_and_its_digest_is_not_told(
    own_store: Store, serving: Callable[..., httpx.Client]
) -> None:
    region = own_store.path / "town"
    manifest = json.loads((region / FIRST / "manifest.json").read_text("utf-8"))
    (region / SECOND).mkdir()
    (region / SECOND / "tables").symlink_to(region / FIRST / "tables")
    layer = {"id": "meters", "sector": "buildings", "open": False, "report": {"file": "meters.csv"}}
    for identity, digest in ((FIRST, "a" * 64), (SECOND, "b" * 64)):
        inputs = [{"file": "meters.csv", "bytes": 3, "sha256": digest}]
        document = {**manifest, "edition": identity, "inputs": inputs, "layers": [layer]}
        (region / identity / "manifest.json").write_text(json.dumps(document), "utf-8")
    answer = serving(own_store.path).get(f"/api/town/editions/{FIRST}/diff/{SECOND}")
    document = answer.json()
    assert document["reasons"] == ["inputs"]
    closed = {"file": "meters.csv", "bytes": None, "sha256": None, "reason": "closed"}
    assert document["inputs"]["changed"] == [{"name": "meters.csv", "before": closed, "after": closed}]
    assert "aaaa" not in answer.text
    assert "bbbb" not in answer.text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"{FIRST}/diff/{'a' * 16}", 404),
        (f"{FIRST}/diff/nix", 404),
        (f"{FIRST}/diff/..%2f..%2fetc", 404),
        (f"{FIRST}/diff/{FIRST}?collection=nix", 404),
        (f"{FIRST}/diff/{FIRST}?year=1999", 404),
        (f"{FIRST}/diff/{FIRST}?collection=grid-1km&column=id", 400),
        (f"{FIRST}/diff/{FIRST}?column=net_tcoe2", 400),
        (f"{FIRST}/diff/{FIRST}?column=name_en", 400),
        (f"{FIRST}/diff/{FIRST}?bogus=1", 400),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"If-None-Match": "*"}], ids=["plain", "known whatever it is"])
def test_differences_that_are_not_there(
    client: httpx.Client, address: str, status: int, headers: dict[str, str]
) -> None:
    answer = client.get(f"/api/town/editions/{address}", headers=headers)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"


def test_whatever_there_is_is_known(client: httpx.Client) -> None:
    for address in (f"/api/town/editions/{FIRST}/diff/{FIRST}", "/api/town/collections/grid-1km/items?limit=1"):
        assert client.get(address, headers={"If-None-Match": "*"}).status_code == 304
    unknown = "/api/town/collections/municipality/timeseries?ids=nothing"
    refused = client.get(unknown)
    assert refused.status_code >= 400
    assert client.get(unknown, headers={"If-None-Match": "*"}).status_code == refused.status_code


def test_nothing_private_is_told(two: Store, serving: Callable[..., httpx.Client]) -> None:
    client = serving(two.path)
    for address in ("editions", f"editions/{FIRST}/diff/{SECOND}"):
        text = client.get(f"/api/town/{address}").text
        assert "b17" not in text  # a feature of a closed source that was refused
        assert "largest_shift" not in text
