"""Parquet files as they were given: opened so that damage shows, which is then told by the row group it lies in.

Writers may note a checksum with each page (pyarrow: `write_page_checksum=True`; Spark does by itself). Then bytes that
changed since are never taken for values; without, they show only where they make no sense any more.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gis.errors import UnreadableFile

_ROWS_AT_ONCE = 1 << 16


def open_parquet(source: Any, **options: Any) -> pq.ParquetFile:
    """Open a file, of which pages are held against their checksums where they have any, as they are read.

    Args:
        source: its path, or the file itself, opened by pyarrow.
        options: further ones of `pyarrow.parquet.ParquetFile`.

    Raises:
        pyarrow.ArrowException, OSError: it is no Parquet file; reading it raises the same where it is damaged.
    """
    return pq.ParquetFile(source, page_checksum_verification=True, **options)


@contextmanager
def told_by_row_group(path: Path, columns: Sequence[str], *, elsewhere: bool = False) -> Iterator[None]:
    """Tell what goes wrong while a file is read by the row group in which it does.

    Args:
        path: the file.
        columns: those that are read.
        elsewhere: it is not read here but from where it came from, and `path` is a copy: what is not damaged in the
            copy is the business of who reads it elsewhere, and goes on as an `OSError`.

    Raises:
        UnreadableFile: names file, row group and its rows, and the remedy.
        MemoryError: there is too little of it, which says nothing of the file.
        OSError: the trouble is elsewhere.
    """
    try:
        yield
    except MemoryError:
        raise
    except pa.ArrowNotImplementedError as problem:
        raise UnreadableFile(
            f"{path.name} is Parquet that uses what this pyarrow ({pa.__version__}) cannot read "
            f"({_first_line(problem)}): write it anew with an encoding and a compression that are common"
        ) from problem
    except (pa.ArrowException, OSError) as problem:
        found = _damage(path, columns)
        if found is None and elsewhere:
            if isinstance(problem, OSError):
                raise
            raise OSError(_first_line(problem)) from problem
        where, reason = found or ("", _first_line(problem))
        raise UnreadableFile(
            f"{path.name} cannot be read as Parquet{where} ({reason}); it is damaged or truncated: copy it again from "
            "where it came from, or write it anew"
        ) from problem


def _damage(path: Path, columns: Sequence[str]) -> tuple[str, str] | None:
    """The first row group that cannot be read by itself, and why; None if each can, or the file cannot be opened."""
    begin, where = 0, ""
    try:
        with open_parquet(path) as file:
            for group in range(file.num_row_groups):
                end = begin + file.metadata.row_group(group).num_rows
                where = f" in row group {group + 1} of {file.num_row_groups} (rows {begin + 1:,} to {end:,})"
                for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=list(columns)):
                    batch.validate(full=True)
                begin = end
    except (pa.ArrowException, OSError) as problem:
        return (where, _first_line(problem)) if where else None
    return None


def _first_line(problem: Exception) -> str:
    words = str(problem).strip().splitlines() or [type(problem).__name__]
    return words[0][:200]
