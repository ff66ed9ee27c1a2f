"""Cities for tests of scenarios."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def cities() -> ModuleType:
    """What makes cities in code: `cities.city(rows, cols)`."""
    spec = importlib.util.spec_from_file_location("scenario_cities", Path(__file__).with_name("scenario_cities.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
