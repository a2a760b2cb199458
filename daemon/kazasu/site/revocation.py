"""What counts no more: a terminal's keys and certificates, and the list of certificates that the broker refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from kazasu.errors import EnrolmentRefused
from kazasu.site.directory import replace_file
from kazasu.site.terminal_record import Certificate

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from kazasu.site.authority import Authority
    from kazasu.site.directory import Site, TerminalRecord
    from kazasu.site.terminal_record import Invitation


def revoke(site: Site, terminal: str, authority: Authority | None, now: dt.datetime) -> TerminalRecord:
    """Revoke a terminal: its keys, its certificates, its invitation; once more changes nothing.

    Args:
        site: whose.
        terminal: its name.
        authority: signs the revocation list; None where a CA elsewhere does.
        now: aware.

    Raises:
        EnrolmentRefused: there is none of that name.
    """
    with site.locked():
        record = site.find(terminal)
        if record is None:
            raise EnrolmentRefused(f"there is no terminal {terminal!r:.60} at {site.name}")
        certificates = (*spent(record.invitation, now), *record.certificates)
        revoked = msgspec.structs.replace(record, certificates=certificates).revoked(now)
        keep(site, revoked, authority, now)
    return revoked


def keep(site: Site, record: TerminalRecord, authority: Authority | None, now: dt.datetime) -> None:
    """Write a terminal's record, and before it the revocation list that it makes necessary, crl.pem.

    A power cut between the two leaves a certificate refused that might still count, and never the other way round.
    """
    if authority is not None:
        listed = authority.revocations(revocations({**site.terminals(), record.id: record}.values(), now), now)
        replace_file(site.file("crl.pem"), listed.public_bytes(Encoding.PEM), 0o644)
    site.save(record)


def revocations(records: Iterable[TerminalRecord], now: dt.datetime) -> Iterator[tuple[int, dt.datetime]]:
    """Every certificate that was revoked and has not ended by itself: serial number, and since when."""
    for record in records:
        for certificate in record.certificates:
            if certificate.revoked_at is not None and certificate.ends > now:
                yield int(certificate.serial, 16), certificate.revoked_at


def spent(invitation: Invitation | None, now: dt.datetime) -> tuple[Certificate, ...]:
    """The bundle's own certificate, revoked."""
    if invitation is None or invitation.serial is None:
        return ()
    ended = now.replace(microsecond=0)
    return (Certificate(serial=invitation.serial, ends=invitation.expires, revoked_at=ended),)
