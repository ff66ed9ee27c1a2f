"""An edition against inventories: what is compared with what, verdicts, and maps that lack buildings."""

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from accounting.errors import InvalidTable
from carbonmap.build import build_region
from carbonmap.errors import RegionError
from carbonmap.progress import Silent
from carbonmap.quality.value import SectorErrors
from carbonmap.reconcile import Comparison, Reconciliation, reconcile, reconciliation_lines
from carbonmap.zone_sums import ZoneSums, correlations

HEAD = "year,zone,sector,carrier,basis,tco2e,uncertainty_percent,source\n"


def built(tiny: Any, residents: dict[str, int] | None = None) -> Any:
    if residents is not None:
        features = [
            {
                **zone,
                "properties": {"code": zone["properties"]["code"], "people": residents[zone["properties"]["code"]]},
            }
            for zone in tiny.layers["zones.geojson"]["features"]
        ]
        tiny.layers["people.geojson"] = {**tiny.layers["zones.geojson"], "features": features}
        tiny.region["sources"].append(
            {
                "id": "people",
                "sector": "population",
                "file": "people.geojson",
                "columns": {"id": "code", "population": "people"},
                "open": True,
            }
        )
    tiny.source("buildings")["open"] = True
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    return tiny


def against(tiny: Any, rows: str, **settings: Any) -> Reconciliation:
    path = tiny.folder / "theirs.csv"
    path.write_text(HEAD + rows, encoding="utf-8")
    return reconcile(tiny.store, "tiny", str(path), **settings)


def one(done: Reconciliation, zone: str, category: str) -> Comparison:
    (found,) = [each for each in done.comparisons if (each.zone, each.category) == (zone, category)]
    return found


def profile(path: Path, energy: float, lulucf: float = -1.0) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data_by_sector"
    for row in (
        ("GHG emissions, Gg CO2 equivalent", "2012"),
        ("GHG emissions without LULUCF / LUCF", energy + 1),
        ("GHG net emissions/removals by LULUCF / LUCF", lulucf),
        ("1. Energy ", energy),
        ("6. Waste", 1.0),
    ):
        sheet.append(row)
    book.save(path)
    return path


def test_totals_agree_or_not_by_our_interval(tiny: Any):
    built(tiny)
    first = against(tiny, "2023,west,transport,,direct,1,,x\n2023,,transport,,direct,1,,x\n")
    ours = one(first, "west", "transport").ours_tco2e
    assert ours is not None
    whole = one(first, "", "transport").ours_tco2e
    assert whole is not None
    assert whole > ours
    for value, verdict in ((ours * 1.02, "agrees"), (ours * 20, "lower"), (ours / 20, "higher")):
        done = against(tiny, f"2023,west,transport,,direct,{value!r},,x\n")
        assert one(done, "west", "transport").verdict == verdict


def test_direct_totals_are_never_compared_with_what_electricity_causes(tiny: Any):
    built(tiny)
    done = against(tiny, "2023,east,buildings,,direct,5,,x\n")
    direct = one(done, "east", "buildings")
    both = against(tiny, "2023,east,buildings,,,5,,x\n").comparisons[0]
    assert direct.basis == "direct"
    assert direct.ours_tco2e is not None
    assert both.ours_tco2e is not None
    assert 0 < direct.ours_tco2e < both.ours_tco2e - 1  # half of b4's electricity alone is 0.75 t


def test_a_national_profile_needs_the_regions_part_and_bounds_ours(tiny: Any):
    built(tiny)
    path = profile(tiny.folder / "ABC_ghg_profile.xlsx", energy=100.0)
    with pytest.raises(RegionError, match="say with --share"):
        reconcile(tiny.store, "tiny", str(path))
    wide = reconcile(tiny.store, "tiny", str(path), share=0.5)
    energy = one(wide, "", "energy")
    assert (energy.verdict, energy.inventory_tco2e) == ("part", 50_000)
    assert one(wide, "", "waste").verdict == "absent"
    used = one(wide, "", "electricity and heat used")
    assert (used.verdict, used.basis, used.inventory_tco2e) == ("no counterpart", "indirect", None)
    narrow = reconcile(tiny.store, "tiny", str(path), share=1e-4)
    exceeded = one(narrow, "", "energy")
    assert exceeded.verdict == "exceeds"
    assert any("too high" in reason for reason in exceeded.reasons)
    assert any("of 2012, ours of 2023" in note for note in wide.notes)


