"""`carbonmap reconcile`: our sums from below against an inventory from above, zone by zone, with reasons.

Direct and indirect are kept apart: an inventory of what is burnt in a place has no counterpart to the electricity used
there, and is never compared with it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from accounting.control_totals import ControlTotal, read_control_totals
from accounting.errors import InvalidTable
from accounting.inventories import (
    Inventory,
    is_profile,
    read_annex1_totals,
    read_inventory,
    read_unfccc_profile,
    shipped_inventories,
)
from accounting.uncertainty import Z90
from carbonmap.errors import RegionError
from carbonmap.place_files import Folder, json_text
from carbonmap.resources import data_folder
from carbonmap.zone_sums import ZoneSums, zone_sums
from gis.errors import did_you_mean, listed
from grids.edition import Edition, Store
from grids.exports.labels import record, warnings_of

PARTS: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "total": (
        ("buildings", "transport"),
        "part",
        "the inventory's total also has power plants, industry, aviation, farms and waste",
    ),
    "energy": (
        ("buildings", "transport"),
        "part",
        "the inventory's energy also has power plants, industry, aviation and leaks of fuel",
    ),
    "transport": (("transport",), "part", "the inventory's transport also has railways, aviation and shipping"),
    "other_sectors": (
        ("buildings",),
        "same",
        "1.A.4 is homes, services, and the machines of farms; industry's buildings are in 1.A.2",
    ),
    "lulucf": (("forest",), "same", "LULUCF also has soils, crops, wetlands, wood products and changes of land use"),
}
"""Category -> our sectors, whether ours is a `part` of it or the `same`, and what else lies between. A total is only
compared where the inventory does not say its energy, which is closer."""

ABSENT = {"ippu": "industrial processes", "agriculture": "agriculture", "waste": "waste"}
"""Categories that the map does not have."""


@dataclass(frozen=True)
class Comparison:
    """One number of ours against one of the inventory.

    Attributes:
        zone, label: id and name; id `WHOLE` for the region.
        category: of the inventory, or the sector, carrier and basis of a control total.
        basis: `direct`, `indirect` or empty (both).
        inventory_tco2e: None where the inventory says nothing.
        ours_tco2e: None where the map says nothing.
        low_tco2e, high_tco2e: our 90 % interval.
        verdict: `agrees`, `lower`, `higher`, `part` (ours is a plausible part), `exceeds` (more than the whole of which
            it is a part), `absent` (not in the map), `no counterpart`, or `unknown`.
        reasons: what may explain the difference.
    """

    zone: str
    label: str
    category: str
    basis: str
    inventory_tco2e: float | None
    ours_tco2e: float | None
    low_tco2e: float | None
    high_tco2e: float | None
    verdict: str
    reasons: tuple[str, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Ours over the inventory's."""
        if self.inventory_tco2e is None or self.ours_tco2e is None or self.inventory_tco2e == 0:
            return None
        return self.ours_tco2e / self.inventory_tco2e


@dataclass(frozen=True)
class Reconciliation:
    """All comparisons of an edition with an inventory."""

    edition: Edition
    year: int
    zone_set: str
    inventory: str
    source: str
    comparisons: tuple[Comparison, ...]
    unmatched: tuple[str, ...]
    notes: tuple[str, ...]
    folder: Path | None = None


