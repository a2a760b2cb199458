"""What is known of each terminal of a site, folded out of what they publish. Pure: messages and the time come in.

Nothing in it is proved: state, health and alerts are unsigned, and events are not verified here. It is for the eyes of
operations and for dashboards; what counts as recorded is the collector's to say. So no message may do harm: what
cannot be read is counted and otherwise ignored, text is made plain, and neither names nor fields can pile up.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from kazasu.publishers.wire import Topics, presence
from kazasu.site.plain_text import plain

SILENT_S = 180
"""Three healths did not come (docs/wire.md: one every 60 s)."""

MAX_TERMINALS = 20_000
_MAX_PAYLOAD_BYTES = 16 * 1024  # an event has less than 2 kB
_MAX_FIELDS = 100
_MAX_ALERTS = 50
_MAX_INTEGER = 2**53 - 1
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LEVEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_EVENT_TYPE = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}")
_TAPS = ("attendance.", "door.granted", "door.denied", "muster.present", "muster.denied")
_SILENT = timedelta(seconds=SILENT_S)
_FLAT = msgspec.json.Decoder(dict[str, int | str])
Fields: TypeAlias = dict[str, int | str]
_NOTHING: Mapping[str, int | str] = MappingProxyType({})
_NO_ALERTS: Mapping[str, str] = MappingProxyType({})
_NO_FINDINGS: Mapping[str, Found] = MappingProxyType({})


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
        silent: nothing came for `SILENT_S`, though nobody said that it is offline.
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
        return _time(self.info.get("time"))

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


class Fleet:
    """All terminals of a site that were heard of.

    Args:
        site: the site's name.

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

    def __init__(self, site: str) -> None:
        everybody = Topics(site, "+")
        self._up = everybody.up.removesuffix("+")
        self._collector = everybody.collector
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
        before = self.terminals.get(name) or Terminal(name=name)
        after = self._after(before, kind, payload, at)
        if after is None:
            self.unreadable += 1
        else:
            self._replace(before, after)

    def _replace(self, before: Terminal, after: Terminal) -> None:
        name = before.name
        if after != before and (name in self.terminals or len(self.terminals) < MAX_TERMINALS):
            self.terminals[name] = after
            self._changed.add(name)
            self.firsts += _facts(after) - _facts(before)

    def _take_collector(self, levels: list[str], payload: bytes) -> bool:
        """Take what a collector says; returns whether it could be read."""
        fields = _flat(payload) if payload else {}
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
        fields = _flat(payload)
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
        said_at, heard_at, clock_off_s = _time(fields.get("time")), at, terminal.clock_off_s
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
    if not _FIELD.fullmatch(alert_id):
        return None
    alerts = dict(terminal.alerts)
    if not payload:
        alerts.pop(alert_id, None)
    else:
        fields = _flat(payload)
        if fields is None or (alert_id not in alerts and len(alerts) >= _MAX_ALERTS):
            return None
        alerts[alert_id] = str(fields.get("message", ""))
    return msgspec.structs.replace(terminal, alerts=MappingProxyType(alerts))


def _after_info(terminal: Terminal, fields: Fields, _at: datetime) -> Terminal:
    return msgspec.structs.replace(terminal, info=MappingProxyType(fields))


def _after_event(terminal: Terminal, fields: Fields, _now: datetime) -> Terminal | None:
    event_type, at = fields.get("event_type"), _time(fields.get("time"))
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type) or at is None:
        return None
    if not event_type.startswith(_TAPS):
        return terminal
    return msgspec.structs.replace(terminal, last_tap=Tap(event_type=event_type, at=at))


def _flat(payload: bytes) -> Fields | None:
    """Flat JSON with field names and plain text only; None for everything else."""
    if len(payload) > _MAX_PAYLOAD_BYTES:
        return None
    try:
        fields = _FLAT.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if len(fields) > _MAX_FIELDS or not all(map(_FIELD.fullmatch, fields)):
        return None
    if any(isinstance(value, int) and abs(value) > _MAX_INTEGER for value in fields.values()):
        return None
    return {name: plain(value) if isinstance(value, str) else value for name, value in fields.items()}


def _conn(fields: Fields) -> int | None:
    conn = fields.get("conn")
    return conn if isinstance(conn, int) and conn >= 0 else None


def _time(value: int | str | None) -> datetime | None:
    """RFC 3339 with offset; None for everything else."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        # Near the ends of the calendar no other time zone can be told.
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
