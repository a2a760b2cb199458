"""The CA: what its certificates say, and that OpenSSL's own verification holds it to its limits."""

from __future__ import annotations

import datetime as dt
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from kazasu.site.authority import Authority
from kazasu.site.pem import certificate_pem

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime.now(dt.UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


def verified(tmp_path: Path, authority: Authority, leaf: x509.Certificate, purpose: str, host: str = "") -> bool:
    (tmp_path / "ca.pem").write_bytes(certificate_pem(authority.certificate))
    (tmp_path / "leaf.pem").write_bytes(certificate_pem(leaf))
    name = ["-verify_hostname", host] if host else []
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, *name, "-CAfile", "ca.pem", "leaf.pem"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_the_broker_is_the_broker_and_a_client_is_none(tmp_path: Path) -> None:
    authority = Authority.founded("CA", ("broker.example",), NOW)
    server = authority.server(KEY.public_key(), ("broker.example",), NOW)
    client = authority.client("entrance-1", KEY.public_key(), NOW)
    assert verified(tmp_path, authority, server, "sslserver", "broker.example")
    assert not verified(tmp_path, authority, server, "sslclient")
    assert verified(tmp_path, authority, client, "sslclient")
    assert not verified(tmp_path, authority, client, "sslserver")


@pytest.mark.parametrize("own", ["broker.example", "192.0.2.7"])
@pytest.mark.parametrize("other", ["bank.example", "192.0.2.8", "2001:db8::1"])
def test_it_can_vouch_for_no_other_host(tmp_path: Path, own: str, other: str) -> None:
    authority = Authority.founded("CA", (own,), NOW)
    assert verified(tmp_path, authority, authority.server(KEY.public_key(), (own,), NOW), "sslserver")
    assert not verified(tmp_path, authority, authority.server(KEY.public_key(), (other,), NOW), "sslserver")


def test_it_can_found_no_authority_below_it() -> None:
    certificate = Authority.founded("CA", ("broker.example",), NOW).certificate
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.path_length) == (True, 0)


def test_a_certificate_begins_a_day_ago_for_clocks_that_are_behind() -> None:
    client = Authority.founded("CA", ("broker.example",), NOW).client("entrance-1", KEY.public_key(), NOW)
    assert client.not_valid_before_utc <= NOW - dt.timedelta(hours=23)


def test_a_revocation_list_is_good_for_as_long_as_the_authority() -> None:
    authority = Authority.founded("CA", ("broker.example",), NOW)
    crl = authority.revocations([(7, NOW)], NOW)
    assert crl.is_signature_valid(authority.key.public_key())
    assert crl.next_update_utc == authority.certificate.not_valid_after_utc
    assert [entry.serial_number for entry in crl] == [7]
