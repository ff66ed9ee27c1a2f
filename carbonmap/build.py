"""The build, from files to a published edition, in the order the data goes."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from carbonmap.calibration import calibrate
from carbonmap.earlier import Earlier, earlier_editions
from carbonmap.engines import Engine, LocalEngine
from carbonmap.fetched import ObjectFolder, is_address
from carbonmap.ground import Ground
from carbonmap.inputs import input_files
from carbonmap.land_cover import work_raster
from carbonmap.layers import SharedLayer, cells_of
from carbonmap.manifest import identity_of, manifest_of
from carbonmap.parts import Part, WorkFolder, join_tables, parts_of, settle_shared_ground, work_part
from carbonmap.plan import Plan
from carbonmap.progress import Progress
from carbonmap.publish import Tables
from carbonmap.region import Region, RegionFile
from carbonmap.seals import InputChanged, InputSeals
from carbonmap.taken_ground import TakenGround
from carbonmap.targets import grid_targets
from carbonmap.zone_records import zone_lines
from gis.errors import listed
from gis.gdal_messages import FROM_GDAL
from gis.layers import MOST_EXAMPLES
from gis.overlaps import FOREST
from gis.readers import read_context
from gis.sources import COUNTED, Source
from grids.disclosure_record import disclosure_record, disclosure_remarks
from grids.edition import EditionWriter, Manifest, edition_id
from grids.memory import give_back
from grids.store_errors import EditionBroken


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
        yield from (f"  {line}" for line in zone_lines(self.manifest.zones.items()))
        for year, totals in self.manifest.totals.items():
            parts = ", ".join(f"{name} {value:,.0f} t" for name, value in totals.items() if value is not None)
            yield f"  {year}: {parts} CO2e"
        record = disclosure_record(self.manifest)
        yield from (f"  {line}" for line in disclosure_remarks(record))


def losses(report: Mapping[str, Any]) -> Iterator[str]:
    """What a person should hear of a layer's report: what was refused, repaired, not matched, or warned of."""
    reasons: dict[str, list[str]] = {}
    for entry in report["refused"]:
        reasons.setdefault(str(entry["reason"]).split(" [")[0], []).append(str(entry["id"]))
    for reason, ids in sorted(reasons.items()):
        yield f"refused {len(ids)}: {reason} ({listed(ids, MOST_EXAMPLES)})"
    if report["unit"] == "features" and report["empty"]:
        some = ", ".join(report["empty_ids"]) + (" ..." if report["empty"] > len(report["empty_ids"]) else "")
        yield f"without geometry, and so in no total: {report['empty']} ({some})"
    if report["unit"] == "features" and report["kept"] and report["wholly_outside"] == report["kept"]:
        yield (
            f"none of its {report['kept']} features lies on the region's ground: they are near it, and count as "
            "outside; look at the source's crs and coverage"
        )
    if report["left_out"]["amounts"]:
        amounts = ", ".join(f"{name} {amount:.6g}" for name, amount in report["left_out"]["amounts"].items())
        yield f"in no total, since they were refused when they were cut: {report['left_out']['count']} ({amounts})"
    if report["repaired"]["count"]:
        yield f"repaired {report['repaired']['count']} invalid geometries"
    if report["repaired_by_edges"]["count"]:
        yield f"repaired {report['repaired_by_edges']['count']} geometries whose edges cross, when they were shared out"
    for column, bad in report["unparsable"].items():
        examples = ", ".join(map(repr, bad["examples"]))
        yield f"{report['file']}: {bad['count']} values of {column} are no numbers, taken as unknown ({examples})"
    yield from (f"{report['file']}: {note}" for note in report["notes"] if note.startswith(FROM_GDAL))
    for join in report["joins"]:
        if join["keys_unmatched"]:
            yield f"{join['file']}: {join['keys_unmatched']} of {join['keys']} keys match no feature"
        if join["repeated_rows"]:
            how = "count once" if join["repeats_count_once"] else "add up"
            yield f"{join['file']}: {join['repeated_rows']} rows repeat another one and {how}, as the region file says"
        if join["negative_rows"]:
            keys = ", ".join(join["negative_examples"])
            yield f"{join['file']}: {join['negative_rows']} readings are below zero, and keep their sign (keys {keys})"
        for column, features in join["incomplete_years"].items():
            done = "are scaled to 12" if f"{column}_months" in join["columns"] else "are taken as unknown"
            yield f"{join['file']}: years of fewer than 12 months of {column} {done}: {features} features"
        for column, bad in join["unparsable"].items():
            yield f"{join['file']}: {bad['count']} values of {column} are no numbers, taken as unknown"
    yield from report["warnings"]


