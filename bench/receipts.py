"""Question `receipts`: what stands behind a number of a nation, for cells and zones of every collection."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.nation import Nation, write_nation
from bench.national import build_of
from bench.report import Report, Row
from grids.edition import Edition, Store
from grids.public_receipts import PublicReceipts
from grids.receipts import Receipts

Tell = Callable[[str], None]
Ask = Callable[[str, str, int], object]

COLUMNS = {
    "receipt": "receipt",
    "collection": "collection",
    "targets": "targets",
    "asked": "asked",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "longest_ms": "longest ms",
    "largest_ms": "largest target ms",
}
AIM_MS = 100.0


def receipts_question(
    nation: Nation, *, store: Path | None, asked: int, threads: int, limit_s: float, tell: Tell
) -> Report:
    """Build a nation, unless a store with one is given, and ask for receipts of places drawn at random.

    Args:
        nation: how large.
        store: with the edition of a nation that was built before (`carbonmap build` of what `nation` generates); else
            one is built, and thrown away.
        asked: places of each collection; the one with the most emissions is asked of too.
        threads: of the build.
        limit_s: for the build.
        tell: is told of each step.

    Raises:
        RuntimeError: the build failed.
    """
    report = Report(
        "receipts", "What stands behind a number", COLUMNS, {"size": nation.size if store is None else "given"}
    )
    with TemporaryDirectory(prefix="bench-") as scratch:
        editions = Path(scratch) / "store" if store is None else store
        if store is None:
            tell(f"generating a nation of {nation.size:,} buildings")
            write_nation(Path(scratch) / "inputs", nation, tell)
            tell("building it")
            built = build_of(Path(scratch) / "inputs", editions, threads=threads, limit_s=limit_s)
            if built.failure:
                raise RuntimeError(built.failure)
        report.rows = _asked(_edition(editions), asked, tell)
    slow = [f"{row['collection']} ({row['receipt']})" for row in report.rows if row["longest_ms"] >= AIM_MS]
    report.notes = [
        "public: what the API answers anybody; true: with the 100 largest features, as `carbonmap receipt` gives it. "
        "One thread of one process, files in the page cache; the first receipt of a process is not counted.",
        "targets: rows of the public table. Places are drawn among them, the same each time.",
        f"Below {AIM_MS:.0f} ms is aimed at; longer took: {', '.join(slow) or 'none'}.",
    ]
    return report


def _edition(store: Path) -> Edition:
    [region] = Store(store).regions()
    return Store(store).open(region)


def _asked(edition: Edition, asked: int, tell: Tell) -> list[Row]:
    public, true = PublicReceipts(edition), Receipts(edition)
    kinds: dict[str, Ask] = {"public": public.receipt, "true": true.receipt}
    rows: list[Row] = []
    for info in edition.manifest.collections:
        year = edition.year(info.id, None)
        table = edition.table(info.id, year).to_pandas()
        ids, net = table["id"].to_numpy(), np.abs(table["net_tco2e"].to_numpy(dtype=np.float64))
        drawn = np.random.default_rng(1).choice(ids.size, min(asked, ids.size), replace=False)
        largest = str(ids[int(np.nanargmax(net))]) if np.isfinite(net).any() else str(ids[0])
        for name, ask in kinds.items():
            tell(f"{name} receipts of {info.id}")
            ask(info.id, str(ids[drawn[0]]), year)  # footers of its tables are read once
            taken = [_milliseconds(ask, info.id, str(item), year) for item in ids[drawn]]
            most = _milliseconds(ask, info.id, largest, year)
            rows.append(
                {
                    "receipt": name,
                    "collection": info.id,
                    "targets": int(ids.size),
                    "asked": len(taken),
                    "p50_ms": float(np.percentile(taken, 50)),
                    "p99_ms": float(np.percentile(taken, 99)),
                    "longest_ms": max(*taken, most),
                    "largest_ms": most,
                }
            )
    return rows


def _milliseconds(ask: Ask, collection: str, item: str, year: int) -> float:
    began = time.perf_counter()
    ask(collection, item, year)
    return 1000 * (time.perf_counter() - began)
