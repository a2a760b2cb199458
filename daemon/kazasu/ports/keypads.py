"""Keys for PINs and codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from kazasu.model.key import Key


class Keypad(Protocol):
    """Keys for PINs and codes. One thread at a time."""

    def listen(self) -> AbstractContextManager[None]:
        """From here on keys count; what was pressed before is forgotten.

        Raises:
            KeypadUnavailable: it is not there, or another program has it.
        """
        ...

    def key(self, timeout_s: float) -> Key | None:
        """Wait for the next key that goes down, while listening.

        Args:
            timeout_s: how long, 0 or more.

        Returns:
            None if the time ran out, or what was pressed means nothing here.

        Raises:
            KeypadUnavailable: it is gone.
        """
        ...


class WakeableKeypad(Keypad, Protocol):
    """A keypad whose wait somebody else can end."""

    def wake(self) -> None:
        """End a wait for a key, with None: the one under way, or else perhaps the next. Any thread."""
        ...