def build_region(
    name_or_path: str | Path,
    inputs: str | Path | None,
    store: Path,
    *,
    progress: Progress,
    engine: Engine | None = None,
) -> Built:
    """Build an edition of a region and serve it; if this very edition is in the store, only serve it.

    What a build that was stopped had done of the same inputs is used, not done again.

    Args:
        name_or_path: a region file, or the name of one that ships with the program.
        inputs: folder of the sources, or the address of one in an object store; default: the region file's own.
        store: folder of editions; made if missing.
        progress: told of each step.
        engine: what works on the parts; this process if not given. The same bytes come of any.

    Raises:
        RegionError, GisError, AccountingError, GridError: names the file, layer or feature and the remedy; nothing was
            published, and what was served still is.
    """
    started = time.monotonic()
    file = _opened(name_or_path, inputs, store, progress)
    progress.step("reading region file and input digests")
    seals = InputSeals(lambda: input_files(file.region, file.inputs))
    identity = identity_of(file)
    while True:
        earlier = earlier_editions(store, file.region, identity)
        edition = earlier.built or edition_id(**identity, beside=earlier.ids)
        with EditionWriter(store, file.region.id, edition, crs=file.region.crs) as writer:
            # From here on nobody else publishes one of this region; who did between must be looked at, too.
            if earlier_editions(store, file.region, identity).listing == earlier.listing:
                return _built(file, store, seals, writer, identity, earlier, progress, engine or LocalEngine(), started)


def _built(
    file: RegionFile,
    store: Path,
    seals: InputSeals,
    writer: EditionWriter,
    identity: dict[str, Any],
    earlier: Earlier,
    progress: Progress,
    engine: Engine,
    started: float,
) -> Built:
    """Build what is not in the store yet, and serve it."""
    work = WorkFolder(writer.work_folder, seals.check)
    edition = writer.work_folder.name
    if writer.exists:
        work.remove()  # of a build that was ended after it had published
        return Built(store, file.region.id, edition, None, writer.publish_existing())
    if earlier.missing:
        raise EditionBroken(
            f"edition {edition} of {file.region.id} is damaged, and was built beside {', '.join(earlier.missing)}, "
            "which the store no longer holds: without what these told it would not be the same. Bring them back "
            "from a backup, or take the damaged edition away"
        )
    writer.work_folder.parent.mkdir(mode=0o700, exist_ok=True)  # values feature by feature will lie there
    try:
        work.check()
        manifest = _build(Plan(file), work, writer, identity, earlier, progress, engine)
    except InputChanged:
        work.remove()
        raise
    work.remove()
    return Built(store, file.region.id, edition, time.monotonic() - started, manifest)


def _opened(name_or_path: str | Path, inputs: str | Path | None, store: Path, progress: Progress) -> RegionFile:
    """The region file and the folder of its inputs, which are fetched first if they are elsewhere."""
    if not isinstance(inputs, str) or not is_address(inputs):
        return RegionFile(name_or_path, None if inputs is None else Path(inputs))
    elsewhere = ObjectFolder(inputs)
    folder = elsewhere.fetch(RegionFile(name_or_path).region, store, progress.step)
    return RegionFile(name_or_path, folder, address=inputs)


