"""The commands as an installer types them, beside a whole site."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from kazasu.cli import COMMANDS
from kazasu.model.cue import CueName
from kazasu.store.roster import Roster
from kazasu.virtual.desk import at_a_terminal
from kazasu.virtual.issuer import rsa_key
from kazasu.virtual.stage import TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIGURATION = 78


class Installer:
    """Types commands and reads what comes back."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def types(self, *words: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kazasu", *words, "--config", str(config or self.stage.config_file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def types_at_a_terminal(self, pin: str, *words: str) -> tuple[int, str]:
        """The same on a terminal of its own, with a PIN entered when it is asked for; exit code and what was shown."""
        command = [sys.executable, "-m", "kazasu", *words, "--config", str(self.stage.config_file)]
        done = at_a_terminal(command, pin)
        self.stage.slot.remove_when_seen()
        return done


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage")) as stage, stage.daemon:
        stage.tap(stage.staff[0].card)
        stage.tap(stage.stranger)
        yield stage


@pytest.fixture
def installer(stage: Stage) -> Iterator[Installer]:
    yield Installer(stage)
    stage.slot.remove()
    stage.slot.wait_for(lambda: stage.slot.vacant)


@pytest.fixture
def changed(stage: Stage, tmp_path: Path) -> Path:
    """A copy of the site's files that a test may spoil; its configuration."""
    folder = tmp_path / "copy"
    shutil.copytree(stage.config_file.parent, folder, ignore=shutil.ignore_patterns("notify", "*.sock"))
    config_file = folder / stage.config_file.name
    config_file.write_text(config_file.read_text().replace(str(stage.config_file.parent), str(folder)))
    return config_file


def test_every_command_explains_itself() -> None:
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "kazasu", command.name, "--help"], capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith(f"usage: kazasu {command.name}")
        assert "Exit codes" in done.stdout


