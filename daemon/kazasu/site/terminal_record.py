"""What a site knows of one terminal: `terminals/<id>.toml`, public, made for version control."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from kazasu.model.table import Name, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.signature import Ed25519Verifier

_Keyid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z", description="16 hexadecimal digits")]
_Serial = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{1,40}\Z", description="a certificate's serial, hexadecimal")]
_Aware = Annotated[datetime, msgspec.Meta(tz=True, description="a date and time with its offset")]


class EventKey(Table, frozen=True, kw_only=True):
    """[[event_keys]]: a key that signs, or signed, this terminal's events.

    Attributes:
        keyid: its name in events.
        since: when the site took it in.
        pem: the public key.
        revoked_at: what it signs from then on is nobody's; None while it counts.
    """

    keyid: _Keyid
    since: _Aware
    pem: str
    revoked_at: _Aware | None = None

    def verifier(self) -> Ed25519Verifier:
        """Check with it.

        Raises:
            KeyMaterialError: no Ed25519 public key in PEM.
        """
        from kazasu.store.keys import verifier_in

        return verifier_in(self.pem.encode(), Path(f"event key {self.keyid}"))


class Certificate(Table, frozen=True, kw_only=True):
    """[[certificates]]: what the broker knows the terminal by.

    Attributes:
        serial: hexadecimal.
        ends: when it does.
        revoked_at: when it was put on the revocation list, if so.
    """

    serial: _Serial
    ends: _Aware
    revoked_at: _Aware | None = None


class Invitation(Table, frozen=True, kw_only=True):
    """[invitation]: a bundle that was handed out and nobody has answered yet.

    Attributes:
        key: the public half of the bundle's one-time key, PEM; a request has to be signed by the other.
        expires: afterwards it admits nobody.
        serial: of the bundle's own certificate for the broker, if it has one, hexadecimal.
        layer: the newest of the pepper's layers that is in the bundle; None: it was made before there were layers.
    """

    key: str
    expires: _Aware
    serial: _Serial | None = None
    layer: _Keyid | None = None

    def verifier(self) -> Ed25519Verifier:
        """Check a request with it.

        Raises:
            KeyMaterialError: no Ed25519 public key in PEM.
        """
        from kazasu.store.keys import verifier_in

        return verifier_in(self.key.encode(), Path("the invitation's key"))


class TerminalRecord(Table, frozen=True, kw_only=True):
    """The whole file.

    Attributes:
        id: the terminal's name.
        state: `invited` until its first request was accepted; `revoked` until it is invited anew and asks.
        event_keys: the newest last.
        certificates: those that have not ended, the newest last.
        invitation: the open one; a terminal that is active may be invited again.
        layer: the newest of the pepper's layers that it was given; None: the first.
    """

    id: Name
    state: Literal["invited", "active", "revoked"]
    event_keys: tuple[EventKey, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    invitation: Invitation | None = None
    layer: _Keyid | None = None

    @property
    def event_key(self) -> EventKey | None:
        """The key that signs its events now."""
        return next((key for key in reversed(self.event_keys) if key.revoked_at is None), None)

    def revoked(self, now: datetime) -> TerminalRecord:
        """The record once the terminal is nobody's any more: no key, no certificate and no invitation of its counts."""
        return msgspec.structs.replace(
            self,
            state="revoked",
            event_keys=tuple(_ended(key, now) for key in self.event_keys),
            certificates=tuple(_ended(certificate, now) for certificate in self.certificates),
            invitation=None,
        )


def is_name(text: str) -> bool:
    """Whether a terminal could be called so."""
    try:
        msgspec.convert(text, Name)
    except msgspec.ValidationError:
        return False
    return True


def written(record: TerminalRecord) -> str:
    """Write a record as TOML.

    Values are written as JSON, whose text is TOML's, and dates as TOML has them.
    """
    return "\n".join([*_lines(record), ""])


def _ended(entry: Any, now: datetime) -> Any:
    return msgspec.structs.replace(entry, revoked_at=now) if entry.revoked_at is None else entry


def _lines(record: TerminalRecord) -> Iterator[str]:
    yield f"id = {_value(record.id)}"
    yield f"state = {_value(record.state)}"
    if record.layer is not None:
        yield f"layer = {_value(record.layer)}"
    for header, entries in (
        ("[[event_keys]]", record.event_keys),
        ("[[certificates]]", record.certificates),
        ("[invitation]", () if record.invitation is None else (record.invitation,)),
    ):
        for entry in entries:
            yield f"\n{header}"
            for key, value in msgspec.structs.asdict(entry).items():
                if value is not None:
                    yield f"{key} = {_value(value)}"


def _value(value: str | datetime) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return msgspec.json.encode(value).decode()
