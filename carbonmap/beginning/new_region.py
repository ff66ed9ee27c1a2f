"""`carbonmap init`: writes the region file, checks that it reads, and puts the forms beside it."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from carbonmap.beginning.proposal import Proposal, checked_id
from carbonmap.beginning.templates import form_files
from carbonmap.beginning.writing import region_text
from carbonmap.errors import RegionError
from carbonmap.region import RegionFile, find_region_file
from carbonmap.resources import region_files
from gis.errors import listed

FORMS_FOLDER = "forms"


@dataclass
class Written:
    """What was written.

    Attributes:
        region: the region file.
        others: files beside it.
    """

    region: Path
    others: list[Path] = field(default_factory=list)


def write_proposal(proposal: Proposal, folder: Path, inputs: Path, *, overwrite: bool, forms: bool) -> Written:
    """Write a proposed region file, and the CSV forms into `forms/`.

    Args:
        proposal: as `propose` made it.
        folder: gets `<id>.yaml`.
        inputs: the folder that was looked through.
        overwrite: replace a file of that name.
        forms: put the forms there, too.

    Raises:
        RegionError: no region may be called so, there is a file of that name, or what would be written does not read;
            nothing was written.
    """
    checked_id(proposal.id)
    target = folder / f"{proposal.id}.yaml"
    _refuse_there([target], overwrite=overwrite)
    text = region_text(proposal)
    _validate(text, target, inputs)
    _put(target, text.encode())
    return Written(target, _write_forms(folder) if forms else [])


def copy_shipped(name: str, shipped: str, folder: Path, *, overwrite: bool, forms: bool) -> Written:
    """Copy a region file that ships, the files that ship with it, and the forms.

    Args:
        name: what the copy is called.
        shipped: which region.
        folder: gets the files.
        overwrite: replace files of these names.
        forms: put the forms there, too.

    Raises:
        RegionError: no region of that name ships, none may be called so, or there is a file of that name, whose bytes
            are others; nothing was written.
    """
    source = find_region_file(shipped)
    if shipped not in region_files():
        raise RegionError(f"--from {shipped}: expected one of the regions that ship: {', '.join(region_files())}")
    checked_id(name)
    target = folder / f"{name}.yaml"
    copies = {folder / file.name: file.read_bytes() for file in sorted(source.parent.glob(f"{shipped}-*"))}
    # What came with another copy of this region and was not touched since may be shared.
    copies = {path: data for path, data in copies.items() if not (path.is_file() and path.read_bytes() == data)}
    _refuse_there([target, *copies], overwrite=overwrite)
    text = source.read_text("utf-8").replace(f"\nid: {shipped}\n", f"\nid: {name}\n", 1)
    _validate(text, target)
    for path, data in copies.items():
        _put(path, data)
    _put(target, text.encode())
    return Written(target, list(copies) + (_write_forms(folder) if forms else []))


def _refuse_there(paths: Sequence[Path], *, overwrite: bool) -> None:
    there = [str(path) for path in paths if path.exists()]
    if there and not overwrite:
        raise RegionError(
            f"{listed(there)} is there already, and may hold your work; nothing was written. Choose another name, or "
            "say --overwrite"
        )


def _validate(text: str, target: Path, inputs: Path | None = None) -> None:
    """Read a region file before it replaces anything."""
    with tempfile.TemporaryDirectory(prefix="carbonmap-init-") as scratch:
        trial = Path(scratch) / target.name
        trial.write_text(text, encoding="utf-8", newline="\n")
        try:
            RegionFile(trial, inputs)
        except RegionError as problem:
            raise RegionError(f"nothing was written: {str(problem).replace(str(trial), str(target))}") from None


def _put(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it, so that it is the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(data)
    fresh.replace(path)


def _write_forms(folder: Path) -> list[Path]:
    """Copy the forms that are not there yet; a form that somebody filled is never touched."""
    written = []
    for form in form_files():
        target = folder / FORMS_FOLDER / form.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(form, target)
            written.append(target)
    return written
