"""The small display, put together from the configuration; imported only where there is one.

The rest is assemble.py's.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.captions.display import DisplayCaptions, Ways
from kazasu.model.name_mask import NameMask
from kazasu.model.schedule import TimeRange
from kazasu.model.screen_words import Language
from kazasu.outputs.display_loop import DisplayLoop

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from datetime import time

    from kazasu.model.access import Direction
    from kazasu.model.configuration import Config
    from kazasu.model.configuration_attendance import Attendance
    from kazasu.model.configuration_display import Display as Settings
    from kazasu.ports.captions import Captions
    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.outputs import Display


def captions_of(
    config: Config,
    display: Settings,
    *,
    clock: Clock,
    health: Health,
    online: Callable[[], bool],
    stack: ExitStack,
) -> Captions:
    """Start the display's thread; whether a display is there, nobody waits to know.

    Args:
        config: checked.
        display: its `[display]`.
        clock: the terminal's.
        health: hears of a display that does not work.
        online: whether the broker is there, where there has to be one.
        stack: ends it, as soon as nobody has anything to say any more.
    """
    captions = DisplayCaptions(
        language=Language(display.language),
        names=NameMask(display.names),
        ways=_ways(config.services.attendance),
        dark_after_s=display.dark_after,
        clock=clock,
        online=online,
    )
    loop = DisplayLoop(lambda: open_display(display), captions.idle, health=health, mono_s=clock.mono_s)
    captions.draw_on(loop)
    stack.callback(loop.close)
    loop.start()
    return captions


def open_display(display: Settings) -> Display:
    """Open what the configuration names.

    Raises:
        DisplayError: it is not there, or what draws on it is not installed.
    """
    if display.kind == "terminal":
        from kazasu.outputs.display_terminal import TerminalDisplay

        return TerminalDisplay(sys.stdout)
    if display.page is not None:
        from kazasu.outputs.display_html import HtmlDisplay

        return HtmlDisplay(display.page)
    from kazasu.outputs.display_oled import FONT, OledDisplay, open_panel

    panel = open_panel(display.kind, display.port, display.address, upside_down=display.upside_down)
    return OledDisplay(panel, Path(FONT))


def _ways(attendance: Attendance | None) -> Ways:
    if attendance is None:
        return Ways()
    if attendance.direction == "button":
        return Ways(button_within_s=attendance.button_within)
    if attendance.direction == "alternate":
        return Ways()
    hours: list[tuple[TimeRange, Direction]] = [
        *((TimeRange(first=ways.first, last=ways.last), "in") for ways in attendance.in_),
        *((TimeRange(first=ways.first, last=ways.last), "out") for ways in attendance.out),
    ]

    def by_hour(at: time) -> Direction | None:
        return next((way for during, way in hours if at in during), None)

    return Ways(by_hour=by_hour)
