"""Whose certificate it is: several generations of a CA, and everything that only looks like one."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kazasu.cards.certificates import TrustedIssuers
from kazasu.errors import CardRefused, ConfigurationError
from kazasu.model.access import DenyReason
from kazasu.virtual.issuer import AUTHENTICATION as NAMED
from kazasu.virtual.issuer import JpkiIssuer, distinguished_name, rsa_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2031, 1, 1, tzinfo=dt.UTC)
KEY = rsa_key("card").public_key()


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def trust(directory: Path, *issuers: JpkiIssuer) -> TrustedIssuers:
    files = [directory / f"ca{number}.pem" for number in range(len(issuers))]
    for file, issuer in zip(files, issuers, strict=True):
        file.write_bytes(pem(issuer.ca_certificate))
    return TrustedIssuers.load(files)


def refusal(trusted: TrustedIssuers, certificate: bytes) -> CardRefused:
    with pytest.raises(CardRefused) as caught:
        trusted.check(certificate)
    return caught.value


def signed(
    key: CertificateIssuerPrivateKeyTypes,
    extensions: Iterable[tuple[x509.ExtensionType, bool]],
    *,
    subject_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey = KEY,
    digest: hashes.SHA224 | hashes.SHA256 | None = None,
    issuer: x509.Name | None = None,
) -> x509.Certificate:
    """A certificate with these extensions and no others."""
    name = distinguished_name(NAMED)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or name)
        .public_key(subject_key)
        .serial_number(5)
        .not_valid_before(START)
        .not_valid_after(END)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, digest or hashes.SHA256())


AUTHORITY = rsa_key("authority")
AKI = (x509.AuthorityKeyIdentifier.from_issuer_public_key(AUTHORITY.public_key()), False)
SKI = (x509.SubjectKeyIdentifier.from_public_key(AUTHORITY.public_key()), False)
CA = (x509.BasicConstraints(ca=True, path_length=0), True)


def test_generations_under_one_name_are_told_apart_by_their_key(tmp_path: Path) -> None:
    second, third = JpkiIssuer(rsa_key("second")), JpkiIssuer(rsa_key("third"))
    assert second.ca_certificate.subject == third.ca_certificate.subject
    trusted = trust(tmp_path, second, third)
    keys = {trusted.check(der(issuer.certificate(KEY, serial=7))).issuer_key for issuer in (second, third)}
    assert len(keys) == 2


def test_tomorrows_algorithms_are_taken_from_the_certificate(tmp_path: Path) -> None:
    issuer = JpkiIssuer(ec.generate_private_key(ec.SECP384R1()))
    personal = issuer.certificate(ec.generate_private_key(ec.SECP384R1()).public_key(), serial=7)
    assert trust(tmp_path, JpkiIssuer(), issuer).check(der(personal)).serial == b"\7"


def test_validity_is_that_of_certificate_and_ca_together(tmp_path: Path) -> None:
    issuer = JpkiIssuer(not_before=START, not_after=END)
    day = dt.timedelta(days=1)
    checked = trust(tmp_path, issuer).check(der(issuer.certificate(KEY, not_before=START - day, not_after=END + day)))
    assert (checked.valid_from, checked.valid_until) == (START, END)
    checked = trust(tmp_path, issuer).check(der(issuer.certificate(KEY, not_before=START + day, not_after=END - day)))
    assert (checked.valid_from, checked.valid_until) == (START + day, END - day)


@pytest.mark.rule(7)
def test_the_serial_number_is_not_printed(tmp_path: Path) -> None:
    issuer = JpkiIssuer()
    checked = trust(tmp_path, issuer).check(der(issuer.certificate(KEY, serial=0x41424344)))
    assert checked.serial == b"ABCD"
    assert "ABCD" not in repr(checked)


def test_an_unknown_generation_of_the_ca_is_untrusted(tmp_path: Path) -> None:
    error = refusal(trust(tmp_path, JpkiIssuer()), der(JpkiIssuer(rsa_key("third")).certificate(KEY)))
    assert error.reason is DenyReason.CERTIFICATE_UNTRUSTED


def test_the_key_identifier_alone_makes_no_issuer(tmp_path: Path) -> None:
    forged = signed(rsa_key("forger"), [AKI])
    assert refusal(trust(tmp_path, JpkiIssuer()), der(forged)).reason is DenyReason.CERTIFICATE_UNTRUSTED


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    issuer = JpkiIssuer()
    trusted = trust(tmp_path, issuer)
    genuine = der(issuer.certificate(KEY))
    unused_bits = len(genuine) - 256 - 1  # how many bits the signature's last byte lacks: no part of what is signed
    for at in set(range(len(genuine))) - {unused_bits}:
        refusal(trusted, genuine[:at] + bytes([genuine[at] ^ 1]) + genuine[at + 1 :])


OTHER_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another")])
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.392.1"), b"\5\0")


@pytest.mark.parametrize(
    ("certificate", "detail"),
    [
        (lambda: signed(AUTHORITY, []), "no CA certificate"),
        (lambda: signed(AUTHORITY, [(x509.AuthorityKeyIdentifier(None, None, None), False)]), "no CA certificate"),
        (lambda: signed(AUTHORITY, [AKI], issuer=OTHER_NAME), "no CA certificate"),
        (lambda: signed(AUTHORITY, [AKI, CA]), "is a CA's"),
        (lambda: signed(AUTHORITY, [AKI, (usage(key_cert_sign=True), True)]), "not for authentication"),
        (lambda: signed(AUTHORITY, [AKI, (UNKNOWN, True)]), "critical extension"),
        (lambda: signed(AUTHORITY, [AKI], digest=hashes.SHA224()), "too weak"),
        (lambda: signed(AUTHORITY, [AKI], subject_key=weak_rsa().public_key()), "too weak"),
        (
            lambda: signed(AUTHORITY, [AKI], subject_key=ec.generate_private_key(ec.SECP224R1()).public_key()),
            "too weak",
        ),
    ],
)
def test_what_a_ca_signed_for_something_else_is_untrusted(
    tmp_path: Path, certificate: Callable[[], x509.Certificate], detail: str
) -> None:
    error = refusal(trust(tmp_path, JpkiIssuer()), der(certificate()))
    assert error.reason is DenyReason.CERTIFICATE_UNTRUSTED
    assert detail in str(error)


def test_an_unknown_extension_that_is_not_critical_does_no_harm(tmp_path: Path) -> None:
    assert trust(tmp_path, JpkiIssuer()).check(der(signed(AUTHORITY, [AKI, (UNKNOWN, False)]))).serial == b"\5"


@pytest.mark.parametrize("junk", [b"", b"\x30", b"\x30\x82\x01\x00" + bytes(256), b"JPKI" * 300])
def test_what_is_no_certificate_is_unreadable(tmp_path: Path, junk: bytes) -> None:
    assert refusal(trust(tmp_path, JpkiIssuer()), junk).reason is DenyReason.CARD_UNREADABLE


def test_bytes_after_the_certificate_are_unreadable(tmp_path: Path) -> None:
    issuer = JpkiIssuer()
    error = refusal(trust(tmp_path, issuer), der(issuer.certificate(KEY)) + b"\0")
    assert error.reason is DenyReason.CARD_UNREADABLE


def test_a_file_may_hold_several_cas_and_expired_ones(tmp_path: Path) -> None:
    expired = JpkiIssuer(rsa_key("second"), not_before=START - 2 * (END - START), not_after=START)
    file = tmp_path / "ca.pem"
    file.write_bytes(pem(JpkiIssuer().ca_certificate, expired.ca_certificate))
    trusted = TrustedIssuers.load([file])
    assert [issuer.file for issuer in trusted.issuers] == [file, file]
    assert trusted.issuers[1].valid_until == START


def test_a_missing_ca_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"authca09\.pem: the CA certificate cannot be read: No such file"):
        TrustedIssuers.load([tmp_path / "authca09.pem"])


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_that_is_not_pem_comes_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "authca02.cer"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"authca02\.cer.*openssl x509 -inform DER -in authca02\.cer"):
        TrustedIssuers.load([file])


@pytest.mark.parametrize(
    ("certificate", "detail"),
    [
        (lambda: signed(AUTHORITY, [SKI]), "basicConstraints"),
        (lambda: signed(AUTHORITY, [CA]), "subjectKeyIdentifier"),
        (lambda: signed(AUTHORITY, [SKI, (x509.BasicConstraints(ca=False, path_length=None), True)]), "not a CA's"),
        (lambda: signed(AUTHORITY, [SKI, CA, (usage(digital_signature=True), True)]), "keyUsage"),
        (lambda: signed(AUTHORITY, [SKI, CA], subject_key=weak_rsa().public_key()), "too weak"),
    ],
)
def test_what_cannot_serve_as_ca_is_named_with_its_fault(
    tmp_path: Path, certificate: Callable[[], x509.Certificate], detail: str
) -> None:
    file = tmp_path / "authca02.pem"
    file.write_bytes(pem(certificate()))
    with pytest.raises(ConfigurationError, match=r"authca02\.pem: cannot serve as CA certificate") as caught:
        TrustedIssuers.load([file])
    assert detail in str(caught.value)


def weak_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 1024)  # noqa: S505  (it is what must be refused)


def usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def test_purposes_and_alternative_names_are_told_and_not_printed(tmp_path: Path) -> None:
    names = x509.SubjectAlternativeName(
        [
            x509.OtherName(x509.ObjectIdentifier("2.16.840.1.101.3.6.6"), b"\x04\x01\x07"),
            x509.UniformResourceIdentifier("urn:uuid:00000000-0000-4000-8000-000000000001"),
            x509.DNSName("card.invalid"),
        ]
    )
    purpose = x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.16.840.1.101.3.6.8")])

    checked = trust(tmp_path, JpkiIssuer()).check(der(signed(AUTHORITY, [AKI, (names, False), (purpose, True)])))

    assert checked.purposes == {"2.16.840.1.101.3.6.8"}
    assert checked.uris == ("urn:uuid:00000000-0000-4000-8000-000000000001",)
    assert checked.other_names == (("2.16.840.1.101.3.6.6", b"\x04\x01\x07"),)
    assert "uuid" not in repr(checked)


def test_a_certificate_without_purposes_and_names_has_none(tmp_path: Path) -> None:
    checked = trust(tmp_path, JpkiIssuer()).check(der(signed(AUTHORITY, [AKI])))

    assert (checked.purposes, checked.uris, checked.other_names) == (frozenset(), (), ())
