"""A day card that the desk lends, at two real terminals over a real broker."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import pytest

from fakes.configuration import HALL, STAFF
from kazasu.cli import EXIT_OK, EXIT_PROBLEM, main
from kazasu.config import load
from kazasu.store.backlog import Backlog
from kazasu.store.keys import generate_signer
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.site import PASSPHRASE, make_site
from kazasu.virtual.stage import SITE, TERMINAL, Enrolled, Stage
from kazasu.virtual.tapping import answers, tap, wait_for
from kazasu.virtual.vpcd import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.model.access import EventFields
    from kazasu.virtual.card import VirtualCard

ANNEX = "annex-1"
POOLED, HOLDER = "1004", "1005"


class Door(NamedTuple):
    """A terminal at a door; neither has day cards in its own configuration."""

    config_file: Path
    slot: Slot
    daemon: DaemonProcess
    backlog: Backlog

    def tap(self, card: VirtualCard) -> EventFields:
        seq = self.backlog.last_seq()
        tap(self.slot, self.daemon, self.backlog, card)
        (answer,) = answers(self.backlog, seq)
        return answer

    def has(self, version: int) -> bool:
        """Wait until it has recorded that a roster of the site's is in place."""

        def recorded() -> bool:
            events = [json.loads(body) for _, body in self.backlog.after(0, 1000)]
            applied = [event for event in events if event["event_type"] == "roster.applied"]
            return any(event["roster_version"] == version for event in applied)

        return wait_for(recorded)


class Town:
    """A desk and two doors."""

    def __init__(self, stage: Stage, directory: Path, stack: ExitStack) -> None:
        self._passphrase = directory / "passphrase"
        self._passphrase.touch(0o600)
        self._passphrase.write_text(PASSPHRASE)
        (self.card,) = [person.card for person in stage.staff if person.number == POOLED]
        self.site = make_site(directory / "site", SITE)
        self._meet(stage)
        shutil.copyfile(directory / "roster.csv", self.site.file("roster/people.csv"))
        shutil.copyfile(self.site.file("site.pub"), directory / "site.pub")
        entrance = Door(stage.config_file, stage.slot, stage.daemon, stage.backlog)
        stack.enter_context(stage.daemon)
        self.doors = (entrance, self._annex(stage, directory, stack))

    def types(self, action: str, *words: str) -> int:
        """Type a command at the desk."""
        at = ("--site", str(self.site.path), "--passphrase-file", str(self._passphrase))
        return main(["site", action, *words, *at])

    def taps(self) -> list[EventFields]:
        """Hold the day card over the reader of each door."""
        return [door.tap(self.card) for door in self.doors]

    def have(self, version: int) -> bool:
        """Wait until both terminals have a roster."""
        return all(door.has(version) for door in self.doors)

    def _meet(self, stage: Stage) -> None:
        """Broker and pepper were there before the site, which gets these."""
        client = stage.broker.client("desk")
        toml = self.site.file("site.toml")
        text = toml.read_text().replace(f"port = {self.site.address.port}", f"port = {client.port}")
        toml.write_text(f'{text}\n[day_cards]\ncards = "{POOLED}"\n')
        self.site.key_file("pepper").write_bytes((stage.config_file.parent / "keys" / "pepper.key").read_bytes())
        self.site.file("pepper.id").write_text(self.site.pepper().newest)
        shutil.copyfile(client.ca_file, self.site.file("ca.pem"))
        shutil.copyfile(client.certificate_file, self.site.certificate_file("desk"))
        shutil.copyfile(client.key_file, self.site.key_file("clients/desk"))

    def _annex(self, stage: Stage, directory: Path, stack: ExitStack) -> Door:
        """A second terminal, as the first one but for its keys and its reader."""
        folder = directory / "annex"
        shutil.copytree(directory / "keys", folder / "keys")
        (folder / "keys" / "event.key").unlink()
        generate_signer(folder / "keys" / "event.key")
        (folder / "state").mkdir(mode=0o700)
        for name in ("authca.pem", "collector.pub", "site.pub"):
            shutil.copyfile(directory / name, folder / name)
        text = stage.config_file.read_text()
        mine, theirs = stage.broker.client(ANNEX), stage.broker.client(TERMINAL)
        for old, new in (
            (f'id = "{TERMINAL}"', f'id = "{ANNEX}"'),
            ("*00 00", "*00 01"),
            (str(stage.config.terminal.state_dir), str(folder / "state")),
            (str(theirs.certificate_file), str(mine.certificate_file)),
            (str(theirs.key_file), str(mine.key_file)),
        ):
            assert old in text
            text = text.replace(old, new)
        config_file = folder / "kazasu.toml"
        config_file.write_text(text)
        slot = stack.enter_context(Slot(stage.pcscd.ports[1]))
        daemon = stack.enter_context(DaemonProcess(config_file, folder))
        return Door(config_file, slot, daemon, Backlog(load(config_file).terminal.journal_path))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    enrolled = Enrolled(levels={HOLDER: "staff"})
    with (
        Stage(tmp_path / "stage", HALL + STAFF, enrolled=enrolled, synchronised=True) as stage,
        ExitStack() as stack,
    ):
        yield Town(stage, tmp_path / "stage", stack)


def test_a_card_lent_at_the_desk_opens_each_door_until_it_is_back(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    assert town.types("publish", "--yes") == EXIT_OK
    assert "day cards added to the pool: 1" in capsys.readouterr().out
    assert town.have(1)
    for event in town.taps():
        assert (event["reason"], event["day_card"], event["door_decision"]) == (
            "day_card_not_issued", POOLED, "denied",
        )  # fmt: skip

    assert town.types("day-card", "issue", POOLED, HOLDER) == EXIT_OK
    assert capsys.readouterr().out.startswith(f"{POOLED} is {HOLDER}'s until ")
    assert town.have(2)
    for event in town.taps():
        assert (event["cardholder"], event["day_card"], event["door_decision"]) == (HOLDER, POOLED, "granted")

    entrance, annex = town.doors
    entrance.daemon.kill()
    entrance.daemon.start()
    assert entrance.tap(town.card)["door_decision"] == "granted", "it outlives a crash"
    at_terminal = ("--config", str(annex.config_file))
    assert main(["daycard", "list", *at_terminal]) == EXIT_OK
    assert capsys.readouterr().out == f"{POOLED}: {HOLDER}, lent at the desk\n"
    assert main(["daycard", "return", POOLED, *at_terminal]) == EXIT_PROBLEM
    assert f"at the desk `kazasu site day-card return {POOLED}`" in capsys.readouterr().err

    assert town.types("day-card", "return", POOLED) == EXIT_OK
    assert town.have(3)
    assert [event["reason"] for event in town.taps()] == ["day_card_not_issued"] * 2
