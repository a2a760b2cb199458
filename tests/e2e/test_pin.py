"""A whole tap with PIN, through pcscd, card kind, terminal and journal; and that no PIN stays behind."""

from __future__ import annotations

import io
import json
import logging
import threading
from datetime import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.clock import FakeClock
from fakes.cues import FakeCues
from fakes.health import FakeHealth
from fakes.keypad import FakeKeypad
from fakes.roster import FakeRoster, person
from fakes.scripted_reader import free_pair_of_ports
from kazasu.app.terminal import terminal_of
from kazasu.cards.identify import CardKinds
from kazasu.cards.jpki import Jpki
from kazasu.cards.jpki_authentication import Authentication
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.keypads.entry import PinEntry
from kazasu.model.access import Assurance
from kazasu.model.cue import CueName
from kazasu.model.input import CardRead, PinAsked
from kazasu.model.key import Key
from kazasu.model.policy import AssurancePolicy
from kazasu.readers.demand import EnrolledDemand
from kazasu.readers.pcsc import PcscReaders
from kazasu.readers.presence import ReaderPattern
from kazasu.runtime import logs
from kazasu.runtime.inbox import BoundedInbox
from kazasu.services.attendance import Alternation, Attendance
from kazasu.store.journal import Journal
from kazasu.store.keys import generate_signer
from kazasu.terminal import Settings
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.pcscd import PrivatePcscd
from kazasu.virtual.vpcd import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kazasu.model.input import Input
    from kazasu.virtual.jpki import JpkiCard

PIN = "8462"
WRONG = "9173"
KEY = rsa_key("card")


def keys(digits: str) -> list[Key]:
    return [*(Key(digit) for digit in digits), Key.ENTER]


class Woken:
    def wake(self) -> None:
        """Nobody publishes here."""


