"""What anybody may know of where a published number comes from.

A public receipt is a function of three things, and of nothing else:

    P   the published row of the target, after disclosure control
    R   the lines there that rest on no closed meter: all of open sources, modelled and default ones of the others
    M   the public part of the manifest

Disclosure control (`grids.protection`) decides what is shown in P for a reader who knows R exactly: it looks at
nothing but what P - R would tell. So a receipt tells nothing of a closed meter that the tables do not tell that reader,
whatever receipts of other targets and years are put beside it. Every line passes `may_be_told`, which alone decides.

Proof, examples and limits: docs/uncertainty-and-disclosure.md, 'Receipts'.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from grids.aggregate import FULLY_COVERED
from grids.columns import (
    BASES,
    CARRIERS,
    METHODS,
    Pair,
    in_sector_order,
    method_column,
    pair_column,
    sd_column,
    total_column,
)
from grids.edition import Edition
from grids.errors import CellCodeError
from grids.feature_lines import factors_in
from grids.features import METERED
from grids.manifest import LayerInfo
from grids.public_receipt import REASONS, CarrierReceipt, PublicReceipt, SectorReceipt, ToldPart, ToldSource
from grids.receipt import KindSums
from grids.receipts import TOLD_APART, Place, Receipts
from grids.shared_errors import first_of, shared_errors
from grids.store_errors import EditionBroken, ItemNotFound, NotFound

_ROUNDING = 1e-9
_LONGEST_ID = 200

Row = Mapping[str, Any]
Told = Sequence[tuple[LayerInfo, KindSums]]


class ReceiptsNotKept(NotFound):
    """An edition without its private tables, which receipts are read from."""


def may_be_told(layer: LayerInfo, method: str) -> bool:
    """Whether a layer's lines of a method may be told: all of open layers, of others those that rest on no meter."""
    return layer.open or method != METHODS[METERED]