def series(path: Path) -> Path:
    """Totals of Annex I countries: kt of two of them, the first one's of the region's year and of one later."""
    book = openpyxl.Workbook()
    for row in (
        ("Time Series - GHG total without LULUCF, in kt CO₂ equivalent",),
        ("Party", "Base year", "2023", "Last Inventory Year (2024)"),
        ("Ruritania", 100.0, 200.0, 300.0),
        ("Graustark", 100.0, "—", 400.0),
    ):
        book.active.append(row)
    book.save(path)
    return path


def test_a_time_series_of_countries_bounds_ours_by_the_total_of_our_year(tiny: Any):
    built(tiny)
    path = str(series(tiny.folder / "series.xlsx"))
    with pytest.raises(RegionError, match="say with --party"):
        reconcile(tiny.store, "tiny", path, share=1)
    with pytest.raises(RegionError, match="say with --share"):
        reconcile(tiny.store, "tiny", path, party="Ruritania")
    done = reconcile(tiny.store, "tiny", path, party="Ruritania", share=0.5)
    total = one(done, "", "total")
    assert (total.verdict, total.basis, total.inventory_tco2e) == ("part", "direct", 100_000)
    assert not any("ours of" in note for note in done.notes)
    other = reconcile(tiny.store, "tiny", path, party="Graustark", share=1)
    assert one(other, "", "total").inventory_tco2e == 400_000
    assert any("of 2024, ours of 2023" in note for note in other.notes)
    profile(tiny.folder / "ABC_ghg_profile.xlsx", energy=100.0)
    with pytest.raises(RegionError, match="profile of one country"):
        reconcile(tiny.store, "tiny", str(tiny.folder / "ABC_ghg_profile.xlsx"), party="Ruritania", share=1)


def test_a_sink_against_a_source_is_told(tiny: Any):
    built(tiny)
    path = profile(tiny.folder / "ABC_ghg_profile.xlsx", energy=100.0, lulucf=0.4)
    land = one(reconcile(tiny.store, "tiny", str(path), share=1.0), "", "lulucf")
    assert land.verdict == "lower"
    assert any("signs differ" in reason for reason in land.reasons)


def test_how_much_floor_area_a_resident_has_is_the_regions_to_say(tiny: Any):
    """The west has 60 m2 a resident: enough for ours, not for a region that says 80 at least."""
    tiny.region["assumptions"]["completeness.floor_area_per_resident"] = {
        "value": 100, "unit": "m2", "low": 80, "high": 120, "author": "statistics office", "reason": "housing census",
    }  # fmt: skip
    built(tiny, {"west": 120, "east": 100})
    done = against(tiny, "2023,west,buildings,,,1000,,x\n")
    assert any(
        "has 80 at least (statistics office: housing census)" in why for why in one(done, "west", "buildings").reasons
    )
    assert not any("judgement of carbonmap" in note for note in done.notes)


def test_a_map_with_a_fifth_of_the_buildings_is_told_to_lack_them(tiny: Any):
    """200 m2 and half of a shop are mapped for 100 people in the east; the west has 7,200 m2 for 120."""
    built(tiny, {"west": 120, "east": 100})
    done = against(tiny, "2023,east,buildings,,,1000,,x\n2023,west,buildings,,,1000,,x\n")
    east, west = one(done, "east", "buildings"), one(done, "west", "buildings")
    assert east.verdict == "lower"
    assert any("4 m2 of floor area per resident" in reason for reason in east.reasons)
    assert not any("floor area per resident" in reason for reason in west.reasons)
    assert any("buildings enough for the residents" in reason for reason in west.reasons)
    assert any("does not say how much floor area a resident has" in note for note in done.notes)


def test_without_residents_completeness_is_said_to_be_unknown(tiny: Any):
    done = against(built(tiny), "2023,east,buildings,,,1000,,x\n")
    assert any("cannot be judged" in note for note in done.notes)
    assert any("may lack most buildings" in reason for reason in done.comparisons[0].reasons)


def test_places_of_another_country_are_refused(tiny: Any):
    built(tiny)
    with pytest.raises(RegionError, match="none of the 31 places"):
        reconcile(tiny.store, "tiny", "gyeonggi")
    with pytest.raises(RegionError, match=r"no inventory is called 'gyeongi'.*gyeonggi"):
        reconcile(tiny.store, "tiny", "gyeongi")


def test_a_shipped_inventory_is_matched_by_name_in_any_language(tiny: Any):
    for zone, name in zip(tiny.layers["zones.geojson"]["features"], ("수원시", "성남시"), strict=True):
        zone["properties"]["korean"] = name
    tiny.region["zone_sets"][0]["columns"]["name_ko"] = "korean"
    done = reconcile(built(tiny).store, "tiny", "gyeonggi")
    energy = one(done, "west", "energy")
    assert (energy.label, energy.inventory_tco2e, energy.verdict) == ("West", 3_380_000, "part")
    assert len(done.unmatched) == 29
    assert "does not print the year" in " ".join(done.notes)


