"""Run by test_edition_kills.py: builds editions in forked processes that SIGKILL ends after one change of files each.

A kill leaves the files as they are and nothing else: of lines between which no file changes one will do.
Prints one JSON line: how many builds were killed, and what was wrong after any of them.
"""

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pandas as pd
import shapely

import grids.durable
import grids.identity
import grids.locks
import grids.parquet
import grids.publish
import grids.table_queue
from grids.edition import CollectionInfo, EditionWriter, Store
from grids.wholeness import is_whole

CRS = "EPSG:5179"
WATCHED = {
    module.__file__
    for module in (
        grids.publish,
        grids.durable,
        grids.locks,
        grids.identity,
        grids.parquet,
        grids.table_queue,
    )
}
GRID = CollectionInfo(id="grid-100m", title={"en": "100 m"}, kind="grid", cell_size_m=100, origin_m=(0, 0))
ZONES = CollectionInfo(id="dong", title={"en": "dong"}, kind="zones")
SERVED = "0" * 16
MORE = 12
NEVER, AT_SWITCH = -1, -2


def manifest() -> dict[str, Any]:
    region = {"id": "town", "name": {"en": "Town"}, "languages": ["en"], "crs": CRS, "years": [2023]}
    region |= {"bbox": [126.9, 37.5, 127.1, 37.6], "synthetic": True}
    return {"region": region, "sectors": [], "illustrative": {}, "code": {"version": "1", "sha256": "0"}}


def build(store: Path, edition: str) -> None:
    values = int(edition, 16) + np.arange(9.0)
    frame = pd.DataFrame(
        {"id": [f"c{k}" for k in range(9)], "row": 19_500, "col": 9_500 + np.arange(9), "net_tco2e": values}
    )
    with EditionWriter(store, "town", edition, crs=CRS) as writer:
        writer.write_table(GRID, 2023, frame)
        zone = pd.DataFrame({"id": ["z"], "net_tco2e": [values.sum()]})
        writer.write_table(ZONES, 2023, zone, geometry=[shapely.box(950_000, 1_950_000, 951_000, 1_951_000)])
        writer.publish(manifest())


def files_in(store: Path) -> list[tuple[str, int, int, int]]:
    """What a kill leaves of a store but the insides of editions: names, which file each is, how long and of when."""
    found = []
    places = [store / "town", store / ".incoming"]
    while places:
        with contextlib.suppress(FileNotFoundError), os.scandir(places.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                found.append((entry.path, status.st_ino, status.st_size, status.st_mtime_ns))
                if ".incoming" in entry.path and entry.is_dir(follow_symlinks=False):
                    places.append(Path(entry.path))
    return sorted(found)


class DieAfter:
    """Kills its own process after the nth change of files, before the next line of its threads in the watched modules.

    Counts changes if n is never reached. AT_SWITCH: after the change that lets the store serve the edition.
    """

    def __init__(self, store: Path, nth: int) -> None:
        self.left = nth
        self._served = Store(store).current("town") if nth == AT_SWITCH else None
        self.seen = 0
        self._store = store
        self._files = files_in(store)
        self._guard = threading.Lock()

    def watch(self) -> None:
        """Watch this thread and those that it starts."""
        threading.settrace(self.call)
        sys.settrace(self.call)

    def call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code: CodeType = frame.f_code
        return self.line if code.co_filename in WATCHED else None

    def line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            with self._guard:
                files = files_in(self._store)
                if files != self._files:
                    self._files = files
                    self.seen += 1
                    self.left -= 1
                    switched = self._served is not None and Store(self._store).current("town") != self._served
                    if self.left == 0 or switched:
                        os.kill(os.getpid(), signal.SIGKILL)
        return self.line


def killed_after(store: Path, edition: str, nth: int) -> bool:
    """Build in a forked process that dies after the nth change; say whether it died."""
    child = os.fork()
    if child == 0:
        signal.alarm(300)
        DieAfter(store, nth).watch()
        try:
            build(store, edition)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def faults(store: Path, editions: set[str]) -> list[str]:
    """Say what a reader would find wrong now."""
    found = []
    opened = Store(store).open("town")
    if opened.id not in editions:
        found.append(f"serves {opened.id}")
    table = opened.table("grid-100m").to_pandas().sort_values("col")
    if table["net_tco2e"].tolist() != (int(opened.id, 16) + np.arange(9.0)).tolist():
        found.append("serves other numbers")
    for entry in (store / "town").iterdir():
        if entry.is_dir() and not is_whole(entry):
            found.append(f"half an edition is visible: {entry.name}")
    return found


def main(store: Path) -> None:
    """Kill builds after one change or other, each time another edition, on a store that serves one."""
    build(store, SERVED)
    counter = DieAfter(store, NEVER)
    counter.watch()
    build(store, "f" * 16)
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    wrong: list[str] = []
    killed = switched = 0
    # Some more than were counted: what a killed build left is cleared away, and threads take other turns each time.
    for turn, nth in enumerate((*range(1, counter.seen + MORE), AT_SWITCH), start=1):
        edition = f"{turn:016x}"
        before = Store(store).current("town")
        died = killed_after(store, edition, nth)
        killed += died
        wrong += [f"change {nth}: {fault}" for fault in faults(store, {before, edition})]
        switched += died and Store(store).current("town") != before
        leftovers = [path.name for path in (store / ".incoming").iterdir() if path.name.startswith("town-")]
        if len(leftovers) > 1:
            wrong.append(f"change {nth}: leftovers of several builds: {leftovers}")
    build(store, "e" * 16)
    wrong += faults(store, {"e" * 16})
    left = sorted(path.name for path in (store / ".incoming").iterdir())
    result = {"changes": counter.seen, "killed": killed, "switched": switched, "wrong": wrong, "left": left}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
