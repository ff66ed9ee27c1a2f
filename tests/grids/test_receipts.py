"""Receipts: by hand, against the tables they explain, and by how little of the files is read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from scipy.sparse import csr_array

import grids.large_targets
import grids.receipts
from grids.aggregate import LayerShares, collection_sums
from grids.edition import CollectionInfo, Edition, EditionWriter, Store
from grids.errors import GridError
from grids.feature_lines import KIND, FeatureLines, kinds_of, largest_first, loadings_of
from grids.grid import Grid
from grids.large_targets import has_large, large_tables
from grids.receipt import FeaturePart, Receipt
from grids.receipts import BadReceipt, Receipts, receipt
from grids.store_errors import CollectionNotFound, EditionBroken, ItemNotFound, YearNotFound

CRS = "EPSG:5179"
YEARS = (2023, 2024)
GRID = CollectionInfo(
    id="grid-100m", title={"en": "100 m"}, kind="grid", cell_size_m=100, origin_m=(900_000, 1_900_000), codes="inspire"
)
ZONES = CollectionInfo(id="gu", title={"en": "gu"}, kind="zones")

OFFICE: dict[str, Any] = {
    "year": 2023,
    "carrier": "electricity",
    "basis": "indirect",
    "method": "modelled",
    "activity_unit": "kWh",
    "factor_id": "grid_factor",
    "u_own": 0.5,
    "group": "eui:office",
    "u_group": 0.4,
    "u_factor": 0.05,
    "assumptions": "",
}
CAR: dict[str, Any] = OFFICE | {"method": "metered", "u_own": 0.1, "group": "", "u_group": 0.0}
GAS: dict[str, Any] = OFFICE | {
    "carrier": "gas",
    "basis": "direct",
    "activity_unit": "Nm3",
    "factor_id": "gas*energy",
    "assumptions": "buildings.eui.office",
}


def lines_of(*lines: dict[str, Any]) -> pd.DataFrame:
    """Emission lines in the order of their files."""
    frame = pd.DataFrame(list(lines)).sort_values(["year", "feature"], kind="stable")
    words = {name: "category" for name in KIND if not name.startswith("u_")}
    return frame.astype({"feature": "int32", "year": "int16", **words}).reset_index(drop=True)


class Layer:
    """A layer as a build hands it over: shares by collection, lines, ids."""

    def __init__(self, name: str, sector: str, shares: dict[str, csr_array], lines: pd.DataFrame, size: int) -> None:
        self.name, self.sector, self.shares, self.lines, self.size = name, sector, shares, lines, size


def write_edition(
    store: Path, layers: list[Layer], counts: dict[str, int], *, rows_at_once: int = 1000, held: str | None = None
) -> Edition:
    """An edition of layers over a grid and a zone set, with the private tables that a build writes.

    Args:
        store: its folder.
        layers: their shares are (targets, features).
        counts: targets by collection.
        rows_at_once: rows of a row group of the private tables.
        held: id of a zone that shows another number.
    """

    def slices(table: pa.Table) -> Iterator[pa.Table]:
        yield from (table.slice(start, rows_at_once) for start in range(0, max(1, table.num_rows), rows_at_once))

    sectors = tuple(sorted({layer.sector for layer in layers}))
    with EditionWriter(store, "town", "00000000000000aa", crs=CRS) as writer:
        for info in (GRID, ZONES):
            count = counts[info.id]
            side = int(np.ceil(np.sqrt(count)))
            cells = np.array([divmod(k, side) for k in range(count)])
            if info.kind == "grid":
                grid = Grid(CRS, (900_000, 1_900_000), 100, "inspire")
                cells = cells[np.argsort(grid.zorder(cells[:, 0], cells[:, 1]))]
                place = {
                    "id": grid.codes(cells[:, 0], cells[:, 1]).astype(object),
                    "row": cells[:, 0],
                    "col": cells[:, 1],
                }
            else:
                place = {"id": np.array([f"zone-{k:04d}" for k in range(count)], dtype=object)}
            for year in YEARS:
                table = collection_sums(
                    [LayerShares(each.name, each.sector, each.shares[info.id], each.lines) for each in layers],
                    n_targets=count,
                    year=year,
                    sectors=sectors,
                    coverage={sector: np.ones(count) for sector in sectors},
                ).table()
                frame = pd.concat([pd.DataFrame(place), table.assign(held=place["id"] == held)], axis=1)
                frame.loc[frame["held"], "buildings_tco2e"] += 7.0
                polygons = None
                if info.kind == "zones":
                    # East to west, so that their order along the curve is not that of their ids.
                    polygons = [shapely.box(9e5 - k * 10, 19e5, 9e5 - k * 10 + 10, 19e5 + 10) for k in range(count)]
                writer.write_table(info, year, frame, polygons)
            if info.kind == "zones":
                writer.write_private_table("targets", info.id, pa.table({"id": place["id"]}))
            for layer in layers:
                matrix = layer.shares[info.id]
                target = np.repeat(np.arange(count, dtype=np.int32), np.diff(matrix.indptr))
                shares = pa.table({"target": target, "feature": matrix.indices.astype(np.int32), "share": matrix.data})
                writer.write_private_tables("shares", f"{layer.name}.{info.id}", slices(shares))
                if has_large(matrix):
                    sums, largest = large_tables(FeatureLines.by_year([layer.lines], layer.size), matrix)
                    writer.write_private_tables("sums", f"{layer.name}.{info.id}", slices(sums))
                    writer.write_private_tables("largest", f"{layer.name}.{info.id}", slices(largest))
        for layer in layers:
            table = pa.Table.from_pandas(layer.lines, preserve_index=False)
            writer.write_private_tables("lines", layer.name, slices(table))
            ids = pa.table({"id": [f"{layer.name}-{k}" for k in range(layer.size)], "height_m": np.zeros(layer.size)})
            writer.write_private_tables("features", layer.name, slices(ids))
        writer.publish(manifest(layers, sectors))
    return Store(store).open("town")


def manifest(layers: list[Layer], sectors: tuple[str, ...]) -> dict[str, Any]:
    joins = {"offices": [{"file": "meters.csv"}]}
    reports = {each.name: {"file": f"{each.name}.parquet", "joins": joins.get(each.name, [])} for each in layers}
    files = ["cars.parquet", "meters.csv", "offices.parquet", "zones.parquet"]
    return {
        "region": {
            "id": "town",
            "name": {"en": "Town"},
            "languages": ["en"],
            "crs": CRS,
            "bbox": [126, 36, 127, 37],
            "synthetic": True,
            "years": list(YEARS),
        },
        "sectors": list(sectors),
        "illustrative": dict.fromkeys(sectors, False),
        "inputs": [{"file": name, "bytes": 10, "sha256": f"{k:064x}"} for k, name in enumerate(files)],
        "factors": [{"id": name, "value": 0.4} for name in ("energy", "gas", "grid_factor", "unused")],
        "assumptions": [{"id": name, "value": 1.0} for name in ("buildings.eui.hotel", "buildings.eui.office")],
        "layers": [
            {"id": each.name, "sector": each.sector, "open": each.name != "offices", "report": reports[each.name]}
            for each in layers
        ]
        + [{"id": "residents", "sector": "population", "open": True, "report": {"file": "residents.parquet"}}],
        "code": {"version": "1", "sha256": "0" * 64},
    }


def sparse(rows: list[list[float]]) -> csr_array:
    return csr_array(np.array(rows))


OFFICES = Layer(
    "offices",
    "buildings",
    {
        "grid-100m": sparse([[1, 0, 0], [0, 1, 0], [0, 0, 0.25], [0, 0, 0.75]]),
        "gu": sparse([[1, 1, 0.25], [0, 0, 0.75]]),
    },
    lines_of(
        OFFICE | {"feature": 0, "activity": 100.0, "emissions_tco2e": 10.0},
        OFFICE | {"feature": 1, "activity": 200.0, "emissions_tco2e": 20.0},
        GAS | {"feature": 2, "activity": 40.0, "emissions_tco2e": 8.0},
        OFFICE | {"feature": 0, "year": 2024, "activity": 50.0, "emissions_tco2e": 5.0},
    ),
    3,
)
CARS = Layer(
    "cars",
    "transport",
    {"grid-100m": sparse([[0.5], [0.5], [0], [0]]), "gu": sparse([[1.0], [0.0]])},
    lines_of(CAR | {"feature": 0, "activity": 80.0, "emissions_tco2e": 40.0}),
    1,
)


@pytest.fixture
def town(tmp_path: Path) -> Edition:
    """Two offices of the documentation's example, one with gas cut by a zone's border, and a road."""
    return write_edition(tmp_path / "store", [OFFICES, CARS], {"grid-100m": 4, "gu": 2}, held="zone-0001")


def cell(row: int, col: int) -> str:
    return f"CRS5179RES100mN{1_900_000 + row * 100}E{900_000 + col * 100}"


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_the_example_of_the_documentation(town):
    first = receipt(town, "grid-100m", cell(0, 0), 2023).sectors["buildings"].sums
    assert (first.emissions_tco2e, first.own_variance) == (10.0, 25.0)
    assert first.loadings == {"eui:office": 4.0, "factor:grid_factor": 0.5}
    assert first.sd_tco2e == pytest.approx(6.42, abs=0.005)
    both = receipt(town, "gu", "zone-0000", 2023).layers[1]
    assert both.layer == "offices"
    assert both.sums.own_variance == 25.0 + 100.0 + 1.0
    assert both.sums.loadings == {"eui:office": 12.8, "factor:gas*energy": 0.1, "factor:grid_factor": 1.5}


def test_net_adds_loadings_before_they_are_squared(town):
    net = receipt(town, "grid-100m", cell(0, 0), 2023).sectors["net"]
    assert net.sums.emissions_tco2e == 30.0
    assert net.sums.loadings == {"eui:office": 4.0, "factor:grid_factor": 1.5}
    assert net.sums.own_variance == 25.0 + 4.0
    assert net.published_sd_tco2e == pytest.approx(net.sums.sd_tco2e, rel=1e-12)


def test_lists_features_with_shares_and_lines_the_largest_part_first(town):
    found = receipt(town, "gu", "zone-0000", 2023)
    assert [(part.id, part.share, part.part_tco2e) for part in found.features] == [
        ("cars-0", 1.0, 40.0),
        ("offices-1", 1.0, 20.0),
        ("offices-0", 1.0, 10.0),
        ("offices-2", 0.25, 2.0),
    ]
    (line,) = found.features[3].lines
    assert line == {name: value for name, value in GAS.items() if name != "year"} | {
        "activity": 40.0,
        "emissions_tco2e": 8.0,
    }
    assert found.n_features == 4


def test_says_sums_by_kind_and_by_any_word(town):
    found = receipt(town, "gu", "zone-0000", 2023)
    gas = next(kind for kind in found.layers[1].kinds if kind.carrier == "gas")
    assert (gas.lines, gas.activity, gas.emissions_tco2e) == (1, 10.0, 2.0)
    assert found.totals_by("buildings", "carrier", "basis") == {
        ("electricity", "indirect"): 30.0,
        ("gas", "direct"): 2.0,
    }
    assert found.totals_by("transport", "method") == {("metered",): 40.0}


def test_names_factors_assumptions_and_inputs_that_were_used_and_no_others(town):
    found = receipt(town, "gu", "zone-0001", 2023)
    assert [record["id"] for record in found.factors] == ["energy", "gas"]
    assert [record["id"] for record in found.assumptions] == ["buildings.eui.office"]
    assert [(entry.file, entry.sha256[-1]) for entry in found.inputs] == [("meters.csv", "1"), ("offices.parquet", "2")]


def test_a_held_zone_shows_the_true_number_beside_the_public_one(town):
    found = receipt(town, "gu", "zone-0001", 2023)
    assert found.held
    assert found.sectors["buildings"].sums.emissions_tco2e == 6.0
    assert found.sectors["buildings"].published_tco2e == 13.0
    assert not receipt(town, "gu", "zone-0000", 2023).held


def test_takes_the_latest_year_unless_told(town):
    found = receipt(town, "gu", "zone-0000")
    assert (found.year, found.sectors["buildings"].sums.emissions_tco2e) == (2024, 5.0)
    assert found.sectors["transport"].published_tco2e is None
    assert found.n_features == 4  # those without a line are there, too


def test_pages(town):
    whole = receipt(town, "gu", "zone-0000", 2023).features
    pages = [receipt(town, "gu", "zone-0000", 2023, top=1, offset=at).features for at in range(5)]
    assert [part for page in pages for part in page] == list(whole)
    assert receipt(town, "gu", "zone-0000", 2023, top=0).features == ()


def test_is_json_that_says_it_is_private(town):
    document = json.loads(json.dumps(receipt(town, "gu", "zone-0000", 2023).as_json(), allow_nan=False))
    assert document["private"] is True
    assert document["sectors"]["net"]["sums"]["sd_tco2e"] > 0
    assert document["inputs"][0]["file"] == "cars.parquet"


# --- against the tables -----------------------------------------------------------------------------------------------


def random_layer(name: str, sector: str, size: int, counts: dict[str, int], seed: int) -> Layer:
    """Features with up to three lines a year, some of them removals, in up to three targets each."""
    rng = np.random.default_rng(seed)
    shares = {}
    for collection, count in counts.items():
        dense = np.zeros((count, size))
        for feature in range(size):
            among = rng.choice(count, size=min(count, rng.integers(1, 4)), replace=False)
            dense[among, feature] = rng.dirichlet(np.ones(len(among) + 1))[:-1]
        shares[collection] = csr_array(dense)
    lines = []
    for year in YEARS:
        for feature in range(size):
            for kind in rng.integers(0, 4, size=rng.integers(0, 4)):
                base = (OFFICE, CAR, GAS, GAS | {"method": "default", "u_own": 0.7, "group": "eui:all"})[kind]
                amount = float(rng.normal(0, 10))
                numbers = {"activity": abs(amount) * 3, "emissions_tco2e": amount}
                lines.append(base | numbers | {"year": year, "feature": feature})
    return Layer(name, sector, shares, lines_of(*lines), size)


COUNTS = {"grid-100m": 9, "gu": 5}


@pytest.fixture(scope="module")
def layers() -> list[Layer]:
    return [
        random_layer("offices", "buildings", 60, COUNTS, 1),
        random_layer("shops", "buildings", 30, COUNTS, 2),
        random_layer("cars", "transport", 40, COUNTS, 3),
    ]


def every_receipt(edition: Edition, **how: Any) -> Iterator[tuple[dict[str, Any], Receipt]]:
    """All rows of all tables with their receipts."""
    read = Receipts(edition)
    for name in edition.collections:
        for year in YEARS:
            for row in edition.table(name, year).to_pylist():
                yield row, read.receipt(name, row["id"], year, **how)


def same(one: float, other: float, scale: float) -> bool:
    return abs(one - other) <= 1e-12 * scale


def check_against_tables(edition: Edition) -> int:
    """Every receipt adds up to its row: totals, carriers, methods, deviations; returns how many there were."""
    seen = 0
    for row, found in every_receipt(edition, top=1000):
        for sector in ("buildings", "transport"):
            kinds = [kind for layer in found.layers if layer.sector == sector for kind in layer.kinds]
            scale = sum(abs(kind.emissions_tco2e) for kind in kinds) + 1e-9
            absolute = sum(abs(line["emissions_tco2e"]) for part in found.features for line in part.lines)
            scale = max(scale, absolute)
            part = found.sectors[sector]
            assert same(part.sums.emissions_tco2e, row[f"{sector}_tco2e"], scale)
            assert same(part.sums.sd_tco2e, row[f"{sector}_sd_tco2e"], scale)
            for (carrier, basis), value in found.totals_by(sector, "carrier", "basis").items():
                assert same(value, row[f"{sector}_{carrier}_{basis}_tco2e"], scale)
        assert same(found.sectors["net"].sums.sd_tco2e, row["net_sd_tco2e"], scale)
        listed = sum(part.part_tco2e for part in found.features)
        assert same(listed, found.sectors["net"].sums.emissions_tco2e, scale)
        assert len(found.features) == found.n_features == sum(layer.features for layer in found.layers)
        by_lines = sum(part.share * line["emissions_tco2e"] for part in found.features for line in part.lines)
        assert same(by_lines, row["net_tco2e"], scale)
        seen += 1
    return seen


def test_every_receipt_adds_up_to_its_row(tmp_path, layers):
    assert check_against_tables(write_edition(tmp_path / "store", layers, COUNTS, rows_at_once=40)) == 28


def test_a_receipt_without_shared_errors_would_be_noticed(tmp_path, layers, monkeypatch):
    edition = write_edition(tmp_path / "store", layers, COUNTS)
    monkeypatch.setattr(grids.receipts, "loadings_of", lambda *_: {})
    monkeypatch.setattr("grids.feature_lines.loadings_of", lambda *_: {})
    with pytest.raises(AssertionError):
        check_against_tables(edition)


# --- large targets ----------------------------------------------------------------------------------------------------


def rounded(found: Receipt) -> Any:
    """A receipt as plain values, to 12 digits."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner) for inner in value]
        return float(f"{value:.11e}") if isinstance(value, float) else value

    return plain(found.as_json())


