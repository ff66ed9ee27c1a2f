"""Every fuzz target takes its seeds, what once broke it, and fresh mutations, without a fault; see `fuzz/README.md`."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.mutations import mutated
from fuzz.registry import all_targets

TARGETS = all_targets()
PLAIN = [name for name, target in TARGETS.items() if not target.native]
ABORTS = {"cell-table", "zone-table", "joined", "geoparquet"}
"""Fresh mutations of Parquet are for `python -m fuzz`: over some damaged footers pyarrow ends the process."""


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_reach_beyond_the_first_refusal(name: str) -> None:
    target = TARGETS[name]
    assert any(target.run(seed) for seed in target.seeds)


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_broke_it_does_so_no_more(name: str) -> None:
    for path in TARGETS[name].kept():
        TARGETS[name].run(path.read_bytes())


@pytest.mark.parametrize("name", PLAIN)
def test_any_bytes_are_taken_or_refused(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    @given(st.binary(max_size=200) | st.text(max_size=60).map(str.encode) | st.sampled_from(target.seeds))
    def attack(data: bytes) -> None:
        target.run(data)

    attack()


@pytest.mark.parametrize("name", sorted(set(TARGETS) - ABORTS))
def test_mutations_are_taken_or_refused(name: str) -> None:
    target, chance = TARGETS[name], random.Random(7)
    outcomes = {target.run(mutated(chance, target.seeds, target.words)) for _ in range(120)}
    assert False in outcomes, "mutations that are all taken attack nothing"


def test_folders_of_the_corpus_are_named_as_targets(project: Path) -> None:
    assert {path.name for path in (project / "fuzz" / "corpus").iterdir()} <= set(TARGETS)


def test_a_fault_is_found_and_kept(project: Path, tmp_path: Path) -> None:
    """The runner itself: a target that ends the process is told of, with the input that did it."""
    script = (
        "import os, sys\nfrom fuzz import __main__, registry\nfrom fuzz.target import Target\n"
        "def run(data):\n    if b'!' in data:\n        os.abort()\n    return True\n"
        "registry.all_targets.cache_clear()\nfaulty = {'faulty': Target('faulty', 'x', run, (b'abc',), (b'!',))}\n"
        "__main__.all_targets = lambda: faulty\n"
        "sys.exit(__main__.main(sys.argv[1:]))"
    )
    (tmp_path / "fault.py").write_text(script)
    command = [sys.executable, str(tmp_path / "fault.py"), "faulty", "--child", str(tmp_path / "input")]
    environment = {"PYTHONPATH": str(project), "PATH": ""}
    done = subprocess.run([*command, "--seconds", "20"], env=environment, capture_output=True, check=False)
    assert done.returncode < 0
    assert b"!" in (tmp_path / "input").read_bytes()
