"""Whose certificate is it: the CA certificates that the configuration names, and the check of a card's against them.

The only importer of cryptography.x509, which costs a small Pi 6 MB and 20 ms: whoever needs no certificates does not
import this module. What a card sends as a certificate is anybody's bytes.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kazasu.errors import CardRefused, ConfigurationError
from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from collections.abc import Iterable

_STRONG_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_STRONG_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_STRONG_RSA_BITS: Final = 2048


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """A CA that the site trusts.

    Attributes:
        file: where its certificate came from.
        certificate: the certificate.
        valid_from: its first second, aware UTC.
        valid_until: its last second, aware UTC.
    """

    file: Path
    certificate: x509.Certificate
    valid_from: datetime
    valid_until: datetime


class CheckedCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that a trusted CA has signed.

    Attributes:
        issuer_key: the CA's key identifier.
        serial: the serial number, big-endian; for the pseudonym and nothing else (rule 7).
        public_key: the certified key, SubjectPublicKeyInfo in DER.
        valid_from: first second in which it and its CA's are valid, aware UTC.
        valid_until: last such second, aware UTC.
        purposes: its extended key usages, dotted; empty if it names none.
        uris: of its alternative names.
        other_names: of its alternative names, those of a type of their own: the type, dotted, and the value in DER.
    """

    issuer_key: bytes
    serial: bytes
    public_key: bytes
    valid_from: datetime
    valid_until: datetime
    purposes: frozenset[str] = frozenset()
    uris: tuple[str, ...] = ()
    other_names: tuple[tuple[str, bytes], ...] = ()

    def __repr__(self) -> str:
        """Without the serial number, the key and the names."""
        return f"CheckedCertificate(valid_from={self.valid_from}, valid_until={self.valid_until})"


class TrustedIssuers:
    """The trusted CAs, by their key: several generations of a CA share one name.

    Args:
        issuers: as `load` makes them.
    """

    def __init__(self, issuers: Iterable[Issuer]) -> None:
        self.issuers = tuple(issuers)
        self._by_key: dict[bytes, list[Issuer]] = {}
        for issuer in self.issuers:
            self._by_key.setdefault(_subject_key(issuer.certificate), []).append(issuer)

    @classmethod
    def load(cls, files: Iterable[Path]) -> TrustedIssuers:
        """Read CA certificates.

        Args:
            files: PEM, one or more certificates each. Those past their validity are taken too: what they have signed
                is answered with "expired" and not with "untrusted".

        Raises:
            ConfigurationError: a file that cannot be read, or that holds anything but CA certificates with strong keys.
        """
        return cls(issuer for file in files for issuer in _load(file))

    def check(self, der: bytes) -> CheckedCertificate:
        """Check that a trusted CA has signed a person's certificate; when, is for the caller to judge.

        Args:
            der: what the card gave.

        Raises:
            CardRefused: not a certificate (CARD_UNREADABLE), or none that a trusted CA has signed for a person with a
                strong algorithm (CERTIFICATE_UNTRUSTED).
        """
        try:
            return self._check(x509.load_der_x509_certificate(der))
        except CardRefused:
            raise
        except Exception as error:
            # The parser is lazy, and its errors have no ancestor of their own; what a stranger's bytes can cause is
            # that this card is refused. Its words are left out: they may quote the certificate.
            raise CardRefused(DenyReason.CARD_UNREADABLE, "what the card gives is not a certificate") from error

    def _check(self, certificate: x509.Certificate) -> CheckedCertificate:
        if not isinstance(certificate.signature_hash_algorithm, _STRONG_HASHES):
            _refuse("the certificate's signature algorithm is too weak")
        candidates = self._by_key.get(_authority_key(certificate), ())
        issuer = next((candidate for candidate in candidates if _signed_by(certificate, candidate)), None)
        if issuer is None:
            _refuse("no CA certificate of the configuration has signed the card's certificate")
        _expect_personal(certificate)
        serial = certificate.serial_number
        names = _alternative_names(certificate)
        return CheckedCertificate(
            issuer_key=_subject_key(issuer.certificate),
            serial=serial.to_bytes(serial.bit_length() // 8 + 1),
            public_key=certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            valid_from=max(certificate.not_valid_before_utc, issuer.valid_from),
            valid_until=min(certificate.not_valid_after_utc, issuer.valid_until),
            purposes=_purposes(certificate),
            uris=tuple(name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)),
            other_names=tuple(
                (name.type_id.dotted_string, name.value) for name in names if isinstance(name, x509.OtherName)
            ),
        )


