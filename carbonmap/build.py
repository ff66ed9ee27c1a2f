"""The build, from files to a published edition, in the order the data goes."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from carbonmap.ground import Ground, domain_of, read_ground
from carbonmap.land_cover import share_raster
from carbonmap.layers import SharedLayer, cells_of, share_features
from carbonmap.manifest import identity_of, manifest_of
from carbonmap.progress import Progress
from carbonmap.publish import REGION, Tables
from carbonmap.region import Region, RegionFile
from carbonmap.sectors import Accounts, features_table, sector_emissions
from carbonmap.targets import Targets, grid_targets, grids_of, hexagon_targets, zone_targets
from gis.checks import Finding, implausible
from gis.errors import BadValue
from gis.overlaps import without_ground
from gis.readers import read_context, read_source
from gis.sources import Source
from grids.aggregate import to_coarser
from grids.coverage import covered_fraction
from grids.edition import EditionWriter, Manifest, edition_id

FloatArray = NDArray[np.float64]
Geometries = NDArray[np.object_]


@dataclass(frozen=True)
class Built:
    """What a build did: which edition is served now, and how long it took (None: it was there already)."""

    store: Path
    region: str
    edition: str
    seconds: float | None
    manifest: Manifest

    def summary(self) -> Iterator[str]:
        """Lines for the terminal: features, totals, residuals, what is illustrative."""
        for layer in self.manifest.layers:
            report = layer.report
            yield f"  {layer.id}: {report['read']} {report['unit']} read, {report['kept']} kept"
            yield from (f"    {line}" for line in losses(layer.report))
        for year, totals in self.manifest.totals.items():
            parts = ", ".join(f"{name} {value:,.0f} t" for name, value in totals.items() if value is not None)
            yield f"  {year}: {parts} CO2e"


def losses(report: Mapping[str, Any]) -> Iterator[str]:
    """What a person should hear of a layer's report: what was refused, repaired, not matched, or warned of."""
    reasons = Counter(str(entry["reason"]).split(" [")[0] for entry in report["refused"])
    for reason, count in sorted(reasons.items()):
        yield f"refused {count}: {reason}"
    if report["repaired"]["count"]:
        yield f"repaired {report['repaired']['count']} invalid geometries"
    for join in report["joins"]:
        if join["keys_unmatched"]:
            yield f"{join['file']}: {join['keys_unmatched']} of {join['keys']} keys match no feature"
        if join["repeated_rows"]:
            yield f"{join['file']}: {join['repeated_rows']} rows repeat another one and add up; appended twice?"
    yield from report["warnings"]


def build_region(name_or_path: str | Path, inputs: Path | None, store: Path, *, progress: Progress) -> Built:
    """Build an edition of a region and serve it; if this very edition is in the store, only serve it.

    Args:
        name_or_path: a region file, or the name of one that ships with the program.
        inputs: folder of the sources; default: the region file's own.
        store: folder of editions; made if missing.
        progress: told of each step.

    Raises:
        RegionError, GisError, AccountingError, GridError: names the file, layer or feature and the remedy; nothing was
            published, and what was served still is.
    """
    started = time.monotonic()
    file = RegionFile(name_or_path, inputs)
    region = file.region
    progress.plan(
        3 + len(region.sources) + len(region.zone_sets) + len(region.h3_resolutions) + len(region.grid.sizes_m)
    )
    progress.step("reading region file and input digests")
    identity = identity_of(file)
    edition = edition_id(**identity)
    with EditionWriter(store, region.id, edition, crs=region.crs) as writer:
        if writer.exists:
            return Built(store, region.id, edition, None, writer.publish_existing())
        manifest = _build(file, writer, identity, progress)
    return Built(store, region.id, edition, time.monotonic() - started, manifest)


