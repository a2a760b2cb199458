from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from fakes.inbox import ListInbox
from kazasu.errors import OutputError, PinBusy
from kazasu.model.cue import Channel
from kazasu.model.input import ButtonPressed
from kazasu.outputs.gpio import GpioButtons, GpioOutput, Header, Pin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.model.access import Direction

GREEN = Pin(number=17)
RELAY = Pin(number=5, active_low=True)
BUTTON_IN = Pin(number=23, active_low=True)
BUTTON_OUT = Pin(number=24, active_low=True)


class BrokenPin(MockPin):  # type: ignore[misc]  # gpiozero ships no type information
    """A pin that can be claimed but not written, once it has been on."""

    def _set_state(self, value: bool) -> None:
        if self.state and not value:
            raise OSError(5, "Input/output error")
        super()._set_state(value)


class CountingPin(MockPin):  # type: ignore[misc]
    """A pin that counts how often it is written, whether that changes it or not."""

    writes = 0

    def _set_state(self, value: bool) -> None:
        self.writes += 1
        super()._set_state(value)


class GroundedPin(MockPin):  # type: ignore[misc]
    """A pin whose button is held down: the pull-up cannot raise it."""

    def _set_pull(self, value: str) -> None:
        self._pull = value


def _history(factory: MockFactory, pin: Pin) -> list[bool]:
    """Every level that the pin ever had."""
    return [state.state for state in factory.pin(pin.number).states]


def _floating_high(factory: MockFactory, pin: Pin) -> None:
    """What a relay board's own pull-up does to the pin while nobody drives it."""
    factory.pin(pin.number).drive_high()
    factory.pin(pin.number).clear_states()


def _both(outputs: Mapping[Channel, Pin], buttons: Mapping[Direction, Pin], header: Header) -> None:
    GpioOutput(outputs, header)
    GpioButtons(buttons, ListInbox(), header)


@pytest.fixture
def factory() -> MockFactory:
    return MockFactory()


@pytest.mark.rule(11)
def test_neither_start_nor_end_moves_an_active_low_relay(factory: MockFactory) -> None:
    _floating_high(factory, RELAY)
    GpioOutput({Channel.RELAY: RELAY}, Header(factory)).close()
    assert _history(factory, RELAY) == [True]


@pytest.mark.rule(11)
def test_everything_is_off_before_the_pins_are_let_go(factory: MockFactory) -> None:
    _floating_high(factory, RELAY)
    output = GpioOutput({Channel.GREEN: GREEN, Channel.RELAY: RELAY}, Header(factory))
    output.show(frozenset({Channel.GREEN, Channel.RELAY}))
    output.close()
    assert _history(factory, GREEN) == [False, True, False]
    assert _history(factory, RELAY) == [True, False, True]
    assert factory.pin(GREEN.number).function == "input"
    assert factory.pin(RELAY.number).function == "input"


def test_channels_without_a_pin_are_left_out(factory: MockFactory) -> None:
    output = GpioOutput({Channel.GREEN: GREEN}, Header(factory))
    output.show(frozenset({Channel.GREEN, Channel.BUZZER}))
    output.show(frozenset({Channel.BUZZER}))
    assert _history(factory, GREEN) == [False, True, False]


def test_only_pins_that_change_are_written_because_each_write_delays_the_answer() -> None:
    factory = MockFactory(pin_class=CountingPin)
    output = GpioOutput({Channel.GREEN: GREEN, Channel.RED: Pin(number=27)}, Header(factory))
    output.show(frozenset({Channel.RED}))
    output.show(frozenset({Channel.RED, Channel.GREEN}))
    output.show(frozenset({Channel.RED, Channel.GREEN}))
    assert [factory.pin(number).writes for number in (17, 27)] == [2, 2]  # the first is the off level


def test_a_pin_that_cannot_be_written_is_an_error_of_the_output() -> None:
    output = GpioOutput({Channel.GREEN: GREEN}, Header(MockFactory(pin_class=BrokenPin)))
    output.show(frozenset({Channel.GREEN}))
    with pytest.raises(OutputError, match=r"the output green cannot be switched: .*Input/output error"):
        output.show(frozenset())


