"""Which reader is whose, and which change of its state is a tap; pure bookkeeping, no PC/SC here.

pcscd describes a reader by 32 bits: flags in the lower half, and in the upper half a counter of insertions and
removals that starts at 0 with the reader (pcsc-lite `winscard_clnt.c`, SCardGetStatusChange). The flags alone miss a
card swapped between two looks; the counter alone does not say whether a card is there now. So both are compared.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Flags of a reader's state: PC/SC part 5; pcsc-lite `pcsclite.h`, SCARD_STATE_*.
UNAWARE: Final = 0x0000
IGNORE: Final = 0x0001
UNKNOWN: Final = 0x0004
UNAVAILABLE: Final = 0x0008
EMPTY: Final = 0x0010
PRESENT: Final = 0x0020
MUTE: Final = 0x0200

_COUNTER_SPAN: Final = 0x10000
_DEAD: Final = IGNORE | UNKNOWN | UNAVAILABLE

SETTLE_S: Final = 1.0
"""How long a reader that was plugged in or powered anew may take to find the card that lies on it."""


class ReaderPattern(msgspec.Struct, frozen=True, kw_only=True):
    """One reader of the configuration.

    Attributes:
        name: its short name; what events, health fields and alerts carry.
        match: the PC/SC name, whole or as a glob (`*`, `?`, `[…]`), case matters.
    """

    name: str
    match: str

    def fits(self, pcsc_name: str) -> bool:
        """Whether a PC/SC reader is meant. A whole name fits itself, although names such as `[CL]` look like a glob."""
        return pcsc_name == self.match or fnmatchcase(pcsc_name, self.match)


def assign(patterns: Sequence[ReaderPattern], pcsc_names: Iterable[str]) -> dict[str, str]:
    """Give each PC/SC reader to the first pattern that fits; readers that fit none are left out.

    Returns:
        Short name by PC/SC name.
    """
    assigned = {}
    for pcsc_name in pcsc_names:
        for pattern in patterns:
            if pattern.fits(pcsc_name):
                assigned[pcsc_name] = pattern.name
                break
    return assigned


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at a reader revealed.

    Attributes:
        missed: cards that came and were gone again before anyone looked; each is a tap (rule 2).
        tap: whether the card that is there now has just come.
    """

    missed: int = 0
    tap: bool = False


NOTHING_NEW: Final = Sight()
TAP: Final = Sight(tap=True)


class Presence:
    """Follows one PC/SC reader, through unplugging and restarts of pcscd."""

    # Between a card's appearance and its first APDU all memory is cold, and each piece of it counts.
    __slots__ = ("_atr", "_counter", "_expected", "_known", "_lying", "_settled_s", "_there")

    def __init__(self) -> None:
        self._expected = UNAWARE
        self._known = False  # whether the three below are a state that pcscd reported since the reader came
        self._there = False
        self._counter = 0
        self._atr = b""
        self._lying: bytes | None = None
        self._settled_s = 0.0

    @property
    def expected(self) -> int:
        """What the next wait compares with, 32 bits; who else uses the reader is no news and left out."""
        return self._expected

    @property
    def alive(self) -> bool:
        """Whether pcscd can talk to the reader; so far unseen counts as yes."""
        return self._known or self._expected == UNAWARE

    def lose(self, expected: int = UNAWARE) -> None:
        """The reader or pcscd is gone; a card that lies there is remembered, since it will be reported again."""
        if self._there:
            self._lying = self._atr
        self._known = False
        self._expected = expected

    def see(self, state: int, atr: bytes, now_s: float) -> Sight:
        """Take in what pcscd reports.

        Args:
            state: flags and counter, 32 bits.
            atr: of the card that is there, 0 to 33 bytes.
            now_s: monotonic time.
        """
        flags = state & (_DEAD | EMPTY | PRESENT)
        if flags not in (EMPTY, PRESENT):
            # Neither of the two: pcscd is still starting the reader. Waiting on UNAWARE would not wait, so it is EMPTY.
            self.lose(UNAVAILABLE if flags else EMPTY)
            return NOTHING_NEW
        counter, there = state >> 16 & 0xFFFF, flags == PRESENT
        moves = (counter - self._counter) % _COUNTER_SPAN
        if self._known and moves >= _COUNTER_SPAN // 2:
            self.lose()  # the counter went back: unplugged and plugged in again between two looks
        if not self._known:
            self._settled_s = now_s + SETTLE_S
            came = int(there)
        else:
            came = (moves + there - self._there) // 2
            if not came and there and (moves or not self._there):
                came = 1
        self._known, self._there, self._counter, self._atr = True, there, counter, atr
        self._expected = counter << 16 | state & (EMPTY | PRESENT | MUTE)
        if not (came and there):
            return Sight(missed=came) if came else NOTHING_NEW
        lying, self._lying = self._lying, None
        if lying == atr and came == 1 and now_s <= self._settled_s:
            return NOTHING_NEW
        return TAP if came == 1 else Sight(missed=came - 1, tap=True)
