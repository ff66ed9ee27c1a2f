"""The factor tables and the schema of assumptions, as shipped."""

from pathlib import Path

import pytest

from accounting.factors import FactorTable


@pytest.fixture(scope="session")
def factor_folder(project: Path) -> Path:
    return project / "data" / "factors"


@pytest.fixture(scope="session")
def factors(factor_folder: Path) -> FactorTable:
    return FactorTable.load(factor_folder)


@pytest.fixture(scope="session")
def assumption_schema(project: Path) -> Path:
    return project / "data" / "schema" / "assumptions.csv"
