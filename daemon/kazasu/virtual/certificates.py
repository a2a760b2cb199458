"""A throwaway CA for the demo's and the tests' broker: the site's own authority, with its keys lying about."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from kazasu.site.authority import CERTIFICATE_VALID_FOR, Authority
from kazasu.site.pem import certificate_pem, key_pem

if TYPE_CHECKING:
    from cryptography import x509

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
        hosts: for which it can issue a broker's certificate, beside this machine.
    """

    def __init__(self, directory: Path, name: str = "ca", hosts: tuple[str, ...] = ()) -> None:
        self.ca_file = directory / f"{name}.pem"
        self._directory = directory
        self._hosts = (*_HERE, *hosts)
        self._authority = Authority.founded(f"Kazasu throwaway {name}", self._hosts, _now())
        self.ca_file.write_bytes(certificate_pem(self._authority.certificate))

    def server(self) -> CertificateFiles:
        """Issue a broker's certificate for this machine and its other hosts."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._written("server", self._authority.server(key.public_key(), self._hosts, _now()), key)

    def client(self, name: str, valid_for: dt.timedelta = CERTIFICATE_VALID_FOR) -> CertificateFiles:
        """Issue a client's certificate.

        Args:
            name: the CN: the client's name in the broker's access list.
            valid_for: from now on; below zero it expired that long ago.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        return self._written(name, self._authority.client(name, key.public_key(), _now(), valid_for), key)

    def _written(
        self, file_name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> CertificateFiles:
        files = CertificateFiles(
            certificate_file=self._directory / f"{file_name}.pem", key_file=self._directory / f"{file_name}.key"
        )
        files.certificate_file.write_bytes(certificate_pem(certificate))
        files.key_file.touch(0o600)
        files.key_file.write_bytes(key_pem(key))
        return files


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
