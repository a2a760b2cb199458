"""Who was seen where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kazasu.model.event import Event


class MusterBoard(Protocol):
    """Where this terminal saw everybody last. Any thread; nobody waits for it but for a look at a dictionary."""

    def recorded(self, event: Event) -> None:
        """Take over an event that is durable now; also called for the journal's recent events at start."""
        ...

    @property
    def version(self) -> int:
        """Rises whenever there is something else to say."""
        ...

    @property
    def outdated(self) -> bool:
        """Whether somebody has come to count as out since the last documents, and only time did it."""
        ...

    def documents(self) -> tuple[int, tuple[bytes, ...]]:
        """All that there is to say now, signed, as `up/…/muster` has it; and the version that it is."""
        ...
