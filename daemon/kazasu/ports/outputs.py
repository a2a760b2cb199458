"""What people see and hear, and what moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kazasu.model.cue import Channel, CueName
    from kazasu.model.door_outcome import LockOutput
    from kazasu.model.screen import Screen


class CuePlayer(Protocol):
    """Plays cues; a newer one interrupts. Any thread."""

    def play(self, name: CueName) -> None:
        """Begin at once: on return the first frame is on the outputs."""
        ...

    def rest(self, name: CueName) -> None:
        """Set what is shown while nothing else plays."""
        ...


class Output(Protocol):
    """LEDs, buzzer and relay. The cue player, under its lock."""

    def show(self, on: frozenset[Channel]) -> None:
        """Switch these channels on and all others off.

        Raises:
            OutputError: a part cannot be driven.
        """
        ...

    def close(self) -> None:
        """Switch everything off and let the pins go."""
        ...


class Lock(Protocol):
    """A door's lock. The terminal thread."""

    def release(self, wanted: LockOutput) -> None:
        """Release it, or lock it; what it is already stays as it is.

        Raises:
            OutputError: it cannot be driven.
        """
        ...


class Display(Protocol):
    """A small display. The display's own thread: it may take its time and fail without any tap's noticing."""

    def show(self, screen: Screen) -> None:
        """Replace what is shown, whole.

        Raises:
            DisplayError: it cannot be drawn on, or was closed.
        """
        ...

    def close(self) -> None:
        """Show nothing and let it go; closing it again does nothing.

        Raises:
            DisplayError: it did not answer; it counts as closed all the same.
        """
        ...
