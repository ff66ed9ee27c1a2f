"""An audited build beside the editions that stand in its store: named after them, and safe against subtraction."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from bench.attacker import equations_of
from bench.disclosing import audited_editions, change_meters, correct_one_meter, held_lines, span_row
from carbonmap.build import Built, build_region
from carbonmap.earlier import earlier_editions
from carbonmap.manifest import identity_of
from carbonmap.progress import Silent
from carbonmap.region import Disclosure, RegionFile
from grids.earlier import ChangeTold
from grids.edition import Edition, Store

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
