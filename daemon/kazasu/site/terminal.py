"""One terminal as operations see it from afar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from kazasu.site.unsigned import time_in

_NOTHING: Mapping[str, int | str] = MappingProxyType({})
_NO_ALERTS: Mapping[str, str] = MappingProxyType({})


class Tap(msgspec.Struct, frozen=True, kw_only=True):
    """The last time that somebody held a card there; not whose.

    Attributes:
        event_type: what came of it.
        at: when, by the terminal's clock.
    """

    event_type: str
    at: datetime


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the collector found out.

    Attributes:
        count: how often.
        message: the newest in words.
    """

    count: int
    message: str


_NO_FINDINGS: Mapping[str, Found] = MappingProxyType({})


class Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """One terminal.

    Attributes:
        name: its name.
        conn: the number of the newest connection that it was alive on; -1 if none was heard of.
        ended_conn: the number of the connection that its newest `offline` speaks of; -1 after each birth.
        cause: why it ended.
        state_heard: whether it, or the broker for it, ever said how it is; before that it only seems to be online.
        changed_at: when it was seen to come or to go; None if it was so already at the first word of it.
        heard_at: its last sign of life.
        silent: nothing came for three minutes, though nobody said that it is offline.
        health: the newest one's fields.
        clock_off_s: by how much its clock is ahead of ours, below zero behind; as far as the way of a message tells.
        info: the newest one's fields.
        alerts: the standing ones, and their words.
        findings: what the collector found out about it and nobody has settled: kind, and how it was put.
        last_tap: None before the first one.
    """

    name: str
    conn: int = -1
    ended_conn: int = -1
    cause: str = ""
    state_heard: bool = False
    changed_at: datetime | None = None
    heard_at: datetime | None = None
    silent: bool = False
    health: Mapping[str, int | str] = _NOTHING
    clock_off_s: int = 0
    info: Mapping[str, int | str] = _NOTHING
    alerts: Mapping[str, str] = _NO_ALERTS
    findings: Mapping[str, Found] = _NO_FINDINGS
    last_tap: Tap | None = None

    @property
    def state(self) -> str:
        """`online`, `offline` or, where neither was said, `unknown`.

        An `offline` that speaks of an older connection than one on which the terminal was alive since is a stale will.
        """
        if self.ended_conn >= max(self.conn, 0):
            return "offline"
        return "online" if self.conn >= 0 else "unknown"

    @property
    def connected_at(self) -> datetime | None:
        """When its newest connection began, by its own clock; None if it did not say so."""
        return time_in(self.info.get("time"))

    def number(self, field: str) -> int | None:
        """A number of its health; None if it does not say it."""
        value = self.health.get(field)
        return value if isinstance(value, int) else None

    def word(self, field: str) -> str:
        """A word of its health; empty if it does not say it."""
        value = self.health.get(field)
        return value if isinstance(value, str) else ""

    def parts(self, prefix: str) -> dict[str, str]:
        """Its readers (`reader_`) or doors (`door_`) by name, and how they are."""
        return {
            field.removeprefix(prefix): value
            for field, value in self.health.items()
            if field.startswith(prefix) and isinstance(value, str)
        }
