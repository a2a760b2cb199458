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
from kazasu.model.screen_words import ALARMS, CUES, DIRECTIONS, REASONS, WEEKDAYS_JA
from kazasu.outputs.display_html import HtmlDisplay
from kazasu.outputs.display_oled import FONT, PIXELS, OledDisplay, answers, open_panel
from kazasu.outputs.display_terminal import TerminalDisplay

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports.outputs import Display

FIRST = Screen(lines=("記録しました", "山田 〇子", "17:15 退勤", "08:31 出勤"))
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
    # The device has another image after each picture.
    return Bench(OledDisplay(device, font()), lambda: bytes(device.image.tobytes()))


class Bus:
    """Implements luma.core's serial interface: remembers the last picture that was sent, a bit a pixel."""

    def __init__(self) -> None:
        self.picture = b""

    def command(self, *cmd: int) -> None:
        pass

    def data(self, data: list[int]) -> None:
        self.picture = bytes(data)

    def cleanup(self) -> None:
        pass


def controller(folder: Path) -> Bench:
    """luma.oled's own driver of the SSD1306, down to the bytes on the bus."""
    device = pytest.importorskip("luma.oled.device", reason="the extra `display` is not installed")
    bus = Bus()
    opened = device.ssd1306(bus, width=128, height=64)
    opened.persist = True
    return Bench(OledDisplay(opened, font()), lambda: bus.picture)


def font() -> Path:
    if not Path(FONT).exists():
        pytest.skip("fonts-unifont is not installed")
    return Path(FONT)


@pytest.fixture(params=[recording, terminal, page, panel, controller])
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


def test_a_panel_has_a_picture_of_every_character_that_any_sentence_uses(tmp_path: Path) -> None:
    texts = [
        *CUES.values(),
        *DIRECTIONS.values(),
        *(line for pair in (*REASONS.values(), *ALARMS.values()) for line in pair),
        (WEEKDAYS_JA, "0123456789-:*〇"),
    ]
    characters = {character for text in texts for language in text for character in language} - {" "}
    bench = panel(tmp_path)
    pictures = {}
    for character in [*sorted(characters), "\U000f0000", " "]:
        bench.display.show(Screen(lines=(character,)))
        pictures[character] = bench.shown()
    # None is drawn as a font draws what it lacks, none as nothing, and no two alike.
    assert len(set(pictures.values())) == len(characters) + 2


def test_a_panel_that_is_not_there_says_what_to_do() -> None:
    pytest.importorskip("luma.oled.device", reason="the extra `display` is not installed")
    with pytest.raises(DisplayError, match=r"no panel answers on I2C bus 99 at 0x3c: .*docs/wiring\.md"):
        open_panel("ssd1306", 99, 0x3C, upside_down=False)
    with pytest.raises(DisplayError, match="there is no I2C bus 99; sudo raspi-config"):
        answers(99, 0x3C)


@pytest.mark.parametrize("kind", ["ssd1306", "sh1106"])
def test_the_kinds_of_the_configuration_are_drivers_of_the_library(kind: str) -> None:
    device = pytest.importorskip("luma.oled.device", reason="the extra `display` is not installed")
    assert getattr(device, kind)(Bus(), width=PIXELS[0], height=PIXELS[1], rotate=2).size == PIXELS


def test_a_box_is_as_wide_as_its_screen_whatever_is_in_it() -> None:
    stream = io.StringIO()
    TerminalDisplay(stream).show(FIRST)
    assert stream.getvalue().splitlines() == [
        "+----------------+",
        "|記録しました    |",
        "|山田 〇子       |",
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
