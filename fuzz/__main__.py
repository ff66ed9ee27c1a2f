"""Runs one target: `python -m fuzz wkb --seconds 300`; without a name it lists them.

Inputs are tried in another process, since a fault in compiled code ends it. What ends or fails is kept in a file, named
by its digest, to be looked at and moved to the corpus once it is mended.
"""

import argparse
import faulthandler
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fuzz.mutations import mutated
from fuzz.registry import all_targets
from fuzz.target import Target

_FOUND = Path(tempfile.gettempdir()) / "carbonmap-fuzz-found"
_LONGEST_S = 20
"""One input that takes longer is a finding: the process is stopped with a trace of where it was."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns 1 if something was found."""
    parser = argparse.ArgumentParser("python -m fuzz", description="Attack one parser with made-up inputs.")
    parser.add_argument("target", nargs="?", help="its name; all are listed without one")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same inputs")
    parser.add_argument("--found", type=Path, default=_FOUND, help="folder for what is found")
    parser.add_argument("--input", type=Path, action="append", help="try only this file; may be repeated")
    parser.add_argument("--atheris", action="store_true", help="let atheris, if installed, guide mutations by coverage")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    targets = all_targets()
    if given.target is None:
        print("\n".join(f"{name:12} {target.about}" for name, target in targets.items()))  # noqa: T201
        return 0
    if given.target not in targets:
        parser.error(f"there is no target {given.target!r}, expected one of {', '.join(targets)}")
    target = targets[given.target]
    if given.input:
        for path in given.input:
            target.run(path.read_bytes())
        return 0
    if given.atheris:
        return _guided(target, given.seconds, given.found)
    if given.child:
        _attack(target, given.seconds, given.seed, given.child)
        return 0
    return _watched(given.target, given.seconds, given.seed, given.found)


def _attack(target: Target, seconds: float, seed: int, current: Path) -> None:
    """Try mutations until the time is over; each is written to a file before it is tried."""
    faulthandler.enable()
    chance = random.Random(seed)
    known = [*target.seeds, *(path.read_bytes() for path in target.kept())]
    end, tried, taken = time.monotonic() + seconds, 0, 0
    for data in known:
        current.write_bytes(data)
        target.run(data)
    while time.monotonic() < end:
        data = mutated(chance, known, target.words)
        current.write_bytes(data)
        faulthandler.dump_traceback_later(_LONGEST_S, exit=True)
        ok = target.run(data)
        faulthandler.cancel_dump_traceback_later()
        tried, taken = tried + 1, taken + ok
        if ok and len(known) < 500 and chance.random() < 0.05:  # what is taken leads deeper than what is refused
            known.append(data)
    print(f"{target.name}: {tried} inputs, {taken} of them taken")  # noqa: T201


def _watched(name: str, seconds: float, seed: int, found: Path) -> int:
    """Run attacks one after another until the time is over, and keep what ended them."""
    end, findings = time.monotonic() + seconds, 0
    with tempfile.TemporaryDirectory() as folder:
        current = Path(folder) / "input"
        while (left := end - time.monotonic()) > 0:
            command = [sys.executable, "-m", "fuzz", name, "--seconds", f"{left:.0f}", "--seed", str(seed)]
            done = subprocess.run([*command, "--child", str(current)], capture_output=True, text=True, check=False)
            seed += 1
            if not done.returncode:
                print(done.stdout.strip())  # noqa: T201
                break
            findings += 1
            data = current.read_bytes() if current.exists() else b""
            found.mkdir(parents=True, exist_ok=True)
            kept = found / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
            kept.write_bytes(data)
            told = done.stderr.strip().splitlines()
            print(f"{name}: {kept} ended with {done.returncode}:\n  " + "\n  ".join(told[-12:]))  # noqa: T201
    return int(findings > 0)


def _guided(target: Target, seconds: float, found: Path) -> int:
    """Hand the target to atheris (libFuzzer), which ends the process on a finding and keeps the input."""
    try:
        import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        sys.exit("atheris is not installed: run without --atheris, or install it (Linux, Python 3.11 to 3.13)")
    found.mkdir(parents=True, exist_ok=True)
    seeds = found / f"{target.name}-corpus"
    seeds.mkdir(exist_ok=True)
    for data in (*target.seeds, *(path.read_bytes() for path in target.kept())):
        (seeds / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    def tried(data: bytes) -> None:
        target.run(data)

    atheris.instrument_all()
    options = [f"-max_total_time={seconds:.0f}", f"-timeout={_LONGEST_S}", f"-artifact_prefix={found}/{target.name}-"]
    atheris.Setup([sys.argv[0], *options, str(seeds)], tried)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