class Inbox(BoundedInbox):
    """Keeps what passed, too; and does what a test wants when a PIN is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[Input] = []
        self.on_ask: Callable[[], None] = lambda: None

    def put(self, item: Input) -> None:
        self.passed.append(item)
        super().put(item)
        if isinstance(item, PinAsked):
            self.on_ask()


class Door:
    """A terminal that asks for `challenge_pin`, on a real pcscd with a virtual card."""

    def __init__(self, directory: Path, issuer: JpkiIssuer) -> None:
        port = free_pair_of_ports()
        self.clock = FakeClock(issuer.ca_certificate.not_valid_before_utc)
        self.clock.advance(400 * 86400)
        self.inbox, self.health, self.cues = Inbox(), FakeHealth(), FakeCues()
        self.keypad = FakeKeypad(self.clock)
        self.log = io.StringIO()
        logs.set_up("debug", {}, self.log)
        self.pcscd = PrivatePcscd(directory / "pcscd", port)
        self.pcscd.start()
        self.slot = Slot(port)
        ca_file = directory / "ca.pem"
        ca_file.write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
        self.pseudonymizer = Pseudonymizer(bytes(32))
        self.roster = FakeRoster([person("1001", "a" * 32)])
        policy = AssurancePolicy(min_assurance=Assurance.CHALLENGE_PIN)
        entry = PinEntry(
            self.keypad,
            self.inbox,
            self.health,
            mono_s=self.clock.mono_s,
            timeout_s=30,
            sleep=self.clock.advance,
        )
        service = Attendance(Alternation(), day_boundary=time(5), repeat_after_s=120, policy=policy)
        jpki = Jpki(
            [ca_file],
            self.pseudonymizer,
            self.clock,
            Authentication(entry, EnrolledDemand(policy, service, self.roster, self.clock)),
        )
        self.journal = Journal(
            directory / "journal.db",
            "town-hall",
            "door",
            generate_signer(directory / "event.key"),
            max_events=1000,
            keep_s=86400,
            collector=False,
        )
        self.terminal = terminal_of(
            Settings(policy=policy, button_within_s=10, version="1"),
            inbox=self.inbox,
            clock=self.clock,
            roster=self.roster,
            service=service,
            journal=self.journal,
            cues=self.cues,
            publisher=Woken(),
            health=self.health,
        )
        self.beats = 0
        self.readers = PcscReaders(
            [ReaderPattern(name="desk", match="*00 00")], CardKinds([jpki]), self.inbox, self.clock, self.health
        )
        self.thread = threading.Thread(target=self.readers.run, args=(self._beat,))
        self.thread.start()

    def _beat(self) -> None:
        self.beats += 1

    def tap(self, card: JpkiCard) -> dict[str, int | str]:
        """Hold a card over the reader until the terminal has answered; the event."""
        self.slot.insert(card)
        while True:
            item = self.inbox.get(30)
            assert item is not None
            self.terminal.take(item)
            if isinstance(item, CardRead):
                break
        if self.slot.card is not None:
            # The answer comes before the reader lets the card go; after a PIN it lets it go without power.
            self.slot.wait_for(lambda: not self.slot.powered)
            self.slot.remove_when_seen()
        self.slot.wait_for(lambda: self.slot.vacant)
        return dict(list(self.journal.recent(60))[-1].fields)

    def close(self) -> None:
        self.readers.stop()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.slot.close()
        self.pcscd.stop()
        self.journal.close()

    def left_behind(self) -> str:
        """Whatever may be read later, but for what is random or a digest in hexadecimal digits."""
        events = [
            {name: value for name, value in event.fields.items() if name != "credential"}
            for event in self.journal.recent(86400)
        ]
        inputs = [item if not isinstance(item, CardRead) else (item.refusal, item.detail) for item in self.inbox.passed]
        return json.dumps(events) + repr(inputs) + repr(self.health.alerts) + self.log.getvalue()


@pytest.fixture
def issuer() -> JpkiIssuer:
    return JpkiIssuer()


@pytest.fixture
def door(tmp_path: Path, issuer: JpkiIssuer) -> Iterator[Door]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    door = Door(tmp_path, issuer)
    yield door
    door.close()
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def card(issuer: JpkiIssuer) -> JpkiCard:
    return issuer.card(KEY, pin=PIN)


@pytest.mark.rule(7)
def test_no_pin_stays_behind_right_or_wrong(door: Door, card: JpkiCard) -> None:
    door.inbox.on_ask = lambda: door.keypad.press(*keys(WRONG), every_s=0.3)
    assert door.tap(card)["reason"] == "pin_wrong"
    door.inbox.on_ask = lambda: door.keypad.press(*keys(PIN), every_s=0.3)
    event = door.tap(card)
    assert (event["reason"], event["assurance"]) == ("unknown_card", "challenge_pin")
    assert card.pin.left == 3
    left = door.left_behind()
    assert "tap" in door.log.getvalue()
    for pin in (PIN, WRONG):
        assert pin not in left
        assert pin.encode().hex() not in left


def test_people_see_what_is_wanted_of_them(door: Door, card: JpkiCard) -> None:
    door.inbox.on_ask = lambda: door.keypad.press(*keys(PIN), every_s=0.3)
    door.tap(card)
    assert door.cues.played == [
        CueName.READING,
        CueName.PIN,
        *[CueName.KEY] * 4,
        CueName.READING,
        CueName.DENIED,  # enrolled nowhere
    ]
    assert door.cues.rests == [CueName.PIN, CueName.READY]


@pytest.mark.rule(2)
def test_a_card_taken_away_while_typing_is_one_event_and_loses_no_try(door: Door, card: JpkiCard) -> None:
    door.inbox.on_ask = door.slot.remove
    assert door.tap(card)["reason"] == "card_removed"
    assert door.cues.played[-1] is CueName.RETRY
    assert card.pin.left == 3
    door.inbox.on_ask = lambda: door.keypad.press(*keys(PIN), every_s=0.3)
    assert door.tap(card)["assurance"] == "challenge_pin"


def test_a_blocked_card_has_a_cue_of_its_own(door: Door, card: JpkiCard) -> None:
    card.pin.left = 0
    assert door.tap(card)["reason"] == "card_blocked"
    assert door.cues.played == [CueName.READING, CueName.BLOCKED]


def test_nobody_who_types_means_no_try_and_a_loop_that_lives(door: Door, card: JpkiCard) -> None:
    before = door.beats
    assert door.tap(card)["reason"] == "pin_needed"
    assert card.pin.left == 3
    assert door.beats - before > 59  # twice a second, so that the watchdog knows


def test_the_end_of_the_terminal_does_not_wait_for_a_pin(door: Door, card: JpkiCard) -> None:
    stopper = threading.Thread(target=door.readers.stop)
    door.inbox.on_ask = stopper.start
    door.keypad.on_wait = lambda: stopper.ident and door.readers._stopping.wait(10)
    assert door.tap(card)["reason"] == "card_unreadable"
    stopper.join(10)
    assert card.pin.left == 3