def _build(file: RegionFile, writer: EditionWriter, identity: dict[str, Any], progress: Progress) -> Manifest:
    region, inputs = file.region, file.inputs
    accounts = Accounts.of(region)
    progress.step("reading zones")
    ground = read_ground(region, inputs)
    zones = [*zone_targets(region, ground), *hexagon_targets(region, ground)]

    layers: list[SharedLayer] = []
    stands: list[Geometries] = []
    for source in _in_order(region):
        progress.step(f"{source.id}: reading and sharing out")
        if source.is_raster:
            layers.append(share_raster(source, region, ground, inputs, zones, _joined(stands), accounts))
            continue
        layer, clipped = _share_source(source, region, ground, inputs, zones, accounts, _joined(stands))
        layers.append(layer)
        if source.sector == "forest":
            stands.append(clipped)
    population = [layer for layer in layers if layer.sector == "population"]
    layers = [layer for layer in layers if layer.sector != "population"]

    grids = grid_targets(region, *cells_of([*layers, *population], grids_of(region)[-1]))
    _share_to_grids([*layers, *population], grids, region)
    collections = [*grids, *zones]
    tables = Tables(
        region, layers, _coverage(collections, layers, ground), _population(collections, population, region, ground)
    )
    tops = tables.publish(writer, collections, progress)

    progress.step("writing context and private tables")
    _write_private(writer, layers, collections)
    _write_context(writer, region, ground, inputs)
    return writer.publish(manifest_of(file, ground, accounts, identity, layers, population, tables, tops))


def _in_order(region: Region) -> list[Source]:
    """Sources as the region file lists them, rasters last: where a forest map is, it wins."""
    return sorted(region.sources, key=lambda source: source.is_raster)


def _share_source(
    source: Source,
    region: Region,
    ground: Ground,
    inputs: Path,
    zones: list[Targets],
    accounts: Accounts,
    stands: Geometries,
) -> tuple[SharedLayer, Geometries]:
    """The layer of a source that is no raster, and its features as far as they lie in its domain."""
    layer = read_source(source, inputs, region.crs, ground.reading_bbox)
    if source.sector == "forest" and len(stands):
        layer = without_ground(layer, stands)
    odd = implausible(layer)
    impossible = [finding for finding in odd if finding.level == "error"]
    if impossible:
        raise BadValue(f"source {source.id}: {'; '.join(map(_told, impossible))}")
    emissions = sector_emissions(source, layer.features, region, accounts)
    emissions = replace(emissions, warnings=(*emissions.warnings, *map(_told, odd)))
    domain = domain_of(source, region, ground, inputs)
    sets = {targets.info.id: targets.polygons for targets in zones}
    clipped, cells, shares = share_features(layer.features.geometry.to_numpy(), domain, grids_of(region)[-1], sets)
    features = features_table(layer, emissions, clipped.outside)
    shared = SharedLayer(
        id=source.id,
        sector=source.sector,
        open=layer.open,
        complete=source.complete,
        emissions=emissions,
        features=features,
        domain=domain,
        outside=clipped.outside,
        report=layer.report,
        cells=cells,
        shares=shares,
    )
    return shared, clipped.geometries


def _told(finding: Finding) -> str:
    return f"{finding.what} ({finding.count} features, e.g. {', '.join(finding.examples[:3])}): {finding.remedy}"


def _joined(arrays: list[Geometries]) -> Geometries:
    return np.concatenate(arrays) if arrays else np.empty(0, dtype=object)


def _share_to_grids(layers: list[SharedLayer], grids: list[Targets], region: Region) -> None:
    """Shares in every grid: the finest from geometry, the others as sums of its blocks."""
    finest = grids[-1]
    rows, cols = finest.columns["row"].to_numpy(), finest.columns["col"].to_numpy()
    for layer in layers:
        shares = layer.spread(grids_of(region)[-1], rows, cols)
        layer.shares[finest.info.id] = shares
        for finer, coarser in zip(grids[:0:-1], grids[-2::-1], strict=True):
            assert finer.parent is not None
            shares = to_coarser(finer.parent, coarser.count, shares)
            layer.shares[coarser.info.id] = shares


