"""What goes on record with an edition: its identity, and everything a reader needs to judge its numbers."""

import importlib.metadata
from collections.abc import Mapping
from typing import Any

import pyproj
import shapely

from carbonmap import __version__
from carbonmap.calibration import Calibration
from carbonmap.completeness import STATED
from carbonmap.inputs import input_files
from carbonmap.layers import SharedLayer
from carbonmap.parts import told
from carbonmap.plan import Plan
from carbonmap.publish import Tables
from carbonmap.region import SECTORS, RegionFile
from carbonmap.resources import data_folder
from carbonmap.zone_records import zone_records
from gis.files import input_file, refuse_unfinished
from grids.disclosure import Held
from grids.edition import code_digest, file_digest
from grids.identity import value_digest

CODE = ("accounting", "gis", "grids", "carbonmap")
"""Packages whose code decides what an edition says."""

LIBRARIES = (
    "duckdb",
    "geopandas",
    "h3",
    "numba",
    "numpy",
    "osmium",
    "pandas",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "rasterio",
    "scipy",
    "shapely",
)


def identity_of(file: RegionFile) -> dict[str, Any]:
    """What the edition id is made of: inputs, resolved region file, factor tables and schemas, code.

    Raises:
        FileMissing: an input is not there; names the folder searched and near matches.
        UnreadableFile: a database that another program is writing to.
    """
    inputs = []
    for name, path in input_files(file.region, file.inputs).items():
        found = path if path.is_file() else input_file(file.inputs, name)
        refuse_unfinished(found)
        inputs.append({"file": name, "bytes": found.stat().st_size, "sha256": file_digest(found)})
    return {
        "inputs": inputs,
        "resolved_region": file.region.model_dump(mode="json"),
        "factors": table_digests(),
        "code": code_identity(),
    }


def table_digests() -> dict[str, str]:
    """Digests of the factor tables and schemas that ship with the program, by `<folder>/<file>`."""
    tables = sorted([*data_folder().glob("factors/*.csv"), *data_folder().glob("schema/*.csv")])
    return {f"{path.parent.name}/{path.name}": file_digest(path) for path in tables}


def code_identity() -> dict[str, Any]:
    """Version and digest of our code on disk, and versions of the libraries that compute."""
    return {"version": __version__, "sha256": code_digest(CODE), "libraries": libraries()}


def libraries() -> dict[str, str]:
    """Versions of the libraries that compute, with the C libraries below them: another one may round otherwise."""
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return versions | {"GEOS": shapely.geos_version_string, "PROJ": pyproj.proj_version_str}


def manifest_of(
    plan: Plan,
    identity: Mapping[str, Any],
    layers: list[SharedLayer],
    others: list[SharedLayer],
    tables: Tables,
    tops: Mapping[int, Held],
    calibration: Calibration | None = None,
) -> dict[str, Any]:
    """The manifest of a build, but for what the edition's writer knows itself.

    Args:
        plan: the region.
        identity: what the edition id was made of.
        layers: what was published.
        others: layers without emissions (population, jobs).
        tables: the public tables, for residuals and disclosure reports.
        tops: by year, the region as one protected target.
        calibration: what was scaled to control totals.
    """
    region, assumptions = plan.region, plan.accounts.assumptions
    lookups: dict[str, dict[str, Any]] = {}
    used: set[str] = set()
    for layer in layers:
        lookups |= layer.lookups
        used |= layer.assumptions
    used.add(STATED)  # no line rests on it; who judges the edition reads it here
    return {
        "region": {
            "id": region.id,
            "name": region.name,
            "languages": list(region.languages),
            "crs": region.crs,
            "bbox": list(plan.ground.bbox),
            "synthetic": region.synthetic,
            "years": list(region.years),
            "attributions": [entry.model_dump(mode="json") for entry in region.attributions],
            **({"base_map": region.base_map.model_dump(mode="json")} if region.base_map else {}),
            **({"currency": region.currency} if region.currency else {}),
            "factor_regions": list(region.factor_regions),
        },
        "region_file": value_digest(identity["resolved_region"]),
        "sectors": list(SECTORS),
        "illustrative": {sector: _illustrative(layers, sector) for sector in SECTORS},
        "inputs": identity["inputs"],
        "factors": [lookup for _, lookup in sorted(lookups.items())],
        "assumptions": [assumptions.items[name].record() for name in sorted(used) if name in assumptions.items],
        "layers": [_layer(layer) for layer in [*layers, *others]],
        "zones": zone_records(plan),
        "residuals": {name: residuals.to_json() for name, residuals in sorted(tables.residuals.items())},
        "closure": {name: dict(sorted(found.closure.items())) for name, found in sorted(tables.residuals.items())},
        "totals": {year: _totals(held) for year, held in sorted(tops.items())},
        "disclosure": {
            "rule": region.disclosure.model_dump(mode="json"),
            "collections": tables.reports,
            **({"beside": tables.earlier.ids} if tables.earlier.editions else {}),
            **({"not_looked_at": list(tables.earlier.not_looked_at)} if tables.earlier.not_looked_at else {}),
        },
        **({"calibration": calibration.record} if calibration is not None else {}),
        "code": {key: identity["code"][key] for key in ("version", "sha256")},
        "libraries": identity["code"]["libraries"],
    }


def _layer(layer: SharedLayer) -> dict[str, Any]:
    report = layer.report.as_dict() | {
        "emissions": layer.counts,
        "warnings": [*layer.warnings, *map(told, layer.odd)],
        "repaired_by_edges": {"count": len(layer.repaired), "ids": list(layer.repaired)},
        "far_reaching": {"count": layer.far_reaching.count, "worst_miss": layer.far_reaching.miss},
        "wholly_outside": int((layer.outside >= 1 - 1e-12).sum()),
        "partly_outside": int(((layer.outside > 0) & (layer.outside < 1 - 1e-12)).sum()),
    }
    stated = {"id": layer.id, "sector": layer.sector, "open": layer.open, "complete": layer.complete}
    if layer.likeness is not None:
        likeness = layer.likeness
        stated["neighbours"] = {"part": likeness.part, "range_m": likeness.range_m, "source": likeness.source}
    return stated | {"report": report}


def _illustrative(layers: list[SharedLayer], sector: str) -> bool:
    return any(layer.illustrative for layer in layers if layer.sector == sector)


def _totals(held: Held) -> dict[str, float | None]:
    table = held.table()
    totals: dict[str, float | None] = {}
    for sector in (*SECTORS, "net"):
        value = float(table[f"{sector}_tco2e"].iloc[0])
        totals[sector] = value if value == value else None
    return totals
