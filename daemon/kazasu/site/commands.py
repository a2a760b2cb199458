"""What the site's desk signs and what terminals answer: commands written, answers read (docs/wire.md)."""

from __future__ import annotations

import enum
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args, get_origin

import msgspec

from kazasu.errors import OrderRefused, SignatureInvalid
from kazasu.model.command import KINDS, LONGEST_LIFE_S, Envelope, Verdict, command_of
from kazasu.model.document import signed, verified
from kazasu.model.event import WIRE_VERSION
from kazasu.site.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.command import Kind
    from kazasu.model.document import Signer, Verifier

_SAID = 1000  # letters of an answer


def check(command: str, arguments: EventFields, by: str) -> None:
    """Return if there is such a command with such arguments; the terminal checks them all the same.

    Raises:
        OrderRefused: there is none.
    """
    if command not in KINDS:
        raise OrderRefused(f"there is no command {command!r}; there are: {', '.join(KINDS)}")
    if faults := list(_faults(KINDS[command], arguments)):
        raise OrderRefused(f"{command}: {'; '.join(faults)}")
    try:
        command_of(msgspec.convert(_envelope(command, by, datetime.now(UTC)), Envelope), arguments, "", "site")
    except ValueError as error:
        raise OrderRefused(f"{command}: {error}") from error


def shown(argument: str) -> str:
    """What an argument is called at the desk, where a duration is written with its unit."""
    return argument.removesuffix("_s")


def _faults(kind: Kind, arguments: EventFields) -> Iterator[str]:
    """What a person can get wrong, in their words: arguments that are unknown, missing, or none of a few."""
    known = ", ".join(f"{shown(name)}=…" for name in sorted(kind.arguments)) or "none"
    for name in arguments.keys() - kind.arguments:
        yield f"it has no argument {shown(name)!r}; it has {known}"
    for field in msgspec.structs.fields(kind.wanted):
        name, value = field.encode_name, arguments.get(field.encode_name)
        if name not in kind.arguments:
            continue
        if value is None:
            if field.required:
                yield f"{shown(name)}=… is missing"
        elif (words := _words_in(field.type)) and value not in words:
            yield f"{shown(name)}: {value!r} is none of {', '.join(words)}"


def _words_in(wanted: object) -> tuple[str, ...]:
    """The few words that an argument may be; empty if it may be others."""
    if isinstance(wanted, type) and issubclass(wanted, enum.StrEnum):
        return tuple(wanted)
    return get_args(wanted) if get_origin(wanted) is Literal else ()


class SignedCommand(NamedTuple):
    """A command to one terminal, ready to be sent.

    Attributes:
        transaction: names it.
        payload: what is published.
    """

    transaction: str
    payload: bytes


class CommandWriter:
    """Writes commands in one person's name.

    Args:
        site: the site's name.
        signer: its key.
        by: who is at the desk.
        now: wall time, aware.
    """

    def __init__(self, site: str, signer: Signer, by: str, now: Callable[[], datetime]) -> None:
        self._site = site
        self._signer = signer
        self._by = by
        self._now = now

    def write(self, terminal: str, command: str, arguments: EventFields) -> SignedCommand:
        """Sign one for a terminal, for the next seconds."""
        envelope = _envelope(command, self._by, self._now())
        head: EventFields = {"v": WIRE_VERSION, "type": "command", "site": self._site, "terminal": terminal}
        return SignedCommand(str(envelope["transaction"]), signed(head | envelope | arguments, self._signer).body)


def _envelope(command: str, by: str, now: datetime) -> EventFields:
    return {
        "command": command,
        "transaction": secrets.token_hex(16),
        "issued": now.isoformat(timespec="milliseconds"),
        "expires_s": LONGEST_LIFE_S,
        "by": by,
    }


class _Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    v: int
    type: str
    site: str
    terminal: str
    transaction: str
    ok: int
    said: str
    seq: int
    keyid: str
    sig: str


def read_answer(payload: bytes, site: str, terminal: str, keys: Sequence[Verifier]) -> tuple[str, Verdict]:
    """Verify a terminal's answer; returns the transaction that it answers, and what became of it.

    Raises:
        SignatureInvalid: it is none, or another terminal's.
    """
    try:
        answer = msgspec.convert(verified(payload, *keys).fields, _Answer)
    except msgspec.ValidationError as error:
        raise SignatureInvalid(f"no answer: {error}") from error
    if (answer.v, answer.type, answer.site, answer.terminal) != (WIRE_VERSION, "answer", site, terminal):
        raise SignatureInvalid(f"not this terminal's answer: {answer.type!r:.20}, {answer.terminal!r:.40}")
    said = "\n".join(plain(line, _SAID) for line in answer.said.split("\n"))
    return answer.transaction, Verdict(ok=answer.ok == 1, said=said, seq=answer.seq)
