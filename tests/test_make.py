"""What a newcomer's `make` does where something is missing, and that a second one does nothing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = ("make", "sh", "touch", "find", "sed", "grep", "expand", "env", "mkdir", "rm", "cat")


@pytest.fixture
def bare(project: Path, tmp_path: Path) -> Path:
    """A folder with our Makefile and a PATH of a few tools: no Python, no Node."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed here")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / "bin" / tool).symlink_to(found)
    for name in ("Makefile", "pyproject.toml", "hatch_build.py", *(file.name for file in project.glob("*.lock"))):
        shutil.copy(project / name, tmp_path / name)
    (tmp_path / "web" / "src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "src/main.ts"):
        (tmp_path / "web" / name).write_text("", "utf-8")
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with nothing but the bare tools."""
    env = {"PATH": str(folder / "bin"), "HOME": str(folder), "LANG": "C.UTF-8"}
    return subprocess.run(["make", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)


def script(file: Path, text: str) -> None:
    """Put a small program on the bare PATH."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    file.chmod(0o755)


def test_make_alone_lists_the_commands(bare: Path) -> None:
    listed = make(bare).stdout
    assert {line.split()[1] for line in listed.splitlines()} >= {
        "demo",
        "test",
        "test-slow",
        "check",
        "build",
        "web",
        "lock",
        "clean",
    }


@pytest.mark.parametrize("wrong_python", [False, True], ids=["none", "too old or without venv"])
def test_without_a_fitting_python_the_message_says_what_to_do(bare: Path, wrong_python: bool) -> None:
    if wrong_python:
        script(bare / "bin" / "python3", "exit 1")
    done = make(bare, "demo")
    assert done.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert "make demo PYTHON=" in done.stderr
    assert not (bare / ".venv").exists()


def stamp(bare: Path) -> None:
    """Leave the folder as a finished `make demo` and `make test` leave it."""
    made = (
        ".venv/.python",
        ".venv/.run",
        ".venv/.compiled",
        ".venv/.dev",
        ".venv/.node",
        "web/node_modules/.installed",
        "web/dist/index.html",
    )
    for order, name in enumerate(made):
        file = bare / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
        os.utime(file, (4_000_000_000 + order, 4_000_000_000 + order))


def test_a_second_demo_only_starts_it(bare: Path) -> None:
    stamp(bare)
    script(bare / ".venv" / "bin" / "python", 'echo "asked for: $@"')
    done = make(bare, "demo", "ARGS=--port 0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        ".venv/bin/python -m carbonmap demo --port 0",
        "asked for: -m carbonmap demo --port 0",
    ]


@pytest.mark.parametrize("changed", ["web/src/main.ts", "web/package-lock.json", "requirements.lock"])
def test_what_changed_is_made_anew(bare: Path, changed: str) -> None:
    stamp(bare)
    assert make(bare, "-q", "web").returncode == 0
    os.utime(bare / changed, (4_000_000_020, 4_000_000_020))
    planned = make(bare, "-n", "demo").stdout
    assert ("npm run build" in planned) == changed.startswith("web/")
    assert ("ci --no-audit" in planned) == (changed == "web/package-lock.json")
    assert ("-r requirements.lock" in planned) == (changed == "requirements.lock")


@pytest.mark.parametrize(
    ("version", "is_used"),
    [
        (None, False),
        ("v18.20.4", False),
        ("v20.9.0", False),
        ("v20.19.0", True),
        ("v20.20.0", True),
        ("v22.4.1", False),
        ("v22.12.0", True),
        ("v24.1.0", True),
    ],
)
def test_node_of_the_machine_is_used_where_it_is_new_enough(bare: Path, version: str | None, is_used: bool) -> None:
    (bare / ".venv").mkdir()
    (bare / ".venv" / ".python").touch()
    script(bare / ".venv" / "bin" / "python", 'echo "installs: $@"')
    if version:
        script(bare / "bin" / "node", f"echo {version}")
        script(bare / "bin" / "npm", "echo 10.0.0")
    done = make(bare, ".venv/.node")
    assert done.returncode == 0, done.stderr
    assert (f"using Node {version} of this machine" in done.stdout) == is_used
    assert ("-r requirements-node.lock" in done.stdout) == (not is_used)
