"""A state has one terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kazasu.errors import KazasuError
from kazasu.store.alone import alone

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_terminal_does_not_start_while_the_first_runs(tmp_path: Path) -> None:
    with alone(tmp_path):
        with pytest.raises(KazasuError, match=r"a terminal runs with .* already"), alone(tmp_path):
            pass
        with pytest.raises(KazasuError), alone(tmp_path):
            pass
    with alone(tmp_path):
        pass


def test_the_first_of_two_that_start_without_a_state_makes_it_and_has_it(tmp_path: Path) -> None:
    state = tmp_path / "missing" / "state"
    with alone(state), pytest.raises(KazasuError), alone(state):
        pass
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_state_that_cannot_be_is_the_journals_to_tell(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for nowhere in (tmp_path / "file", tmp_path / "file" / "state"):
        with alone(nowhere), alone(nowhere):
            pass
