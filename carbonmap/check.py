"""`carbonmap check`: everything that can be known of a region before it is built, as one readable report."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from shapely.geometry.base import BaseGeometry

from accounting.errors import AccountingError
from carbonmap.calibration import read_totals
from carbonmap.earlier import earlier_editions
from carbonmap.errors import RegionError
from carbonmap.fetched import is_address
from carbonmap.ground import Ground, domain_of, read_ground
from carbonmap.inputs import input_files
from carbonmap.manifest import identity_of
from carbonmap.region import RegionFile
from carbonmap.resources import data_folder
from carbonmap.sectors import Accounts, sector_emissions
from carbonmap.targets import zone_targets
from gis.checks import Finding, check_layer, check_report, check_zones, ranked
from gis.classes import class_table
from gis.errors import GisError
from gis.files import input_file
from gis.layers import ReadReport
from gis.raster import class_runs
from gis.readers import read_context, read_source
from gis.sources import Source
from grids.disclosure_record import DisclosureRecord, disclosure_remarks
from grids.errors import GridError

Result = TypeVar("Result")

SHOWN = {"error": "red", "warning": "yellow", "info": "dim"}


@dataclass
class CheckReport:
    """What the checks found, part by part, in the order of the region file."""

    title: str
    parts: dict[str, list[Finding]] = field(default_factory=dict)

    def count(self, level: str) -> int:
        """How many findings of a level there are."""
        return sum(finding.level == level for findings in self.parts.values() for finding in findings)

    @property
    def buildable(self) -> bool:
        """Whether nothing found would stop a build."""
        return self.count("error") == 0


class _Collector:
    """Runs checks one by one; an error of ours becomes a finding, and the checks after it still run."""

    def __init__(self, report: CheckReport) -> None:
        self._report = report

    def add(self, part: str, findings: list[Finding]) -> None:
        self._report.parts.setdefault(part, []).extend(findings)

    def attempt(self, part: str, work: Callable[..., Result], *given: object) -> Result | None:
        try:
            return work(*given)
        except (GisError, AccountingError, RegionError) as problem:
            self.add(part, [Finding("error", part, str(problem), 1)])
            return None


def check_region(name_or_path: str | Path, inputs: str | Path | None = None, store: Path | None = None) -> CheckReport:
    """Check a region file, its inputs, and whether every factor it needs is there; nothing is written.

    Args:
        name_or_path: a region file, or the name of one that ships with the program.
        inputs: folder of the sources; default: the region file's own.
        store: where an audited build would be held beside earlier editions; not looked at if not given.

    Raises:
        RegionError: the region file itself is wrong; nothing else can be checked then. Or inputs that are no folder.
    """
    if isinstance(inputs, str) and is_address(inputs):
        raise RegionError(
            "check looks at files of a folder, and --inputs is an address: build fetches from it (and checks what it "
            "reads), or copy the files here and give their folder"
        )
    file = RegionFile(name_or_path, None if inputs is None else Path(inputs))
    region = file.region
    report = CheckReport(f"{region.id}: {file.path}, inputs in {file.inputs}")
    collector = _Collector(report)
    missing = [
        collector.attempt("inputs", input_file, file.inputs, name)
        for name, path in input_files(region, file.inputs).items()
        if not path.is_file()
    ]
    if missing:
        return report
    size = sum(path.stat().st_size for path in input_files(region, file.inputs).values())
    collector.add("inputs", [Finding("info", "inputs", f"all files are there, {size / 1e6:.1f} MB", 1)])
    accounts = collector.attempt("factors and assumptions", Accounts.of, region)
    ground = collector.attempt("zones", read_ground, region, file.inputs)
    if ground is None:
        return report
    _check_zones(file, ground, collector)
    if region.calibration is not None:
        _check_totals(file, ground, collector)
    for source in region.sources:
        domain = collector.attempt(source.id, domain_of, source, region, ground, file.inputs)
        if domain is not None:
            check = _check_raster if source.is_raster else _check_source
            check(file, source, ground, domain, accounts, collector)
    for context in region.context:
        collector.attempt("context", read_context, context, file.inputs, ground.bbox)
    if store is not None and region.disclosure.audit:
        collector.add("earlier editions", _earlier(file, store))
    return report


def _earlier(file: RegionFile, store: Path) -> list[Finding]:
    """Beside which editions of the store an audited build would be held, and beside which it cannot be."""
    try:
        found = earlier_editions(store, file.region, identity_of(file))
    except GridError as problem:
        return [Finding("error", "earlier editions", str(problem), 1)]
    findings = [Finding("info", "earlier editions", f"a build is held beside {len(found.editions)} in {store}", 1)]
    remarks = disclosure_remarks(DisclosureRecord(not_looked_at=found.not_looked_at))
    return findings + [Finding("warning", "earlier editions", remark, 1) for remark in remarks]


def _check_zones(file: RegionFile, ground: Ground, collector: _Collector) -> None:
    for spec in file.region.zone_sets:
        parent = ground.zones[spec.parent] if spec.parent is not None else None
        collector.add(spec.id, check_zones(ground.zones[spec.id], ground.boundary, parent))
    collector.attempt("zones", zone_targets, file.region, ground)


def _check_totals(file: RegionFile, ground: Ground, collector: _Collector) -> None:
    found = collector.attempt("calibration", read_totals, file.region, file.inputs, ground)
    if found is not None:
        text = f"{len(found[1])} control totals; whether the model comes near them, only the build knows"
        collector.add("calibration", [Finding("info", "calibration", text, 1)])


def _check_source(
    file: RegionFile,
    source: Source,
    ground: Ground,
    domain: BaseGeometry,
    accounts: Accounts | None,
    collector: _Collector,
) -> None:
    layer = collector.attempt(source.id, read_source, source, file.inputs, file.region.crs, ground.reading_bbox)
    if layer is None:
        return
    collector.add(source.id, check_layer(layer, ground.boundary, domain))
    share = domain.area / ground.boundary.area
    collector.add(source.id, [Finding("info", source.id, f"covers {share:.1%} of the region's ground", 1)])
    if accounts is not None:
        emissions = collector.attempt(source.id, sector_emissions, source, layer.features, file.region, accounts)
        warnings = () if emissions is None else emissions.warnings
        collector.add(source.id, [Finding("warning", source.id, text, 1) for text in warnings])


def _check_raster(
    file: RegionFile,
    source: Source,
    ground: Ground,
    domain: BaseGeometry,
    accounts: Accounts | None,
    collector: _Collector,
) -> None:
    report = ReadReport(source.id, source.file, unit="pixels")

    def read() -> None:
        assert source.classes is not None
        classes = class_table(source.classes, data_folder() / "schema")
        for _ in class_runs(source, file.inputs, file.region.crs, domain.bounds, classes=classes, report=report):
            pass

    collector.attempt(source.id, read)
    share = domain.area / ground.boundary.area
    counts = f"{report.read} pixels, {report.empty} without data"
    collector.add(source.id, [Finding("info", source.id, f"{counts}; covers {share:.1%} of the region's ground", 1)])
    collector.add(source.id, check_report(report, source.id))


def print_report(report: CheckReport, console: Console) -> None:
    """Print the report: each part with its findings, errors first, each with examples and remedy; then the verdict."""
    console.print(escape(report.title))
    for part, findings in report.parts.items():
        console.print(f"\n[bold]{escape(part)}[/bold]")
        for finding in ranked(findings):
            count = f" ({finding.count})" if finding.count > 1 else ""
            console.print(f"  [{SHOWN[finding.level]}]{finding.level:7}[/] {escape(finding.what)}{count}")
            if finding.examples:
                console.print(f"          e.g. {escape(', '.join(finding.examples))}")
            if finding.remedy:
                console.print(f"          {escape(finding.remedy)}")
    errors, warnings = report.count("error"), report.count("warning")
    verdict = "can be built" if report.buildable else "cannot be built"
    console.print(f"\n{verdict}: {errors} errors, {warnings} warnings")
