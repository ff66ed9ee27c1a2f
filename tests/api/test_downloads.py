"""Downloads over HTTP: listed, made when first asked for, by ranges, and read by the programs they are made for."""

import csv
import hashlib
import io
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import pystac
import pytest
import rasterio
import yaml
from pmtiles.reader import Reader, all_tiles

from api import downloads, sent_files
from grids.edition import Store
from grids.exports.files import export_file, write_file
from grids.exports.shelf import Kept, Shelf, shelf_beside

EDITION = "0123456789abcdef"


def fetched(client: httpx.Client, name: str, **headers: str) -> httpx.Response:
    """Ask for a file until it is made."""
    for _ in range(100):
        answer = client.get(f"/api/town/downloads/{name}", headers=headers)
        if answer.status_code != 503:
            return answer
        assert answer.headers["retry-after"].isdigit()
        time.sleep(0.2)
    raise AssertionError(f"{name} was never made: {answer.text}")


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_has_labels_licence_citation_and_files(client: httpx.Client) -> None:
    listed = client.get("/api/town/downloads").json()
    assert (listed["edition"], listed["synthetic"], listed["illustrative"]["buildings"]) == (EDITION, True, True)
    assert listed["licences"] == ["CC0-1.0"]
    assert EDITION in listed["citation"]
    files = {file["name"]: file for file in listed["files"]}
    assert {"grid-100m_2023.tif", "grid-100m.nc", "municipality_2022.gpkg", "h3-8_2023.pmtiles"} <= set(files)
    assert files["CITATION.cff"]["sha256"] == hashlib.sha256(client.get("/api/town/citation").content).hexdigest()
    for link in listed["links"]:
        assert client.get(link["href"]).status_code == 200, link


def test_the_list_learns_of_a_file_once_it_is_made(client: httpx.Client) -> None:
    before = client.get("/api/town/downloads")
    name = next(file["name"] for file in before.json()["files"] if file["name"] == "grid-1km_2022.csv")
    content = fetched(client, name).content
    after = client.get("/api/town/downloads", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200, "what is known of files has changed, so the tag must too"
    [file] = [file for file in after.json()["files"] if file["name"] == name]
    assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert client.get("/api/town/downloads", headers={"if-none-match": after.headers["etag"]}).status_code == 304


# --- one file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["grid-1km_2023.parquet", "municipality_2023.gpkg", "LICENSE.txt", "grid-1km_2023.csv"]
)
def test_the_server_sends_the_bytes_that_the_command_line_writes(
    client: httpx.Client, small_store: Path, tmp_path: Path, name: str
) -> None:
    edition = Store(small_store).open("town")
    write_file(edition, export_file(edition, name), tmp_path / name)
    answer = fetched(client, name)
    assert answer.content == (tmp_path / name).read_bytes()
    assert f'filename="town-{EDITION}-{name}"' in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].startswith("attachment")


def test_the_tag_is_the_digest_and_the_clients_copy_is_enough(client: httpx.Client) -> None:
    answer = fetched(client, "grid-1km_2023.csv")
    digest = hashlib.sha256(answer.content).hexdigest()
    assert answer.headers["etag"] == f'"{digest}"'
    again = fetched(client, "grid-1km_2023.csv", **{"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert f"{digest}  town-{EDITION}-grid-1km_2023.csv\n" in client.get("/api/town/downloads/SHA256SUMS").text
    assert "immutable" not in answer.headers["cache-control"]
    pinned = client.get(f"/api/town/downloads/grid-1km_2023.csv?edition={EDITION}")
    assert "immutable" in pinned.headers["cache-control"]


def test_sums_that_the_server_tells_are_those_of_what_it_sends(client: httpx.Client, tmp_path: Path) -> None:
    fetched(client, "h3-8_2023.csv")

    def saved(name: str) -> str:
        """Save a file under the name that the server gives it, as a browser and `curl -OJ` do."""
        answer = client.get(f"/api/town/downloads/{name}")
        found = re.fullmatch(r'attachment; filename="([^"/]+)"', answer.headers["content-disposition"])
        assert found is not None
        (tmp_path / found[1]).write_bytes(answer.content)
        return found[1]

    sums = saved("SHA256SUMS")
    assert sums == f"town-{EDITION}-SHA256SUMS"
    listed = {line.split("  ")[1] for line in (tmp_path / sums).read_text().splitlines()}
    names = [name.removeprefix(f"town-{EDITION}-") for name in listed]
    assert {saved(name) for name in names} == listed
    command = ["sha256sum", "--check", "--quiet", "--strict", sums]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    (tmp_path / f"town-{EDITION}-h3-8_2023.csv").write_text("another file")
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 1


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
        ("bytes=5-999999999", 5, None),
        ("BYTES=7-7", 7, 8),
    ],
)
def test_a_range_is_those_bytes(client: httpx.Client, asked: str, first: int, last: int | None) -> None:
    whole = fetched(client, "grid-1km_2023.csv")
    part = fetched(client, "grid-1km_2023.csv", range=asked, **{"accept-encoding": "gzip"})
    assert part.status_code == 206
    assert part.content == whole.content[first:last]
    assert "content-encoding" not in part.headers, "a range of the file, not of its compressed form"
    begin = first if first >= 0 else len(whole.content) + first
    assert part.headers["content-range"] == f"bytes {begin}-{begin + len(part.content) - 1}/{len(whole.content)}"
    assert part.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    "asked",
    [
        "items=0-5",
        "bytes=5-3",
        "bytes=a-b",
        "bytes=",
        "bytes=-",
        "bytes=0-5,10-15",
        "bytes=²-",
        "x" * 3000,
        "bytes=--5",
    ],
)
def test_what_is_no_single_range_is_answered_with_the_whole_file(client: httpx.Client, asked: str) -> None:
    whole = fetched(client, "grid-1km_2023.csv")
    answer = client.get("/api/town/downloads/grid-1km_2023.csv", headers={"range": asked.encode("latin-1", "replace")})
    assert (answer.status_code, answer.content) == (200, whole.content)


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0"])
def test_a_range_beyond_the_file_is_refused_with_its_size(client: httpx.Client, asked: str) -> None:
    size = len(fetched(client, "grid-1km_2023.csv").content)
    answer = client.get("/api/town/downloads/grid-1km_2023.csv", headers={"range": asked})
    assert (answer.status_code, answer.headers["content-type"]) == (416, "application/problem+json")
    assert answer.headers["content-range"] == f"bytes */{size}"


