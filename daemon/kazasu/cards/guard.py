"""The exact allow-list where bytes leave for the reader: the only way to a card (rule 6).

A deny-list can be walked round: a prefix of an AID selects another application, a short EF identifier reads a file that
was never selected, an extended length or another class byte spells the same command differently. So nothing passes but
what a card kind has named, byte for byte, and what needs a SELECT before it only where that very SELECT has just
succeeded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from kazasu.errors import ForbiddenApdu

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.ports.readers import CardChannel

_SUCCESS: Final = frozenset({0x9000})
_MORE: Final = 0x61
_READ_BINARY: Final = b"\x00\xb0"
_GET_RESPONSE: Final = b"\x00\xc0\x00\x00"
_SHORT_EF: Final = 0x80
_SHORT_BYTES: Final = 5
_EXTENDED_BYTES: Final = 7
_HEADER_BYTES: Final = 4
_SHORTEST_AID_BYTES: Final = 5  # ISO/IEC 7816-4:2020, 12.2.3: a RID at least
_LONGEST_AID_BYTES: Final = 16


# The applications of a My Number Card that hold the My Number or what leads to it: card-face input aid, card-face
# check, resident register. No kind can allow them, not even one whose AID comes from a configuration.
NEVER: Final = tuple(
    bytes.fromhex(aid) for aid in ("D3921000310001010408", "D3921000310001010402", "D3921000310001010401")
)


class Digits(msgspec.Struct, frozen=True):
    """A part of a command that holds ASCII digits: a PIN.

    Attributes:
        count: how many, 1 or more.
    """

    count: int


class Template(msgspec.Struct, frozen=True):
    """A command of which the terminal makes up a part: a challenge, a PIN, a MAC.

    Attributes:
        parts: in order: bytes that are exactly these, and for each part that is made up its length, 1 or more.

    Raises:
        ValueError: the header, which says what the command does, is not fixed.
    """

    parts: tuple[bytes | int | Digits, ...]

    def __post_init__(self) -> None:
        head = self.parts[0] if self.parts else b""
        if not isinstance(head, bytes) or len(head) < _HEADER_BYTES:
            raise ValueError("a template begins with the command's four fixed bytes")

    @property
    def pattern(self) -> bytes:
        """The same as a regular expression."""
        return b"".join(map(_pattern, self.parts))


def _pattern(part: bytes | int | Digits) -> bytes:
    match part:
        case Digits(count=count):
            return b"[0-9]{%d}" % count
        case bytes():
            return re.escape(part)
        case length:
            return b".{%d}" % length


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What may be sent once a command has succeeded, until another scope beside it is opened.

    Attributes:
        opens: the command, exactly these bytes.
        opened_by: the status words that mean success.
        commands: exactly these bytes each.
        templates: commands with a part of the terminal's own.
        inner: scopes within this one: the files of an application.
        readable: READ BINARY of the current EF.
    """

    opens: bytes
    opened_by: frozenset[int] = _SUCCESS
    commands: frozenset[bytes] = frozenset()
    templates: tuple[Template, ...] = ()
    inner: tuple[Scope, ...] = ()
    readable: bool = False


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What one card kind may send.

    Attributes:
        scopes: what it may open.
        commands: sent at any time, exactly these bytes each.
        templates: sent at any time, with a part of the terminal's own.
    """

    scopes: tuple[Scope, ...] = ()
    commands: frozenset[bytes] = frozenset()
    templates: tuple[Template, ...] = ()


def application(
    aid: bytes,
    files: Iterable[bytes] = (),
    *,
    commands: frozenset[bytes] = frozenset(),
    templates: tuple[Template, ...] = (),
    inner: tuple[Scope, ...] = (),
) -> Scope:
    """The scope of an application on a card.

    Args:
        aid: its whole application identifier, 5 to 16 bytes.
        files: the identifiers of the transparent EFs that may be selected and read, 2 bytes each.
        commands: see `Scope`.
        templates: see `Scope`.
        inner: further scopes, such as a file that is used and not read.

    Raises:
        ValueError: the AID has another length, or would select one of `NEVER`.
    """
    if not _SHORTEST_AID_BYTES <= len(aid) <= _LONGEST_AID_BYTES:
        raise ValueError(f"an AID has 5 to 16 bytes, and {aid.hex().upper()} has {len(aid)}")
    if any(never.startswith(aid) or aid.startswith(never) for never in NEVER):
        raise ValueError(f"{aid.hex().upper()} may select an application that holds the My Number (rule 6)")
    readable = tuple(Scope(opens=select_file(file), readable=True) for file in sorted(files))
    return Scope(opens=select_application(aid), commands=commands, templates=templates, inner=(*readable, *inner))


def select_application(aid: bytes) -> bytes:
    """SELECT by DF name, first or only occurrence, no answer data (ISO/IEC 7816-4:2020, 11.2.2)."""
    return b"\x00\xa4\x04\x0c" + bytes([len(aid)]) + aid


def select_file(file: bytes) -> bytes:
    """SELECT an EF under the current DF, no answer data (ISO/IEC 7816-4:2020, 11.2.2)."""
    return b"\x00\xa4\x02\x0c" + bytes([len(file)]) + file


class _Level:
    """What passes while a scope is open; scopes of several kinds that one command opens are one."""

    __slots__ = ("_templates", "commands", "inner", "opened_by", "readable")

    def __init__(
        self,
        commands: Iterable[bytes],
        templates: Iterable[Template],
        scopes: Iterable[Scope],
        *,
        readable: bool = False,
        opened_by: frozenset[int] = _SUCCESS,
    ) -> None:
        self.commands = frozenset(commands)
        self.readable = readable
        self.opened_by = opened_by
        self._templates = re.compile(b"|".join(template.pattern for template in templates) or b"(?!)", re.DOTALL)
        grouped: dict[bytes, list[Scope]] = {}
        for scope in scopes:
            grouped.setdefault(scope.opens, []).append(scope)
        self.inner = {opens: _Level.of(together) for opens, together in grouped.items()}

    @classmethod
    def of(cls, scopes: list[Scope]) -> _Level:
        return cls(
            (command for scope in scopes for command in scope.commands),
            (template for scope in scopes for template in scope.templates),
            (inner for scope in scopes for inner in scope.inner),
            readable=any(scope.readable for scope in scopes),
            opened_by=frozenset[int]().union(*(scope.opened_by for scope in scopes)),
        )

    def holds(self, apdu: bytes) -> bool:
        return apdu in self.commands or self._templates.fullmatch(apdu) is not None


class AllowList:
    """The allowances of all card kinds that take part, made ready once for all connections.

    Args:
        allowances: of the kinds.
    """

    __slots__ = ("root",)

    def __init__(self, allowances: Iterable[Allowance]) -> None:
        together = tuple(allowances)
        self.root = _Level(
            (command for allowance in together for command in allowance.commands),
            (template for allowance in together for template in allowance.templates),
            (scope for allowance in together for scope in allowance.scopes),
        )


class Guarded:
    """A channel that sends what the allow-list holds and nothing else. Implements CardChannel.

    One instance a connection: what it remembers is what this connection has opened. Every delegate stands outside it,
    so whatever a driver or a delegate makes up passes here last.

    Args:
        channel: the reader's own.
        allowed: what may be sent.
    """

    __slots__ = ("_announced", "_channel", "_more", "_open")

    def __init__(self, channel: CardChannel, allowed: AllowList) -> None:
        self._channel = channel
        self._open = [allowed.root]  # from the outside in
        self._more = False
        self._announced: list[_Level] = []  # what opens if the answer that is still being fetched ends with success

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """See ports.readers.CardChannel; what is not allowed here and now never reaches the reader."""
        for depth in range(len(self._open), 0, -1):
            opened = self._open[depth - 1].inner.get(apdu)
            if opened is not None:
                return self._enter(apdu, depth, opened)
        if any(level.holds(apdu) for level in self._open) or self._reads(apdu):
            return self._send(apdu)
        if self._continues(apdu):
            return self._finish(apdu)
        header = apdu[:_HEADER_BYTES].hex().upper()
        raise ForbiddenApdu(
            f"{header}…, {len(apdu)} bytes: not on the allow-list, or not after these SELECTs; not sent"
        )

    def _enter(self, apdu: bytes, depth: int, opened: _Level) -> tuple[bytes, int]:
        """Open a scope within the first `depth` levels; if the card does not confirm it, nothing counts as open."""
        outer = self._open[:depth]
        self._close()
        data, sw = self._send(apdu)
        if sw in opened.opened_by or (self._more and opened.opened_by >= _SUCCESS):
            self._open = [*outer, opened]
        elif self._more:
            self._announced = [*outer, opened]
        return data, sw

    def _finish(self, apdu: bytes) -> tuple[bytes, int]:
        """Fetch more of an answer. Who folds an answer sees its last status only, and that decides here as well."""
        announced = self._announced
        data, sw = self._send(apdu)
        if announced and sw in announced[-1].opened_by:
            self._open = announced
        elif self._more:
            self._announced = announced
        return data, sw

    def _send(self, apdu: bytes) -> tuple[bytes, int]:
        self._announced = []
        try:
            data, sw = self._channel.transmit(apdu)
        except BaseException:
            self._close()  # what the card has made of it is not known
            self._more = False
            raise
        self._more = sw >> 8 == _MORE
        return data, sw

    def _close(self) -> None:
        self._open = self._open[:1]

    def _reads(self, apdu: bytes) -> bool:
        """READ BINARY of the selected EF: short, or extended as 00 and two bytes of Le."""
        if not self._open[-1].readable or apdu[:2] != _READ_BINARY:
            return False
        spelled = len(apdu) == _SHORT_BYTES or (len(apdu) == _EXTENDED_BYTES and apdu[_HEADER_BYTES] == 0)
        return spelled and not apdu[2] & _SHORT_EF

    def _continues(self, apdu: bytes) -> bool:
        """GET RESPONSE, while the card has announced more of the answer before."""
        return self._more and apdu[:_HEADER_BYTES] == _GET_RESPONSE and len(apdu) == _SHORT_BYTES
