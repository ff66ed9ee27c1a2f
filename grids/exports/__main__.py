"""Makes one file for a server, in a process of its own: a large one takes minutes, all memory of it is given back."""

import os
import sys
import threading
from pathlib import Path

from grids.edition import Store
from grids.errors import GridError
from grids.exports.files import export_file
from grids.exports.room import NoRoom
from grids.exports.shelf import Shelf
from grids.store_errors import BuildLocked, EditionBroken

REFUSED, BROKEN, FULL, BUSY = 2, 65, 73, 75


def main(store: str, region: str, edition: str, name: str, shelf: str, most_bytes: str) -> int:
    """Make a file of an edition on a shelf; BUSY while another process makes one there.

    FULL if it cannot be kept there, BROKEN if a table is damaged, REFUSED if it cannot be made at all.
    """
    try:
        opened = Store(Path(store)).open(region, edition)
        Shelf(Path(shelf), int(most_bytes)).make(opened, export_file(opened, name))
    except BuildLocked:
        return BUSY
    except GridError as problem:
        sys.stderr.write(f"{problem}\n")
        return FULL if isinstance(problem, NoRoom) else BROKEN if isinstance(problem, EditionBroken) else REFUSED
    return 0


def _end_with_the_server() -> None:
    """Wait until the pipe to whoever asked is closed: nobody is left who wants the file."""
    os.read(sys.stdin.fileno(), 1)  # not by a reader with a lock, which the end of the interpreter would wait for
    os._exit(REFUSED)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    raise SystemExit(main(*sys.argv[1:]))
