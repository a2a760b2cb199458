"""What Home Assistant has to be told so that it shows each terminal as a device. Pure.

Device discovery (docs/decisions/0024-monitoring.md): one retained message a terminal. It says where to listen and what
to make of it; the figures themselves Home Assistant reads off the terminal's own topics. It keeps attributes for ever
in its history, so of an event only that goes in which names nobody; and it can sign nothing, so nothing here lets it
move a door.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from kazasu import __version__
from kazasu.model.door_table import STATES, DoorState
from kazasu.model.moment import TimeSource
from kazasu.publishers.report import HEALTH_EVERY_S
from kazasu.publishers.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kazasu.site.terminal import Terminal

Component: TypeAlias = dict[str, object]

STATUS = "homeassistant/status"
"""Where Home Assistant says `online` when it has come up."""

DEVICES = "homeassistant/device/+/config"
"""Where everybody's announcements are retained."""

EVENT_TYPES = (
    *(f"attendance.{what}" for what in ("in", "out", "suppressed", "denied")),
    *(f"door.{what}" for what in ("granted", "denied", "opened", "closed", "not_opened", "not_released", "rex")),
    *(
        f"door.{what}{end}"
        for what in ("held_open", "forced_open", "tamper", "fire_release", "fault", "unlocked")
        for end in ("", "_ended")
    ),
    *(f"operator.{what}" for what in ("released", "unlocked", "relocked")),
    *(f"command.{what}" for what in ("accepted", "refused", "not_done")),
    *(f"lockdown.{what}" for what in ("begun", "ended")),
    "passback.reset",
    *(f"day_card.{what}" for what in ("issued", "returned")),
    *(f"muster.{what}" for what in ("begun", "ended", "present", "denied")),
    *(f"roster.{what}" for what in ("applied", "refused")),
    *(f"terminal.{what}" for what in ("started", "stopped")),
    *(f"reader.{what}" for what in ("missing", "present")),
    "clock.changed",
    "journal.resumed",
)
"""Every one that docs/wire.md knows: Home Assistant takes no other."""

_EVENT_FIELDS = ("event_type", "time", "reader", "decision", "reason", "door", "way", "contact", "cause")
_ORIGIN = {"name": "kazasu", "sw_version": __version__}
_FRESH: Component = {"expire_after": round(5 * HEALTH_EVERY_S)}
_DIAGNOSTIC: Component = {"entity_category": "diagnostic"}
_NONE: Mapping[str, str] = MappingProxyType({})
_OPEN = (DoorState.OPENING, DoorState.OPEN, DoorState.HELD, DoorState.HELD_OPEN, DoorState.FORCED_OPEN)
_SHUT = (DoorState.LOCKED, DoorState.UNLOCKED, DoorState.LOCKED_DOWN)
_RELEASED = tuple(state for state in DoorState if STATES[state].released)
_ALARMING = (*(state for state in DoorState if STATES[state].alarm is not None), DoorState.FAULT)

_NUMBERS: Mapping[str, tuple[str, Component]] = {
    "unsent": ("Events not sent", {"state_class": "measurement"}),
    "oldest_unacked_age_s": (
        "Oldest event not sent",
        {"device_class": "duration", "unit_of_measurement": "s", "state_class": "measurement"},
    ),
    "journal_percent": ("Journal used", {"unit_of_measurement": "%", "state_class": "measurement"}),
    "roster_version": ("Roster version", {}),
    "roster_made_s": ("Roster made", {"device_class": "timestamp"}),
    "time_error_ms": (
        "Clock error",
        {"device_class": "duration", "unit_of_measurement": "ms", "state_class": "measurement"},
    ),
    "disk_free_mb": (
        "Disk free",
        {"device_class": "data_size", "unit_of_measurement": "MB", "state_class": "measurement"},
    ),
    "temperature_c": (
        "Temperature",
        {"device_class": "temperature", "unit_of_measurement": "°C", "state_class": "measurement"},
    ),
    "certificate_days": (
        "Certificate days left",
        {"device_class": "duration", "unit_of_measurement": "d", "state_class": "measurement"},
    ),
}
"""Figures of health that become sensors: their names, and what Home Assistant calls their kind."""

_PERHAPS_UNKNOWN = frozenset({"oldest_unacked_age_s", "roster_made_s", "time_error_ms"})  # then -1


def discovery_topic(site: str, terminal: str) -> str:
    """Where a terminal is announced."""
    return f"homeassistant/device/{_device(site, terminal)}/config"


