"""A little town with closed and open features, published as a build would: what tests of public receipts look at."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from accounting.units import in_base
from grids.aggregate import LayerShares, collection_sums
from grids.disclosure import Held, public_sums
from grids.earlier import EarlierSums
from grids.earlier_tables import LatestFactors, read_told, told_table
from grids.edition import CollectionInfo, Edition, EditionWriter, Store
from grids.feature_lines import FeatureLines
from grids.grid import Grid
from grids.grouping import Rule
from grids.large_targets import has_large, large_tables
from grids.private_meters import PrivateLayer
from grids.protection import Protection, protect, region_row
from grids.public_receipt import PublicReceipt, SectorReceipt
from grids.public_receipts import PublicReceipts

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
CRS = "EPSG:5179"
YEARS = (2023, 2024)
PAIRS = (("electricity", "indirect"), ("gas", "direct"), ("oil", "direct"))
COARSE = CollectionInfo(
    id="grid-200m", title={"en": "200 m"}, kind="grid", cell_size_m=200, origin_m=(900_000, 1_900_000), codes="inspire"
)
FINE = CollectionInfo(
    id="grid-100m", title={"en": "100 m"}, kind="grid", level=1, parent="grid-200m", cell_size_m=100,
    origin_m=(900_000, 1_900_000), codes="inspire",
)  # fmt: skip
ZONES = CollectionInfo(id="gu", title={"en": "gu"}, kind="zones")
COLLECTIONS = {info.id: info for info in (COARSE, FINE, ZONES)}

LINE: dict[str, Any] = {
    "feature": 0,
    "year": 2023,
    "carrier": "gas",
    "basis": "direct",
    "method": "metered",
    "activity": 1.0,
    "activity_unit": "kWh",
    "factor_id": "gas_energy",
    "emissions_tco2e": 1.0,
    "u_own": 0.02,
    "group": "",
    "u_group": 0.0,
    "u_factor": 0.05,
    "assumptions": "",
}


def line(feature: int, emissions: float, **other: Any) -> dict[str, Any]:
    return LINE | {"feature": feature, "emissions_tco2e": float(emissions), "activity": 10.0 * emissions} | other


def model(feature: int, emissions: float, **other: Any) -> dict[str, Any]:
    modelled = {"method": "modelled", "u_own": 0.5, "group": "eui:office", "u_group": 0.4}
    return line(feature, emissions, **modelled | other)


def frame(lines: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(lines, columns=list(LINE)).sort_values(["year", "feature"], kind="stable")
    return table.astype({"feature": "int32", "year": "int16"}).reset_index(drop=True)


def cells(*of: int) -> np.ndarray:
    """Shares of features that each lie whole in one of 16 fine cells."""
    shares = np.zeros((16, len(of)))
    shares[list(of), range(len(of))] = 1.0
    return shares


def order() -> np.ndarray:
    """(16, 2) row and column of the fine cells, along the curve of tables: four in a row are a parent."""
    place = np.array([divmod(k, 4) for k in range(16)])
    return place[np.argsort(Grid(CRS, (900_000, 1_900_000), 100, "inspire").zorder(*place.T))]


@dataclass
class Town:
    """A closed layer `stock` and an open one `plants` on 4 x 4 fine cells, 2 x 2 coarse ones, and two zones.

    Attributes:
        stock: lines of the closed layer.
        shares: (16, features) of it.
        plants: lines of the open layer.
        plant_shares: (16, features) of it.
        zone_of: (16,) zone of each fine cell, -1 for none.
        coverage: of the sector, everywhere.
        before: an edition of the town that was published before; an audited one is held beside it.
    """

    stock: list[dict[str, Any]]
    shares: np.ndarray
    plants: list[dict[str, Any]] = field(default_factory=list)
    plant_shares: np.ndarray = field(default_factory=lambda: np.zeros((16, 0)))
    zone_of: np.ndarray = field(default_factory=lambda: np.arange(16) // 8)
    rule: Rule = field(default_factory=lambda: Rule(3, 10))
    coverage: float = 1.0
    before: Edition | None = None

    def on(self, info: CollectionInfo | None, shares: np.ndarray) -> np.ndarray:
        """(targets, features) shares in a collection; in the region if none."""
        if info is None:
            return shares.sum(axis=0)[None, :]
        if info is FINE:
            return shares
        of = np.arange(16) // 4 if info is COARSE else self.zone_of
        return np.array([shares[of == k].sum(axis=0) for k in range(4 if info is COARSE else 2)])

    def layers(self, info: CollectionInfo | None) -> list[LayerShares]:
        parts = [("stock", self.shares, self.stock), ("plants", self.plant_shares, self.plants)]
        return [
            LayerShares(name, "buildings", csr_array(self.on(info, shares)), frame(lines))
            for name, shares, lines in parts
        ]

    @property
    def private(self) -> dict[str, PrivateLayer]:
        # Irrational weights: nothing that is filled in equals the truth by chance.
        return {"stock": PrivateLayer(weights=np.sqrt(np.arange(2.0, self.shares.shape[1] + 2)))}

    def protections(self, year: int) -> dict[str, Protection]:
        """What is held in every collection, in the order of a build."""
        return self.protections_from(self.top(year), year)

    def top(self, year: int) -> Protection:
        """The region as one target."""
        earlier = {"buildings": [] if self.before is None else [self.told_before(year)]}
        return protect(
            self._at(None), n_targets=1, year=year, sectors=["buildings"], private=self.private, rule=self.rule,
            earlier=earlier,
        )  # fmt: skip

    def told_before(self, year: int) -> EarlierSums:
        """What the edition before has told."""
        assert self.before is not None
        ids = {f"stock-canary-{k}": k for k in range(self.shares.shape[1])}
        factors = LatestFactors(in_base)
        factors.see("stock", [pa.Table.from_pandas(frame(self.stock), preserve_index=False)], len(ids))
        found = read_told(self.before, "buildings", year, {"stock": ids}.__getitem__, factors)
        assert found is not None
        return found

    def protections_from(self, top: Protection, year: int) -> dict[str, Protection]:
        how = {"year": year, "sectors": ["buildings"], "private": self.private, "rule": self.rule}
        found: dict[str, Protection] = {}
        for info, count in ((COARSE, 4), (FINE, 16), (ZONES, 2)):
            above, index = top, np.zeros(count, dtype=np.int64)
            if info is FINE:
                above, index = found[COARSE.id], np.arange(16) // 4
            others = list(found.values())
            found[info.id] = protect(
                self._at(info), n_targets=count, above=above, index_of_parent=index, beside=others, **how
            )
        return found

    def _at(self, info: CollectionInfo | None) -> list[LayerShares]:
        layers = self.layers(info)
        if info is None:
            return [replace(layer, shares=region_row(layer.shares.toarray()[0])) for layer in layers]
        return layers

    def held(self, info: CollectionInfo, year: int, protection: Protection) -> Held:
        layers, count = self.layers(info), protection.n_targets
        coverage = {"buildings": np.full(count, self.coverage)}
        sums = collection_sums(layers, n_targets=count, year=year, sectors=["buildings"], coverage=coverage)
        return public_sums(sums, layers, protection, private=self.private)


def publish(town: Town, store: Path) -> Edition:
    """An edition with its private tables, as a build writes them."""
    layers = {layer.layer: layer for layer in town.layers(FINE)}
    with EditionWriter(store, "town", "00000000000000aa", crs=CRS) as writer:
        for year in YEARS:
            top = town.top(year)
            protections = town.protections_from(top, year)
            if town.rule.audit:
                sums = [each.states["buildings"].told for each in (top, *protections.values())]
                table = told_table(sums, top.states["buildings"].part.chosen)
                writer.write_private_table("told", f"buildings-{year}", table)
            for name, protection in protections.items():
                info = COLLECTIONS[name]
                table = town.held(info, year, protection).table()
                if info.kind == "grid":
                    place = order() if info is FINE else order()[::4] // 2
                    grid = Grid(CRS, (900_000, 1_900_000), info.cell_size_m or 0, "inspire")
                    codes = grid.codes(place[:, 0], place[:, 1]).astype(object)
                    where = pd.DataFrame({"id": codes, "row": place[:, 0], "col": place[:, 1]})
                    writer.write_table(info, year, pd.concat([where, table], axis=1))
                else:
                    where = pd.DataFrame({"id": ["west", "east"], "name_en": ["West", "East"]})
                    polygons = [
                        shapely.box(9e5, 19e5, 9e5 + 10, 19e5 + 10),
                        shapely.box(9e5 + 10, 19e5, 9e5 + 20, 19e5 + 10),
                    ]
                    writer.write_table(info, year, pd.concat([where, table], axis=1), polygons)
        writer.write_private_table("targets", "gu", pa.table({"id": ["west", "east"]}))
        for name, layer in layers.items():
            n_features = layer.shares.shape[1]
            lines = pa.Table.from_pandas(frame(town.stock if name == "stock" else town.plants), preserve_index=False)
            writer.write_private_table("lines", name, lines)
            ids = [f"{name}-canary-{k}" for k in range(n_features)]
            writer.write_private_table("features", name, pa.table({"id": pa.array(ids, pa.string())}))
            for info in (COARSE, FINE, ZONES):
                matrix = next(each.shares for each in town.layers(info) if each.layer == name)
                target = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
                table = {"target": target, "feature": matrix.indices.astype(np.int32), "share": matrix.data}
                writer.write_private_table("shares", f"{name}.{info.id}", pa.table(table))
                if has_large(matrix):
                    of_year = FeatureLines.by_year([lines.to_pandas()], n_features)
                    sums, largest = large_tables(of_year, matrix)
                    writer.write_private_table("sums", f"{name}.{info.id}", sums)
                    writer.write_private_table("largest", f"{name}.{info.id}", largest)
        writer.publish(manifest())
    return Store(store).open("town")


def manifest() -> dict[str, Any]:
    factors = [("gas_energy", "gas", "direct"), ("gas_volume", "gas", "direct"), ("grid", "electricity", "indirect")]
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
        "sectors": ["buildings"],
        "illustrative": {"buildings": False},
        "inputs": [
            {"file": f"{name}.parquet", "bytes": 10, "sha256": "0" * 64} for name in ("plants", "stock", "zones")
        ],
        "factors": [{"id": name, "carrier": carrier, "basis": basis} for name, carrier, basis in factors],
        "assumptions": [{"id": "buildings.eui.office", "value": 1.0}],
        "layers": [
            {"id": name, "sector": "buildings", "open": name == "plants", "report": {"file": f"{name}.parquet"}}
            for name in ("plants", "stock")
        ],
        "code": {"version": "1", "sha256": "0" * 64},
    }


def rows_of(edition: Edition, name: str, year: int) -> list[dict[str, Any]]:
    """Public rows in the order of shares: zones stand along a curve in their table."""
    rows = edition.table(name, year).to_pylist()
    return sorted(rows, key=lambda row: ("west", "east").index(row["id"])) if name == "gu" else rows


def every_receipt(edition: Edition) -> Iterator[tuple[str, int, int, dict[str, Any], PublicReceipt]]:
    """Collection, year, position, public row and receipt of everything that is published."""
    read = PublicReceipts(edition)
    for name in edition.collections:
        for year in YEARS:
            for position, row in enumerate(rows_of(edition, name, year)):
                yield name, year, position, row, read.receipt(name, row["id"], year)


def cell(position: int) -> str:
    row, col = order()[position]
    return f"CRS5179RES100mN{1_900_000 + row * 100}E{900_000 + col * 100}"


def buildings(found: PublicReceipt) -> SectorReceipt:
    return found.sectors[0]


EXAMPLE = Town(
    [
        *(line(k, 5 + k, year=year) for k in range(3) for year in YEARS),
        *(line(k, 2, carrier="electricity", basis="indirect", factor_id="grid") for k in range(3)),
        line(0, 1, factor_id="gas_volume"),
        line(3, 40),
        line(4, 20),
        line(5, 30),
        model(6, 4, assumptions="buildings.eui.office"),
        model(6, 3, carrier="electricity", basis="indirect", factor_id="grid*energy"),
    ],
    cells(0, 0, 0, 1, 2, 3, 0),
    [line(0, 2)],
    cells(0),
)


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """Up to ten closed features: metered, modelled, or both in turn; two open ones; some lie over borders."""
    n = draw(st.integers(3, 10))
    amounts = st.integers(1, 60)
    # A reading changes by a fifth at most from year to year: what an attacker may expect of it.
    changes = st.sampled_from([0.85, 1.0, 1.0, 1.15])
    stock: list[dict[str, Any]] = []
    for feature in range(n):
        metered = draw(st.sampled_from([(True, True), (True, True), (False, True), (True, False), (False, False)]))
        factor = draw(st.sampled_from(["gas_energy", "gas_volume"]))
        uses = [("gas", "direct", factor), *draw(st.sampled_from([[], [("electricity", "indirect", "grid")]]))]
        for carrier, basis, factor_id in uses:
            amount = draw(amounts)
            for year, is_metered in zip(YEARS, metered, strict=True):
                of = {"carrier": carrier, "basis": basis, "factor_id": factor_id, "year": year}
                if is_metered:
                    stock.append(line(feature, amount, **of))
                    amount *= draw(changes)
                else:
                    stock.append(model(feature, draw(amounts), **of))
    places = draw(st.lists(st.integers(0, 15), min_size=n, max_size=n))
    shares = cells(*places)
    for feature in draw(st.sets(st.integers(0, n - 1), max_size=3)):
        shares[places[feature], feature] -= 0.25
        shares[(places[feature] + 1) % 16, feature] += 0.25
    plants = [line(k, draw(amounts), year=year) for k in range(2) for year in YEARS]
    zone_of = np.array(draw(st.lists(st.integers(-1, 1), min_size=16, max_size=16)))
    return Town(stock, shares, plants, cells(*draw(st.tuples(st.integers(0, 15), st.integers(0, 15)))), zone_of)
