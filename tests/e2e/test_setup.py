"""`kazasu setup` as an installer runs it, beside a real pcscd and broker, up to the first tap at the broker."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from kazasu.cli.setup.questions import QUESTIONS
from kazasu.config import load
from kazasu.model.signature import Ed25519Signer
from kazasu.store.keys import load_pepper, load_verifier, write_public
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.subscriber import CheckingSubscriber

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kazasu.virtual.issuer import JpkiIssuer
    from kazasu.virtual.vpcd import Slot

SITE, TERMINAL = "town-hall", "entrance-1"
CONFIGURATION, INTERRUPTED = 78, 130
NOBODY = 65_534
PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateBroker]:
    with PrivateBroker(tmp_path_factory.mktemp("broker")) as running:
        yield running


class Installer:
    """Has a stick with everything on it, and sets up the terminal in `config_file`."""

    def __init__(self, folder: Path, broker: PrivateBroker, issuer: JpkiIssuer) -> None:
        self.folder = folder
        self.config_file = folder / "etc" / "kazasu.toml"
        self.stick = folder / "stick"
        self.stick.mkdir()
        (self.stick / "authca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
        self.client = broker.client(TERMINAL)
        for name, file in (
            ("ca.pem", self.client.ca_file),
            ("client.pem", self.client.certificate_file),
            ("client.key", self.client.key_file),
        ):
            (self.stick / name).write_bytes(file.read_bytes())
        self.answers = self.stick / "answers.toml"
        self.writes()

    def writes(self, **changes: str) -> None:
        """Write the file of answers; a change is TOML, and an empty one leaves the key out."""
        values = {
            "site": f'"{SITE}"',
            "terminal": f'"{TERMINAL}"',
            "reader": '"Virtual PCD ?? 00"',
            "jpki_ca": '["authca.pem"]',
            "outputs": '"terminal"',
            "broker": f'"{self.client.host}"',
            "broker_port": str(self.client.port),
            "broker_ca": '"ca.pem"',
            "client_certificate": '"client.pem"',
            "client_key": '"client.key"',
        } | changes
        self.answers.write_text("".join(f"{key} = {value}\n" for key, value in values.items() if value))

    def types(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "kazasu", *words, "--config", self.config_file],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def sets_up(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return self.types("setup", "--answers", self.answers, *words)

    def written(self) -> dict[str, bytes]:
        """Every file of the configuration's folder, but for the daemon's."""
        folder = self.config_file.parent
        found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in found.items() if not name.startswith("state/")}


@pytest.fixture
def installer(broker: PrivateBroker, issuer: JpkiIssuer, tmp_path: Path) -> Installer:
    return Installer(tmp_path, broker, issuer)


def is_in_order(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether everything went well, and the doctor says so."""
    return done.returncode == 0 and "no problem found\n" in done.stdout


def test_from_answers_to_the_first_tap_at_the_broker(broker: PrivateBroker, slot: Slot, installer: Installer) -> None:
    done = installer.sets_up()
    assert is_in_order(done), done.stdout + done.stderr
    assert "speaks MQTT 5 and accepts this terminal's certificate" in done.stdout
    assert f"sudo kazasu enroll --config {installer.config_file} 1001" in done.stdout

    card = FelicaCard(bytes.fromhex("0114B00100000001"))
    slot.insert(card)
    assert installer.types("enroll", "1001", "山田 花子").returncode == 0
    slot.remove()
    slot.wait_for(lambda: slot.vacant)
    public_key = load_verifier(installer.config_file.parent / "event.pub.pem")
    with (
        CheckingSubscriber(broker.client("collector"), SITE, {TERMINAL: public_key}) as subscriber,
        DaemonProcess(installer.config_file, installer.folder) as daemon,
    ):
        slot.insert(card)
        assert daemon.wait_for(lambda: daemon.greens() == 1)
        assert subscriber.wait_for(
            lambda: "attendance.in" in [event.fields["event_type"] for event in subscriber.events]
        )
        assert subscriber.problems == []


