"""What was said to virtual cards in this whole run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.jpki import FORBIDDEN

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.rule(6)
def test_no_forbidden_application_was_ever_selected(whole_apdu_log: Path) -> None:
    """Runs after all other tests (see tests/conftest.py); tests/unit/virtual shows that the log is kept."""
    exchanges = (
        [json.loads(line) for line in whole_apdu_log.read_bytes().splitlines()] if whole_apdu_log.exists() else []
    )

    assert [each for each in exchanges if bytes.fromhex(each["application"]) in FORBIDDEN] == []
