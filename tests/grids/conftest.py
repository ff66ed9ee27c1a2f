"""A small whole edition for tests of what is made from one."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from grids.edition import Edition, Store


@pytest.fixture(scope="session")
def small_editions() -> ModuleType:
    """What writes the small edition of the API's tests."""
    path = Path(__file__).parents[1] / "api" / "conftest.py"
    spec = importlib.util.spec_from_file_location("small_editions", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small_edition(small_editions: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """Three grids, zones and hexagons of a little town in two years; made up and partly illustrative."""
    store = tmp_path_factory.mktemp("store")
    small_editions.write_edition(store, "town", "0123456789abcdef")
    return Store(store).open("town")
