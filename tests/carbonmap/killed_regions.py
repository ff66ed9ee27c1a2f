"""Run by test_killed.py: builds a region in forked processes, each ended by a timer in the middle of its work.

The timer counts what the build has of the processor, so that a busy machine moves no moment; the signal's own action
ends the process where it is, as `kill -9` does. Each build is of other readings: none goes on from another one's parts.
Prints one JSON line: how many builds were ended, what was wrong after any of them, and whether the store serves the
last edition and holds nothing half done in the end.
"""

import json
import os
import random
import signal
import sys
import traceback
from pathlib import Path

from carbonmap.build import build_region
from carbonmap.progress import Silent
from grids.edition import Store
from grids.wholeness import is_whole

MOMENTS = 10


def built(file: Path, store: Path) -> str:
    return build_region(file, None, store, progress=Silent()).edition


def forked(file: Path, store: Path, most_s: float) -> tuple[bool, float]:
    """Build in a forked process that ends after so many seconds of the processor; whether it did, and how many it had.

    Args:
        file: of the region.
        store: to build into.
        most_s: seconds; 0: until it is done.
    """
    child = os.fork()
    if child == 0:
        signal.alarm(300)
        signal.setitimer(signal.ITIMER_PROF, most_s)
        try:
            built(file, store)
        except Exception:  # noqa: BLE001 - of whatever it fails, this process is not to go on with the parent's work
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    was_ended = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF
    if status and not was_ended:
        raise RuntimeError(f"a build ended otherwise, with status {status}")
    return was_ended, used.ru_utime + used.ru_stime


def visible(store: Path) -> set[str]:
    """Editions that a reader could open."""
    return {path.name for path in (store / "tiny").iterdir()} - {"current"}


def faults(store: Path, served: set[str]) -> list[str]:
    """Say what a reader would find wrong now."""
    edition = Store(store).open("tiny")
    found = [] if edition.id in served else [f"serves {edition.id}"]
    for collection in edition.collections.values():
        for year in collection.years:
            if edition.table(collection.id, year).num_rows != collection.tables[year].rows:
                found.append(f"half of {collection.id} in {year}")
    half = [name for name in sorted(visible(store)) if not is_whole(store / "tiny" / name)]
    return found + [f"half of {name} is visible" for name in half]


def main(file: Path) -> None:
    """End builds at ten moments of their work, on a store that serves an edition."""
    meters, store = file.with_name("meters.csv"), file.with_name("store")
    readings = meters.read_text("utf-8")
    before = built(file, store)
    _, whole_s = forked(file, file.with_name("elsewhere"), 0)
    chance = random.Random(20260101)
    wrong: list[str] = []
    ended = 0
    for moment in range(MOMENTS):
        meters.write_text(readings.replace(";1000", f";{1001 + moment}"), "utf-8")
        known = visible(store)
        was_ended, _ = forked(file, store, whole_s * (moment + chance.random()) / MOMENTS)
        ended += was_ended
        served = {before}
        if not was_ended or visible(store) - known:  # it was done, or ended when it was published
            now = Store(store).current("tiny")
            served.add(built(file, store))
            wrong += [f"moment {moment}: serves {now}"] * (now not in served)
        wrong += [f"moment {moment}: {fault}" for fault in faults(store, served)]
        before = Store(store).current("tiny")
    last = built(file, store)
    result = {
        "ended": ended,
        "wrong": wrong,
        "serves the last": Store(store).current("tiny") == last,
        "left": [path.name for path in (store / ".incoming").iterdir() if path.is_dir()],
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
