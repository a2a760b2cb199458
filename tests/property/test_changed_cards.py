"""Whatever is changed in a recorded card's answers: its own identifier, or an error of the card, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.changed_card import CHANGE_BYTES, play

FOUND = sorted((Path(__file__).parents[1] / "vectors" / "fuzz").glob("*.bin"))

changes = st.lists(st.binary(min_size=CHANGE_BYTES, max_size=CHANGE_BYTES), min_size=1, max_size=4).map(b"".join)


@settings(max_examples=4000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(which=st.integers(0, 255), changed=changes)
def test_changed_answers_are_read_or_refused(which: int, changed: bytes) -> None:
    play(bytes([which]) + changed)


@pytest.mark.parametrize("file", FOUND, ids=lambda file: file.stem)
def test_what_was_found_once_is_read_or_refused(file: Path) -> None:
    play(file.read_bytes())
