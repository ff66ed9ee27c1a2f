"""What every test shares: where the real inputs are, and that no test skips beside them, nor in CI."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("CARBONMAP_SHARED", PROJECT.parent / "shared"))
NO_INPUTS = "needs the real inputs"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.fixture(scope="session")
def project() -> Path:
    """The checkout under test."""
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real inputs beside the project; a clone without it skips, and says so."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"{NO_INPUTS} in {SHARED}, which is not there")
    return SHARED


def forbid_skip(report: Report) -> Report:
    """Turn a skip into a failure in CI (`CARBONMAP_CI`) and beside the real inputs: there, a test has what it needs.

    The one reason that stays allowed is that the real inputs are not beside the project.
    """
    strict = bool(os.environ.get("CARBONMAP_CI")) or (SHARED / "data").is_dir()
    if not strict or not report.skipped or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if NO_INPUTS in reason and not (SHARED / "data").is_dir():
        return report
    report.outcome = "failed"
    report.longrepr = (
        f"{report.nodeid} was skipped, which neither CI nor a checkout beside the real inputs allows. {reason}"
    )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Watch each test's report for skips."""
    return forbid_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Watch each file's collection for skips of the whole file."""
    return forbid_skip((yield))
