"""What the site answers to one request of one terminal: a certificate, or why there is none; the site key signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from kazasu.errors import EnrolmentRefused, SignatureInvalid
from kazasu.model.document import signed, verified
from kazasu.model.event import WIRE_VERSION
from kazasu.site.pem import UNREADABLE, certified_in, said_of
from kazasu.site.plain_text import plain

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from kazasu.model.document import Document, Signer, Verifier

CERTIFICATE: Final = "certificate"
REFUSAL: Final = "refusal"
SAID: Final = 1000
"""So many letters of a reason are shown."""

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
        raise SignatureInvalid(f"a reply for {fields['site']!r:.40}, {fields['terminal']!r:.40}, to another request")
    if kind == REFUSAL:
        raise EnrolmentRefused(f"the site says no: {plain(str(fields['said']), SAID)}")
    pem = str(fields["certificate"])
    try:
        certified = certified_in(x509.load_pem_x509_certificate(pem.encode()))
    except UNREADABLE as error:
        raise EnrolmentRefused("the site sent no certificate in PEM") from error
    if certified != ([terminal], key.public_key()):
        raise EnrolmentRefused(f"the site sent a certificate for {said_of(certified.names)}, or for another key")
    return pem


def _fields(kind: str, site: str, terminal: str, request: str) -> dict[str, int | str]:
    return {"v": WIRE_VERSION, "type": kind, "site": site, "terminal": terminal, "request": request}
