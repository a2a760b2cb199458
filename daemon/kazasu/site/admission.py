"""Who is admitted to the site: invitations, each good for one terminal, one request and a day; and renewals.

Every change of a terminal's record happens under the directory's lock, so that an invitation is used once however many
desks answer it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kazasu.enrolment import bundle, reply
from kazasu.enrolment.bundle import BOOTSTRAP
from kazasu.enrolment.request import ENROLMENT, RENEWAL, checked, claimed
from kazasu.errors import EnrolmentRefused
from kazasu.site.directory import EventKey, TerminalRecord
from kazasu.site.own_certificates import OWN
from kazasu.site.pem import UNREADABLE, certificate_pem, certified_in, key_pem, public_pem, said_of
from kazasu.site.revocation import keep, spent
from kazasu.site.terminal_record import Certificate, Invitation, is_name
from kazasu.store.keys import pepper_text, verifier_in

if TYPE_CHECKING:
    import datetime as dt

    from cryptography import x509

    from kazasu.enrolment.request import Claim, Request
    from kazasu.model.document import Document
    from kazasu.model.signature import Ed25519Signer
    from kazasu.site.authority import Authority
    from kazasu.site.directory import Site


class Invited(NamedTuple):
    """What a bundle is to hold.

    Attributes:
        content: what has to be sealed.
        expires: until when it admits the terminal.
    """

    content: bundle.Secrets
    expires: dt.datetime


def invite(
    site: Site, terminal: str, authority: Authority | None, valid_for: dt.timedelta, now: dt.datetime, *, again: bool
) -> Invited:
    """Invite a terminal; an invitation that was open before ends.

    Args:
        site: whose.
        terminal: its name.
        authority: issues the bundle's own certificate for the broker; None: the request travels as a file.
        valid_for: from now on.
        now: aware.
        again: it is meant that the terminal is there already, and gets new keys.

    Raises:
        EnrolmentRefused: a name that is none, or a terminal that is there already.
    """
    if not is_name(terminal):
        raise EnrolmentRefused(f"{terminal!r:.60} is no terminal's name: 1 to 32 of a-z, 0-9 and -")
    if terminal in OWN:
        raise EnrolmentRefused(f"no terminal may be called {terminal}: at the broker that is the site's own {terminal}")
    if terminal.startswith(BOOTSTRAP):
        raise EnrolmentRefused(f"no terminal may be called {BOOTSTRAP}…: that is what the broker calls bundles")
    one_time = Ed25519PrivateKey.generate()
    certificate, key = "", ""
    serial = None
    if authority is not None:
        private = ec.generate_private_key(ec.SECP256R1())
        issued = authority.client(BOOTSTRAP + terminal, private.public_key(), now, valid_for)
        certificate, key = certificate_pem(issued).decode(), key_pem(private).decode()
        serial = f"{issued.serial_number:x}"
    pepper = site.pepper()
    content = bundle.Secrets(
        timezone=site.zone.key,
        host=site.address.host,
        port=site.address.port,
        ca=site.file("ca.pem").read_text(),
        site_key=public_pem(site.verifier().public).decode(),
        collector_key=public_pem(site.collector_signer().public).decode(),
        pepper=pepper_text(pepper).decode().strip(),
        one_time_key=key_pem(one_time).decode(),
        certificate=certificate,
        key=key,
    )
    expires = (now + valid_for).replace(microsecond=0)
    invitation = Invitation(
        key=public_pem(one_time.public_key()).decode(), expires=expires, serial=serial, layer=pepper.newest
    )
    with site.locked():
        record = site.find(terminal)
        if record is not None and record.state != "invited" and not again:
            raise EnrolmentRefused(
                f"{terminal} is {record.state} already: if it is to get new keys, or another box its name, add --again;"
                " what it has now counts until the new request is accepted"
            )
        if record is None:
            record = TerminalRecord(id=terminal, state="invited")
        certificates = (*spent(record.invitation, now), *record.certificates)
        invited = msgspec.structs.replace(record, invitation=invitation, certificates=certificates)
        keep(site, invited, authority, now)
    return Invited(content, expires)


class Admission:
    """Answers requests. Opens the keys once, for as many as come.

    Args:
        site: the site.
        signer: the site key.
        authority: issues certificates; None where a CA elsewhere does.
    """

    def __init__(self, site: Site, signer: Ed25519Signer, authority: Authority | None) -> None:
        self._site = site
        self._signer = signer
        self._authority = authority

    def accept(
        self, payload: bytes, now: dt.datetime, certificate: x509.Certificate | None = None, by: str | None = None
    ) -> Document:
        """Accept a request, change the terminal's record, and answer.

        Args:
            payload: untrusted.
            now: aware.
            certificate: what a CA elsewhere made of the request.
            by: who brought it, as the broker says; it has to be the terminal that it speaks for.

        Raises:
            EnrolmentRefused: whatever is wrong with it; nothing was changed.
        """
        claim = claimed(payload)
        if by is not None and claim.terminal != by:
            raise EnrolmentRefused(f"it came from {by}, and speaks for {claim.terminal!r:.60}")
        with self._site.locked():
            record = self._site.find(claim.terminal)
            if record is None:
                raise EnrolmentRefused(f"nobody invited {claim.terminal!r:.60}")
            request = self._checked(payload, claim, record, now)
            issued = self._certificate(request, certificate, now)
            own = Certificate(serial=f"{issued.serial_number:x}", ends=issued.not_valid_after_utc)
            after = _enrolled(record, request, own, now) if request.event_key else _renewed(record, own, now)
            keep(self._site, after, self._authority, now)
        pem = certificate_pem(issued).decode()
        return reply.granted(self._site.name, claim.terminal, claim.digest, pem, self._signer)

    def refused(self, payload: bytes, reason: str) -> Document | None:
        """Say no in the site's name; None if it cannot be said to whom."""
        try:
            claim = claimed(payload)
        except EnrolmentRefused:
            return None
        return reply.refused(self._site.name, claim.terminal, claim.digest, reason, self._signer)

    def request_of(self, payload: bytes, now: dt.datetime) -> Request:
        """Check a request and change nothing, so that a CA elsewhere can be asked.

        Raises:
            EnrolmentRefused: whatever is wrong with it.
        """
        claim = claimed(payload)
        record = self._site.find(claim.terminal)
        if record is None:
            raise EnrolmentRefused(f"nobody invited {claim.terminal!r:.60}")
        return self._checked(payload, claim, record, now)

    def _checked(self, payload: bytes, claim: Claim, record: TerminalRecord, now: dt.datetime) -> Request:
        if claim.kind == ENROLMENT:
            invitation = record.invitation
            if invitation is None:
                raise EnrolmentRefused(
                    f"{record.id} has no open invitation: its bundle was used already, or taken back;"
                    f" `kazasu site add-terminal {record.id} --again` makes another"
                )
            request = checked(payload, ENROLMENT, self._site.name, record.id, invitation.verifier())
            if now > invitation.expires:
                raise EnrolmentRefused(
                    f"the invitation of {record.id} ended at {invitation.expires:%Y-%m-%d %H:%M %Z};"
                    f" `kazasu site add-terminal {record.id} --again` makes another"
                )
            self._check_event_key(request)
            return request
        key = record.event_key
        if key is None:
            raise EnrolmentRefused(f"{record.id} is {record.state}: nothing is renewed")
        request = checked(payload, RENEWAL, self._site.name, record.id, key.verifier())
        newest = record.certificates[-1] if record.certificates else None
        if newest is None or newest.serial != request.serial:
            raise EnrolmentRefused(
                f"{record.id} asks for the successor of a certificate that has one already: an old request, or a copy"
            )
        return request

    def _check_event_key(self, request: Request) -> None:
        """An event key is one terminal's, and one that was revoked stays so."""
        for other in self._site.terminals().values():
            for key in other.event_keys:
                if key.pem == request.event_key and (other.id != request.terminal or key.revoked_at is not None):
                    raise EnrolmentRefused(
                        f"its event key {key.keyid} is {other.id}'s{', and revoked' if key.revoked_at else ''}: a"
                        " copied SD card? Make a new one: `kazasu setup --bundle … --new-event-key`"
                    )

    def _certificate(self, request: Request, brought: x509.Certificate | None, now: dt.datetime) -> x509.Certificate:
        if brought is None:
            if self._authority is None:
                raise EnrolmentRefused("this site's CA is elsewhere: let it sign the request, and bring --certificate")
            return self._authority.client(request.terminal, request.public, now)
        try:
            certified = certified_in(brought)
        except UNREADABLE as error:
            raise EnrolmentRefused("the certificate cannot be read: bring the one that your CA made") from error
        if certified != ([request.terminal], request.public):
            raise EnrolmentRefused(f"the certificate is for {said_of(certified.names)}, or for another key")
        return brought


