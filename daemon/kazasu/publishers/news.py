"""What happens on a connection to the broker, as mqtt.py says it: values that cost no import of paho."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The broker answered CONNECT.

    Attributes:
        code: the reason code; from 0x80 on it refused, and `Lost` follows.
        receive_maximum: how many messages it lets be unacknowledged.
    """

    code: int
    receive_maximum: int


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A message on a subscribed topic; untrusted.

    Attributes:
        topic: where it was published.
        payload: what.
        retain: it was published to be kept at the broker, whether it comes from there or just now.
        response_topic: where its sender wants the answer (MQTT 5.0, section 3.3.2.3.5); empty if nowhere.
        correlation: what the answer shall carry along (section 3.3.2.3.6).
    """

    topic: str
    payload: bytes
    retain: bool = False
    response_topic: str = ""
    correlation: bytes = b""


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """The connection is gone.

    Attributes:
        detail: why, in words.
        code: the reason that the broker gave in its DISCONNECT, 0 if it gave none.
        protocol_error: the other side does not speak MQTT 5.
    """

    detail: str
    code: int
    protocol_error: bool


class SubscriptionRefused(msgspec.Struct, frozen=True, kw_only=True):
    """The broker does not let this client hear a topic that it asked for."""

    code: int


News: TypeAlias = Opened | Received | SubscriptionRefused | Lost
