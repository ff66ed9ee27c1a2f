"""What a store holds, for the terminal."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue

from carbonmap import __version__
from carbonmap.errors import RegionError
from carbonmap.resources import region_files
from carbonmap.zone_records import zone_lines
from grids.edition import Edition, Store
from grids.store_errors import EditionError


def describe_store(store: Path) -> Iterator[str]:
    """One line per region in the store, then the regions that ship with the program.

    Raises:
        RegionError: there is no such folder.
        EditionError: it cannot be read.
    """
    if not store.exists():
        raise RegionError(
            f"no store in {store}: name its folder with --store, or make one with `carbonmap build REGION --store "
            f"{store}`. Regions that ship with the program: {', '.join(region_files())}"
        )
    regions = Store(store).regions()
    yield f"carbonmap {__version__}"
    yield (
        f"Store {store}: {len(regions)} regions"
        if regions
        else f"Store {store}: nothing built yet (carbonmap build REGION)"
    )
    for name in regions:
        try:
            edition = Store(store).open(name)
        except EditionError as problem:
            yield f"  {name}: broken: {problem}"
            continue
        yield f"  {name}: edition {edition.id}, years {_years(edition)}, {_title(edition)}"
    yield f"Regions that ship with the program: {', '.join(region_files())}"


def describe_region(store: Path, region: str) -> Iterator[str]:
    """Totals, collections, worst residual, layers and what is illustrative, of the edition a region serves now.

    Raises:
        EditionError: no such region, or its edition is broken.
    """
    edition = Store(store).open(region)
    manifest = edition.manifest
    yield f"{_title(edition)} ({region}), edition {edition.id}, {edition.crs}, code {manifest.code.version}"
    for year, totals in sorted(manifest.totals.items()):
        parts = ", ".join(f"{name} {'unknown' if value is None else f'{value:,.1f}'}" for name, value in totals.items())
        yield f"  {year}, tCO2e: {parts}"
    for name, collection in edition.collections.items():
        yield f"  {name}: {collection.count} rows, years {', '.join(map(str, collection.years))}"
    yield f"  largest residual of the conservation check: {worst_residual(edition):.2g} (limit 1e-9)"
    closures = [(miss, name, of) for name, by_layer in manifest.closure.items() for of, miss in by_layer.items()]
    if closures:  # editions of older programs do not say
        miss, name, layer_id = max(closures)
        yield f"  worst feature: its parts miss it by {miss:.2g} of it, in {name}, layer {layer_id} (limit 1e-9)"
    for line in zone_lines(manifest.zones.items()):
        yield f"  {line}"
    for layer in manifest.layers:
        counts = ", ".join(f"{key} {value}" for key, value in _counts(layer.report).items())
        yield f"  {layer.id} ({layer.sector}, {'open' if layer.open else 'private'}): {counts}"
    illustrative = [sector for sector, resting in manifest.illustrative.items() if resting]
    if illustrative:
        yield f"  illustrative, since they rest on assumptions of the region file: {', '.join(illustrative)}"


def _counts(report: Mapping[str, JsonValue]) -> dict[str, int]:
    """Whole numbers of a report, also those that stand with their ids."""
    counts = {
        key: value["count"] if isinstance(value, dict) and "count" in value else value for key, value in report.items()
    }
    return {key: value for key, value in counts.items() if isinstance(value, int)}


def worst_residual(edition: Edition) -> float:
    """The largest relative residual over all sums of an edition."""
    residuals = edition.manifest.residuals.values()
    return max((balance.residual for balances in residuals for balance in balances), default=0.0)


def _years(edition: Edition) -> str:
    years = edition.region.years
    return str(years[0]) if len(years) == 1 else f"{min(years)}-{max(years)}"


def _title(edition: Edition) -> str:
    name = edition.region.name
    return name.get("en", next(iter(name.values()))) + (" (synthetic)" if edition.region.synthetic else "")
