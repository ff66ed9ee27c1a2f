"""What an edition says of its zones and of repairs: overlaps, slivers, gaps and needles, counted and told."""

import json
from dataclasses import replace

import numpy as np
import pytest

from carbonmap.build import Built, build_region
from carbonmap.progress import Silent
from carbonmap.zone_records import zone_lines
from grids.manifest import ZoneRecord
from grids.sharing import Division

WEST, EAST = 0, 1


def build(tiny) -> Built:
    tiny.write()
    return build_region(tiny.file, None, tiny.store, progress=Silent())


def zone(tiny, which: int, *corners: tuple[float, float]) -> None:
    """Draw a zone anew, by metres from the region's corner."""
    ring = [[540_000 + x, 5_220_000 + y] for x, y in (*corners, corners[0])]
    tiny.layers["zones.geojson"]["features"][which]["geometry"] = {"type": "Polygon", "coordinates": [ring]}


def bounded(tiny) -> None:
    """The region is a square of 2 km, whatever its zones."""
    tiny.region["boundary"] = {"bounds": [540_000, 5_220_000, 542_000, 5_222_000]}


def test_zones_that_share_out_the_ground_have_nothing_to_tell(tiny):
    built = build(tiny)
    record = built.manifest.zones["district"]
    assert record.zones == 2
    assert record.report["kept"] == 2
    assert (record.overlaps.count, record.slivers.count, record.gaps.count, record.needles.count) == (0, 0, 0, 0)
    assert set(built.manifest.zones) == {"district", "h3-8"}
    assert list(zone_lines(built.manifest.zones.items())) == []


def test_overlaps_and_gaps_are_counted_with_their_ground_and_told(tiny, command):
    bounded(tiny)
    zone(tiny, WEST, (0, 0), (1000.4, 0), (1000.4, 2000), (0, 2000))  # 800 m2 of the east's
    zone(tiny, EAST, (1000, 0), (1900, 0), (1900, 2000), (1000, 2000))  # 200,000 m2 are nobody's
    built = build(tiny)
    record = built.manifest.zones["district"]
    assert record.overlaps.count == 1
    (claim,) = record.overlaps.largest
    # East comes first in the order of ids, so it keeps what both claim.
    assert (claim.keeps, claim.loses, claim.area_m2) == ("east", "west", pytest.approx(800))
    assert (record.overlaps.tolerance_share, record.overlaps.tolerance_m2) == (0.001, 1.0)
    assert (record.gaps.count, record.gaps.area_m2) == (1, pytest.approx(200_000))
    (gap,) = record.gaps.largest
    assert 541_900 < gap.x < 542_000
    assert 5_220_000 < gap.y < 5_222_000
    told = "1 overlaps cut off, 800.0 m2 (tolerated up to 0.10% of the smaller, or 1 m2); 1 gaps, 200,000.0 m2"
    assert told in command("info", "tiny", "--store", tiny.store)[1].replace("\n", " ")
    assert told in " ".join(built.summary())


def test_a_repaired_zone_and_a_needle_are_counted(tiny):
    bounded(tiny)
    # A spike makes the west invalid; between it and the east is a slit of half a micrometre.
    zone(tiny, WEST, (0, 0), (1000, 0), (1000, 2000), (500, 2000), (500, 2500), (500, 2000), (0, 2000))
    zone(tiny, EAST, (1000.0000005, 0), (2000, 0), (2000, 2000), (1000.0000005, 2000))
    record = build(tiny).manifest.zones["district"]
    assert record.report["repaired"]["ids"] == ["west"]
    assert (record.needles.count, record.needles.area_m2) == (1, pytest.approx(1e-3, rel=0.01))
    assert record.gaps.count == 0
    (line,) = zone_lines([("district", record)])
    assert line == (
        "district, 2 zones: 1 with invalid rings repaired; 1 needles between them, 0.001 m2 "
        "(thinner than 1e-06 m, taken as rounding)"
    )


def test_a_sliver_is_told_with_what_was_let_pass():
    claims = {"count": 1, "area_m2": 0.004, "largest": [{"keeps": "a", "loses": "b", "area_m2": 0.004}]}
    record = ZoneRecord.model_validate(
        {
            "zones": 2,
            "overlaps": {"count": 0, "area_m2": 0, "tolerance_share": 0, "tolerance_m2": 0, "smaller_wins": False},
            "slivers": claims | {"tolerance_m2": 0.01},
            "gaps": {"count": 0, "area_m2": 0},
            "needles": {"count": 0, "area_m2": 0, "width_m": 1e-6},
        }
    )
    assert list(zone_lines([("h3-8", record)])) == ["h3-8, 2 zones: 1 slivers cut off, 0.004 m2 (up to 0.01 m2 each)"]


def test_repairs_made_when_features_are_shared_out_are_counted_by_id(tiny, monkeypatch, command):
    """Reading repairs what GEOS calls invalid; should a ring pass that the edges say crosses, it is not silent."""
    share_out = Division.share_out

    def repairing(self, column, ids=None):
        return replace(share_out(self, column, ids), repaired=np.arange(min(column.size, 2)))

    monkeypatch.setattr(Division, "share_out", repairing)
    built = build(tiny)
    repaired = {layer.id: layer.report["repaired_by_edges"] for layer in built.manifest.layers}
    assert repaired == {
        "buildings": {"count": 2, "ids": ["b1", "b2"]},
        "roads": {"count": 2, "ids": ["r1", "r2"]},
        "forest": {"count": 1, "ids": ["s1"]},
    }
    assert "repaired 2 geometries whose edges cross" in " ".join(built.summary())
    assert "repaired_by_edges 2" in command("info", "tiny", "--store", tiny.store)[1]
    public = json.dumps(built.manifest.public())
    assert '"b1"' not in public  # buildings are private
    assert '"r1"' in public
