"""Question `coverage`: how wrong is a map of which features are missing, before and after calibration to known totals?

An edition counts as the truth. Of its buildings and roads some are left at random; what is left is added up as it is,
and again after its zones' totals are met by ratio, with the very code of a build (`carbonmap.calibration`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from accounting.calibration import fitted_factors
from accounting.control_totals import ControlTotal
from accounting.emissions import EmissionLines, Kind, line_block
from accounting.errors import ImplausibleCalibration
from bench.report import Report, Row
from carbonmap.build import build_region
from carbonmap.calibrated_lines import calibrated
from carbonmap.calibration import problem_of, scaling_of
from carbonmap.calibration_sums import Key, KeySums, PartZones, add_part
from carbonmap.progress import Silent
from grids.edition import Edition, Store
from grids.private_tables import private_name

FloatArray = NDArray[np.float64]
Tell = Callable[[str], None]

COLUMNS = {
    "sector": "sector",
    "left": "left",
    "how": "calibration",
    "total": "total, %",
    "zone": "zones, %",
    "coarse": "1 km cells, %",
    "fine": "100 m cells, %",
    "note": "",
}
BOUNDS = (0.2, 5.0)
WIDE = (0.01, 100.0)
SECTORS = ("buildings", "transport")


@dataclass(frozen=True, eq=False)
class ThinLayer:
    """A layer of an edition, of which features can be left out.

    Attributes:
        sector: of it.
        lines: of one year.
        zones: shares in zones and in none.
        shares: level -> (targets, features) csr.
    """

    sector: str
    lines: EmissionLines
    zones: PartZones
    shares: dict[str, csr_array]

    def left(self, keep: NDArray[np.bool_]) -> EmissionLines:
        """The lines of the features that are kept; counted ones may be scaled too, as others are missing."""
        mine = keep[self.lines.feature]
        kinds = tuple(kind._replace(method="default") for kind in self.lines.kinds)
        given = self.lines
        return EmissionLines(
            kinds, given.feature[mine], given.kind[mine], given.activity[mine], given.emissions_tco2e[mine]
        )

    def sums(self, lines: EmissionLines, level: str) -> FloatArray:
        """(targets,) tCO2e of some lines."""
        shares = self.shares[level]
        by_feature = np.bincount(lines.feature, lines.emissions_tco2e, minlength=shares.shape[1])
        return np.asarray(shares @ by_feature)


def coverage_question(*, region: str, inputs: Path | None, store: Path, draws: int, seed: int, tell: Tell) -> Report:
    """Errors of thinned maps.

    Args:
        region: a region file, or the name of one that ships.
        inputs: folder of its sources.
        store: where it is built, or was.
        draws: of what is left, for each fraction.
        seed: of the draws.
        tell: is told of each step.
    """
    tell(f"building {region}")
    built = build_region(region, inputs, store, progress=Silent())
    edition = Store(store).open(built.region)
    year = max(edition.region.years)
    zone_set = next(info.id for info in edition.manifest.collections if info.kind == "zones")
    settings = {"region": built.region, "edition": edition.id, "year": year, "draws": draws, "seed": seed}
    report = Report("coverage", "Errors of a map with missing features", COLUMNS, settings)
    for sector in SECTORS:
        layers = [
            read_layer(edition, layer.id, sector, zone_set, year)
            for layer in edition.manifest.layers
            if layer.sector == sector
        ]
        for left in (0.8, 0.5, 0.2):
            tell(f"{sector}: {left:.0%} left")
            report.rows += thinned_rows(layers, sector, left, year, draws, np.random.default_rng(seed))
    report.notes.append(
        "Errors: sum of absolute differences over the sum of the truth, mean of the draws. Zones: municipalities, "
        "whose totals of the sector are what calibration is given. Refused: by the bounds that regions have by default."
    )
    return report


def read_layer(edition: Edition, layer: str, sector: str, zone_set: str, year: int) -> ThinLayer:
    """Lines and shares of a layer, from the private tables."""
    frame = pd.read_parquet(edition.private("lines", layer)).query("year == @year")
    features = pq.read_metadata(edition.private("features", layer)).num_rows
    names = [name for name in Kind._fields if name != "year"]
    kinds = frame[names].astype({name: str for name in names if not name.startswith("u_")}).fillna(0.0)
    of = kinds.groupby(names, sort=True, dropna=False).ngroup().to_numpy()
    first = kinds.assign(of=of).drop_duplicates("of").sort_values("of")
    lines = line_block(
        frame["feature"].to_numpy(),
        activity=frame["activity"].to_numpy(),
        emissions_tco2e=frame["emissions_tco2e"].to_numpy(),
        kind=of,
        year=[year] * len(first),
        **{name: first[name].tolist() for name in names},
    )
    collections = {info.id: info for info in edition.manifest.collections}
    grids = [name for name, info in collections.items() if info.kind == "grid"]
    shares = {
        level: _shares(edition, layer, name, features)
        for level, name in (("zone", zone_set), ("coarse", grids[0]), ("fine", grids[-1]))
    }
    outside = pq.read_table(edition.private("features", layer), columns=["outside_share"])["outside_share"].to_numpy()
    inside = np.asarray(shares["fine"].sum(axis=0)).ravel() * (outside < 1)
    none = np.clip(inside - np.asarray(shares["zone"].sum(axis=0)).ravel(), 0.0, None)
    none[none < 1e-9] = 0.0
    with_none = csr_array(vstack([shares["zone"], csr_array(none[None, :])], format="csr"))
    return ThinLayer(sector, lines, PartZones(with_none), shares)


def thinned_rows(
    layers: Sequence[ThinLayer], sector: str, left: float, year: int, draws: int, rng: np.random.Generator
) -> list[Row]:
    """A row without and one with calibration: mean errors in percent over the draws."""
    truths = {level: _all(layers, [layer.lines for layer in layers], level) for level in ("zone", "coarse", "fine")}
    zones = [str(number) for number in range(len(truths["zone"]))]
    totals = [
        ControlTotal("the truth", year, zone, sector, "", "", float(value), "tCO2e", None, "the whole map")
        for zone, value in zip(zones, truths["zone"], strict=True)
        if value
    ]
    errors: dict[str, list[dict[str, float]]] = {"none": [], "ratio": []}
    refused = 0
    for _ in range(draws):
        kept = [layer.left(rng.random(layer.shares["fine"].shape[1]) < left) for layer in layers]
        errors["none"].append(_errors(layers, kept, truths))
        sums: dict[Key, KeySums] = {}
        for layer, lines in zip(layers, kept, strict=True):
            add_part(sums, lines, layer.zones, sector, totals, scalable=True, is_open=True)
        problem = problem_of(totals, zones, sums)
        try:
            factors = fitted_factors(problem, "ratio", WIDE)
        except ImplausibleCalibration:  # too little is left to meet all totals
            refused += 1
            continue
        try:
            fitted_factors(problem, "ratio", BOUNDS)
        except ImplausibleCalibration:
            refused += 1
        scaling = scaling_of(problem, zones, sums, factors, None)
        scaled = [
            calibrated(lines, layer.zones, sector, scaling) or lines for layer, lines in zip(layers, kept, strict=True)
        ]
        errors["ratio"].append(_errors(layers, scaled, truths))
    rows = []
    for how, found in errors.items():
        mean = {level: float(np.mean([each[level] for each in found])) for level in (found[0] if found else ())}
        note = f"{refused} of {draws} refused" if how == "ratio" and refused else ""
        rows.append({"sector": sector, "left": f"{left:.0%}", "how": how, **mean, "note": note})
    return rows


def _errors(
    layers: Sequence[ThinLayer], lines: Sequence[EmissionLines], truths: dict[str, FloatArray]
) -> dict[str, float]:
    found = {level: _all(layers, lines, level) for level in truths}
    total = 100 * (found["fine"].sum() / truths["fine"].sum() - 1)
    return {
        "total": float(total),
        **{
            level: float(100 * np.abs(found[level] - truth).sum() / np.abs(truth).sum())
            for level, truth in truths.items()
        },
    }


def _all(layers: Sequence[ThinLayer], lines: Sequence[EmissionLines], level: str) -> FloatArray:
    return np.asarray(sum(layer.sums(mine, level) for layer, mine in zip(layers, lines, strict=True)))


def _shares(edition: Edition, layer: str, collection: str, features: int) -> csr_array:
    table = pd.read_parquet(edition.private("shares", private_name(layer, collection)))
    targets = max(info.count for info in edition.manifest.collections if info.id == collection)
    shape = (max(targets, int(table["target"].max()) + 1 if len(table) else 0), features)
    return csr_array(
        (table["share"].to_numpy(), (table["target"].to_numpy(), table["feature"].to_numpy())), shape=shape
    )
