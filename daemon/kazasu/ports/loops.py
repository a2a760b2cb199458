"""What a thread does, how it is woken, and how it shows that it lives."""

from __future__ import annotations

from typing import Protocol


class Wakeable(Protocol):
    """Something that sleeps until there is news. Any thread."""

    def wake(self) -> None:
        """There is news."""
        ...


class Beat(Protocol):
    """A loop's sign of life to the watchdog. Called by that loop's thread, at least every 10 s."""

    def __call__(self) -> None:
        """Still going round."""
        ...


class Loop(Protocol):
    """What one thread does for its whole life."""

    def run(self, beat: Beat) -> None:
        """Go round until `stop`; beat at least every 10 s. What it raises ends the process with that cause."""
        ...

    def stop(self) -> None:
        """Make `run` return soon. Any thread; calling it again does nothing."""
        ...
