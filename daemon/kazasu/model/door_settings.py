"""What a site decides about one door."""

from __future__ import annotations

import enum

import msgspec


class Fail(enum.StrEnum):
    """What a lock does without current."""

    SECURE = "secure"  # it is locked: a strike; current releases it
    SAFE = "safe"  # it is released: a magnet; current locks it


class DoorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One door; durations in seconds of the monotonic clock.

    Attributes:
        name: what events call it.
        fail: the kind of lock.
        contact: whether one is wired; without it nobody sees the door held open or forced, nor who did not go through.
        release_s: how long the lock is released for somebody, unless they open the door sooner.
        extended_release_s: for people who need longer; they have as much more time before the warning and the alarm.
        relock_after_s: how long the lock stays released once the door has opened.
        held_open_warning_s: open for so long: a warning.
        held_open_s: open for so long: an alarm.
        settle_s: how long a leaf that closed, or a lock that locks again, takes to latch.
        exit_s: how long a request to exit excuses an opening after it has ended.
        start_s: how long to wait for the contact's first word.

    Raises:
        ValueError: durations that contradict each other.
    """

    name: str
    fail: Fail = Fail.SECURE
    contact: bool = True
    release_s: float = 5
    extended_release_s: float = 15
    relock_after_s: float = 1
    held_open_warning_s: float = 20
    held_open_s: float = 30
    settle_s: float = 1
    exit_s: float = 10
    start_s: float = 2

    def __post_init__(self) -> None:
        if not 0 < self.release_s <= self.extended_release_s:
            raise ValueError("extended_release has to be as long as release, or longer, and both longer than nothing")
        if not 0 <= self.relock_after_s <= self.held_open_warning_s <= self.held_open_s:
            raise ValueError("relock_after, held_open_warning and held_open have to come in this order")
        if min(self.settle_s, self.exit_s) < 0:
            raise ValueError("settle and exit cannot be shorter than nothing")
        if self.start_s <= 0:
            raise ValueError("start has to leave the contact time to say how the door is")

    @property
    def longest_release_s(self) -> float:
        """The longest that one grant can release the lock: for `StrikeLimit`, with something to spare."""
        return self.extended_release_s + self.relock_after_s
