"""The screens, made of the words of screen_words.py.

Each stands beside a cue and says in words what the cue says in light and sound: who cannot read it, or has no display,
misses nothing that they need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kazasu.model.access import DenyReason, Direction
from kazasu.model.alarm import Alarm
from kazasu.model.cue import CueName
from kazasu.model.moment import TimeSource
from kazasu.model.policy import CUE_OF_REASON
from kazasu.model.screen import Screen, fitted
from kazasu.model.screen_words import (
    ALARMS,
    CLOCK_UNSET,
    CLOCK_UNSURE,
    CODE,
    CUES,
    DIRECTIONS,
    NOT_YET,
    NOTHING,
    OFFLINE,
    OUT_OF_ORDER,
    REASONS,
    STAYS_SHUT,
    UNLOCKED,
    WAITS,
    WEEKDAYS_JA,
    Language,
    of,
)

if TYPE_CHECKING:
    from kazasu.model.moment import Moment
    from kazasu.model.screen_words import Text


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one tap, as far as its person reads it. Of duress it knows nothing, so that no screen can show it.

    Attributes:
        service: the first that was asked: `attendance` or `door`.
        reason: its denial; None if it granted.
        door: what the door said on the same tap, where that is not the first service: its reason, or None if it
            granted; absent from taps that were no door's.
        name: masked already; empty leaves its row blank.
        punches: the person's own last ones, newest first, as direction and local time (`08:31`); two have room.
    """

    service: str
    reason: DenyReason | None = None
    door: DenyReason | msgspec.UnsetType | None = msgspec.UNSET
    name: str = ""
    punches: tuple[tuple[Direction, str], ...] = ()


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """How a terminal is while nobody taps.

    Attributes:
        cue: the cue at rest.
        alarm: the door's alarm that it stands for, if it does.
    """

    cue: CueName = CueName.READY
    alarm: Alarm | None = None


def rest_screen(rest: Rest, moment: Moment, way: Text, language: Language, *, online: bool) -> Screen:
    """Nobody taps: the time, what to do, and what is out of order.

    Args:
        rest: how the terminal is.
        moment: now, in the terminal's time zone.
        way: which way a tap counts, or how to say it.
        language: of the words.
        online: whether the broker is there, where there has to be one.
    """
    first = _time(moment, language)
    ready = of(CUES[CueName.READY], language)
    if rest.alarm is not None:
        what, todo = ALARMS[rest.alarm]
        return Screen(lines=(first, of(what, language), of(todo, language), ready))
    if rest.cue is not CueName.READY:
        todo = OUT_OF_ORDER if rest.cue is CueName.FAULT else NOTHING
        return Screen(lines=(first, of(CUES[rest.cue], language), of(todo, language)))
    if moment.source is TimeSource.NONE:
        trouble = CLOCK_UNSET
    elif moment.source is TimeSource.HOLDOVER:
        trouble = CLOCK_UNSURE
    else:
        trouble = NOTHING if online else OFFLINE
    return Screen(lines=(first, ready, of(way, language), of(trouble, language)))


def cue_screen(cue: CueName, language: Language) -> Screen:
    """Say in words what a cue says in light and sound."""
    second = of(OUT_OF_ORDER, language) if cue is CueName.FAULT else ""
    return Screen(lines=("", of(CUES[cue], language), second))


def entry_screen(digits: int, language: Language, *, of_code: bool) -> Screen:
    """A PIN or a code is being entered: how many digits, and none of them.

    Args:
        digits: keys taken so far; beyond sixteen the row is full.
        language: of the words.
        of_code: of a code; else of a PIN.
    """
    return Screen(lines=("", of(CODE if of_code else CUES[CueName.PIN], language), fitted("*" * digits)))


def answer_screen(answer: Answer, language: Language) -> Screen:
    """Say what came of a tap: in the first row the answer, then the name, then the person's punches or the reason."""
    headline = of(_headline(answer), language)
    return Screen(lines=(headline, fitted(answer.name), *_below(answer, language)))


def _below(answer: Answer, language: Language) -> tuple[str, ...]:
    punched = answer.service == "attendance" and answer.reason in {None, DenyReason.ALREADY_DONE}
    if punched:
        rows = [fitted(f"{time} {of(DIRECTIONS[way], language)}") for way, time in answer.punches[:2]]
        if answer.door is msgspec.UNSET:
            return tuple(rows)
        if answer.door is None:
            return (*(rows[:1] or [""]), of(UNLOCKED, language))
        return (of(STAYS_SHUT, language), of(_why(answer.door)[0], language))
    if answer.reason is None:
        return ()
    what, todo = _why(answer.reason)
    if answer.door is None:  # the punch was denied, and the door opens
        todo = UNLOCKED
    elif answer.door is not msgspec.UNSET and answer.door is not answer.reason:
        todo = _why(answer.door)[0]
    return (of(what, language), of(todo, language))


def _headline(answer: Answer) -> Text:
    if answer.reason is None:
        return UNLOCKED if answer.service == "door" else CUES[CueName.GRANTED]
    if answer.reason in WAITS:
        return NOT_YET
    cue = CUE_OF_REASON[answer.reason]
    # The denial is recorded: that the terminal is to blame does not mean that it cannot record.
    return CUES[CueName.DENIED if cue is CueName.FAULT else cue]


def _why(reason: DenyReason) -> tuple[Text, Text]:
    return REASONS.get(reason, (NOTHING, NOTHING))


def _time(moment: Moment, language: Language) -> str:
    # A clock that nobody set shows no time: a wrong one would be believed.
    if moment.source is TimeSource.NONE:
        return "--:--"
    if language is Language.EN:
        return moment.at.strftime("%Y-%m-%d %H:%M")  # no order of day and month that somebody could mistake
    return f"{moment.at:%m/%d}({WEEKDAYS_JA[moment.at.weekday()]}) {moment.at:%H:%M}"
