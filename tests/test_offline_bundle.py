"""The offline bundle, of two small wheels made here: it installs without a network, and says why it does not."""

import hashlib
import json
import os
import platform
import runpy
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest


def wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    """A pure Python wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    contents = files | {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: here\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents[f"{about}/RECORD"] = "".join(f"{each},,\n" for each in [*contents, f"{about}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in contents.items():
            archive.writestr(zipfile.ZipInfo(each), text)
    return path


def run(*words: object) -> subprocess.CompletedProcess[str]:
    """Python on something, with every index out of reach."""
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_TIMEOUT": "1"}
    nowhere["NUMBA_CACHE_DIR"] = "elsewhere"
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, env=os.environ | nowhere, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def packed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as a file."""
    folder = tmp_path_factory.mktemp("bundle")
    dependency = wheel(folder / "fetched", "dependency", {"dependency.py": "ANSWER = 42\n"})
    said = "import sys\nfrom dependency import ANSWER\nsys.stdout.write(f'{__name__} {ANSWER}')\n"
    beside = "import os\nassert 'NUMBA_CACHE_DIR' not in os.environ\n"
    wheel(folder / "dist", "carbonmap", {"carbonmap/__init__.py": said, "carbonmap/warm_up.py": beside + said})
    digest = hashlib.sha256(dependency.read_bytes()).hexdigest()
    (folder / "requirements.lock").write_text(f"dependency==1.0 --hash=sha256:{digest}\n")
    script = project / "deploy" / "offline" / "bundle.py"
    asked = [script, folder / "dist", "--wheels", folder / "fetched", "--lock", folder / "requirements.lock"]
    done = run(*asked)
    assert done.returncode == 0, done.stderr
    [path] = (folder / "dist").glob("carbonmap-1.0-offline-*.tar")
    assert str(path) in done.stdout
    before = path.read_bytes()
    assert run(*asked).returncode == 0
    assert path.read_bytes() == before  # no time and no name of who made it
    return path


@pytest.fixture
def unpacked(packed: Path, tmp_path: Path) -> Path:
    """The bundle as a folder."""
    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / packed.stem


def test_it_installs_where_no_index_can_be_reached(unpacked: Path, tmp_path: Path) -> None:
    target = tmp_path / "place"
    done = run(unpacked / "install.py", target)
    assert done.returncode == 0, done.stdout + done.stderr
    python = target / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    assert f"{python} -P -m carbonmap doctor" in done.stdout
    assert "__main__ 42" in done.stdout  # warm_up was run
    said = subprocess.run([python, "-I", "-c", "import carbonmap"], capture_output=True, text=True, check=True)
    assert said.stdout == "carbonmap 42"
    again = run(unpacked / "install.py", target)
    assert (again.returncode, "is not empty" in again.stderr) == (2, True)


def test_a_file_that_is_not_what_was_packed_is_refused(unpacked: Path, tmp_path: Path) -> None:
    [ours] = (unpacked / "wheels").glob("carbonmap-*")
    kept = ours.read_bytes()
    for change, words in (
        (lambda: ours.write_bytes(kept + b" "), "is not what was packed"),
        (ours.unlink, "is missing"),
        (lambda: wheel(unpacked / "wheels", "stranger", {}), "stranger-1.0-py3-none-any.whl is no part of the bundle"),
    ):
        change()
        done = run(unpacked / "install.py", tmp_path / "place")
        assert done.returncode == 2
        assert words in done.stderr
        assert not (tmp_path / "place").exists()
        ours.write_bytes(kept)


@pytest.mark.parametrize(
    ("name", "other"), [("python", "3.9"), ("machine", "pdp11"), ("system", "plan9"), ("libc", "dietlibc")]
)
def test_another_machine_is_told_what_the_bundle_is_for(unpacked: Path, tmp_path: Path, name: str, other: str) -> None:
    about = json.loads((unpacked / "bundle.json").read_text())
    (unpacked / "bundle.json").write_text(json.dumps(about | {name: other}))
    done = run(unpacked / "install.py", tmp_path / "place")
    assert done.returncode == 2
    assert other in done.stderr
    assert "make a bundle on a machine like this one" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this machine has no glibc")
def test_an_older_glibc_than_the_wheels_need_is_told(unpacked: Path, tmp_path: Path) -> None:
    about = json.loads((unpacked / "bundle.json").read_text())
    (unpacked / "bundle.json").write_text(json.dumps(about | {"least_glibc": "99.1"}))
    done = run(unpacked / "install.py", tmp_path / "place")
    assert (done.returncode, "less than 99.1" in done.stderr) == (2, True)


def test_the_oldest_glibc_is_read_from_names_of_wheels(project: Path, tmp_path: Path) -> None:
    script = runpy.run_path(str(project / "deploy" / "offline" / "bundle.py"))
    (tmp_path / "pure-1.0-py3-none-any.whl").touch()
    assert script["least_glibc"](tmp_path) == ""
    for tag in ("manylinux2014_x86_64.manylinux_2_17_x86_64", "manylinux_2_27_x86_64.manylinux_2_28_x86_64"):
        (tmp_path / f"some-1.0-cp312-cp312-{tag}.whl").touch()
    assert script["least_glibc"](tmp_path) == "2.27"


def test_a_folder_of_wheels_that_is_not_whole_is_refused(project: Path, tmp_path: Path) -> None:
    wheel(tmp_path / "dist", "carbonmap", {})
    wheel(tmp_path / "fetched", "dependency", {})
    script, lock = project / "deploy" / "offline" / "bundle.py", tmp_path / "requirements.lock"
    asked = [script, tmp_path / "dist", "--wheels", tmp_path / "fetched", "--lock", lock]
    for line in (f"dependency==1.0 --hash=sha256:{'0' * 64}\n", f"another==1.0 --hash=sha256:{'0' * 64}\n"):
        lock.write_text(line)
        done = run(*asked)
        assert (done.returncode, "pip could not fetch all wheels" in done.stderr) == (2, True)
    kept = wheel(tmp_path / "fetched", "carbonmap", {})
    kept.rename(kept.with_name("carbonmap-0.9-py3-none-any.whl"))
    done = run(*asked)
    assert (done.returncode, "carbonmap-0.9-py3-none-any.whl beside" in done.stderr) == (2, True)
    assert not list((tmp_path / "dist").glob("*.tar"))


def test_without_our_wheel_nothing_is_bundled(project: Path, tmp_path: Path) -> None:
    done = run(project / "deploy" / "offline" / "bundle.py", tmp_path, "--wheels", tmp_path)
    assert (done.returncode, "run 'make build' first" in done.stderr) == (2, True)
