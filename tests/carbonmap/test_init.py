"""`carbonmap init`: what lies in a folder, what is proposed, and that it builds; as a new user meets it."""

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pytest
import rasterio
import shapely
import yaml
from affine import Affine
from osmium.osm.mutable import Node, Relation, Way

from carbonmap.beginning.new_region import write_proposal
from carbonmap.beginning.place import inner_bounds, tile_names, utm_zone
from carbonmap.beginning.proposal import Proposal, Wishes, propose
from carbonmap.beginning.templates import form_of
from carbonmap.beginning.writing import region_text
from carbonmap.build import build_region
from carbonmap.check import check_region
from carbonmap.errors import RegionError
from carbonmap.progress import Silent
from carbonmap.region import RegionFile
from gis import found_osm
from gis.found_layers import found_files
from grids.edition import Store

Command = Callable[..., tuple[int, str, str]]

JIZZAKH = (67.8, 40.1)


def square(x: float, y: float, side: float) -> shapely.Polygon:
    return shapely.box(x, y, x + side, y + side)


def write(path: Path, rows: dict[str, list[Any]], shapes: list[Any], crs: str = "EPSG:4326", **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    gpd.GeoDataFrame(rows, geometry=shapes, crs=crs).to_file(path, **more)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """A folder of files that call themselves what files usually do, near Jizzakh."""
    x, y = JIZZAKH
    folder = tmp_path / "town"
    write(
        folder / "houses.gpkg",
        {
            "BLDG_ID": ["a", "b", "c"],
            "type": ["apartments", "office", "house"],
            "floors": [5, 3, 1],
            "gfa": [900.0, 400.0, 90.0],
        },
        [square(x + 0.001 * i, y, 0.0003) for i in range(3)],
    )
    write(
        folder / "streets.geojson",
        {"id": [1, 2], "highway": ["primary", "residential"], "AADT": [9000, None]},
        [shapely.LineString([(x, y), (x + 0.01, y)]), shapely.LineString([(x, y), (x, y + 0.01)])],
    )
    write(
        folder / "admin" / "districts.geojson",
        {"code": ["1", "2"], "name": ["Eski", "Yangi"], "name_ru": ["Старый", "Новый"]},
        [shapely.box(x - 0.01, y - 0.01, x + 0.005, y + 0.02), shapely.box(x + 0.005, y - 0.01, x + 0.02, y + 0.02)],
    )
    write(folder / "people.geojson", {"id": [1], "pop_total": [1200]}, [square(x, y, 0.005)])
    codes = np.full((60, 60), 40, dtype=np.uint8)
    codes[:20] = 10
    with rasterio.open(
        folder / "cover.tif", "w", driver="GTiff", width=60, height=60, count=1, dtype="uint8", crs="EPSG:4326",
        transform=Affine(0.001, 0, x - 0.02, 0, -0.001, y + 0.03), nodata=0,
    ) as target:  # fmt: skip
        target.write(codes, 1)
    (folder / "notes.txt").write_text("a\n1\n", "utf-8")
    (folder / "broken.gpkg").write_bytes(b"not a package")
    return folder


def sources_of(proposal: Proposal) -> dict[str, dict[str, Any]]:
    return {entry.data["sector"]: entry.data for entry in proposal.sources if entry.active}


def test_files_are_taken_for_what_they_are_and_columns_mapped(town: Path) -> None:
    proposal = propose(town, "town", Wishes())
    sources = sources_of(proposal)
    assert set(sources) == {"buildings", "transport", "population", "land_cover"}
    assert sources["buildings"]["columns"] == {
        "use": "type", "levels": "floors", "floor_area_m2": "gfa", "id": "BLDG_ID",
    }  # fmt: skip
    assert sources["buildings"]["uses"] == "osm"
    assert sources["transport"]["columns"] == {"road_class": "highway", "aadt": "AADT", "id": "id"}
    assert sources["population"]["columns"]["population"] == "pop_total"
    assert sources["land_cover"]["classes"] == "worldcover"
    [zones] = proposal.zone_sets
    assert zones.data["columns"] == {
        "id": "code", "name_uz": "name", "name_ru": "name_ru", "name_en": "name", "name_ko": "name",
    }  # fmt: skip
    assert proposal.template.id == "uzbekistan"  # by where the files lie
    assert proposal.crs.value == "EPSG:32642"
    assert list(proposal.found.unreadable) == ["broken.gpkg"]


def test_a_proposed_region_file_explains_itself_and_builds(town: Path, command: Command) -> None:
    code, out, err = command("init", "town", "--inputs", town, "--out", town, "--year", 2024)
    assert (code, err) == (0, "")
    assert "broken.gpkg: cannot be used" in out
    text = (town / "town.yaml").read_text("utf-8")
    assert "# floors -> levels: by its name" in text
    assert "the template uzbekistan proposes it for this place" in text
    for told in (out, text):
        assert "uzbekistan: the middle of the data lies in Uzbekistan" in " ".join(told.split())
    report = check_region(town / "town.yaml")
    assert report.buildable, report.parts
    build_region(town / "town.yaml", None, town / "store", progress=Silent())
    edition = Store(town / "store").open("town")
    totals: dict[str, Any] = dict(edition.manifest.totals[2024])
    assert totals["buildings"] > 0
    assert totals["transport"] > 0
    assert totals["forest"] < 0
    rows = edition.table("districts").to_pandas()
    assert list(rows["name_ru"]) == ["Старый", "Новый"]
    assert (town / "forms" / "meters.csv").is_file()
    # Again: what the user edited is not overwritten, and what was built is not taken for an input.
    code, _, err = command("init", "town", "--inputs", town, "--out", town)
    assert code == 2
    assert "is there already" in err
    names = [layer.file for layer in found_files(town).layers]
    assert not any(name.startswith(("store", "forms")) for name in names)


def test_forms_that_are_filled_are_joined_to_their_source(town: Path) -> None:
    rows = "".join(f"a,2024,{month},electricity,100,kWh\n" for month in range(1, 13))
    (town / "meters-2024.csv").write_text("building_id,year,month,carrier,value,unit\n" + rows, "utf-8")
    (town / "counts.csv").write_text("road_id,aadt,aadt_car\n1,5000,4000\n", "utf-8")
    proposal = propose(town, "town", Wishes(years=(2024,)))
    sources = sources_of(proposal)
    assert sources["buildings"]["joins"][0]["file"] == "meters-2024.csv"
    assert sources["buildings"]["open"] is False  # meters are private unless somebody says otherwise
    assert sources["transport"]["joins"][0]["columns"] == {"aadt_2024": "aadt", "aadt_car": "aadt_car"}
    written = write_proposal(proposal, town, town, overwrite=False, forms=False)
    del sources["transport"]["columns"]["aadt"]
    report = check_region(written.region)
    assert report.buildable, report.parts


def test_without_zones_the_box_of_the_data_is_the_region(town: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(town / "houses.gpkg", alone)
    proposal = propose(alone, "alone", Wishes())
    west, south, east, north = proposal.boundary[0]["bounds"]
    assert 150 < east - west < 300
    assert 20 < north - south < 60
    assert any(line.startswith("zones:") for line in proposal.missing)
    tile = "ESA_WorldCover_10m_2021_v200_N39E066_Map.tif"
    assert any(tile in line for line in proposal.missing)
    assert yaml.safe_load(region_text(proposal))["boundary"] == {"bounds": [west, south, east, north]}


def test_bounds_crs_and_template_can_be_said(town: Path) -> None:
    wishes = Wishes(template="osm", crs="EPSG:3857")
    with pytest.raises(RegionError, match="Web Mercator"):
        propose(town, "town", wishes)
    with pytest.raises(RegionError, match="Did you mean 'korea'"):
        propose(town, "town", Wishes(template="corea"))
    x, y = JIZZAKH
    proposal = propose(town, "town", Wishes(template="osm", bounds=(x, y, x + 0.01, y + 0.01), title="Shahar"))
    assert proposal.crs.value == "EPSG:32642"
    assert proposal.names == {"en": "Shahar"}
    assert proposal.boundary[0]["bounds"] == list(inner_bounds((x, y, x + 0.01, y + 0.01), "EPSG:32642"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Bad Name",), "cannot be the id of a region"),
        (("Jizzakh 2", "--from", "jizzakh"), "cannot be the id of a region"),
        (("../esc", "--from", "jizzakh"), "cannot be the id of a region"),
        (("health", "--from", "jizzakh"), "cannot be the id of a region"),
        (("x", "--inputs", "nowhere"), "no such folder"),
        (("x", "--bounds", "1,2,3"), "expected WEST,SOUTH,EAST,NORTH"),
        (("x", "--from", "atlantis"), "no region is called 'atlantis'"),
        (("x", "--inputs", "."), "nothing in"),
    ],
)
def test_what_is_wrong_is_said_in_one_paragraph(
    arguments: tuple[str, ...], said: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = command("init", *arguments)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_shipped_region_comes_with_its_files_and_forms(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("init", "my-jizzakh", "--from", "jizzakh", "--out", tmp_path)
    assert code == 0
    assert "Next: carbonmap check" in out
    assert RegionFile(tmp_path / "my-jizzakh.yaml").region.id == "my-jizzakh"
    districts = json.loads((tmp_path / "jizzakh-districts.geojson").read_text("utf-8"))
    assert len(districts["features"]) == 13
    form = tmp_path / "forms" / "meters.csv"
    form.write_text("mine", "utf-8")
    assert command("init", "other", "--from", "jizzakh", "--out", tmp_path, "--overwrite")[0] == 0
    assert form.read_text("utf-8") == "mine"  # a filled form is never touched


def test_a_copy_is_written_whole_or_not_at_all(command: Command, tmp_path: Path) -> None:
    assert command("init", "first", "--from", "jizzakh", "--out", tmp_path, "--no-forms")[0] == 0
    districts = tmp_path / "jizzakh-districts.geojson"
    shared = command("init", "second", "--from", "jizzakh", "--out", tmp_path, "--no-forms")
    assert shared[0] == 0  # the districts of the first copy are what the second one needs
    districts.write_text("mine", "utf-8")
    code, _, err = command("init", "third", "--from", "jizzakh", "--out", tmp_path, "--no-forms")
    assert code == 2
    assert "jizzakh-districts.geojson is there already" in err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["first.yaml", districts.name, "second.yaml"]
    assert districts.read_text("utf-8") == "mine"


def test_a_proposal_that_does_not_read_leaves_the_file_that_is_there(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = propose(town, "town", Wishes())
    (town / "town.yaml").write_text("mine", "utf-8")
    monkeypatch.setattr("carbonmap.beginning.new_region.region_text", lambda _proposal: "id: town\nsize: 3\n")
    with pytest.raises(RegionError, match=r"nothing was written: .*town.yaml, line"):
        write_proposal(proposal, town, town, overwrite=True, forms=False)
    assert (town / "town.yaml").read_text("utf-8") == "mine"
    assert not list(town.glob(".*"))


def test_counts_with_nothing_but_what_is_needed_are_known() -> None:
    assert form_of(["road_id", "aadt"]) == "counts"
    assert form_of(["stand_id", "age_years"]) == "stands"
    assert form_of(["stand_id"]) is None
    assert form_of(["road_id", "aadt", "a", "b", "c"]) is None


def test_a_terminal_is_asked_and_an_empty_answer_takes_the_proposal(town: Path, project: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "carbonmap", "init", "asked", "--inputs", str(town), "--no-forms"],
        cwd=town, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "PYTHONPATH": str(project)},
    )  # fmt: skip
    os.close(theirs)
    said = b""
    answers = {b"called": b"Eski shahar\n", b"Template": b"\n", b"CRS in metres": b"\n", b"Years": b"2022, 2023\n"}
    while chunk := _read(ours):
        said += chunk
        for question in [question for question in answers if question in said]:
            os.write(ours, answers.pop(question))
    assert process.wait() == 0, said.decode()
    assert not answers
    region = RegionFile(town / "asked.yaml").region
    assert region.name == {"uz": "Eski shahar"}
    assert region.years == (2022, 2023)
    assert region.crs == "EPSG:32642"


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_korean_files_are_known_by_their_columns(tmp_path: Path) -> None:
    x, y = 127.0, 37.5
    names = {f"A{i}": [str(i)] for i in range(29)}
    names |= {"A9": ["단독주택"], "A14": ["120.5"], "A16": ["6"], "A26": ["2"], "A13": ["1995-05-01"]}
    write(tmp_path / "AL_D010.shp", names, [square(x, y, 0.0002)], encoding="cp949")
    for suffix in (".cpg",):
        (tmp_path / f"AL_D010{suffix}").unlink()
    dbf = bytearray((tmp_path / "AL_D010.dbf").read_bytes())
    dbf[29] = 0  # no language said, as these files come
    (tmp_path / "AL_D010.dbf").write_bytes(bytes(dbf))
    write(
        tmp_path / "TL_SCCO_EMD.geojson",
        {"EMD_CD": ["11710101", "11710102"], "EMD_KOR_NM": ["잠실동", "신천동"], "EMD_ENG_NM": ["Jamsil", "Sincheon"]},
        [square(x - 0.005, y - 0.005, 0.01), square(x + 0.005, y - 0.005, 0.01)],
    )
    link: dict[str, list[Any]] = {
        "LINK_ID": ["1"],
        "F_NODE": ["1"],
        "T_NODE": ["2"],
        "LANES": [2],
        "ROAD_RANK": ["103"],
        "MAX_SPD": [60],
    }
    write(tmp_path / "MOCT_LINK.geojson", link, [shapely.LineString([(x, y), (x + 0.003, y)])])
    stands = {"STORUNST_CD": ["1"], "KOFTR_NM": ["소나무"], "AGCLS_CD": ["4"], "FRTP_CD": ["1"]}
    write(tmp_path / "stands.geojson", stands, [square(x + 0.001, y + 0.001, 0.002)])
    proposal = propose(tmp_path, "jamsil", Wishes(years=(2023,)))
    assert proposal.template.id == "korea"
    assert proposal.crs.value == "EPSG:5179"
    assert proposal.grid["codes"] == "korea"
    sources = sources_of(proposal)
    assert sources["buildings"]["columns"]["use"] == "A9"
    assert sources["buildings"]["encoding"] == "cp949"
    assert sources["transport"]["columns"]["road_class"] == "ROAD_RANK"
    assert sources["forest"]["where"] == {"STORUNST_CD": ["1"]}
    written = write_proposal(proposal, tmp_path, tmp_path, overwrite=False, forms=False)
    assert "KR 수도권" in written.region.read_text("utf-8")
    report = check_region(written.region)
    assert report.buildable, report.parts
    build_region(written.region, None, tmp_path / "store", progress=Silent())
    totals: dict[str, Any] = dict(Store(tmp_path / "store").open("jamsil").manifest.totals[2023])
    assert totals["buildings"] > 0
    assert totals["transport"] > 0
    assert totals["forest"] < 0


def test_zones_and_tiles_of_the_globe() -> None:
    assert utm_zone((66.6, 39.5, 69.1, 41.2)) == "EPSG:32642"
    assert utm_zone((-47, -24, -46, -23)) == "EPSG:32723"
    assert utm_zone((179.5, 60, 180, 61)) == "EPSG:32660"
    assert tile_names((66.64, 39.53, 69.02, 41.18), "{tile}") == ["N39E066", "N39E069"]
    assert tile_names((-70.5, -33.6, -70.4, -33.5), "{tile}") == ["S36W072"]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("folder", "crs", "sectors"),
    [
        ("helsinki-combined", "EPSG:3067", {"buildings", "transport", "land_cover", "population"}),
        ("liechtenstein-osm-2024", "EPSG:32632", {"buildings", "transport", "forest"}),
        ("seoul-songpa-osm-2024", "EPSG:5179", {"buildings", "transport"}),
    ],
)
def test_real_folders_give_region_files_that_can_be_built(
    folder: str, crs: str, sectors: set[str], shared: Path, tmp_path: Path
) -> None:
    inputs = shared / "data" / folder
    proposal = propose(inputs, "place", Wishes())
    assert proposal.crs.value == crs
    assert set(sources_of(proposal)) == sectors
    written = write_proposal(proposal, tmp_path, inputs, overwrite=False, forms=False)
    report = check_region(written.region, inputs)
    assert report.buildable, report.parts


def test_areas_too_tangled_to_look_at_are_told_with_their_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with osmium.SimpleWriter(str(tmp_path / "a.osm.pbf")) as writer:
        for k in range(4):
            low, side = (0.01 * k, 0.009) if k < 3 else (-0.01, 0.05)
            west, south = JIZZAKH[0] + low, JIZZAKH[1] + low
            corners = [(west, south), (west + side, south), (west + side, south + side), (west, south + side)]
            nodes = range(4 * k + 1, 4 * k + 5)
            for number, place in zip(nodes, corners, strict=True):
                writer.add_node(Node(id=number, version=1, location=place))
            tags = {"boundary": "administrative", "admin_level": "8", "name": "Knot"} if k == 3 else {"building": "yes"}
            writer.add_way(Way(id=k + 1, version=1, nodes=[*nodes, nodes[0]], tags=tags))
        writer.add_relation(
            Relation(id=9, version=1, members=[("w", 4, "outer")], tags=tags | {"type": "boundary", "name": "Knots"})
        )
    assert not any("edges cross" in remark for remark in propose(tmp_path, "knotty", Wishes()).remarks)
    monkeypatch.setattr(found_osm, "too_tangled", lambda shapes: dict.fromkeys(range(len(shapes)), "its edges cross"))
    [told] = [remark for remark in propose(tmp_path, "knotty", Wishes()).remarks if "edges cross" in remark]
    assert told.startswith("2 of the administrative areas in a.osm.pbf were not looked at")
    assert "w4" in told
    assert "r9" in told


@pytest.mark.shared
def test_an_extract_alone_gives_the_zones_that_it_holds_whole(shared: Path, tmp_path: Path) -> None:
    extract = shared / "data" / "liechtenstein-osm-2024" / "liechtenstein-2024-03-04.osm.pbf"
    (tmp_path / extract.name).symlink_to(extract)
    proposal = propose(tmp_path, "alpine", Wishes())
    [zones] = proposal.zone_sets
    assert zones.data["where"] == {"admin_level": ["8"]}
    assert "11 areas" in zones.why[0] or "Vaduz" in zones.why[0]
    written = write_proposal(proposal, tmp_path, tmp_path, overwrite=False, forms=False)
    report = check_region(written.region)
    assert report.buildable, report.parts
