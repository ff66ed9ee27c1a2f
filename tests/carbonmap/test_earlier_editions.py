"""An audited build beside the editions that stand in its store: named after them, and safe against subtraction."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from bench.attacker import equations_of
from bench.disclosing import audited_editions, change_meters, correct_one_meter, held_lines, span_row
from carbonmap.build import Built, build_region
from carbonmap.check import check_region
from carbonmap.earlier import earlier_editions
from carbonmap.errors import RegionError
from carbonmap.manifest import identity_of
from carbonmap.progress import Silent
from carbonmap.quality.facts import facts_of
from carbonmap.quality.page import page
from carbonmap.region import Disclosure, RegionFile
from grids.disclosure_record import disclosure_record
from grids.earlier import ChangeTold
from grids.earlier_ids import IdsChanged
from grids.edition import Edition, EditionWriter, Store
from grids.store_errors import EditionBroken

BUILDINGS = 200


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    audited_editions(folder, BUILDINGS, 1, 20, lambda _: None)
    return folder


@pytest.fixture
def editions(place: Path) -> list[Edition]:
    store = Store(place / "store")
    second = store.open("demo")
    beside = second.manifest.disclosure["beside"]
    return [*(store.open("demo", name) for name in beside), second]


def build(place: Path, inputs: str, store: str = "store") -> Built:
    return build_region(place / inputs / "region.yaml", place / inputs, place / store, progress=Silent())


def narrow(*editions: Edition) -> int:
    return sum(span_row(equations, 40, 20)["narrow"] for equations in equations_of(editions))


def test_no_meter_is_bound_by_one_edition_or_by_two(editions):
    assert narrow(*editions) == 0, "both together know what each knows"


def test_what_was_built_before_is_the_same_edition_again(place: Path, editions):
    first, second = editions
    for inputs, edition in (("changed", second), ("inputs", first), ("changed", second)):
        built = build(place, inputs)
        assert (built.edition, built.seconds) == (edition.id, None)
    assert Store(place / "store").current("demo") == second.id


def test_one_corrected_meter_is_refused_and_what_was_served_still_is(place: Path, editions, tmp_path: Path):
    shutil.copytree(place / "changed", tmp_path / "corrected")
    shutil.copytree(place / "store", tmp_path / "store")
    correct_one_meter(tmp_path / "corrected" / "meters.csv", 3.0)
    with pytest.raises(ChangeTold, match=r"buildings .*: since edition .* the closed meters of .* features .* changed"):
        build(tmp_path, "corrected")
    assert Store(tmp_path / "store").current("demo") == editions[1].id


def test_the_manifest_names_what_it_was_held_beside_but_not_to_everybody(editions):
    first, second = editions
    assert "beside" not in first.manifest.disclosure
    assert second.manifest.disclosure["beside"] == [first.id]
    assert first.id not in str(second.manifest.public()["disclosure"])
    assert any("held" in entry for entry in held_lines(second))


def test_an_edition_without_what_it_told_is_named_as_not_looked_at(place: Path, editions, tmp_path: Path):
    """Such as one that was built without the audit."""
    shutil.copytree(place / "store", tmp_path / "store")
    first, second = editions
    for table in (tmp_path / "store" / "demo" / first.id / "private").glob("told-*"):
        table.unlink()
    file = RegionFile(place / "changed" / "region.yaml", place / "changed")
    identity = identity_of(file)
    again = earlier_editions(tmp_path / "store", file.region, identity)
    assert again.built == second.id
    other = earlier_editions(tmp_path / "store", file.region, identity | {"inputs": []})
    assert (other.ids, other.not_looked_at, other.built) == ([second.id], (first.id,), None)
    plain = file.region.model_copy(update={"disclosure": Disclosure()})
    assert earlier_editions(tmp_path / "store", plain, identity).ids == []


def test_what_was_not_looked_at_is_said_by_the_build_and_by_the_quality_report(place: Path, editions, tmp_path: Path):
    shutil.copytree(place / "store", tmp_path / "store")
    first, second = editions
    file = tmp_path / "store" / "demo" / second.id / "manifest.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["disclosure"] |= {"beside": [], "not_looked_at": [first.id]}
    document["disclosure"]["collections"]["grid-100m"]["2023"]["buildings"]["unproven"] = 7
    file.write_text(json.dumps(document), encoding="utf-8")
    edition = Store(tmp_path / "store").open("demo", second.id)
    built = Built(tmp_path / "store", "demo", second.id, None, edition.manifest)
    said = "\n".join(built.summary())
    assert f"1 earlier editions of the store were not looked at ({first.id})" in said
    assert "may find single closed meters by subtraction" in said
    assert "no witness was found in grid-100m for 7 features" in said
    for language, words in (("en", "were not looked at"), ("ru", "не рассматривались")):
        written = page(facts_of(edition), [], language)
        assert words in written
        assert first.id in written
    unchanged = replace(built, manifest=first.manifest)
    assert "not looked at" not in "\n".join(unchanged.summary())


def test_a_check_says_beside_what_a_build_would_be_held(place: Path, editions, tmp_path: Path):
    shutil.copytree(place / "store", tmp_path / "store")
    shutil.copytree(place / "changed", tmp_path / "next")
    first, second = editions
    for table in (tmp_path / "store" / "demo" / first.id / "private").glob("told-*"):
        table.unlink()
    rename(tmp_path / "next" / "region.yaml")
    report = check_region(tmp_path / "next" / "region.yaml", tmp_path / "next", tmp_path / "store")
    held, missed = report.parts["earlier editions"]
    assert (held.level, missed.level) == ("info", "warning")
    assert "a build is held beside 1 in" in held.what
    assert first.id in missed.what
    (tmp_path / "store" / "demo" / second.id / "manifest.json").write_text("{}", encoding="utf-8")
    report = check_region(tmp_path / "next" / "region.yaml", tmp_path / "next", tmp_path / "store")
    assert not report.buildable
    assert "repair it, or take its folder away" in report.parts["earlier editions"][0].what


def test_an_earlier_edition_of_unreadable_disclosure_is_told_with_what_to_do(place: Path, editions, tmp_path: Path):
    """That nobody knows what it told is no reason to build another one."""
    shutil.copytree(place / "store", tmp_path / "store")
    file = tmp_path / "store" / "demo" / editions[0].id / "manifest.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["disclosure"]["beside"] = ["x"]
    file.write_text(json.dumps(document), encoding="utf-8")
    region = RegionFile(place / "changed" / "region.yaml", place / "changed")
    with pytest.raises(EditionBroken, match=r"disclosure in the manifest .* repair it, or take its folder away"):
        earlier_editions(tmp_path / "store", region.region, identity_of(region))


def rename(file: Path, **sources: Any) -> None:
    """Another name makes another edition; `sources` are keys that are taken out of the closed sources' columns."""
    text = yaml.safe_load(file.read_text(encoding="utf-8"))
    text["name"] = {language: f"{name} II" for language, name in text["name"].items()}
    for source in text["sources"]:
        for key in sources.get("without", ()):
            source.get("columns", {}).pop(key, None)
    file.write_text(yaml.safe_dump(text, allow_unicode=True, sort_keys=False), encoding="utf-8")


