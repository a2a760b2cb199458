"""What goes over the wire: topics, payloads and CloudEvents attributes (docs/wire.md). Pure."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal

import msgspec

from kazasu.errors import JournalCorrupt
from kazasu.model.document import canonical
from kazasu.model.event import WIRE_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping


_CONTENT_TYPE = b"\x03\x00\x10application/json"  # MQTT 5.0, 3.3.2.3.9


class Topics:
    """The topics of one terminal at one site."""

    def __init__(self, site: str, terminal: str) -> None:
        self.terminal = terminal
        self.up = f"kazasu/v{WIRE_VERSION}/{site}/up/{terminal}"
        self.event = f"{self.up}/event"
        self.state = f"{self.up}/state"
        self.health = f"{self.up}/health"
        self.info = f"{self.up}/info"
        self.down = f"kazasu/v{WIRE_VERSION}/{site}/down/{terminal}"
        self.receipt = f"{self.down}/receipt"
        self.enrol_request = f"{self.up}/enrol"
        self.enrol_reply = f"{self.down}/enrol"
        self.site_keys = f"kazasu/v{WIRE_VERSION}/{site}/down/all/site_key/+"
        self.pepper = f"kazasu/v{WIRE_VERSION}/{site}/down/all/pepper"
        self.pepper_wish = f"{self.up}/pepper"
        self.pepper_gift = f"{self.down}/pepper"
        self.collector = f"kazasu/v{WIRE_VERSION}/{site}/down/all/collector"
        self.command = f"kazasu/v{WIRE_VERSION}/{site}/down/{terminal}/command"
        self.answer = f"{self.up}/answer"
        self.roster = f"kazasu/v{WIRE_VERSION}/{site}/down/{terminal}/roster"
        self.roster_of_all = f"kazasu/v{WIRE_VERSION}/{site}/down/all/roster"
        self.roster_parts = f"{self.roster_of_all}/"

    def roster_part(self, version: int, name: str) -> str:
        """The topic of one part of a roster that was published with a version."""
        return f"{self.roster_parts}{version}/{name}"

    def muster(self, page: int = 1) -> str:
        """The topic of a page of who is where; below it lie those behind the first."""
        return f"{self.up}/muster" if page == 1 else f"{self.up}/muster/{page}"

    def site_key(self, keyid: str) -> str:
        """The topic on which a site key says which keys count from now on."""
        return self.site_keys.removesuffix("+") + keyid

    def alert(self, alert_id: str) -> str:
        """The topic of one alert; `+` for all of them."""
        return f"{self.up}/alert/{alert_id}"


class Payloads:
    """The payloads of one terminal that are no events: flat JSON like them, unsigned."""

    def __init__(self, site: str, terminal: str) -> None:
        self._whose: dict[str, int | str] = {"v": WIRE_VERSION, "site": site, "terminal": terminal}

    def online(self, conn: int) -> bytes:
        """The birth.

        Args:
            conn: this connection's number, higher than those of all before.
        """
        return canonical(self._whose | {"state": "online", "conn": conn})

    def offline(self, conn: int, cause: str) -> bytes:
        """The farewell (`stopped`) and the last will (`connection_lost`).

        Args:
            conn: the connection that ends; a will whose number is below that of the newest birth is stale.
            cause: why.
        """
        return canonical(self._whose | {"state": "offline", "conn": conn, "cause": cause})

    def fields(self, fields: Mapping[str, int | str], time: str) -> bytes:
        """Health and info.

        Args:
            fields: flat.
            time: when they were collected, RFC 3339.
        """
        return canonical({**fields, **self._whose, "time": time})

    def alert(self, alert_id: str, message: str, time: str) -> bytes:
        """A standing alert."""
        return canonical(self._whose | {"alert": alert_id, "message": message, "time": time})


class EventHead(msgspec.Struct, frozen=True, kw_only=True):
    """What the publisher itself needs of an event.

    Attributes:
        id: `<epoch>.<seq>`.
        event_type: CloudEvents `type`.
        time: RFC 3339.
        boot: the boot that `mono_ms` belongs to.
        mono_ms: milliseconds since that boot.
    """

    id: str
    event_type: str
    time: str
    boot: str
    mono_ms: int


_HEAD = msgspec.json.Decoder(EventHead)


def head(seq: int, body: bytes) -> EventHead:
    """Read an event's head.

    Raises:
        JournalCorrupt: the stored bytes are no event.
    """
    try:
        return _HEAD.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise JournalCorrupt(
            f"event {seq} in the journal is not an event: {error}; run `kazasu journal verify`"
        ) from error


class CloudEvents:
    """CloudEvents 1.0 attributes as MQTT 5 properties (CloudEvents MQTT binding 1.0.2, section 3.1), packed.

    paho packs properties by searching a dictionary of names for each; packed here, 1 µs an event instead of 40. A test
    holds the bytes against paho's.
    """

    def __init__(self, source: str) -> None:
        self._constant = _CONTENT_TYPE + _pair("specversion", "1.0") + _pair("source", source)
        self._id, self._type, self._time = _name("id"), _name("type"), _name("time")

    def packed(self, event: EventHead) -> bytes:
        """The properties of one event's PUBLISH, their length first."""
        packed = b"".join(
            (
                self._constant,
                self._id,
                _utf8(event.id),
                self._type,
                _utf8(event.event_type),
                self._time,
                _utf8(event.time),
            )
        )
        return _length(len(packed)) + packed


def answer_properties(correlation: bytes) -> bytes:
    """The properties of an answer's PUBLISH, packed, their length first (MQTT 5.0, 3.3.2.3)."""
    packed = _CONTENT_TYPE + _correlation(correlation)
    return _length(len(packed)) + packed


def command_properties(response_topic: str, correlation: bytes, expires_s: int) -> bytes:
    """The properties of a command's PUBLISH, packed, their length first.

    Args:
        response_topic: where the answer is wanted.
        correlation: what it shall carry along.
        expires_s: so long the broker keeps it for a terminal that is away.
    """
    expiry = b"\x02" + struct.pack("!I", expires_s)
    packed = expiry + _CONTENT_TYPE + b"\x08" + _utf8(response_topic) + _correlation(correlation)
    return _length(len(packed)) + packed


class _Presence(msgspec.Struct, frozen=True):
    state: Literal["online", "offline"]


_PRESENCE = msgspec.json.Decoder(_Presence)


def presence(payload: bytes) -> str:
    """Whether a collector is there: `online`, `offline`, or `unknown` for what cannot be read."""
    try:
        return _PRESENCE.decode(payload).state
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return "unknown"


def _utf8(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("!H", len(encoded)) + encoded


def _correlation(data: bytes) -> bytes:
    return b"\x09" + struct.pack("!H", len(data)) + data  # MQTT 5.0, 3.3.2.3.6


def _name(name: str) -> bytes:
    return b"\x26" + _utf8(name)  # a user property begins (MQTT 5.0, 3.3.2.3.7)


def _pair(name: str, value: str) -> bytes:
    return _name(name) + _utf8(value)


def _length(length: int) -> bytes:
    """A variable byte integer (MQTT 5.0, section 1.5.5)."""
    encoded = bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(encoded)
