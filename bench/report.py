"""What a question answered: a table for people, JSON for machines."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).resolve().parent.parent
_PACKAGES = (
    "carbonmap", "numpy", "scipy", "shapely", "geopandas", "pyarrow", "numba", "tobler", "exactextract", "duckdb",
    "duckdb-extension-spatial",
)  # fmt: skip

Row = dict[str, Any]


@dataclass
class Report:
    """The answer to one question.

    Attributes:
        question: the command's name.
        title: what was measured.
        columns: name -> heading of what the table shows, in order.
        rows: by name; may hold more than is shown.
        settings: what was asked for: size, repeats, threads.
        missing: peers that could not take part, and why.
        notes: sentences under the table.
    """

    question: str
    title: str
    columns: Mapping[str, str]
    settings: Mapping[str, Any]
    rows: list[Row] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def show(self, console: Console) -> None:
        """Print the table, who is missing, and the notes."""
        asked = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        table = Table(title=f"{self.title} ({asked})", title_justify="left")
        columns = {name: heading for name, heading in self.columns.items() if any(row.get(name) for row in self.rows)}
        for name, heading in columns.items():
            numeric = any(isinstance(row.get(name), int | float) for row in self.rows)
            table.add_column(heading, justify="right" if numeric else "left")
        for row in self.rows:
            table.add_row(*(_shown(row.get(name)) for name in columns))
        console.print(table)
        for name, reason in self.missing.items():
            console.print(f"missing: {name}: {reason}", markup=False)
        for note in self.notes:
            console.print(note, markup=False)

    def write(self, file: Path) -> None:
        """Write everything as JSON, with commit, machine and versions."""
        document = {
            "question": self.question,
            "title": self.title,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            **_commit(),
            "machine": machine(),
            "versions": versions(),
            "settings": dict(self.settings),
            "rows": self.rows,
            "missing": self.missing,
            "notes": self.notes,
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(_without_nan(document), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """The machine, as far as it bears on times."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that take part, those that are installed."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _commit() -> dict[str, Any]:
    """The commit, and whether files differ from it; nothing where there is no git."""
    git = ["git", "-c", "safe.directory=*", "-C", str(PROJECT)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "changed": None}
    return {"commit": head.stdout.strip(), "changed": bool(status.stdout.strip())}


def _shown(value: Any) -> str:
    """Three significant digits; thousands set apart; nothing for what is not known."""
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        if value and abs(value) < 1e-3:
            return f"{value:.0e}"
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _without_nan(value: Any) -> Any:
    """JSON knows no NaN: unknown is null."""
    if isinstance(value, Mapping):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and value != value else value
