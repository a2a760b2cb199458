"""`kazasu site`: what it says, and that it says it before anything is changed."""

from __future__ import annotations

import datetime as dt
import fcntl
import io
import os
import sys
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from fakes.enrolment import NOW, Newcomer, admission
from kazasu.cli import main
from kazasu.cli.site import ACTIONS, accept
from kazasu.publishers.news import Received
from kazasu.site import pepper_rotation
from kazasu.site.codes import read_codes
from kazasu.site.directory import open_site
from kazasu.site.own_certificates import OWN, ends
from kazasu.site.pem import certificate_pem
from kazasu.site.pepper_gifts import PepperGifts
from kazasu.virtual.site import PASSPHRASE, make_site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kazasu.site.directory import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("KAZASU_SITE", str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    return make_site(tmp_path / "site")


def types(*words: str) -> int:
    """Run it at the desk, where the passphrase lies in a file."""
    return main(["site", words[0], *words[1:]])


def with_passphrase(*words: str) -> int:
    return types(*words, "--passphrase-file", "passphrase")


def test_the_overview_names_each_action(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["site", "--help"])
    shown = capsys.readouterr().out
    assert all(f"  {action.name} " in shown and action.summary in shown for action in ACTIONS)


@pytest.mark.parametrize("action", [action.name for action in ACTIONS])
def test_each_action_says_what_it_is_for(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        types(action, "--help")
    assert left.value.code == 0
    assert f"usage: kazasu site {action}" in capsys.readouterr().out


def test_init_says_what_to_back_up_and_a_second_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    words = ("init", "here", "--name", "town-hall", "--broker", "broker.example")
    assert with_passphrase(*words) == 0
    shown = capsys.readouterr().out
    assert all(f"here/keys/{name}.key" in shown for name in ("site", "ca", "pepper", "collector"))
    assert types(*words) == 1, "and nobody was asked for a passphrase"
    assert "here is there already" in capsys.readouterr().err


def test_a_passphrase_that_others_can_read_is_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (site.path.parent / "passphrase").chmod(0o644)
    assert with_passphrase("add-terminal", "gate") == 1
    assert "open to others" in capsys.readouterr().err
    assert site.terminals() == {}


def test_an_invitation_shows_its_code_once_and_says_what_to_do(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert with_passphrase("add-terminal", "gate", "--valid-for", "1h") == 0
    shown = capsys.readouterr().out
    assert "bundle   gate.bundle: for gate, until " in shown
    assert "code     " in shown
    assert "sudo kazasu setup --bundle gate.bundle" in shown
    assert (site.path.parent / "gate.bundle").stat().st_mode & 0o777 == 0o600
    assert with_passphrase("add-terminal", "Gate") == 1
    with pytest.raises(SystemExit):
        with_passphrase("add-terminal", "hall", "--valid-for", "30d")


def test_the_list_says_how_each_terminal_is(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    now = dt.datetime.now(dt.UTC)
    newcomer = Newcomer(site, now=now)
    admission(site).accept(newcomer.asks(), now)
    Newcomer(site, "gate", now=now)
    assert types("list") == 0
    active, invited = capsys.readouterr().out.splitlines()
    assert active.split() == ["entrance-1", "active", newcomer.event.keyid, "certificate", "365", "d"]
    assert invited.split()[:5] == ["gate", "invited", "-", "invitation", "until"]

    first, second = site.pepper().newest, pepper_rotation.begin(site)
    assert types("list") == 0
    assert f"certificate 365 d, pepper {first}, not the newest layer" in capsys.readouterr().out
    site.save(msgspec.structs.replace(site.terminal("entrance-1"), layer=second))
    assert types("list") == 0
    assert capsys.readouterr().out.splitlines()[0].endswith(f"pepper {second}")


def test_revoking_says_what_ended_and_what_is_left_to_do(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    newcomer = Newcomer(site)
    admission(site).accept(newcomer.asks(), NOW)
    assert with_passphrase("revoke", "entrance-1") == 0
    shown = capsys.readouterr().out
    assert f"revoked  event key {newcomer.event.keyid}" in shown
    assert site.gone() == {"entrance-1"}
    assert "kazasu site broker-config" in shown
    assert with_passphrase("revoke", "gate") == 1


def test_own_certificates_are_renewed_when_they_are_near_their_end_or_named(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert with_passphrase("renew") == 0
    assert capsys.readouterr().out.count("good ") == len(OWN)
    before = site.certificate_file("desk").read_bytes()
    assert with_passphrase("renew", "desk") == 0
    assert site.certificate_file("desk").read_bytes() != before
    assert ends(site, "desk") > dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
    with pytest.raises(SystemExit):
        with_passphrase("renew", "somebody")


def test_the_brokers_files_are_written_with_how_to_bring_them(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert types("broker-config", "--out", "out") == 0
    said = capsys.readouterr().out
    assert "saves    at each change" in said
    assert "systemctl restart mosquitto" in said
    assert (site.path.parent / "out" / "broker.key").stat().st_mode & 0o777 == 0o600


def test_where_there_is_no_site_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAZASU_SITE", str(tmp_path))
    assert types("list") == 78
    assert "is no site directory" in capsys.readouterr().err


def test_with_a_ca_elsewhere_requests_are_checked_here_and_signed_there(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    ca, folder, now = site.authority(PASSPHRASE), site.path.parent, dt.datetime.now(dt.UTC)
    words = ("other", "--name", "town-hall", "--broker", "broker.example", "--ca", str(site.file("ca.pem")))
    assert with_passphrase("init", *words) == 0
    other = open_site(folder / "other")
    assert "let your CA sign" in capsys.readouterr().out
    assert types("broker-config", "--site", "other") == 1
    assert "other/clients/broker.pem: No such file" in capsys.readouterr().err
    assert with_passphrase("accept", "--site", "other") == 1
    assert "requests for certificates come as files" in capsys.readouterr().out

    newcomer = Newcomer(other, "gate", now=now)
    (folder / "gate.request").write_bytes(newcomer.asks())
    assert with_passphrase("accept", "gate.request", "--site", "other") == 0
    assert other.terminal("gate").state == "invited"
    csr = x509.load_pem_x509_csr((other.path / "requests" / "gate.csr").read_bytes())
    public = csr.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    (folder / "gate.pem").write_bytes(certificate_pem(ca.client("gate", public, now)))
    assert with_passphrase("accept", "gate.request", "--certificate", "gate.pem", "--site", "other") == 0
    assert other.terminal("gate").state == "active"
    assert (folder / "gate.reply").exists()


def test_a_mistyped_action_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        types("lst")
    assert "did you mean list?" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["https://broker.example", "broker.example:8883", "the broker", "broker.example/"])
def test_what_is_no_host_name_is_refused_before_anything_is_made(
    site: Site, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert with_passphrase("init", "other", "--name", "town-hall", "--broker", host) == 1
    assert "no host name, such as broker.town-hall.example" in capsys.readouterr().err
    assert not (site.path.parent / "other").exists()


def test_a_new_site_has_a_list_of_people_to_fill_in(site: Site) -> None:
    assert site.file("roster/people.csv").read_text().startswith("cardholder,name,credential,")


def test_a_passphrase_that_cannot_be_had_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.path.parent / "passphrase").write_bytes(b"\xff\xfe")
    assert with_passphrase("add-terminal", "gate") == 1
    assert "passphrase is not UTF-8" in capsys.readouterr().err
    (site.path.parent / "passphrase").write_bytes(b"\n")
    assert with_passphrase("add-terminal", "gate") == 1
    assert "the passphrase is empty" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSPHRASE))
    assert types("add-terminal", "gate") == 1
    assert "nobody is there to ask for the passphrase: --passphrase-file" in capsys.readouterr().err


def test_an_empty_list_says_what_to_do(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert types("list") == 0
    assert "none yet: `kazasu site add-terminal ID` invites one" in capsys.readouterr().out


def test_an_invitation_ends_at_the_sites_own_time(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert with_passphrase("add-terminal", "gate") == 0
    said = capsys.readouterr().out.partition("until ")[2].splitlines()[0]
    assert types("list") == 0
    assert f"invitation until {said}\n" in capsys.readouterr().out


def test_who_is_to_get_a_renewed_certificate_is_said(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert with_passphrase("renew", "collector") == 0
    assert "clients/collector.pem and keys/clients/collector.key" in capsys.readouterr().out


def test_two_that_change_a_site_at_once_wait_for_each_other_and_say_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()

    class Ear(io.StringIO):
        def write(self, text: str) -> int:
            if "another `kazasu site` is changing" in text:
                told.set()
            return super().write(text)

    monkeypatch.setattr("sys.stderr", Ear())
    with site.locked():
        second = threading.Thread(target=with_passphrase, args=("add-terminal", "gate"))
        second.start()
        assert told.wait(30.0)
        assert site.terminals() == {}
    second.join(30.0)
    assert list(site.terminals()) == ["gate"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gate,", "relase"), "there is no command 'relase'"),
        ((",", "release"), "which terminal? A name"),
        (("gatt", "release", "door=x"), "did you mean gate?"),
        (("gate", "release"), "release: door=… is missing"),
        (("gate", "release", "door=x", "for=2h"), "it has no argument 'for'; it has door=…"),
        (("gate", "log_level", "level=loud"), "level: 'loud' is none of debug, info"),
    ],
)
def test_a_mistyped_command_is_told_in_words(
    site: Site, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Newcomer(site, "gate")
    assert with_passphrase("command", *words) != 0
    assert said in capsys.readouterr().err


def test_of_two_that_answer_at_the_broker_the_second_is_told(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with site.answering():
        assert with_passphrase("accept", "--stay") == 1
    assert "another `kazasu site accept` answers for" in capsys.readouterr().err
    with site.answering():
        pass


def test_a_site_out_of_version_control_answers_before_anybody_is_there(site: Site) -> None:
    site.file("terminals").rmdir()
    with site.answering():
        assert site.terminals() == {}


def is_free(site: Site) -> bool:
    """Whether a card could be revoked now."""
    descriptor = os.open(site.path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def types_slowly(site: Site, meanwhile: Callable[[], None], passphrase: str, *words: str) -> int:
    """Run it; something happens when the passphrase is asked for."""
    typed = site.path.parent / "typed"
    os.mkfifo(typed, 0o600)

    def write() -> None:
        with typed.open("w") as file:  # once it is asked for
            meanwhile()
            file.write(f"{passphrase}\n")

    somebody = threading.Thread(target=write)
    somebody.start()
    try:
        return types(*words, "--passphrase-file", str(typed))
    finally:
        somebody.join()


@pytest.mark.parametrize(
    "words", [("day-card", "issue", "day-07", "1002"), ("revoke-card", "0" * 32), ("rotate-pepper",)]
)
def test_no_stolen_card_waits_for_a_passphrase(site: Site, words: tuple[str, ...]) -> None:
    free = []
    assert types_slowly(site, lambda: free.append(is_free(site)), "a wrong one", *words) != 0
    assert free == [True]


def test_nothing_is_published_of_files_that_get_another_layer_meanwhile(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    def lay_over() -> None:
        pepper_rotation.begin(site)
        pepper_rotation.finish(site)

    assert types_slowly(site, lay_over, PASSPHRASE, "publish", "--yes") == 1
    assert "another layer of the pepper meanwhile" in capsys.readouterr().err


def test_no_stolen_card_waits_for_somebody_who_thinks_of_a_pin(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    free = []

    class Thinking:
        def isatty(self) -> bool:
            return False

        def readline(self) -> str:
            free.append(is_free(site))
            return "517093\n"

    monkeypatch.setattr(sys, "stdin", Thinking())
    assert types("set-code", "1004") == 0
    assert free == [True]
    assert read_codes(site.file("roster/codes.csv")).keys() == {"1004"}


@pytest.mark.parametrize("terminal", ["", "+", "#", "Front", "a\x1b[2J", "x" * 300, "a/b"])
def test_a_request_on_no_terminals_topic_is_answered_nowhere(
    site: Site, terminal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broker of somebody else's may deliver any topic; on most of these nothing can even be published."""
    asked = Received(topic=f"kazasu/v1/{site.name}/up/{terminal}/enrol", payload=b"{}")
    desk = accept._Desk(site, admission(site), PepperGifts(site, site.unlock(PASSPHRASE)))
    assert not accept._answered(desk, None, asked)  # type: ignore[arg-type]  # the broker is left alone
    said = capsys.readouterr().out
    assert said.startswith("refused ")
    assert said.removesuffix("\n").isprintable()
