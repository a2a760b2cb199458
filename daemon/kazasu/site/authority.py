"""The site's certificate authority: who a client of the broker is, and that the broker is the broker (X.509, P-256).

It vouches for clients of this site's broker and for the broker, and its own certificate says so: no authority below it
(path length 0), no host but the broker's (name constraints). Everything is `cryptography`'s.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CA_VALID_FOR = dt.timedelta(days=20 * 365)
CERTIFICATE_VALID_FOR = dt.timedelta(days=366)
_SLOW_CLOCKS = dt.timedelta(days=1)
"""Certificates begin so long ago: a Pi's clock may be behind."""


class Authority:
    """Issues certificates and says which no longer count.

    Args:
        certificate: its own.
        key: the key to it.
    """

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self.key = key

    @classmethod
    def founded(cls, name: str, hosts: Sequence[str], now: dt.datetime) -> Authority:
        """Make a new one.

        Args:
            name: what it is called.
            hosts: names and addresses of the broker: the only ones for which it can issue a server's certificate.
            now: aware.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        certificate = (
            _builder(_name(name), _name(name), public, now, CA_VALID_FOR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(_only(hosts), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    def server(self, public: ec.EllipticCurvePublicKey, hosts: Sequence[str], now: dt.datetime) -> x509.Certificate:
        """Issue the broker's certificate for its names and addresses."""
        alternative = x509.SubjectAlternativeName([general_name(host) for host in hosts])
        return self._issue("broker", public, ExtendedKeyUsageOID.SERVER_AUTH, now, CERTIFICATE_VALID_FOR, alternative)

    def client(
        self,
        name: str,
        public: ec.EllipticCurvePublicKey,
        now: dt.datetime,
        valid_for: dt.timedelta = CERTIFICATE_VALID_FOR,
    ) -> x509.Certificate:
        """Issue a client's certificate.

        Args:
            name: the CN: the client's name in the broker's access list.
            public: whose private half the client holds.
            now: aware.
            valid_for: from now on.
        """
        return self._issue(name, public, ExtendedKeyUsageOID.CLIENT_AUTH, now, valid_for, None)

    def revocations(
        self, revoked: Iterable[tuple[int, dt.datetime]], now: dt.datetime
    ) -> x509.CertificateRevocationList:
        """Say which certificates no longer count: serial number, and since when.

        A broker refuses everybody once a list's `nextUpdate` has passed. This list is carried to the broker whenever
        something was revoked, and otherwise stays true, so it is good for as long as the authority.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - _SLOW_CLOCKS)
            .next_update(self.certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        for serial, at in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256())

    def _issue(
        self,
        name: str,
        public: ec.EllipticCurvePublicKey,
        usage: x509.ObjectIdentifier,
        now: dt.datetime,
        valid_for: dt.timedelta,
        alternative: x509.SubjectAlternativeName | None,
    ) -> x509.Certificate:
        own = self.key.public_key()
        builder = (
            _builder(_name(name), self.certificate.subject, public, now, valid_for)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), critical=False)
        )
        if alternative is not None:
            builder = builder.add_extension(alternative, critical=False)
        return builder.sign(self.key, hashes.SHA256())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: dt.datetime,
    valid_for: dt.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + valid_for) - _SLOW_CLOCKS)
        .not_valid_after(now + valid_for)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _only(hosts: Sequence[str]) -> x509.NameConstraints:
    """Permit these hosts; of a kind of name of which there is none among them, nothing."""
    permitted: list[x509.GeneralName] = []
    versions = set()
    for host in hosts:
        general = general_name(host)
        if isinstance(general, x509.IPAddress):
            versions.add(general.value.version)
            permitted.append(x509.IPAddress(ipaddress.ip_network(general.value)))
        else:
            permitted.append(general)
    excluded: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_network(every))
        for version, every in ((4, "0.0.0.0/0"), (6, "::/0"))
        if version not in versions
    ]
    if all(isinstance(each, x509.IPAddress) for each in permitted):
        excluded.append(x509.DNSName(""))
    return x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=excluded)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def general_name(host: str) -> x509.DNSName | x509.IPAddress:
    """Name a host in a certificate, by its name or its address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
