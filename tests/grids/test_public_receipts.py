"""Public receipts: by hand, and against the tables they explain."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import receipt_town
from hypothesis import given, settings

import grids.large_targets
from grids.edition import Edition, Store
from grids.public_receipt import REASONS
from grids.public_receipts import PublicReceipts, ReceiptsNotKept
from grids.receipts import Receipts
from grids.store_errors import CollectionNotFound, EditionBroken, ItemNotFound, YearNotFound

EXAMPLE = receipt_town.EXAMPLE
PATIENT = receipt_town.PATIENT
Town = receipt_town.Town
buildings = receipt_town.buildings
cell = receipt_town.cell
cells = receipt_town.cells
every_receipt = receipt_town.every_receipt
line = receipt_town.line
model = receipt_town.model
publish = receipt_town.publish
towns = receipt_town.towns


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def town(tmp_path: Path) -> Edition:
    return publish(EXAMPLE, tmp_path / "store")


def test_parts_and_closed_meters_add_up_to_what_is_published(town):
    found = buildings(PublicReceipts(town).receipt("grid-100m", cell(0), 2023))
    gas, power = found.carriers
    assert (gas.pair, gas.tco2e) == (("gas", "direct"), 18 + 1 + 4 + 2)
    assert [(part.layer, part.method, part.tco2e, part.lines) for part in gas.parts] == [
        ("stock", "modelled", 4.0, None),
        ("plants", "metered", 2.0, 1),
    ]
    assert gas.closed_tco2e == pytest.approx(19)
    assert gas.closed_factors == ("gas_energy", "gas_volume")
    assert power.closed_tco2e == pytest.approx(6)
    assert [(part.activity, part.factors) for part in power.parts] == [(30.0, ("grid", "energy"))]
    assert found.reasons == ("closed_together", "illustrative")
    assert found.shared_errors == {
        "eui:office": pytest.approx(2.8),
        "factor:gas_energy": pytest.approx(0.3),
        "factor:grid*energy": pytest.approx(0.15),
    }


def test_a_held_cell_says_so_and_tells_what_is_published(town):
    found = PublicReceipts(town).receipt("grid-100m", cell(1), 2023)
    assert found.held
    assert "held" in buildings(found).reasons
    (row,) = [row for row in town.table("grid-100m", 2023).to_pylist() if row["id"] == cell(1)]
    (gas,) = buildings(found).carriers
    assert gas.closed_tco2e == gas.tco2e == row["buildings_tco2e"] != 40
    assert gas.parts == ()


def test_names_sources_factors_assumptions_and_files(town):
    read = PublicReceipts(town)
    found = read.receipt("gu", "west")
    assert (found.id, found.year, dict(found.name)) == ("west", 2024, {"en": "West"})
    first = read.receipt("grid-100m", cell(0), 2023)
    assert [(source.id, source.open, source.files) for source in first.sources] == [
        ("plants", True, ("plants.parquet",)),
        ("stock", False, ("stock.parquet",)),
    ]
    assert [(entry.file, entry.reason) for entry in first.inputs] == [
        ("plants.parquet", None),
        ("stock.parquet", "closed"),
    ]
    assert [(entry.sha256 is None, entry.bytes is None) for entry in first.inputs] == [(False, False), (True, True)]
    assert [record["id"] for record in first.factors] == ["gas_energy", "gas_volume", "grid"]
    assert [record["id"] for record in first.assumptions] == ["buildings.eui.office"]


def test_where_the_closed_source_has_nothing_it_is_named_all_the_same(town):
    """Else its name alone would tell where its features are."""
    empty = PublicReceipts(town).receipt("grid-100m", cell(15), 2023)
    assert [source.id for source in empty.sources] == ["stock"]
    assert buildings(empty).carriers == ()
    assert buildings(empty).reasons == ()


def test_the_interval_is_the_published_one(town):
    sector = buildings(PublicReceipts(town).receipt("grid-100m", cell(0), 2023))
    row = next(row for row in town.table("grid-100m", 2023).to_pylist() if row["id"] == cell(0))
    assert sector.sd_tco2e == row["buildings_sd_tco2e"]
    assert sector.interval is not None
    assert sector.interval[1] - sector.interval[0] == pytest.approx(2 * 1.6448536 * row["buildings_sd_tco2e"])


def test_a_carrier_withheld_everywhere_is_told_only_with_the_others(tmp_path):
    lines = [line(k, 10 + k, carrier="electricity", basis="indirect", factor_id="grid") for k in range(4)]
    lines += [line(k, 12 + k, carrier="oil", factor_id="oil") for k in range(4)]
    quarter = Town([*lines, line(0, 9), model(4, 6)], cells(0, 0, 0, 0, 0))
    found = PublicReceipts(publish(quarter, tmp_path / "store")).receipt("grid-100m", cell(0), 2023)
    sector = buildings(found)
    told = [carrier.pair[0] for carrier in sector.carriers if carrier.tco2e is not None]
    hidden = [carrier for carrier in sector.carriers if carrier.tco2e is None]
    assert "gas" in [carrier.pair[0] for carrier in hidden]
    assert len(hidden) == 2
    assert all((carrier.parts, carrier.closed_tco2e, carrier.closed_factors) == ((), None, ()) for carrier in hidden)
    assert "withheld" in sector.reasons
    assert "eui:office" not in sector.shared_errors  # of the gas that is modelled
    shown = sum(carrier.tco2e or 0.0 for carrier in sector.carriers)
    assert len(told) == 1
    assert sector.withheld_tco2e == pytest.approx((sector.tco2e or 0.0) - shown)


def test_a_region_of_two_meters_tells_nothing_where_they_are(tmp_path):
    quarter = Town([line(0, 10), line(1, 20), model(2, 5), model(3, 7)], cells(0, 1, 0, 2))
    read = PublicReceipts(publish(quarter, tmp_path / "store"))
    hidden = buildings(read.receipt("grid-100m", cell(0), 2023))
    assert (hidden.tco2e, hidden.interval, hidden.carriers) == (None, None, ())
    assert hidden.reasons == ("region_hidden",)
    assert not hidden.shared_errors
    modelled = buildings(read.receipt("grid-100m", cell(2), 2023))
    assert modelled.tco2e == 7
    net = read.receipt("grid-100m", cell(0), 2023).sectors[-1]
    assert (net.sector, net.tco2e, net.reasons) == ("net", None, ("net_unknown",))


def test_unknown_is_said_to_be_unknown(tmp_path):
    quarter = Town([line(k, 5) for k in range(3)], cells(0, 0, 0), coverage=0.5)
    read = PublicReceipts(publish(quarter, tmp_path / "half"))
    half = read.receipt("grid-100m", cell(0), 2023)
    assert buildings(half).reasons == ("closed_together", "not_whole")
    assert half.sectors[-1].reasons == ("net_unknown",)
    unknown = buildings(read.receipt("grid-100m", cell(0), 2024))
    assert (unknown.tco2e, unknown.reasons, unknown.carriers) == (None, ("not_covered",), ())


def test_codes_are_those_documented(town):
    codes = {code for *_, found in every_receipt(town) for sector in found.sectors for code in sector.reasons}
    assert codes <= set(REASONS)
    assert {"held", "closed_together"} <= codes


@pytest.mark.parametrize(
    ("collection", "item", "year", "error"),
    [
        ("nowhere", "west", 2023, CollectionNotFound),
        ("gu", "west", 1999, YearNotFound),
        ("gu", "north", 2023, ItemNotFound),
        ("grid-100m", "no code", 2023, ItemNotFound),
        ("grid-100m", "9" * 5000, 2023, ItemNotFound),
        ("grid-100m", "CRS5179RES100mN1900000E990000", 2023, ItemNotFound),
        ("grid-100m", "CRS5179RES200mN1900000E900000", 2023, ItemNotFound),
    ],
)
def test_what_is_not_there(town, collection, item, year, error):
    with pytest.raises(error):
        PublicReceipts(town).receipt(collection, item, year)


def test_an_edition_without_its_private_tables_has_no_receipts(town, tmp_path):
    (town.folder / "private").rename(tmp_path / "elsewhere")
    with pytest.raises(ReceiptsNotKept, match="ask where it was built"):
        PublicReceipts(town)
    (town.folder / "private").mkdir()
    with pytest.raises(EditionBroken, match="targets-gu"):
        PublicReceipts(town).receipt("gu", "west")


# --- against the tables -----------------------------------------------------------------------------------------------


def check_adds_up(edition: Edition) -> int:
    seen = 0
    for *_, row, found in every_receipt(edition):
        sector = buildings(found)
        assert (sector.tco2e, sector.sd_tco2e, found.held) == (
            row["buildings_tco2e"],
            row["buildings_sd_tco2e"],
            row["held"],
        )
        for carrier in sector.carriers:
            assert carrier.tco2e == row[f"buildings_{'_'.join(carrier.pair)}_tco2e"]
            if carrier.tco2e is not None:
                parts = sum(part.tco2e for part in carrier.parts) + (carrier.closed_tco2e or 0.0)
                assert parts == pytest.approx(carrier.tco2e, rel=1e-9, abs=1e-12)
                assert (carrier.closed_tco2e or 0.0) >= 0
        if sector.tco2e is not None:
            carriers = sum(carrier.tco2e or 0.0 for carrier in sector.carriers) + (sector.withheld_tco2e or 0.0)
            assert carriers == pytest.approx(sector.tco2e, rel=1e-9, abs=1e-12)
        seen += 1
    return seen


@settings(PATIENT, max_examples=4)
@given(towns())
def test_every_receipt_adds_up_to_its_row(tmp_path_factory, quarter):
    assert check_adds_up(publish(quarter, tmp_path_factory.mktemp("store"))) == 2 * (4 + 16 + 2)


def test_what_is_told_is_what_true_receipts_say_of_the_same_lines(town):
    """Two ways of adding up: by kind here, feature by feature there."""
    true = Receipts(town)
    for name, year, _, row, found in every_receipt(town):
        whole = true.receipt(name, row["id"], year)
        kinds = [kind for layer in whole.layers for kind in layer.kinds if layer.open or kind.method != "metered"]
        told = [part for carrier in buildings(found).carriers for part in carrier.parts]
        assert sum(part.tco2e for part in told) == pytest.approx(sum(kind.emissions_tco2e for kind in kinds))
        assert sum(part.activity for part in told) == pytest.approx(sum(kind.activity for kind in kinds))


def test_large_targets_are_told_from_what_the_build_kept(tmp_path, monkeypatch):
    small = publish(EXAMPLE, tmp_path / "small")
    monkeypatch.setattr(grids.large_targets, "LARGE", 2)
    large = publish(EXAMPLE, tmp_path / "large")
    assert list((large.folder / "private").glob("sums-stock.*"))
    for lines in (large.folder / "private").glob("lines-stock*"):
        lines.chmod(0o600)
    for one, other in zip(every_receipt(small), every_receipt(large), strict=True):
        assert one[-1] == other[-1]
    sums = next((large.folder / "private").glob("sums-stock.gu.parquet"))
    pq.write_table(pq.read_table(sums).slice(0, 0), sums)
    west = PublicReceipts(Store(tmp_path / "large").open("town")).receipt("gu", "west", 2023)
    assert buildings(west).carriers[0].parts[0].layer == "plants"  # what was kept is what is read
