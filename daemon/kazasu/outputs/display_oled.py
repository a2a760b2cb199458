"""The small display as a panel on I2C: an SSD1306 or SH1106 of 128 by 64 pixels, through luma.oled."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Protocol, cast

from kazasu.errors import DisplayError
from kazasu.model.screen import COLUMNS, ROWS, width
from kazasu.runtime.debian import see_debian

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

    from kazasu.model.screen import Screen

FONT = "/usr/share/fonts/opentype/unifont/unifont_jp.otf"
"""Debian's fonts-unifont: 16 by 16 dots a Japanese character, 8 by 16 a Latin one, which are the cells here.

fonts-misaki is a quarter of its size and works too, but at 8 dots 退勤 cannot be told from a blot.
"""

_CELL = (8, 16)  # pixels of a half-width cell: width, height
PIXELS = (COLUMNS * _CELL[0], ROWS * _CELL[1])
"""The panel's width and height."""

_INSTALL = "sudo apt install --no-install-recommends python3-luma.oled, or pip install 'kazasu[display]'"
_WIRING = "is it wired as docs/wiring.md says, and I2C switched on?"


class Panel(Protocol):
    """What is used of a luma.core device."""

    def display(self, image: Image) -> None:
        """Show a picture of the panel's size and mode `1`."""
        ...

    def hide(self) -> None:
        """Switch the panel dark."""
        ...


class OledDisplay:
    """Implements ports.outputs.Display.

    Args:
        panel: an opened device of 128 by 64 pixels, one bit each.
        font: a TrueType or OpenType file of eight-dot or sixteen-dot characters; see `FONT`.

    Raises:
        DisplayError: Pillow or the font is not installed.
    """

    def __init__(self, panel: Panel, font: Path) -> None:
        self._font = _font(font)
        self._panel = panel
        self._closed = False

    def show(self, screen: Screen) -> None:
        """Draw all four rows and hand them to the panel; see ports.outputs.Display."""
        if self._closed:
            raise DisplayError("the panel was closed")
        from PIL import Image, ImageDraw

        image = Image.new("1", PIXELS)
        draw = ImageDraw.Draw(image)
        draw.fontmode = "1"  # one bit a pixel: no grey edges
        for row, line in enumerate(screen.lines):
            column = 0
            for character in line:
                # Each in its own cell, so that no font's own widths move the rest of the row.
                draw.text((column * _CELL[0], row * _CELL[1]), character, font=self._font, fill=1)
                column += width(character)
        try:
            self._panel.display(image)
        except Exception as error:  # what a bus raises is its library's own choice
            raise DisplayError(f"the panel does not answer: {error}") from error

    def close(self) -> None:
        """Switch the panel dark; one that does not answer stays as it is."""
        if self._closed:
            return
        self._closed = True
        try:
            self._panel.hide()
        except Exception as error:
            raise DisplayError(f"the panel does not answer: {error}") from error


def open_panel(kind: str, bus: int, address: int, *, upside_down: bool) -> Panel:
    """Open the panel on an I2C bus.

    Args:
        kind: `ssd1306` or `sh1106`: luma.oled's name for the controller.
        bus: 1 on a Raspberry Pi's header.
        address: 0x3C or 0x3D (SSD1306 data sheet, 8.1.5).
        upside_down: how it is mounted.

    Raises:
        DisplayError: luma.oled is not installed, or nothing answers there.
    """
    see_debian()
    try:
        from luma.core.interface.serial import i2c
        from luma.oled import device
    except ImportError as error:
        raise DisplayError(f"luma.oled is not installed; {_INSTALL}") from error
    try:
        opened = getattr(device, kind)(
            i2c(port=bus, address=address), width=PIXELS[0], height=PIXELS[1], rotate=2 if upside_down else 0
        )
    except Exception as error:  # what a bus raises is its library's own choice
        raise DisplayError(f"no panel answers on I2C bus {bus} at {address:#04x}: {error}; {_WIRING}") from error
    # At exit it would clear the panel through a bus that may hang; `close` has done so before.
    opened.persist = True
    return cast("Panel", opened)


def expect_installed(font: Path) -> None:
    """Check that what draws is there.

    Raises:
        DisplayError: luma.oled, Pillow or the font is not installed.
    """
    see_debian()
    if importlib.util.find_spec("luma") is None or importlib.util.find_spec("luma.oled") is None:
        raise DisplayError(f"luma.oled is not installed; {_INSTALL}")
    _font(font)


def answers(bus: int, address: int) -> None:
    """Ask whether a panel is there, without touching what it shows: one status byte is read (data sheet, 8.1.5).

    Raises:
        DisplayError: luma.oled is not installed, there is no such bus, or nothing answers.
    """
    see_debian()
    try:
        from smbus2 import SMBus
    except ImportError as error:
        raise DisplayError(f"luma.oled is not installed; {_INSTALL}") from error
    try:
        with SMBus(bus) as opened:
            opened.read_byte(address)
    except FileNotFoundError as error:
        raise DisplayError(f"there is no I2C bus {bus}; sudo raspi-config nonint do_i2c 0, then reboot") from error
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise DisplayError(f"no panel answers on I2C bus {bus} at {address:#04x}: {words}; {_WIRING}") from error


def _font(path: Path) -> FreeTypeFont:
    see_debian()
    try:
        from PIL import ImageFont

        return ImageFont.truetype(str(path), _CELL[1])
    except ImportError as error:
        raise DisplayError(f"Pillow is not installed; {_INSTALL}") from error
    except OSError as error:
        raise DisplayError(f"{path}: no font that can be read: {error}; sudo apt install fonts-unifont") from error