def test_what_is_kept_of_large_targets_says_what_their_lines_say(tmp_path, layers, monkeypatch):
    small = write_edition(tmp_path / "small", layers, COUNTS)
    monkeypatch.setattr(grids.large_targets, "LARGE", 12)
    monkeypatch.setattr(grids.large_targets, "LARGEST", 10)
    monkeypatch.setattr(grids.receipts, "LARGEST", 10)
    large = write_edition(tmp_path / "large", layers, COUNTS, rows_at_once=40)
    assert not list((small.folder / "private").glob("largest-*"))
    assert list((large.folder / "private").glob("largest-offices.gu.parquet"))
    monkeypatch.setattr(Receipts, "_from_lines", _small_only(Receipts._from_lines, 12))
    for (_, one), (_, other) in zip(every_receipt(small, top=10), every_receipt(large, top=10), strict=True):
        assert rounded(one) == rounded(other)


def _small_only(read: Any, at_most: int) -> Any:
    """Reading lines, with an assertion that those of large targets are not."""

    def checked(self: Receipts, layer: Any, place: Any, listed: int) -> Any:
        part, features = read(self, layer, place, listed)
        large = (self._edition.folder.parents[1]).name == "large"
        assert not large or part.features <= at_most
        return part, features

    return checked


def test_pages_beyond_what_is_kept_are_read_from_the_lines(tmp_path, layers, monkeypatch):
    monkeypatch.setattr(grids.large_targets, "LARGE", 12)
    monkeypatch.setattr(grids.large_targets, "LARGEST", 10)
    monkeypatch.setattr(grids.receipts, "LARGEST", 10)
    edition = write_edition(tmp_path / "store", layers, COUNTS)
    zone = "zone-0002"
    whole = receipt(edition, "gu", zone, 2023, top=1000).features
    assert len(whole) > 30
    paged: list[FeaturePart] = []
    while page := receipt(edition, "gu", zone, 2023, top=4, offset=len(paged)).features:
        paged += page
    assert [part.id for part in paged] == [part.id for part in whole]
    np.testing.assert_allclose([p.part_tco2e for p in paged], [p.part_tco2e for p in whole], rtol=1e-12)


