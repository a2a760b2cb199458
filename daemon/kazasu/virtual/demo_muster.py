"""The end of the demo's third scene: the meeting point across the street, and who does not come to it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.virtual.desk import typed
from kazasu.virtual.vpcd import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazasu.virtual.card import VirtualCard
    from kazasu.virtual.stage import Stage

MEETING_POINT = """
[[readers]]
name = "meeting"
match = "*00 01"

[services.muster]
readers = ["meeting"]
"""
"""The configuration's tables about it; its reader is vpcd's second slot."""


def at_the_meeting_point(stage: Stage, card: VirtualCard) -> Callable[[], object]:
    """A tap there."""

    def tap() -> None:
        with contextlib.closing(Slot(stage.pcscd.ports[1])) as slot:
            stage.tap(card, at=slot)

    return tap


def roll_call(stage: Stage) -> Sequence[str]:
    """What `kazasu muster` prints at the terminal."""
    _, printed = typed("muster", "--config", stage.config_file)
    return printed


def missing_in(listed: Sequence[str]) -> list[str]:
    """The numbers of whom the roll call misses."""
    _, _, rest = "\n".join(listed).partition("MISSING:")
    people, _, _ = rest.partition("At the meeting point")
    return sorted(line.split()[0] for line in people.splitlines() if "since" in line)
