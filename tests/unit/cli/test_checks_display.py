"""What the doctor and check-config say of the display."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.configuration import SMALLEST
from kazasu.cli.check_config import _sentences
from kazasu.cli.checks_display import ask_panel, check_display
from kazasu.cli.finding import Finding, Grade
from kazasu.config import parse
from kazasu.errors import DisplayError
from kazasu.outputs import display_oled

if TYPE_CHECKING:
    from collections.abc import Callable


def findings(display: str, ask: Callable[[int, int], None] = ask_panel) -> list[Finding]:
    return list(check_display(parse((SMALLEST + display).encode(), Path("kazasu.toml")), ask))


def test_without_one_there_is_nothing_to_say() -> None:
    assert findings("") == []


def test_a_panel_that_answers_is_named() -> None:
    asked: list[tuple[int, int]] = []
    [finding] = findings(
        '[display]\nkind = "sh1106"\naddress = 0x3D\n', lambda bus, address: asked.append((bus, address))
    )
    assert finding == Finding(Grade.OK, "display", "sh1106 on I2C bus 1 at 0x3d answers")
    assert asked == [(1, 0x3D)]


def test_a_panel_that_is_not_there_is_a_note_since_nobody_needs_it() -> None:
    def silent(bus: int, address: int) -> None:
        raise DisplayError("no panel answers; is it wired?")

    [finding] = findings('[display]\nkind = "ssd1306"\n', silent)
    assert finding == Finding(Grade.NOTE, "display", "no panel answers; is it wired?")


def test_a_font_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="the extra `display` is not installed")
    with pytest.raises(DisplayError, match=r"no font that can be read: .*; sudo apt install fonts-unifont"):
        display_oled.expect_installed(tmp_path / "none.otf")


def test_a_library_that_is_not_there_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DisplayError, match=r"luma\.oled is not installed; sudo apt install .*python3-luma\.oled"):
        display_oled.expect_installed(Path(display_oled.FONT))


def test_stand_ins_are_told(tmp_path: Path) -> None:
    [drawn] = findings('[display]\nkind = "terminal"\n')
    assert drawn.grade is Grade.NOTE
    [page] = findings(f'[display]\nkind = "html"\npage = "{tmp_path}/display.html"\n')
    assert page == Finding(Grade.OK, "display", f"a page: file://{tmp_path}/display.html")
    [missing] = findings(f'[display]\nkind = "html"\npage = "{tmp_path}/none/display.html"\n')
    assert (missing.grade, missing.found) == (Grade.NOTE, f"{tmp_path}/none is missing, and its page with it")


@pytest.mark.parametrize(
    ("display", "sentence"),
    [
        ('kind = "ssd1306"', "Display: ssd1306 at 0x3c on I2C bus 1; in Japanese, names masked, dark after 10m."),
        (
            'kind = "terminal"\nlanguage = "en"\nnames = "off"\ndark_after = "0s"',
            "Display: drawn in a terminal; in English, no names, never dark.",
        ),
    ],
)
def test_a_configured_display_is_said_back(display: str, sentence: str) -> None:
    config = parse(f"{SMALLEST}\n[display]\n{display}\n".encode(), Path("kazasu.toml"))
    assert sentence in list(_sentences(config))
