"""MQTT 5 reason codes in words that say what to do (MQTT 5.0, section 2.4, table 2-6)."""

from __future__ import annotations

SUCCESS = 0x00
NO_SUBSCRIBER = 0x10
FAILURE = 0x80
"""The first code of failure."""
UNSUPPORTED_PROTOCOL = 0x84
TAKEN_OVER = 0x8E
NO_RETAIN = 0x9A
NO_QOS = 0x9B
UNSUITABLE = frozenset({UNSUPPORTED_PROTOCOL, TAKEN_OVER, NO_RETAIN, NO_QOS})
"""What a broker will say again until somebody sets something up differently."""

_WORDS = {
    SUCCESS: "success",
    NO_SUBSCRIBER: "nobody subscribes to the events, so the broker discarded one: is the collector running?",
    0x80: "unspecified error: see the broker's log",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "refused by the broker's own rules: see its log",
    UNSUPPORTED_PROTOCOL: "the broker does not speak MQTT 5: an acknowledgement would not tell delivered from lost",
    0x85: "the broker does not accept this terminal's name as client identifier",
    0x86: "bad user name or password: does the broker use `use_identity_as_username true`?",
    0x87: "not authorised: does the broker's access list name this terminal as its certificate does (CN)?",
    0x88: "the broker is not available",
    0x89: "the broker is busy",
    0x8A: "this terminal is banned at the broker",
    0x8B: "the broker is shutting down",
    0x8D: "keep-alive time-out: the broker heard nothing from here",
    TAKEN_OVER: "another client connected under this terminal's name",
    0x90: "the broker does not accept the topic",
    0x91: "packet identifier in use",
    0x93: "the broker counted more messages in flight than it allows",
    0x95: "the broker does not accept a message of this size",
    0x96: "too many messages a second for the broker",
    0x97: "quota exceeded: the broker has no room",
    0x98: "ended by the broker's administrator",
    0x99: "payload format invalid",
    NO_RETAIN: "the broker does not keep retained messages: state, health and receipts need them",
    NO_QOS: "the broker does not support QoS 1",
    0x9C: "use another server",
    0x9D: "the broker has moved",
    0x9F: "too many connections a second for the broker",
}


def in_words(code: int) -> str:
    """Say what a reason code means, with its number: `0x87 not authorised: …`."""
    return f"0x{code:02X} {_WORDS.get(code, 'a code that MQTT 5.0 does not explain here')}"
