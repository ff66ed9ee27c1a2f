"""OpenStreetMap: what libosmium assembles, and what becomes of the rest."""

from pathlib import Path
from typing import Any

import osmium
import pytest
import shapely
from osmium.osm.mutable import Node, Relation, Way

from gis import found_osm
from gis.errors import LayerMissing, UnreadableFile
from gis.found_osm import admin_levels
from gis.layers import ReadReport
from gis.osm import read_osm
from gis.osm_xml import is_out_geom, plain_osm
from gis.raw import Raw, Request
from gis.sources import Range, Where


def read(
    path: Path, layer: str, *columns: str, where: Where | None = None, lonlat: Any = None
) -> tuple[Raw, ReadReport]:
    report = ReadReport("s", path.name)
    raw = read_osm(Request(path, layer, columns, where or {}, None, None, lonlat=lonlat), report)
    report.kept = len(raw.ids)
    report.verify()
    return raw, report


@pytest.fixture
def village(tmp_path: Path) -> Path:
    """Two houses and a broken one, a courtyard block, a clipped road, a stream, a wood, a village node."""
    path = tmp_path / "village.osm.pbf"
    places = {
        1: (9.000, 47.000), 2: (9.001, 47.000), 3: (9.001, 47.001), 4: (9.000, 47.001),
        5: (9.010, 47.000), 6: (9.020, 47.000), 7: (9.020, 47.010), 8: (9.010, 47.010),
        9: (9.012, 47.002), 10: (9.018, 47.002), 11: (9.018, 47.008), 12: (9.012, 47.008),
    }  # fmt: skip
    ways = {
        100: ([1, 2, 3, 4, 1], {"building": "house", "building:levels": "2"}),
        101: ([1, 2, 3], {"building": "yes"}),
        102: ([1, 2, 99, 98, 1], {"building": "yes"}),
        103: ([5, 6, 7, 8, 5], {}),
        104: ([9, 10, 11, 12, 9], {}),
        105: ([1, 2, 3, 4, 1], {"building": "no"}),
        200: ([1, 2, 97, 3, 4], {"highway": "residential", "maxspeed": "30 mph"}),
        201: ([96, 95], {"highway": "track"}),
        202: ([5, 6, 7, 8, 5], {"highway": "pedestrian", "area": "yes"}),
        203: ([5, 6], {"highway": "primary", "lanes": "4"}),
        300: ([1, 3], {"waterway": "stream", "name": "Bach"}),
        301: ([9, 10, 11, 12, 9], {"natural": "water"}),
        400: ([5, 6, 7, 8, 5], {"natural": "wood", "leaf_type": "needleleaved"}),
    }
    relations = {
        900: ([("w", 103, "outer"), ("w", 104, "inner")], {"type": "multipolygon", "building": "apartments"}),
        901: ([("w", 555, "outer")], {"type": "multipolygon", "building": "yes"}),
        902: ([("w", 100, "outline")], {"type": "building", "building": "yes"}),
    }
    with osmium.SimpleWriter(str(path)) as writer:
        for number, place in places.items():
            writer.add_node(Node(id=number, version=1, location=place))
        writer.add_node(Node(id=50, version=1, location=(9.005, 47.005), tags={"place": "village", "name": "Dorf"}))
        writer.add_node(Node(id=51, version=1, location=(9.005, 47.005), tags={"place": "locality"}))
        for number, (nodes, tags) in ways.items():
            writer.add_way(Way(id=number, version=1, nodes=nodes, tags=tags))
        for number, (members, tags) in relations.items():
            writer.add_relation(Relation(id=number, version=1, members=members, tags=tags))
    return path


def test_every_building_is_accounted_for(village: Path) -> None:
    raw, report = read(village, "buildings", "building", "building:levels")
    assert list(raw.ids) == ["w100", "r900"]
    assert list(raw.values["building:levels"]) == ["2", None]
    assert shapely.get_num_interior_rings(shapely.get_parts(raw.geometries[1])[0]) == 1
    assert report.filtered == 1  # building=no
    assert {name: reason.split(":")[0] for name, reason in report.refused} == {
        "w101": "an open way, expected an area",
        "w102": "no area can be assembled",
        "r901": "no area can be assembled",
    }
    assert report.missing_nodes == 2
    assert any("type is not multipolygon" in note for note in report.notes)


