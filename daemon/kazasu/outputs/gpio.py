"""LEDs, buzzer, relays and push-buttons on the Pi's header. The only importer of gpiozero, and only once it is used.

Rule 11: a pin becomes an output and takes its off level in one step, so that not even the start of the program moves
a relay; when the program ends in order, everything is off before the pins are let go. What the pins do before the
start, and after a crash, is the wiring's business: docs/wiring.md.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import OutputError, PinBusy
from kazasu.model.input import ButtonPressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gpiozero import DigitalInputDevice, Factory, GPIODevice, OutputDevice

    from kazasu.model.access import Direction
    from kazasu.model.cue import Channel
    from kazasu.ports.inbox import Inbox

_BOUNCE_S = 0.03  # the contacts of cheap push-buttons chatter for up to 20 ms; a person's press lasts 80 and more
_NO_GPIO = 'is this user in the group gpio? Where there is no GPIO at all, set outputs.driver = "terminal"'
_BUSY_WORDS = "GPIO busy"  # lgpio's for EBUSY, which it tells in words only
_BUSY = "`gpioinfo` shows which pins there are and which program uses them"


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """One pin of the header.

    Attributes:
        number: BCM number, 0 to 27: 17 is GPIO17, on the header's pin 11.
        active_low: the part is on when the pin is low: most relay boards, and a button that connects the pin to ground.
    """

    number: int
    active_low: bool = False


class Header:
    """The Pi's header: what opens the chip, and knows what each pin is used for.

    Made before any thread starts: see `_lgpio_factory`.

    Args:
        factory: gpiozero's pin factory, closed by this object; lgpio's if none is given.

    Raises:
        OutputError: there is no GPIO here, or it may not be used; with what to do.
    """

    def __init__(self, factory: Factory | None = None) -> None:
        if factory is None:
            with explained("GPIO cannot be opened", _NO_GPIO):
                factory = _lgpio_factory()
        self.factory = factory
        self._uses: dict[int, str] = {}

    def claim(self, pin: Pin, use: str) -> None:
        """Note what a pin is for.

        Raises:
            OutputError: it is used for something else already; names both.
        """
        other = self._uses.setdefault(pin.number, use)
        if other != use:
            raise OutputError(f"GPIO{pin.number} is used for {other} and for {use}: give each a pin of its own")

    def output(self, pin: Pin, use: str) -> OutputDevice:
        """Claim a pin as an output that is off.

        Raises:
            OutputError: it is used already, is busy or cannot be an output.
        """
        from gpiozero import OutputDevice

        self.claim(pin, use)
        with explained(f"GPIO{pin.number} cannot be used for {use}", _BUSY):
            return OutputDevice(
                pin.number, active_high=not pin.active_low, initial_value=False, pin_factory=self.factory
            )

    def contact(self, pin: Pin, use: str) -> DigitalInputDevice:
        """Claim a pin as an input to a contact that is looked at once it has been still for 30 ms.

        Raises:
            OutputError: it is used already, is busy or cannot be an input.
        """
        from gpiozero import DigitalInputDevice

        self.claim(pin, use)
        with explained(f"GPIO{pin.number} cannot be used for {use}", _BUSY):
            return DigitalInputDevice(
                pin.number, pull_up=pin.active_low, bounce_time=_BOUNCE_S, pin_factory=self.factory
            )

    def wire(self, number: int, use: str) -> GPIODevice:
        """Claim a pin that floats, for whoever decides from moment to moment what it is.

        Raises:
            OutputError: it is used already, or is busy.
        """
        from gpiozero import GPIODevice

        self.claim(Pin(number=number), use)
        with explained(f"GPIO{number} cannot be used for {use}", _BUSY):
            return GPIODevice(number, pin_factory=self.factory)

    def close(self) -> None:
        """Let the chip go; after everything on it was closed."""
        self.factory.close()


class GpioOutput:
    """Implements ports.outputs.Output.

    Channels without a pin are left out: a terminal without a relay shows the same cues.

    Raises:
        OutputError: a pin that is used twice, is busy or cannot be an output.
    """

    def __init__(self, pins: Mapping[Channel, Pin], header: Header) -> None:
        self._devices: dict[Channel, OutputDevice] = {}
        self._on: frozenset[Channel] = frozenset()
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            for channel, pin in pins.items():
                self._devices[channel] = header.output(pin, f"the output {channel.value}")
            undo.pop_all()

    def show(self, on: frozenset[Channel]) -> None:
        """Switch these channels on and all others off; only pins that change are written.

        Raises:
            OutputError: a pin cannot be written.
        """
        changed = self._on ^ on
        for channel, device in self._devices.items():
            if channel in changed:
                with explained(f"the output {channel.value} cannot be switched"):
                    device.value = channel in on
        self._on = on

    def close(self) -> None:
        """Switch everything off and let the pins go; a pin that fails does not keep the others on.

        Raises:
            OutputError: a pin that failed.
        """
        with explained("not every output could be switched off"), contextlib.ExitStack() as undo:
            for device in self._devices.values():
                undo.callback(device.close)
                undo.callback(_switch_off, device)
        self._on = frozenset()


class GpioButtons:
    """Push-buttons: each press enters the inbox once, when the contact has been closed for 30 ms.

    A pin that is `active_low` gets the Pi's pull-up, the others its pull-down. A button that is held down when the
    program starts is no press.

    Raises:
        OutputError: a pin that is used twice, is busy or cannot be an input.
    """

    def __init__(self, pins: Mapping[Direction, Pin], inbox: Inbox, header: Header) -> None:
        self._devices: list[DigitalInputDevice] = []
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            for button, pin in pins.items():
                device = header.contact(pin, f"the button {button}")
                self._devices.append(device)
                device.when_activated = _press(button, inbox)
            undo.pop_all()

    def close(self) -> None:
        """Let the pins go; no press enters the inbox afterwards."""
        with contextlib.ExitStack() as undo:
            for device in self._devices:
                undo.callback(device.close)


class GpioRelay:
    """Implements locks.Relay on a pin of the header.

    Raises:
        OutputError: a pin that is used twice, is busy or cannot be an output.
    """

    def __init__(self, pin: Pin, use: str, header: Header) -> None:
        self._device = header.output(pin, use)
        self._use = use

    def switch(self, on: bool) -> None:  # noqa: FBT001  (as it stands)
        """Switch it; see locks.Relay."""
        with explained(f"{self._use} cannot be switched"):
            self._device.value = on

    def close(self) -> None:
        """Switch it off and let the pin go."""
        _switch_off(self._device)
        self._device.close()


class GpioContacts:
    """Contacts that are told of from the start: how each is first, then each change.

    Args:
        contacts: for each its pin, what it is for, and what to do when it closes (True) or opens.
        header: the Pi's.

    Raises:
        OutputError: a pin that is used twice, is busy or cannot be an input.
    """

    def __init__(self, contacts: Sequence[tuple[Pin, str, Callable[[bool], None]]], header: Header) -> None:
        self._devices: list[DigitalInputDevice] = []
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            for pin, use, tell in contacts:
                device = header.contact(pin, use)
                self._devices.append(device)
                # Told of first, looked at afterwards: a change in between is told twice, and never missed.
                device.when_activated = device.when_deactivated = _look(device, tell)
                tell(bool(device.is_active))
            undo.pop_all()

    def close(self) -> None:
        """Let the pins go; nothing is told afterwards."""
        with contextlib.ExitStack() as undo:
            for device in self._devices:
                undo.callback(device.close)


def _press(button: Direction, inbox: Inbox) -> Callable[[], None]:
    return lambda: inbox.put(ButtonPressed(button=button))


def _look(device: DigitalInputDevice, tell: Callable[[bool], None]) -> Callable[[], None]:
    return lambda: tell(bool(device.is_active))


def _switch_off(device: OutputDevice) -> None:
    if not device.closed:
        device.off()


def _lgpio_factory() -> Factory:
    """Open the header's chip through lgpio; gpiozero finds out which one it is on this Pi.

    When it is imported, lgpio makes a FIFO in the current directory, which a hardened service cannot write; with LG_WD
    it would move the whole process there. So it is imported from a directory that is gone afterwards.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="kazasu-lgpio-") as directory, contextlib.chdir(directory):
        from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin, lgpio

    class LevelFirstPin(LGPIOPin):  # type: ignore[misc]  # gpiozero ships no type information
        def output_with_state(self, state: bool) -> None:  # noqa: FBT001  (gpiozero calls it by position)
            # gpiozero's own claims the pin low and then writes the level: an active-low relay would feel it.
            lgpio.gpio_claim_output(self.factory._handle, self._number, int(state))  # noqa: SLF001

    factory = LGPIOFactory()
    factory.pin_class = LevelFirstPin
    return factory


@contextlib.contextmanager
def explained(what: str, todo: str = "see docs/wiring.md") -> Iterator[None]:
    """Tell what of the header failed, and what to do.

    Raises:
        OutputError: from whatever the pins raised; PinBusy, another program has one.
    """
    try:
        yield
    except Exception as error:  # gpiozero's errors, OSError, and lgpio's, which derives from Exception itself
        kind = PinBusy if _BUSY_WORDS in str(error) else OutputError
        raise kind(f"{what}: {error}; {todo}") from error
