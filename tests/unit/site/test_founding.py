"""A new site: all of it or nothing, its secrets secret, and never a second time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from kazasu.errors import KazasuError
from kazasu.site.directory import open_site
from kazasu.site.founding import Founding, found
from kazasu.site.pem import certificate_pem
from kazasu.store.keys import new_pepper
from kazasu.virtual.site import PASSPHRASE, make_site

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.site.directory import Site

NOW = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)


def founding(**changes: object) -> Founding:
    return Founding(**({"name": "town-hall", "timezone": "Asia/Tokyo", "host": "broker.example"} | changes))  # type: ignore[arg-type]


def test_secrets_are_secret_and_kept_from_version_control(site: Site) -> None:
    modes = {
        str(file.relative_to(site.path)): file.stat().st_mode & 0o777 for file in site.path.rglob("*") if file.is_file()
    }
    assert {mode for file, mode in modes.items() if file.startswith("keys/")} == {0o600}
    assert {mode for file, mode in modes.items() if not file.startswith("keys/")} == {0o644}
    assert (site.path / "keys").stat().st_mode & 0o777 == 0o700
    assert "keys/\n" in (site.path / ".gitignore").read_text()
    assert b"ENCRYPTED" in site.key_file("site").read_bytes()
    assert b"ENCRYPTED" in site.key_file("ca").read_bytes()


def test_a_second_time_is_refused_and_changes_nothing(site: Site) -> None:
    before = {file: file.read_bytes() for file in site.path.rglob("*") if file.is_file()}
    with pytest.raises(KazasuError, match="is there already, and is left as it is"):
        make_site(site.path)
    assert {file: file.read_bytes() for file in site.path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    ("changes", "passphrase", "words"),
    [
        ({}, "short", "has 5 characters"),
        ({"name": "Town"}, PASSPHRASE, "name: 'Town' is not 1 to 32"),
        ({"timezone": "Mars"}, PASSPHRASE, "timezone: 'Mars' is no time zone"),
        ({"port": 0}, PASSPHRASE, "broker.port: "),
        ({"host": "bröker"}, PASSPHRASE, "broker.host: 'bröker' is no host name"),
        ({"name": "a\nb"}, PASSPHRASE, "name: "),
    ],
)
def test_what_cannot_be_made_is_said_and_leaves_nothing(
    tmp_path: Path, changes: dict[str, object], passphrase: str, words: str
) -> None:
    with pytest.raises(KazasuError, match=words):
        found(tmp_path / "site", founding(**changes), passphrase, NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_site_that_runs_already_brings_its_pepper(tmp_path: Path) -> None:
    pepper = new_pepper(new_pepper())
    site = found(tmp_path / "site", founding(pepper=pepper), PASSPHRASE, NOW)
    assert site.pepper() == pepper
    assert (site.path / "pepper.id").read_text().strip() == pepper.newest


def test_a_ca_elsewhere_gets_requests_to_sign(tmp_path: Path, site: Site) -> None:
    ca = certificate_pem(site.authority(PASSPHRASE).certificate)
    other = found(tmp_path / "other", founding(ca=ca), PASSPHRASE, NOW)
    assert not other.has_authority
    requests = {file.stem: x509.load_pem_x509_csr(file.read_bytes()) for file in (other.path / "requests").iterdir()}
    assert requests.keys() == {"broker", "collector", "desk", "discovery", "homeassistant", "operations"}
    assert all(request.is_signature_valid for request in requests.values())
    hosts = requests["broker"].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert hosts.get_values_for_type(x509.DNSName) == ["broker.example"]
    assert open_site(other.path).unlock(PASSPHRASE).keyid == other.verifier().keyid
