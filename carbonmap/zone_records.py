"""What goes on record of a zone set: rings repaired, ground that two zones claim, ground that none has."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from carbonmap.plan import Plan
from carbonmap.targets import Targets
from gis.layers import ZoneLayer
from gis.sources import ZoneSet
from gis.zones import NOISE_M2
from grids.manifest import ZoneRecord
from grids.tolerances import NEEDLE_M, SLIVER_M2
from grids.zones import without_slivers

MOST_LISTED = 20
"""Overlaps, slivers and gaps that are listed one by one, the largest; all are counted."""

Claims = list[tuple[str, str, float]]


def zone_records(plan: Plan) -> dict[str, dict[str, Any]]:
    """By collection, how its zones share out the ground of the region; see `grids.manifest.ZoneRecord`.

    The same whoever worked on the parts, and whether zones were seen through the grid here or elsewhere.
    """
    specs = {spec.id: spec for spec in plan.region.zone_sets}
    return {
        targets.info.id: _record(plan, targets, specs.get(targets.info.id), plan.ground.zones.get(targets.info.id))
        for targets in plan.zones
    }


def zone_lines(records: Iterable[tuple[str, ZoneRecord]]) -> Iterator[str]:
    """One line per collection, for the terminal: what was repaired, cut off or left over; none where nothing was."""
    for name, record in records:
        said = []
        repaired = record.report.get("repaired")
        if isinstance(repaired, dict) and repaired["count"]:
            said.append(f"{repaired['count']} with invalid rings repaired")
        if record.overlaps.count:
            said.append(
                f"{record.overlaps.count} overlaps cut off, {record.overlaps.area_m2:,.1f} m2 (tolerated up to "
                f"{record.overlaps.tolerance_share:.2%} of the smaller, or {record.overlaps.tolerance_m2:g} m2"
                f"{'; larger ones go to the smaller zone' if record.overlaps.smaller_wins else ''})"
            )
        if record.slivers.count:
            said.append(
                f"{record.slivers.count} slivers cut off, {record.slivers.area_m2:.2g} m2 (up to "
                f"{record.slivers.tolerance_m2:g} m2 each)"
            )
        if record.gaps.count:
            said.append(f"{record.gaps.count} gaps, {record.gaps.area_m2:,.1f} m2 of the region in no zone")
        if record.needles.count:
            said.append(
                f"{record.needles.count} needles between them, {record.needles.area_m2:.2g} m2 (thinner than "
                f"{record.needles.width_m:g} m, taken as rounding)"
            )
        if said:
            yield f"{name}, {record.zones} zones: {'; '.join(said)}"


def _record(plan: Plan, targets: Targets, spec: ZoneSet | None, layer: ZoneLayer | None) -> dict[str, Any]:
    names = [str(name) for name in targets.ids]
    _, pairs = without_slivers(np.array(targets.polygons, dtype=np.object_), names)
    gap = plan.gap(targets, plan.ground.boundary)
    overlaps = _claims(layer.overlaps if layer else [])
    slivers = _claims([(names[keeps], names[loses], m2) for keeps, loses, m2 in pairs])
    pieces = gap.pieces
    return {
        "zones": targets.count,
        "report": layer.report.as_dict() if layer else {},
        "overlaps": overlaps
        | {
            "tolerance_share": spec.overlap_tolerance if spec else 0.0,
            "tolerance_m2": NOISE_M2 if spec else 0.0,
            "smaller_wins": spec is not None and spec.overlaps == "smaller_wins",
        },
        "slivers": slivers | {"tolerance_m2": SLIVER_M2},
        "gaps": {
            "count": len(pieces),
            "area_m2": float(sum(m2 for m2, _, _ in pieces)),
            "largest": [{"area_m2": m2, "x": x, "y": y} for m2, x, y in pieces[:MOST_LISTED]],
        },
        "needles": {"count": gap.needles, "area_m2": gap.needles_m2, "width_m": NEEDLE_M},
    }


def _claims(claims: Claims) -> dict[str, Any]:
    largest = sorted(claims, key=lambda claim: (-claim[2], claim[0], claim[1]))[:MOST_LISTED]
    return {
        "count": len(claims),
        "area_m2": float(sum(m2 for _, _, m2 in claims)),
        "largest": [{"keeps": keeps, "loses": loses, "area_m2": m2} for keeps, loses, m2 in largest],
    }
