"""The site key is replaced at the desk, and a power cut between any two steps leaves nothing half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.enrolment import NOW, Newcomer, admission
from kazasu.enrolment.succession import keys_in
from kazasu.errors import KazasuError, KeyMaterialError
from kazasu.site import succession
from kazasu.virtual.site import PASSPHRASE

if TYPE_CHECKING:
    from kazasu.site.directory import Site


def test_the_old_key_signs_on_until_the_new_one_counts_alone(site: Site) -> None:
    old = site.verifier()
    new = succession.begin(site, PASSPHRASE, NOW)
    assert succession.begin(site, PASSPHRASE, NOW) == new, "a second call changes nothing"
    assert site.unlock(PASSPHRASE).keyid == site.verifier().keyid == old.keyid
    [(name, document)] = succession.documents(site).items()
    assert name == old.keyid
    assert len(keys_in(document, site.name, old)[1]) == 2
    assert succession.finish(site, PASSPHRASE, NOW) == new
    assert site.unlock(PASSPHRASE).keyid == site.verifier().keyid == new
    assert not site.key_file("site.next").exists()
    assert len(keys_in(succession.documents(site)[old.keyid], site.name, old)[1]) == 1


def test_a_power_cut_after_the_key_and_before_its_public_half_is_mended_by_the_next_call(site: Site) -> None:
    public = site.file("site.pub").read_bytes()
    new = succession.begin(site, PASSPHRASE, NOW)
    following = site.key_file("site.next").read_bytes()
    succession.finish(site, PASSPHRASE, NOW)
    said = succession.documents(site)
    site.file("site.pub").write_bytes(public)
    site.key_file("site.next").write_bytes(following)
    site.key_file("site.next").chmod(0o600)
    assert succession.finish(site, PASSPHRASE, NOW) == new
    assert site.verifier().keyid == new
    assert succession.documents(site) == said


def test_a_terminal_that_is_invited_would_know_the_old_key_only(site: Site) -> None:
    newcomer = Newcomer(site)
    succession.begin(site, PASSPHRASE, NOW)
    with pytest.raises(KazasuError, match="invited and not here yet: entrance-1"):
        succession.finish(site, PASSPHRASE, NOW)
    admission(site).accept(newcomer.asks(), NOW)
    succession.finish(site, PASSPHRASE, NOW)


def test_it_takes_the_passphrase_and_a_beginning(site: Site) -> None:
    with pytest.raises(KazasuError, match="no new site key takes over"):
        succession.finish(site, PASSPHRASE, NOW)
    with pytest.raises(KeyMaterialError, match="the passphrase is wrong"):
        succession.begin(site, "another passphrase", NOW)
    assert not site.key_file("site.next").exists()
