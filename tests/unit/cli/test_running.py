from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from kazasu.cli import EXIT_DEFECT
from kazasu.cli.running import keep_running
from kazasu.errors import JournalUnwritable, KazasuError

if TYPE_CHECKING:
    from kazasu.ports.loops import Beat


class Failing:
    """A loop that ends with an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self, beat: Beat) -> None:
        beat()
        raise self._error

    def stop(self) -> None:
        pass


def test_what_a_person_can_mend_is_told_to_whoever_called() -> None:
    with pytest.raises(KazasuError, match="the disk is gone"):
        keep_running([("terminal", Failing(JournalUnwritable("the disk is gone")))], FakeClock(), str)


def test_a_defect_is_logged_with_its_place_and_has_an_exit_code_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    assert keep_running([("terminal", Failing(IndexError("of ours")))], FakeClock(), str) == EXIT_DEFECT
    assert "test_running.py" in caplog.text
