"""Entering a PIN: masked, with an end, kept nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fakes.clock import FakeClock
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.keypad import FakeKeypad
from kazasu.errors import CardGone
from kazasu.keypads.digits import DigitEntry
from kazasu.keypads.entry import PinEntry
from kazasu.model.input import Input, KeyTaken, PinAsked, PinEnded
from kazasu.model.key import Key

if TYPE_CHECKING:
    from collections.abc import Callable

FOUR = range(4, 5)
PIN = [Key.DIGIT_4, Key.DIGIT_7, Key.DIGIT_1, Key.DIGIT_1]


class Door:
    """Somebody before a keypad; time goes only by what is typed and waited for."""

    def __init__(self, timeout_s: float = 30.0) -> None:
        self.clock = FakeClock()
        self.keypad = FakeKeypad(self.clock)
        self.inbox, self.health = ListInbox(), FakeHealth()
        self.looked: list[float] = []
        self.slept: list[float] = []
        self.began_s = self.clock.mono_s()
        self.entry = PinEntry(
            self.keypad,
            self.inbox,
            self.health,
            mono_s=self.clock.mono_s,
            timeout_s=timeout_s,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)

    def ask(self, *keys: Key, every_s: float = 0.2, length: range = FOUR) -> str | None:
        self.keypad.press(*keys, every_s=every_s)
        return self.entry.ask(3, length, lambda: self.looked.append(self.passed_s))

    def said(self) -> list[Input]:
        return self.inbox.drained()

    @property
    def passed_s(self) -> float:
        return self.clock.mono_s() - self.began_s


@pytest.fixture
def door() -> Door:
    return Door()


def counted(*entered: int) -> list[Input]:
    return [PinAsked(tries_left=3), *(KeyTaken(entered=number) for number in entered), PinEnded()]


def test_four_digits_and_enter(door: Door) -> None:
    assert door.ask(*PIN, Key.ENTER) == "4711"
    assert door.said() == counted(1, 2, 3, 4)


def test_a_digit_is_taken_back(door: Door) -> None:
    assert door.ask(Key.DIGIT_9, Key.BACKSPACE, Key.BACKSPACE, *PIN, Key.ENTER) == "4711"
    assert door.said() == counted(1, 0, 1, 2, 3, 4)


def test_keys_that_lead_nowhere_do_nothing_and_say_nothing(door: Door) -> None:
    """A fifth digit, and Enter too early."""
    assert door.ask(Key.ENTER, *PIN[:3], Key.ENTER, PIN[3], Key.DIGIT_9, Key.ENTER) == "4711"
    assert door.said() == counted(1, 2, 3, 4)


def test_leading_zeros_count(door: Door) -> None:
    assert door.ask(Key.DIGIT_0, Key.DIGIT_0, Key.DIGIT_0, Key.DIGIT_7, Key.ENTER) == "0007"


def test_a_length_may_be_a_range(door: Door) -> None:
    assert door.ask(*PIN, *PIN, *PIN, Key.ENTER, length=range(6, 9)) == "47114711"


def test_four_digits_without_enter_are_not_tried(door: Door) -> None:
    assert door.ask(*PIN) is None
    assert 30 <= door.passed_s < 31
    assert door.said() == counted(1, 2, 3, 4)


@pytest.mark.parametrize("timeout_s", [5.0, 30.0, 60.0])
def test_it_ends_after_the_configured_time_however_much_is_typed(timeout_s: float) -> None:
    door = Door(timeout_s)
    door.keypad.press(*[Key.DIGIT_1, Key.BACKSPACE] * 20, every_s=2.0)
    assert door.entry.ask(3, FOUR, lambda: None) is None
    assert timeout_s <= door.passed_s < timeout_s + 1


def test_cancel_gives_up_at_once(door: Door) -> None:
    assert door.ask(*PIN, Key.CANCEL) is None
    assert door.passed_s < 2


def test_a_keypad_that_never_stops_is_ended(door: Door) -> None:
    assert door.ask(*[Key.DIGIT_1, Key.BACKSPACE] * 1000, every_s=0.001) is None
    assert len(door.said()) == 66  # far from filling the terminal's queue


def test_the_next_entry_knows_nothing_of_the_last(door: Door) -> None:
    assert door.ask(*PIN[:3], Key.CANCEL) is None
    assert door.ask(PIN[3], Key.ENTER) is None
    door.said()


def test_keys_that_were_pressed_before_are_no_part_of_it(door: Door) -> None:
    door.keypad.press(*PIN)
    assert door.ask(*reversed(PIN), Key.ENTER) == "1174"


def test_the_card_is_looked_for_twice_a_second(door: Door) -> None:
    assert door.ask() is None
    assert len(door.looked) == 59
    pauses = [later - earlier for earlier, later in zip([0.0, *door.looked], door.looked, strict=False)]
    assert all(pause == pytest.approx(0.5) for pause in pauses)


def test_typing_keeps_nobody_from_looking_for_the_card(door: Door) -> None:
    door.ask(*[Key.DIGIT_1, Key.BACKSPACE] * 10, Key.CANCEL, every_s=0.2)
    assert len(door.looked) >= 6


def test_a_card_that_leaves_ends_it_in_order(door: Door) -> None:
    def gone() -> None:
        raise CardGone("the card left the field")

    door.keypad.press(*PIN, Key.ENTER, every_s=0.2)
    with pytest.raises(CardGone):
        door.entry.ask(3, FOUR, gone)
    assert door.said() == counted(1, 2)


@pytest.mark.parametrize("last", [Key.ENTER, Key.CANCEL])
def test_the_answer_waits_until_the_last_keys_light_is_out(door: Door, last: Key) -> None:
    """Its own first pulse would seem longer: tests/unit/outputs/test_cues.py."""
    door.ask(*PIN, last, every_s=0.1)
    assert door.slept == [pytest.approx(0.35)]


def test_without_a_keypad_nobody_is_asked_and_operations_hear_of_it(door: Door) -> None:
    door.keypad.unplugged = True
    assert door.ask(*PIN, Key.ENTER) is None
    assert door.said() == []
    assert door.health.alerts == {"keypad": "the keypad was unplugged"}
    door.keypad.unplugged = False
    assert door.ask(*PIN, Key.ENTER) == "4711"
    assert door.health.alerts == {}


def test_a_keypad_that_is_unplugged_meanwhile_ends_it(door: Door) -> None:
    def unplug() -> None:
        door.keypad.unplugged = True

    assert door.entry.ask(3, FOUR, unplug) is None
    assert door.said() == counted()
    assert "keypad" in door.health.alerts


@pytest.mark.rule(7)
def test_what_is_told_and_shown_holds_no_digit(door: Door) -> None:
    digits = [Key.DIGIT_9, Key.DIGIT_8, Key.DIGIT_9, Key.DIGIT_8]
    assert door.ask(*digits, Key.ENTER) == "9898"
    shown = f"{door.entry!r} {vars(door.entry)!r} {door.said()!r} {list(map(str, digits))}"
    assert not any(digit in shown.replace("0x", "") for digit in ("9898", "DIGIT_9", "value='9'"))


@pytest.mark.rule(7)
def test_the_buffer_is_wiped(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytearray] = []
    fill: Callable[..., bool] = DigitEntry.fill

    def noted(self: DigitEntry, digits: bytearray, *rest: Any, **more: Any) -> bool:
        kept.append(digits)
        return fill(self, digits, *rest, **more)

    monkeypatch.setattr(DigitEntry, "fill", noted)
    assert door.ask(*PIN, Key.ENTER) == "4711"
    assert kept == [bytearray(4)]
