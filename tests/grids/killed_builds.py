"""Run by test_edition_kills.py: builds editions in forked processes that SIGKILL ends before one line after the other.

Prints one JSON line: how many builds were killed, and what was wrong after any of them.
"""

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
from grids.publish import is_whole

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


class DieBefore:
    """Kills its own process before the nth line that any of its threads executes in the watched modules.

    Counts lines if n is never reached.
    """

    def __init__(self, nth: int) -> None:
        self.left = nth
        self.seen = 0
        self.publish_begins: int | None = None
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
                self.seen += 1
                if self.publish_begins is None and frame.f_code.co_name == "publish":
                    self.publish_begins = self.seen
                self.left -= 1
                if self.left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        return self.line


def killed_before(store: Path, edition: str, nth: int) -> bool:
    """Build in a forked process that dies before the nth line; say whether it died."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        DieBefore(nth).watch()
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
    """Kill builds at one line after the other, each time another edition, on a store that serves one."""
    counter = DieBefore(-1)
    counter.watch()
    build(store, "f" * 16)
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    lines, begins = counter.seen, counter.publish_begins
    assert begins is not None
    build(store, SERVED)
    wrong: list[str] = []
    killed = switched = 0
    # Every line from the moment publishing begins; before that nothing is visible yet, and every fourth will do.
    moments = [*range(1, begins, 4), *range(begins, lines + 1)]
    for nth in moments:
        edition = f"{nth:016x}"
        before = Store(store).current("town")
        killed += killed_before(store, edition, nth)
        wrong += [f"line {nth}: {fault}" for fault in faults(store, {before, edition})]
        switched += Store(store).current("town") != before
        leftovers = [path.name for path in (store / ".incoming").iterdir() if path.name.startswith("town-")]
        if len(leftovers) > 1:
            wrong.append(f"line {nth}: leftovers of several builds: {leftovers}")
    build(store, "e" * 16)
    wrong += faults(store, {"e" * 16})
    left = sorted(path.name for path in (store / ".incoming").iterdir())
    sys.stdout.write(
        json.dumps({"moments": len(moments), "killed": killed, "switched": switched, "wrong": wrong, "left": left})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
