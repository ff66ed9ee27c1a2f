"""The shelf of made files: whole or absent, one maker at a time, bounded; also with a maker killed at its work."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from grids.edition import Edition
from grids.exports import shelf as shelf_module
from grids.exports.files import FileNotOffered, export_file, sums_text
from grids.exports.shelf import NoRoom, Shelf, shelf_beside
from grids.identity import folder_digest
from grids.store_errors import BuildLocked, EditionError


@pytest.fixture(scope="module")
def edition(small_edition: Edition) -> Edition:
    return small_edition


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def make(shelf: Shelf, edition: Edition, name: str):
    return shelf.make(edition, export_file(edition, name))


# A file that is never done: else its maker could end before it is stopped.
ENDLESS = (
    "import runpy, threading, grids.exports.shelf as shelf; write = shelf.write_file\n"
    "shelf.write_file = lambda *given: (write(*given), threading.Event().wait())\n"
    "runpy.run_module('grids.exports', run_name='__main__', alter_sys=True)"
)


def maker(shelf: Shelf, edition: Edition, name: str, *, endless: bool = False) -> subprocess.Popen[bytes]:
    store = edition.folder.parents[1]
    code = ["-c", ENDLESS] if endless else ["-m", "grids.exports"]
    command = [sys.executable, *code, str(store), edition.region.id, edition.id, name]
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [*command, str(shelf.folder), str(shelf.most_bytes)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root
    )


def test_a_file_is_made_once_and_found_with_its_digest(shelf, edition, monkeypatch):
    assert shelf.find(edition, "grid-1km_2023.csv") is None
    kept = make(shelf, edition, "grid-1km_2023.csv")
    assert hashlib.sha256(kept.path.read_bytes()).hexdigest() == kept.sha256
    monkeypatch.setattr(shelf_module, "write_file", lambda *_: pytest.fail("made again"))
    assert make(shelf, edition, "grid-1km_2023.csv") == kept == shelf.find(edition, "grid-1km_2023.csv")
    assert shelf.kept(edition) == {"grid-1km_2023.csv": kept}


def test_other_code_does_not_serve_what_this_code_made(shelf, edition, monkeypatch):
    make(shelf, edition, "grid-1km_2023.csv")
    monkeypatch.setattr(shelf_module, "export_code", lambda: "f" * 64)
    assert shelf.find(edition, "grid-1km_2023.csv") is None


def test_a_maker_that_fails_leaves_nothing(shelf, edition, monkeypatch):
    def half(_edition, _file, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shelf_module, "write_file", half)
    with pytest.raises(NoRoom, match="No space left"):
        make(shelf, edition, "grid-1km_2023.csv")
    assert {path.name for path in shelf.folder.rglob("*") if path.is_file()} == {".lock"}


def test_two_makers_do_not_work_at_once(shelf, edition, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slow(_edition, _file, path):
        begun.set()
        go_on.wait()
        path.write_bytes(b"x")

    monkeypatch.setattr(shelf_module, "write_file", slow)
    first = threading.Thread(target=make, args=(shelf, edition, "grid-1km_2023.csv"))
    first.start()
    assert begun.wait(120)
    try:
        with pytest.raises(BuildLocked):
            make(shelf, edition, "grid-1km_2023.csv")
        with maker(shelf, edition, "grid-1km_2023.tif") as other:
            assert other.wait(300) == 75, "another process says that it must ask again"
    finally:
        go_on.set()
        first.join()
    assert shelf.find(edition, "grid-1km_2023.csv") is not None


def test_what_nobody_asked_for_longest_makes_room(shelf, edition):
    first = make(shelf, edition, "grid-1km_2022.csv")
    second = make(shelf, edition, "grid-1km_2023.csv")
    for kept, seconds in ((first, 1000), (second, 2000)):
        os.utime(kept.path.with_name(kept.path.name + ".sha256"), (seconds, seconds))
    shelf.touch(first)
    small = Shelf(shelf.folder, most_bytes=first.bytes * 5 // 2)
    third = make(small, edition, "h3-8_2023.csv")
    assert set(shelf.kept(edition)) == {"grid-1km_2022.csv", "h3-8_2023.csv"}
    assert not second.path.exists()
    assert make(Shelf(shelf.folder, most_bytes=1), edition, "h3-8_2022.csv").path.exists(), "the last one always stays"
    assert not third.path.exists()


def test_a_killed_maker_leaves_nothing_that_is_served_and_the_next_cleans_up(shelf, edition, monkeypatch):
    place = shelf.folder / ".making"
    with maker(shelf, edition, "grid-100m_2023.pmtiles", endless=True) as killed:
        while not (place.is_dir() and any(place.iterdir())):
            assert killed.poll() is None, killed.stderr.read().decode()
            time.sleep(0.01)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert any(place.iterdir()), "it was killed at its work"
    assert shelf.kept(edition) == {}
    make(shelf, edition, "grid-1km_2023.csv")
    assert not place.exists()


def test_a_maker_ends_when_whoever_asked_is_gone(shelf, edition):
    with maker(shelf, edition, "grid-100m_2023.pmtiles", endless=True) as orphan:
        assert orphan.stdin is not None
        orphan.stdin.close()
        assert orphan.wait(300) == 2
    assert shelf.kept(edition) == {}


def test_a_maker_says_in_a_line_what_it_cannot_make(shelf, edition):
    with maker(shelf, edition, "grid-7m_2023.tif") as refused:
        assert refused.stderr is not None
        said = refused.stderr.read()  # not `communicate`, which closes the pipe to it: it would end of that
        assert refused.wait(300) == 2
    assert b"has no file 'grid-7m_2023.tif'" in said
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    "name", ["../current", "private/lines-meters.parquet", "manifest", "", "grid-1km_2023.shp", "x" * 5000]
)
def test_names_that_are_no_file_of_the_edition(edition, name):
    with pytest.raises(FileNotOffered):
        export_file(edition, name)


def test_the_shelf_stands_beside_the_store(tmp_path):
    assert shelf_beside(tmp_path / "store") == tmp_path / "store.exports"


def test_sums_are_as_sha256sum_reads_them(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a")
    (tmp_path / "SHA256SUMS").write_text(sums_text({"a.txt": hashlib.sha256(b"a").hexdigest()}))
    done = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "a.txt: OK\n")


def test_other_tables_that_ship_with_us_are_another_place(shelf, edition, monkeypatch):
    here = shelf.place(edition)
    monkeypatch.setattr(shelf_module, "shipped_digest", lambda: "f" * 64)
    shelf_module.export_code.cache_clear()
    try:
        assert shelf.place(edition) != here
    finally:
        shelf_module.export_code.cache_clear()


def test_a_folder_is_known_by_names_and_bytes(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "page.html").write_text("a")
    first = folder_digest(tmp_path)
    (tmp_path / "deep" / "page.html").write_text("b")
    second = folder_digest(tmp_path)
    (tmp_path / "deep" / "page.html").rename(tmp_path / "page.html")
    assert len({first, second, folder_digest(tmp_path)}) == 3
    with pytest.raises(EditionError, match="no files"):
        folder_digest(tmp_path / "deep")


def test_whoever_waits_for_a_maker_goes_on_when_it_has_ended(shelf, tmp_path):
    shelf.folder.mkdir(parents=True)
    lock = shelf.folder / ".lock"
    script = (
        "import sys; from pathlib import Path; from grids.locks import ProcessLock\n"
        "with ProcessLock(Path(sys.argv[1]), 'test'): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout.readline() == "held\n"
        waiting = threading.Thread(target=shelf.wait_for_maker)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        other.stdin.close()
        other.wait()
    waiting.join(120)
    assert not waiting.is_alive()
