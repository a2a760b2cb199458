"""What is known of each terminal of a site, folded out of what they publish. Pure: messages and the time come in.

Nothing in it is proved: state, health and alerts are unsigned, and events are not verified here. It is for the eyes of
operations and for dashboards; what counts as recorded is the collector's to say. So no message may do harm: what
cannot be read is counted and otherwise ignored, text is made plain, and neither names nor fields can pile up.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from kazasu.publishers.wire import Topics, presence
from kazasu.site.plain_text import plain
from kazasu.site.terminal import Found, Tap, Terminal
from kazasu.site.unsigned import FIELD, Fields, flat, time_in

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from datetime import datetime

SILENT_S = 180
"""Three healths did not come (docs/wire.md: one every 60 s)."""

MAX_TERMINALS = 20_000
_MAX_ALERTS = 50
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_LEVEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_EVENT_TYPE = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}")
_TAPS = ("attendance.", "door.granted", "door.denied", "muster.present", "muster.denied")
_SILENT = timedelta(seconds=SILENT_S)


class Fleet:
    """All terminals of a site that were heard of.

    Args:
        site: the site's name.
        gone: terminals that nobody asks about any more; the broker keeps what they said last for ever.
        most: so many terminals are known at the most.

    Attributes:
        subscriptions: the topics to listen to.
        terminals: by name.
        collector: whether a collector is there: `online`, `offline`, `unknown`.
        collectors: by name, each one's newest health.
        troubles: what collectors say is wrong with themselves: name and alert, and its words.
        unreadable: how many messages could not be read.
        firsts: how many terminals' state, health and info were heard for the first time; when it rises no more after a
            connection, the broker has said all that it retains.
    """

    def __init__(self, site: str, gone: Container[str] = (), most: int = MAX_TERMINALS) -> None:
        self._most = most
        everybody = Topics(site, "+")
        self._up = everybody.up.removesuffix("+")
        self._collector = everybody.collector
        self._gone = gone
        said = (everybody.state, everybody.health, everybody.info, everybody.alert("+"), everybody.event)
        self._beside = f"{everybody.up.removesuffix('up/+')}collector/"
        self.subscriptions = (*said, everybody.collector, f"{self._beside}+/health", f"{self._beside}+/alert/#")
        self.terminals: dict[str, Terminal] = {}
        self.collector = "unknown"
        self.collectors: dict[str, Mapping[str, int | str]] = {}
        self.troubles: dict[tuple[str, str], str] = {}
        self.unreadable = 0
        self.firsts = 0
        self._waiting: OrderedDict[str, datetime] = OrderedDict()  # for a sign of life, who waits longest first
        self._changed: set[str] = set()

    def take(self, topic: str, payload: bytes, at: datetime) -> None:
        """Take one message.

        Args:
            topic: where it came.
            payload: what; untrusted.
            at: now.
        """
        if topic == self._collector:
            self.collector = presence(payload)
            return
        if topic.startswith(self._beside):
            self.unreadable += not self._take_collector(topic.removeprefix(self._beside).split("/"), payload)
            return
        name, _, kind = topic.removeprefix(self._up).partition("/")
        if not topic.startswith(self._up) or not _NAME.fullmatch(name):
            self.unreadable += 1
            return
        if name in self._gone or not self._has_room_for(name):
            return
        before = self.terminals.get(name) or Terminal(name=name)
        after = self._after(before, kind, payload, at)
        if after is None:
            self.unreadable += 1
        else:
            self._replace(before, after)

    def _replace(self, before: Terminal, after: Terminal) -> None:
        name = before.name
        if after != before and self._has_room_for(name):
            self.terminals[name] = after
            self._changed.add(name)
            self.firsts += _facts(after) - _facts(before)

    def _has_room_for(self, name: str) -> bool:
        """Whether a terminal is known, or may yet be."""
        return name in self.terminals or len(self.terminals) < self._most

    def _take_collector(self, levels: list[str], payload: bytes) -> bool:
        """Take what a collector says; returns whether it could be read."""
        fields = flat(payload) if payload else {}
        if fields is None or not all(map(_LEVEL.fullmatch, levels)):
            return False
        match levels:
            case ["all", "alert", name, kind] if _NAME.fullmatch(name):
                before = self.terminals.get(name) or Terminal(name=name)
                findings, count = dict(before.findings), fields.get("count", 1)
                findings.pop(kind, None)
                if fields and isinstance(count, int) and len(findings) < _MAX_ALERTS:
                    findings[kind] = Found(count=count, message=str(fields.get("message", "")))
                self._replace(before, msgspec.structs.replace(before, findings=MappingProxyType(findings)))
            case [name, "alert", kind]:
                self.troubles.pop((name, kind), None)
                if fields and len(self.troubles) < _MAX_ALERTS:
                    self.troubles[name, kind] = str(fields.get("message", ""))
            case [name, "health"]:
                self.collectors.pop(name, None)
                if fields and len(self.collectors) < _MAX_ALERTS:
                    self.collectors[name] = MappingProxyType(fields)
            case _:
                return False
        return True

    def pass_time(self, at: datetime) -> None:
        """Notice who has fallen silent."""
        while self._waiting:
            name, heard_at = next(iter(self._waiting.items()))
            if at - heard_at < _SILENT:
                return
            del self._waiting[name]
            terminal = self.terminals.get(name)
            if terminal is not None:
                self.terminals[name] = msgspec.structs.replace(terminal, silent=True)
                self._changed.add(name)

    def changed(self) -> set[str]:
        """Whose terminal is another one than at the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def _after(self, terminal: Terminal, kind: str, payload: bytes, at: datetime) -> Terminal | None:
        """The terminal after a message; None if it could not be read."""
        if kind.startswith("alert/"):
            return _after_alert(terminal, kind.removeprefix("alert/"), payload)
        after = {
            "state": self._after_state,
            "health": self._after_health,
            "info": _after_info,
            "event": _after_event,
        }.get(kind)
        if after is None or not payload:  # what is not asked for; what somebody removed
            return terminal
        fields = flat(payload)
        return None if fields is None else after(terminal, fields, at)

    def _after_state(self, terminal: Terminal, fields: Fields, at: datetime) -> Terminal | None:
        state, cause, conn = fields.get("state"), fields.get("cause", ""), _conn(fields)
        if state not in {"online", "offline"} or not isinstance(cause, str) or conn is None:
            return None
        if state == "online":
            # One that is new to us may be of last week; one that follows another is of now.
            new = terminal.conn >= 0 and conn != terminal.conn
            heard_at = at if new or terminal.heard_at is None else terminal.heard_at
            after = msgspec.structs.replace(terminal, conn=conn, ended_conn=-1, cause="")
            after = self._heard(after, heard_at, at)
        else:
            after = terminal
            if conn >= terminal.ended_conn:  # else it is a stale will that comes even behind the true one
                after = msgspec.structs.replace(terminal, ended_conn=conn, cause=plain(cause, 40))
            if after.state == "offline":
                self._waiting.pop(terminal.name, None)
                after = msgspec.structs.replace(after, silent=False)
        changed = terminal.state_heard and terminal.state != after.state
        return msgspec.structs.replace(after, state_heard=True, changed_at=at if changed else terminal.changed_at)

    def _after_health(self, terminal: Terminal, fields: Fields, at: datetime) -> Terminal | None:
        conn = _conn(fields)
        if conn is None:
            return None
        if fields == terminal.health:
            return terminal  # the broker's copy of what was heard before
        said_at, heard_at, clock_off_s = time_in(fields.get("time")), at, terminal.clock_off_s
        if said_at is not None and terminal.health:
            clock_off_s = round((said_at - at).total_seconds())
        elif said_at is not None:  # the first one may have lain at the broker for long
            heard_at = min(at, said_at)
        after = msgspec.structs.replace(terminal, conn=conn, health=MappingProxyType(fields), clock_off_s=clock_off_s)
        return self._heard(after, heard_at, at)

    def _heard(self, terminal: Terminal, heard_at: datetime, at: datetime) -> Terminal:
        """It gave a sign of life; whoever is offline is waited for by nobody."""
        name = terminal.name
        silent = at - heard_at >= _SILENT
        self._waiting.pop(name, None)
        if terminal.state == "online" and not silent:
            self._waiting[name] = heard_at
        return msgspec.structs.replace(terminal, heard_at=heard_at, silent=silent)