def _enrolled(record: TerminalRecord, request: Request, own: Certificate, now: dt.datetime) -> TerminalRecord:
    """The record of a terminal with these keys and no others: whoever had the name before is nobody now."""
    keyid = verifier_in(request.event_key.encode(), Path("its event key")).keyid
    kept = [key for key in record.event_keys if key.pem == request.event_key]
    before = [key for key in record.event_keys if key.pem != request.event_key]
    former = msgspec.structs.replace(record, event_keys=tuple(before)).revoked(now)
    now_s = now.replace(microsecond=0)
    return TerminalRecord(
        id=record.id,
        state="active",
        event_keys=(*former.event_keys, *(kept or [EventKey(keyid=keyid, since=now_s, pem=request.event_key)])),
        certificates=(*_current(former, now), *spent(record.invitation, now), own),
        layer=None if record.invitation is None else record.invitation.layer,
    )


def _renewed(record: TerminalRecord, own: Certificate, now: dt.datetime) -> TerminalRecord:
    """The certificate before goes on to its end, for a terminal that has not got the next one yet."""
    return msgspec.structs.replace(record, certificates=(*_current(record, now), own))


def _current(record: TerminalRecord, now: dt.datetime) -> tuple[Certificate, ...]:
    return tuple(certificate for certificate in record.certificates if certificate.ends > now)