def discovery(site: str, terminal: Terminal, before: Mapping[str, str] = _NONE) -> bytes:
    """Announce a terminal of which health has been heard.

    Args:
        site: the site's name.
        terminal: which.
        before: the components of the last announcement and their platforms; what is gone of them is taken back.
    """
    topics, device = Topics(site, terminal.name), _device(site, terminal.name)
    components: dict[str, Component] = {
        key: {"unique_id": f"{device}_{key}"} | config for key, config in _components(topics, terminal)
    }
    gone = {key: {"platform": platform} for key, platform in before.items() if key not in components}
    return msgspec.json.encode(
        {
            "device": {
                "identifiers": [device],
                "name": terminal.name,
                "manufacturer": "Kazasu",
                "model": "Terminal",
                "sw_version": str(terminal.info.get("version", "")),
            },
            "origin": _ORIGIN,
            "availability": [{"topic": topics.state, "value_template": "{{ value_json.state }}"}],
            "qos": 1,
            "components": components | gone,
        },
        order="sorted",
    )


class _Announced(msgspec.Struct, frozen=True):
    components: dict[str, dict[str, object]]


def announced_components(payload: bytes) -> dict[str, str]:
    """The components of an announcement and their platforms, without those that it takes back.

    None if it cannot be read, as a message of somebody else's.
    """
    try:
        components = msgspec.json.decode(payload, type=_Announced).components
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return {key: str(config.get("platform")) for key, config in components.items() if "unique_id" in config}


def _components(topics: Topics, terminal: Terminal) -> Iterator[tuple[str, Component]]:
    chosen = ", ".join(f"'{field}'" for field in _EVENT_FIELDS)
    yield (
        "event",
        {
            "platform": "event",
            "name": "Last event",
            "state_topic": topics.event,
            "event_types": EVENT_TYPES,
            "value_template": f"{{{{ dict(value_json.items() | selectattr(0, 'in', [{chosen}])) | tojson }}}}",
        },
    )
    # Without an availability of its own it would be unavailable just when it has something to say.
    yield (
        "connection",
        _binary(topics.state, "Connection", "connectivity", "value_json.state == 'online'")
        | {"availability": []}
        | _DIAGNOSTIC,
    )
    yield "alerts", _binary(topics.health, "Alerts", "problem", "value_json.alerts | int(0) > 0") | _FRESH
    for reader in terminal.parts("reader_"):
        template = f"value_json.reader_{reader} != 'present'"
        yield f"reader_{reader}", _binary(topics.health, f"Reader {reader}", "problem", template) | _FRESH | _DIAGNOSTIC
    for door in terminal.parts("door_"):
        yield from _door(topics, door)
    for field, (name, config) in _NUMBERS.items():
        if terminal.number(field) is not None:
            yield field, _sensor(topics.health, name, _number(field)) | config | _FRESH | _DIAGNOSTIC
    if terminal.word("time_source"):
        kinds: Component = {"device_class": "enum", "options": [source.value for source in TimeSource]}
        yield "time_source", _sensor(topics.health, "Clock", "value_json.time_source") | kinds | _FRESH | _DIAGNOSTIC
    if terminal.word("collector") not in {"", "none"}:
        template = "value_json.collector == 'online'"
        yield "collector", _binary(topics.health, "Collector", "connectivity", template) | _FRESH | _DIAGNOSTIC


def _door(topics: Topics, door: str) -> Iterator[tuple[str, Component]]:
    state, name = f"value_json.door_{door}", f"Door {door}"
    # An unlocked or burning door stands open or shut: only the contact knows, and its state does not tell.
    contact = f"'ON' if {state} in {_listed(_OPEN)} else 'OFF' if {state} in {_listed(_SHUT)} else none"
    yield f"door_{door}_contact", _binary(topics.health, name, "door", contact, ready=True) | _FRESH
    yield (
        f"door_{door}_lock",
        _binary(topics.health, f"{name} lock", "lock", f"{state} in {_listed(_RELEASED)}") | _FRESH,
    )
    yield (
        f"door_{door}_alarm",
        _binary(topics.health, f"{name} alarm", "problem", f"{state} in {_listed(_ALARMING)}") | _FRESH,
    )
    kinds: Component = {"device_class": "enum", "options": [possible.value for possible in DoorState]}
    yield f"door_{door}_state", _sensor(topics.health, f"{name} state", state) | kinds | _FRESH


def _binary(topic: str, name: str, device_class: str, expression: str, *, ready: bool = False) -> Component:
    template = expression if ready else f"'ON' if {expression} else 'OFF'"
    return {
        "platform": "binary_sensor",
        "name": name,
        "device_class": device_class,
        "state_topic": topic,
        "value_template": f"{{{{ {template} }}}}",
    }


def _sensor(topic: str, name: str, expression: str) -> Component:
    return {"platform": "sensor", "name": name, "state_topic": topic, "value_template": f"{{{{ {expression} }}}}"}


def _number(field: str) -> str:
    if field in _PERHAPS_UNKNOWN:
        figure = f"value_json.{field}" if field != "roster_made_s" else f"value_json.{field} | as_datetime"
        return f"{figure} if value_json.{field} | default(-1) >= 0 else none"
    return f"value_json.{field} | default(none)"


def _listed(states: Iterable[DoorState]) -> str:
    return "[" + ", ".join(f"'{state.value}'" for state in states) + "]"


def _device(site: str, terminal: str) -> str:
    return f"kazasu_{site}_{terminal}"
