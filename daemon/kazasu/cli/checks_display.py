"""What `kazasu doctor` says of the small display."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.cli.finding import Finding, Grade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.model.configuration import Config
    from kazasu.model.configuration_display import Display


def ask_panel(bus: int, address: int) -> None:
    """Return if a panel can be drawn on, and answers on its I2C bus.

    Raises:
        DisplayError: it does not, or what draws is not installed.
    """
    from kazasu.outputs.display_oled import FONT, answers, expect_installed

    expect_installed(Path(FONT))
    answers(bus, address)


def check_display(config: Config, ask: Callable[[int, int], None] = ask_panel) -> Iterator[Finding]:
    """Whether it is there and can be drawn on; nothing without one. What it shows is not touched.

    A display that does not work is a note: everything is understood without it.

    Args:
        config: the terminal's.
        ask: returns if a panel is there, on a bus at an address; raises DisplayError.
    """
    if config.display is not None:
        yield _panel(config.display, ask) if config.display.is_panel else _stand_in(config.display)


def _panel(display: Display, ask: Callable[[int, int], None]) -> Finding:
    from kazasu.errors import DisplayError

    try:
        ask(display.port, display.address)
    except DisplayError as error:
        return Finding(Grade.NOTE, "display", str(error))  # which says what to do itself
    where = f"{display.kind} on I2C bus {display.port} at {display.address:#04x}"
    return Finding(Grade.OK, "display", f"{where} answers")


def _stand_in(display: Display) -> Finding:
    if display.page is None:
        return Finding(Grade.NOTE, "display", "drawn in a terminal: nobody at a door sees that")
    if not display.page.parent.is_dir():
        todo = "systemd makes /run/kazasu when the terminal starts; make any other folder, and give it to kazasu"
        return Finding(Grade.NOTE, "display", f"{display.page.parent} is missing, and its page with it", todo)
    return Finding(Grade.OK, "display", f"a page: file://{display.page.absolute()}")
