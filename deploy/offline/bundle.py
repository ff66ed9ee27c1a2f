"""Make an offline bundle: everything that a machine without a network needs to run carbonmap, in one file.

    python deploy/offline/bundle.py DIST [--wheels FOLDER]

DIST holds our wheel (`make build`) and gets `carbonmap-<version>-offline-<python>-<system>-<machine>.tar`: that wheel,
wheels of all that `requirements.lock` names for the Python and the machine that this runs on, `install.py`,
`bundle.json` (what it is for) and SHA256SUMS. Wheels are fetched by pip, hashes checked; or, checked as well, taken
from FOLDER, where they were fetched before. The same wheels give the same bytes.
"""

import argparse
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]


class CannotBundle(Exception):
    """Why not, and what to do."""


def our_wheel(dist: Path) -> Path:
    """The one wheel of ours in a folder.

    Raises:
        CannotBundle: there is none, or several.
    """
    found = sorted(dist.glob("carbonmap-*.whl"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise CannotBundle(f"{dist} holds {names}; one wheel of carbonmap was expected: run 'make build' first.")
    return found[0]


def fetch_wheels(lock: Path, into: Path, wheels: Path | None) -> None:
    """Have pip fetch the wheels that a lock names, for this Python and machine.

    Args:
        lock: requirements with hashes.
        into: folder that gets them.
        wheels: folder that they are taken from; from where pip is used to if None.

    Raises:
        CannotBundle: pip could not.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "-q"]
    command += ["--progress-bar", "off", "--only-binary", ":all:", "--no-deps", "--require-hashes"]
    if wheels is not None:
        command += ["--no-index", "--find-links", str(wheels)]
    if subprocess.run([*command, "-r", str(lock), "-d", str(into)], check=False).returncode != 0:
        place = "" if wheels is None else f" from {wheels}: leave out --wheels where there is a network"
        raise CannotBundle(f"pip could not fetch all wheels of {lock.name}{place}; its own words are above.")


def least_glibc(wheels: Path) -> str:
    """The oldest version of glibc that all wheels in a folder work with, such as 2.28; empty if any does."""
    asked = []
    for path in wheels.glob("*.whl"):
        tags = re.findall(r"manylinux_(\d+)_(\d+)_", path.name)
        legacy = [(2, 17)] if re.search(r"manylinux(1|2010|2014)_", path.name) else []
        found = [(int(major), int(minor)) for major, minor in tags] + legacy
        asked += [min(found)] if found else []
    return "{}.{}".format(*max(asked)) if asked else ""


def bundle(dist: Path, lock: Path, wheels: Path | None) -> Path:
    """Make the bundle; returns its path.

    Args:
        dist: holds our wheel, and gets the bundle.
        lock: requirements with hashes.
        wheels: folder of wheels fetched before; they are fetched if None.

    Raises:
        CannotBundle: our wheel or the others cannot be had.
    """
    ours = our_wheel(dist)
    version = ours.name.split("-")[1]
    made_for = {
        "version": version,
        "python": "{}.{}".format(*sys.version_info[:2]),
        "implementation": sys.implementation.name,
        "system": sys.platform,
        "machine": platform.machine(),
        "libc": platform.libc_ver()[0] or "another",
    }
    if wheels is not None:
        strange = sorted(path.name for path in wheels.glob("carbonmap-*.whl") if path.name != ours.name)
        if strange:
            raise CannotBundle(f"{wheels} holds {', '.join(strange)} beside the {ours.name} of {dist}: remove it.")
    python = made_for["implementation"] + made_for["python"].replace(".", "")
    name = f"carbonmap-{version}-offline-{python}-{made_for['system']}-{made_for['machine'].lower()}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        (folder / "wheels").mkdir(parents=True)
        fetch_wheels(lock, folder / "wheels", wheels)
        made_for["least_glibc"] = least_glibc(folder / "wheels")
        shutil.copyfile(ours, folder / "wheels" / ours.name)
        shutil.copyfile(lock, folder / "requirements.lock")
        shutil.copyfile(HERE / "install.py", folder / "install.py")
        (folder / "bundle.json").write_text(json.dumps(made_for, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        sums = "".join(f"{_digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
        (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
        target = dist / f"{name}.tar"  # wheels are compressed already
        part = target.with_suffix(".part")
        with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                archive.add(path, f"{name}/{path.relative_to(folder).as_posix()}", filter=_plain)
        part.replace(target)
    return target


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without whose and when: the same files give the same bytes."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


def main() -> int:
    """Make the bundle that the command line asks for; 2 where it cannot be made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dist", type=Path, help="folder with our wheel; gets the bundle")
    parser.add_argument("--wheels", type=Path, help="folder of wheels fetched before")
    parser.add_argument("--lock", type=Path, default=PROJECT / "requirements.lock", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    try:
        made = bundle(asked.dist, asked.lock, asked.wheels)
    except CannotBundle as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    sys.stdout.write(f"{made} ({made.stat().st_size / 1e6:,.0f} MB)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
