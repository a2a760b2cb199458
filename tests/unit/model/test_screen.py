from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from kazasu.model.access import DenyReason
from kazasu.model.alarm import Alarm
from kazasu.model.cue import CueName
from kazasu.model.moment import Moment, TimeSource
from kazasu.model.name_mask import NameMask, masked
from kazasu.model.screen import Screen, fitted, width
from kazasu.model.screen_text import Answer, Rest, answer_screen, cue_screen, entry_screen, rest_screen
from kazasu.model.screen_words import (
    ALARMS,
    BY_THE_HOUR,
    CHOSEN,
    CUES,
    NOTHING,
    OFFLINE,
    REASONS,
    TO_BE_CHOSEN,
    UNLOCKED,
    Language,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.model.access import Direction

PUNCHES: tuple[tuple[Direction, str], ...] = (("out", "17:15"), ("in", "08:31"), ("out", "17:02"))


def at(source: TimeSource) -> Moment:
    return Moment(at=datetime(2024, 2, 29, 8, 31, tzinfo=UTC), source=source, error_ms=-1, boot="0" * 32, mono_ms=1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("山田 花子", "山田 〇子"),
        ("山田\u3000花子", "山田 〇子"),
        ("佐藤 誠", "佐藤 〇"),
        ("佐々木 小次郎", "佐々木 〇〇郎"),
        ("山田花子", "山〇〇〇"),
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


def missing_in(texts: Iterable[tuple[object, tuple[str, str]]]) -> list[object]:
    """What lacks words in one of the languages, or has the one's in the other's place."""
    return [key for key, (ja, en) in texts if not ja or not en or ja.isascii() or not en.isascii()]


def test_every_cue_has_its_words_in_both_languages() -> None:
    assert set(CUES) == set(CueName)
    assert missing_in(CUES.items()) == []


def test_every_reason_of_a_denial_has_its_words_in_both_languages() -> None:
    assert set(REASONS) == set(DenyReason)
    assert missing_in((reason, what) for reason, (what, _) in REASONS.items()) == []
    assert missing_in((reason, todo) for reason, (_, todo) in REASONS.items() if todo != NOTHING) == []


def test_every_alarm_of_a_door_has_its_words_in_both_languages() -> None:
    assert set(ALARMS) == set(Alarm)
    assert missing_in((alarm, what) for alarm, (what, _) in ALARMS.items()) == []
    assert missing_in((alarm, todo) for alarm, (_, todo) in ALARMS.items() if todo != NOTHING) == []


def test_two_reasons_are_never_told_in_the_same_words() -> None:
    for language in (0, 1):
        said = [what[language] for reason, (what, _) in REASONS.items()]
        assert len(said) == len(set(said))


@pytest.mark.parametrize("language", Language)
def test_no_sentence_is_wider_than_the_screen(language: Language) -> None:
    for cue in CueName:
        assert cue_screen(cue, language).lines[1]
        assert rest_screen(Rest(cue=cue), at(TimeSource.NTP), NOTHING, language, online=True).lines[1]
    for alarm in Alarm:
        assert rest_screen(Rest(alarm=alarm), at(TimeSource.NTP), NOTHING, language, online=True).lines[1]
    for way in (*CHOSEN.values(), *BY_THE_HOUR.values(), TO_BE_CHOSEN):
        assert rest_screen(Rest(), at(TimeSource.HOLDOVER), way, language, online=False).lines[2]
    for service in ("attendance", "door"):
        for reason in (None, *DenyReason):
            for door in (msgspec.UNSET, None, *DenyReason):
                screen = answer_screen(
                    Answer(service=service, reason=reason, door=door, name="漢" * 20, punches=PUNCHES), language
                )
                assert screen.lines[0]


@pytest.mark.parametrize("language", Language)
def test_the_ready_screen_tells_time_its_quality_and_the_network(language: Language) -> None:
    sure = rest_screen(Rest(), at(TimeSource.NTP), NOTHING, language, online=True)
    assert sure.lines[0] == {"ja": "02/29(木) 08:31", "en": "2024-02-29 08:31"}[language]
    assert sure.lines[2:] == ("", "")
    unsure = rest_screen(Rest(), at(TimeSource.HOLDOVER), TO_BE_CHOSEN, language, online=True)
    assert all(unsure.lines)
    offline = rest_screen(Rest(), at(TimeSource.NTP), NOTHING, language, online=False)
    assert offline.lines[3] in OFFLINE


def test_a_clock_that_nobody_set_shows_no_time() -> None:
    assert rest_screen(Rest(), at(TimeSource.NONE), NOTHING, Language.EN, online=True).lines == (
        "--:--",
        "Hold your card",
        "",
        "Clock not set",
    )


def test_an_alarm_is_told_and_cards_are_asked_for_all_the_same() -> None:
    rest = Rest(cue=CueName.HELD_OPEN, alarm=Alarm.FORCED_OPEN)
    assert rest_screen(rest, at(TimeSource.NTP), NOTHING, Language.JA, online=True).lines == (
        "02/29(木) 08:31",
        "扉の異常開放",
        "担当者へ連絡を",
        "かざしてください",
    )


def test_a_terminal_that_cannot_record_asks_for_no_card() -> None:
    shown = rest_screen(Rest(cue=CueName.FAULT), at(TimeSource.NTP), NOTHING, Language.EN, online=True)
    assert shown.lines == ("2024-02-29 08:31", "Cannot record", "Tell operations")


def test_a_pin_shows_how_many_digits_and_nothing_else() -> None:
    for of_code, asked in ((False, "Enter the PIN"), (True, "Enter your code")):
        assert entry_screen(3, Language.EN, of_code=of_code).lines[1:] == (asked, "***")
        assert width(entry_screen(99, Language.JA, of_code=of_code).lines[2]) == 16


def test_a_punch_shows_the_persons_own_last_two_newest_first() -> None:
    assert answer_screen(Answer(service="attendance", name="山田 〇子", punches=PUNCHES), Language.JA).lines == (
        "記録しました",
        "山田 〇子",
        "17:15 退勤",
        "08:31 出勤",
    )


def test_a_denial_says_why_and_what_to_do() -> None:
    answer = Answer(service="door", reason=DenyReason.INTERLOCK, name="Maria T.")
    assert answer_screen(answer, Language.EN).lines == ("Not yet", "Maria T.", "Other door open", "Wait till closed")


def test_a_punch_that_counts_is_told_though_the_door_stays_shut() -> None:
    answer = Answer(service="attendance", door=DenyReason.OUT_OF_HOURS, name="山田 〇子", punches=PUNCHES)
    assert answer_screen(answer, Language.JA).lines == ("記録しました", "山田 〇子", "扉は開きません", "時間外です")


def test_a_door_that_opens_is_told_beside_the_punch() -> None:
    for reason in (None, DenyReason.ALREADY_DONE, DenyReason.NO_DIRECTION):
        answer = Answer(service="attendance", reason=reason, door=None, punches=PUNCHES)
        assert answer_screen(answer, Language.EN).lines[3] == UNLOCKED[1]


def test_a_denial_that_is_the_terminals_fault_is_not_told_as_one_that_was_not_recorded() -> None:
    for reason in DenyReason:
        if reason is not DenyReason.ALREADY_DONE:
            headline = answer_screen(Answer(service="door", reason=reason), Language.EN).lines[0]
            assert headline not in {CUES[CueName.FAULT][1], CUES[CueName.GRANTED][1], UNLOCKED[1]}
