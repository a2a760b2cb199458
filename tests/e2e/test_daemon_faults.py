"""The whole daemon while what it depends on fails: the broker, pcscd, the disk, the clock of its own end."""

from __future__ import annotations

import errno
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from kazasu.model.cue import Channel, CueName
from kazasu.outputs import cues
from kazasu.store.audit import verify
from kazasu.store.keys import load_verifier
from kazasu.virtual.stage import SITE, TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.virtual.card import VirtualCard

CUES = cues.load()
GREEN = {Channel.GREEN}


class Entrance:
    """A stage whose daemon runs, and what a test asks of it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.daemon = stage.daemon

    def tap(self, card: VirtualCard) -> dict[str, Any]:
        """Tap, and return the event."""
        self.stage.tap(card)
        event: dict[str, Any] = json.loads(self.stage.backlog.after(self.stage.backlog.last_seq() - 1, 1)[0][1])
        return event

    def answer(self, card: VirtualCard, cue: CueName) -> bool:
        """Hold a card over the reader until a cue was played; whether it was."""
        since = len(self.daemon.shown)
        self.stage.slot.insert(card)
        played = self.daemon.wait_for(lambda: self.daemon.played(CUES[cue], since))
        self.stage.slot.remove()
        self.stage.slot.wait_for(lambda: self.stage.slot.vacant)
        return played

    def all_arrives(self) -> bool:
        """Wait until the subscriber has the whole journal, each event once and in order."""
        stage, last_seq = self.stage, self.stage.backlog.last_seq()
        arrived = stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) >= last_seq)
        return arrived and stage.subscriber.problems == []

    def whole(self) -> bool:
        """Whether the stored chain holds, and ends where the journal does."""
        stage = self.stage
        *_, progress = verify(stage.config.terminal.journal_path, load_verifier(stage.public_key_file))
        return progress.seq == stage.backlog.last_seq()


@pytest.fixture
def entrance(tmp_path: Path) -> Iterator[Entrance]:
    with Stage(tmp_path, '[log]\nlevel = "debug"\n') as stage, stage.daemon:
        yield Entrance(stage)


@pytest.mark.rule(4)
@pytest.mark.parametrize("fault", ["stop", "kill", "freeze"])
def test_taps_go_on_without_a_broker_and_all_of_it_arrives_in_order(entrance: Entrance, fault: str) -> None:
    stage = entrance.stage
    entrance.tap(stage.staff[0].card)
    assert entrance.all_arrives()
    getattr(stage.broker, fault)()
    events = [entrance.tap(card) for card in (stage.staff[2].card, stage.stranger, stage.staff[4].card)]
    assert [event["event_type"] for event in events] == ["attendance.in", "attendance.denied", "attendance.in"]
    if fault == "freeze":
        stage.broker.thaw()
    else:
        stage.broker.start()
    assert entrance.all_arrives()
    assert [event.seq for event in stage.subscriber.events] == list(range(1, stage.backlog.last_seq() + 1))


@pytest.mark.parametrize("fault", ["stop", "kill"])
def test_taps_go_on_after_pcscd_came_back(entrance: Entrance, fault: str) -> None:
    entrance.tap(entrance.stage.staff[2].card)
    getattr(entrance.stage.pcscd, fault)()
    entrance.stage.pcscd.start()
    # Of another kind than the one before: pcscd may have ended before it told that the first card had left, and a card
    # with the same ATR right after the restart then is that one, still lying there.
    assert entrance.tap(entrance.stage.staff[0].card)["cardholder"] == "1001"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A stage's folder whose state lies on a disk of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.rule(1)
def test_a_full_disk_is_a_fault_without_green_and_heals_by_itself(tmp_path: Path, small_disk: Path) -> None:
    with Stage(tmp_path / "stage", state_dir=small_disk / "state") as stage, stage.daemon:
        entrance = Entrance(stage)
        entrance.tap(stage.staff[0].card)
        filling = small_disk / "filling"
        fill(filling)
        before_seq, before_shown = stage.backlog.last_seq(), len(stage.daemon.shown)
        # What SQLite has allocated already still takes a few events: those are recorded, and green is right.
        while not entrance.answer(stage.staff[2].card, CueName.FAULT):
            assert stage.backlog.last_seq() > before_seq
            before_seq, before_shown = stage.backlog.last_seq(), len(stage.daemon.shown)
        assert not any(shown.on & GREEN for shown in stage.daemon.shown[before_shown:])
        assert stage.backlog.last_seq() == before_seq
        assert stage.subscriber.wait_for(lambda: bool(stage.subscriber.retained.get(alert_topic("journal"))))

        filling.unlink()
        assert entrance.tap(stage.staff[3].card)["cardholder"] == "1004"
        assert stage.subscriber.wait_for(lambda: stage.subscriber.retained.get(alert_topic("journal")) == b"")
        assert entrance.all_arrives()
        assert stage.daemon.terminate() == 0
        assert entrance.whole()


@pytest.mark.rule(1)
def test_a_disk_that_is_read_only_at_the_start_is_a_fault_without_green_and_heals_by_itself(
    tmp_path: Path, small_disk: Path
) -> None:
    with Stage(tmp_path / "stage", state_dir=small_disk / "state") as stage:
        entrance = Entrance(stage)
        with stage.daemon:
            entrance.tap(stage.staff[2].card)
        before_seq, before_shown = stage.backlog.last_seq(), len(stage.daemon.shown)
        stage.backlog.close()  # SQLite keeps its shared memory open for writing
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        with stage.daemon:
            assert entrance.answer(stage.staff[2].card, CueName.FAULT)
            assert not any(shown.on & GREEN for shown in stage.daemon.shown[before_shown:])
            assert stage.backlog.last_seq() == before_seq
            assert stage.subscriber.wait_for(lambda: bool(stage.subscriber.retained.get(alert_topic("control"))))

            subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
            assert stage.subscriber.wait_for(lambda: stage.subscriber.retained.get(alert_topic("control")) == b"")
            # The journal is read before anything is decided: the punch of before the fault is known.
            assert entrance.tap(stage.staff[2].card)["reason"] == "already_done"
            assert entrance.all_arrives()
        assert entrance.whole()


def fill(path: Path) -> None:
    """Write until the disk is full."""
    try:
        with path.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017  (any other error is the test's own)


def alert_topic(alert_id: str) -> str:
    return f"kazasu/v1/{SITE}/up/{TERMINAL}/alert/{alert_id}"


def test_sigterm_is_an_end_in_order(entrance: Entrance) -> None:
    stage = entrance.stage
    entrance.tap(stage.staff[0].card)
    assert stage.daemon.terminate() == 0
    assert entrance.all_arrives()
    assert stage.subscriber.events[-1].fields["event_type"] == "terminal.stopped"
    state = f"kazasu/v1/{SITE}/up/{TERMINAL}/state"

    def offline() -> bool:
        return b'"offline"' in stage.subscriber.retained[state]

    assert stage.subscriber.wait_for(offline)
    assert json.loads(stage.subscriber.retained[state])["cause"] == "stopped"
    assert "Traceback" not in stage.daemon.log_file.read_text()


def test_a_daemon_that_was_killed_is_told_by_its_will(entrance: Entrance) -> None:
    stage = entrance.stage
    assert entrance.all_arrives()
    stage.daemon.kill()
    state = f"kazasu/v1/{SITE}/up/{TERMINAL}/state"

    def offline() -> bool:
        return b'"offline"' in stage.subscriber.retained[state]

    assert stage.subscriber.wait_for(offline)
    assert json.loads(stage.subscriber.retained[state])["cause"] == "connection_lost"


@pytest.mark.rule(11)
def test_boot_crash_and_reconnect_switch_on_neither_green_nor_the_relay(entrance: Entrance) -> None:
    stage = entrance.stage
    assert entrance.all_arrives()
    stage.daemon.kill()
    stage.daemon.start()
    stage.broker.stop()
    stage.broker.start()
    stage.pcscd.restart()
    assert entrance.all_arrives()
    assert stage.daemon.terminate() == 0
    assert not any(shown.on & {Channel.GREEN, Channel.RELAY} for shown in stage.daemon.shown)


@pytest.mark.rule(7)
def test_no_raw_number_and_no_secret_is_stored_sent_or_logged(entrance: Entrance, tmp_path: Path) -> None:
    stage = entrance.stage
    for person in stage.staff:
        entrance.tap(person.card)
    entrance.tap(stage.stranger)
    assert entrance.all_arrives()
    assert stage.daemon.terminate() == 0
    written = {path.name: path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()}
    written["log"] = stage.daemon.log_file.read_bytes()
    written["mqtt"] = b"".join(
        [*(event.body for event in stage.subscriber.events), *stage.subscriber.retained.values()]
    )
    assert all(written.values())
    for secret in secrets_of(stage, tmp_path):
        for name, content in written.items():
            assert secret not in content, f"{secret!r} is in {name}"


def secrets_of(stage: Stage, directory: Path) -> Iterator[bytes]:
    """Everything that must stay inside, in the forms that it could take."""
    from base64 import b64encode

    from cryptography.x509 import load_der_x509_certificate

    raw = [bytes.fromhex((directory / "keys/pepper.key").read_text())]
    for card in (*(person.card for person in stage.staff), stage.stranger):
        certificate = getattr(card, "certificate", None)
        if certificate is None:
            raw.append(card.uid)  # type: ignore[attr-defined]  # an IDm or a UID
        else:
            serial = load_der_x509_certificate(certificate).serial_number
            yield str(serial).encode()
            raw.append(serial.to_bytes((serial.bit_length() + 7) // 8))
    for value in raw:
        yield value
        yield value.hex().encode()
        yield value.hex().upper().encode()
        yield b64encode(value)
