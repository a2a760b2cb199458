from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import time
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.configuration import SMALLEST
from fakes.health import FakeHealth
from kazasu.app.display import _ways, captions_of, open_display
from kazasu.config import parse
from kazasu.model.cue import CueName
from kazasu.outputs.display_terminal import TerminalDisplay

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.model.configuration import Config


class Told(FakeHealth):
    """Says when the display was drawn, or could not be."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.Event()

    def alert(self, alert_id: str, message: str) -> None:
        super().alert(alert_id, message)
        self.heard.set()

    def clear(self, alert_id: str) -> None:
        super().clear(alert_id)
        self.heard.set()


def configured(folder: Path, display: str, attendance: str = "") -> Config:
    text = SMALLEST.replace("[services.attendance]", f"[services.attendance]\n{attendance}") + f"[display]\n{display}\n"
    return parse(text.encode(), folder / "kazasu.toml")


def test_what_is_configured_is_drawn_and_blank_in_the_end(tmp_path: Path) -> None:
    config = configured(tmp_path, 'kind = "html"\npage = "display.html"\nlanguage = "en"')
    assert config.display is not None
    clock, health, page = FakeClock(), Told(), tmp_path / "display.html"
    with ExitStack() as stack:
        captions = captions_of(config, config.display, clock=clock, health=health, online=lambda: True, stack=stack)
        captions.rest(CueName.FAULT, None)
        assert health.heard.wait(30)
    assert "role" in page.read_text(encoding="utf-8")
    assert "Cannot" not in page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o777 == 0o644
    assert health.alerts == {}


def test_a_display_that_is_not_there_is_an_alert_and_nothing_more(tmp_path: Path) -> None:
    config = configured(tmp_path, 'kind = "html"\npage = "missing/display.html"')
    assert config.display is not None
    health = Told()
    with ExitStack() as stack:
        captions = captions_of(
            config, config.display, clock=FakeClock(), health=health, online=lambda: True, stack=stack
        )
        captions.rest(CueName.READY, None)
        assert health.heard.wait(30)
    assert "the page cannot be written" in health.alerts["display"]


def test_a_stand_in_is_drawn_in_the_terminal(tmp_path: Path) -> None:
    display = configured(tmp_path, 'kind = "terminal"').display
    assert display is not None
    assert isinstance(open_display(display), TerminalDisplay)


@pytest.mark.parametrize(
    ("attendance", "at_nine", "at_seventeen"),
    [
        ('direction = "schedule"\nin = ["05:00-12:00"]\nout = ["15:00-05:00"]', "in", "out"),
        ('direction = "schedule"\nout = ["15:00-05:00"]', None, "out"),
    ],
)
def test_the_hours_are_those_of_the_schedule(
    tmp_path: Path, attendance: str, at_nine: str | None, at_seventeen: str
) -> None:
    ways = _ways(configured(tmp_path, 'kind = "terminal"', attendance).services.attendance)
    assert ways.by_hour is not None
    assert (ways.by_hour(time(9)), ways.by_hour(time(17))) == (at_nine, at_seventeen)


def test_by_turns_nobody_knows_the_way_before_the_tap(tmp_path: Path) -> None:
    ways = _ways(configured(tmp_path, 'kind = "terminal"').services.attendance)
    assert (ways.by_hour, ways.button_within_s) == (None, None)
