"""The quality report as one HTML file that needs nothing else: no network, no script, no font."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from accounting.uncertainty import Z90
from carbonmap.quality.charts import METHOD_COLOURS, bars, histogram, stacked_bars, zone_map
from carbonmap.quality.facts import Facts, Outlier
from carbonmap.quality.texts import Texts, texts
from carbonmap.quality.value import NET, InputValue
from carbonmap.reconcile import Comparison, Reconciliation
from grids.disclosure_record import disclosure_record
from grids.exports.labels import attributions, illustrative_sectors

MOST_ZONES = 40
MOST_VALUES = 12
MOST_COMPARED = 60
_EDGES = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, np.inf)
_CLASSES = ("< 10 %", "10-25 %", "25-50 %", "50-100 %", "100-200 %", "> 200 %")

_STYLE = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:56rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}
h2{font-size:1.15rem;margin-top:2.2rem;border-top:1px solid #ccc;padding-top:.8rem}
table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
svg{max-width:100%;height:auto;font:12px system-ui,sans-serif}
.mark{background:#fff3cd;border-left:4px solid #a86b00;padding:.4rem .8rem}
.note{color:#555}
.key i{display:inline-block;width:.9em;height:.9em;margin:0 .3em 0 1em}
.wide{overflow-x:auto}
@media print{body{margin:0}}
"""


def page(facts: Facts, compared: Sequence[Reconciliation], language: str) -> str:
    """The whole report.

    Args:
        facts: of the edition.
        compared: against inventories, if any.
        language: one of `carbonmap.quality.texts.LANGUAGES`.
    """
    say = texts(language)
    names = facts.edition.region.name
    region = names.get(language) or names.get("en") or next(iter(names.values()))
    title = say.fill("title", region=region)
    body = "\n".join(
        text
        for part in (
            _head(facts, title, say),
            _totals(facts, say),
            _value(facts, say),
            _tiers(facts, say),
            _coverage(facts, say),
            _intervals(facts, say),
            _outliers(facts, say),
            _residuals(facts, say),
            _references(compared, say),
            _limits(facts, say),
        )
        for text in part
    )
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _head(facts: Facts, title: str, say: Texts) -> Iterator[str]:
    edition = facts.edition
    yield f"<h1>{escape(title)}</h1>"
    about = say.fill("edition", edition=edition.id, year=facts.year, zone_set=facts.zone_set)
    yield f'<p class="note">{escape(about)}</p>'
    if edition.region.synthetic:
        yield f'<p class="mark">{escape(say["synthetic"])}</p>'
    if sectors := illustrative_sectors(edition):
        words = ", ".join(say.get(sector, sector) for sector in sectors)
        yield f'<p class="mark">{escape(say.fill("illustrative", sectors=words))}</p>'
    closed = [layer.id for layer in edition.manifest.layers if not layer.open]
    if closed:
        yield f'<p class="mark">{escape(say.fill("operator", layers=", ".join(closed)))}</p>'
    yield f'<p class="note">{escape(say["data"])}: {escape(attributions(edition) or "-")}</p>'


def _totals(facts: Facts, say: Texts) -> Iterator[str]:
    yield f"<h2>{escape(say['totals'])}</h2>"
    rows = []
    for sector in [*facts.sectors, NET]:
        errors = facts.errors[sector]
        low, high = errors.interval
        half = "" if sector == NET or not errors.total else say.number(Z90 * errors.sd / abs(errors.total), ".0%")
        total, first, last = (say.number(value, ",.0f") for value in (errors.total, low, high))
        rows.append((say[sector], total, f"{first} - {last}", half))
    yield _table((say["sector"], say["total"], say["interval"], say["half"]), rows, numbers=(1, 2, 3))


def _value(facts: Facts, say: Texts) -> Iterator[str]:
    yield f'<h2>{escape(say["value"])}</h2><p class="note">{escape(say["value_note"])}</p>'
    rows = [
        (input_words(one, say), one.narrowed_tco2e, say.fill("narrowed", one.narrowed_tco2e, one.share))
        for one in facts.values[:MOST_VALUES]
    ]
    yield bars(rows, say["value"])


def input_words(one: InputValue, say: Texts) -> str:
    """What an input is, in words: its kind says which data would replace it."""
    kind, _, rest = one.input.partition(":")
    if kind == "own":
        layer, _, method = rest.rpartition(":")
        return say.fill(f"input_own_{method}", layer)
    return say.fill(f"input_{kind}", rest) if f"input_{kind}" in say else say.fill("input_other", one.input)


