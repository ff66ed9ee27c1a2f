"""Where the tables that ship with the software are, for rooms that may not ask `carbonmap.resources`."""

from pathlib import Path

from grids.errors import GridError


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
