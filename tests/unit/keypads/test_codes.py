"""Entering a code and its PIN: one read, one hash, given up at once, kept nowhere."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from fakes.clock import FakeClock
from fakes.codes import PEPPER, PEPPERED, kept, pseudonym, slow_hash
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.keypad import FakeKeypad
from kazasu.errors import RosterError
from kazasu.keypads.code_check import CodeCheck
from kazasu.keypads.codes import CodeLoop
from kazasu.keypads.digits import DigitEntry
from kazasu.keypads.entry import PinEntry
from kazasu.keypads.simulated import SimulatedKeypad
from kazasu.keypads.turns import Turns
from kazasu.model.access import Assurance, Cardholder, DenyReason, Identifier
from kazasu.model.code import CodeHolder
from kazasu.model.input import CardRead, CodeAbandoned, Input, KeyTaken, PinAsked, PinEnded
from kazasu.model.key import BY_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable

CODE, PIN, FORCED = "482913", "5170", "8026"


class Door:
    """A loop and a finger; time goes only by what is typed and waited for, and the loop ends with the last key."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.keypad = FakeKeypad(self.clock)
        self.inbox, self.health = ListInbox(), FakeHealth()
        self.hashes = 0
        self.beats: list[float] = []
        self.damaged = False
        self.turns = Turns(self.keypad)
        self.loop = CodeLoop(
            self.turns,
            self.inbox,
            self.health,
            CodeCheck("desk", self._holder, PEPPERED, PEPPER, self._hash),
            mono_s=self.clock.mono_s,
            timeout_s=15,
            sleep=self.clock.advance,
        )
        self.keypad.on_wait = self._stop_at_the_end
        self._ends_s = 0.0

    def _holder(self, code: str) -> CodeHolder | None:
        if self.damaged:
            raise RosterError("the roster is damaged")
        if code != pseudonym(CODE):
            return None
        return CodeHolder(cardholder=Cardholder(number="1001", name="花子"), kept=kept(CODE, PIN, FORCED))

    def _hash(self, secret: str, salt: bytes) -> bytes:
        self.hashes += 1
        return slow_hash(secret, salt)

    def _stop_at_the_end(self) -> None:
        if self.clock.mono_s() >= self._ends_s:
            self.loop.stop()

    def types(self, labels: str, *, then_s: float = 20, every_s: float = 0.2) -> list[Input]:
        """Press these keys, with a pause at each space, and wait so long; what the terminal was told."""
        pause_s = 0.0
        self._ends_s = self.clock.mono_s() + then_s
        for label in labels:
            if label == " ":
                pause_s = 2.0
                continue
            self.keypad.press(BY_LABEL[label], every_s=every_s + pause_s)
            self._ends_s += every_s + pause_s
            pause_s = 0.0
        self.loop.run(lambda: self.beats.append(self.clock.mono_s()))
        return self.inbox.drained()

    def reads(self, labels: str) -> list[CardRead]:
        return [item for item in self.types(labels) if isinstance(item, CardRead)]


def identifier(code: str = CODE, *, duress: bool = False) -> Identifier:
    return Identifier(kind="code", pseudonym=pseudonym(code), assurance=Assurance.CODE, duress=duress)


@pytest.fixture
def door() -> Door:
    return Door()


def test_a_code_and_its_pin_are_one_read_and_each_step_is_told(door: Door) -> None:
    assert door.types("4829*913#5170#") == [
        *(KeyTaken(entered=number, of_code=True) for number in (1, 2, 3, 4, 3, 4, 5, 6)),
        PinAsked(tries_left=None),
        *(KeyTaken(entered=number) for number in (1, 2, 3, 4)),
        PinEnded(),
        CardRead(reader="desk", identifier=identifier()),
    ]


def test_duress_is_in_the_read_and_nothing_else_differs(door: Door) -> None:
    calm, forced = Door().types(f"{CODE}#{PIN}#"), door.types(f"{CODE}#{FORCED}#")
    assert forced == [*calm[:-1], CardRead(reader="desk", identifier=identifier(duress=True))]


@pytest.mark.parametrize(
    ("code", "pin"), [(CODE, "5171"), ("482914", PIN), ("4444", "4444"), (CODE, FORCED), (CODE, PIN)]
)
def test_whatever_is_entered_costs_one_hash(door: Door, code: str, pin: str) -> None:
    (read,) = door.reads(f"{code}#{pin}#")
    assert door.hashes == 1
    assert read.refusal is (None if (code, pin) in {(CODE, PIN), (CODE, FORCED)} else DenyReason.WRONG_CODE)
    assert read.identifier is not None
    assert read.identifier.pseudonym == pseudonym(code)


def test_several_people_one_after_the_other(door: Door) -> None:
    assert [read.refusal for read in door.reads(f"{CODE}#{PIN}# {CODE}#5171# {CODE}#{PIN}#")] == [
        None,
        DenyReason.WRONG_CODE,
        None,
    ]