def reconcile(
    store: Path,
    region: str,
    inventory: str,
    *,
    zone_set: str | None = None,
    year: int | None = None,
    edition: str | None = None,
    share: float | None = None,
    party: str | None = None,
    out: Path | None = None,
) -> Reconciliation:
    """Compare an edition with an inventory, and write `reconciliation.csv` and `.json` if a folder is given.

    Args:
        store: folder of editions.
        region: id.
        inventory: id of one that ships, a CSV of control totals, or a spreadsheet of the UNFCCC (XLSX): a country's GHG
            profile, or the time series of totals of Annex I countries. Of the year asked for, else their latest.
        zone_set: whose zones the inventory's places are; the set that matches most of them if None.
        year: of ours; the latest if None.
        edition: the one served if None.
        share: of a country, the part of this region; needed for spreadsheets, e.g. its part of the residents.
        party: of the Annex I countries; needed for their time series.
        out: folder to write into; nothing is written if None.

    Raises:
        RegionError: no such year, zone set or inventory, or none of its places is a zone of ours.
        AccountingError: the inventory cannot be read, or does not add up.
        GridError: no such region or edition.
    """
    opened = Store(store).open(region, edition)
    years = opened.manifest.region.years
    chosen = max(years) if year is None else year
    if chosen not in years:
        raise RegionError(f"edition {opened.id} of {region} has no year {chosen}; it has {listed(map(str, years))}")
    given = _read(inventory, share, party, chosen)
    names = set(given.places) if isinstance(given, Inventory) else {total.zone for total in given if total.zone}
    along = _set_of(opened, zone_set, names, chosen)
    zones = zone_sums(opened, chosen, along)
    left_out: list[str] = []
    if isinstance(given, Inventory):
        comparisons, unmatched = _with_inventory(given, zones)
        title, source = given.title.get("en", given.id), given.source
        when = given.year
    else:
        comparisons, unmatched, left_out = _with_totals(given, zones, chosen)
        title, source = Path(inventory).name, "; ".join(sorted({total.source for total in given}))
        when = chosen
    if names and len(unmatched) == len(names):
        raise RegionError(
            f"none of the {len(names)} places of {title} is a zone of {region}: {listed(sorted(names))}. Choose "
            "another zone set (--zones), or an inventory of this place"
        )
    if left_out and not comparisons and not unmatched:
        raise RegionError(f"nothing of {title} can be compared with {region}, {chosen}: {'; '.join(left_out)}")
    notes = [*left_out, *zones.remarks, *zones.completeness.remarks, *_calibrated(opened)]
    if not zones.completeness.known:
        notes.append("residents are unknown: whether buildings are mapped whole cannot be judged (sector: population)")
    if when is None:
        notes.append("the inventory does not print the year of its emissions")
    elif when != chosen:
        notes.append(f"the inventory is of {when}, ours of {chosen}")
    done = Reconciliation(
        opened, chosen, along, title, source, tuple(comparisons), tuple(unmatched),
        tuple(notes), out,
    )  # fmt: skip
    if out is not None:
        _write(done, out)
    return done


def reconciliation_lines(done: Reconciliation, most: int = 40) -> Iterator[str]:
    """What was found, for the terminal."""
    yield from warnings_of(done.edition)
    yield f"{done.edition.region.id}, edition {done.edition.id}, {done.year}, against {done.inventory} ({done.source})"
    for one in done.comparisons[:most]:
        place = one.label or "the whole region"
        basis = f" ({one.basis})" if one.basis else ""
        yield f"  {place}, {one.category}{basis}: {_numbers(one)}: {one.verdict}"
        yield from (f"      {reason}" for reason in one.reasons)
    if len(done.comparisons) > most:
        yield f"  and {len(done.comparisons) - most} more"
    if done.unmatched:
        yield f"  not in our zones: {listed(done.unmatched)}"
    yield from (f"  {note}" for note in done.notes)


def _read(inventory: str, share: float | None, party: str | None, year: int) -> Inventory | list[ControlTotal]:
    folder = data_folder() / "inventories"
    shipped = shipped_inventories(folder)
    suffix = Path(inventory).suffix.lower()
    if suffix == ".xlsx":
        country = _of_country(Path(inventory), party, year)
        if share is None or not 0 < share <= 1:
            raise RegionError(
                f"{inventory} is of a whole country: say with --share which part of it this region is, above 0 and up "
                "to 1, such as its part of the residents; 1 if it is the country"
            )
        whole = {category: value * share for category, value in country.whole.items()}
        said = "" if share == 1 else f", {share:.3%} of it"
        return replace(country, title={"en": country.title["en"] + said}, whole=whole, rounding_t=0.0)
    if suffix == ".csv":
        return read_control_totals(Path(inventory))
    if inventory not in shipped:
        raise RegionError(
            f"no inventory is called {inventory!r}; expected {listed(shipped)}, a CSV of totals "
            f"(docs/region-file.md, calibration), or an XLSX of the UNFCCC.{did_you_mean(inventory, shipped)}"
        )
    return read_inventory(folder, inventory)


