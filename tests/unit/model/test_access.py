from __future__ import annotations

import pytest

from kazasu.model.access import Assurance, Decision, DenyReason
from kazasu.model.cue import CueName


def test_assurance_is_ordered_by_strength() -> None:
    assert list(Assurance) == sorted(Assurance)
    assert [assurance.word for assurance in sorted(Assurance)] == [
        "paper",
        "vouched",
        "code",
        "serial",
        "signed_data",
        "challenge",
        "challenge_pin",
    ]


@pytest.mark.parametrize("assurance", Assurance)
def test_an_assurance_is_read_back_from_its_word(assurance: Assurance) -> None:
    assert Assurance.from_word(assurance.word) is assurance


@pytest.mark.parametrize("word", ["", "SERIAL", "pin", "1"])
def test_another_word_is_refused_and_the_right_ones_are_named(word: str) -> None:
    with pytest.raises(ValueError, match="paper, vouched, code, serial, signed_data, challenge, challenge_pin"):
        Assurance.from_word(word)


def test_a_decision_is_granted_exactly_when_it_has_no_reason() -> None:
    assert Decision(event_type="attendance.in", cue=CueName.GRANTED).granted
    for reason in DenyReason:
        assert not Decision(event_type="attendance.denied", cue=CueName.DENIED, reason=reason).granted