@pytest.mark.parametrize("labels", ["4829C", "4829", "482913#", "482913#51", "482913#51C", "482913#C"])
def test_what_nobody_finishes_is_given_up_and_costs_no_try(door: Door, labels: str) -> None:
    told = door.types(labels)
    assert told[-1] == CodeAbandoned()
    assert not any(isinstance(item, CardRead | PinEnded) for item in told)
    assert door.hashes == 0


def test_enter_before_there_are_enough_digits_and_digits_beyond_the_most_do_nothing(door: Door) -> None:
    (read,) = door.reads("48#2913#517#0#")
    assert read.refusal is None
    (read,) = Door().reads("4829134829137777#51701111777#")
    assert read.identifier == identifier("482913482913")


def test_what_is_no_digit_begins_nothing(door: Door) -> None:
    assert door.types("#*C#") == []


def test_the_answers_light_begins_in_the_dark(door: Door) -> None:
    began_s = door.clock.mono_s()
    told: list[float] = []
    put = door.inbox.put

    def noted(item: Input) -> None:
        if isinstance(item, PinEnded):
            told.append(door.clock.mono_s() - began_s)
        put(item)

    door.inbox.put = noted  # type: ignore[method-assign]
    door.types(f"{CODE}#{PIN}#", every_s=0.1)
    assert told == [pytest.approx(0.1 * 11 + 0.45)]


def test_it_is_never_silent_for_long(door: Door) -> None:
    door.types("482913#", every_s=9, then_s=60)
    gaps = [after - before for before, after in itertools.pairwise(door.beats)]
    assert max(gaps) <= 10


def test_a_keypad_that_is_unplugged_is_an_alert_and_what_was_begun_is_given_up(door: Door) -> None:
    def unplug() -> None:
        if door.clock.mono_s() >= 1001:
            door.keypad.unplugged = True
            door.loop.stop()

    door.keypad.on_wait = unplug
    told = door.types("4829", every_s=0.3)
    assert told[-1] == CodeAbandoned()
    assert door.health.alerts == {"keypad": "the keypad was unplugged"}


def test_who_has_to_leave_the_keypad_has_given_up(door: Door) -> None:
    def end() -> None:
        if door.clock.mono_s() >= 1001:
            door.loop.stop()

    door.keypad.on_wait = end
    assert door.types("482913#51", every_s=0.3)[-1] == CodeAbandoned()


def test_a_damaged_roster_is_told_with_the_code_that_was_entered(door: Door) -> None:
    door.damaged = True
    (read,) = door.reads(f"{CODE}#{PIN}#")
    assert (read.identifier, read.refusal) == (identifier(), DenyReason.ROSTER_UNREADABLE)


@pytest.mark.rule(7)
def test_what_is_told_holds_no_digit_and_the_buffers_are_wiped(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    buffers: list[bytearray] = []
    entries: list[object] = []
    fill: Callable[..., bool] = DigitEntry.fill
    entered: Callable[..., object] = CodeCheck.entered

    def noted(self: DigitEntry, digits: bytearray, *rest: Any, **more: Any) -> bool:
        buffers.append(digits)
        return fill(self, digits, *rest, **more)

    def kept_entry(self: CodeCheck, *given: bytearray) -> object:
        entries.append(entered(self, *given))
        return entries[-1]

    monkeypatch.setattr(DigitEntry, "fill", noted)
    monkeypatch.setattr(CodeCheck, "entered", kept_entry)
    told = door.types(f"{CODE}#{PIN}#")
    assert buffers == [bytearray(6), bytearray(4)]
    shown = f"{told!r} {entries!r} {door.loop!r} {vars(door.loop)!r}"
    assert not any(digits in shown for digits in (CODE, PIN))


def test_a_card_that_asks_for_its_pin_goes_before_and_then_codes_go_on() -> None:
    keypad, clock, inbox, health = SimulatedKeypad(), FakeClock(), ListInbox(), FakeHealth()
    turns = Turns(keypad)
    check = CodeCheck("desk", lambda _: None, PEPPERED, PEPPER, slow_hash)
    loop = CodeLoop(turns, inbox, health, check, mono_s=clock.mono_s, timeout_s=15, sleep=clock.advance)
    card = PinEntry(turns.for_cards, inbox, health, mono_s=clock.mono_s, timeout_s=15, sleep=clock.advance)
    pins: list[str | None] = []
    codes = threading.Thread(target=loop.run, args=(lambda: None,))
    reader = threading.Thread(target=lambda: pins.append(card.ask(3, range(4, 5), lambda: None)))
    codes.start()
    keypad.press("48")
    told = [inbox.next(), inbox.next()]
    reader.start()
    told += [inbox.next(), inbox.next()]
    assert told == [
        KeyTaken(entered=1, of_code=True),
        KeyTaken(entered=2, of_code=True),
        CodeAbandoned(),
        PinAsked(tries_left=3),
    ]
    keypad.press("4711#")
    reader.join(60)
    assert pins == ["4711"]
    assert [inbox.next() for _ in range(5)][-1] == PinEnded()
    keypad.press(f"{CODE}#{PIN}#")
    while not isinstance(inbox.next(), CardRead):
        pass
    loop.stop()
    codes.join(60)
