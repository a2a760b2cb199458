"""Who did something at a door a moment ago: for rules that need two people, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from kazasu.model.moment import Moment


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    cardholder: str
    boot: str
    mono_ms: int


class Company:
    """The last person at each door who did one certain thing; a boot forgets them, and no clock makes it last longer.

    Args:
        within_s: how long it counts.
    """

    def __init__(self, within_s: float) -> None:
        self._within_ms = within_s * 1000
        self._seen: dict[str, _Seen] = {}

    def came(self, door: str, cardholder: str, moment: Moment) -> None:
        """Take over that a person did it now."""
        self._seen[door] = _Seen(cardholder=cardholder, boot=moment.boot, mono_ms=moment.mono_ms)

    def left(self, cardholder: str) -> None:
        """Take over that a person went through some door, and so is at none."""
        self._seen = {door: seen for door, seen in self._seen.items() if seen.cardholder != cardholder}

    def forget(self) -> None:
        """Forget everybody."""
        self._seen.clear()

    def of(self, door: str, cardholder: str, moment: Moment) -> str | None:
        """Who did it a moment ago, if it was somebody else than this person."""
        seen = self._seen.get(door)
        if seen is None or seen.cardholder == cardholder or seen.boot != moment.boot:
            return None
        return seen.cardholder if 0 <= moment.mono_ms - seen.mono_ms <= self._within_ms else None
