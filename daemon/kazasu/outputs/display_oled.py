"""The small display as a panel on I2C: an SSD1306 of 128 by 64 pixels, through luma.oled (extra `display`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from kazasu.errors import DisplayError
from kazasu.model.screen import COLUMNS, ROWS, width

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from kazasu.model.screen import Screen

FONT = "/usr/share/fonts/opentype/unifont/unifont_jp.otf"
"""Debian's fonts-unifont: 16 by 16 dots a Japanese character, 8 by 16 a Latin one, which are the cells here.

fonts-misaki is a quarter of its size and works too, but at 8 dots 退勤 cannot be told from a blot.
"""

_CELL = (8, 16)  # pixels of a half-width cell: width, height


class Panel(Protocol):
    """What is used of a luma.core device."""

    def display(self, image: Image) -> None:
        """Show a picture of the panel's size and mode `1`."""
        ...

    def hide(self) -> None:
        """Switch the panel dark."""
        ...


class OledDisplay:
    """Implements ports.Display.

    Args:
        panel: an opened device of 128 by 64 pixels, one bit each.
        font: a TrueType or OpenType file of eight-dot or sixteen-dot characters; see `FONT`.

    Raises:
        DisplayError: Pillow or the font is not installed.
    """

    def __init__(self, panel: Panel, font: Path) -> None:
        try:
            from PIL import ImageFont

            self._font = ImageFont.truetype(str(font), _CELL[1])
        except ImportError as error:
            raise DisplayError("Pillow is not installed: pip install 'kazasu[display]'") from error
        except OSError as error:
            raise DisplayError(f"{font}: no font that can be read ({error}); apt install fonts-unifont") from error
        self._panel = panel
        self._closed = False

    def show(self, screen: Screen) -> None:
        """Draw all four rows and hand them to the panel; see ports.Display."""
        if self._closed:
            raise DisplayError("the panel was closed")
        from PIL import Image, ImageDraw

        image = Image.new("1", (COLUMNS * _CELL[0], ROWS * _CELL[1]))
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


def ssd1306(bus: int, address: int) -> Panel:
    """Open the panel on an I2C bus.

    Args:
        bus: 1 on a Raspberry Pi's header.
        address: 0x3C or 0x3D (SSD1306 data sheet, 8.1.5).

    Raises:
        DisplayError: luma.oled is not installed, or nothing answers there.
    """
    try:
        from luma.core.interface.serial import i2c
        from luma.oled.device import ssd1306 as device
    except ImportError as error:
        raise DisplayError("luma.oled is not installed: pip install 'kazasu[display]'") from error
    try:
        return cast("Panel", device(i2c(port=bus, address=address), width=128, height=64))
    except Exception as error:  # what a bus raises is its library's own choice
        raise DisplayError(f"no panel answers on I2C bus {bus} at {address:#04x}: {error}") from error