def _tiers(facts: Facts, say: Texts) -> Iterator[str]:
    yield f'<h2>{escape(say["tiers"])}</h2><p class="note">{escape(say["tiers_note"])}</p>'
    key = "".join(
        f'<i style="background:{colour}"></i>{escape(say[method])}' for method, colour in METHOD_COLOURS.items()
    )
    yield f'<p class="key">{key}</p>'
    zones = facts.zones
    for sector in facts.sectors:
        weight = np.abs(np.nan_to_num(zones[f"{sector}_tco2e"].to_numpy(float)))
        shares = {method: zones[f"{sector}_{method}_share"].to_numpy(float) for method in METHOD_COLOURS}
        known = np.isfinite(shares["default"]) & (weight > 0)
        rows = []
        if known.any():
            whole = {
                method: float(np.average(values[known], weights=weight[known])) for method, values in shares.items()
            }
            rows.append((say["region"], whole))
        order = np.argsort(-weight, kind="stable")[:MOST_ZONES].tolist()
        for at in order:
            if known[at]:
                rows.append((zones["label"].iloc[at], {method: float(v[at]) for method, v in shares.items()}))
        yield f"<h3>{escape(say[sector])}</h3>{stacked_bars(rows, say['tiers'])}"


def _coverage(facts: Facts, say: Texts) -> Iterator[str]:
    yield f'<h2>{escape(say["coverage"])}</h2><p class="note">{escape(say["coverage_note"])}</p>'
    rows = []
    for sector in facts.sectors:
        reach = facts.zones[f"{sector}_coverage"].to_numpy(float)
        less = [
            f"{label} {say.number(value, '.0%')}"
            for label, value in zip(facts.zones["label"], reach.tolist(), strict=True)
            if value < 0.999
        ]
        rows.append((say[sector], say.number(float(np.nanmin(reach)), ".0%"), ", ".join(less[:MOST_ZONES]) or "-"))
    yield _table((say["sector"], "min", "< 100 %"), rows, numbers=(1,))
    yield f"<h3>{escape(say['completeness'])}</h3>"
    told = facts.completeness
    if told.known:
        thin = [label for label, is_thin in zip(facts.zones["label"], told.thin.tolist(), strict=True) if is_thin]
        text = say.fill("per_person", median=told.median, thin=", ".join(thin) or say["nowhere"])
        yield f"<p>{escape(text)}</p>"
        labels = list(facts.zones["label"])
        yield zone_map(facts.shapes, told.m2_per_person, labels, say["completeness"], "m2", say.number)
    else:
        yield f"<p>{escape(say['completeness_unknown'])}</p>"


def _intervals(facts: Facts, say: Texts) -> Iterator[str]:
    yield f"<h2>{escape(say['intervals'])}</h2>"
    largest = max(facts.sectors, key=lambda sector: abs(facts.errors[sector].total))
    value = facts.zones[f"{largest}_tco2e"].to_numpy(float)
    half = np.divide(
        Z90 * facts.zones[f"{largest}_sd_tco2e"].to_numpy(float), np.abs(value),
        out=np.full(len(value), np.nan), where=np.isfinite(value) & (value != 0),
    )  # fmt: skip
    title = f"{say['intervals_map']}: {say[largest]}"
    drawn = zone_map(facts.shapes, half, list(facts.zones["label"]), title, "%", say.number)
    yield f"<h3>{escape(title)}</h3>{drawn}"
    for sector in facts.sectors:
        title = say.fill("intervals_cells", sector=say[sector])
        yield f"<h3>{escape(title)}</h3>{histogram(facts.widths[sector], _EDGES, _CLASSES, title, say.number)}"


def _outliers(facts: Facts, say: Texts) -> Iterator[str]:
    yield f'<h2>{escape(say["outliers"])}</h2><p class="note">{escape(say["outliers_note"])}</p>'
    if not facts.outliers:
        yield f"<p>{escape(say['no_outliers'])}</p>"
        return
    rows = [
        (
            f"{one.collection} {one.label}",
            say[one.sector],
            say.number(one.tonnes_ha, ",.3g"),
            say.number(one.score, "+.1f"),
            _why(one, say),
        )
        for one in facts.outliers
    ]
    head = (say["place"], say["sector"], say["density"], say["score"], say["reasons"])
    yield _table(head, rows, numbers=(2, 3))