class PublicReceipts:
    """The public receipts of one edition; safe for several threads."""

    def __init__(self, edition: Edition) -> None:
        if not (edition.folder / "private").is_dir():
            raise ReceiptsNotKept(
                f"edition {edition.id} of region {edition.region.id!r} is here without its private tables, from which "
                "receipts are read: ask where it was built, or copy the folder `private` beside its tables"
            )
        self._edition = edition
        self.true = Receipts(edition)
        self._closed = {
            sector: any(not layer.open and layer.sector == sector for layer in edition.manifest.layers)
            for sector in edition.manifest.sectors
        }

    def receipt(self, collection: str, item: str, year: int | None = None) -> PublicReceipt:
        """The receipt of one cell, hexagon or zone; the latest year if none is given.

        Raises:
            CollectionNotFound, YearNotFound, ItemNotFound: nothing of that name is published.
            EditionBroken: a private table is missing, damaged, or of an older version.
        """
        manifest = self._edition.manifest
        info = self._edition.collection(collection)
        meant = self._edition.year(collection, year)
        missing = ItemNotFound(
            f"collection {collection!r} of region {manifest.region.id!r} has no item {item[:80]!r} in {meant}"
        )
        if len(item) > _LONGEST_ID:
            raise missing
        try:
            place = self.true.place(info, item, meant)
        except CellCodeError:
            raise missing from None
        row = self._row(place)
        sectors = tuple(
            self._sector(sector, row, self._told(sector, place))
            for sector in in_sector_order(manifest.sectors)
            if total_column(sector) in row
        )
        told = [part for sector in sectors for carrier in sector.carriers for part in carrier.parts]
        names = {part.layer for part in told}
        sources = tuple(
            ToldSource(layer.id, layer.sector, layer.open, layer.files)
            for layer in sorted(manifest.layers, key=lambda layer: layer.id)
            if layer.id in names or (not layer.open and layer.sector in manifest.sectors)
        )
        files = {name for source in sources for name in source.files}
        factors = {name for part in told for name in part.factors}
        factors |= {name for sector in sectors for carrier in sector.carriers for name in carrier.closed_factors}
        assumptions = {name for part in told for name in part.assumptions} | factors
        return PublicReceipt(
            id=place.id,
            name={
                name.removeprefix("name_"): value for name, value in row.items() if name.startswith("name_") and value
            },
            year=meant,
            held=bool(row.get("held")),
            sectors=(*sectors, *_net(row, sectors)),
            sources=sources,
            factors=tuple(record for record in manifest.factors if record.get("id") in factors),
            assumptions=tuple(record for record in manifest.assumptions if record.get("id") in assumptions),
            inputs=tuple(entry for entry in manifest.public_inputs() if entry.file in files),
        )

    def _row(self, place: Place) -> Row:
        (row,) = place.file.take(np.array([place.position]), list(place.info.columns)).to_pylist()
        return {name: None if value != value else value for name, value in row.items()}

    def _told(self, sector: str, place: Place) -> Told:
        """Sums of those lines of a sector that may be told."""
        layers = [layer for layer in self._edition.manifest.layers if layer.sector == sector]
        return [
            (layer, kind)
            for layer in sorted(layers, key=lambda layer: layer.id)
            for kind in self.true.kinds_in(layer, place, [name for name in METHODS if may_be_told(layer, name)])
        ]

    def _sector(self, sector: str, row: Row, told: Told) -> SectorReceipt:
        total, closed = row[total_column(sector)], self._closed[sector]
        carriers = [
            _carrier(pair, row[column], [(layer, kind) for layer, kind in told if _pair(kind) == pair], closed)
            for pair in _pairs()
            if (column := pair_column(sector, pair)) in row
        ]
        carriers = [self._with_factors(carrier) for carrier in carriers if _is_there(carrier, total)]
        carriers.sort(key=lambda carrier: (carrier.tco2e is None, -abs(carrier.tco2e or 0.0)))
        hidden = [carrier for carrier in carriers if carrier.tco2e is None]
        shown = [carrier.tco2e for carrier in carriers if carrier.tco2e is not None]
        return SectorReceipt(
            sector=sector,
            tco2e=total,
            sd_tco2e=row.get(sd_column(sector)),
            coverage=row.get(f"{sector}_coverage"),
            methods={name: row[column] for name in METHODS if (column := method_column(sector, name)) in row},
            reasons=_reasons(sector, row, carriers, closed),
            carriers=tuple(carriers),
            withheld_tco2e=total - sum(shown) if hidden else None,
            shared_errors=_shared_errors(told, {carrier.pair for carrier in carriers if carrier.tco2e is not None}),
        )

    def _with_factors(self, carrier: CarrierReceipt) -> CarrierReceipt:
        """With the factors of its closed meters: those of the carrier in the whole edition, not those used here."""
        if not carrier.closed_tco2e:
            return carrier
        ids = tuple(
            str(record["id"])
            for record in self._edition.manifest.factors
            if (record.get("carrier"), record.get("basis")) == carrier.pair
        )
        return replace(carrier, closed_factors=ids)


def public_receipts_of(edition: Edition) -> PublicReceipts:
    """The public receipts of an edition, whose open tables are kept.

    Raises:
        ReceiptsNotKept: the edition is here without its private tables.
    """
    return PublicReceipts(edition)


def _pairs() -> Iterator[Pair]:
    return ((carrier, basis) for carrier in CARRIERS for basis in BASES)


def _pair(kind: KindSums) -> Pair:
    return kind.carrier, kind.basis


def _carrier(pair: Pair, published: float | None, told: Told, closed: bool) -> CarrierReceipt:
    """One carrier of a target, from what is published and from lines that may be told."""
    if published is None:
        return CarrierReceipt(pair, None, (), None, ())
    parts = _parts(told)
    size = abs(published) + sum(abs(part.tco2e) for part in parts)
    left = published - sum(part.tco2e for part in parts)
    # Both were summed in their own order: what is left of them without a closed meter is rounding.
    rest = 0.0 if abs(left) <= _ROUNDING * size else left
    if not closed and abs(left) > TOLD_APART * size:
        raise EditionBroken(
            f"private tables say {published - left!r} tCO2e of {pair[0]} ({pair[1]}), the public table says "
            f"{published!r}: they do not belong together; build the region again"
        )
    return CarrierReceipt(pair, published, parts, rest if closed else None, ())