def test_row_numbers_are_refused_as_ids_of_what_is_held_beside_earlier_editions(place: Path, tmp_path: Path):
    """One row more in the file, and each meter would look changed: many changes hide the one that is."""
    shutil.copytree(place / "changed", tmp_path / "next")
    file = tmp_path / "next" / "region.yaml"
    rename(file, without=["id"])
    with pytest.raises(RegionError, match=r"sources .*register.* have no ids but row numbers.*lasting ids"):
        RegionFile(file)
    text = yaml.safe_load(file.read_text(encoding="utf-8"))
    text["disclosure"]["audit"] = False
    file.write_text(yaml.safe_dump(text, allow_unicode=True, sort_keys=False), encoding="utf-8")
    assert RegionFile(file).region.disclosure.audit is False


def test_meters_under_another_name_hide_no_corrected_one(place: Path, editions, tmp_path: Path):
    """All would be gone and all be new: many changes, among which one more is nothing."""
    shutil.copytree(place / "changed", tmp_path / "next")
    shutil.copytree(place / "store", tmp_path / "store")
    file = tmp_path / "next" / "region.yaml"
    text = yaml.safe_load(file.read_text(encoding="utf-8"))
    (closed,) = (source for source in text["sources"] if source["sector"] == "buildings")
    was, closed["id"] = closed["id"], "stock"
    file.write_text(yaml.safe_dump(text, allow_unicode=True, sort_keys=False), encoding="utf-8")
    correct_one_meter(tmp_path / "next" / "meters.csv", 3.0)
    with pytest.raises(IdsChanged, match=rf"stand where they stood and have another name, such as .* of source {was}"):
        build(tmp_path, "next")
    assert Store(tmp_path / "store").current("demo") == editions[1].id


def test_an_edition_published_between_listing_and_lock_is_looked_at(place: Path, editions, tmp_path: Path, monkeypatch):
    """Another build ends just before this one gets the lock: here it brings this very edition."""
    store, entered = tmp_path / "store", []

    class Late(EditionWriter):
        def __enter__(self) -> "Late":
            if not entered:
                shutil.copytree(place / "store", store)
            entered.append(self.work_folder.name)
            return super().__enter__()

    monkeypatch.setattr("carbonmap.build.EditionWriter", Late)
    built = build_region(place / "changed" / "region.yaml", place / "changed", store, progress=Silent())
    assert (built.edition, built.seconds) == (editions[1].id, None)
    assert entered == [entered[0], editions[1].id]
    assert entered[0] != editions[1].id, "what it would have been beside nothing"


def test_a_manifest_that_says_nothing_readable_of_disclosure_is_told(editions):
    manifest = editions[0].manifest
    assert disclosure_record(manifest).rule.audit
    assert disclosure_record(manifest.model_copy(update={"disclosure": None})).beside == ()
    with pytest.raises(EditionBroken, match="disclosure in the manifest of edition"):
        disclosure_record(manifest.model_copy(update={"disclosure": {"beside": ["x"]}}))


def test_meters_are_changed_added_and_taken_out(tmp_path: Path):
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    names = [f"b{k:03}" for k in range(200)]
    pd.DataFrame({"id": names, "month": 1, "carrier": "gas", "value": "10.000", "unit": "kWh"}).to_csv(
        first, index=False, encoding="cp949"
    )
    change_meters(first, second, 1)
    before, after = (pd.read_csv(file).set_index("id")["value"] for file in (first, second))
    assert (len(before), len(after)) == (196, 196)
    both = before.index.intersection(after.index)
    assert len(both) == 192
    assert (before[both] != after[both]).sum() in (9, 10)
