"""A site from its first command to a punch at its own broker, and what keeps everybody else out."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kazasu.site.directory import open_site
from kazasu.store.keys import load_pepper
from kazasu.virtual.broker import free_port
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.site import PASSPHRASE, SiteBroker
from kazasu.virtual.subscriber import CheckingSubscriber

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.virtual.vpcd import Slot

TERMINAL = "entrance-1"
ANSWERS = 'reader = "Virtual PCD ?? 00"\ncards = ["felica"]\noutputs = "terminal"\n'


class People:
    """Somebody at the desk and somebody at the terminal, each typing commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(f"{PASSPHRASE}\n")
        self.passphrase.chmod(0o600)
        self.config_file = folder / "etc" / "kazasu.toml"
        (folder / "answers.toml").write_text(ANSWERS)

    def desk(self, *words: str | Path) -> str:
        return self._runs("site", words[0], "--passphrase-file", self.passphrase, *words[1:])

    def at_terminal(self, *words: str | Path) -> str:
        return self._runs(*words, "--config", self.config_file)

    def begins(self, *words: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "kazasu", *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _runs(self, *words: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "kazasu", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def test_from_init_over_an_invitation_to_a_tap_at_the_sites_own_broker(
    slot: Slot, people: People, tmp_path: Path
) -> None:
    made = people.desk("init", "site", "--name", "town-hall", "--broker", "localhost", "--port", str(free_port()))
    assert "Back up now" in made
    invited = people.desk("add-terminal", TERMINAL, "--site", "site", "--code-file", "code")
    assert "bundle   entrance-1.bundle: for entrance-1, until " in invited
    site = open_site(tmp_path / "site")
    with SiteBroker(site, tmp_path / "broker"):
        joining = people.begins(
            *("setup", "--bundle", "entrance-1.bundle", "--code-file", "code", "--answers", "answers.toml"),
            *("--config", people.config_file),
        )
        with people.begins(
            *("site", "accept", "--site", "site", "--passphrase-file", people.passphrase, "--wait")
        ) as desk:
            said, _ = joining.communicate(timeout=60)
            desk.terminate()
        assert joining.returncode == 0, said
        assert "no problem found" in said
        assert load_pepper(people.config_file.parent / "keys/pepper.key") == site.pepper()
        assert not (people.config_file.parent / "enrolment").exists()

        card = FelicaCard(bytes.fromhex("0114B00100000001"))
        slot.insert(card)
        people.at_terminal("enroll", "1001", "山田 花子")
        slot.remove()
        slot.wait_for(lambda: slot.vacant)
        key = site.terminal(TERMINAL).event_key
        assert key is not None
        with (
            CheckingSubscriber(site.broker("collector"), site.name, {TERMINAL: key.verifier()}) as subscriber,
            DaemonProcess(people.config_file, tmp_path),
        ):
            slot.insert(card)
            assert subscriber.wait_for(
                lambda: "attendance.in" in [event.fields["event_type"] for event in subscriber.events]
            )
            assert subscriber.problems == []
