"""What was said to virtual cards in this whole run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.gallery import AID_DESFIRE
from kazasu.virtual.jpki import AID_COMMON, AID_JPKI, FORBIDDEN
from kazasu.virtual.piv import AID as AID_PIV
from kazasu.virtual.staff_card import AID_AES
from kazasu.virtual.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.rule(6)
def test_no_forbidden_application_was_ever_selected(whole_apdu_log: Path, tmp_path: Path) -> None:
    """Runs after all other tests (tests/conftest.py), and taps each kind itself: an empty log would prove nothing."""
    with Stage(tmp_path, of_each_kind=True) as stage, stage.daemon:
        assert stage.gallery is not None
        for exhibit in stage.gallery.exhibits:
            stage.tap(exhibit.card)
    exchanges = [json.loads(line) for line in whole_apdu_log.read_bytes().splitlines()]
    selected = {bytes.fromhex(exchange["application"]) for exchange in exchanges}
    assert selected >= {AID_JPKI, AID_COMMON, AID_AES, AID_PIV, AID_DESFIRE}
    assert selected.isdisjoint(FORBIDDEN)