def test_what_was_brought_lies_in_its_place_and_secrets_are_secret(slot: Slot, installer: Installer) -> None:
    installer.sets_up()
    folder = installer.config_file.parent
    assert {path: (folder / path).stat().st_mode & 0o777 for path in installer.written()} == {
        "kazasu.toml": 0o644,
        "event.pub.pem": 0o644,
        "jpki-ca/authca.pem": 0o644,
        "mqtt/ca.pem": 0o644,
        "mqtt/client.pem": 0o644,
        "keys/client.key": 0o600,
        "keys/event.key": 0o600,
        "keys/pepper.key": 0o600,
    }
    assert (folder / "keys").stat().st_mode & 0o777 == (folder / "state").stat().st_mode & 0o777 == 0o700


def test_run_again_it_keeps_keys_and_the_file_before(slot: Slot, installer: Installer) -> None:
    installer.sets_up()
    first = installer.written()
    done = installer.sets_up()
    assert is_in_order(done)
    assert installer.written() == first
    assert "replaced" not in done.stdout

    installer.config_file.write_text(installer.config_file.read_text() + '\n[[readers]]\nname = "gate"\n')
    by_hand = installer.config_file.read_bytes()
    installer.writes(timezone='"Asia/Seoul"', broker_port="")
    done = installer.sets_up()
    assert f"replaced   {installer.config_file}; what is there now stays as kazasu.toml.old" in done.stdout
    again = installer.written()
    assert again.pop("kazasu.toml.old") == by_hand
    config = load(installer.config_file)
    assert config.terminal.timezone.key == "Asia/Seoul"
    assert [reader.name for reader in config.readers] == ["desk", "gate"]
    assert config.mqtt is not None
    assert config.mqtt.port == installer.client.port, "what is not answered stays as it is"
    assert {path for path in again if again[path] != first[path]} == {"kazasu.toml"}


def test_a_site_has_one_pepper(slot: Slot, installer: Installer, tmp_path: Path) -> None:
    installer.sets_up()
    (installer.stick / "pepper.key").write_bytes(installer.written()["keys/pepper.key"])
    installer.config_file = tmp_path / "second" / "kazasu.toml"
    installer.writes(pepper='"pepper.key"')
    assert is_in_order(installer.sets_up())
    first, second = (load_pepper(tmp_path / folder / "keys/pepper.key") for folder in ("etc", "second"))
    assert first == second
    (installer.stick / "pepper.key").write_text(64 * "0")
    done = installer.sets_up()
    assert done.returncode == CONFIGURATION
    assert "holds another pepper" in done.stderr
    assert load_pepper(tmp_path / "second/keys/pepper.key") == second


def test_with_a_mistake_in_the_answers_nothing_is_written(installer: Installer) -> None:
    installer.writes(site="", client_key='"ca.pem"', brokr='"x"')
    done = installer.sets_up()
    assert done.returncode == CONFIGURATION
    assert len(done.stderr.splitlines()) == 3
    for words in ("site: missing", "client_key: ", "brokr: unknown; did you mean broker?"):
        assert f"{installer.answers}: {words}" in done.stderr
    assert not installer.config_file.parent.exists()


def test_a_journal_whose_key_is_lost_gets_no_new_one(slot: Slot, installer: Installer) -> None:
    installer.sets_up()
    with DaemonProcess(installer.config_file, installer.folder):
        pass
    (installer.config_file.parent / "keys/event.key").unlink()
    before = installer.written()
    done = installer.sets_up()
    assert done.returncode == 1
    assert "is missing: bring it back" in done.stderr
    assert installer.written() == before


def test_a_configuration_that_cannot_be_used_is_said_and_kept(slot: Slot, installer: Installer) -> None:
    installer.config_file.parent.mkdir()
    installer.config_file.write_text('[terminal]\nsite = "Town"\n')
    done = installer.sets_up()
    assert is_in_order(done), done.stdout
    assert "terminal.site: 'Town' is not 1 to 32 of a-z, 0-9 and -, not - first; it is not taken over" in done.stderr
    assert installer.written()["kazasu.toml.old"] == b'[terminal]\nsite = "Town"\n'


def test_the_answers_that_it_prints_are_those_that_it_has(slot: Slot, installer: Installer) -> None:
    installer.sets_up()
    before = installer.written()
    installer.answers.write_text(installer.types("setup", "--print-answers").stdout)
    assert is_in_order(installer.sets_up())
    assert installer.written() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_not_write_there_is_told_before_all_the_questions() -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # which pytest's own are not
        done = subprocess.run(
            [sys.executable, "-m", "kazasu", "setup", "--config", f"{directory}/etc/kazasu.toml"],
            input="",
            capture_output=True,
            text=True,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            check=False,
        )
    assert done.returncode == 1
    assert "run this as root, with sudo" in done.stderr
    assert done.stdout == ""


