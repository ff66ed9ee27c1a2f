"""What long work tells of itself, and hears."""

import contextlib
import signal

import pytest

from carbonmap.progress import Terminal


def test_steps_are_lines_where_nobody_looks_at_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal("Building") as progress:
        progress.plan(2)
        progress.step("reading")
        progress.step("writing")
    assert capsys.readouterr().err == "[1/2] reading\n[2/2] writing\n"


def test_steps_before_the_plan_are_counted_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal("Building") as progress:
        progress.step("looking")
        progress.plan(2)
        progress.step("reading")
        progress.step("writing")
    assert capsys.readouterr().err == "[1] looking\n[2/3] reading\n[3/3] writing\n"


def test_ctrl_c_that_was_lost_is_raised_by_the_next_step() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Terminal("Building") as progress:
        progress.step("reading")
        with contextlib.suppress(KeyboardInterrupt):  # as a library does that calls Python back from compiled code
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            progress.step("writing")
    assert signal.getsignal(signal.SIGINT) is before


def test_another_handler_of_ctrl_c_is_left_alone() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: heard.append(number))
    try:
        with Terminal("Building") as progress:
            signal.raise_signal(signal.SIGINT)
            progress.step("reading")
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
