"""A test authority for PIV cards: certificates and data objects in the form of the real ones, worth nothing outside.

Certificates: X.509 Certificate and CRL Extensions Profile for the Shared Service Providers Program, "Card
Authentication Certificate" and "PIV Authentication Certificate". Data objects: NIST SP 800-73-4 part 1, appendix A.
"""

from __future__ import annotations

import datetime as dt
import functools
import gzip
import secrets
from typing import TYPE_CHECKING, Final, TypedDict, Unpack
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from kazasu.virtual.issuer import rsa_key
from kazasu.virtual.piv import (
    AID,
    CARD_AUTHENTICATION,
    CCC,
    CERTIFICATES,
    CHUID,
    DISCOVERY,
    PRINTED,
    PivCard,
    PrivateKey,
)
from kazasu.virtual.tlv import tlv

if TYPE_CHECKING:
    from collections.abc import Mapping

# The example of TIG SCEPACS v2.3 (Technical Implementation Guidance: Smart Card Enabled Physical Access Control
# Systems), page 32: agency 0032, system 0001, credential 092446, series 0, issue 1, person 1112223333.
FASC_N: Final = bytes.fromhex("D0439458210C2C19A0846D83685A1082108CE73984108CA3FC")
# What cards of issuers outside the government carry, all the same: agency, system and credential number are nines.
FASC_N_SHARED: Final = bytes.fromhex("D4E739DA739CED39CE739D836858210842108421C84210C3EB")

CARD_AUTH_PURPOSE: Final = ObjectIdentifier("2.16.840.1.101.3.6.8")  # id-PIV-cardAuth
_FASC_N_NAME: Final = ObjectIdentifier("2.16.840.1.101.3.6.6")  # pivFASC-N
_INTERIM: Final = ObjectIdentifier("2.16.840.1.101.3.6.9.1")  # piv-interim: the background check is done
_CARD_AUTH_POLICY: Final = ObjectIdentifier("2.16.840.1.101.3.2.1.3.17")  # id-fpki-common-cardAuth
_NAME: Final = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Virtual Government"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Virtual PIV CA"),
    ]
)
_YEAR: Final = dt.timedelta(days=365)
_CA_YEARS: Final = 10
_CARD_YEARS: Final = 3


class CardFeatures(TypedDict, total=False):
    """What a card has beside its data and keys: see `PivCard`."""

    pin: str
    contactless: bool
    atr: bytes


@functools.cache
def ec_key(name: str, curve: str = "secp256r1") -> ec.EllipticCurvePrivateKey:
    """This process's key of that name."""
    del name  # only tells them apart
    return ec.generate_private_key(ec.SECP384R1() if curve == "secp384r1" else ec.SECP256R1())


