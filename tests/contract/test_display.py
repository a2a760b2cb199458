"""What every Display does: a panel's picture, a page, a terminal's box, the unit tests' memory."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from fakes.display import RecordingDisplay
from kazasu.errors import DisplayError
from kazasu.model.screen import Screen
from kazasu.outputs.display_html import HtmlDisplay
from kazasu.outputs.display_oled import FONT, OledDisplay
from kazasu.outputs.display_terminal import TerminalDisplay

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports import Display

FIRST = Screen(lines=("記録しました", "山田 ○子", "17:15 退勤", "08:31 出勤"))
SECOND = Screen(lines=("", "<b>&", "Once more please"))


class Bench(NamedTuple):
    display: Display
    shown: Callable[[], object]  # what a person sees now, in whatever form; equal pictures are equal


def recording(folder: Path) -> Bench:
    display = RecordingDisplay()
    return Bench(display, lambda: display.history[-1])


def terminal(folder: Path) -> Bench:
    stream = io.StringIO()
    return Bench(TerminalDisplay(stream), lambda: stream.getvalue().splitlines()[-6:])


def page(folder: Path) -> Bench:
    path = folder / "display.html"
    return Bench(HtmlDisplay(path), lambda: path.read_text(encoding="utf-8"))


def panel(folder: Path) -> Bench:
    device = pytest.importorskip("luma.core.device", reason="the extra `display` is not installed").dummy(
        width=128, height=64, mode="1"
    )
    if not Path(FONT).exists():
        pytest.skip("fonts-unifont is not installed")
    # The device has another image after each picture.
    return Bench(OledDisplay(device, Path(FONT)), lambda: bytes(device.image.tobytes()))


@pytest.fixture(params=[recording, terminal, page, panel])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    made: Bench = request.param(tmp_path)
    return made


def test_a_new_screen_replaces_the_whole_of_the_one_before(bench: Bench) -> None:
    bench.display.show(SECOND)
    second = bench.shown()
    bench.display.show(FIRST)
    assert bench.shown() != second
    bench.display.show(SECOND)
    assert bench.shown() == second


def test_a_closed_display_shows_nothing_more(bench: Bench) -> None:
    bench.display.show(FIRST)
    bench.display.close()
    bench.display.close()
    with pytest.raises(DisplayError):
        bench.display.show(SECOND)


def test_a_box_is_as_wide_as_its_screen_whatever_is_in_it() -> None:
    stream = io.StringIO()
    TerminalDisplay(stream).show(FIRST)
    assert stream.getvalue().splitlines() == [
        "+----------------+",
        "|記録しました    |",
        "|山田 ○子       |",
        "|17:15 退勤      |",
        "|08:31 出勤      |",
        "+----------------+",
    ]


def test_a_page_shows_a_name_as_text_and_never_as_markup(tmp_path: Path) -> None:
    path = tmp_path / "display.html"
    HtmlDisplay(path).show(SECOND)
    text = path.read_text(encoding="utf-8")
    assert "<b>" not in text
    rows = re.search(r"<pre[^>]*>(.*)</pre>", text, re.DOTALL)
    assert rows is not None
    assert html.unescape(rows[1]).split("\n") == ["", "<b>&", "Once more please", ""]


def test_a_closed_page_keeps_no_name_and_no_draft(tmp_path: Path) -> None:
    display = HtmlDisplay(tmp_path / "display.html")
    display.show(FIRST)
    display.close()
    assert "山田" not in (tmp_path / "display.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["display.html"]


def test_a_page_that_cannot_be_written_is_a_display_error(tmp_path: Path) -> None:
    with pytest.raises(DisplayError, match="cannot be written"):
        HtmlDisplay(tmp_path / "missing" / "display.html").show(FIRST)
