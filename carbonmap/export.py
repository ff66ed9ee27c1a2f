"""`carbonmap export`: an edition as files in a folder, or made ahead for a server; the same bytes either way."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from carbonmap.errors import RegionError
from carbonmap.progress import Progress

if TYPE_CHECKING:
    from grids.edition import Edition
    from grids.exports.files import ExportFile
    from grids.exports.stac import Made

ALL, DOCUMENTS, HTML = "all", "documents", "html"


@dataclass(frozen=True)
class Exported:
    """What was written: the folder, and the names in it in the order they were made."""

    folder: Path
    edition: str
    names: tuple[str, ...]
    bytes: int


def export_edition(
    store: Path,
    region: str,
    what: str,
    *,
    edition: str | None = None,
    collections: Sequence[str] = (),
    years: Sequence[int] = (),
    out: Path | None = None,
    progress: Progress,
) -> Exported:
    """Write an edition, or part of it, as files; each appears whole under its name or not at all.

    Args:
        store: folder of the editions.
        region: id of a region in it.
        what: id of a format (`grids.exports.files.FORMATS`), `documents`, or `all`, which adds STAC and SHA256SUMS.
        edition: the one served if none.
        collections: all if none; of `html`, the finest that one page can show whole.
        years: all if none; of `html`, the latest.
        out: folder to write into; `<region>-<edition>` in the working folder if none.
        progress: told of every file.

    Raises:
        RegionError: nothing fits what was asked for.
        GridError: no such region, edition or collection; a table that cannot be written.
    """
    from grids.edition import Store

    opened = Store(store).open(region, edition)
    files = chosen_files(opened, what, collections, years)
    folder = Path(f"{region}-{opened.id}") if out is None else out
    folder.mkdir(parents=True, exist_ok=True)
    # Beside the files, so that a rename puts each in its place; removed whatever happens, Ctrl-C too.
    drafts = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
    try:
        return _write(opened, files, folder, drafts, whole=what == ALL, progress=progress)
    finally:
        shutil.rmtree(drafts, ignore_errors=True)


def make_ahead(store: Path, region: str, settings: Path | None, *, progress: Progress) -> Exported:
    """Make every file of the edition served, where a server over the same store looks for them.

    Args:
        store: folder of the editions.
        region: id of a region in it.
        settings: the server's file of settings; its variables CARBONMAP_EXPORTS and so on go before it.
        progress: told of every file.

    Raises:
        RegionError: the settings cannot be used, or the files are more than a server keeps.
        GridError: no such region; a table that cannot be written.
    """
    from api.errors import SettingsError
    from api.settings import Settings
    from grids.edition import Store
    from grids.exports.files import export_files, is_document
    from grids.exports.shelf import Shelf, shelf_beside

    try:
        decided = Settings.load(settings, store=store)
    except SettingsError as problem:
        raise RegionError(str(problem)) from None
    opened = Store(store).open(region)
    shelf = Shelf(decided.exports or shelf_beside(store), decided.exports_bytes)
    files = [file for file in export_files(opened) if not is_document(file)]
    progress.plan(len(files))
    total = 0
    for done, file in enumerate(files, 1):
        progress.step(file.name)
        total += shelf.make(opened, file).bytes
        if total > shelf.most_bytes:
            raise RegionError(
                f"the first {done} of {len(files)} files of edition {opened.id} have {total:,} bytes, more than the "
                f"{shelf.most_bytes:,} that are kept for a server, so that each next one takes the place of another: "
                "give it more (exports_bytes), or export to a folder and serve that by other means."
            )
    return Exported(shelf.place(opened), opened.id, tuple(file.name for file in files), total)


def chosen_files(
    edition: "Edition", what: str, collections: Sequence[str] = (), years: Sequence[int] = ()
) -> list["ExportFile"]:
    """Return the files that were asked for.

    Raises:
        RegionError: no file fits.
        CollectionNotFound, YearNotFound: asked for by name and not there.
    """
    from grids.exports.files import export_files

    for collection in collections:
        edition.collection(collection)
        for year in years:
            edition.year(collection, year)
    if what == HTML:
        collections = collections or [_shown_whole(edition)]
        years = years or [edition.year(collections[0], None)]
    formats = {DOCUMENTS: ("document",), "csv": ("csv", "csvw")}.get(what, (what,))
    chosen = [
        file
        for file in export_files(edition)
        if (what == ALL or file.format in formats)
        and (file.collection is None or not collections or file.collection in collections)
        and (file.year is None or not years or file.year in years)
    ]
    if not chosen or (what == ALL and years and not any(file.year for file in chosen)):
        asked = ", ".join([*collections, *map(str, years)]) or "any collection"
        raise RegionError(
            f"edition {edition.id} of {edition.region.id} has nothing to export as {what} for {asked}. Grids alone can "
            f"be had as geotiff and netcdf; its collections are {', '.join(edition.collections)}, its years "
            f"{', '.join(map(str, edition.region.years))}."
        )
    return chosen


def _shown_whole(edition: "Edition") -> str:
    """The finest collection that one page can show whole: administrative zones before others."""
    from grids.exports.html_map import MOST_SHAPES

    rows = [info for info in edition.manifest.collections if 0 < info.count <= MOST_SHAPES]
    if not rows:
        raise RegionError(
            f"no collection of {edition.region.id} is small enough to be shown whole in one page; name one with "
            "--collection, and the page shows its largest parts."
        )
    return max(rows, key=lambda info: (info.zone_kind == "administrative", info.count)).id


def _write(
    edition: "Edition",
    files: Sequence["ExportFile"],
    folder: Path,
    drafts: Path,
    *,
    whole: bool,
    progress: Progress,
) -> Exported:
    from grids.exports.files import SUMS, sums_text, write_file
    from grids.exports.stac import Made
    from grids.identity import file_digest

    progress.plan(len(files) + whole)
    made: dict[str, Made] = {}
    for file in files:
        progress.step(file.name)
        draft = drafts / file.name
        write_file(edition, file, draft)
        made[file.name] = Made(draft.stat().st_size, file_digest(draft))
        draft.replace(folder / file.name)
    if whole:
        progress.step("stac, " + SUMS)
        documents = _stac(edition, files, made)
        sums = {name: one.sha256 for name, one in made.items()}
        (folder / "stac" / "items").mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            draft = drafts / "document"
            draft.write_text(text, encoding="utf-8", newline="\n")
            made[name] = Made(draft.stat().st_size, file_digest(draft))
            sums[name] = made[name].sha256
            draft.replace(folder / name)
        draft = drafts / SUMS
        draft.write_text(sums_text(sums), encoding="utf-8", newline="\n")
        draft.replace(folder / SUMS)
        made[SUMS] = Made((folder / SUMS).stat().st_size, "")
    return Exported(folder, edition.id, tuple(made), sum(one.bytes for one in made.values()))


def _stac(edition: "Edition", files: Sequence["ExportFile"], made: "dict[str, Made]") -> dict[str, str]:
    """The STAC documents of these files by name, with relative addresses: the folder may be moved, served anywhere."""
    from grids.exports.public_table import PublicTable
    from grids.exports.stac import Addresses, item_id, stac_collection, stac_item, tables_of
    from grids.shipped import shipped_columns

    dictionary = shipped_columns()
    found = {file.name: made[file.name] for file in files}
    top = Addresses("./collection.json", lambda item: f"./items/{item}.json", lambda name: f"../{name}")
    below = Addresses("../collection.json", lambda item: f"./{item}.json", lambda name: f"../../{name}")
    documents = {"stac/collection.json": stac_collection(edition, files, found, top)}
    for collection, year in tables_of(files):
        table = PublicTable(edition, edition.collection(collection), year, dictionary)
        documents[f"stac/items/{item_id(collection, year)}.json"] = stac_item(table, files, found, below)
    return {name: json.dumps(document, ensure_ascii=False, indent=1) + "\n" for name, document in documents.items()}
