"""What a terminal asks its site for: to be admitted (`enrolment`), or for its next certificate (`renewal`).

Both are signed documents that carry a certificate request (PKCS#10), whose own signature proves the key to it. An
enrolment is signed with the bundle's one-time key and names the terminal's event key, which signs, too (`proof`), so
that nobody registers another's. A renewal is signed with the event key and names the certificate that it replaces.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kazasu.errors import EnrolmentRefused, KeyMaterialError, SignatureInvalid
from kazasu.model.document import canonical, signed, verified
from kazasu.model.event import WIRE_VERSION
from kazasu.site.pem import UNREADABLE, public_pem, said_of
from kazasu.store.keys import verifier_in

if TYPE_CHECKING:
    import datetime as dt

    from kazasu.model.document import Document, Verifier
    from kazasu.model.signature import Ed25519Signer

ENROLMENT: Final = "enrolment"
RENEWAL: Final = "renewal"
_SIGNED = {"v", "type", "site", "terminal", "made", "csr", "keyid", "sig"}
_FIELDS = {ENROLMENT: _SIGNED | {"event_key", "proof"}, RENEWAL: _SIGNED | {"serial"}}
_MAX_BYTES = 16 * 1024
_SERIAL = re.compile(r"[0-9a-f]{1,40}")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request that holds.

    Attributes:
        terminal: who asks.
        public: the key to be certified.
        csr: the request as the CA gets it, PEM.
        event_key: of an enrolment, the key that will sign events, PEM; else empty.
        serial: of a renewal, the certificate to be replaced, hexadecimal; else empty.
        digest: names this very request in its reply.
    """

    terminal: str
    public: ec.EllipticCurvePublicKey
    csr: str
    digest: str
    event_key: str = ""
    serial: str = ""


def enrolment(
    site: str,
    terminal: str,
    made: dt.datetime,
    *,
    one_time: Ed25519Signer,
    event: Ed25519Signer,
    client: ec.EllipticCurvePrivateKey,
) -> Document:
    """Ask to be admitted.

    Args:
        site: by whom.
        terminal: as whom.
        made: now, aware.
        one_time: the bundle's key.
        event: the terminal's event key.
        client: its key for the broker.
    """
    fields = _fields(ENROLMENT, site, terminal, made, client)
    fields["event_key"] = public_pem(event.public).decode()
    fields["proof"] = base64.b64encode(event.sign(canonical(fields))).decode()
    return signed(fields, one_time)


def renewal(
    site: str,
    terminal: str,
    made: dt.datetime,
    *,
    event: Ed25519Signer,
    client: ec.EllipticCurvePrivateKey,
    serial: int,
) -> Document:
    """Ask for the next certificate.

    Args:
        site: of whom.
        terminal: who asks.
        made: now, aware.
        event: its event key.
        client: its next key for the broker.
        serial: of the certificate that it has.
    """
    return signed({**_fields(RENEWAL, site, terminal, made, client), "serial": f"{serial:x}"}, event)


class Claim(NamedTuple):
    """What a request says of itself; nothing of it is proved.

    Attributes:
        kind: ENROLMENT or RENEWAL.
        terminal: who asks, as it says.
        digest: names it in a reply.
    """

    kind: str
    terminal: str
    digest: str


def claimed(payload: bytes) -> Claim:
    """Say what a request claims, so that it can be looked up.

    Raises:
        EnrolmentRefused: it claims nothing that can be.
    """
    if len(payload) > _MAX_BYTES:
        raise EnrolmentRefused(f"larger than {_MAX_BYTES} bytes: this is no request")
    try:
        fields = dict(msgspec.json.decode(payload))
        kind, terminal = fields["type"], fields["terminal"]
        covered = canonical({name: value for name, value in fields.items() if name != "sig"})
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise EnrolmentRefused(f"this is no request of a terminal: {error}") from error
    if kind not in _FIELDS or not isinstance(terminal, str):
        raise EnrolmentRefused(f"this is no request of a terminal, but {kind!r:.40}")
    return Claim(kind, terminal, hashlib.sha256(covered).hexdigest())


def checked(payload: bytes, kind: str, site: str, terminal: str, verifier: Verifier) -> Request:
    """Verify a request.

    Args:
        payload: untrusted; `claimed` has looked at it.
        kind: ENROLMENT or RENEWAL.
        site: that it has to be meant for.
        terminal: that it has to come from.
        verifier: the invitation's one-time key, or the terminal's event key.

    Raises:
        EnrolmentRefused: whatever is wrong with it.
    """
    try:
        document = verified(payload, verifier)
    except SignatureInvalid as error:
        raise EnrolmentRefused(f"not signed by whom it claims: {error}") from error
    fields: dict[str, Any] = dict(document.fields)
    if fields.keys() != _FIELDS[kind]:
        raise EnrolmentRefused(f"not of this version: its fields are {', '.join(sorted(fields)):.300}")
    if (fields["v"], fields["type"], fields["site"], fields["terminal"]) != (WIRE_VERSION, kind, site, terminal):
        raise EnrolmentRefused(
            f"meant for {fields['site']!r:.40}, {fields['terminal']!r:.40}, not for {site}/{terminal}"
        )
    csr, public = _certificate_request(str(fields["csr"]), terminal)
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise EnrolmentRefused("the key to be certified is not P-256")
    if kind == ENROLMENT:
        _check_proof(fields)
    elif not _SERIAL.fullmatch(str(fields["serial"])):
        raise EnrolmentRefused(f"{fields['serial']!r:.60} is no certificate's serial number")
    return Request(
        terminal=terminal,
        public=public,
        csr=csr.public_bytes(Encoding.PEM).decode(),
        event_key=str(fields.get("event_key", "")),
        serial=str(fields.get("serial", "")),
        digest=document_digest(document),
    )


def document_digest(document: Document) -> str:
    """Name a document: the SHA-256 of what its signature covers, 64 hexadecimal digits."""
    return hashlib.sha256(document.covered).hexdigest()


def _fields(
    kind: str, site: str, terminal: str, made: dt.datetime, client: ec.EllipticCurvePrivateKey
) -> dict[str, int | str]:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, terminal)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(client, hashes.SHA256())
    return {
        "v": WIRE_VERSION,
        "type": kind,
        "site": site,
        "terminal": terminal,
        "made": made.isoformat(timespec="seconds"),
        "csr": csr.public_bytes(Encoding.PEM).decode(),
    }


def _certificate_request(pem: str, terminal: str) -> tuple[x509.CertificateSigningRequest, object]:
    """The request that holds, and the key that it asks for."""
    try:
        csr = x509.load_pem_x509_csr(pem.encode())
        holds, public = csr.is_signature_valid, csr.public_key()
        names = [str(name.value) for name in csr.subject]
    except UNREADABLE as error:
        raise EnrolmentRefused("its certificate request cannot be read") from error
    if not holds:
        raise EnrolmentRefused("its certificate request is not signed with the key that it names")
    if names != [terminal]:
        raise EnrolmentRefused(f"its certificate request is for {said_of(names)}, not for {terminal}")
    return csr, public


def _check_proof(fields: dict[str, Any]) -> None:
    """Who registers an event key holds it."""
    covered = {name: value for name, value in fields.items() if name not in {"proof", "keyid", "sig"}}
    try:
        verifier = verifier_in(str(fields["event_key"]).encode(), Path("its event key"))
        verifier.verify(base64.b64decode(str(fields["proof"]), validate=True), canonical(covered))
    except (KeyMaterialError, SignatureInvalid, ValueError) as error:
        raise EnrolmentRefused(f"its event key does not sign for it: {error}") from error
