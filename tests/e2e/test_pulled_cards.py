"""A card of each kind, pulled away at every single command: one event, one cue, and the next tap works."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kazasu.model.cue import CueName
from kazasu.outputs import cues
from kazasu.virtual.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.virtual.gallery import Exhibit

# The gallery's, since it can only be made in the sandbox.
KINDS = ("desfire", "piv", "staff", "jpki", "felica", "mifare", "common")
CUES = cues.load()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), of_each_kind=True) as stage, stage.daemon:
        yield stage


def exhibit_of(stage: Stage, kind: str) -> Exhibit:
    assert stage.gallery is not None
    return next(exhibit for exhibit in stage.gallery.exhibits if exhibit.kind == kind)


def events_after(stage: Stage, seq: int) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in stage.backlog.after(seq, 100)]


@pytest.mark.rule(2)
@pytest.mark.parametrize("kind", KINDS)
def test_a_card_pulled_away_at_any_command_is_one_event_and_one_cue(stage: Stage, kind: str) -> None:
    assert stage.gallery is not None
    assert set(stage.gallery.kinds) == set(KINDS)
    card = exhibit_of(stage, kind).card
    stage.tap(card)  # a card that was read before takes fewer commands; unit tests pull it at the others
    before = len(stage.slot.log)
    stage.tap(card)
    commands = len(stage.slot.log) - before

    for at in range(1, commands + 1):
        seq, shown = stage.backlog.last_seq(), len(stage.daemon.shown)
        stage.tap(card, pulled_at_apdu=at)
        assert stage.daemon.wait_for(lambda: stage.daemon.played(CUES[CueName.RETRY], shown))  # noqa: B023
        assert [(event["decision"], event["reason"]) for event in events_after(stage, seq)] == [
            ("denied", "card_removed")
        ]
        assert not any(CUES[CueName.GRANTED].frames[0].on <= change.on for change in stage.daemon.shown[shown:])

    seq = stage.backlog.last_seq()
    stage.tap(card)
    assert [event["decision"] for event in events_after(stage, seq)] == ["granted"]
