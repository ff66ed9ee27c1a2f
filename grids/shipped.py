"""Where the tables that ship with the software are, for rooms that may not ask `carbonmap.resources`."""

import hashlib
from functools import lru_cache
from pathlib import Path

from grids.columns import ColumnTable, read_columns
from grids.errors import GridError
from grids.identity import folder_digest


def data_folder() -> Path:
    """Return the folder with `schema/`: package data of `carbonmap` in an installation, `data/` in a checkout.

    Found beside our packages and never by the working folder, so that a stranger's `data/` cannot take its place.

    Raises:
        GridError: the installation is incomplete.
    """
    home = Path(__file__).resolve().parents[1]
    for folder in (home / "carbonmap" / "data", home / "data"):
        if (folder / "schema").is_dir():
            return folder
    raise GridError(
        f"the tables that ship with carbonmap are missing: no folder data/schema beside {home / 'grids'}. "
        "Install carbonmap again (pip install --force-reinstall carbonmap), or run it from a complete checkout"
    )


@lru_cache(maxsize=1)
def shipped_digest() -> str:
    """Return a digest of the tables and scripts that answers and files are written with.

    Raises:
        GridError: the installation is incomplete.
    """
    parts = [folder_digest(data_folder() / name) for name in ("schema", "leaflet")]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


@lru_cache(maxsize=1)
def shipped_columns() -> ColumnTable:
    """Return what every public column means.

    Raises:
        GridError: the installation is incomplete.
    """
    return read_columns(data_folder() / "schema")
