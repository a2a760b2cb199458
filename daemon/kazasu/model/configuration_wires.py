"""What is wired to the terminal, in the configuration: lights, buzzer and relay, buttons, a keypad."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from kazasu.model.setting import Duration, within
from kazasu.model.table import ButtonPin, Pin, PinNumber, Table

MatrixPins = tuple[PinNumber, PinNumber, PinNumber, PinNumber]


class GpioOutputs(Table, frozen=True, kw_only=True):
    """[outputs.gpio]."""

    green: Pin
    red: Pin
    buzzer: Pin
    relay: Pin | None = None


class Outputs(Table, frozen=True, kw_only=True):
    """[outputs]."""

    driver: Literal["gpio", "terminal"] = "gpio"
    cues: Path | None = None
    gpio: GpioOutputs | None = None

    def __post_init__(self) -> None:
        if (self.driver == "gpio") != (self.gpio is not None):
            raise ValueError('[outputs.gpio] belongs to driver = "gpio", and that needs it; see docs/wiring.md')


class Buttons(Table, rename={"in_": "in"}, frozen=True, kw_only=True):
    """[buttons]."""

    in_: ButtonPin
    out: ButtonPin


class Keypad(Table, frozen=True, kw_only=True):
    """[keypad]."""

    kind: Literal["usb", "matrix"]
    device: Annotated[
        str, msgspec.Meta(pattern=r"^/dev/input/[^\0]+\Z", description="a path in /dev/input, with * and ?")
    ] = "/dev/input/by-id/*-event-kbd"
    rows: MatrixPins | None = None
    columns: MatrixPins | None = None
    timeout: Duration = Duration(30)

    def __post_init__(self) -> None:
        within(self.timeout, "timeout", 5, 60)
        wired = self.rows is not None and self.columns is not None
        if (self.kind == "matrix") != wired or (self.rows is None) != (self.columns is None):
            raise ValueError('`rows` and `columns` belong to kind = "matrix", and it needs both; see docs/wiring.md')
        pins = (*(self.rows or ()), *(self.columns or ()))
        if len(set(pins)) != len(pins):
            raise ValueError("`rows` and `columns` name a pin twice")
