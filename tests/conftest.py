"""What every test shares: where the real inputs are."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project() -> Path:
    """The checkout under test."""
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real inputs beside the project; a clone without it skips, and says so."""
    folder = Path(os.environ.get("CARBONMAP_SHARED", PROJECT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"needs the real inputs in {folder}, which is not there")
    return folder