class PivIssuer:
    """An authority that signs card certificates.

    Args:
        key: its own; `rsa_key("piv authority")` if None.
        not_before: its first moment, aware; a year ago if None.
    """

    def __init__(self, key: PrivateKey | None = None, *, not_before: dt.datetime | None = None) -> None:
        self._key = rsa_key("piv authority") if key is None else key
        self._not_before = not_before or _today() - _YEAR
        public = self._key.public_key()
        self.ca_certificate = (
            x509.CertificateBuilder()
            .subject_name(_NAME)
            .issuer_name(_NAME)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._not_before)
            .not_valid_after(self._not_before + _CA_YEARS * _YEAR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, _digest(self._key))
        )

    def certificate(
        self,
        public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
        *,
        guid: bytes | None = None,
        fasc_n: bytes | None = FASC_N,
        purposes: tuple[ObjectIdentifier, ...] = (CARD_AUTH_PURPOSE,),
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
    ) -> x509.Certificate:
        """Issue a card authentication certificate.

        Args:
            public_key: the card's.
            guid: the card's UUID, 16 bytes; left out if None.
            fasc_n: the card's FASC-N, 25 bytes; left out if None.
            purposes: its extended key usages; left out if empty.
            not_before: first moment, aware; today's first if None.
            not_after: last moment, aware; three years after the first if None.
        """
        first = not_before or _today()
        names: list[x509.GeneralName] = []
        if fasc_n is not None:
            names.append(x509.OtherName(_FASC_N_NAME, tlv(0x04, fasc_n)))
        if guid is not None:
            names.append(x509.UniformResourceIdentifier(UUID(bytes=guid).urn))
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        policy = x509.PolicyInformation(_CARD_AUTH_POLICY, None)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.SERIAL_NUMBER, secrets.token_hex(16))]))
            .issuer_name(_NAME)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(first)
            .not_valid_after(not_after or first + _CARD_YEARS * _YEAR)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(authority, critical=False)
            .add_extension(x509.CertificatePolicies([policy]), critical=False)
            .add_extension(x509.UnrecognizedExtension(_INTERIM, b"\x01\x01\x00"), critical=False)
        )
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, _digest(self._key))

    def card(
        self,
        keys: Mapping[int, PrivateKey] | PrivateKey,
        *,
        guid: bytes | None = None,
        fasc_n: bytes = FASC_N,
        certificate: x509.Certificate | None = None,
        compressed: bool = False,
        **features: Unpack[CardFeatures],
    ) -> PivCard:
        """Make a card.

        Args:
            keys: by reference; a key alone is the one for card authentication. Each gets a certificate.
            guid: the card's UUID, 16 bytes; random if None.
            fasc_n: the card's FASC-N, 25 bytes.
            certificate: for card authentication; issued with the defaults if None.
            compressed: whether certificates lie on the card in gzip's form.
            features: what else it has.
        """
        number = guid or secrets.token_bytes(16)
        by_reference = {CARD_AUTHENTICATION: keys} if isinstance(keys, PrivateKey) else dict(keys)
        stored = {
            CHUID: chuid(number, fasc_n),
            CCC: tlv(0x53, tlv(0xF0, bytes(21)) + tlv(0xF1, b"\x21") + tlv(0xF2, b"\x21") + _EMPTY_CCC),
            DISCOVERY: tlv(0x7E, tlv(0x4F, AID) + bytes.fromhex("5F2F024000")),
            PRINTED: tlv(0x53, tlv(0x01, b"VIRTUAL CARD: NO PERSON'S DATA") + b"\xfe\x00"),
        }
        for reference, key in by_reference.items():
            own = reference == CARD_AUTHENTICATION
            issued = certificate if own and certificate is not None else self._issue(key, number, fasc_n, own)
            stored[CERTIFICATES[reference]] = certificate_object(
                issued.public_bytes(Encoding.DER), compressed=compressed
            )
        return PivCard(objects=stored, keys=by_reference, **features)

    def _issue(self, key: PrivateKey, guid: bytes, fasc_n: bytes, own: bool) -> x509.Certificate:  # noqa: FBT001
        purposes = (CARD_AUTH_PURPOSE,) if own else ()
        named = None if fasc_n == FASC_N_SHARED else fasc_n
        return self.certificate(key.public_key(), guid=guid if any(guid) else None, fasc_n=named, purposes=purposes)


_EMPTY_CCC: Final = bytes.fromhex("F300F40100F50110F600F700FA00FB00FC00FD00FE00")


def chuid(guid: bytes, fasc_n: bytes = FASC_N, signature: bytes = bytes(2000)) -> bytes:
    """A Card Holder Unique Identifier, as GET DATA gives it.

    Args:
        guid: 16 bytes.
        fasc_n: 25 bytes.
        signature: its issuer's, which nobody here looks at; on real cards some two kilobytes.
    """
    numbers = tlv(0x30, fasc_n) + tlv(0x34, guid) + tlv(0x35, b"20301231")
    return tlv(0x53, numbers + tlv(0x3E, signature) + tlv(0xFE, b""))


def certificate_object(der: bytes, *, compressed: bool = False) -> bytes:
    """A certificate, as GET DATA gives it."""
    content, info = (gzip.compress(der), b"\x01") if compressed else (der, b"\x00")
    return tlv(0x53, tlv(0x70, content) + tlv(0x71, info) + tlv(0xFE, b""))


def clone(card: PivCard, key: PrivateKey | None = None) -> PivCard:
    """A card with every data object of another one: all that copying can give.

    Args:
        card: the genuine one.
        key: one of the copier's own, for card authentication.
    """
    return PivCard(objects=card.objects, keys={} if key is None else {CARD_AUTHENTICATION: key})


def _digest(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    large = isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size > 256  # noqa: PLR2004  (P-256)
    return hashes.SHA384() if large else hashes.SHA256()


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _today() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
