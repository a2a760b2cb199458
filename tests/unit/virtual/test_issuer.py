from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kazasu.virtual.issuer import AUTHENTICATION_POLICY, SIGNATURE, SIGNATURE_POLICY, JpkiIssuer, rsa_key

KEY = rsa_key("card")
JPKI_NAME = (
    "OU=Japan Agency for Local Authority Information Systems,OU=JPKI for user authentication,O=JPKI,C=JP"  # RFC 4514
)


def test_an_authentication_certificate_in_the_form_of_the_real_one(issuer: JpkiIssuer) -> None:
    certificate = issuer.certificate(KEY.public_key(), common_name="PSEUDONYM", serial=42)

    certificate.verify_directly_issued_by(issuer.ca_certificate)
    assert certificate.issuer.rfc4514_string() == JPKI_NAME
    assert certificate.subject.rfc4514_string() == "CN=PSEUDONYM,C=JP"
    assert certificate.serial_number == 42
    policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [policy.policy_identifier for policy in policies] == [AUTHENTICATION_POLICY]
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.content_commitment
    assert not usage.key_cert_sign
    assert 1400 < len(certificate.public_bytes(Encoding.DER)) < 1800


def test_an_authority_in_the_form_of_the_real_one(issuer: JpkiIssuer) -> None:
    ca = issuer.ca_certificate

    ca.verify_directly_issued_by(ca)
    assert ca.subject.rfc4514_string() == JPKI_NAME
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert ca.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_key_identifiers_tell_two_generations_apart_that_share_their_name(issuer: JpkiIssuer) -> None:
    younger = JpkiIssuer(rsa_key("next authority"))
    certificate = younger.certificate(KEY.public_key())

    assert younger.ca_certificate.subject == issuer.ca_certificate.subject
    assert authority_key(certificate) == own_key(younger.ca_certificate) != own_key(issuer.ca_certificate)
    certificate.verify_directly_issued_by(younger.ca_certificate)
    with pytest.raises(InvalidSignature):
        certificate.verify_directly_issued_by(issuer.ca_certificate)


def authority_key(certificate: x509.Certificate) -> bytes | None:
    return certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier


def own_key(certificate: x509.Certificate) -> bytes:
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def test_validity_is_handed_in() -> None:
    first, last = dt.datetime(2030, 1, 1, tzinfo=dt.UTC), dt.datetime(2031, 4, 1, tzinfo=dt.UTC)
    issuer = JpkiIssuer(not_before=first, not_after=last)
    certificate = issuer.certificate(KEY.public_key(), not_before=first, not_after=last)

    for each in (issuer.ca_certificate, certificate):
        assert (each.not_valid_before_utc, each.not_valid_after_utc) == (first, last)


def test_two_cards_of_one_key_differ_in_serial_and_pseudonym(issuer: JpkiIssuer) -> None:
    one, other = (issuer.certificate(KEY.public_key()) for _ in range(2))

    assert one.serial_number != other.serial_number
    assert one.subject != other.subject


def test_signing_certificates_come_from_the_other_authority() -> None:
    signing = JpkiIssuer(purpose=SIGNATURE)
    certificate = signing.certificate(KEY.public_key())

    assert "OU=JPKI for digital signature" in certificate.issuer.rfc4514_string()
    policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [policy.policy_identifier for policy in policies] == [SIGNATURE_POLICY]
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.content_commitment


def test_the_next_cards_curve() -> None:
    issuer = JpkiIssuer(ec.generate_private_key(ec.SECP384R1()))
    certificate = issuer.certificate(ec.generate_private_key(ec.SECP384R1()).public_key())

    certificate.verify_directly_issued_by(issuer.ca_certificate)
    assert certificate.signature_algorithm_oid == x509.SignatureAlgorithmOID.ECDSA_WITH_SHA384


def test_a_named_key_is_made_once() -> None:
    assert rsa_key("card") is KEY
    assert rsa_key("another") is not KEY
