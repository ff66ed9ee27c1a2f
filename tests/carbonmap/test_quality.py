"""The quality report: its numbers against the definition, and the page as somebody without a network reads it."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from shapely import box

from accounting.uncertainty import Z90
from carbonmap.build import build_region
from carbonmap.commands.quality import Language
from carbonmap.errors import RegionError
from carbonmap.progress import Silent
from carbonmap.quality.charts import histogram, zone_map
from carbonmap.quality.facts import facts_of, outliers
from carbonmap.quality.page import page
from carbonmap.quality.texts import LANGUAGES, texts
from carbonmap.quality.value import NET, region_errors, value_of_information
from carbonmap.reconcile import ABSENT, PARTS
from grids.edition import Edition, Store

UNTRANSLATED = {"reason_one_carrier", "density", "total"}
"""Texts of values and units only."""


@pytest.fixture
def edition(tiny: Any) -> Edition:
    tiny.source("buildings")["open"] = True
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    return Store(tiny.store).open("tiny")


def test_errors_of_the_region_are_those_of_a_table_that_holds_all_of_it(tiny: Any):
    """One zone that is the region: its published total and deviation are the region's."""
    tiny.source("buildings")["open"] = True
    whole = tiny.layers["zones.geojson"]["features"][0]
    ring = whole["geometry"]["coordinates"][0]
    whole["geometry"]["coordinates"] = [[[x + (1000 if x > 540_500 else 0), y] for x, y in ring]]
    tiny.layers["zones.geojson"]["features"] = [whole]
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    one = Store(tiny.store).open("tiny")
    row = one.table("district", 2023).to_pandas().iloc[0]
    errors = region_errors(one, 2023)
    for sector in ("buildings", "transport", "forest", NET):
        assert errors[sector].total == pytest.approx(row[f"{sector}_tco2e"], rel=1e-12)
        # Of a feature with modelled and default lines own errors are one in the table, two here: none has both.
        assert errors[sector].sd == pytest.approx(row[f"{sector}_sd_tco2e"], rel=1e-9)


def test_an_input_is_worth_what_the_interval_loses_without_it(edition: Edition):
    errors = region_errors(edition, 2023)
    net, values = errors[NET], value_of_information(errors)
    assert [one.narrowed_tco2e for one in values] == sorted((one.narrowed_tco2e for one in values), reverse=True)
    best = values[0]
    assert not best.input.startswith("own:")
    without = np.sqrt(net.variance - net.loadings[best.input] ** 2)
    assert best.narrowed_tco2e == pytest.approx(2 * Z90 * (net.sd - without))
    assert sum(one.share for one in values) == pytest.approx(1)


def test_a_surer_input_is_worth_less(tiny: Any):
    def worth(folder: str, high: int) -> float:
        place = type(tiny)(tiny.folder / folder)
        place.source("buildings")["open"] = True
        place.region["assumptions"]["transport.aadt.residential"]["high"] = high
        build_region(place.write(), None, place.store, progress=Silent())
        errors = region_errors(Store(place.store).open("tiny"), 2023)
        return next(one.narrowed_tco2e for one in value_of_information(errors) if one.input == "aadt:residential")

    assert worth("unsure", 4000) > 2 * worth("sure", 1200)


def test_an_outlier_is_far_from_the_others_and_says_what_is_known():
    n = 30
    table = pd.DataFrame(
        {
            "id": [f"c{i}" for i in range(n)],
            "label": [f"c{i}" for i in range(n)],
            "area_ha": 100.0,
            "held": False,
            "buildings_tco2e": [100.0 + i for i in range(n - 1)] + [90_000.0],
            "buildings_sd_tco2e": 60_000.0,
            "buildings_gas_direct_tco2e": [50.0] * (n - 1) + [89_000.0],
            "buildings_electricity_indirect_tco2e": [50.0] * (n - 1) + [1_000.0],
            "buildings_metered_share": 0.0,
            "buildings_modelled_share": 0.2,
            "buildings_default_share": 0.8,
        }
    )
    (found,) = outliers(table, "grid-1km", ["buildings"])
    assert (found.id, found.score > 3.5) == ("c29", True)
    assert dict(found.reasons)["one_carrier"] == ("gas", pytest.approx(89 / 90))
    assert {code for code, _ in found.reasons} == {"default", "one_carrier", "wide"}
    assert outliers(table.head(8), "grid-1km", ["buildings"]) == []


def test_outliers_of_one_sector_do_not_starve_the_next():
    n = 200
    table = pd.DataFrame({"id": [f"c{i}" for i in range(n)], "area_ha": 100.0, "held": False})
    table["label"] = table["id"]
    for sector, far in (("buildings", 40), ("transport", 1)):
        table[f"{sector}_tco2e"] = [100.0 + i for i in range(n - far)] + [90_000.0] * far
        table[f"{sector}_sd_tco2e"] = 1.0
        for method in ("metered", "modelled", "default"):
            table[f"{sector}_{method}_share"] = 0.0
    found = outliers(table, "grid-1km", ["buildings", "transport"])
    assert [each.sector for each in found] == ["buildings"] * 15 + ["transport"]


