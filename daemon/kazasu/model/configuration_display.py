"""The small display in the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from kazasu.model.setting import Duration, within
from kazasu.model.table import Table

if TYPE_CHECKING:
    from collections.abc import Collection

_HEADER_BUS = 1  # I2C1, on every Pi with 40 pins
_HEADER_PINS = (2, 3)  # its SDA and SCL: BCM2835 ARM Peripherals, table 6-31


class Display(Table, frozen=True, kw_only=True):
    """[display]."""

    kind: Literal["ssd1306", "sh1106", "terminal", "html"]
    language: Literal["ja", "en"] = "ja"
    names: Literal["mask", "full", "off"] = "mask"
    dark_after: Duration = Duration(600)
    port: Annotated[int, msgspec.Meta(ge=0, le=99, description="an I2C bus, 0 to 99")] = _HEADER_BUS
    address: Annotated[int, msgspec.Meta(ge=0x08, le=0x77, description="an I2C address, 0x08 to 0x77")] = 0x3C
    upside_down: bool = False
    page: Path | None = None

    def __post_init__(self) -> None:
        if self.dark_after:
            within(self.dark_after, "dark_after", 10, 86400)
        if (self.kind == "html") != (self.page is not None):
            raise ValueError('`page` belongs to kind = "html", and that needs it; under /run no name reaches the disk')

    @property
    def is_panel(self) -> bool:
        """It is wired to an I2C bus."""
        return self.kind in {"ssd1306", "sh1106"}

    def check_pins(self, taken: Collection[int]) -> None:
        """Check that nothing else has the bus.

        Args:
            taken: GPIO (BCM) numbers of all other parts.

        Raises:
            ValueError: something has.
        """
        both = [pin for pin in _HEADER_PINS if pin in taken]
        if self.is_panel and self.port == _HEADER_BUS and both:
            raise ValueError(f"GPIO {both[0]} is wired to something, and [display] needs 2 and 3; see docs/wiring.md")