@pytest.mark.rule(11)
def test_one_broken_pin_does_not_keep_the_others_on_when_closing(factory: MockFactory) -> None:
    factory.pin_class = BrokenPin
    factory.pin(GREEN.number)
    factory.pin_class = MockPin
    others = {Channel.RED: Pin(number=27), Channel.BUZZER: Pin(number=22)}
    pins = {Channel.RED: others[Channel.RED], Channel.GREEN: GREEN, Channel.BUZZER: others[Channel.BUZZER]}
    output = GpioOutput(pins, Header(factory))
    output.show(frozenset(pins))
    with pytest.raises(OutputError, match="Input/output error"):
        output.close()
    for pin in others.values():
        assert _history(factory, pin) == [False, True, False]


@pytest.mark.parametrize(
    ("outputs", "buttons", "message"),
    [
        ({Channel.GREEN: GREEN, Channel.RED: GREEN}, {}, "GPIO17 is used for the output green and for the output red"),
        ({Channel.GREEN: GREEN}, {"in": GREEN}, "GPIO17 is used for the output green and for the button in"),
        ({}, {"in": BUTTON_IN, "out": BUTTON_IN}, "GPIO23 is used for the button in and for the button out"),
    ],
)
def test_a_pin_that_is_used_twice_is_refused_with_both_uses(
    factory: MockFactory, outputs: Mapping[Channel, Pin], buttons: Mapping[Direction, Pin], message: str
) -> None:
    with pytest.raises(OutputError, match=message):
        _both(outputs, buttons, Header(factory))


@pytest.mark.rule(11)
def test_pins_that_were_claimed_are_let_go_when_a_later_one_fails(factory: MockFactory) -> None:
    with pytest.raises(OutputError) as caught:
        GpioOutput({Channel.GREEN: GREEN, Channel.RED: Pin(number=99)}, Header(factory))
    # The traceback keeps the half-made output alive, so that it is not the garbage collector that closes it.
    assert caught.tb is not None
    assert factory.pin(GREEN.number).function == "input"


def test_buttons_that_were_claimed_are_let_go_when_a_later_one_fails(factory: MockFactory) -> None:
    inbox = ListInbox()
    with pytest.raises(OutputError) as caught:
        GpioButtons({"in": BUTTON_IN, "out": Pin(number=99)}, inbox, Header(factory))
    assert caught.tb is not None
    factory.pin(BUTTON_IN.number).drive_low()
    assert inbox.drained() == []


@pytest.mark.parametrize(
    ("pin", "reason"),
    [(Pin(number=99), "99 is not a valid pin"), (Pin(number=17), "already in use")],
    ids=["no such pin", "busy"],
)
def test_a_pin_that_cannot_be_had_is_named_with_its_use_and_what_to_do(
    factory: MockFactory, pin: Pin, reason: str
) -> None:
    busy = GpioOutput({Channel.GREEN: GREEN}, Header(factory))
    with pytest.raises(OutputError, match=f"^GPIO{pin.number} cannot be used for the button in: .*{reason}.*gpioinfo"):
        GpioButtons({"in": pin}, ListInbox(), Header(factory))
    with pytest.raises(OutputError, match=f"^GPIO{pin.number} cannot be used for the output red: .*{reason}.*gpioinfo"):
        GpioOutput({Channel.RED: pin}, Header(factory))
    busy.close()


def test_a_pin_that_another_program_has_is_told_apart() -> None:
    class TakenPin(MockPin):  # type: ignore[misc]  # gpiozero ships no type information
        def output_with_state(self, state: bool) -> None:
            raise Exception("'GPIO busy'")  # noqa: TRY002  (as lgpio does)

    with pytest.raises(PinBusy, match=r"^GPIO17 cannot be used for the output green: 'GPIO busy'"):
        GpioOutput({Channel.GREEN: GREEN}, Header(MockFactory(pin_class=TakenPin)))


