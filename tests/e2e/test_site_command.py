"""`kazasu site command`, typed at a desk: the site's directory, a real broker, the real daemon."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from fakes.configuration import HALL, STAFF
from kazasu.cli import EXIT_OK, EXIT_PROBLEM, main
from kazasu.site.directory import EventKey, TerminalRecord
from kazasu.virtual.site import PASSPHRASE, make_site
from kazasu.virtual.stage import SITE, TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


DOOR = HALL + STAFF
AWAY = "entrance-2"


class Desk:
    """A site of two terminals, one of which is there."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.site = make_site(folder / "site", SITE)
        self._passphrase = folder / "passphrase"
        self._passphrase.write_text(PASSPHRASE)
        self._passphrase.chmod(0o600)
        self._meet(stage)

    def types(self, *words: str) -> int:
        return main(
            ["site", "command", *words, "--site", str(self.site.path), "--passphrase-file", str(self._passphrase)]
        )

    def _meet(self, stage: Stage) -> None:
        """Broker and terminal were there before the site: each gets the other's files."""
        client, site = stage.broker.client("desk"), self.site
        toml = site.file("site.toml")
        toml.write_text(toml.read_text().replace(f"port = {site.address.port}", f"port = {client.port}"))
        shutil.copyfile(client.ca_file, site.file("ca.pem"))
        shutil.copyfile(client.certificate_file, site.certificate_file("desk"))
        shutil.copyfile(client.key_file, site.key_file("clients/desk"))
        shutil.copyfile(site.file("site.pub"), stage.config_file.parent / "site.pub")
        key = EventKey(keyid=stage.event_verifier.keyid, since=datetime.now(UTC), pem=stage.public_key_file.read_text())
        for terminal in (TERMINAL, AWAY):
            site.save(TerminalRecord(id=terminal, state="active", event_keys=(key,)))
        site.save(TerminalRecord(id="entrance-3", state="invited"))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), DOOR, synchronised=True) as stage:
        yield stage


@pytest.fixture(scope="module")
def desk(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(stage, tmp_path_factory.mktemp("desk"))
    with stage.daemon:
        assert stage.subscriber.wait_for(lambda: bool(stage.subscriber.states))
        yield desk


def test_a_door_is_released_from_the_desk(stage: Stage, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    before = len(stage.daemon.moved)
    assert desk.types(TERMINAL, "release", "door=hall") == EXIT_OK
    sent, done = capsys.readouterr().out.splitlines()
    assert sent == "entrance-1  sent"
    assert done.startswith("entrance-1  done       hall: unlocked (event ")
    assert stage.daemon.wait_for(lambda: len(stage.daemon.moved) > before)


def test_each_terminal_is_told_of_and_one_that_did_not_do_it_is_a_problem(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.types("--all", "--json", "identify_self") == EXIT_PROBLEM
    told = {line["terminal"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert told.keys() == {TERMINAL, AWAY}
    assert (told[TERMINAL]["reached"], told[TERMINAL]["said"]) == ("done", "find_me was shown")
    assert told[AWAY]["reached"] == "not_heard"


def test_what_cannot_be_meant_is_told_before_anything_is_sent(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in [
        ([TERMINAL], "which command?"),
        ([TERMINAL, "open"], "no command 'open'"),
        ([TERMINAL, "release", "hall"], "'hall' is no NAME=VALUE"),
        ([TERMINAL, "release"], "release: "),
        ([TERMINAL, "unlock", "door=hall", "for=long"], "for: 'long' is no duration"),
        ([TERMINAL, "unlock", "door=hall", "for_s=long"], "for_s: 'long' is no whole number"),
        ([TERMINAL, "reset_passback"], "whose?"),
        (["entrance-3", "restart"], "entrance-3 is invited: only an active terminal"),
        (["entrance-9", "restart"], "no terminal 'entrance-9'"),
    ]:
        assert desk.types(*words) != EXIT_OK
        printed = capsys.readouterr()
        assert said in printed.err
        assert printed.out == ""
