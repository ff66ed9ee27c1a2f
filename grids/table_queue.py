"""Tables on their way into files: encoded by one thread and flushed to the disk by another, while their maker goes on.

The pieces of a table are written in the order in which they come, so that its file is the same bytes as if every piece
had been waited for.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa

from grids.background import Background
from grids.durable import sync_file
from grids.parquet import Layout, TableWriter

MOST_WAITING = 2
"""Tables, or pieces of them, that are being encoded or wait for it; each may hold a hundred megabytes."""


class TableQueue:
    """Files of an edition that are being written.

    What goes wrong with one is raised by whatever is called next, at the latest by `finish`.
    """

    def __init__(self) -> None:
        self._encoding = Background(MOST_WAITING)
        self._flushing = Background()
        self._open: list[TableWriter] = []

    def begin(self, path: Path, layout: Layout) -> TableWriter:
        """Begin a table that is handed over piece by piece."""
        path.parent.mkdir(parents=True, exist_ok=True)
        file = TableWriter(path, layout)
        self._open.append(file)
        return file

    def add(self, file: TableWriter, piece: pa.Table) -> None:
        """Hand over the next rows of a table."""
        self._encoding.add(partial(file.write, piece))

    def end(self, file: TableWriter, then: Callable[[], object] | None = None) -> None:
        """End a table; `then` is called when its file is whole."""
        self._encoding.add(partial(self._end, file, then))

    def put(self, path: Path, layout: Layout, table: pa.Table) -> None:
        """Hand over a whole table."""
        file = self.begin(path, layout)
        self.add(file, table)
        self.end(file)

    def put_at_leisure(self, path: Path, layout: Layout, pieces: Iterable[pa.Table]) -> None:
        """Write a table of at least one piece, which are asked for one at a time while nothing else waits.

        That is done by another thread, after this call has returned: what they are made of must not change any more.
        """
        self._encoding.add_at_leisure(self._written(self.begin(path, layout), pieces))

    def finish(self) -> None:
        """Wait until every file is whole and flushed; a table that was not ended is no part of the edition.

        Raises:
            OSError: a file could not be written.
            BaseException: what the pieces of a table could not be made of.
        """
        self._encoding.finish()
        self._flushing.finish()
        self._drop()

    def stop(self) -> None:
        """Give up what is not done yet."""
        self._encoding.stop()
        self._flushing.stop()
        self._drop()

    def _written(self, file: TableWriter, pieces: Iterable[pa.Table]) -> Iterator[None]:
        for piece in pieces:
            file.write(piece)
            yield
        self._end(file, None)

    def _end(self, file: TableWriter, then: Callable[[], object] | None) -> None:
        file.close()
        self._open.remove(file)
        # A disk may take longer for a nation's edition than computing it: flushing it begins before all of it is there.
        self._flushing.add(partial(sync_file, file.path))
        if then is not None:
            then()

    def _drop(self) -> None:
        while self._open:
            file = self._open.pop()
            with contextlib.suppress(OSError, pa.ArrowException):  # a full disk; nobody wants the file any more
                file.close()
            file.path.unlink(missing_ok=True)
