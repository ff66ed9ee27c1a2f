"""What must be true of the repository as such: locks without hosts, no machine paths, README commands that exist."""

import ast
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from carbonmap.cli import app

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-node.lock", "requirements-bench.lock")
LARGEST_BYTES = 2_000_000
STATED = re.compile(r"bench/results/stated/([a-z-]+\.json)")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".csv", ".ts", ".tsx", ".js", ".css", ".html", ".json", ".lock", ""}


def committed(project: Path) -> list[Path]:
    """The files that git keeps or would keep; all but the usual leftovers where there is no git (a source archive)."""
    if (project / ".git").exists() and shutil.which("git"):
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=project, capture_output=True, check=True).stdout.decode()
        return [project / name for name in listed.split("\0") if name and (project / name).is_file()]
    leftovers = {".venv", "node_modules", "dist", "__pycache__", "store"}
    return [file for file in project.rglob("*") if file.is_file() and not leftovers & set(file.parts)]


def fenced(document: Path, marker: str = "bash") -> list[str]:
    """The commands in fenced blocks of a document whose info string starts with the marker, comments taken off."""
    blocks = re.findall(rf"^```{marker}[^\n]*\n(.*?)^```", document.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def documents(project: Path) -> list[Path]:
    """README, CHANGES and the pages of docs/."""
    return [project / "README.md", project / "CHANGES.md", *sorted((project / "docs").rglob("*.md"))]


def pins(lock: Path) -> dict[tuple[str, str], str]:
    """The locked version of each (package, environment marker)."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+?)(?: ; (.+?))? \\$", lock.read_text("utf-8"), re.MULTILINE)
    return {(name, marker): version for name, version, marker in found}


@pytest.mark.parametrize("name", LOCKS)
def test_locks_pin_and_hash_everything_and_name_no_host(project: Path, name: str) -> None:
    text = (project / name).read_text("utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host| @ ", text)
    requirements = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    unpinned = [r.splitlines()[0] for r in requirements if "==" not in r.splitlines()[0] or "--hash=sha256:" not in r]
    assert requirements
    assert unpinned == []


def test_locks_agree_with_each_other_and_cover_the_project(project: Path) -> None:
    run, dev = pins(project / "requirements.lock"), pins(project / "requirements-dev.lock")
    # What tests need may need a package on more Pythons than what is run does; it is the same one.
    for (name, marker), version in run.items():
        assert version in (dev.get((name, marker)), dev.get((name, ""))), name
    bench = {name: version for (name, _), version in pins(project / "requirements-bench.lock").items()}
    known: dict[str, set[str]] = {}
    for (name, _), version in dev.items():
        known.setdefault(name, set()).add(version)
    assert {name: version for name, version in bench.items() if name in known and version not in known[name]} == {}
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    asked = settings["project"]["dependencies"] + settings["dependency-groups"]["build"]
    asked_for_tests = settings["project"]["optional-dependencies"]["dev"]
    peers = settings["dependency-groups"]["bench"]
    locks = ((run, asked), (dev, asked + asked_for_tests), (pins(project / "requirements-bench.lock"), peers))
    for lock, names in locks:
        locked = {name for name, _ in lock}
        wanted = {re.split(r"[<>=!~ \[;]", name)[0].lower().replace("_", "-") for name in names}
        assert wanted - locked == set(), "run 'make lock'"


def test_the_lock_of_the_web_map_names_no_registry(project: Path) -> None:
    lock = json.loads((project / "web" / "package-lock.json").read_text("utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if "integrity" not in entry and not entry.get("inBundle")] == []


def test_no_file_names_a_path_of_somebodys_machine(project: Path) -> None:
    private = re.compile(
        r"(?<![\w.*}/-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "tm" + "p"]) + r")\b/?\w*"
    )
    found = [
        f"{file.relative_to(project)}: {match.group()}"
        for file in committed(project)
        if file.suffix in TEXT
        for match in private.finditer(file.read_text("utf-8", errors="replace"))
    ]
    assert found == []


def test_no_link_is_committed(project: Path) -> None:
    if not ((project / ".git").exists() and shutil.which("git")):
        assert not [file for file in committed(project) if file.is_symlink()]
        return
    # A link to a folder, such as to packages elsewhere, is no file: git's own list tells of it.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-s", "-z"]
    listed = subprocess.run(command, cwd=project, capture_output=True, check=True).stdout.decode()
    assert [entry for entry in listed.split("\0") if entry.startswith("120000")] == []


def test_no_large_files_are_committed(project: Path) -> None:
    sizes = {str(file.relative_to(project)): file.stat().st_size for file in committed(project)}
    assert {name: size for name, size in sizes.items() if size > LARGEST_BYTES} == {}


def test_figures_that_are_kept_say_what_they_were_measured_with(project: Path) -> None:
    stated = project / "bench" / "results" / "stated"
    for name, is_kept in (("results/cells.json", False), ("results/stated/cells.json", True)):
        ignored = subprocess.run(["git", "check-ignore", "-q", f"bench/{name}"], cwd=project, check=False).returncode
        assert ignored == (1 if is_kept else 0) or not (project / ".git").exists(), name
    kept = sorted(stated.glob("*.json"))
    promised = {name for file in (project / "docs").glob("*.md") for name in STATED.findall(file.read_text("utf-8"))}
    assert promised, "figures that are stated without any of their files"
    assert promised == {file.name for file in kept}, "documents name the files behind figures, each of them"
    for file in kept:
        figures = json.loads(file.read_text(encoding="utf-8"))
        assert figures["rows"], file.name
        assert re.search(r"/(home|root|tmp|work|Users)\b", file.read_text("utf-8")) is None, file.name
        assert re.fullmatch("[0-9a-f]{40}", str(figures["commit"])), file.name
        assert figures["changed"] is False, f"{file.name}: measured on a tree that no commit has"
        assert {"date", "machine", "versions", "settings", "rows"} <= figures.keys(), file.name


def test_readme_gives_the_two_commands_and_ci_runs_them(project: Path) -> None:
    commands = fenced(project / "README.md")
    ci = (project / ".ci" / "run").read_text("utf-8")
    assert {"make demo", "make test"} <= set(commands)
    assert re.search(r"\bmake demo\b", ci)
    assert re.search(r"\bmake test\b", ci)
    assert "bash ci" in ci, "CI takes the README's other commands from its blocks marked 'bash ci'"
    assert fenced(project / "README.md", "bash ci")
    assert os.access(project / ".ci" / "run", os.X_OK)


def test_make_targets_named_in_documents_exist(project: Path) -> None:
    makefile = (project / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(phony.group(1).split()) == targets, "every command of the Makefile says what it does after ##"
    for document in documents(project):
        named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", document.read_text("utf-8"), re.MULTILINE))
        assert named <= targets, document.name


def wholly_slow(source: str) -> bool:
    """Whether tests of a file are marked as slow, and none of them is left for `make test`."""
    if "mark.slow" not in source:
        return False
    tree = ast.parse(source)
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assigned = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)]
    if any(text.startswith("pytestmark = ") and "pytest.mark.slow" in text for text in assigned):
        return True
    # Of a test with parameters, those that are slow are marked within its list.
    slow = [any(ast.unparse(each) == "pytest.mark.slow" for each in test.decorator_list) for test in tests]
    return bool(slow) and all(slow)


def test_tests_that_are_slow_are_left_to_a_command_that_ci_runs_too(project: Path) -> None:
    makefile, ci = ((project / name).read_text("utf-8") for name in ("Makefile", ".ci/run"))
    asked = {rule: re.search(rf"^{rule}:.*\n(.*)$", makefile, re.MULTILINE) for rule in ("test", "test-slow")}
    said = {rule: found and re.findall(r' -m (slow|"not slow") ', found[1]) for rule, found in asked.items()}
    assert said == {"test": ['"not slow"'], "test-slow": ["slow"]}
    assert set(re.findall(r"^stage .* make (test\S*)$", ci, re.MULTILINE)) == {"test", "test-slow"}


def test_every_file_has_a_test_that_is_not_slow(project: Path) -> None:
    files = sorted((project / "tests").rglob("test_*.py"))
    assert [str(file.relative_to(project)) for file in files if wholly_slow(file.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("source", "is_wholly_slow"),
    [
        ("@pytest.mark.slow\ndef test_one(): ...\n", True),
        ("@pytest.mark.slow\ndef test_one(): ...\ndef test_other(): ...\n", False),
        ("pytestmark = [pytest.mark.browser, pytest.mark.slow]\ndef test_one(): ...\n", True),
        ("@pytest.mark.parametrize('n', [1, pytest.param(9, marks=pytest.mark.slow)])\ndef test_one(n): ...\n", False),
        ("def test_one(): ...\n", False),
    ],
)
def test_the_guard_itself_sees_a_file_that_is_slow(source: str, is_wholly_slow: bool) -> None:
    assert wholly_slow(source) is is_wholly_slow


@functools.cache
def help_of(verb: str) -> str:
    """What `carbonmap VERB --help` prints."""
    done = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0, f"carbonmap {verb}: {done.output}"
    return done.stdout


def test_verbs_and_options_named_in_documents_exist(project: Path) -> None:
    for document in documents(project):
        for command in fenced(document):
            called = re.match(r"(?:\S*python\S* -m |\S*/)?carbonmap ([a-z]+)(.*)", command)
            if called:
                known = help_of(called.group(1))
                missing = [option for option in re.findall(r"--[a-z-]+", called.group(2)) if option not in known]
                assert missing == [], f"{document.name}: {command}"


def test_links_between_documents_lead_somewhere(project: Path) -> None:
    for document in documents(project):
        targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", document.read_text("utf-8"))
        lost = [target for target in targets if not (document.parent / target).exists()]
        assert lost == [], document.name


@pytest.mark.parametrize(("ci", "inputs", "workers"), [("", False, 0), ("1", False, 0), ("", True, 0), ("1", False, 2)])
def test_a_skip_is_a_failure_in_ci_and_beside_the_real_inputs(
    project: Path, tmp_path: Path, ci: str, inputs: bool, workers: int
) -> None:
    if inputs:
        (tmp_path / "inputs" / "data").mkdir(parents=True)
    (tmp_path / "conftest.py").write_text((project / "tests" / "conftest.py").read_text("utf-8"), "utf-8")
    (tmp_path / "test_one.py").write_text(
        "import pytest\ndef test_skips(): pytest.skip('no browser')\n"
        "def test_needs(): pytest.skip('needs a program of the system: one')\n"
        "@pytest.mark.skip(reason='later')\ndef test_marked(): pass\n"
        "@pytest.mark.xfail\ndef test_expected(): assert False\n"
        "def test_passes(): pass\ndef test_real(shared): pass\n",
        "utf-8",
    )
    (tmp_path / "test_whole_file.py").write_text("import pytest\npytest.importorskip('no_such_module_here')\n", "utf-8")
    env = os.environ | {"CARBONMAP_CI": ci, "CARBONMAP_SHARED": str(tmp_path / "inputs"), "PYTEST_ADDOPTS": ""}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # those that are not asked for take most of the time
    given = ["-q", "-p", "xdist.plugin", f"-n{workers}", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    command = [sys.executable, "-m", "pytest", *given, "."]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    if ci or inputs:
        assert done.returncode != 0
        assert "which neither CI nor a checkout beside the real inputs allows" in done.stdout
        counts = "1 failed, 2 passed, 1 skipped" if inputs else "2 failed, 1 passed, 1 skipped"
        assert f"{counts}, 1 xfailed, 2 errors" in done.stdout
    else:
        assert done.returncode == 0
        assert "1 passed, 5 skipped, 1 xfailed" in done.stdout
