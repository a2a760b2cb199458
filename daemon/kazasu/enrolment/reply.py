"""What the site answers to one request of one terminal: a certificate, or why there is none; the site key signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from kazasu.errors import EnrolmentRefused, SignatureInvalid
from kazasu.model.document import signed, verified
from kazasu.model.event import WIRE_VERSION

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from kazasu.model.document import Document, Signer, Verifier

CERTIFICATE: Final = "certificate"
REFUSAL: Final = "refusal"
_SIGNED = {"v", "type", "site", "terminal", "request", "keyid", "sig"}
_FIELDS = {CERTIFICATE: _SIGNED | {"certificate"}, REFUSAL: _SIGNED | {"said"}}


def granted(site: str, terminal: str, request: str, certificate: str, signer: Signer) -> Document:
    """Answer with a certificate, PEM; `request` is the request's digest."""
    return signed({**_fields(CERTIFICATE, site, terminal, request), "certificate": certificate}, signer)


def refused(site: str, terminal: str, request: str, said: str, signer: Signer) -> Document:
    """Answer with the reason why not."""
    return signed({**_fields(REFUSAL, site, terminal, request), "said": said}, signer)


def certificate_for(
    payload: bytes, *verifiers: Verifier, site: str, terminal: str, request: str, key: ec.EllipticCurvePrivateKey
) -> str:
    """Take the certificate, PEM, from the reply to one's own request.

    Args:
        payload: untrusted.
        verifiers: the site's key, or both while a new one takes over.
        site: one's own.
        terminal: oneself.
        request: the digest of what was asked.
        key: what was to be certified.

    Raises:
        SignatureInvalid: this is no reply of the site's to this request: one may come yet.
        EnrolmentRefused: it is, and says no; or the certificate is not what was asked for.
    """
    fields: dict[str, Any] = dict(verified(payload, *verifiers).fields)
    kind = fields.get("type")
    if fields.keys() != _FIELDS.get(str(kind)):
        raise SignatureInvalid(f"this is no reply: its fields are {', '.join(sorted(fields))}")
    asked = (WIRE_VERSION, site, terminal, request)
    if (fields["v"], fields["site"], fields["terminal"], fields["request"]) != asked:
        raise SignatureInvalid(f"a reply for {fields['site']}/{fields['terminal']}, to another request")
    if kind == REFUSAL:
        raise EnrolmentRefused(f"the site says no: {fields['said']}")
    pem = str(fields["certificate"])
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise EnrolmentRefused("the site sent no certificate in PEM") from error
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [terminal] or certificate.public_key() != key.public_key():
        raise EnrolmentRefused(f"the site sent a certificate for {', '.join(names)}, or for another key")
    return pem


def _fields(kind: str, site: str, terminal: str, request: str) -> dict[str, int | str]:
    return {"v": WIRE_VERSION, "type": kind, "site": site, "terminal": terminal, "request": request}
