"""The daemon is killed 200 times, in the middle of taps and of publishing."""

from __future__ import annotations

import json
import random
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from kazasu.model.cue import Channel
from kazasu.store.audit import verify
from kazasu.store.keys import load_verifier
from kazasu.virtual.stage import TERMINAL, Stage

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 200
GREEN_TYPES = {"attendance.in", "attendance.out", "attendance.suppressed"}


@pytest.mark.rule(1)
@pytest.mark.rule(3)
@pytest.mark.rule(5)
def test_every_green_light_has_its_event_and_every_event_arrives_once(tmp_path: Path) -> None:
    moments = random.Random(20260401)  # noqa: S311  (the same campaign each time)
    with Stage(tmp_path) as stage:
        daemon, backlog, slot = stage.daemon, stage.backlog, stage.slot
        cards = cycle([stage.stranger, *(person.card for person in stage.staff)])
        greens = 0
        for _ in range(KILLS):
            before_seq, before_shown = backlog.last_seq(), len(daemon.shown)
            # A card that lies there when the daemon starts is a tap: pcscd's poll then costs no time of ours.
            slot.insert(next(cards))
            daemon.start()
            # Somewhere between the card's appearance and the publishing of its event.
            changes = moments.randrange(1, 6)
            daemon.wait_for(lambda: len(daemon.shown) >= before_shown + changes, moments.uniform(0.0, 0.4))  # noqa: B023
            daemon.kill()
            slot.remove()
            recorded = {json.loads(body)["event_type"] for _, body in backlog.after(before_seq, 100)}
            if any(Channel.GREEN in shown.on for shown in daemon.shown[before_shown:]):
                greens += 1
                assert recorded & GREEN_TYPES, "a green light without an event"
            slot.wait_for(lambda: slot.vacant)
        assert KILLS // 10 < greens < KILLS, "the kills must come before and after the green light"

        daemon.start()
        last_seq = backlog.last_seq()
        assert stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) >= last_seq)
        assert daemon.terminate() == 0
        last_seq = backlog.last_seq()
        assert stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) == last_seq)

        *_, progress = verify(stage.config.terminal.journal_path, load_verifier(stage.public_key_file))
        assert progress.seq == last_seq
        assert stage.subscriber.problems == []
        arrived = [(event.fields["epoch"], event.seq) for event in stage.subscriber.events]
        assert arrived == [(backlog.epoch, seq) for seq in range(1, last_seq + 1)]
        assert [event.body for event in stage.subscriber.events] == [body for _, body in backlog.after(0, last_seq)]
