"""`kill -9` in the middle of a build: what was served stays, and no half edition is seen."""

import random
import signal
import subprocess
import sys
import time

from carbonmap.build import build_region
from carbonmap.progress import Silent
from grids.edition import Store

MOMENTS = 10


def test_a_build_killed_at_ten_random_moments_harms_nothing(tiny):
    served = build_region(tiny.write(), None, tiny.store, progress=Silent()).edition
    command = [sys.executable, "-m", "carbonmap", "build", str(tiny.file), "--store", str(tiny.store), "--quiet"]
    tiny.meters = tiny.meters.replace(";1000", ";1001")
    tiny.write()
    started = time.monotonic()
    next_edition = build_region(tiny.file, None, tiny.folder / "elsewhere", progress=Silent()).edition
    in_process = time.monotonic() - started
    chance = random.Random(20260101)
    killed = 0
    for _ in range(MOMENTS):
        build = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        # Importing takes about as long as building; the moments cover both.
        try:
            build.wait(timeout=chance.uniform(0.3, 1.0) * (2.5 + 2 * in_process))
        except subprocess.TimeoutExpired:
            build.send_signal(signal.SIGKILL)
            killed += 1
        build.communicate()
        edition = Store(tiny.store).open("tiny")
        assert edition.id in (served, next_edition)
        for collection in edition.collections.values():
            for year in collection.years:
                assert edition.table(collection.id, year).num_rows == collection.tables[year].rows
        visible = {path.name for path in (tiny.store / "tiny").iterdir()} - {"current"}
        assert visible <= {served, next_edition}
        if edition.id == next_edition:  # this one was quick: make it build again
            build_region(tiny.file, None, tiny.store, progress=Silent())
            break
    assert killed > 0
    last = build_region(tiny.file, None, tiny.store, progress=Silent())
    assert last.edition == next_edition
    assert [path.name for path in (tiny.store / ".incoming").iterdir() if path.is_dir()] == []
