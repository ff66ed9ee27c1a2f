"""Install carbonmap from an offline bundle: `python3 install.py [FOLDER]`. Nothing is asked of any network.

Checks that this Python and this machine are those the bundle was made for, and every file against SHA256SUMS; makes a
virtual environment in FOLDER (default: carbonmap, beside this file), installs the wheels into it, and compiles what
builds compute with. Needs nothing but Python with its modules venv and ensurepip.
"""

from __future__ import annotations  # an older Python must get as far as saying that it is too old

import hashlib
import json
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent


class CannotInstall(Exception):
    """Why not, and what to do."""


def check_machine(made_for: dict[str, str]) -> None:
    """Compare this Python and machine with those of the bundle.

    Raises:
        CannotInstall: they differ; names both.
    """
    here = {
        "python": "{}.{}".format(*sys.version_info[:2]),
        "implementation": sys.implementation.name,
        "system": sys.platform,
        "machine": platform.machine(),
        "libc": platform.libc_ver()[0] or "another",
    }
    wrong = [f"{name} is {here[name]}, not {made_for[name]}" for name in here if here[name] != made_for[name]]
    if here["libc"] == "glibc" and made_for["least_glibc"]:
        version = platform.libc_ver()[1]
        if _numbers(version) < _numbers(made_for["least_glibc"]):
            wrong.append(f"glibc is {version}, less than {made_for['least_glibc']}")
    if wrong:
        raise CannotInstall(
            f"This bundle is for {made_for['implementation']} {made_for['python']} on {made_for['system']} "
            f"{made_for['machine']}; here {', '.join(wrong)}. Run it with that Python (python{made_for['python']} "
            "install.py), or make a bundle on a machine like this one (docs/install.md)."
        )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def check_files(folder: Path) -> None:
    """Compare every file of the bundle with its digest.

    Raises:
        CannotInstall: a file is missing, changed, or was not part of the bundle; names it.
    """
    expected = {}
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        expected[name] = digest
    strangers = {path.relative_to(folder).as_posix() for path in (folder / "wheels").iterdir()} - set(expected)
    if strangers:
        raise CannotInstall(f"{', '.join(sorted(strangers))} is no part of the bundle: unpack it anew.")
    for name, digest in expected.items():
        path = folder / name
        if not path.is_file():
            raise CannotInstall(f"{name} is missing: copy and unpack the bundle anew.")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise CannotInstall(
                    f"{name} is not what was packed (SHA-256 differs): copy and unpack the bundle anew."
                )


def install(folder: Path, target: Path) -> Path:
    """Install the bundle in a folder into a new virtual environment; returns its Python.

    Raises:
        CannotInstall: the target is not empty, or a step failed.
    """
    if target.exists() and any(target.iterdir()):
        raise CannotInstall(f"{target} is not empty: name another folder, or remove it (your stores lie elsewhere).")
    tell(f"making a virtual environment in {target}")
    try:
        venv.create(target, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise CannotInstall(
            f"no virtual environment could be made in {target}: {problem}. On Debian and Ubuntu it needs the package "
            "python3-venv."
        ) from problem
    python = target / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [str(python), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "--isolated", "install", "-q"]
    offline = ["--no-index", "--no-cache-dir", "--find-links", str(folder / "wheels"), "--only-binary", ":all:"]
    tell("installing the wheels")
    run([*pip, *offline, "--require-hashes", "-r", str(folder / "requirements.lock")])
    [ours] = (folder / "wheels").glob("carbonmap-*.whl")
    run([*pip, *offline, "--no-deps", str(ours)])
    tell("compiling for this machine (once, about half a minute)")
    run([str(python), "-P", "-m", "carbonmap.warm_up"])
    return python


def run(command: list[str]) -> None:
    """Run a step.

    Raises:
        CannotInstall: it failed; what it said stands above.
    """
    # Other code is not to be imported, and what is compiled belongs beside the installed code.
    plain = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "NUMBA_CACHE_DIR"}}
    if subprocess.run(command, env=plain, check=False).returncode != 0:
        raise CannotInstall(f"a step failed: {' '.join(command)}. Its own words are above.")


def tell(text: str) -> None:
    """Say what is being done."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Install; 2 where it cannot be done."""
    if len(sys.argv) > 2 or any(word.startswith("-") for word in sys.argv[1:]):
        tell(__doc__ or "")
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    target = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else HERE / "carbonmap"
    try:
        check_machine(json.loads((HERE / "bundle.json").read_text(encoding="utf-8")))
        check_files(HERE)
        python = install(HERE, target)
    except CannotInstall as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    tell(
        f"done. See whether all is well:  {python} -P -m carbonmap doctor\n"
        f"a first map, made up:          {python} -P -m carbonmap demo"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