def _refuse(detail: str) -> NoReturn:
    raise CardRefused(DenyReason.CERTIFICATE_UNTRUSTED, detail)


def _signed_by(certificate: x509.Certificate, issuer: Issuer) -> bool:
    """Whether the CA's name and signature are on it, by the algorithm that the certificate names."""
    try:
        certificate.verify_directly_issued_by(issuer.certificate)
    except Exception:  # noqa: BLE001  (see `check`)
        return False
    return True


def _expect_personal(certificate: x509.Certificate) -> None:
    """A person's certificate: no CA's, meant for signatures, with nothing critical that is not understood."""
    for extension in certificate.extensions:
        match extension.value:
            case x509.BasicConstraints(ca=True):
                _refuse("the certificate on the card is a CA's")
            case x509.KeyUsage(digital_signature=False):
                _refuse("the certificate on the card is not for authentication")
            case x509.UnrecognizedExtension() if extension.critical:
                _refuse("the certificate on the card has a critical extension that is not known")
            case _:
                pass
    if not _strong_key(certificate):
        _refuse("the key in the card's certificate is too weak")


def _strong_key(certificate: x509.Certificate) -> bool:
    match certificate.public_key():
        case rsa.RSAPublicKey(key_size=bits):
            return bits >= _STRONG_RSA_BITS
        case ec.EllipticCurvePublicKey(curve=curve):
            return isinstance(curve, _STRONG_CURVES)
        case _:
            return False


def _purposes(certificate: x509.Certificate) -> frozenset[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(purpose.dotted_string for purpose in extension.value)


def _alternative_names(certificate: x509.Certificate) -> tuple[x509.GeneralName, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(extension.value)


def _authority_key(certificate: x509.Certificate) -> bytes:
    """The key identifier of the CA that it names; empty, and so nobody's, if it names none."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except x509.ExtensionNotFound:
        return b""
    return extension.value.key_identifier or b""


def _subject_key(certificate: x509.Certificate) -> bytes:
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def _load(file: Path) -> list[Issuer]:
    try:
        pem = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file}: the CA certificate cannot be read: {error.strerror}") from error
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ConfigurationError(
            f"{file}: holds no certificate in PEM; a binary one is converted with"
            f" `openssl x509 -inform DER -in {file.name} -out ca.pem`"
        ) from error
    return [_issuer(file, certificate) for certificate in certificates]


def _issuer(file: Path, certificate: x509.Certificate) -> Issuer:
    try:
        fault = _fault(certificate)
        if fault is None:
            return Issuer(
                file=file,
                certificate=certificate,
                valid_from=certificate.not_valid_before_utc,
                valid_until=certificate.not_valid_after_utc,
            )
    except Exception as error:  # noqa: BLE001  (see `TrustedIssuers.check`)
        fault = f"it is malformed: {error}"
    raise ConfigurationError(f"{file}: cannot serve as CA certificate: {fault}; get the CA's own certificate again")


def _fault(certificate: x509.Certificate) -> str | None:
    """What keeps a certificate from being a CA's that can be trusted by its key; None if nothing does."""
    by_kind = {type(extension.value): extension.value for extension in certificate.extensions}
    match by_kind.get(x509.BasicConstraints):
        case x509.BasicConstraints(ca=True):
            pass
        case _:
            return "it is not a CA's (basicConstraints)"
    match by_kind.get(x509.KeyUsage):
        case x509.KeyUsage(key_cert_sign=False):
            return "its key is not for signing certificates (keyUsage)"
        case _:
            pass
    if x509.SubjectKeyIdentifier not in by_kind:
        return "its key has no identifier (subjectKeyIdentifier)"
    return None if _strong_key(certificate) else "its key is too weak: RSA from 2048 bits or EC from P-256 is needed"