def _of_country(path: Path, party: str | None, year: int) -> Inventory:
    """A country's numbers of a year, else of its latest, from whichever spreadsheet of the UNFCCC it is."""
    if is_profile(path):
        if party is not None:
            raise RegionError(f"{path.name} is the profile of one country; --party is for time series of many")
        read: Callable[[int | None], Inventory] = partial(read_unfccc_profile, path)
    elif party is None:
        raise RegionError(
            f"{path.name} has many countries: say with --party whose total is meant, as it is written there"
        )
    else:
        read = partial(read_annex1_totals, path, party)
    latest = read(None)
    if latest.year is None or latest.year <= year:
        return latest
    try:
        return read(year)
    except InvalidTable:  # a country may skip years; the note on the years says so
        return latest


def _with_inventory(given: Inventory, zones: ZoneSums) -> tuple[list[Comparison], list[str]]:
    comparisons, unmatched = [], []
    for place, values in given.places.items():
        row = next((row for row, names in enumerate(zones.names) if place in names), None)
        if row is None:
            unmatched.append(place)
        else:
            comparisons += list(_compared(zones, row, values, given.rounding_t))
    if not given.places or not unmatched:
        comparisons += list(_compared(zones, len(zones.ids) - 1, given.whole, given.rounding_t))
    return comparisons, unmatched


def _compared(zones: ZoneSums, row: int, values: Mapping[str, float], rounding: float) -> Iterator[Comparison]:
    for category, (sectors, relation, between) in PARTS.items():
        if category in values and not (category == "total" and "energy" in values):
            basis = "" if category == "lulucf" else "direct"
            ours = zones.ours(row, sectors, "", basis)
            yield _judged(zones, row, category, basis, values[category], rounding, ours, relation, between)
    for category, words in ABSENT.items():
        if category in values:
            yield Comparison(
                zones.ids[row], zones.labels[row], category, "direct", values[category], None, None, None, "absent",
                (f"the map has no {words}",),
            )  # fmt: skip
    used = zones.ours(row, ("buildings", "transport"), "", "indirect")
    if used is not None:
        value, sd = used
        yield Comparison(
            zones.ids[row], zones.labels[row], "electricity and heat used", "indirect", None, value, value - Z90 * sd,
            value + Z90 * sd, "no counterpart",
            ("a direct inventory puts these at the power plants, wherever they are; never compare the two",),
        )  # fmt: skip


def _calibrated(edition: Edition) -> list[str]:
    """Factors of calibration that are beyond the usual: what is then compared was made to fit."""
    told = edition.manifest.calibration
    unusual = told.get("unusual", ()) if isinstance(told, dict) else ()
    return [f"calibration: {text}" for text in unusual] if isinstance(unusual, list) else []


def _with_totals(
    given: Sequence[ControlTotal], zones: ZoneSums, year: int
) -> tuple[list[Comparison], list[str], list[str]]:
    """Comparisons, zones that are none of ours, and sentences on totals that were left out."""
    comparisons, unmatched = [], []
    of_years = sorted({total.year for total in given if total.year != year})
    elsewhen = sum(total.year != year for total in given)
    in_energy = sum(total.year == year and total.unit != "tCO2e" for total in given)
    left_out = []
    if elsewhen:
        years = listed(map(str, of_years))
        left_out.append(f"{elsewhen:,} totals of other years ({years}) were left out; ours are of {year} (--year)")
    if in_energy:
        left_out.append(f"{in_energy:,} totals in MWh were left out: tables of editions are in tCO2e")
    if not given:
        left_out.append("it holds no total")
    for total in given:
        if total.year != year or total.unit != "tCO2e":
            continue
        row = len(zones.ids) - 1
        if total.zone:
            row = next((at for at, names in enumerate(zones.names) if total.zone in names), -1)
        if row < 0:
            unmatched.append(total.zone)
            continue
        ours = zones.ours(row, (total.sector,), total.carrier, total.basis)
        spread = Z90 * (total.sd or 0.0)
        category = f"{total.sector} {total.carrier}".strip()
        comparisons.append(_judged(zones, row, category, total.basis, total.value, spread, ours, "same", ""))
    return comparisons, sorted(set(unmatched)), left_out