def test_each_press_enters_the_inbox_once(factory: MockFactory) -> None:
    inbox = ListInbox()
    buttons = GpioButtons({"in": BUTTON_IN, "out": BUTTON_OUT}, inbox, Header(factory))
    for pin in (BUTTON_IN, BUTTON_OUT, BUTTON_IN):
        factory.pin(pin.number).drive_low()
        factory.pin(pin.number).drive_high()
    buttons.close()
    factory.pin(BUTTON_IN.number).drive_low()
    assert inbox.drained() == [ButtonPressed(button=way) for way in ("in", "out", "in")]


def test_buttons_are_pulled_away_from_their_level_and_debounced(factory: MockFactory) -> None:
    buttons = GpioButtons({"in": BUTTON_IN, "out": Pin(number=24)}, ListInbox(), Header(factory))
    assert factory.pin(23).pull == "up"
    assert factory.pin(24).pull == "down"
    assert factory.pin(23).bounce == factory.pin(24).bounce == 0.03
    buttons.close()


def test_an_active_high_button_is_pressed_when_its_pin_rises(factory: MockFactory) -> None:
    inbox = ListInbox()
    buttons = GpioButtons({"in": Pin(number=24)}, inbox, Header(factory))
    factory.pin(24).drive_high()
    assert inbox.drained() == [ButtonPressed(button="in")]
    buttons.close()


def test_a_button_held_down_at_the_start_is_no_press() -> None:
    factory, inbox = MockFactory(pin_class=GroundedPin), ListInbox()
    buttons = GpioButtons({"in": BUTTON_IN}, inbox, Header(factory))
    assert inbox.drained() == []
    factory.pin(BUTTON_IN.number).drive_high()
    factory.pin(BUTTON_IN.number).drive_low()
    assert inbox.drained() == [ButtonPressed(button="in")]
    buttons.close()


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="there is GPIO here")
def test_where_there_is_no_gpio_it_says_what_to_do_and_leaves_nothing_behind(tmp_path: Path) -> None:
    work, temporary = tmp_path / "work", tmp_path / "tmp"
    work.mkdir()
    temporary.mkdir()
    program = (
        "import os\nfrom kazasu.errors import OutputError\nfrom kazasu.outputs.gpio import Header\n"
        "try:\n    Header()\nexcept OutputError as error:\n    print(error, os.getcwd(), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=work,
        env=os.environ | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    message, directory = done.stdout.splitlines()
    assert message.startswith("GPIO cannot be opened: ")
    assert message.endswith(
        'is this user in the group gpio? Where there is no GPIO at all, set outputs.driver = "terminal"'
    )
    assert directory == str(work)
    assert list(work.iterdir()) == list(temporary.iterdir()) == []


@pytest.mark.rule(11)
def test_through_lgpio_a_pin_becomes_an_output_at_its_off_level() -> None:
    """gpiozero's own pin is low for a moment first, which an active-low relay would feel."""
    program = """if True:
        import gpiozero.pins.local, lgpio
        from kazasu.model.cue import Channel
        from kazasu.outputs.gpio import GpioOutput, Header, Pin

        gpiozero.pins.local.get_pi_revision = lambda: 0x902120  # a Zero 2 W, wherever the test runs
        header = Header()
        output = GpioOutput({Channel.GREEN: Pin(number=17), Channel.RELAY: Pin(number=5, active_low=True)}, header)
        output.show(frozenset({Channel.RELAY}))
        output.close()
        header.close()
        print(*([level for gpio, level in lgpio.driven if gpio == number] for number in (5, 17)))
    """
    chip = Path(__file__).parents[2] / "fakes" / "chip"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(chip)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[1, 0, 1] [0, 0]\n"


def test_gpiozero_is_not_paid_for_by_who_has_no_gpio() -> None:
    program = "import sys, kazasu.outputs.gpio; sys.exit('gpiozero' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
