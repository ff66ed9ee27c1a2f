"""Reading receipts: from the number of a cell or zone to the features behind it, by the row groups that hold them.

A receipt holds the true number, before disclosure control, feature by feature: it is for whoever runs the build. What
anybody may see of it is decided in `grids.public_receipts`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from grids.codes import parse_cell_code
from grids.columns import in_sector_order, sd_column, total_column
from grids.edition import Edition
from grids.errors import GridError
from grids.feature_lines import KIND, FeatureLines, factors_in, largest_first, loadings_of, sums_in_target
from grids.large_targets import LARGEST, lines_of
from grids.manifest import Collection, LayerInfo
from grids.neighbourhoods import NOWHERE, SQUARE_COLUMNS, Neighbourhoods
from grids.private_tables import PrivateTable, private_name, private_path
from grids.receipt import FeaturePart, KindSums, LayerPart, Receipt, SectorPart, Sums
from grids.store_errors import EditionBroken, ItemNotFound
from grids.table_files import TableFile

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TOLD_APART = 1e-6
"""Of what is added up: how far a receipt may be from the published value; both were summed in their own order."""

TOP = 100
"""Features a receipt lists unless told otherwise."""

_LINE = [*KIND, "feature", "activity", "emissions_tco2e"]


class BadReceipt(GridError):
    """A receipt asked for in a way that makes no sense."""


def receipt(
    edition: Edition, collection: str, item: str, year: int | None = None, *, top: int = TOP, offset: int = 0
) -> Receipt:
    """What stands behind the numbers of one cell, hexagon or zone; see `Receipts.receipt`."""
    return Receipts(edition).receipt(collection, item, year, top=top, offset=offset)


@dataclass(frozen=True)
class Place:
    """Where a target is.

    Attributes:
        info: its collection.
        target: its position in the private tables.
        id: as the public table writes it.
        year: of the table.
        file: the public table.
        position: its row there.
    """

    info: Collection
    target: int
    id: str
    year: int
    file: TableFile
    position: int


class Receipts:
    """The receipts of one edition, which keeps the footers that were read."""

    def __init__(self, edition: Edition) -> None:
        self._edition = edition

    def receipt(
        self, collection: str, item: str, year: int | None = None, *, top: int = TOP, offset: int = 0
    ) -> Receipt:
        """The receipt of one cell, hexagon or zone in one year.

        Args:
            collection: its id.
            item: cell code, H3 index or zone id.
            year: the latest if none.
            top: how many features to list, those with the largest parts first.
            offset: how many of them to leave out first. Beyond the first hundred of a large target all its lines are
                read, which takes seconds where it has millions.

        Raises:
            CollectionNotFound, YearNotFound, ItemNotFound: nothing of that name is published.
            CellCodeError: the id of a cell that is no code.
            BadReceipt: a negative `top` or `offset`.
            EditionBroken: a private table is missing, damaged, or of an older version.
        """
        if top < 0 or offset < 0:
            raise BadReceipt(f"a receipt of {top} features from number {offset} was asked for; expected is 0 or more")
        place = self.place(self._edition.collection(collection), item, self._edition.year(collection, year))
        manifest = self._edition.manifest
        found = [
            self._layer(layer, place, offset + top)
            for layer in sorted(manifest.layers, key=lambda layer: layer.id)
            if layer.sector in manifest.sectors
        ]
        layers = tuple(part for part, _ in found)
        largest = [feature for _, features in found for feature in features]
        largest.sort(key=lambda feature: (-abs(feature.part_tco2e), feature.layer, feature.feature))
        kinds = [kind for layer in layers for kind in layer.kinds]
        factor_ids = {name for kind in kinds for name in (kind.factor_id, *factors_in(kind.factor_id))}
        assumed = {name for kind in kinds for name in kind.assumptions.split()} | factor_ids
        files = {name for layer in layers if layer.features for name in layer.inputs}
        sectors, held = self._sectors(place, layers)
        return Receipt(
            region=self._edition.region.id,
            edition=self._edition.id,
            collection=collection,
            id=place.id,
            year=place.year,
            held=held,
            sectors=sectors,
            layers=layers,
            n_features=sum(layer.features for layer in layers),
            offset=offset,
            features=self._named(largest[offset : offset + top]),
            factors=tuple(record for record in manifest.factors if record.get("id") in factor_ids),
            assumptions=tuple(record for record in manifest.assumptions if record.get("id") in assumed),
            inputs=tuple(entry for entry in manifest.inputs if entry.file in files),
        )

    def kinds_in(self, layer: LayerInfo, place: Place, methods: Sequence[str]) -> list[KindSums]:
        """What a layer's lines of some methods add up to in a target, by kind, in the order of `KIND`.

        Lines of other methods are left out before anything is summed.

        Raises:
            EditionBroken: a private table is missing, damaged, or of an older version.
        """
        target = np.array([place.target])
        name, year = private_name(layer.id, place.info.id), place.year
        if self._path("sums", name).is_file():
            table = self._private("sums", name).rows_with("target", target, year=year)
            if table.num_rows or self._private("largest", name).rows_with("target", target, ["share"], year).num_rows:
                return kind_sums(_of_methods(table, methods))
        shares = self._private("shares", name).rows_with("target", target, ["feature", "share"])
        if not shares.num_rows:
            return []
        features, share = shares["feature"].to_numpy().astype(np.int64), shares["share"].to_numpy()
        table = _of_methods(self._private("lines", layer.id).rows_with("feature", features, _LINE, year), methods)
        weight = share[np.searchsorted(features, table["feature"].to_numpy())]
        numbers = {name: table[name].to_numpy() * weight for name in ("activity", "emissions_tco2e")}
        ones = {"lines": np.ones(table.num_rows, dtype=np.int64)}
        return kind_sums(pa.table({name: table[name] for name in KIND} | numbers | ones))

    def place(self, info: Collection, item: str, year: int) -> Place:
        """Find a target in a year that the collection has, without reading more of the ids than needed.

        Raises:
            CellCodeError, ItemNotFound.
        """
        file = self._public(info, year)
        if info.kind == "grid":
            # Cells stand in the private tables as in the public one, along the same curve.
            position = _cell_position(info, file, item)
            target = position
        else:
            position = file.position(item)
            target = self._private("targets", info.id).position(item)
        if position is None or target is None:
            raise ItemNotFound(
                f"collection {info.id!r} of region {self._edition.region.id!r} has no item {item[:80]!r} in {year}"
            )
        (known,) = file.take(np.array([position]), ["id"])["id"].to_pylist()
        return Place(info, target, known, year, file, position)

    def _layer(self, layer: LayerInfo, place: Place, listed: int) -> tuple[LayerPart, list[FeaturePart]]:
        """What a layer adds, and its so many largest features, without their ids."""
        kept = self._kept_sums(layer, place, listed)
        return self._from_lines(layer, place, listed) if kept is None else kept

    def _kept_sums(self, layer: LayerInfo, place: Place, listed: int) -> tuple[LayerPart, list[FeaturePart]] | None:
        """As added up by the build, where the target is large and its largest features are enough."""
        name = private_name(layer.id, place.info.id)
        if listed > LARGEST or not self._path("largest", name).is_file():
            return None
        target = np.array([place.target])
        rows = self._private("largest", name).rows_with("target", target, year=place.year).to_pylist()
        if not rows:
            return None
        table = self._private("sums", name).rows_with("target", target, year=place.year)
        kinds = table.drop_columns(["target", "year"]).to_pandas()
        emissions = kinds["emissions_tco2e"].to_numpy()
        sums = Sums(_added(emissions), rows[0]["own_variance"], loadings_of(kinds, emissions))
        part = _layer_part(layer, rows[0]["features"], sums, kinds.to_dict("records"))
        return part, [
            FeaturePart(layer.id, row["feature"], "", row["share"], row["part_tco2e"], tuple(row["lines"]))
            for row in rows[:listed]
        ]

    def _from_lines(self, layer: LayerInfo, place: Place, listed: int) -> tuple[LayerPart, list[FeaturePart]]:
        """Added up from the lines of the features that the target holds."""
        shares = self._private("shares", private_name(layer.id, place.info.id))
        rows = shares.rows_with("target", np.array([place.target]), ["feature", "share"])
        features, share = rows["feature"].to_numpy().astype(np.int64), rows["share"].to_numpy()
        table = self._private("lines", layer.id).rows_with("feature", features, _LINE, year=place.year)
        frame = table.to_pandas()
        frame["feature"] = np.searchsorted(features, frame["feature"].to_numpy())
        lines = FeatureLines.of(frame, len(features))
        near = self._neighbourhoods(layer, features)
        found = sums_in_target(lines, features=np.arange(len(features)), shares=share, near=near)
        sums = Sums(_added(found.emissions), found.own_variance, found.loadings)
        numbers = {"lines": found.lines, "activity": found.activity, "emissions_tco2e": found.emissions}
        part = _layer_part(layer, len(features), sums, found.kinds.assign(**numbers).to_dict("records"))
        chosen = largest_first(found.parts, listed)
        return part, [
            FeaturePart(layer.id, int(features[at]), "", float(share[at]), float(found.parts[at]), tuple(records))
            for at, records in zip(chosen.tolist(), lines_of(lines, chosen).to_pylist(), strict=True)
        ]

    def _neighbourhoods(self, layer: LayerInfo, features: IntArray) -> Neighbourhoods | None:
        """Squares in which these features of a layer err alike, numbered by their order here."""
        if layer.neighbours is None:
            return None
        rows = self._private("features", layer.id).take(features, list(SQUARE_COLUMNS))
        row, col = (rows[name].fill_null(NOWHERE).to_numpy() for name in SQUARE_COLUMNS)
        return Neighbourhoods.of(row, col, layer.neighbours.part)

    def _named(self, features: Sequence[FeaturePart]) -> tuple[FeaturePart, ...]:
        """The features with their ids in the sources."""
        names: dict[tuple[str, int], str] = {}
        for layer in {feature.layer for feature in features}:
            wanted = np.unique([feature.feature for feature in features if feature.layer == layer])
            ids = self._private("features", layer).take(wanted, ["id"])["id"].to_pylist()
            names |= {(layer, position): name for position, name in zip(wanted.tolist(), ids, strict=True)}
        return tuple(
            FeaturePart(**{**vars(feature), "id": names[feature.layer, feature.feature]}) for feature in features
        )

    def _sectors(self, place: Place, layers: tuple[LayerPart, ...]) -> tuple[dict[str, SectorPart], bool]:
        """Sums by sector and of net beside what is published, and whether the target is held."""
        names = in_sector_order(self._edition.manifest.sectors)
        columns = [column for name in (*names, "net") for column in (total_column(name), sd_column(name))]
        (row,) = place.file.take(np.array([place.position]), [*columns, "held"]).to_pylist()
        parts = {name: added(layer.sums for layer in layers if layer.sector == name) for name in names}
        for name, sums in parts.items():
            size = sum(abs(kind.emissions_tco2e) for layer in layers if layer.sector == name for kind in layer.kinds)
            published = row[total_column(name)]
            held = row["held"] and any(not layer.open for layer in layers if layer.sector == name)
            if not held and published is not None and abs(sums.emissions_tco2e - published) > TOLD_APART * size:
                raise EditionBroken(
                    f"private tables of edition {self._edition.id} of region {self._edition.region.id!r} say "
                    f"{sums.emissions_tco2e!r} tCO2e of {name} in {place.info.id} {place.id} in {place.year}, its "
                    f"public table says {published!r}: they do not belong together; build the region again"
                )
        parts["net"] = added(parts.values())
        return {
            name: SectorPart(sums, row[total_column(name)], row[sd_column(name)]) for name, sums in parts.items()
        }, bool(row["held"])

    def _public(self, info: Collection, year: int) -> TableFile:
        name = f"tables/{info.id}/{year}.parquet"
        return self._edition.index(name, lambda: TableFile(self._edition.folder / name, info))

    def _path(self, kind: str, name: str) -> Path:
        return private_path(self._edition.folder, self._edition.manifest, kind, name)

    def _private(self, kind: str, name: str) -> PrivateTable:
        path = self._path(kind, name)

        def opened() -> PrivateTable:
            if not path.is_file():
                raise EditionBroken(
                    f"edition {self._edition.id} of region {self._edition.region.id!r} has no private table "
                    f"{path.name}: its private folder was left behind, or an older version built it. Ask where the "
                    "edition was built, or build it again"
                )
            return PrivateTable(path)

        return self._edition.index(f"private/{path.name}", opened)


def kind_sums(lines: pa.Table) -> list[KindSums]:
    """Add up rows of the same kind.

    Args:
        lines: the columns of `KIND`, `lines`, `activity` and `emissions_tco2e`; words and `u_group` may be null.

    Returns:
        One for each kind, by the columns of `KIND`.
    """
    words = [name for name in KIND if not name.startswith("u_")]
    for name in words:  # dictionaries differ from row group to row group
        plain = pc.fill_null(lines[name].cast(pa.string()), "")
        lines = lines.set_column(lines.column_names.index(name), name, plain)
    numbers = [("lines", "sum"), ("activity", "sum"), ("emissions_tco2e", "sum")]
    grouped = lines.group_by(list(KIND), use_threads=False).aggregate(numbers)
    found = [
        KindSums(
            **{name: row[name] for name in words},
            u_own=row["u_own"],
            u_group=row["u_group"] if row["u_group"] and row["u_group"] == row["u_group"] else 0.0,
            u_factor=row["u_factor"],
            lines=row["lines_sum"],
            activity=row["activity_sum"],
            emissions_tco2e=row["emissions_tco2e_sum"],
        )
        for row in grouped.to_pylist()
    ]
    return sorted(found, key=lambda kind: tuple(getattr(kind, name) for name in KIND))


def _of_methods(lines: pa.Table, methods: Sequence[str]) -> pa.Table:
    return lines.filter(pc.is_in(lines["method"].cast(pa.string()), value_set=pa.array(list(methods), pa.string())))


def added(parts: Iterable[Sums]) -> Sums:
    """Sums of several layers or sectors as one: loadings add before they are squared."""
    emissions, own, loadings = 0.0, 0.0, dict[str, float]()
    for part in parts:
        emissions, own = emissions + part.emissions_tco2e, own + part.own_variance
        for group, loading in part.loadings.items():
            loadings[group] = loadings.get(group, 0.0) + loading
    return Sums(emissions, own, dict(sorted(loadings.items())))


def _added(values: FloatArray) -> float:
    """A plain sum of few numbers, from left to right."""
    return float(sum(values.tolist()))


def _layer_part(layer: LayerInfo, n_features: int, sums: Sums, kinds: Iterable[dict[Any, Any]]) -> LayerPart:
    listed = tuple(KindSums(**kind) for kind in kinds)
    return LayerPart(layer.id, layer.sector, layer.open, n_features, sums, listed, layer.files)


def _cell_position(info: Collection, file: TableFile, item: str) -> int | None:
    """Row of a cell in a grid's table, found by its place; the row groups that cannot hold it are not read."""
    cell = parse_cell_code(item)
    middle = (cell.east_m + cell.size_m / 2, cell.north_m + cell.size_m / 2)
    positions, _ = file.meeting((*middle, *middle))
    if cell.size_m != info.cell_size_m or not len(positions):
        return None
    (known,) = file.take(positions[:1], ["id"])["id"].to_pylist()
    return int(positions[0]) if parse_cell_code(known) == cell else None
