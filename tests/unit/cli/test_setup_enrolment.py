"""The terminal's side of joining: interrupted anywhere, it goes on; what is not for it changes nothing."""

from __future__ import annotations

import argparse
import shutil
from typing import TYPE_CHECKING

import pytest

from fakes.enrolment import DAY, NOW, admission
from kazasu.cli.setup.enrolment import Enrolment
from kazasu.cli.setup.joining import joined
from kazasu.enrolment import bundle
from kazasu.errors import EnrolmentRefused, KeyMaterialError, SignatureInvalid
from kazasu.site.admission import invite
from kazasu.site.directory import open_site
from kazasu.store.keys import generate_signer, load_signer
from kazasu.virtual.site import make_site

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from kazasu.site.directory import Site

CODE = "K7QM-3XNP-8RTW"


@pytest.fixture(scope="module")
def invited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A site, and a bundle of it for entrance-1, without a way to the broker."""
    site = make_site(tmp_path_factory.mktemp("invited") / "site")
    content, expires = invite(site, "entrance-1", None, DAY, NOW, again=False)
    return site.path, bundle.sealed(site.name, "entrance-1", expires, content, CODE)


@pytest.fixture
def site(invited: tuple[Path, bytes], tmp_path: Path) -> Site:
    shutil.copytree(invited[0], tmp_path / "site")
    return open_site(tmp_path / "site")


@pytest.fixture
def stick(invited: tuple[Path, bytes], tmp_path: Path) -> Path:
    path = tmp_path / "entrance-1.bundle"
    path.write_bytes(invited[1])
    return path


@pytest.fixture
def terminal(tmp_path: Path) -> Enrolment:
    return Enrolment(tmp_path / "etc", tmp_path / "etc/keys/event.key", tmp_path / "state/journal.db")


def begins(terminal: Enrolment, stick: Path, now: dt.datetime = NOW, code: str = CODE) -> None:
    terminal.begin(stick, lambda _: code, now, opened=lambda: None)


def test_from_bundle_to_answers(terminal: Enrolment, stick: Path, site: Site, tmp_path: Path) -> None:
    begins(terminal, stick)
    assert terminal.answers() == {}
    pending = terminal.pending
    assert pending is not None
    answer = admission(site).accept(terminal.request_file.read_bytes(), NOW)
    terminal.take(pending, answer.body)
    answers = terminal.answers()
    assert (answers["site"], answers["terminal"], answers["broker"]) == ("town-hall", "entrance-1", "localhost")
    folder = tmp_path / "etc" / "enrolment"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert site.pepper().layers[0].hex() in (folder / "pepper.key").read_text()
    terminal.end()
    assert not folder.exists()


def test_a_bundle_that_was_opened_goes_on_without_its_code_and_with_the_same_request(
    terminal: Enrolment, stick: Path
) -> None:
    begins(terminal, stick)
    request = terminal.request_file.read_bytes()

    def nobody(prompt: str) -> str:
        raise AssertionError(prompt)

    terminal.begin(stick, nobody, NOW, opened=lambda: None)
    assert terminal.request_file.read_bytes() == request


@pytest.mark.parametrize(
    ("now", "code", "words"),
    [(NOW + 2 * DAY, CODE, "was good until"), (NOW, "AAAA-AAAA-AAAA", "the code does not open the bundle")],
)
def test_what_does_not_open_changes_nothing(
    terminal: Enrolment, stick: Path, tmp_path: Path, now: dt.datetime, code: str, words: str
) -> None:
    with pytest.raises(EnrolmentRefused, match=words):
        begins(terminal, stick, now, code)
    assert not (tmp_path / "etc").exists()


def test_an_event_key_that_is_there_is_kept(terminal: Enrolment, stick: Path, site: Site, tmp_path: Path) -> None:
    key = tmp_path / "etc/keys/event.key"
    key.parent.mkdir(parents=True)
    keyid = generate_signer(key).keyid
    begins(terminal, stick)
    admission(site).accept(terminal.request_file.read_bytes(), NOW)
    assert load_signer(key).keyid == keyid
    [registered] = site.terminal("entrance-1").event_keys
    assert registered.keyid == keyid


def test_a_journal_whose_key_is_lost_gets_no_new_one(terminal: Enrolment, stick: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/journal.db").touch()
    with pytest.raises(KeyMaterialError, match="is missing: bring it back"):
        begins(terminal, stick)
    assert not (tmp_path / "etc/keys/event.key").exists()


def test_an_answer_to_another_request_is_none(terminal: Enrolment, stick: Path, site: Site, tmp_path: Path) -> None:
    begins(terminal, stick)
    pending = terminal.pending
    assert pending is not None
    answer = admission(site).accept(terminal.request_file.read_bytes(), NOW)
    content, expires = invite(site, "entrance-1", None, DAY, NOW, again=True)
    stick.write_bytes(bundle.sealed(site.name, "entrance-1", expires, content, CODE))
    begins(terminal, stick)
    later = terminal.pending
    assert later is not None
    with pytest.raises(SignatureInvalid):
        terminal.take(later, answer.body)
    assert not terminal.accepted


def test_a_folder_that_is_damaged_says_what_to_do(terminal: Enrolment, stick: Path, tmp_path: Path) -> None:
    begins(terminal, stick)
    (tmp_path / "etc/enrolment/pending.json").write_text("{}")
    with pytest.raises(EnrolmentRefused, match="is damaged: remove it"):
        begins(terminal, stick)


def test_a_bundle_without_a_certificate_does_not_knock_at_the_broker(terminal: Enrolment, stick: Path) -> None:
    begins(terminal, stick)
    pending = terminal.pending
    assert pending is not None
    with pytest.raises(EnrolmentRefused, match="this bundle is not for the broker"):
        terminal.ask(pending, 0.0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"request": "x"}, "go with --bundle"),
        ({"new_event_key": True}, "go with --bundle"),
        ({"reply": "x"}, "nothing was asked here"),
    ],
)
def test_options_that_belong_together_are_named(terminal: Enrolment, given: dict[str, object], words: str) -> None:
    nothing = {"bundle": None, "request": None, "reply": None, "code_file": None, "new_event_key": False}
    with pytest.raises(EnrolmentRefused, match=words):
        joined(terminal, argparse.Namespace(**(nothing | given)), lambda: None)
