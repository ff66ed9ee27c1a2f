"""Whether an edition on disk is to the byte what was published."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from grids.identity import file_digest
from grids.manifest import read_manifest
from grids.store_errors import EditionBroken

PRIVATE_FOLDER = "private"

DIGESTS = "digests.json"
"""In `private/`: what the manifest does not say because anybody may read it, digests of private and context files."""


def is_whole(folder: Path) -> bool:
    """Whether a folder holds an edition that can be served: tables to the byte as declared, the rest readable.

    Whatever a reader refuses with the advice to build again must be built again.
    """
    try:
        manifest = read_manifest(folder)
        for kind in manifest.context:
            pq.read_metadata(folder / "context" / f"{kind}.parquet")
        return not damaged_aside(folder) and all(
            file_digest(folder / "tables" / collection.id / f"{year}.parquet") == table.sha256
            for collection in manifest.collections
            for year, table in collection.tables.items()
        )
    except (EditionBroken, OSError, pa.ArrowException):
        return False


def kept_aside(folder: Path) -> list[Path]:
    """Files of an edition whose digests its manifest does not say: private and context ones."""
    found = [*(folder / PRIVATE_FOLDER).glob("*"), *(folder / "context").glob("*")]
    return sorted(path for path in found if path.is_file() and path != folder / PRIVATE_FOLDER / DIGESTS)


def damaged_aside(folder: Path) -> list[str]:
    """Private and context files of an edition that are missing, or not what was published.

    None are known of an edition without private tables, and of those of older programs (`has_digests`).

    Raises:
        OSError: a file cannot be read.
    """
    try:
        listing: dict[str, str] = json.loads((folder / PRIVATE_FOLDER / DIGESTS).read_bytes())
        return [
            name
            for name, digest in listing.items()
            if not (folder / name).is_file() or file_digest(folder / name) != digest
        ]
    except FileNotFoundError:
        return []
    except (ValueError, AttributeError):
        return [f"{PRIVATE_FOLDER}/{DIGESTS}"]


def has_digests(folder: Path) -> bool:
    """Whether damage to the private and context files of an edition can be told; it cannot of older programs'."""
    return (folder / PRIVATE_FOLDER / DIGESTS).is_file() or not (folder / PRIVATE_FOLDER).is_dir()
