"""Notice a stranger's `api.py` (or `grids/`, ...) that Python would import instead of ours.

Our rooms are imported by plain names, so any file of such a name earlier on the search path takes their place and
fails later in ways that point nowhere. The command line asks here first, before it imports a room.
"""

import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from carbonmap.resources import HOME

ROOMS = ("accounting", "api", "gis", "grids", "scenarios")
"""Our top-level packages beside `carbonmap`."""


class ShadowedPackage(ImportError):
    """A file of somebody else stands where one of our packages should be imported from."""


def refuse_shadowed(rooms: Iterable[str] = ROOMS, home: Path = HOME) -> None:
    """Check that each room would be imported from beside `carbonmap`; nothing is imported by this.

    Args:
        rooms: top-level package names.
        home: the folder that holds our packages.

    Raises:
        ShadowedPackage: names the file that takes a room's place, or the room that is not installed, and the remedy.
    """
    for room in rooms:
        found = _origin(_spec(room))
        if found is None:
            raise ShadowedPackage(
                f"carbonmap needs its own package '{room}', expected in {home / room}, and it is not installed there. "
                "Install carbonmap again (pip install --force-reinstall carbonmap)."
            )
        if found.parent.resolve() != (home / room).resolve():
            raise ShadowedPackage(
                f"{found} takes the place of carbonmap's own package '{room}' (expected in {home / room}), because its "
                "folder comes first on Python's search path. Start the program from another folder, rename that file, "
                "or take its folder out of PYTHONPATH."
            )


def leave_working_folder(home: Path = HOME) -> None:
    """Take the working folder, which `python -m` puts first, off the search path unless it is our own checkout.

    A user's folder of data may well hold an `api.py` or a `numpy.py`; `python -m carbonmap` needs nothing from it.
    """
    if not sys.flags.safe_path and sys.path and Path(sys.path[0]).resolve() != home.resolve():
        del sys.path[0]


def _spec(room: str) -> ModuleSpec | None:
    try:
        return find_spec(room)
    except ValueError:  # already imported by hand, without a spec: treat it as not ours
        return None


def _origin(spec: ModuleSpec | None) -> Path | None:
    """Name the file a module would come from; for a folder without `__init__.py`, that missing file in the folder."""
    if spec is None:
        return None
    if spec.origin is not None and spec.has_location:
        return Path(spec.origin)
    folders = list(spec.submodule_search_locations or [])
    return Path(folders[0]) / "__init__.py" if folders else None
