"""A receipt for the terminal: what stands behind one number, largest first."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gis.errors import listed
from grids.columns import BASES, CARRIERS
from grids.receipt import FeaturePart, KindSums, LayerPart, Receipt, SectorPart

PRIVATE = "private: true numbers, feature by feature, before disclosure control; for the operator, not to be passed on"


def receipt_lines(receipt: Receipt) -> Iterator[str]:
    """Lines for the terminal."""
    yield f"{receipt.collection} {receipt.id}, {receipt.year}: region {receipt.region}, edition {receipt.edition}"
    yield PRIVATE
    if receipt.held:
        yield "held: the public table shows other numbers here, so that nobody learns of one or two buildings"
    yield ""
    yield f"{'tCO2e':<12}{'true':>18}{'sd':>16}{'public':>18}{'sd':>16}"
    for name, part in receipt.sectors.items():
        yield _row(name, part)
    if any(not layer.open and layer.features for layer in receipt.layers):
        yield "  (the public sd spreads the own errors of private meters evenly; it may differ from the true one)"
    for layer in receipt.layers:
        if layer.features:
            yield ""
            yield (
                f"{layer.layer} ({layer.sector}, {'open' if layer.open else 'private'}): {layer.features:,} features, "
                f"{_tonnes(layer.sums.emissions_tco2e)} tCO2e, sd {_tonnes(layer.sums.sd_tco2e)}"
            )
            yield from _uncertainty(layer.sums.own_variance, layer.sums.loadings)
            yield from _kinds(layer)
    yield ""
    yield from _features(receipt)
    yield from _records("factors", receipt.factors, ("value", "unit", "region", "period", "source", "chosen"))
    yield from _records("assumptions", receipt.assumptions, ("value", "unit", "low", "high", "author", "reason"))
    yield "inputs:"
    yield from (f"  {entry.file}, {entry.bytes:,} bytes, sha256 {entry.sha256}" for entry in receipt.inputs)


def receipt_json(receipt: Receipt) -> str:
    """Everything a receipt holds, and per sector the true tCO2e by carrier, basis, method and factor."""
    columns = ("carrier", "basis", "method", "factor_id")
    document = receipt.as_json()
    for sector, entry in document["sectors"].items():
        if sector != "net":
            entry["by"] = {
                column: {key: value for (key,), value in receipt.totals_by(sector, column).items()}
                for column in columns
            }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)


def _row(name: str, part: SectorPart) -> str:
    public = [part.published_tco2e, part.published_sd_tco2e]
    shown = ["unknown" if value is None else _tonnes(value) for value in public]
    true = _tonnes(part.sums.emissions_tco2e), _tonnes(part.sums.sd_tco2e)
    return f"{name:<12}{true[0]:>18}{true[1]:>16}{shown[0]:>18}{shown[1]:>16}"


def _uncertainty(own_variance: float, loadings: Mapping[str, float]) -> Iterator[str]:
    shared = sorted(loadings.items(), key=lambda item: (-abs(item[1]), item[0]))
    told = ", ".join(f"{group} {_tonnes(loading)}" for group, loading in shared if loading)
    yield f"  sd of single features {_tonnes(own_variance**0.5)} t; shared errors, signed: {told or 'none'}"


def _kinds(layer: LayerPart) -> Iterator[str]:
    """A layer's emissions by carrier, basis, method and factor; which errors they share stands in the JSON."""
    found: dict[tuple[str, ...], list[KindSums]] = {}
    for kind in layer.kinds:
        key = (kind.carrier, kind.basis, kind.method, kind.activity_unit, kind.factor_id)
        found.setdefault(key, []).append(kind)
    rows = [(sum(kind.emissions_tco2e for kind in kinds), key, kinds) for key, kinds in found.items()]
    for emissions, (carrier, basis, method, unit, factor), kinds in sorted(
        rows, key=lambda row: (-abs(row[0]), row[1])
    ):
        activity, lines = sum(kind.activity for kind in kinds), sum(kind.lines for kind in kinds)
        assumed = sorted({name for kind in kinds for name in kind.assumptions.split()})
        yield (
            f"  {_tonnes(emissions):>16} t  {carrier} {basis}, {method}: {activity:,.6g} {unit} by "
            f"{factor or 'no factor'}, lines: {lines:,}{f', rests on {listed(assumed)}' if assumed else ''}"
        )


def _features(receipt: Receipt) -> Iterator[str]:
    first, last = receipt.offset + 1, receipt.offset + len(receipt.features)
    which = (
        f"{first:,} to {last:,} of {receipt.n_features:,}" if receipt.features else f"none of {receipt.n_features:,}"
    )
    yield f"features, the largest parts first: {which}"
    for feature in receipt.features:
        yield from _feature(feature)


def _feature(feature: FeaturePart) -> Iterator[str]:
    yield f"  {feature.layer} {feature.id}: {feature.share:.6g} of it here, {_tonnes(feature.part_tco2e)} t"
    for line in sorted(feature.lines, key=lambda line: (CARRIERS.index(line["carrier"]), BASES.index(line["basis"]))):
        yield (
            f"    {line['carrier']} {line['basis']}, {line['method']}: {line['activity']:,.6g} {line['activity_unit']} "
            f"by {line['factor_id'] or 'no factor'} = {_tonnes(line['emissions_tco2e'])} t"
        )


def _records(title: str, records: tuple[Mapping[str, Any], ...], fields: tuple[str, ...]) -> Iterator[str]:
    if records:
        yield f"{title}:"
    for record in records:
        told = (f"{field} {record[field]}" for field in fields if record.get(field) is not None)
        yield f"  {record['id']}: {'; '.join(told)}"


def _tonnes(value: float) -> str:
    return f"{value:,.3f}" if abs(value) >= 1 else f"{value:.6g}"