def test_the_command_tells_and_writes(tiny: Any, command: Any, tmp_path: Path):
    built(tiny)
    (tiny.folder / "theirs.csv").write_text(HEAD + "2023,west,transport,,,500,,inventory\n", encoding="utf-8")
    code, out, _ = command(
        "reconcile", "tiny", tiny.folder / "theirs.csv", "--store", tiny.store, "--out", tmp_path / "told"
    )
    assert code == 0
    assert "ILLUSTRATIVE" in out
    assert "West, transport" in out
    table = (tmp_path / "told" / "reconciliation.csv").read_text(encoding="utf-8")
    assert "inventory" in table.splitlines()[1]
    code, _, error = command("reconcile", "tiny", tmp_path / "none.csv", "--store", tiny.store)
    assert code == 2
    assert "does not exist" in error
    with pytest.raises(InvalidTable):
        reconcile(tiny.store, "tiny", str(tmp_path / "none.csv"))
    assert list(reconciliation_lines(reconcile(tiny.store, "tiny", str(tiny.folder / "theirs.csv"))))


def test_totals_that_cannot_be_compared_are_told_or_refused(tiny: Any):
    built(tiny)
    rows = "2023,west,transport,,direct,500,,x\n2021,west,transport,,direct,500,,x\n"
    done = against(tiny, rows)
    assert len(done.comparisons) == 1
    assert any("1 totals of other years (2021) were left out" in note for note in done.notes)
    with pytest.raises(RegionError, match=r"nothing of theirs\.csv can be compared.*other years \(2021\)"):
        against(tiny, "2021,west,transport,,direct,500,,x\n")
    path = tiny.folder / "energy.csv"
    path.write_text("year,zone,sector,carrier,mwh,source\n2023,west,buildings,gas,5,x\n", encoding="utf-8")
    with pytest.raises(RegionError, match="1 totals in MWh were left out"):
        reconcile(tiny.store, "tiny", str(path))


def test_ground_in_no_zone_counts_for_the_region(tiny: Any):
    """A zone set of the west alone: the region is more than its zones."""
    zones = tiny.layers["zones.geojson"]
    west = [each for each in zones["features"] if each["properties"]["code"] == "west"]
    tiny.layers["some.geojson"] = {**zones, "features": west}
    (district,) = tiny.region["zone_sets"]
    tiny.region["zone_sets"].append({**district, "id": "some", "title": {"en": "Some"}, "file": "some.geojson"})
    built(tiny)
    row = "2023,,transport,,direct,500,,x\n"
    part, whole = against(tiny, row, zone_set="some"), against(tiny, row, zone_set="district")
    assert one(part, "", "transport").ours_tco2e == pytest.approx(one(whole, "", "transport").ours_tco2e, rel=1e-9)
    assert any("zones leave ground out" in note and "transport" in note for note in part.notes)
    assert not any("leave ground out" in note for note in whole.notes)


def test_factors_of_calibration_far_from_one_are_told(tiny: Any):
    (tiny.folder / "totals.csv").parent.mkdir(parents=True, exist_ok=True)
    (tiny.folder / "totals.csv").write_text(HEAD + "2023,east,buildings,gas,,10,,x\n", encoding="utf-8")
    tiny.region["calibration"] = {"totals": "totals.csv", "zone_set": "district", "bounds": [1e-3, 1e3]}
    done = against(built(tiny), "2023,east,buildings,,direct,500,,x\n")
    assert any("gas (direct) of buildings in zone 'east'" in note for note in done.notes)


def test_sectors_that_share_a_factor_are_not_added_as_if_they_did_not():
    frame = pd.DataFrame({f"{sector}_{what}": [value] for sector in ("buildings", "transport")
                          for what, value in (("tco2e", 100.0), ("sd_tco2e", 10.0))})  # fmt: skip
    shared = SectorErrors(total=100.0, own={}, loadings={"factor:kr_elec": 10.0})
    alone = SectorErrors(total=100.0, own={}, loadings={"factor:kr_gas": 10.0})
    for other, sd in ((shared, 20.0), (alone, 200**0.5)):
        zones = ZoneSums(["z"], ["z"], [set()], frame, None, correlations({"buildings": shared, "transport": other}))  # type: ignore[arg-type]
        assert zones.ours(0, ("buildings", "transport"), "", "") == pytest.approx((200.0, sd))