def _coverage(
    collections: list[Targets], layers: list[SharedLayer], ground: Ground
) -> dict[str, dict[str, FloatArray]]:
    """How much of each target's ground in the region the complete sources of a sector speak for, 0 to 1.

    A source that does not claim to be complete covers nothing: its features are there, but none is no zero.
    """
    domains = {
        sector: shapely.union_all([layer.domain for layer in layers if layer.sector == sector and layer.complete])
        for sector in sorted({layer.sector for layer in layers})
    }
    places = {targets.info.id: targets.polygons for targets in collections}
    places[REGION] = np.array([ground.boundary], dtype=object)
    return {
        name: {sector: covered_fraction(polygons, domain, ground.boundary) for sector, domain in domains.items()}
        for name, polygons in places.items()
    }


def _population(
    collections: list[Targets], sources: list[SharedLayer], region: Region, ground: Ground
) -> dict[str, dict[int, FloatArray]]:
    """Residents per target and year: the sources' numbers shared out by area.

    Nobody lives where a source that speaks of the year has no feature; residents are unknown where no source speaks,
    and where it says of a feature that they are.
    """
    found: dict[str, dict[int, FloatArray]] = {}
    for targets in collections if sources else []:
        name = targets.info.id
        reached = [~(covered_fraction(targets.polygons, source.domain, ground.boundary) <= 0) for source in sources]
        for year in region.years:
            total, known = np.zeros(targets.count), np.zeros(targets.count, dtype=bool)
            unknown = np.zeros(targets.count, dtype=bool)
            for source, reach in zip(sources, reached, strict=True):
                residents = source.features[f"population_{year}"].to_numpy(dtype=np.float64)
                missing = np.isnan(residents)
                if not missing.all():
                    shares = source.shares[name].matrix
                    total += shares @ np.where(missing, 0.0, residents)
                    known |= reach | (np.diff(shares.indptr) > 0)
                    unknown |= shares @ missing.astype(np.float64) > 0
            found.setdefault(name, {})[year] = np.where(known & ~unknown, total, np.nan)
    return found


def _write_private(writer: EditionWriter, layers: list[SharedLayer], collections: list[Targets]) -> None:
    """What receipts and scenarios stand on: features, lines and shares, never served raw."""
    for layer in layers:
        writer.write_private("features", layer.id, layer.features)
        writer.write_private("lines", layer.id, layer.lines)
        for targets in collections:
            entries = layer.shares[targets.info.id].matrix.tocoo()
            table = pd.DataFrame({"id": targets.ids[entries.row], "feature": entries.col, "share": entries.data})
            writer.write_private("shares", f"{layer.id}-{targets.info.id}", table)


def _write_context(writer: EditionWriter, region: Region, ground: Ground, inputs: Path) -> None:
    """Quiet background for the map: what the region file names, and the borders of its zones."""
    kinds: dict[str, list[gpd.GeoDataFrame]] = {}
    for source in region.context:
        frame, _ = read_context(source, inputs, ground.bbox)
        kinds.setdefault(source.kind, []).append(frame)
    for spec in region.zone_sets:
        if spec.kind == "administrative":
            zones = ground.zones[spec.id].features
            borders = gpd.GeoDataFrame(geometry=zones.geometry.boundary, crs=region.crs).to_crs("EPSG:4326")
            borders = borders.assign(kind="boundaries", **{"class": spec.id, "rank": str(_level(region, spec.id))})
            kinds.setdefault("boundaries", []).append(borders)
    for kind, frames in sorted(kinds.items()):
        writer.write_context(kind, gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs="EPSG:4326"))


def _level(region: Region, zone_set: str) -> int:
    parents = {spec.id: spec.parent for spec in region.zone_sets}
    parent = parents[zone_set]
    return 0 if parent is None else 1 + _level(region, parent)
