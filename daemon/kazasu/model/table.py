"""What tables of the configuration are made of: names, pins, and the table itself."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

# Each pattern ends in \Z: "$" would let a line end through, into an MQTT topic.
Name = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z", description="1 to 32 of a-z, 0-9 and -, not - first")
]
"""A level of an MQTT topic."""

ReaderName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,16}\Z", description="1 to 16 of a-z, 0-9 and _")]

AssuranceWord = Literal["vouched", "code", "serial", "signed_data", "challenge", "challenge_pin"]

PinNumber = Annotated[int, msgspec.Meta(ge=0, le=27, description="a GPIO (BCM) number, 0 to 27")]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: a key that it does not know is an error."""


class Pin(Table, frozen=True, kw_only=True):
    """A pin of the header."""

    pin: PinNumber
    active_low: bool = False


class ButtonPin(Table, frozen=True, kw_only=True):
    """A pin that a push-button connects to ground, or to 3.3 V if it is not `active_low`."""

    pin: PinNumber
    active_low: bool = True
