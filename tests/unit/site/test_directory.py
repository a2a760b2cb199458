"""The site's directory: what is there, what is secret, and what is wrong with it."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kazasu.errors import ConfigurationError, KeyMaterialError
from kazasu.model.signature import Ed25519Signer
from kazasu.site.directory import EventKey, TerminalRecord, open_site
from kazasu.site.pem import public_pem
from kazasu.site.terminal_record import Certificate, Invitation
from kazasu.virtual.site import PASSPHRASE

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.site.directory import Site

NOW = dt.datetime(2026, 4, 1, 8, 30, tzinfo=dt.UTC)


def record() -> tuple[TerminalRecord, Ed25519Signer]:
    signer = Ed25519Signer(Ed25519PrivateKey.generate())
    pem = public_pem(signer.public).decode()
    return TerminalRecord(
        id="entrance-1",
        state="active",
        event_keys=(
            EventKey(keyid="0" * 16, since=NOW - dt.timedelta(days=9), pem=pem, revoked_at=NOW),
            EventKey(keyid=signer.keyid, since=NOW, pem=pem),
        ),
        certificates=(Certificate(serial="ab12", ends=NOW),),
        invitation=Invitation(key=pem, expires=NOW),
    ), signer


def test_a_record_is_read_as_it_was_written(site: Site) -> None:
    mine, signer = record()
    site.save(mine)
    assert site.terminals() == {"entrance-1": mine}
    key = mine.event_key
    assert key is not None
    assert key.verifier().keyid == signer.keyid


def test_nothing_of_a_revoked_terminal_counts(site: Site) -> None:
    later = NOW + dt.timedelta(days=1)
    revoked = record()[0].revoked(later)
    assert (revoked.state, revoked.event_key, revoked.invitation) == ("revoked", None, None)
    assert [key.revoked_at for key in revoked.event_keys] == [NOW, later]
    assert [certificate.revoked_at for certificate in revoked.certificates] == [later]


def test_a_terminal_that_nobody_invited_is_named_with_what_to_do(site: Site) -> None:
    with pytest.raises(ConfigurationError, match="has no terminal 'gate'; `kazasu site add-terminal gate` invites it"):
        site.terminal("gate")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('id = "gate"\nstate = "active"\n', "id: it is the record of 'gate'"),
        ('id = "entrance-1"\nstate = "gone"\n', "state"),
        ('id = "entrance-1"\nstate = "active"\nsecret = 1\n', "secret"),
        ("id = ", "not TOML"),
    ],
)
def test_a_record_that_cannot_be_used_is_named_with_file_and_key(site: Site, text: str, words: str) -> None:
    path = site.path / "terminals" / "entrance-1.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=words) as raised:
        site.terminals()
    assert str(path) in str(raised.value)


def test_a_directory_that_is_no_site_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no site directory"):
        open_site(tmp_path)


def test_only_the_passphrase_opens_what_speaks_for_the_site(site: Site) -> None:
    assert site.unlock(PASSPHRASE).keyid == site.verifier().keyid
    assert site.authority(PASSPHRASE).certificate.public_key() == site.authority(PASSPHRASE).key.public_key()
    for opens in (site.unlock, site.authority):
        with pytest.raises(KeyMaterialError, match="the passphrase is wrong"):
            opens("another passphrase")


def test_a_secret_that_others_can_read_is_refused(site: Site) -> None:
    site.key_file("site").chmod(0o644)
    with pytest.raises(KeyMaterialError, match="open to others"):
        site.unlock(PASSPHRASE)


def test_one_program_at_a_time_changes_it(site: Site) -> None:
    descriptor = os.open(site.path, os.O_RDONLY)
    with open_site(site.path).locked(), pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


def test_the_sites_own_clients_reach_the_broker(site: Site) -> None:
    broker = site.broker("collector")
    assert (broker.host, broker.port) == ("localhost", site.address.port)
    assert all(file.exists() for file in (broker.ca_file, broker.certificate_file, broker.key_file))