def _judged(
    zones: ZoneSums,
    row: int,
    category: str,
    basis: str,
    theirs: float,
    tolerance: float,
    ours: tuple[float, float] | None,
    relation: str,
    between: str,
) -> Comparison:
    head = (zones.ids[row], zones.labels[row], category, basis, theirs)
    if ours is None:
        return Comparison(*head, None, None, None, "unknown", ("the map does not cover this zone as a whole",))
    value, sd = ours
    low, high = value - Z90 * sd, value + Z90 * sd
    reasons = []
    if relation == "part":
        verdict = "exceeds" if low > theirs + tolerance else "part"
    else:
        verdict = "agrees" if low - tolerance <= theirs <= high + tolerance else "lower" if value < theirs else "higher"
    if verdict != "agrees":
        reasons = [text for text in (between, *_why(zones, row, category, value, theirs, verdict)) if text]
    return Comparison(*head, value, low, high, verdict, tuple(reasons))


def _why(zones: ZoneSums, row: int, category: str, ours: float, theirs: float, verdict: str) -> Iterator[str]:
    """What in the data speaks for a difference."""
    if ours * theirs < 0:
        yield "the signs differ: one counts land as a source, the other as a sink"
    if verdict == "exceeds":
        yield "ours is more than the whole of which it is a part: factors, floor areas or traffic are too high here"
    if category in ("energy", "other_sectors") or category.startswith("buildings"):
        thin = zones.completeness.reason(row)
        if thin is not None and verdict in ("lower", "part"):
            yield thin
        elif verdict in ("lower", "part") and 0 < ours < theirs / 3:
            yield (
                "less than a third, although there are buildings enough for the residents: large users may be "
                "missing, or factors and intensities are too low"
                if zones.completeness.known
                else "less than a third, and residents are unknown: the source may lack most buildings"
            )
    for sector in ("buildings", "transport", "forest"):
        coverage = f"{sector}_coverage"
        if (category.startswith(sector) or sector in PARTS.get(category, ((),))[0]) and coverage in zones.frame:
            reach = float(zones.frame[coverage].iloc[row])
            if reach < 0.999:
                yield f"sources of {sector} cover {reach:.0%} of the zone"
    if bool(zones.frame["held"].iloc[row]):
        yield "the zone's metered part is held back (disclosure): what is published there is not the measured sum"


def _set_of(edition: Edition, asked: str | None, names: set[str], year: int) -> str:
    """The zone set asked for, else the one that knows most of the names."""
    sets = [info.id for info in edition.manifest.collections if info.kind == "zones"]
    if not sets:
        raise RegionError(f"edition {edition.id} of {edition.region.id} has no zone set to compare along")
    if asked is not None:
        if asked not in sets:
            raise RegionError(f"{asked!r} is no zone set; expected {listed(sets)}.{did_you_mean(asked, sets)}")
        return asked

    def matches(zone_set: str) -> int:
        table = edition.table(zone_set, year).to_pandas()
        there = {
            str(value) for name in table.columns if name == "id" or name.startswith("name_") for value in table[name]
        }
        return len(names & there)

    return max(sets, key=matches)


def _numbers(one: Comparison) -> str:
    theirs = "nothing" if one.inventory_tco2e is None else f"{one.inventory_tco2e:,.0f}"
    if one.ours_tco2e is None:
        return f"inventory {theirs} tCO2e"
    ratio = "" if one.ratio is None else f" ({one.ratio:.0%})"
    return f"inventory {theirs}, ours {one.ours_tco2e:,.0f} [{one.low_tco2e:,.0f}, {one.high_tco2e:,.0f}] tCO2e{ratio}"


def _write(done: Reconciliation, out: Path) -> None:
    rows: list[dict[str, Any]] = [{**asdict(one), "ratio": one.ratio} for one in done.comparisons]
    about = {
        **record(done.edition),
        "year": done.year,
        "zone_set": done.zone_set,
        "inventory": done.inventory,
        "source": done.source,
        "unmatched": list(done.unmatched),
        "notes": list(done.notes),
        "comparisons": rows,
    }
    frame = pd.DataFrame([{**row, "reasons": "; ".join(row["reasons"])} for row in rows])
    frame["edition"], frame["inventory"], frame["source"] = done.edition.id, done.inventory, done.source
    with Folder(out) as folder:
        folder.write_text("reconciliation.json", json_text(about))
        folder.write_text("reconciliation.csv", frame.to_csv(index=False))
