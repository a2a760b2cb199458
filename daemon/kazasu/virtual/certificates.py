"""A throwaway CA for the demo's and the tests' broker."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = dt.timedelta(days=1)
_YEAR = 365 * _DAY
_HERE = ("localhost", "127.0.0.1")


class CertificateFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Where a certificate and its key lie, PEM."""

    certificate_file: Path
    key_file: Path


class ThrowawayCa:
    """Issues P-256 certificates that are valid for a year.

    Args:
        directory: where the files go; it exists.
        name: the CA's name, and the prefix of its file.
    """

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self.ca_file = directory / f"{name}.pem"
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"Kazasu throwaway {name}")
        certificate = (
            _builder(self._name, self._name, self._key.public_key(), _YEAR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, names: tuple[str, ...] = ()) -> CertificateFiles:
        """Issue a broker's certificate for this machine and for these host names and addresses."""
        alternative = x509.SubjectAlternativeName([_general(name) for name in (*_HERE, *names)])
        return self._issue(_HERE[0], "server", ExtendedKeyUsageOID.SERVER_AUTH, _YEAR, alternative)

    def client(self, name: str, valid_for: dt.timedelta = _YEAR) -> CertificateFiles:
        """Issue a client's certificate.

        Args:
            name: the CN: the client's name in the broker's access list.
            valid_for: from now on; below zero it expired that long ago.
        """
        return self._issue(name, name, ExtendedKeyUsageOID.CLIENT_AUTH, valid_for, None)

    def _issue(
        self,
        name: str,
        file_name: str,
        usage: x509.ObjectIdentifier,
        valid_for: dt.timedelta,
        alternative: x509.SubjectAlternativeName | None,
    ) -> CertificateFiles:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(_name(name), self._name, key.public_key(), valid_for)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if alternative is not None:
            builder = builder.add_extension(alternative, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        files = CertificateFiles(
            certificate_file=self._directory / f"{file_name}.pem", key_file=self._directory / f"{file_name}.key"
        )
        files.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files.key_file.touch(0o600)
        files.key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, valid_for: dt.timedelta
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + min(valid_for, dt.timedelta()) - _DAY)
        .not_valid_after(now + valid_for)
    )


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


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
