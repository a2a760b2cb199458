"""Which commands a terminal believes: who signed one, for whom, and whether every field is as it should be (rule 8).

Anybody who may publish to this terminal's topic can send anything at any rate. So what costs least comes first, and
nothing of a message counts, or is kept anywhere, before its signature held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import CommandRefused, SignatureInvalid
from kazasu.model.command import (
    KINDS,
    MAX_BYTES,
    OF_THE_COLLECTOR,
    Envelope,
    Refusal,
    TurnedAway,
    by_of,
    command_of,
)
from kazasu.model.document import verified
from kazasu.model.event import WIRE_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.command import Command
    from kazasu.model.document import Verifier
    from kazasu.publishers.news import Received

TYPE = "command"
_SEALED = ("v", "type", "site", "terminal", "keyid", "sig")
_OF_ENVELOPE = Envelope.__struct_fields__


class CommandReader:
    """Reads commands for one terminal.

    Args:
        site: the site's name.
        terminal: this terminal's.
        keys: the site's, one or more.
        collector: its key signs what is the collector's alone; None if there is none.
    """

    def __init__(self, site: str, terminal: str, keys: Sequence[Verifier], collector: Verifier | None) -> None:
        self._site = site
        self._terminal = terminal
        self._site_keys = frozenset(key.keyid for key in keys)
        self._keys = (*keys, *(() if collector is None else (collector,)))

    def check_outside(self, message: Received) -> None:
        """Look at a message without opening it.

        Raises:
            CommandRefused: it is kept at the broker, or is too large.
        """
        if message.retain:  # 1
            raise _refused(Refusal.RETAINED, "it was published to be kept: a command is for now")
        if len(message.payload) > MAX_BYTES:  # 2
            raise _refused(Refusal.TOO_LARGE, f"{len(message.payload)} bytes; a command has at most {MAX_BYTES}")

    def read(self, payload: bytes) -> Command:
        """Verify and parse.

        Raises:
            CommandRefused: whatever is wrong with it.
        """
        try:
            fields = verified(payload, *self._keys).fields  # 3
        except SignatureInvalid as error:
            raise _refused(Refusal.BADLY_SIGNED, str(error)) from error
        if fields.get("v") != WIRE_VERSION:  # 4
            raise _refused(Refusal.WIRE_VERSION, f"version {fields.get('v')!r:.20}, not {WIRE_VERSION}")
        if (fields.get("type"), fields.get("site"), fields.get("terminal")) != (TYPE, self._site, self._terminal):  # 5
            whose = f"{fields.get('type')!r:.20} for {fields.get('site')!r:.40}, {fields.get('terminal')!r:.40}"
            raise _refused(Refusal.NOT_FOR_THIS_TERMINAL, whose)
        keyid = str(fields["keyid"])
        whose = "site" if keyid in self._site_keys else "collector"
        try:
            envelope = msgspec.convert({name: fields[name] for name in _OF_ENVELOPE if name in fields}, Envelope)  # 6
        except msgspec.ValidationError as error:
            raise _refused(Refusal.MALFORMED, str(error)) from error
        told = _Told(envelope, keyid, whose)
        if envelope.command not in KINDS:  # 7
            raise told.refused(Refusal.UNKNOWN_COMMAND, f"{envelope.command!r}; there are: {', '.join(KINDS)}")
        if whose == "collector" and envelope.command not in OF_THE_COLLECTOR:  # 8
            raise told.refused(Refusal.KEY_NOT_ALLOWED, f"the collector's key signs no {envelope.command}")
        rest = {name: value for name, value in fields.items() if name not in (*_SEALED, *_OF_ENVELOPE)}
        try:
            return command_of(envelope, rest, keyid, whose)  # 9
        except ValueError as error:
            raise told.refused(Refusal.MALFORMED, str(error)) from error


class _Told:
    """What a signed command says of itself, for the event of its refusal."""

    def __init__(self, envelope: Envelope, keyid: str, whose: str) -> None:
        self._transaction = envelope.transaction
        self._fields: EventFields = {
            "command": envelope.command,
            "transaction": envelope.transaction,
            "by": by_of(envelope, whose),
            "signed_by": keyid,
        }

    def refused(self, reason: Refusal, detail: str) -> CommandRefused:
        return CommandRefused(TurnedAway(reason=reason, detail=detail, fields=self._fields), self._transaction)


def _refused(reason: Refusal, detail: str) -> CommandRefused:
    return CommandRefused(TurnedAway(reason=reason, detail=detail))
