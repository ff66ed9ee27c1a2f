"""Who may import whom, read from the source: directions, cycles, names and sizes of our modules."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

MAY_IMPORT = {
    "accounting": {"accounting"},
    "grids": {"grids"},
    "gis": {"gis", "accounting", "grids"},
    "scenarios": {"scenarios", "accounting", "grids"},
    "api": {"api", "accounting", "grids", "scenarios"},
    "carbonmap": {"carbonmap", "gis", "accounting", "grids", "scenarios", "api"},
    "bench": {"bench", "carbonmap", "gis", "accounting", "grids", "scenarios", "api"},
}
NOT_OURS_TO_IMPORT = {"tests", "data", "web", "hatch_build"}
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc"}
LONGEST_MODULE = 450


def module_name(file: Path, root: Path) -> str:
    """`grids/shares.py` -> `grids.shares`; a package's `__init__.py` -> the package."""
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(root: Path) -> dict[str, Path]:
    """All modules of our rooms, by name."""
    files = (file for room in MAY_IMPORT for file in sorted((root / room).rglob("*.py")))
    return {module_name(file, root): file for file in files}


@cache  # two tests ask for it of every module
def imported_names(source: str) -> tuple[tuple[int, str], ...]:
    """Every dotted name that a source imports, wherever in it, with its line; relative ones start with a dot."""
    return tuple(imports_in(ast.parse(source)))


def imports_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of each import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if called in {"import_module", "__import__"} and isinstance(first, ast.Constant):
                yield node.lineno, str(first.value)


def trespasses(files: Mapping[str, Path]) -> list[str]:
    """Imports that go against the directions, and relative ones."""
    found = []
    for name, file in files.items():
        room = name.split(".")[0]
        for line, target in imported_names(file.read_text("utf-8")):
            top = target.split(".")[0]
            if target.startswith("."):
                found.append(f"{name}:{line} imports relatively: {target}")
            elif (top in MAY_IMPORT and top not in MAY_IMPORT[room]) or top in NOT_OURS_TO_IMPORT:
                found.append(f"{name}:{line} imports {target}: {room} may import {sorted(MAY_IMPORT[room])}")
    return found


def dependency_graph(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Which of our modules each of our modules imports; `from grids import shares` counts as `grids.shares`."""
    graph: dict[str, set[str]] = {}
    for name, file in files.items():
        targets = (target for _, target in imported_names(file.read_text("utf-8")))
        known = {next((t for t in (target, target.rpartition(".")[0]) if t in files), name) for target in targets}
        graph[name] = known - {name}
    return graph


def test_rooms_import_only_what_they_may(project: Path) -> None:
    files = sources(project)
    assert len(files) > 20, "the rooms were not found"
    assert trespasses(files) == []


def test_no_import_cycles(project: Path) -> None:
    try:
        tuple(TopologicalSorter(dependency_graph(sources(project))).static_order())
    except CycleError as cycle:
        pytest.fail("modules import each other: " + " <- ".join(cycle.args[1]))


def test_module_names_say_what_is_inside(project: Path) -> None:
    empty = [name for name in sources(project) if NAMES_THAT_SAY_NOTHING & set(name.split("."))]
    assert empty == []


def test_modules_stay_readable_in_one_sitting(project: Path) -> None:
    lengths = {name: len(file.read_text("utf-8").splitlines()) for name, file in sources(project).items()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_data_holds_no_python(project: Path) -> None:
    assert list((project / "data").rglob("*.py")) == []


def test_importing_carbonmap_alone_imports_no_other_room(project: Path) -> None:
    code = "import carbonmap, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & set(MAY_IMPORT) == {"carbonmap"}


@pytest.mark.parametrize(
    ("room", "source", "expected"),
    [
        ("grids", "import accounting.units", "accounting.units"),
        ("api", "def f():\n    from gis import layers", "gis.layers"),
        ("api", "import importlib\nimportlib.import_module('gis.osm')", "gis.osm"),
        ("gis", "from api.app import create_app", "api.app.create_app"),
        ("carbonmap", "from bench.inputs import make_layer", "bench.inputs.make_layer"),
        ("carbonmap", "from tests.builders import city", "tests.builders.city"),
        ("grids", "from . import shares", "relatively"),
    ],
)
def test_the_guard_itself_sees_a_trespass(tmp_path: Path, room: str, source: str, expected: str) -> None:
    (tmp_path / room).mkdir()
    (tmp_path / room / "made_up.py").write_text(source, "utf-8")
    [found] = trespasses(sources(tmp_path))
    assert found.startswith(f"{room}.made_up:")
    assert expected in found


def test_the_guard_itself_sees_a_cycle(tmp_path: Path) -> None:
    (tmp_path / "grids").mkdir()
    (tmp_path / "grids" / "one.py").write_text("from grids.two import x", "utf-8")
    (tmp_path / "grids" / "two.py").write_text("def f():\n    from grids import one", "utf-8")
    with pytest.raises(CycleError):
        tuple(TopologicalSorter(dependency_graph(sources(tmp_path))).static_order())