def _build(
    plan: Plan,
    work: WorkFolder,
    writer: EditionWriter,
    identity: dict[str, Any],
    earlier: Earlier,
    progress: Progress,
    engine: Engine,
) -> Manifest:
    progress.step("reading zones")
    sources = plan.in_order()
    with ThreadPoolExecutor(1) as beside:
        zones = beside.submit(lambda: plan.zones)
        parts = {source.id: parts_of(source, plan) for source in sources}
        zones.result()
    progress.plan(_steps(plan, sources, parts))
    _work_parts(plan, sources, parts, work, identity, progress, engine)
    calibration = calibrate(plan, sources, parts, work, progress)
    plan.forget_divisions()
    give_back()
    place = plan.ground.bbox, plan.region.crs
    every = [
        SharedLayer(
            source,
            plan.domain(source),
            work,
            parts[source.id],
            place,
            likeness=plan.likeness(source),
            cell_m=plan.grid.size_m,
        )
        for source in sources
    ]
    counted = [layer for layer in every if layer.sector in COUNTED]
    layers = [layer for layer in every if layer.sector not in COUNTED]
    for layer in every:  # written while the rest is added up
        writer.write_private_tables("features", layer.id, layer.features())
        writer.write_private_tables("lines", layer.id, layer.lines())

    grids = grid_targets(plan.region, cells_of(every))
    tables = Tables(plan, layers, counted, grids, calibration, earlier)
    tops = tables.publish(writer, [*grids, *plan.zones], progress)

    progress.step("writing context and private tables")
    _write_context(writer, plan.region, plan.ground, plan.inputs)
    work.check()
    return writer.publish(manifest_of(plan, identity, layers, counted, tables, tops, calibration))


def _steps(plan: Plan, sources: list[Source], parts: Mapping[str, list[Part]]) -> int:
    """How many steps a build takes after it has read its zones."""
    in_parts = [source for source in sources if parts[source.id][0].span is not None]
    tables_and_stands = sum((len(source.joins) > 0) + (source.sector in FOREST) for source in in_parts)
    collections = len(plan.zones) + len(plan.region.grid.sizes_m)
    calibration, writing = int(plan.region.calibration is not None), 1
    return tables_and_stands + sum(map(len, parts.values())) + calibration + collections + writing


def _work_parts(
    plan: Plan,
    sources: list[Source],
    parts: dict[str, list[Part]],
    work: WorkFolder,
    identity: Mapping[str, Any],
    progress: Progress,
    engine: Engine,
) -> None:
    """Work on every part that is not done yet: by the engine what stands by itself, here what needs earlier stands."""
    first_forest = next((source.id for source in sources if source.sector == "forest"), None)
    alone = [source for source in sources if source.sector not in FOREST or source.id == first_forest]
    waiting = [part for source in alone for part in parts[source.id] if not source.is_raster]
    todo = [part for part in waiting if work.record(part) is None]
    _prepare(plan, sources, [source for source in alone if _any_of(source, todo)], parts, work, progress, engine)
    for part in waiting:
        if part not in todo:
            progress.step(f"{part}: done before")
    engine.work(todo, plan, work, identity, progress)
    for source in sources:
        if source.is_raster or source not in alone:
            left = [part for part in parts[source.id] if work.record(part) is None]
            taken = TakenGround(plan, sources, source, parts, work)
            for part in parts[source.id]:
                progress.step(f"{part}: reading and sharing out")
                if part in left and source.is_raster:
                    work.keep(part, *work_raster(plan, source, taken.outlines()))
                elif part in left:
                    work.keep(part, *work_part(plan, part, work, taken.shared_with))


def _prepare(
    plan: Plan,
    sources: list[Source],
    at_work: list[Source],
    parts: dict[str, list[Part]],
    work: WorkFolder,
    progress: Progress,
    engine: Engine,
) -> None:
    """Make what parts need of the whole: tables are joined by this thread, where Ctrl-C is heard, the rest beside."""
    in_parts = [source for source in sources if parts[source.id][0].span is not None]
    with ThreadPoolExecutor(1) as beside:
        ready = beside.submit(engine.get_ready, at_work, plan)
        stands = [source for source in in_parts if source.sector in FOREST]
        settled = [beside.submit(settle_shared_ground, source, plan, work) for source in stands]
        try:
            for source in in_parts:
                if source.joins:
                    progress.step(f"{source.id}: joining {', '.join(join.file for join in source.joins)}")
                    join_tables(source, plan, work)
                    work.check()
                    if ready.done():  # a fault is told before the next table is joined
                        ready.result()
            ready.result()
            for source, each in zip(stands, settled, strict=True):
                progress.step(f"{source.id}: stands that share ground")
                each.result()
        except BaseException:
            beside.shutdown(wait=True, cancel_futures=True)
            raise


def _any_of(source: Source, parts: list[Part]) -> bool:
    return any(part.source == source.id for part in parts)


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
