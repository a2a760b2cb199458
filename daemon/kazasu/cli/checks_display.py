"""What `kazasu doctor` says of the small display."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.cli.finding import Finding, Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.configuration import Config
    from kazasu.model.configuration_display import Display


def check_display(config: Config) -> Iterator[Finding]:
    """Whether it is there and can be drawn on; nothing without one. What it shows is not touched.

    A display that does not work is a note: everything is understood without it.
    """
    if config.display is not None:
        yield _panel(config.display) if config.display.is_panel else _stand_in(config.display)


def _panel(display: Display) -> Finding:
    from kazasu.errors import DisplayError
    from kazasu.outputs.display_oled import FONT, answers, expect_installed

    try:
        expect_installed(Path(FONT))
        answers(display.port, display.address)
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