def test_without_a_command_all_of_them_are_listed_and_an_unknown_one_is_wrong_usage() -> None:
    done = subprocess.run([sys.executable, "-m", "kazasu"], capture_output=True, text=True, check=True)
    assert all(f"  {command.name} " in done.stdout for command in COMMANDS)
    wrong = subprocess.run([sys.executable, "-m", "kazasu", "jurnal"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "did you mean journal?" in wrong.stderr


def test_check_config_says_what_it_means(installer: Installer) -> None:
    done = installer.types("check-config")
    assert done.returncode == 0
    assert "Terminal entrance-1 of site demo" in done.stdout
    assert "a working day begins at 05:00" in done.stdout


@pytest.mark.parametrize("command", ["check-config", "run", "doctor"])
def test_a_configuration_that_cannot_be_used_is_said_with_its_line(
    installer: Installer, changed: Path, command: str
) -> None:
    text = changed.read_text()
    changed.write_text(text.replace("state_dir", "state_dri"))
    line = text[: text.index("state_dir")].count("\n") + 1
    done = installer.types(command, config=changed)
    assert done.returncode == CONFIGURATION
    assert f"{changed}:{line}: terminal.state_dri: unknown; did you mean state_dir?" in done.stderr


def test_without_a_key_the_daemon_does_not_start(installer: Installer, changed: Path) -> None:
    (changed.parent / "keys/event.key").unlink()
    done = installer.types("run", config=changed)
    assert done.returncode == 1
    assert "kazasu keygen" in done.stderr


def test_keygen_makes_what_is_missing_and_keeps_what_is_there(installer: Installer, changed: Path) -> None:
    pepper, key = changed.parent / "keys/pepper.key", changed.parent / "keys/event.key"
    before = pepper.read_bytes()
    key.unlink()
    (changed.parent / "event.pub.pem").unlink()
    done = installer.types("keygen", config=changed)
    assert done.returncode == 0
    assert pepper.read_bytes() == before
    assert key.stat().st_mode & 0o777 == 0o600
    made = key.read_bytes()
    assert installer.types("keygen", config=changed).returncode == 0
    assert key.read_bytes() == made


def lines_of(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Doctor's report: subject to grade."""
    found = {}
    for line in done.stdout.splitlines():
        grade, _, rest = line.partition(" ")
        if grade in {"ok", "note", "problem"}:
            found[rest.strip().split("  ")[0]] = grade
    return found


def test_the_doctor_finds_a_site_in_order(installer: Installer) -> None:
    report = lines_of(installer.types("doctor"))
    for subject in ("event key", "pepper", "disk", "journal", "roster", "pcscd", "reader desk", "cards", "broker"):
        assert report[subject] == "ok", subject


@pytest.mark.parametrize(
    ("was", "becomes", "subject"),
    [
        ('match = "*00 00"', 'match = "RC-S300*"', "reader desk"),
        ("port = ", "port = 1 # ", "broker"),
        ('state_dir = "', 'state_dir = "/nowhere', "disk"),
        ('key = "collector.pub"', 'key = "authca.pem"', "collector key"),
        ("[terminal]", '[keys]\nevent = "nowhere.key"\n[terminal]', "event key"),
        ("broker/ca.pem", "authca.pem", "broker"),
        ('key = "', 'key = "/nowhere', "broker"),
        ('ca = ["authca.pem"]', 'ca = ["collector.pub"]', "cards"),
    ],
)
def test_the_doctor_names_each_problem(
    installer: Installer, changed: Path, was: str, becomes: str, subject: str
) -> None:
    assert was in changed.read_text()
    changed.write_text(changed.read_text().replace(was, becomes, 1))
    done = installer.types("doctor", config=changed)
    assert done.returncode == 1
    assert lines_of(done)[subject] == "problem", done.stdout
    assert "problem" in done.stdout.splitlines()[-1]


def test_the_doctor_sees_keys_that_others_may_read(installer: Installer, changed: Path) -> None:
    for name in ("event.key", "pepper.key"):
        (changed.parent / "keys" / name).chmod(0o644)
    done = installer.types("doctor", config=changed)
    report = lines_of(done)
    assert (report["event key"], report["pepper"], report["collector key"]) == ("problem", "problem", "ok")
    assert f"chmod 600 {changed.parent / 'keys/pepper.key'}" in done.stdout


def test_the_doctor_tells_an_expired_certificate_from_a_broker_that_refuses_it(
    installer: Installer, changed: Path
) -> None:
    expired = installer.stage.broker.ca.client(TERMINAL, valid_for=timedelta(days=-1))
    current = installer.stage.broker.client(TERMINAL)
    text = changed.read_text()
    for was, becomes in (
        (current.certificate_file, expired.certificate_file),
        (current.key_file, expired.key_file),
    ):
        copied = changed.parent / "broker" / was.name
        assert str(copied) in text
        text = text.replace(str(copied), str(becomes))
    changed.write_text(text)
    done = installer.types("doctor", config=changed)
    report = lines_of(done)
    assert (report["certificate"], report["broker"]) == ("problem", "problem")
    assert "expired on " in done.stdout


def test_the_doctor_sees_a_disk_that_cannot_be_written(installer: Installer, changed: Path) -> None:
    state_dir = changed.parent / "state"
    subprocess.run(["mount", "--bind", state_dir, state_dir], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", state_dir], check=True)
        done = installer.types("doctor", config=changed)
    finally:
        subprocess.run(["umount", state_dir], check=True)
    assert lines_of(done)["disk"] == "problem"
    assert "cannot be written" in done.stdout


def test_the_doctor_sees_a_state_that_a_power_cut_would_take(installer: Installer, changed: Path) -> None:
    state_dir = changed.parent / "state"
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", state_dir], check=True)
    try:
        done = installer.types("doctor", config=changed)
    finally:
        subprocess.run(["umount", state_dir], check=True)
    assert f"{state_dir} is in memory" in done.stdout
    assert done.returncode == 1


def test_the_doctor_goes_on_when_all_is_down(installer: Installer, changed: Path) -> None:
    stage = installer.stage
    shutil.rmtree(changed.parent / "state")
    stage.pcscd.stop()
    stage.broker.stop()
    try:
        done = installer.types("doctor", config=changed)
    finally:
        stage.broker.start()
        stage.pcscd.start()
    assert done.returncode == 1
    report = lines_of(done)
    assert [report[subject] for subject in ("disk", "pcscd", "broker")] == ["problem"] * 3
    assert report["event key"] == report["cards"] == "ok"
    assert "Connection refused" in done.stdout
    assert "install -d -m 700" in done.stdout


def test_the_doctor_asks_for_a_card_too(installer: Installer) -> None:
    installer.stage.slot.insert(installer.stage.staff[2].card)
    report = lines_of(installer.types("doctor", "--tap"))
    assert report["card"] == "ok"


def test_nobody_taps(installer: Installer) -> None:
    done = installer.types("identify", "--wait", "0.1")
    assert done.returncode == 1
    assert "no card came within 0.1 s" in done.stderr


def test_what_cannot_be_enrolled_is_said_before_anybody_taps(installer: Installer) -> None:
    for words, said in (
        (["123456789012", "誰か"], "look like a My Number"),
        (["1008", "誰か", "--valid-from", "2027-01-02", "--valid-until", "2027-01-01"], "comes before the first"),
    ):
        done = installer.types("enroll", *words)
        assert done.returncode == 1
        assert said in done.stderr
        assert "tap" not in done.stdout


def test_identify_says_what_a_card_proves_and_whose_it_is(installer: Installer) -> None:
    installer.stage.slot.insert(installer.stage.staff[1].card)
    done = installer.types("identify")
    assert done.returncode == 0
    assert "signed_data" in done.stdout
    assert "cardholder  1002" in done.stdout


def test_an_enrolled_card_is_known_at_the_next_tap_and_a_removed_one_is_not(installer: Installer) -> None:
    stage = installer.stage
    stage.slot.insert(stage.stranger)
    done = installer.types("enroll", "1006", "新人", "--valid-until", "2099-12-31")
    assert done.returncode == 0, done.stderr
    stage.slot.remove()
    stage.slot.wait_for(lambda: stage.slot.vacant)
    stage.tap(stage.stranger)
    newest = json.loads(stage.backlog.after(stage.backlog.last_seq() - 1, 1)[0][1])
    # The terminal may have read the card, once the command let it go, before it was taken away: then this is a repeat.
    assert newest["cardholder"] == "1006"
    assert installer.types("roster", "remove", newest["credential"]).returncode == 0
    stage.tap(stage.stranger)
    newest = json.loads(stage.backlog.after(stage.backlog.last_seq() - 1, 1)[0][1])
    assert newest["reason"] == "unknown_card"


def test_levels_are_given_kept_and_taken_away_at_the_desk(installer: Installer) -> None:
    def levels_after(*words: str) -> tuple[str, ...]:
        installer.stage.slot.insert(installer.stage.stranger)
        done = installer.types("enroll", "1009", "新人", *words)
        assert done.returncode == 0, done.stderr
        installer.stage.slot.remove()
        installer.stage.slot.wait_for(lambda: installer.stage.slot.vacant)
        roster = Roster(installer.stage.config.terminal.roster_path)
        try:
            found = roster.find("1009")
            assert found is not None
            return found.levels
        finally:
            roster.close()

    assert levels_after("--level", "staff", "--level", "it") == ("it", "staff")
    assert levels_after() == ("it", "staff")
    assert levels_after("--level", "visitor") == ("visitor",)
    assert levels_after("--no-level") == ()
    done = installer.types("enroll", "1009", "新人", "--level", "IT")
    assert done.returncode == 1
    assert "no name of a level" in done.stderr


def test_a_card_is_not_enrolled_for_more_than_it_proves(installer: Installer) -> None:
    installer.stage.slot.insert(installer.stage.stranger)
    done = installer.types("enroll", "1007", "誰か", "--min-assurance", "challenge")
    assert done.returncode == 1
    assert "would never satisfy challenge" in done.stderr


def test_a_roster_with_bad_lines_changes_nothing(installer: Installer, changed: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    header = "cardholder,name,credential,min_assurance,valid_from,valid_until"
    bad.write_text(f"{header}\n1,a,xx,serial,,\n2,b,{'a' * 32},serial,,\n")
    roster = changed.parent / "state" / "roster.db"
    before = roster.read_bytes()
    done = installer.types("roster", "import", str(bad), config=changed)
    assert done.returncode == 1
    assert "line 2: credential" in done.stderr
    assert "line 3" not in done.stderr
    assert roster.read_bytes() == before


def test_the_journal_is_listed_verified_and_exported(installer: Installer) -> None:
    listed = installer.types("journal", "list", "--last", "3").stdout.splitlines()
    assert listed[0].split()[:3] == ["seq", "time", "event_type"]
    assert len(listed) == 4
    assert "signatures and chain hold" in installer.types("journal", "verify").stdout
    key = str(installer.stage.public_key_file)
    assert installer.types("journal", "verify", "--key", key).returncode == 0
    lines = installer.types("journal", "export", "--after", "1").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(2, len(lines) + 2))
    table = list(csv.DictReader(installer.types("journal", "export", "--format", "csv").stdout.splitlines()))
    assert table[1]["cardholder"] == "1001"


def test_a_journal_that_was_changed_is_found_out(installer: Installer, changed: Path) -> None:
    journal = changed.parent / "state" / "journal.db"
    connection = sqlite3.connect(journal, isolation_level=None)
    connection.execute(
        "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), '1001', '1002') AS BLOB) WHERE seq = 2"
    )
    connection.close()
    done = installer.types("journal", "verify", config=changed)
    assert done.returncode == 1
    assert "event 2" in done.stderr


@pytest.mark.parametrize("action", ["list", "verify", "export"])
def test_where_there_is_no_journal_yet_the_commands_say_so(installer: Installer, changed: Path, action: str) -> None:
    shutil.rmtree(changed.parent / "state")
    done = installer.types("journal", action, config=changed)
    assert done.returncode == 1
    assert "there is no journal" in done.stderr


@pytest.mark.parametrize("name", [CueName.GRANTED, CueName.DENIED])
def test_a_cue_is_played_to_its_end(installer: Installer, name: CueName) -> None:
    shown = installer.types("cue", "play", name.value).stdout.splitlines()
    assert shown[0] == name.value
    assert shown[-1] == "outputs: off"
    assert len(shown) > 2


def test_output_into_a_pipe_that_closes_is_no_error(installer: Installer) -> None:
    command = f"{sys.executable} -m kazasu journal export --config {installer.stage.config_file}"
    script = f"set -o pipefail; {command} | head -c 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{", "")


def test_so_little_output_that_it_is_still_buffered_is_no_error_either(installer: Installer) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "kazasu", "check-config", "--config", str(installer.stage.config_file)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_identify_says_why_it_was_not_more_and_how_long_each_step_took(installer: Installer) -> None:
    installer.stage.slot.insert(installer.stage.staff[1].card)
    done = installer.types("identify")
    assert done.returncode == 0
    assert "not more    this terminal has no keypad for the card's PIN" in done.stdout
    assert re.search(r"^steps +SELECT, 2 times +\d+\.\d ms$", done.stdout, re.MULTILINE)
    assert re.search(r"^ +this terminal +\d+\.\d ms$", done.stdout, re.MULTILINE)


def test_a_pin_is_asked_for_at_the_terminal_and_shown_nowhere(installer: Installer) -> None:
    installer.stage.slot.insert(installer.stage.staff[1].card)
    code, shown = installer.types_at_a_terminal("1234", "identify", "--with-pin")
    assert code == 0, shown
    assert "assurance   challenge_pin" in shown
    assert "****" in shown
    assert "1234" not in shown.partition("kind")[0]  # a pseudonym may hold these digits, too


def test_a_renewed_card_takes_the_old_ones_place(installer: Installer) -> None:
    stage = installer.stage
    renewed = stage.issuer.card(rsa_key("renewed"))
    stage.slot.insert(renewed)
    code, shown = installer.types_at_a_terminal("1234", "enroll", "1002", "佐藤 健", "--renews")
    assert code == 0, shown
    assert re.search(r"the old card [0-9a-f]{32} ends \d{4}-", shown)
    assert "is 1002's, has to prove signed_data; roster version" in shown
    roster = Roster(stage.config.terminal.roster_path)
    ends = {each.credential.valid_until_s for each in roster.credentials_of("1002")}
    roster.close()
    (old,) = ends - {None}
    assert old is not None
    assert len(ends) == 2
    # Fourteen days, and not a tap's time more: the second renewal has to say which card it means.
    done = installer.types("enroll", "1002", "佐藤 健", "--renews")
    assert done.returncode == 1
    assert "say which of 1002's cards ends" in done.stderr


def test_a_card_is_not_renewed_without_its_pin(installer: Installer) -> None:
    installer.stage.slot.insert(installer.stage.issuer.card(rsa_key("stolen")))
    roster = installer.stage.config.terminal.roster_path
    before = roster.read_bytes()
    code, shown = installer.types_at_a_terminal("9999", "enroll", "1001", "山田 花子", "--renews")
    assert code == 1
    assert "not accepted: pin_wrong: wrong PIN; the card allows 2 more tries" in shown
    assert roster.read_bytes() == before


def test_somebody_without_a_card_has_none_to_renew(installer: Installer) -> None:
    done = installer.types("enroll", "1999", "誰か", "--renews")
    assert done.returncode == 1
    assert "1999 has no card to renew: leave out --renews" in done.stderr


def test_a_card_key_is_made_and_never_shown(installer: Installer, changed: Path) -> None:
    first = installer.types("keygen", "--card-key", "staff", config=changed)
    second = installer.types("keygen", "--card-key", "staff", "--bits", "256", config=changed)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "staff, version 1: made" in first.stdout
    assert "staff, version 2: made" in second.stdout
    file = changed.parent / "keys" / "cards.toml"
    digits = re.findall('"([0-9A-F]+)"', file.read_text())
    assert [len(key) for key in digits] == [32, 64]
    checked = installer.types("check-config", config=changed)
    assert not any(key in first.stdout + second.stdout + checked.stdout for key in digits)


def test_check_config_says_what_a_card_has_to_prove_and_when(installer: Installer, changed: Path) -> None:
    text = changed.read_text()
    changed.write_text(
        f'{text}\n[[services.attendance.stricter]]\nduring = "22:00-05:00"\nmin_assurance = "challenge"\n'
        '[[services.attendance.stricter]]\nduring = "00:00-12:00"\ndays = ["sun", "sat"]\n'
        'min_assurance = "challenge_pin"\n'
    )
    said = installer.types("check-config", config=changed).stdout
    assert "A card has to prove at least: serial." in said
    assert "  from 22:00 to 05:00, every day: challenge." in said
    assert "  from 00:00 to 12:00, sat, sun: challenge_pin." in said
