"""A test authority for My Number Cards: certificates in the form of the real ones, under keys that prove nothing.

Names, extensions and policies follow JPKI's certificate profile as the facts on cards collect it; every address ends
in `.invalid`. Nothing outside a test trusts what is issued here.
"""

from __future__ import annotations

import datetime as dt
import functools
import secrets
from typing import Final, TypedDict, Unpack

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from kazasu.virtual.jpki import JpkiCard, PrivateKey

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

AUTHENTICATION_POLICY: Final = x509.ObjectIdentifier("1.2.392.200149.8.5.1.3.30")
SIGNATURE_POLICY: Final = x509.ObjectIdentifier("1.2.392.200149.8.5.1.1.10")

_AGENCY: Final = "Japan Agency for Local Authority Information Systems"
_AGENCY_JA: Final = "地方公共団体情報システム機構"
_SERVICE_JA: Final = "公的個人認証サービス"
_CA_YEARS: Final = 10
_CARD_YEARS: Final = 5
_YEAR: Final = dt.timedelta(days=365)


class Purpose(msgspec.Struct, frozen=True, kw_only=True):
    """What sets JPKI's two authorities apart.

    Attributes:
        unit: the authority's OU, in English.
        unit_ja: the same in the issuer's alternative name.
        policy: what its certificates are for.
        host: the first part of the (invalid) addresses in its certificates.
        content_commitment: whether a signature binds its maker, besides authenticating.
    """

    unit: str
    unit_ja: str
    policy: x509.ObjectIdentifier
    host: str
    content_commitment: bool


AUTHENTICATION: Final = Purpose(
    unit="JPKI for user authentication",
    unit_ja=f"{_SERVICE_JA}利用者証明用",
    policy=AUTHENTICATION_POLICY,
    host="auth",
    content_commitment=False,
)
SIGNATURE: Final = Purpose(
    unit="JPKI for digital signature",
    unit_ja=f"{_SERVICE_JA}署名用",
    policy=SIGNATURE_POLICY,
    host="sign",
    content_commitment=True,
)


class CardFeatures(TypedDict, total=False):
    """What a card has beside its certificates and keys: see `JpkiCard`."""

    pin: str
    password: str
    common: str
    token: str
    atr: bytes
    first_apdu_6f00: bool
    no_extended: bool


@functools.cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """This process's RSA-2048 key of that name: made when first asked for and kept, since making one takes long."""
    del name  # only tells them apart
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def distinguished_name(purpose: Purpose) -> x509.Name:
    """The name that all generations of an authority share."""
    return _name((NameOID.COUNTRY_NAME, "JP"), (NameOID.ORGANIZATION_NAME, "JPKI"), *_units(purpose.unit, _AGENCY))