class _Reader(HTMLParser):
    """Collects what a page would fetch, and whether its tags close."""

    void = frozenset({"meta", "rect", "path", "br", "img", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.fetched += [value for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        assert tag != "script"
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.fetched += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_stands_by_itself_in_each_language(edition: Edition, language: str):
    html = page(facts_of(edition, language=language), [], language)
    reader = _Reader()
    reader.feed(html)
    assert reader.open == []
    assert reader.fetched == []
    assert "url(" not in html
    said = " ".join(reader.text)
    for key in ("totals", "tiers", "coverage", "intervals", "outliers", "residuals", "references", "limits", "value"):
        assert texts(language)[key] in said
    assert not re.search(r"\{\w*\}|\bnan\b|\bNone\b", said)
    assert edition.id in said
    assert f'lang="{language}"' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_are_written_as_in_the_language(edition: Edition, language: str):
    """Thousands and decimals of Russian and Uzbek have marks of their own, in tables, sentences and charts alike."""
    say = texts(language)
    by_comma = language in ("en", "ko")
    assert say.number(1234567.5, ",.1f") == ("1,234,567.5" if by_comma else "1\u00a0234\u00a0567,5")
    assert say.number(0.25) == ("0.25" if by_comma else "0,25")
    assert ("1,234" if by_comma else "1\u00a0234") in say.fill("narrowed", 1234.0, 0.5)
    assert "v1.2,3" in say.fill("input_factor", "v1.2,3"), "names stay as they are"
    drawn = zone_map(
        np.array([box(0, 0, 1, 1), box(1, 0, 2, 1)]), np.array([1.25, 2.5]), ["a", "b"], "", "m2", say.number
    )
    assert ("a: 1.25 m2" if by_comma else "a: 1,25 m2") in drawn
    assert ("2,000<" if by_comma else "2\u00a0000<") in histogram(np.zeros(2000), (0, 1), ("all",), "", say.number)
    html = page(facts_of(edition, language=language), [], language)
    residual = re.search(r">(\d.\d)e[-+]\d\d<", html)
    assert residual is None or (residual[1][1] == ("." if by_comma else ","))
    total = facts_of(edition, language=language).errors["buildings"].total
    assert say.number(total, ",.0f") in html


def test_every_language_of_the_map_has_every_text_with_the_same_values():
    english = texts("en")
    assert set(LANGUAGES) == {each.value for each in Language} == {"en", "ko", "uz", "ru"}
    for language in LANGUAGES:
        for key, text in texts(language).items():
            assert text, (language, key)
            fields = [sorted(re.findall(r"\{(\w+)", each)) for each in (text, english[key])]
            assert fields[0] == fields[1], (language, key)


def test_every_verdict_and_category_of_a_comparison_has_its_words():
    verdicts = {"agrees", "lower", "higher", "part", "exceeds", "absent", "no counterpart", "unknown"}
    for language in LANGUAGES:
        say = texts(language)
        assert {key.removeprefix("verdict_") for key in say if key.startswith("verdict_")} == verdicts
        assert {f"category_{name}" for name in {*PARTS, *ABSENT} - {"transport"}} <= set(say)


def test_words_are_of_their_language():
    """Letters of each language's own script; Uzbek is written in Latin letters with its own turned comma."""
    scripts = {"ko": "[가-힣]", "ru": "[а-яё]", "uz": "[a-z]"}
    for language, letters in scripts.items():
        for key, text in texts(language).items():
            words = re.sub(r"\{[^}]*\}", "", text)
            assert not words.strip() or re.search(letters, words, re.IGNORECASE) or key in UNTRANSLATED, (language, key)
    for key, text in texts("uz").items():
        assert not re.search("[а-яё'`‘’]", text, re.IGNORECASE), key


def test_words_of_others_are_no_markup(tiny: Any):
    tiny.layers["zones.geojson"]["features"][0]["properties"]["name"] = "<script>alert(1)</script>"
    tiny.source("buildings")["open"] = True
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    html = page(facts_of(Store(tiny.store).open("tiny")), [], "en")
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_command_writes_one_file_and_compares(edition: Edition, tiny: Any, command: Any, tmp_path: Path):
    (tiny.folder / "theirs.csv").write_text(
        "year,zone,sector,carrier,tco2e,source\n2023,west,transport,,900,agency\n", encoding="utf-8"
    )
    out = tmp_path / "reports" / "tiny.html"
    code, said, _ = command(
        "quality", "tiny", "--store", tiny.store, "-i", tiny.folder / "theirs.csv", "-l", "ko", "-o", out
    )
    assert (code, [path.name for path in out.parent.iterdir()]) == (0, ["tiny.html"])
    assert edition.id in said
    assert "agency" in out.read_text(encoding="utf-8")
    code, _, error = command("quality", "tiny", "--store", tiny.store, "--zones", "dong")
    assert code == 2
    assert "no zone set; expected district" in error
    with pytest.raises(RegionError, match="no year 1999"):
        facts_of(edition, year=1999)