def test_clipped_lines_end_where_nodes_are_missing(village: Path) -> None:
    raw, report = read(village, "roads", "highway", "maxspeed")
    assert list(raw.ids) == ["w200", "w203"]
    assert raw.geometries[0].wkt == "MULTILINESTRING ((9 47, 9.001 47), (9.001 47.001, 9 47.001))"
    assert report.refused == [("w201", "fewer than two places of it are in the extract")]
    assert report.filtered == 1  # a square, not a line
    assert report.missing_nodes == 3


def test_node_places_on_disk_give_the_same(village: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory, _ = read(village, "buildings")
    monkeypatch.setattr("gis.osm._IN_MEMORY_BYTES", 0)
    on_disk, _ = read(village, "buildings")
    assert shapely.equals_exact(in_memory.geometries, on_disk.geometries).all()


def test_water_has_areas_and_lines(village: Path) -> None:
    raw, _ = read(village, "water", "name", "class")
    assert {name: shape.geom_type for name, shape in zip(raw.ids, raw.geometries, strict=True)} == {
        "w300": "LineString",
        "w301": "MultiPolygon",
    }
    assert list(raw.values["class"]) == ["stream", "water"]


def test_forest_class_is_our_land_cover(village: Path) -> None:
    raw, _ = read(village, "forest", "class", "id")
    assert list(raw.values["class"]) == ["tree_needleleaf"]
    assert list(raw.values["id"]) == ["w400"]


def test_unnamed_closed_ways_are_no_units(tmp_path: Path) -> None:
    tags = {"boundary": "administrative", "admin_level": "8"}
    with osmium.SimpleWriter(str(tmp_path / "a.osm.pbf")) as writer:
        for number, place in enumerate([(9.0, 47.0), (9.1, 47.0), (9.1, 47.1)], start=1):
            writer.add_node(Node(id=number, version=1, location=place))
        writer.add_way(Way(id=1, version=1, nodes=[1, 2, 3, 1], tags=tags | {"name": "Dorf"}))
        writer.add_way(Way(id=2, version=1, nodes=[1, 2, 3, 1], tags=tags))
    raw, report = read(tmp_path / "a.osm.pbf", "admin", "name")
    assert (list(raw.ids), report.filtered) == (["w1"], 1)


def test_areas_too_tangled_for_geos_are_in_no_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, box = tmp_path / "a.osm.pbf", (9.0, 47.0, 9.3, 47.2)
    places = [(9.0, 47.0), (9.1, 47.0), (9.1, 47.1), (9.2, 47.0), (9.3, 47.0), (9.3, 47.1)]
    with osmium.SimpleWriter(str(path)) as writer:
        for number, place in enumerate(places, start=1):
            writer.add_node(Node(id=number, version=1, location=place))
        for number, name in enumerate(("Dorf", "Knoten")):
            first = 3 * number + 1
            tags = {"boundary": "administrative", "admin_level": "8", "name": name}
            writer.add_way(Way(id=number + 1, version=1, nodes=[first, first + 1, first + 2, first], tags=tags))
    [both], none = admin_levels(path, box)
    assert set(both.names) == {"Dorf", "Knoten"}
    monkeypatch.setattr(found_osm, "too_tangled", lambda shapes: {len(shapes) - 1: "its edges cross too often"})
    [left], tangled = admin_levels(path, box)
    assert (none, tangled) == ([], ["w2"])
    assert left.names == both.names[:-1]
    assert left.covered == pytest.approx(both.covered / 2)


def test_places_need_a_name(village: Path) -> None:
    raw, report = read(village, "places", "name", "place")
    assert list(raw.ids) == ["n50"]
    assert report.filtered == 1


def test_where_and_bounds_are_counted_apart(village: Path) -> None:
    raw, report = read(village, "roads", where={"lanes": Range(min=2)})
    assert (list(raw.ids), report.filtered) == (["w203"], 3)
    raw, report = read(village, "buildings", lonlat=(9.0095, 46.9, 9.1, 47.1))
    assert (list(raw.ids), report.outside) == (["r900"], 1)


def test_a_tag_that_nobody_carries_is_said(village: Path) -> None:
    _, report = read(village, "buildings", "nosuch")
    assert "no feature carries the tag 'nosuch'" in report.notes


def test_unknown_layer_lists_those_there_are(village: Path) -> None:
    with pytest.raises(LayerMissing, match=r"no layer 'house'.*buildings, roads"):
        read(village, "house")


def test_a_truncated_file_is_refused(village: Path, tmp_path: Path) -> None:
    broken = tmp_path / "cut.osm.pbf"
    broken.write_bytes(village.read_bytes()[:-40])
    with pytest.raises(UnreadableFile, match=r"cut\.osm\.pbf cannot be read"):
        read(broken, "buildings")


OUT_GEOM = """<?xml version="1.0"?><osm version="0.6">
<way id="7"><bounds minlat="0" minlon="0" maxlat="1" maxlon="1"/>
<nd ref="1" lat="0" lon="0"/><nd ref="2" lat="0" lon="1"/><nd ref="3" lat="1" lon="1"/><nd ref="1" lat="0" lon="0"/>
<tag k="building" v="yes"/></way>
<relation id="9"><member type="way" ref="7" role="outer"><nd lat="0" lon="0"/></member>
<tag k="type" v="multipolygon"/></relation></osm>"""


def test_out_geom_without_nodes_takes_places_from_the_ways(tmp_path: Path) -> None:
    path = tmp_path / "x.osm"
    path.write_text(OUT_GEOM)
    assert is_out_geom(path)
    raw, _ = read(path, "buildings")
    assert list(raw.ids) == ["w7"]
    assert raw.geometries[0].area == pytest.approx(0.5)


def test_document_types_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.osm"
    path.write_text(OUT_GEOM.replace("<osm ", '<!DOCTYPE osm [<!ENTITY a "b">]><osm ', 1))
    with pytest.raises(UnreadableFile, match="document type"):
        read(path, "buildings")


def test_broken_xml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.osm"
    path.write_text(OUT_GEOM[:-20])
    with pytest.raises(UnreadableFile, match="not well-formed"):
        read(path, "buildings")


def test_liechtenstein_has_17717_building_areas(shared: Path) -> None:
    path = shared / "data/liechtenstein-osm-2024/liechtenstein-2024-03-04.osm.pbf"
    raw, report = read(path, "buildings", "building")
    assert (report.read, len(raw.ids), report.refused) == (17_717, 17_717, [])
    assert sum(name.startswith("r") for name in raw.ids) == 21
    assert shapely.is_valid(raw.geometries).all()


def test_helsinki_is_clipped(shared: Path) -> None:
    path = shared / "data/helsinki-combined/Helsinki.osm.pbf"
    raw, report = read(path, "buildings")
    assert len(raw.ids) == 446
    assert report.read == 500
    assert report.missing_nodes == 426
    raw, report = read(path, "admin", "name")
    assert (len(raw.ids), len(report.refused)) == (0, 14)


def test_both_files_of_songpa_agree(shared: Path) -> None:
    folder = shared / "data/seoul-songpa-osm-2024"
    for layer, count in (("buildings", 1357), ("roads", 356)):
        plain, _ = read(folder / "songpa.clean.osm.pbf", layer, "name")
        geom, _ = read(folder / "asanH.osm", layer, "name")
        assert len(plain.ids) == count
        assert list(plain.ids) == list(geom.ids)
        assert plain.values.equals(geom.values)
        assert shapely.equals_exact(plain.geometries, geom.geometries).all()


def test_plain_files_are_read_as_they_are(shared: Path) -> None:
    path = shared / "data/monaco-osm-2023/monaco.osm.pbf"
    with plain_osm(path) as same:
        assert same == path
    _, report = read(path, "buildings")
    assert (report.read, len(report.refused)) == (1285, 2)