def _is_there(carrier: CarrierReceipt, total: float | None) -> bool:
    """Whether anything is to be said of a carrier: most targets use few of those that the region's tables have."""
    return total is not None and (carrier.tco2e != 0 or bool(carrier.parts))


def _parts(told: Told) -> tuple[ToldPart, ...]:
    """Lines added up by how they were worked out; single features' errors do not matter here."""
    found: dict[tuple[str, ...], list[tuple[LayerInfo, KindSums]]] = {}
    for layer, kind in told:
        key = (layer.id, kind.method, kind.activity_unit, kind.factor_id, kind.assumptions, first_of(kind.group))
        found.setdefault(key, []).append((layer, kind))
    parts = [
        ToldPart(
            layer=name,
            open=members[0][0].open,
            method=method,
            tco2e=sum(kind.emissions_tco2e for _, kind in members),
            activity=sum(kind.activity for _, kind in members),
            activity_unit=unit,
            factors=factors_in(factor_id),
            assumptions=tuple(assumptions.split()),
            shared_error=first_of(group) or None,
            lines=sum(kind.lines for _, kind in members) if members[0][0].open else None,
        )
        for (name, method, unit, factor_id, assumptions, group), members in sorted(found.items())
    ]
    return tuple(sorted(parts, key=lambda part: -abs(part.tco2e)))


def _shared_errors(told: Told, pairs: set[Pair]) -> dict[str, float]:
    """Signed loadings by group, the largest first."""
    found: dict[str, float] = {}
    for _, kind in told:
        if _pair(kind) in pairs:
            for group, u in shared_errors(kind.group, kind.u_group, kind.factor_id, kind.u_factor):
                found[group] = found.get(group, 0.0) + kind.emissions_tco2e * u
    largest = sorted(found.items(), key=lambda one: (-abs(one[1]), one[0]))
    return {group: loading for group, loading in largest if loading}


def _reasons(sector: str, row: Row, carriers: Sequence[CarrierReceipt], closed: bool) -> tuple[str, ...]:
    total, held = row[total_column(sector)], bool(row.get("held"))
    withheld = any(carrier.tco2e is None for carrier in carriers)
    some_closed = closed and (withheld or any(carrier.closed_tco2e for carrier in carriers))
    coverage = row.get(f"{sector}_coverage")
    holds = {
        "held": some_closed and held,
        "closed_together": some_closed and not held,
        "withheld": withheld,
        "region_hidden": total is None and closed and held,
        "not_covered": total is None and not (closed and held),
        "not_whole": total is not None and coverage is not None and coverage < FULLY_COVERED,
        "illustrative": bool(row.get(f"{sector}_illustrative")),
    }
    return tuple(code for code in REASONS if holds.get(code))


def _net(row: Row, sectors: Sequence[SectorReceipt]) -> Iterator[SectorReceipt]:
    """Net, where the table has it: sums of the sectors, so that it has no parts of its own."""
    if total_column("net") not in row:
        return
    total = row[total_column("net")]
    holds = {
        "held": any("held" in sector.reasons for sector in sectors),
        "net_unknown": total is None,
        "illustrative": any("illustrative" in sector.reasons for sector in sectors),
    }
    errors: dict[str, float] = {}
    for sector in sectors:
        for group, loading in sector.shared_errors.items():
            errors[group] = errors.get(group, 0.0) + loading
    yield SectorReceipt(
        sector="net",
        tco2e=total,
        sd_tco2e=row.get(sd_column("net")),
        coverage=None,
        methods={},
        reasons=tuple(code for code in REASONS if holds.get(code)),
        carriers=(),
        withheld_tco2e=None,
        shared_errors=dict(sorted(errors.items(), key=lambda one: (-abs(one[1]), one[0]))),
    )
