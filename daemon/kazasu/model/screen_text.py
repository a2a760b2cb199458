"""Every sentence of the display, Japanese and English side by side, and the screens made of them.

The same cue gives the same words everywhere, and no screen says more than its cue does: who cannot read it, or has no
display, misses nothing.
"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from kazasu.model.cue import CueName
from kazasu.model.moment import TimeSource
from kazasu.model.screen import Screen, fitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kazasu.model.moment import Moment


class Language(enum.StrEnum):
    """What the display speaks; the values are in the configuration."""

    JA = "ja"
    EN = "en"


# One row a text, Japanese then English; none wider than sixteen cells: a test holds them to it.
_CUES = MappingProxyType(
    {
        CueName.READY: ("かざしてください", "Hold your card"),
        CueName.READING: ("そのままお待ちを", "Hold still"),
        CueName.PIN: ("暗証番号を入力", "Enter the PIN"),
        CueName.KEY: ("暗証番号を入力", "Enter the PIN"),
        CueName.GRANTED: ("記録しました", "Recorded"),
        CueName.ALREADY_DONE: ("記録済みです", "Already recorded"),
        CueName.DENIED: ("使えないカード", "Not accepted"),
        CueName.RETRY: ("もう一度かざす", "Once more please"),
        CueName.BLOCKED: ("窓口へご相談を", "Ask card office"),
        CueName.FAULT: ("記録できません", "Cannot record"),
    }
)
_DIRECTIONS = MappingProxyType({"in": ("出勤", "In"), "out": ("退勤", "Out")})
_CLOCK_UNSURE = ("時刻は未確認", "Time unverified")
_CLOCK_UNSET = ("時刻が未設定", "Clock not set")
_OFFLINE = ("通信なし・記録可", "Offline, records")
_OUT_OF_ORDER = ("担当者へ連絡を", "Tell operations")


def idle_screen(moment: Moment, language: Language, *, online: bool) -> Screen:
    """Nobody taps: time, what to do, and whether clock and network are in order."""
    unsure = {
        TimeSource.NTP: "",
        TimeSource.RTC: "",
        TimeSource.HOLDOVER: _of(_CLOCK_UNSURE, language),
        TimeSource.NONE: _of(_CLOCK_UNSET, language),
    }[moment.source]
    # A clock that nobody set shows no time: a wrong one would be believed.
    time = "--:--" if moment.source is TimeSource.NONE else moment.at.strftime("%m/%d %H:%M")
    return Screen(lines=(time, _of(_CUES[CueName.READY], language), unsure, "" if online else _of(_OFFLINE, language)))


def cue_screen(cue: CueName, language: Language) -> Screen:
    """Say in words what the cue says in light and sound."""
    second = _of(_OUT_OF_ORDER, language) if cue is CueName.FAULT else ""
    return Screen(lines=("", _of(_CUES[cue], language), second))


def pin_screen(digits: int, language: Language) -> Screen:
    """A PIN is being entered: how many digits, and none of them.

    Args:
        digits: keys taken so far; beyond sixteen the row is full.
        language: of the words.
    """
    return Screen(lines=("", _of(_CUES[CueName.PIN], language), fitted("*" * digits)))


def punch_screen(name: str, punches: Sequence[tuple[str, str]], language: Language) -> Screen:
    """A punch was recorded: whose, and the person's own last ones.

    Args:
        name: masked already; empty leaves its row blank.
        punches: newest first, as direction (`in`, `out`) and local time (`08:31`); two have room.
        language: of the words.
    """
    rows = [fitted(f"{time} {_of(_DIRECTIONS[direction], language)}") for direction, time in punches[:2]]
    return Screen(lines=(_of(_CUES[CueName.GRANTED], language), fitted(name), *rows))


def _of(text: tuple[str, str], language: Language) -> str:
    return text[0] if language is Language.JA else text[1]
