"""A cue player that remembers what it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.cue import CueName


class FakeCues:
    """Implements the CuePlayer seam.

    Attributes:
        played: cues, oldest first.
        rests: cues at rest, oldest first.
        on_play: called with each cue as it is played; a test looks there at what is true at that moment.
    """

    def __init__(self) -> None:
        self.played: list[CueName] = []
        self.rests: list[CueName] = []
        self.on_play: Callable[[CueName], None] = lambda _: None

    def play(self, name: CueName) -> None:
        self.on_play(name)
        self.played.append(name)

    def rest(self, name: CueName) -> None:
        self.rests.append(name)
