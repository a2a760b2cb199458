"""A tap at a daemon of one's own, and waiting for what nobody tells."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.access import EventFields
    from kazasu.store.backlog import Backlog
    from kazasu.virtual.card import VirtualCard
    from kazasu.virtual.daemon import DaemonProcess
    from kazasu.virtual.vpcd import Slot

_PATIENCE_S = 30.0
_LOOK_S = 0.02
_MOST_EVENTS = 1000


def tap(slot: Slot, daemon: DaemonProcess, backlog: Backlog, card: VirtualCard, pulled_at_apdu: int = 0) -> float:
    """Hold a card over a reader until the terminal answers, and take it away.

    Args:
        slot: the reader's.
        daemon: the terminal's.
        backlog: its journal.
        card: which.
        pulled_at_apdu: tear it away at this APDU; 0 lets it be read.

    Returns:
        Seconds from the first command that the card heard to the answer, with the event on the disk. When pcscd
        notices a virtual card is not in it: it looks every 400 ms. 0 if the card heard none.

    Raises:
        TimeoutError: no event that answers it came.
    """
    before = backlog.last_seq()
    if pulled_at_apdu:
        slot.remove_at_apdu(pulled_at_apdu)
    exchanges = len(slot.log)
    slot.insert(card)
    # The cue comes after the event, so each change of the outputs is a time to look. Not every event is the answer: a
    # door may say meanwhile that nobody went through after the tap before.
    answered = daemon.wait_for(lambda: answers(backlog, before) != [])
    answered_ns = time.monotonic_ns()
    slot.remove()
    slot.wait_for(lambda: slot.vacant)
    if not answered:
        raise TimeoutError("the terminal did not answer the tap")
    heard = slot.log[exchanges:]
    return (answered_ns - heard[0].received_mono_ns) / 1e9 if heard else 0.0


def answers(backlog: Backlog, seq: int) -> list[EventFields]:
    """The events behind `seq` that answer taps."""
    events = (json.loads(body) for _, body in backlog.after(seq, _MOST_EVENTS))
    return [event for event in events if "decision" in event]


def wait_for(condition: Callable[[], bool]) -> bool:
    """Look until something is so that lights nothing and is told by nobody; returns whether it came to be."""
    until_s = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > until_s:
            return False
        time.sleep(_LOOK_S)
    return True
