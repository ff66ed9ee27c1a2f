"""Where the files that ship with the program are: factor tables, schemas, region files and the built web map.

In a wheel they are package data of `carbonmap`; in a checkout they stand in `data/` and `web/dist`. They are found
beside this file and never by the working folder, so that a stranger's `data/` cannot take their place.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
"""The folder of the `carbonmap` package."""

HOME = PACKAGE.parent
"""The folder that holds our top-level packages: the checkout, or `site-packages`."""


class MissingResource(FileNotFoundError):
    """Files that ship with the program are not where an installation or a checkout has them."""


def is_checkout() -> bool:
    """Say whether the program runs from its source folder (editable or not) rather than from a wheel."""
    return not (PACKAGE / "data").is_dir()


def data_folder() -> Path:
    """Find `factors/`, `schema/` and `regions/`.

    Raises:
        MissingResource: the installation is incomplete; names the folders looked at.
    """
    candidates = [PACKAGE / "data", HOME / "data"]
    for folder in candidates:
        if (folder / "schema").is_dir():
            return folder
    looked = " and ".join(str(folder) for folder in candidates)
    raise MissingResource(
        f"the factor tables and schemas that ship with carbonmap are missing: no folder 'schema' in {looked}. "
        "Install carbonmap again (pip install --force-reinstall carbonmap), or run it from a complete checkout."
    )


def web_folder() -> Path | None:
    """Find the built web map (the folder with its `index.html`); None when a checkout has not built it yet."""
    for folder in (PACKAGE / "web", HOME / "web" / "dist"):
        if (folder / "index.html").is_file():
            return folder
    return None


def region_files() -> dict[str, Path]:
    """List the region files that ship with the program, by name (the file's stem), in order of name."""
    return {file.stem: file for file in sorted((data_folder() / "regions").glob("*.yaml"))}