def test_a_large_target_without_lines_in_a_year_still_counts_its_features(tmp_path, monkeypatch):
    monkeypatch.setattr(grids.large_targets, "LARGE", 0)
    edition = write_edition(tmp_path / "store", [OFFICES, CARS], {"grid-100m": 4, "gu": 2})
    found = receipt(edition, "gu", "zone-0000", 2024)
    assert {layer.layer: layer.features for layer in found.layers} == {"cars": 1, "offices": 3}


def test_a_layer_without_lines_or_shares_adds_nothing(tmp_path):
    nothing = Layer(
        "parking", "buildings", {"grid-100m": sparse([[0]] * 4), "gu": sparse([[0], [0]])}, OFFICES.lines.iloc[:0], 1
    )
    edition = write_edition(tmp_path / "store", [OFFICES, CARS, nothing], {"grid-100m": 4, "gu": 2})
    found = receipt(edition, "gu", "zone-0000", 2023)
    assert found.n_features == 4
    parking = found.layers[-1]
    assert (parking.layer, parking.features, parking.kinds, parking.sums.sd_tco2e) == ("parking", 0, (), 0.0)


# --- how little is read -----------------------------------------------------------------------------------------------

MANY = 20_000


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """20,000 offices, five to a cell, in row groups of 100 rows; the first zone has 10,000, the others 100 each."""
    counts = {"grid-100m": MANY // 5, "gu": 101}
    feature = np.arange(MANY)
    zone = np.where(feature < MANY // 2, 0, 1 + (feature - MANY // 2) // 100)
    one = np.ones(MANY)
    shares = {
        "grid-100m": csr_array((one, (feature // 5, feature)), shape=(counts["grid-100m"], MANY)),
        "gu": csr_array((one, (zone, feature)), shape=(counts["gu"], MANY)),
    }
    frame = pd.DataFrame({"feature": np.tile(np.repeat(feature, 2), 2), "year": np.repeat(YEARS, 2 * MANY)})
    frame = frame.assign(**{name: value for name, value in OFFICE.items() if name != "year"})
    amounts = np.random.default_rng(5).lognormal(2, 1, len(frame))
    frame = frame.assign(activity=amounts * 10, emissions_tco2e=amounts)
    words = {name: "category" for name in KIND if not name.startswith("u_")}
    lines = frame.astype({"feature": "int32", "year": "int16", **words})
    layer = Layer("offices", "buildings", shares, lines, MANY)
    return write_edition(tmp_path_factory.mktemp("wide") / "store", [layer], counts, rows_at_once=100)


@pytest.fixture
def groups_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts row groups as Arrow is asked for them."""
    counted: list[int] = []
    read = pq.ParquetFile.read_row_groups

    def counting(self: Any, groups: Any, *given: Any, **named: Any) -> Any:
        counted.append(len(groups))
        return read(self, groups, *given, **named)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", counting)
    return counted


@pytest.mark.parametrize("place", [0, 1234, MANY // 5 - 1])
def test_a_cell_reads_the_few_row_groups_that_hold_it(wide, groups_read, place):
    code = wide.table("grid-100m", 2024, ["id"])["id"][place].as_py()
    groups_read.clear()
    found = receipt(wide, "grid-100m", code, 2024)
    assert found.n_features == 5
    assert {part.feature for part in found.features} == set(range(place * 5, place * 5 + 5))
    assert sum(groups_read) <= 10


def test_a_large_zone_reads_what_is_kept_of_it(wide, groups_read):
    found = receipt(wide, "gu", "zone-0000", 2023)
    assert found.n_features == MANY // 2
    assert found.sectors["buildings"].sums.emissions_tco2e == pytest.approx(found.sectors["buildings"].published_tco2e)
    assert len(found.features) == 100
    # The ids of its hundred largest features lie where they lie; everything else is in a handful of row groups.
    assert sum(groups_read) <= 10 + len({part.feature // 100 for part in found.features})


def test_a_small_zone_reads_its_own_lines(wide, groups_read):
    found = receipt(wide, "gu", "zone-0050", 2023)
    assert found.n_features == 100
    assert sum(groups_read) <= 14


def test_the_footers_are_read_once(wide, monkeypatch):
    opened: list[Path] = []
    start = grids.receipts.PrivateTable.__init__

    def counting(self: Any, path: Path) -> None:
        opened.append(path)
        start(self, path)

    monkeypatch.setattr(grids.receipts.PrivateTable, "__init__", counting)
    read = Receipts(wide)
    for zone in ("zone-0000", "zone-0050", "zone-0051"):
        read.receipt("gu", zone, 2023)
    assert len(opened) == len(set(opened))


# --- what cannot be answered ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collection", "item", "year", "error"),
    [
        ("nowhere", "x", 2023, CollectionNotFound),
        ("gu", "zone-0000", 1999, YearNotFound),
        ("gu", "zone-9999", 2023, ItemNotFound),
        ("grid-100m", cell(7, 7), 2023, ItemNotFound),
        ("grid-100m", "CRS5179RES1000mN1900000E900000", 2023, ItemNotFound),
        ("grid-100m", cell(0, 0).replace("5179", "5186"), 2023, ItemNotFound),
        ("grid-100m", "../../etc", 2023, GridError),
    ],
)
def test_refuses_what_is_not_there(town, collection, item, year, error):
    with pytest.raises(error):
        receipt(town, collection, item, year)


@pytest.mark.parametrize("how", [{"top": -1}, {"offset": -1}])
def test_refuses_a_negative_page(town, how):
    with pytest.raises(BadReceipt, match="0 or more"):
        receipt(town, "gu", "zone-0000", 2023, **how)


def test_says_which_private_table_is_missing(town):
    town.private("lines", "offices").unlink()
    with pytest.raises(EditionBroken, match=r"lines-offices\.parquet"):
        receipt(town, "gu", "zone-0000", 2023)


def test_says_that_an_edition_is_older(town):
    path = town.private("shares", "offices.gu")
    pq.write_table(pa.table({"id": ["zone-0000"], "feature": [0], "share": [1.0]}), path)
    with pytest.raises(EditionBroken, match="build the region again"):
        receipt(town, "gu", "zone-0000", 2023)


def test_says_that_a_private_table_is_damaged(town):
    path = town.private("shares", "offices.gu")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(EditionBroken, match=r"shares-offices\.gu"):
        receipt(town, "gu", "zone-0000", 2023)


# --- the arithmetic ---------------------------------------------------------------------------------------------------


def test_kinds_are_numbered_in_order_and_null_words_are_empty():
    lines = lines_of(
        GAS | {"feature": 0, "activity": 1.0, "emissions_tco2e": 1.0, "group": None, "u_group": np.nan},
        OFFICE | {"feature": 1, "activity": 1.0, "emissions_tco2e": 1.0},
        GAS | {"feature": 2, "activity": 1.0, "emissions_tco2e": 1.0, "group": None, "u_group": np.nan},
    )
    kinds, kind = kinds_of(lines)
    assert kind.tolist() == [1, 0, 1]
    assert kinds["group"].tolist() == ["eui:office", ""]
    assert loadings_of(kinds, np.array([10.0, 100.0])) == {
        "eui:office": 4.0,
        "factor:gas*energy": 5.0,
        "factor:grid_factor": 0.5,
    }


def test_kinds_of_many_different_errors_are_numbered_too():
    n = 3000
    rng = np.random.default_rng(1)
    some = {name: rng.permutation(n) / n for name in ("u_own", "u_group", "u_factor")}
    frame = pd.DataFrame({name: [OFFICE[name]] * n for name in KIND}).assign(**some)
    kinds, kind = kinds_of(frame)
    assert len(kinds) == n
    pd.testing.assert_frame_equal(kinds.iloc[kind].reset_index(drop=True), frame, check_dtype=False)


def test_the_largest_come_first_and_of_equal_ones_the_first():
    parts = np.array([1.0, -5.0, 5.0, 0.0, 5.0])
    assert largest_first(parts, 2).tolist() == [1, 2]
    assert largest_first(parts, 9).tolist() == [1, 2, 4, 0, 3]
    assert largest_first(parts, 0).tolist() == []


def test_lines_of_a_year_are_found_by_feature():
    by_year = FeatureLines.by_year([OFFICES.lines], 3)
    assert sorted(by_year) == [2023, 2024]
    assert by_year[2023].first.tolist() == [0, 1, 2, 3]
    assert by_year[2024].first.tolist() == [0, 1, 1, 1]
    place, owner = by_year[2023].places(np.array([0, 2]))
    assert (place.tolist(), owner.tolist()) == ([0, 2], [0, 1])
