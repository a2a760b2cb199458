from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kazasu.model.cue import CueName
from kazasu.model.moment import Moment, TimeSource
from kazasu.model.name_mask import NameMask, masked
from kazasu.model.screen import Screen, fitted, width
from kazasu.model.screen_text import Language, cue_screen, idle_screen, pin_screen, punch_screen


def at(source: TimeSource) -> Moment:
    return Moment(at=datetime(2024, 2, 29, 8, 31, tzinfo=UTC), source=source, error_ms=-1, boot="0" * 32, mono_ms=1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("山田 花子", "山田 ○子"),
        ("山田\u3000花子", "山田 ○子"),
        ("佐藤 誠", "佐藤 ○"),
        ("佐々木 小次郎", "佐々木 ○○郎"),
        ("山田花子", "山○○○"),
        ("Maria Teresa Tanaka", "Maria T."),
        ("José", "J."),
        ("  ", ""),
    ],
)
def test_a_masked_name_is_known_to_its_owner_only(name: str, shown: str) -> None:
    assert masked(name, NameMask.MASK) == shown


def test_a_name_is_shown_whole_or_not_at_all_where_the_site_says_so() -> None:
    assert masked("山田\u3000花子", NameMask.FULL) == "山田 花子"
    assert masked("山田 花子", NameMask.OFF) == ""


def test_a_line_is_cut_between_characters_and_never_wider_than_the_screen() -> None:
    assert fitted("a" + "漢" * 9) == "a" + "漢" * 7
    assert width(fitted("漢" * 20)) == 16
    assert fitted("a\x1b[2J\nb") == "a[2Jb"


@pytest.mark.parametrize("lines", [("",) * 5, ("x" * 17,), ("漢" * 9,), ("a\nb",), ("\x1b[2J",)])
def test_a_screen_refuses_what_no_display_can_show(lines: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="screen"):
        Screen(lines=lines)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("cue", CueName)
def test_every_cue_has_its_words_in_both_languages(cue: CueName, language: Language) -> None:
    assert cue_screen(cue, language).lines[1]


@pytest.mark.parametrize("language", Language)
def test_the_idle_screen_tells_time_its_quality_and_the_network(language: Language) -> None:
    sure = idle_screen(at(TimeSource.NTP), language, online=True)
    assert sure.lines[0] == "02/29 08:31"
    assert sure.lines[2:] == ("", "")
    unsure = idle_screen(at(TimeSource.HOLDOVER), language, online=False)
    assert all(unsure.lines[2:])


def test_a_clock_that_nobody_set_shows_no_time() -> None:
    assert idle_screen(at(TimeSource.NONE), Language.EN, online=True).lines == (
        "--:--",
        "Hold your card",
        "Clock not set",
        "",
    )


def test_a_pin_shows_how_many_digits_and_nothing_else() -> None:
    assert pin_screen(3, Language.EN).lines[2] == "***"
    assert width(pin_screen(99, Language.JA).lines[2]) == 16


def test_a_punch_shows_the_persons_own_last_two_newest_first() -> None:
    punches = [("out", "17:15"), ("in", "08:31"), ("out", "17:02")]
    assert punch_screen("山田 ○子", punches, Language.JA).lines == (
        "記録しました",
        "山田 ○子",
        "17:15 退勤",
        "08:31 出勤",
    )
