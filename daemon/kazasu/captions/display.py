"""What people may read beside each cue: ports.captions.Captions for a terminal that has a display.

The terminal's thread says what happened, in values; the words are chosen and drawn in the display's own thread. So a
tap costs no more for it than an entry in a queue of one, and no name or font can make one fail.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from kazasu.model.access import DenyReason
from kazasu.model.cue import CueName
from kazasu.model.name_mask import masked
from kazasu.model.screen import Screen
from kazasu.model.screen_text import Answer, Rest, answer_screen, cue_screen, entry_screen, rest_screen
from kazasu.model.screen_words import BY_THE_HOUR, CHOSEN, NOTHING, TO_BE_CHOSEN
from kazasu.outputs.display_loop import Idle
from kazasu.services.own_punches import OwnPunches

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import time

    from kazasu.model.access import Decision, Direction, Presentation
    from kazasu.model.alarm import Alarm
    from kazasu.model.event import Event
    from kazasu.model.name_mask import NameMask
    from kazasu.model.screen_words import Language, Text
    from kazasu.ports.clock import Clock

GRANTED_S = 3.0
"""How long a person's own answer stays, unless the next person taps."""

DENIED_S = 5.0
"""A reason is read, and not only looked for."""

_ASKED_S = 60.0  # what waits for a person ends with its answer; this is the longest that a PIN is waited for
_MINUTE_S = 60.0


class Drawing(Protocol):
    """What draws, in a thread of its own: see display_loop.DisplayLoop. Any thread; nothing waits or raises."""

    def show(self, make: Callable[[], Screen], hold_s: float) -> None:
        """Show a screen for a time."""
        ...

    def end(self) -> None:
        """What was shown for a time is over."""
        ...

    def look(self) -> None:
        """The idle screen is another one now."""
        ...


class Ways(NamedTuple):
    """How in and out are told apart here, as far as the ready screen tells it.

    Attributes:
        by_hour: the direction of a time of day; None for a terminal that tells them apart otherwise.
        button_within_s: how long a pressed button counts; None without buttons.
    """

    by_hour: Callable[[time], Direction | None] | None = None
    button_within_s: float | None = None


class _State(NamedTuple):
    """What the idle screen is made of: replaced whole, so that the display's thread never sees half of it."""

    touched_s: float
    rest: Rest = Rest()
    chosen: tuple[Direction, float] | None = None


class DisplayCaptions:
    """Implements ports.captions.Captions.

    Args:
        language: of the words.
        names: how much of a name is shown.
        ways: how in and out are told apart.
        dark_after_s: so long after the last tap or alarm the display goes dark, because an OLED burns in; 0: never.
        clock: the terminal's.
        online: whether the broker is there, where there has to be one; asked in the display's thread.
    """

    def __init__(
        self,
        *,
        language: Language,
        names: NameMask,
        ways: Ways,
        dark_after_s: float,
        clock: Clock,
        online: Callable[[], bool],
    ) -> None:
        self._language = language
        self._names = names
        self._ways = ways
        self._dark_after_s = dark_after_s
        self._clock = clock
        self._online = online
        self._punches = OwnPunches()
        self._state = _State(touched_s=clock.mono_s())
        self._loop: Drawing | None = None

    def draw_on(self, loop: Drawing) -> None:
        """Say from now on what to draw; before, there is nothing to say."""
        self._loop = loop

    def cue(self, name: CueName) -> None:
        """See ports.captions.Captions."""
        self._show(partial(cue_screen, name, self._language), DENIED_S if name is CueName.FAULT else _ASKED_S)

    def entered(self, digits: int, *, of_code: bool) -> None:
        """See ports.captions.Captions."""
        self._show(partial(entry_screen, digits, self._language, of_code=of_code), _ASKED_S)

    def abandoned(self) -> None:
        """See ports.captions.Captions."""
        if self._loop is not None:
            self._loop.end()
        self._touch()

    def chosen(self, direction: Direction) -> None:
        """See ports.captions.Captions."""
        if self._ways.button_within_s is not None:
            until_s = self._clock.mono_s() + self._ways.button_within_s
            self._state = self._state._replace(chosen=(direction, until_s))
            self._touch()

    def answered(self, presentation: Presentation, decision: Decision) -> None:
        """See ports.captions.Captions."""
        self._state = self._state._replace(chosen=None)
        holder = None if presentation.enrolment is None else presentation.enrolment.cardholder
        punches = () if holder is None else self._punches.of(holder.number)
        name = "" if holder is None else holder.name

        def make() -> Screen:
            return answer_screen(_answer(decision, masked(name, self._names), punches), self._language)

        self._show(make, GRANTED_S if decision.granted else DENIED_S)

    def rest(self, name: CueName, alarm: Alarm | None) -> None:
        """See ports.captions.Captions."""
        self._state = self._state._replace(rest=Rest(cue=name, alarm=alarm))
        self._touch()

    def recorded(self, event: Event) -> None:
        """See ports.captions.Captions."""
        self._punches.recorded(event)

    def idle(self) -> Idle:
        """What is shown while nobody taps. The display's thread."""
        state, now_s, moment = self._state, self._clock.mono_s(), self._clock.now()
        way, valid_s = self._way(state.chosen, moment.at.time(), now_s)
        valid_s = min(valid_s, _MINUTE_S - moment.at.second - moment.at.microsecond / 1e6)
        if self._dark_after_s and state.rest == Rest():  # what is out of order stays to be read
            lit_s = state.touched_s + self._dark_after_s - now_s
            if lit_s <= 0:
                return Idle(Screen(lines=()), _MINUTE_S)
            valid_s = min(valid_s, lit_s)
        return Idle(rest_screen(state.rest, moment, way, self._language, online=self._online()), valid_s)

    def _way(self, chosen: tuple[Direction, float] | None, at: time, now_s: float) -> tuple[Text, float]:
        if chosen is not None and now_s < chosen[1]:
            return CHOSEN[chosen[0]], chosen[1] - now_s
        if self._ways.button_within_s is not None:
            return TO_BE_CHOSEN, _MINUTE_S
        direction = None if self._ways.by_hour is None else self._ways.by_hour(at)
        return NOTHING if direction is None else BY_THE_HOUR[direction], _MINUTE_S

    def _show(self, make: Callable[[], Screen], hold_s: float) -> None:
        self._state = self._state._replace(touched_s=self._clock.mono_s() + hold_s)
        if self._loop is not None:
            self._loop.show(make, hold_s)

    def _touch(self) -> None:
        self._state = self._state._replace(touched_s=self._clock.mono_s())
        if self._loop is not None:
            self._loop.look()


def _answer(decision: Decision, name: str, punches: tuple[tuple[Direction, str], ...]) -> Answer:
    """A decision as its person reads it; several services' as services/together.py writes them."""
    said = decision.details.get("door_decision")
    reason = decision.details.get("door_reason")
    at_door = msgspec.UNSET if said is None else None if reason is None else DenyReason(str(reason))
    return Answer(
        service=decision.event_type.partition(".")[0],
        reason=decision.reason,
        door=at_door,
        name=name,
        punches=punches,
    )
