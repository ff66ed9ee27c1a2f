"""`carbonmap export`: files in a folder that check out, one folder for everybody, and nothing half done."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pystac
import pytest
from geopandas.testing import assert_geodataframe_equal

import carbonmap
from carbonmap import export
from carbonmap import opened as opened_module
from carbonmap.errors import RegionError
from carbonmap.progress import Silent
from grids.edition import Store
from grids.errors import GridError
from grids.exports import files as export_files_module
from grids.exports.files import SUMS, export_files
from grids.exports.shelf import Shelf, shelf_beside

EDITION = "0123456789abcdef"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def small_editions():
    """What writes the small edition of the API's tests, and serves it."""
    path = Path(__file__).parents[1] / "api" / "conftest.py"
    spec = importlib.util.spec_from_file_location("small_editions", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def store(small_editions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("towns") / "store"
    small_editions.write_edition(store, "town", EDITION)
    return store


@pytest.fixture(scope="module")
def hamlet(small_editions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one grid and one zone set, of which everything is soon exported."""
    store = tmp_path_factory.mktemp("hamlet") / "store"
    with small_editions.EditionWriter(store, "town", EDITION, crs=small_editions.CRS) as writer:
        small_editions.write_grid(writer, 1000, 0, None, 1)
        small_editions.write_zones(writer, 2)
        writer.publish(small_editions.manifest_of("town"))
    return store


@pytest.fixture(scope="module")
def whole(hamlet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything of the hamlet, exported once."""
    folder = tmp_path_factory.mktemp("whole")
    export.export_edition(hamlet, "town", "all", out=folder, progress=Silent())
    return folder


@pytest.fixture
def served(small_editions, store: Path) -> Iterator[str]:
    with small_editions.running(small_editions.Settings(store=store)) as address:
        yield address


# --- the command ------------------------------------------------------------------------------------------------------


def test_all_is_every_file_with_sums_that_check(hamlet: Path, whole: Path) -> None:
    edition = Store(hamlet).open("town")
    names = {str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file()}
    stac = {f"stac/items/{info.id}_{year}.json" for info in edition.manifest.collections for year in info.years}
    assert names == {file.name for file in export_files(edition)} | stac | {"stac/collection.json", SUMS}
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", SUMS], cwd=whole, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert len(checked.stdout.splitlines()) == len(names) - 1


def test_the_stac_of_a_folder_holds_together_wherever_it_stands(whole: Path) -> None:
    collection = pystac.Collection.from_file(str(whole / "stac" / "collection.json"))
    assets = list(collection.assets.values())
    for item in collection.get_items():
        assert item.get_parent() is collection
        assets += item.assets.values()
    assert len(assets) == len(list(whole.glob("*"))) - 2, "every file but SHA256SUMS and the folder stac is an asset"
    for asset in assets:
        path = Path(asset.get_absolute_href())
        assert path.stat().st_size == asset.extra_fields["file:size"]


def test_only_what_was_asked_for(store: Path, tmp_path: Path, command: Command) -> None:
    code, out, _ = command(
        "export",
        "geotiff",
        "town",
        "--store",
        store,
        "-c",
        "grid-1km",
        "-c",
        "grid-500m",
        "-y",
        2023,
        "-o",
        tmp_path / "x",
        "-q",
    )
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["grid-1km_2023.tif", "grid-500m_2023.tif"]
    assert f"2 files of edition {EDITION}" in out


def test_the_stac_of_a_selection_is_of_what_was_selected(store: Path, tmp_path: Path) -> None:
    """It listed items of every table, without a file."""
    export.export_edition(
        store, "town", "all", collections=["municipality"], years=[2023], out=tmp_path, progress=Silent()
    )
    assert [path.name for path in (tmp_path / "stac" / "items").iterdir()] == ["municipality_2023.json"]
    collection = pystac.Collection.from_file(str(tmp_path / "stac" / "collection.json"))
    [item] = collection.get_items()
    assets = [*collection.assets.values(), *item.assets.values()]
    assert {Path(one.get_absolute_href()).name for one in item.assets.values()} > {"municipality_2023.parquet"}
    assert all(Path(one.get_absolute_href()).is_file() for one in assets)
    [[begin, end]] = collection.extent.temporal.intervals
    assert (begin.year, end.year) == (2023, 2023)


def test_files_that_a_server_cannot_keep_are_not_made_ahead(hamlet: Path, tmp_path: Path, command: Command) -> None:
    """All were made, and the first removed again, before it was told."""
    edition, folder = Store(hamlet).open("town"), tmp_path / "shelf"
    names = [file.name for file in export_files(edition) if file.format not in ("document", "csvw")]
    filler = Shelf(folder)
    first = filler.make(edition, next(file for file in export_files(edition) if file.name == names[0]))
    (tmp_path / "carbonmap.toml").write_text(f'exports = "{folder}"\nexports_bytes = 1_000_000\n')
    # A file that counts for much and takes no time: it is there, so that it is not made.
    with first.path.open("r+b") as file:
        file.truncate(999_999)
    code, _, problem = command(
        "export", "all", "town", "--store", hamlet, "--ahead", "-q", "--settings", tmp_path / "carbonmap.toml"
    )
    assert code == 2
    assert f"the first 2 of {len(names)} files" in " ".join(problem.split())
    assert "1,000,000 that are kept" in " ".join(problem.split())
    assert not filler.kept(edition).keys() - set(names[:2]), "what comes after was made all the same"


def test_a_csv_comes_with_its_description(store: Path, tmp_path: Path, command: Command) -> None:
    assert (
        command("export", "csv", "town", "--store", store, "-c", "h3-8", "-y", 2022, "-o", tmp_path / "x", "-q")[0] == 0
    )
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["h3-8_2022.csv", "h3-8_2022.csv-metadata.json"]


def test_html_is_one_page_of_the_finest_zones_that_fit(
    store: Path, tmp_path: Path, command: Command, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("export", "html", "town", "--store", store, "-q")[0] == 0
    assert [path.name for path in (tmp_path / f"town-{EDITION}").iterdir()] == ["municipality_2023.html"]


def test_the_bytes_do_not_depend_on_who_exports(hamlet: Path, whole: Path, command: Command) -> None:
    code, out, _ = command("export", "all", "town", "--store", hamlet, "--ahead", "-q")
    assert code == 0
    shelf = Shelf(shelf_beside(hamlet))
    assert str(shelf.folder) in out
    kept = shelf.kept(Store(hamlet).open("town"))
    assert len(kept) > 10
    for name, file in kept.items():
        assert file.path.read_bytes() == (whole / name).read_bytes(), name


def test_what_is_made_ahead_goes_where_the_settings_say(
    hamlet: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition = Store(hamlet).open("town")
    monkeypatch.setenv("CARBONMAP_EXPORTS", str(tmp_path / "told"))
    monkeypatch.setattr(
        export_files_module,
        "export_files",
        lambda edition: [one for one in export_files(edition) if one.format == "csv"],
    )
    assert command("export", "all", "town", "--store", hamlet, "--ahead", "-q")[0] == 0
    by_variable = Shelf(tmp_path / "told").kept(edition)
    assert by_variable
    monkeypatch.delenv("CARBONMAP_EXPORTS")
    (tmp_path / "carbonmap.toml").write_text(f'exports = "{tmp_path / "file"}"\n')
    settings = ("--settings", tmp_path / "carbonmap.toml")
    assert command("export", "all", "town", "--store", hamlet, "--ahead", "-q", *settings)[0] == 0
    assert Shelf(tmp_path / "file").kept(edition).keys() == by_variable.keys()
    monkeypatch.setenv("CARBONMAP_EXPORTS_BYTES", "few")
    code, _, problem = command("export", "all", "town", "--store", hamlet, "--ahead", "-q")
    assert (code, "CARBONMAP_EXPORTS_BYTES" in problem) == (2, True)
    code, _, problem = command("export", "all", "town", "--store", hamlet, "-q", *settings)
    assert (code, "--ahead only" in problem) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("netcdf", "town", "-c", "municipality"), "Grids alone can be had as geotiff and netcdf"),
        (("csv", "town", "-c", "grid-7m"), "has no collection 'grid-7m'"),
        (("csv", "town", "-c", "grid-1km", "-y", "1999"), "has no year 1999"),
        (("csv", "town", "-y", "1999"), "its years 2022, 2023"),
        (("all", "town", "-y", "1999"), "its years 2022, 2023"),
        (("csv", "city"), "no region 'city'"),
        (("csv", "town", "--edition", "ffffffffffffffff"), "no edition ffffffffffffffff"),
        (("html", "town", "--ahead"), "give it with the format all"),
    ],
)
def test_what_cannot_be_is_one_paragraph(
    store: Path, tmp_path: Path, command: Command, arguments, said: str, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, problem = command("export", *arguments, "--store", store, "-q")
    assert code == 2
    assert said in problem
    assert "Traceback" not in problem
    assert not list(tmp_path.iterdir()), "a folder was left for nothing"


def test_a_file_that_fails_leaves_the_whole_ones_only(store: Path, tmp_path: Path, monkeypatch) -> None:
    import grids.exports.files

    write = grids.exports.files.write_file

    def failing(edition, file, path):
        write(edition, file, path)
        if file.name == "grid-1km_2023.csv":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(grids.exports.files, "write_file", failing)
    with pytest.raises(OSError, match="No space"):
        export.export_edition(store, "town", "csv", out=tmp_path / "x", progress=Silent())
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["grid-1km_2022.csv"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_stops_it_finds_whole_files_only(store: Path, tmp_path: Path, sent: signal.Signals, code: int) -> None:
    arguments = ["export", "pmtiles", "town", "--store", str(store), "--out", str(tmp_path / "x"), "-c", "grid-100m"]
    root = Path(carbonmap.__file__).parents[1]
    # A file that is never done: else the command could end before it is stopped.
    script = (
        "import runpy, threading, grids.exports.files as files; write = files.write_file\n"
        "files.write_file = lambda *given: (write(*given), print('written', flush=True), threading.Event().wait())\n"
        "runpy.run_module('carbonmap', run_name='__main__', alter_sys=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=root,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as stopped:
        assert stopped.stdout is not None
        assert stopped.stdout.readline() == "written\n"
        assert list((tmp_path / "x").glob(".making-*/*"))
        stopped.send_signal(sent)
        _, said = stopped.communicate()
    assert stopped.returncode == code
    assert "Traceback" not in said
    assert not [
        path for path in (tmp_path / "x").iterdir() if path.name.startswith(".making") or path.stat().st_size == 0
    ]


def test_help_teaches(command: Command) -> None:
    code, out, _ = command("export", "--help")
    assert code == 0
    for word in ("geoparquet", "xarray", "offline", "SHA256SUMS", "carbonmap export html demo"):
        assert word in out


def test_progress_names_every_file(store: Path, tmp_path: Path) -> None:
    steps: list[str] = []

    class Listening(Silent):
        def step(self, what: str) -> None:
            steps.append(what)

    done = export.export_edition(store, "town", "documents", out=tmp_path / "x", progress=Listening())
    assert steps == list(done.names)
    assert "LICENSE.txt" in steps


# --- carbonmap.open ---------------------------------------------------------------------------------------------------


def test_a_store_and_a_server_give_the_same_frames(store: Path, served: str) -> None:
    here, there = carbonmap.open(store), carbonmap.open(served)
    assert there.manifest == here.manifest
    assert there.regions == here.regions == ["town"]
    for frames in (
        [place.cells("100m", year=2022) for place in (here, there)],
        [place.zones("municipality") for place in (here, there)],
        [place.hexagons(8) for place in (here, there)],
    ):
        assert_geodataframe_equal(*frames, check_less_precise=False)
        assert frames[0].attrs == frames[1].attrs
        assert frames[0].attrs["edition"] == EDITION
        assert frames[0].attrs["synthetic"] is True
        assert frames[0].crs.to_epsg() == 32632


def test_frames_are_the_public_table(store: Path) -> None:
    table = Store(store).open("town").table("grid-100m", 2023)
    frame = carbonmap.open(store).cells("100m")
    assert frame["id"].tolist() == table["id"].to_pylist()
    assert frame["net_tco2e"].isna().sum() == table["net_tco2e"].null_count
    assert frame.geometry.area.unique().tolist() == [10_000.0]


@pytest.mark.parametrize("size", ["1km", "1000m", "grid-1km", 1000])
def test_a_grid_has_several_names(store: Path, size: str | int) -> None:
    assert carbonmap.open(store).cells(size).attrs["collection"] == "grid-1km"


@pytest.mark.parametrize("size", [None, 1e3, True])
def test_a_size_that_is_none_says_what_is_expected(store: Path, size: object) -> None:
    with pytest.raises(GridError, match="expected '100m'"):
        carbonmap.open(store).cells(size)


def test_a_year_is_a_whole_number(store: Path) -> None:
    with pytest.raises(GridError, match="got '2023', expected a whole number"):
        carbonmap.open(store).zones("municipality", year="2023")


def test_places_of_every_kind_open(store: Path, served: str) -> None:
    for place in (
        store,
        str(store),
        store / "town",
        store / "town" / EDITION,
        served,
        f"{served}/",
        f"{served}/api/town",
    ):
        opened = carbonmap.open(place)
        assert (opened.region, opened.edition) == ("town", EDITION)
    assert carbonmap.open(served, region="town", edition=EDITION).years == [2022, 2023]
    assert EDITION in repr(opened)


def test_what_cannot_be_opened_says_why(store: Path, served: str, tmp_path: Path, small_editions) -> None:
    with pytest.raises(RegionError, match="there is no folder"):
        carbonmap.open(tmp_path / "nothing")
    for nothing in ("", None):
        with pytest.raises(RegionError, match="a folder or an address was expected, got"):
            carbonmap.open(nothing)  # type: ignore[arg-type]
    with pytest.raises(RegionError, match="begins with s3://"):
        carbonmap.open("s3://bucket/store")
    with pytest.raises(RegionError, match="has no region"):
        carbonmap.open(tmp_path)
    with pytest.raises(RegionError, match="cannot be reached"):
        carbonmap.open("http://127.0.0.1:9")
    with pytest.raises(RegionError, match=r"answers 404: .*no region 'city'"):
        carbonmap.open(served, region="city")
    small_editions.write_edition(tmp_path / "two", "town", EDITION)
    small_editions.write_edition(tmp_path / "two", "village", EDITION)
    with pytest.raises(RegionError, match="town, village: say which"):
        carbonmap.open(tmp_path / "two")
    assert carbonmap.open(tmp_path / "two", region="village").region == "village"
    opened = carbonmap.open(store)
    with pytest.raises(GridError, match=r"no grid '50m'; .* grid-1km, grid-500m, grid-100m"):
        opened.cells("50m")
    with pytest.raises(GridError, match="no year 1999; it has 2022, 2023"):
        opened.zones("municipality", year=1999)
    with pytest.raises(GridError, match="no hexagons '9'"):
        opened.hexagons(9)


def test_an_address_names_region_and_edition(small_editions, tmp_path: Path) -> None:
    """The edition in an address was dropped, and the one that is served opened instead."""
    other = "fedcba9876543210"
    for edition in (other, EDITION):
        small_editions.write_edition(tmp_path / "two", "town", edition)
    small_editions.write_edition(tmp_path / "two", "village", EDITION)
    with small_editions.running(small_editions.Settings(store=tmp_path / "two")) as address:
        named = f"{address}/api/town/?edition={other}"
        assert carbonmap.open(f"{address}/api/town/").edition == EDITION
        for place in (named, f"{address}/?region=town&sector=forest&edition={other}&at=12/47/9.5"):
            opened = carbonmap.open(place)
            assert (opened.region, opened.edition) == ("town", other)
        assert carbonmap.open(named, edition=other).edition == other
        assert carbonmap.open(f"{address}/?region=village").region == "village"
        for place, said in (
            (f"{address}/api/town/collections/grid-1km/items?limit=5&edition={other}", r"asks for limit, which cannot"),
            (f"{named}&edition={EDITION}", "names 2 editions"),
            (f"{address}/api/town/?edition=", "the id of one was expected"),
        ):
            with pytest.raises(RegionError, match=said):
                carbonmap.open(place)
        with pytest.raises(RegionError, match=f"names the edition {other}, and edition='{EDITION}' was given"):
            carbonmap.open(named, edition=EDITION)
        with pytest.raises(RegionError, match="names the region town, and region='village' was given"):
            carbonmap.open(named, region="village")
    with pytest.raises(RegionError, match=f"names the edition {EDITION}, and edition='{other}' was given"):
        carbonmap.open(tmp_path / "two" / "town" / EDITION, edition=other)


def test_a_file_that_is_being_made_is_waited_for(small_editions, store: Path, tmp_path: Path, monkeypatch) -> None:
    settings = small_editions.Settings(store=store, exports=tmp_path / "exports", export_wait_s=0)
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        time.sleep(0.2)  # not as long, so that the test is soon over

    monkeypatch.setattr(opened_module, "sleep", pause)
    with small_editions.running(settings) as address:
        assert len(carbonmap.open(address).zones("municipality")) == 3
    assert 5 in paused, "as long as the server says"


def test_patience_that_ends_says_what_the_server_said(
    small_editions, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened_module, "_PATIENCE_S", 4)
    settings = small_editions.Settings(store=store, exports=tmp_path / "exports", export_wait_s=0)
    with small_editions.running(settings) as address:
        opened = carbonmap.open(address)
        with pytest.raises(
            RegionError, match=r"answers 503: municipality_2023.parquet is being made.*ask again in 5 s"
        ):
            opened.zones("municipality")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"export_seconds": 0.001}, "took longer than 0.001 s to make, the most that a file may"),
        ({"exports": Path(__file__)}, "The file cannot be kept: the server has no room for it"),
    ],
)
def test_what_a_server_refuses_to_make_is_told_at_once(
    small_editions, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings, said: str
) -> None:
    """It was asked for again for half an hour, and then said to be still in the making."""

    def asleep(seconds: float) -> None:
        raise AssertionError(f"waits {seconds} s for what was refused")

    given = {"exports": tmp_path / "exports", "export_wait_s": 20, **settings}
    with small_editions.running(small_editions.Settings(store=store, **given)) as address:
        opened = carbonmap.open(address)
        monkeypatch.setattr(opened_module, "sleep", asleep)
        with pytest.raises(RegionError, match=f"answers 503: .*{said}"):
            opened.zones("municipality")


def test_opening_imports_no_server(store: Path) -> None:
    code = f"import carbonmap, sys; carbonmap.open({str(store)!r}).cells('1km'); print('api' in sys.modules)"
    root = Path(carbonmap.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False"


def test_a_manifest_from_disk_is_the_public_one(store: Path) -> None:
    assert '"b17"' not in json.dumps(carbonmap.open(store).manifest)