class JpkiIssuer:
    """One generation of a JPKI authority.

    Two issuers of the same purpose share their name and differ in their key, as authca02 and authca03 do.

    Args:
        key: the authority's own, RSA-2048 or EC P-384; `rsa_key("authority")` if None.
        purpose: authentication, or signature.
        not_before: the authority's first moment, aware; a year ago if None.
        not_after: its last moment, aware; ten years after the first if None.
    """

    def __init__(
        self,
        key: PrivateKey | None = None,
        *,
        purpose: Purpose = AUTHENTICATION,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
    ) -> None:
        self._key = rsa_key("authority") if key is None else key
        self._purpose = purpose
        self._name = distinguished_name(purpose)
        self._serial = x509.random_serial_number()
        first = not_before or _today() - _YEAR
        public = self._key.public_key()
        self.ca_certificate = (
            _builder(self._name, self._name, public, self._serial, first)
            .not_valid_after(not_after or first + _CA_YEARS * _YEAR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(self._authority(), critical=False)
            .add_extension(_japanese_name(purpose), critical=False)
            .sign(self._key, _digest(self._key))
        )

    def certificate(
        self,
        public_key: PublicKey,
        *,
        common_name: str | None = None,
        serial: int | None = None,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
    ) -> x509.Certificate:
        """Issue a staff member's certificate.

        Args:
            public_key: the card's, RSA-2048 or EC P-384.
            common_name: the subject's pseudonym; random if None. JPKI's are 26 capital letters and digits.
            serial: the certificate's number, above 0; random, 31 bits, if None.
            not_before: first moment, aware; today's first if None.
            not_after: last moment, aware; five years after the first if None.
        """
        first = not_before or _today()
        number = 1 + secrets.randbelow(2**31 - 1) if serial is None else serial
        pseudonym = common_name or f"{number:010d}{secrets.token_hex(8).upper()}"
        subject = _name((NameOID.COUNTRY_NAME, "JP"), (NameOID.COMMON_NAME, pseudonym))
        return (
            _builder(subject, self._name, public_key, number, first)
            .not_valid_after(not_after or first + _CARD_YEARS * _YEAR)
            .add_extension(
                _usage(digital_signature=True, content_commitment=self._purpose.content_commitment), critical=True
            )
            .add_extension(self._policies(), critical=True)
            .add_extension(_japanese_name(self._purpose), critical=False)
            .add_extension(self._revocation_list(), critical=False)
            .add_extension(self._online_status(), critical=False)
            .add_extension(self._authority(), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .sign(self._key, _digest(self._key))
        )

    def card(
        self, key: PrivateKey | None, certificate: x509.Certificate | None = None, **features: Unpack[CardFeatures]
    ) -> JpkiCard:
        """Make a My Number Card; what it signs with by password is the same on all cards of this process.

        Args:
            key: its authentication key; None makes a copy that has none.
            certificate: over that key; issued with the defaults if None.
            features: what else it has.

        Raises:
            ValueError: neither key nor certificate.
        """
        if certificate is None:
            if key is None:
                raise ValueError("a copy needs the certificate that was copied")
            certificate = self.certificate(key.public_key())
        signing = _signing_issuer()
        return JpkiCard(
            certificate=_der(certificate),
            ca_certificate=_der(self.ca_certificate),
            key=key,
            signing_certificate=_der(signing.certificate(rsa_key("signing").public_key())),
            signing_ca_certificate=_der(signing.ca_certificate),
            signing_key=rsa_key("signing"),
            **features,
        )

    def _authority(self) -> x509.AuthorityKeyIdentifier:
        by_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return x509.AuthorityKeyIdentifier(by_key.key_identifier, [x509.DirectoryName(self._name)], self._serial)

    def _policies(self) -> x509.CertificatePolicies:
        practice = f"http://www.{self._purpose.host}.jpki.invalid/cps.html"
        return x509.CertificatePolicies([x509.PolicyInformation(self._purpose.policy, [practice])])

    def _revocation_list(self) -> x509.CRLDistributionPoints:
        place = _name(
            (NameOID.COUNTRY_NAME, "JP"),
            (NameOID.ORGANIZATION_NAME, "JPKI"),
            *_units(self._purpose.unit, "CRL Distribution Points", "Test-ken"),
            (NameOID.COMMON_NAME, "Test-shi CRLDP"),
        )
        return x509.CRLDistributionPoints([x509.DistributionPoint([x509.DirectoryName(place)], None, None, None)])

    def _online_status(self) -> x509.AuthorityInformationAccess:
        responder = x509.UniformResourceIdentifier(f"http://ocsp.{self._purpose.host}.jpki.invalid")
        return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, responder)])


@functools.cache
def _signing_issuer() -> JpkiIssuer:
    return JpkiIssuer(purpose=SIGNATURE)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: PublicKey, serial: int, not_before: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(not_before)
    )


def _digest(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else hashes.SHA384()


def _usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _japanese_name(purpose: Purpose) -> x509.IssuerAlternativeName:
    name = _name(
        (NameOID.COUNTRY_NAME, "JP"),
        (NameOID.ORGANIZATION_NAME, _SERVICE_JA),
        *_units(purpose.unit_ja, _AGENCY_JA),
    )
    return x509.IssuerAlternativeName([x509.DirectoryName(name)])


def _units(*units: str) -> list[tuple[x509.ObjectIdentifier, str]]:
    return [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units]


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _today() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
