"""What was said to virtual cards in this whole run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.jpki import AID_JPKI, FORBIDDEN
from kazasu.virtual.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.rule(6)
def test_no_forbidden_application_was_ever_selected(whole_apdu_log: Path, tmp_path: Path) -> None:
    """Runs after all other tests (tests/conftest.py), and taps once itself: an empty log would prove nothing."""
    with Stage(tmp_path) as stage, stage.daemon:
        stage.tap(stage.staff[0].card)
    exchanges = [json.loads(line) for line in whole_apdu_log.read_bytes().splitlines()]
    selected = {bytes.fromhex(exchange["application"]) for exchange in exchanges}
    assert AID_JPKI in selected
    assert selected.isdisjoint(FORBIDDEN)