class Person:
    """Sits before a terminal and reads before typing.

    Args:
        command: what runs in it.
        environment: added to this one.
    """

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        self._bytes = b""
        self._read = 0
        self._terminal, theirs = os.openpty()
        self._process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=os.environ | environment,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  (no thread runs here)
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    @property
    def seen(self) -> str:
        """All that came so far."""
        return self._bytes.decode(errors="ignore").replace("\r\n", "\n")

    def reads(self, text: str) -> None:
        """Wait for a text that comes after what was read before."""
        assert self._sees(text, PATIENCE_S), f"no {text!r} in {self.seen[self._read :]!r}"

    def interrupts(self, text: str) -> None:
        """Press Ctrl-C until a text comes.

        Between showing a prompt and waiting for its answer Python's readline misses a signal until the next key; no
        person is so fast.
        """
        self.types("\x03")
        while not self._sees(text, 1.0):
            self.types("\x03")

    def types(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def answers(self, question: str, typed: str = "") -> None:
        """Read a question and its prompt, and answer."""
        self.reads(question)
        self.reads("> " if question[0].isupper() else "] ")
        self.types(f"{typed}\r")

    def waits(self) -> int:
        """Wait for the end; the exit code."""
        while self._more(PATIENCE_S):
            pass
        return self._process.wait(PATIENCE_S)

    def signals(self, number: signal.Signals) -> None:
        """Leave, one way or another."""
        self._process.send_signal(number)

    def _sees(self, text: str, patience_s: float) -> bool:
        """Wait for a text after what was read; whether it came in time."""
        deadline_s = time.monotonic() + patience_s
        while (found := self.seen.find(text, self._read)) < 0:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not self._more(left_s):
                return False
        self._read = found + len(text)
        return True

    def _more(self, patience_s: float) -> bool:
        """Take in what was written; False if nothing came in time, or at the end."""
        if not select.select([self._terminal], [], [], patience_s)[0]:
            return False
        try:
            data = os.read(self._terminal, 65_536)
        except OSError:  # EIO: nobody writes there any more
            return False
        self._bytes += data
        return bool(data)


@pytest.fixture
def seats() -> Iterator[ExitStack]:
    """Nobody stays seated after a test."""
    with ExitStack() as stack:
        yield stack


def at_the_keyboard(seats: ExitStack, installer: Installer, *words: str | Path, language: str = "C.UTF-8") -> Person:
    environment = {"LC_ALL": language, "TERM": "xterm", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "kazasu", "setup", *words, "--config", installer.config_file]
    return seats.enter_context(Person(command, environment))


def answers_all(person: Person, installer: Installer) -> None:
    """From the first question to the last."""
    stick = installer.stick
    person.answers("Site", SITE)
    person.answers("Terminal", TERMINAL)
    person.answers("Time zone")
    person.answers("In or out")
    person.reads("  1  Virtual PCD 00 00\n  2  Virtual PCD 00 01\n")
    person.answers("[Virtual PCD* 00")
    person.answers("What events call")
    person.answers("Cards")
    person.reads("My Number Card: files")
    person.reads("> ")
    person.types(f"{stick}/auth\t")  # the name is completed
    person.reads("ca.pem")
    person.types("\r")
    person.answers("Lights", "t")
    person.answers("MQTT broker", installer.client.host)
    person.answers("Broker's port", str(installer.client.port))
    person.answers("File with the site's CA", f"{stick}/ca.pem")
    person.answers("File with this terminal's", f"{stick}/client.pem")
    person.answers("File with the key", f"{stick}/ca.pem")
    person.reads("ca.pem holds no private key in PEM\n")
    person.reads("> ")
    person.types(f"{stick}/client.key\r")
    person.answers("File with the collector's")
    person.answers("The site's pepper")


def test_at_a_keyboard_from_the_first_question_to_the_last_cue(
    slot: Slot, installer: Installer, seats: ExitStack
) -> None:
    person = at_the_keyboard(seats, installer)
    answers_all(person, installer)
    assert not installer.config_file.parent.exists()
    person.reads(f"new        {installer.config_file}\n")
    person.answers("[Y, < goes back")
    for cue, typed in (
        *(("ready: red steady", ""), ("reading: ", "y"), ("granted: green once, long", "r"), ("granted: ", "")),
        *(("already_done: ", ""), ("denied: ", "n"), ("retry: ", ""), ("fault: ", "")),
    ):
        person.answers(cue, typed)
    person.reads("not as they should be: denied;")
    person.reads("accepts this terminal's certificate")
    person.reads("Next:")
    assert person.waits() == 1
    config = load(installer.config_file)
    assert (config.terminal.id, config.readers[0].match) == (TERMINAL, "Virtual PCD* 00")
    assert config.cards.settings.by_kind["jpki"] is not None


def test_ctrl_c_before_the_end_changes_nothing(slot: Slot, installer: Installer, seats: ExitStack) -> None:
    person = at_the_keyboard(seats, installer)
    answers_all(person, installer)
    person.reads("[Y, < goes back] ")
    person.interrupts("Nothing was changed.")
    assert person.waits() == INTERRUPTED
    assert not installer.config_file.parent.exists()


def test_the_end_of_the_input_changes_nothing_either(slot: Slot, installer: Installer, seats: ExitStack) -> None:
    person = at_the_keyboard(seats, installer)
    person.answers("Site", SITE)
    person.reads("> ")
    person.types("\x04")
    person.reads("Nothing was changed.")
    assert person.waits() == INTERRUPTED


def test_after_it_was_written_ctrl_c_says_so(slot: Slot, installer: Installer, seats: ExitStack) -> None:
    person = at_the_keyboard(seats, installer)
    answers_all(person, installer)
    person.answers("[Y, < goes back")
    person.reads("ready: red steady")
    person.interrupts("The configuration is written; kazasu doctor")
    assert person.waits() == INTERRUPTED
    assert load(installer.config_file).terminal.id == TERMINAL


def test_where_japanese_is_read_it_is_asked_in_japanese_too(slot: Slot, installer: Installer, seats: ExitStack) -> None:
    person = at_the_keyboard(seats, installer, language="ja_JP.UTF-8")
    person.reads("Ctrl-C で何も変えずに終わります。")
    person.reads("組織の短い名前")
    person.interrupts("何も変更していません。")
    assert person.waits() == INTERRUPTED


def test_with_answers_cues_are_played_only_if_it_is_told_to(slot: Slot, installer: Installer, seats: ExitStack) -> None:
    assert "outputs: " not in installer.sets_up().stdout
    person = at_the_keyboard(seats, installer, "--answers", installer.answers, "--play-cues")
    person.reads("[RED]")
    person.types("\x03")
    assert person.waits() == INTERRUPTED


def test_run_again_at_the_keyboard_enter_is_enough(slot: Slot, installer: Installer, seats: ExitStack) -> None:
    installer.sets_up()
    before = installer.written()
    person = at_the_keyboard(seats, installer)
    person.reads(f"What {installer.config_file} says now stands in brackets.")
    for _ in range(len(QUESTIONS)):
        person.reads("] > ")
        person.types("\r")
        if "[keep]" in person.seen:
            break
    person.reads(f"kept       {installer.config_file}\n")
    person.answers("[Y, < goes back")
    person.reads("ready: ")
    person.interrupts("Stopped.")
    person.waits()
    assert installer.written() == before


_SYSTEMCTL = """#!/bin/sh
echo "$*" >>"{log}"
case "$1" in
is-active) echo {state} ;;
*) [ "$1" != {fails} ] ;;
esac
"""


class InstalledSystem:
    """An /etc of its own and a systemd that only remembers, for one command; the rest is this machine's.

    Args:
        folder: where all that is.
    """

    def __init__(self, folder: Path) -> None:
        self.etc = folder / "own-etc"
        self.etc.mkdir()
        for name in ("hosts", "nsswitch.conf", "passwd", "group", "localtime", "ld.so.cache"):
            if (Path("/etc") / name).is_file():
                shutil.copy(Path("/etc") / name, self.etc)
        self.log = folder / "systemctl.log"
        self.log.touch()
        self._programs = folder / "bin"
        self._programs.mkdir()
        self.has_unit("inactive")

    def has_unit(self, state: str, fails: str = "nothing") -> None:
        """What systemctl says, and what it fails to do."""
        program = self._programs / "systemctl"
        program.write_text(_SYSTEMCTL.format(log=self.log, state=state, fails=fails))
        program.chmod(0o755)

    def command(self, *words: str | Path) -> list[str | Path]:
        script = (
            'mount --bind "$0" /etc && mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && '
            'mkdir /run/systemd/system && PATH="$1:$PATH" && shift && exec "$@"'
        )
        kazasu = [sys.executable, "-m", "kazasu"]
        return ["unshare", "--mount", "sh", "-c", script, self.etc, self._programs, *kazasu, *words]

    @property
    def asked(self) -> list[str]:
        """What systemctl was asked to do."""
        return self.log.read_text().splitlines()


@pytest.fixture
def system(installer: Installer, tmp_path: Path) -> InstalledSystem:
    installer.writes(state_dir=f'"{tmp_path / "state"}"')
    return InstalledSystem(tmp_path)


def sets_up_in(system: InstalledSystem, installer: Installer, *words: str) -> subprocess.CompletedProcess[str]:
    command = system.command("setup", "--answers", installer.answers, *words)
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_service_is_started_now_and_at_each_boot(slot: Slot, installer: Installer, system: InstalledSystem) -> None:
    done = sets_up_in(system, installer)
    assert is_in_order(done), done.stdout + done.stderr
    assert (system.etc / "kazasu/kazasu.toml").exists()
    assert system.asked == ["cat kazasu", "is-active kazasu", "enable --quiet kazasu", "restart kazasu"]
    assert "kazasu runs\n" in done.stdout
    assert "sudo kazasu enroll 1001" in done.stdout


def test_a_sites_terminal_renews_what_is_due_each_day(
    slot: Slot, installer: Installer, system: InstalledSystem
) -> None:
    write_public(installer.stick / "site.pub", Ed25519Signer(Ed25519PrivateKey.generate()))
    installer.writes(state_dir=f'"{installer.folder}/state"', site_key='"site.pub"')
    assert is_in_order(sets_up_in(system, installer))
    assert system.asked[-1] == "enable --quiet --now kazasu-renew@kazasu.timer"
    assert (system.etc / "kazasu/site.pub").exists()


def test_each_terminal_of_a_pi_has_its_service(slot: Slot, installer: Installer, system: InstalledSystem) -> None:
    assert is_in_order(sets_up_in(system, installer))
    installer.writes(
        site="", broker="", broker_port="", broker_ca="", jpki_ca="", state_dir=f'"{installer.folder}/door"'
    )
    done = sets_up_in(system, installer, "--config", "/etc/kazasu@door/kazasu.toml")
    assert is_in_order(done), done.stdout + done.stderr
    assert system.asked[-1] == "restart kazasu@door"
    first, second = (load_pepper(system.etc / name / "keys/pepper.key") for name in ("kazasu", "kazasu@door"))
    assert first == second
    assert "kazasu reads Virtual PCD 00 00, too" in done.stdout


def test_it_is_left_as_it_is_if_it_is_told_to(slot: Slot, installer: Installer, system: InstalledSystem) -> None:
    assert is_in_order(sets_up_in(system, installer, "--no-start"))
    assert system.asked == []


def test_one_that_runs_lets_the_pins_go_first(slot: Slot, installer: Installer, system: InstalledSystem) -> None:
    system.has_unit("active")
    done = sets_up_in(system, installer)
    assert system.asked[1:] == ["is-active kazasu", "stop kazasu", "enable --quiet kazasu", "restart kazasu"]
    assert "stopping kazasu, which uses the pins" in done.stdout


def test_a_service_that_does_not_start_is_a_problem(slot: Slot, installer: Installer, system: InstalledSystem) -> None:
    system.has_unit("inactive", fails="restart")
    done = sets_up_in(system, installer)
    assert done.returncode == 1
    assert "kazasu did not start: `journalctl -u kazasu -n 20` says why" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_whoever_leaves_while_cues_play_leaves_a_terminal_that_runs(
    slot: Slot, installer: Installer, seats: ExitStack, system: InstalledSystem, number: signal.Signals
) -> None:
    system.has_unit("active")
    command = system.command("setup", "--answers", installer.answers, "--play-cues")
    person = seats.enter_context(Person(command, {"TERM": "xterm"}))
    person.reads("RED")
    assert system.asked[-1] == "stop kazasu"
    person.signals(number)
    assert person.waits() == INTERRUPTED
    assert system.asked[-1] == "restart kazasu"