def test_a_range_of_another_version_is_the_whole_file(client: httpx.Client) -> None:
    whole = fetched(client, "grid-1km_2023.csv")
    same = {"range": "bytes=0-9", "if-range": whole.headers["etag"]}
    other = {"range": "bytes=0-9", "if-range": '"something else"'}
    assert client.get("/api/town/downloads/grid-1km_2023.csv", headers=same).status_code == 206
    answer = client.get("/api/town/downloads/grid-1km_2023.csv", headers=other)
    assert (answer.status_code, answer.content) == (200, whole.content)


def test_head_tells_of_a_file_without_sending_it(client: httpx.Client) -> None:
    whole = fetched(client, "grid-1km_2023.csv")
    answer = client.head("/api/town/downloads/grid-1km_2023.csv")
    assert (answer.status_code, answer.content) == (200, b"")
    for name in ("content-length", "etag", "accept-ranges", "content-type"):
        assert answer.headers[name] == whole.headers[name]


def test_names_that_are_no_file(client: httpx.Client, small_store: Path) -> None:
    for name in (
        "nothing.tif",
        "..%2fcurrent",
        "%2e%2e%2fmanifest.json",
        "private%2flines-meters.parquet",
        ".lock",
        "%00",
    ):
        answer = client.get(f"/api/town/downloads/{name}")
        assert answer.status_code == 404, name
        assert answer.headers["content-type"] == "application/problem+json"
        assert str(small_store) not in answer.text
    assert client.get("/api/town/downloads/CITATION.cff?editon=x").status_code == 400
    assert client.get("/api/nowhere/downloads").status_code == 404