def _why(one: Outlier, say: Texts) -> str:
    said = []
    for code, value in one.reasons:
        given: tuple[Any, ...] = value if isinstance(value, tuple) else (value,)
        said.append(say.fill(f"reason_{code}", *given))
    return "; ".join(said)


def _residuals(facts: Facts, say: Texts) -> Iterator[str]:
    yield f'<h2>{escape(say["residuals"])}</h2><p class="note">{escape(say["residuals_note"])}</p>'
    rows = [(name, say.number(value, ".1e")) for name, value in sorted(facts.residuals.items())]
    yield _table((say["collection"], say["residual"]), rows, numbers=(1,))
    yield f"<h3>{escape(say['calibration'])}</h3>"
    record = facts.calibration
    if record is None:
        yield f"<p>{escape(say['no_calibration'])}</p>"
        return
    factors = [float(each["factor"]) for each in record["factors"]] or [1.0]
    worst = max((abs(each["difference"] / each["total"]) for each in record["totals"] if each["total"]), default=0.0)
    text = say.fill("calibration_note", method=record["method"], low=min(factors), high=max(factors), worst=100 * worst)
    yield f"<p>{escape(text)}</p>"
    if record["unusual"]:
        yield "<ul>" + "".join(f"<li>{escape(str(each))}</li>" for each in record["unusual"][:MOST_ZONES]) + "</ul>"


def _references(compared: Sequence[Reconciliation], say: Texts) -> Iterator[str]:
    yield f"<h2>{escape(say['references'])}</h2>"
    if not compared:
        yield f"<p>{escape(say['no_references'])}</p>"
    for done in compared:
        yield f'<h3>{escape(done.inventory)}</h3><p class="note">{escape(done.source)}</p>'
        rows = [
            (
                one.label or say["region"],
                _category(one, say),
                "" if one.inventory_tco2e is None else say.number(one.inventory_tco2e, ",.0f"),
                "" if one.ours_tco2e is None else say.number(one.ours_tco2e, ",.0f"),
                say[f"verdict_{one.verdict}"],
                "; ".join(one.reasons),
            )
            for one in done.comparisons[:MOST_COMPARED]
        ]
        head = (say["place"], say["category"], say["inventory"], say["ours"], say["verdict"], say["reasons"])
        yield _table(head, rows, numbers=(2, 3))
        yield "".join(f"<p>{escape(note)}</p>" for note in done.notes)


def _category(one: Comparison, say: Texts) -> str:
    """A category of an inventory in words; sector and carrier of a control total are translated word by word."""
    category = say.get(f"category_{one.category}")
    words = [say.get(word, word) for word in one.category.split()] if category is None else [category]
    return " ".join([*words, *([say[f"basis_{one.basis}"]] if one.basis else [])])


def _limits(facts: Facts, say: Texts) -> Iterator[str]:
    manifest = facts.edition.manifest
    said = [say["limit_missing"]]
    if facts.calibration is not None:
        said.append(say["limit_calibrated"])
    record = disclosure_record(manifest)
    if record.not_looked_at:
        said.append(say.fill("limit_not_looked_at", len(record.not_looked_at), ", ".join(record.not_looked_at)))
    said += [say.fill("limit_unproven", name, count) for name, count in record.unproven.items()]
    for layer in manifest.layers:
        report: Mapping[str, Any] = layer.report
        counts = (layer.id, report.get("kept", 0), report.get("read", 0), report.get("unit", ""))
        refused = report.get("refused", ())
        said.append(say.fill("limit_counts", *counts, len(refused) if isinstance(refused, list) else 0))
        if layer.neighbours is not None:
            told = layer.neighbours
            said.append(say.fill("limit_neighbours", layer.id, told.part, told.range_m, told.source))
        if not layer.complete:
            said.append(say.fill("limit_incomplete", layer.id))
        warnings = report.get("warnings", ())
        if layer.open and isinstance(warnings, list):
            said += [f"{layer.id}: {warning}" for warning in warnings]
    for each in manifest.assumptions:
        value = each["value"] if not isinstance(each["value"], dict) else "..."
        value = say.number(value) if isinstance(value, int | float) else value
        said.append(say.fill("limit_assumption", each["id"], f"{value} {each['unit']}", each["reason"]))
    yield f"<h2>{escape(say['limits'])}</h2>"
    yield "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in said) + "</ul>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=n' if at in numbers else ''}>{escape(str(text))}</{tag}>" for at, text in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{cells("th", head)}</tr></thead><tbody>{body}</tbody></table></div>'