def _facts(terminal: Terminal) -> int:
    return terminal.state_heard + bool(terminal.health) + bool(terminal.info)


def _after_alert(terminal: Terminal, alert_id: str, payload: bytes) -> Terminal | None:
    if not FIELD.fullmatch(alert_id):
        return None
    alerts = dict(terminal.alerts)
    if not payload:
        alerts.pop(alert_id, None)
    else:
        fields = flat(payload)
        if fields is None or (alert_id not in alerts and len(alerts) >= _MAX_ALERTS):
            return None
        alerts[alert_id] = str(fields.get("message", ""))
    return msgspec.structs.replace(terminal, alerts=MappingProxyType(alerts))


def _after_info(terminal: Terminal, fields: Fields, _at: datetime) -> Terminal:
    return msgspec.structs.replace(terminal, info=MappingProxyType(fields))


def _after_event(terminal: Terminal, fields: Fields, _now: datetime) -> Terminal | None:
    event_type, at = fields.get("event_type"), time_in(fields.get("time"))
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type) or at is None:
        return None
    if not event_type.startswith(_TAPS):
        return terminal
    return msgspec.structs.replace(terminal, last_tap=Tap(event_type=event_type, at=at))


def _conn(fields: Fields) -> int | None:
    conn = fields.get("conn")
    return conn if isinstance(conn, int) and conn >= 0 else None