def test_head_reads_nothing_of_a_file(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fetched(client, "grid-1km_2023.csv")
    monkeypatch.setattr(sent_files, "_pieces", lambda *_: pytest.fail("read"))
    answer = client.head("/api/town/downloads/grid-1km_2023.csv", headers={"range": "bytes=5-14"})
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (206, "10", b"")
    assert answer.headers["content-range"] == f"bytes 5-14/{len(whole.content)}"


def test_a_file_of_another_tag_is_not_sent(client: httpx.Client) -> None:
    name = "grid-1km_2023.csv"
    whole = fetched(client, name)
    tag = whole.headers["etag"]
    for header in (tag, f'"other", {tag}', "*"):
        assert fetched(client, name, **{"if-match": header}).content == whole.content
    for header in ('"other"', f"W/{tag}"):
        for more in ({}, {"range": "bytes=0-9"}, {"if-none-match": tag}):
            refused = client.get(f"/api/town/downloads/{name}", headers={"if-match": header, **more})
            assert refused.status_code == 412
            assert tag in refused.json()["detail"]


def test_a_file_removed_when_it_was_found_is_made_anew(
    small_store: Path, tmp_path: Path, serving: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serving(small_store, exports=tmp_path / "exports", export_wait_s=60, request_seconds=120)
    name, times = "grid-1km_2023.csv", [1]
    whole = fetched(client, name)
    kept = Shelf.touch

    def removed(self: Shelf, found: Kept) -> None:
        kept(self, found)
        if times[0]:
            times[0] -= 1
            found.path.with_name(f"{name}.sha256").unlink()
            found.path.unlink()

    monkeypatch.setattr(Shelf, "touch", removed)
    again = client.get(f"/api/town/downloads/{name}")
    assert (again.status_code, again.content) == (200, whole.content)


def test_a_file_that_is_removed_as_often_as_it_is_made_has_no_room(
    client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> Kept:
        return Kept(tmp_path / "gone", 5, "0" * 64)

    monkeypatch.setattr(downloads, "_kept", gone)
    refused = client.get("/api/town/downloads/grid-1km_2023.csv")
    assert (refused.status_code, "no room" in refused.json()["detail"]) == (503, True)
    assert int(refused.headers["retry-after"]) > 0


def test_a_file_removed_while_it_is_sent_comes_whole(
    small_store: Path, tmp_path: Path, serving: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_files, "_PIECE", 4096)
    client = serving(small_store, exports=tmp_path / "exports", export_wait_s=60, request_seconds=120)
    whole = fetched(client, "grid-100m_2023.csv").content
    [path] = (tmp_path / "exports").glob("*/*/*.csv")
    sent = sent_files._pieces

    def pieces(*given: Any) -> Iterator[bytes]:
        path.unlink(missing_ok=True)
        yield from sent(*given)

    monkeypatch.setattr(sent_files, "_pieces", pieces)
    answer = client.get("/api/town/downloads/grid-100m_2023.csv")
    assert not path.exists()
    assert (answer.status_code, answer.content) == (200, whole)
    assert len(whole) > 4096


def test_a_file_that_is_cut_short_does_not_look_whole(
    small_store: Path, tmp_path: Path, serving: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serving(small_store, exports=tmp_path / "exports", export_wait_s=60, request_seconds=120)
    fetched(client, "grid-100m_2023.csv")
    [path] = (tmp_path / "exports").glob("*/*/*.csv")
    sent = sent_files._pieces

    def pieces(*given: Any) -> Iterator[bytes]:
        path.write_bytes(b"short")
        yield from sent(*given)

    monkeypatch.setattr(sent_files, "_pieces", pieces)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/api/town/downloads/grid-100m_2023.csv")


# --- making -----------------------------------------------------------------------------------------------------------


def test_a_file_that_takes_long_is_promised_and_then_there(
    small_store: Path, tmp_path: Path, serving: Callable[..., httpx.Client]
) -> None:
    client = serving(small_store, exports=tmp_path / "exports", export_wait_s=0)
    first = client.get("/api/town/downloads/grid-1km_2023.parquet")
    assert (first.status_code, first.headers["retry-after"]) == (503, "5")
    assert "is being made" in first.json()["detail"]
    assert fetched(client, "grid-1km_2023.parquet").status_code == 200
    assert [path.name for path in (tmp_path / "exports").iterdir() if not path.name.startswith(".")] == ["town"]


def test_two_servers_that_are_asked_at_once_make_a_file_once(
    small_store: Path, tmp_path: Path, serving: Callable[..., httpx.Client]
) -> None:
    clients = [
        serving(small_store, exports=tmp_path / "exports", export_wait_s=60, request_seconds=120) for _ in range(2)
    ]
    answers: list[httpx.Response] = []

    def ask(client: httpx.Client) -> None:
        answers.append(client.get("/api/town/downloads/grid-500m_2023.gpkg"))

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.content for answer in answers}) == 1
    kept = Shelf(tmp_path / "exports").kept(Store(small_store).open("town"))
    assert list(kept) == ["grid-500m_2023.gpkg"]


def test_a_shelf_that_cannot_be_written_is_told_without_its_path(
    small_store: Path, tmp_path: Path, serving: Callable[..., httpx.Client]
) -> None:
    (tmp_path / "file").write_text("no folder")
    client = serving(small_store, exports=tmp_path / "file" / "exports", export_wait_s=60, request_seconds=120)
    answer = client.get("/api/town/downloads/grid-1km_2023.csv")
    assert answer.status_code == 503
    assert "no room" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) >= 60
    assert str(tmp_path) not in answer.text
    assert client.get("/api/town/downloads/CITATION.cff").status_code == 200, "what needs no shelf is still there"


def test_a_damaged_table_is_told_as_damage(own_store: Store, serving: Callable[..., httpx.Client]) -> None:
    table = next((own_store.path / "town").glob("*/tables/grid-1km/2023.parquet"))
    table.write_bytes(table.read_bytes()[:-100])
    answer = serving(own_store.path, export_wait_s=60, request_seconds=120).get("/api/town/downloads/grid-1km_2023.csv")
    assert (answer.status_code, "damaged" in answer.json()["detail"]) == (503, True)


def test_downloads_stand_beside_the_store_unless_told(small_store: Path, client: httpx.Client) -> None:
    fetched(client, "h3-8_2022.csv")
    assert shelf_beside(small_store).is_dir()
    assert not list(small_store.rglob("*.csv"))


# --- readers ----------------------------------------------------------------------------------------------------------


def test_gdal_reads_a_part_of_the_raster_across_the_web(client: httpx.Client, served: str) -> None:
    fetched(client, "grid-100m_2023.tif")
    with (
        rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", CPL_VSIL_CURL_ALLOWED_EXTENSIONS=".tif"),
        rasterio.open(f"/vsicurl/{served}/api/town/downloads/grid-100m_2023.tif") as raster,
    ):
        band = raster.descriptions.index("area_ha") + 1
        assert raster.read(band, window=((0, 10), (0, 10))).shape == (10, 10)


def test_a_map_reads_tiles_out_of_the_archive_by_ranges(client: httpx.Client) -> None:
    whole = fetched(client, "municipality_2023.pmtiles").content

    def part(offset: int, length: int) -> bytes:
        asked = {"range": f"bytes={offset}-{offset + length - 1}"}
        return client.get("/api/town/downloads/municipality_2023.pmtiles", headers=asked).content

    reader = Reader(part)
    (z, x, y), tile = next(iter(all_tiles(lambda offset, length: whole[offset : offset + length])))
    assert reader.get(z, x, y) == tile
    assert reader.metadata()["carbonmap"]["edition"] == EDITION


def test_geopandas_reads_what_the_server_sends(client: httpx.Client, small_store: Path, tmp_path: Path) -> None:
    (tmp_path / "cells.parquet").write_bytes(fetched(client, "grid-100m_2023.parquet").content)
    frame = gpd.read_parquet(tmp_path / "cells.parquet")
    table = Store(small_store).open("town").table("grid-100m", 2023)
    assert frame["net_tco2e"].fillna(-1).tolist() == [-1 if v is None else v for v in table["net_tco2e"].to_pylist()]


# --- what belongs beside the numbers ----------------------------------------------------------------------------------


def test_columns_factors_and_citation(client: httpx.Client) -> None:
    columns = {column["name"]: column for column in client.get("/api/town/columns").json()["columns"]}
    assert columns["net_tco2e"]["unit"] == "tCO2e/a"
    assert columns["row"]["collections"] == ["grid-1km", "grid-500m", "grid-100m"]
    factors = client.get("/api/town/factors").json()
    assert (factors["factors"][0]["id"], factors["edition"]) == ("made_up", EDITION)
    answer = client.get("/api/town/citation")
    assert answer.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(answer.text)["version"] == EDITION


def test_labels_of_a_download_are_those_of_items(client: httpx.Client) -> None:
    download = csv.DictReader(io.StringIO(fetched(client, "grid-1km_2023.csv").text))
    items = csv.DictReader(io.StringIO(client.get("/api/town/collections/grid-1km/items?f=csv&year=2023").text))
    names = ("edition", "synthetic", "illustrative")
    said = {tuple(row[name] for name in names) for rows in (download, items) for row in rows}
    assert said == {(EDITION, "true", "buildings")}
    described = client.get("/api/town/downloads/grid-1km_2023.csv-metadata.json").json()["tableSchema"]["columns"]
    assert [column["name"] for column in described] == download.fieldnames


def test_nothing_of_it_names_what_is_private(client: httpx.Client) -> None:
    for address in (
        "columns",
        "factors",
        "citation",
        "stac",
        "downloads",
        "downloads/manifest.json",
        "downloads/factors.json",
    ):
        assert '"b17"' not in client.get(f"/api/town/{address}").text, address


def test_pystac_walks_from_the_collection_to_files_and_back(client: httpx.Client) -> None:
    fetched(client, "grid-1km_2023.csv")

    class Web(pystac.StacIO):
        def read_text(self, source: Any, *_: Any, **__: Any) -> str:
            answer = client.get(str(source))
            assert answer.status_code == 200, source
            return answer.text

        def write_text(self, dest: Any, txt: str, *_: Any, **__: Any) -> None:
            raise AssertionError

    collection = pystac.Collection.from_file(str(client.base_url.join("/api/town/stac")), stac_io=Web())
    items = list(collection.get_items())
    assert len(items) == 10
    made = next(item for item in items if item.id == "grid-1km_2023").assets["csv"]
    content = client.get(made.href).content
    assert made.extra_fields["file:size"] == len(content)
    assert made.extra_fields["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
    assert items[0].get_parent().id == collection.id
    assert client.get("/api/town/stac/items/grid-9km_2023").status_code == 404
