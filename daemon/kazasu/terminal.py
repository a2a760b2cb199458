"""One tap, from the presentation to the event: read this first.

The terminal thread takes everything that happens from one queue and owns all state. A tap goes one way:

    identifier → presentation → decision → event, durable → strike → cue → publisher

Green is the receipt (rule 1): the strike and the cue of a granted tap come after `Journal.append` has returned, and
there is no other way to them. One tap gives one event and one cue (rule 2): each way out of `_tap` passes one of each,
except where the journal cannot be written; there the fault cue is the whole answer.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import RosterError
from kazasu.model.cue import CueName
from kazasu.model.event import Draft
from kazasu.model.input import (
    ButtonPressed,
    CardPresented,
    CardRead,
    CodeAbandoned,
    CommandArrived,
    CommandFailed,
    DoorChanged,
    KeyTaken,
    Ordered,
    PinAsked,
    PinEnded,
    ReaderChanged,
    ReceiptArrived,
    RosterApplied,
    RosterRejected,
    Stop,
)
from kazasu.model.policy import AssurancePolicy, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.commands import Commands
    from kazasu.doors import Doors
    from kazasu.model.access import Decision, Direction, EventFields, Presentation
    from kazasu.model.input import Input
    from kazasu.orders import Orders
    from kazasu.ports.captions import Captions
    from kazasu.ports.clock import Clock
    from kazasu.ports.inbox import InputQueue
    from kazasu.ports.loops import Beat
    from kazasu.ports.outputs import CuePlayer
    from kazasu.ports.services import Service
    from kazasu.ports.store import Roster
    from kazasu.presenting import Presenter
    from kazasu.recorder import Recorder
    from kazasu.showing import Showing

_log = logging.getLogger(__name__)

_IDLE_S = 10.0  # the longest a loop may be silent: see ports.loops.Beat
_NO_CARD = "0" * 32


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the site decides.

    Attributes:
        policy: what a read has to prove, whoever it is.
        button_within_s: how long a pressed button waits for its tap.
        version: Kazasu's, for `terminal.started`.
        simulated: there are no wires: an operator may say what contacts would.
    """

    policy: AssurancePolicy
    button_within_s: float
    version: str
    simulated: bool = False


class Terminal:
    """Implements ports.loops.Loop; everything it touches is a seam, or made of seams in app/terminal.py.

    Args:
        settings: what the site decides.
        inbox: what happens.
        clock: the terminal's.
        roster: who is known.
        service: answers presentations.
        recorder: makes events durable.
        presenter: finds out whose a read is.
        showing: light, sound and words while nobody's tap is answered.
        cues: answer taps in light and sound.
        captions: answer them in words.
        orders: gives what does an operator's orders.
        doors: None for a terminal without doors.
        commands: do what the site commands; None where it commands nothing.

    Attributes:
        doors: as above.
    """

    def __init__(  # noqa: PLR0913  (one place sees every part: this is it)
        self,
        settings: Settings,
        *,
        inbox: InputQueue,
        clock: Clock,
        roster: Roster,
        service: Service,
        recorder: Recorder,
        presenter: Presenter,
        showing: Showing,
        cues: CuePlayer,
        captions: Captions,
        orders: Callable[[], Orders],
        doors: Doors | None = None,
        commands: Commands | None = None,
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._clock = clock
        self._roster = roster
        self._service = service
        self._recorder = recorder
        self._presenter = presenter
        self._showing = showing
        self._cues = cues
        self._captions = captions
        self._orders = orders
        self.doors = doors
        self._commands = commands
        self._pressed: tuple[Direction, float] | None = None

    def run(self, beat: Beat) -> None:
        """Take inputs until `Stop`; see ports.loops.Loop."""
        self._start()
        while True:
            beat()
            waits_s = _IDLE_S if self.doors is None else self.doors.waits_s(_IDLE_S)
            item = self._inbox.get(waits_s)
            if item is None:
                self.pass_time()
                if waits_s == _IDLE_S:
                    self._recorder.idle()
            elif isinstance(item, Stop):
                self._recorder.record("terminal.stopped", {})
                return
            else:
                self.take(item)
                self.pass_time()

    def stop(self) -> None:
        """Handle what is in the queue, then return from `run`."""
        self._inbox.put(Stop())

    def take(self, item: Input) -> None:
        """Handle one input to its end."""
        match item:
            case CardRead():
                self._tap(item)
            case CardPresented():
                self._showing.play(CueName.READING)
            case PinAsked() | KeyTaken() | PinEnded() | CodeAbandoned():
                self._showing.keypad(item)
            case ButtonPressed(button=button):
                self._pressed = (button, self._clock.mono_s())
                self._captions.chosen(button)
            case ReaderChanged():
                self._showing.reader_changed(item)
                self._recorder.record(f"reader.{item.state.value}", {"reader": item.reader})
            case DoorChanged(door=door, given=given) if self.doors is not None:
                self.doors.take(door, given)
            case Ordered(order=order, answer=answer):
                answer(self._orders().answer(order))
            case CommandArrived() | CommandFailed() if self._commands is not None:
                self._commands.take(item)
            case ReceiptArrived() | RosterApplied() | RosterRejected():
                self._heed_site(item)

    def pass_time(self) -> None:
        """Do what is due."""
        if self.doors is not None:
            self.doors.pass_time()
        if self._commands is not None:
            self._commands.pass_time()

    def _tap(self, read: CardRead) -> None:
        if not self._recorder.able:
            if not self._recorder.resume():
                self._showing.play(CueName.FAULT)
                return
            if self.doors is not None:
                self.doors.pass_time()  # they know of it before anybody is let through
        moment = self._recorder.now()
        asked = self._settings.policy.at(moment)
        presentation = self._presenter.present(read, self._chosen_direction(), moment, self._clock.mono_s(), asked)
        reason = refusal(presentation, moment, asked)
        if reason is None:
            decision = self._service.decide(presentation, moment)
        else:
            decision = self._service.refused(presentation, reason)
        fields = self._describe(presentation, decision)
        event = self._recorder.append(Draft(event_type=decision.event_type, moment=moment, fields=fields))
        if event is None:
            self._showing.play(CueName.FAULT)
            return
        if self.doors is not None:
            self.doors.granted(event)
        self._cues.play(decision.cue)
        self._recorder.announce(event)
        self._captions.answered(presentation, decision)  # once this punch is among the person's own
        _log.info(
            "tap",
            extra={
                "fields": {
                    "seq": event.seq,
                    "event_type": decision.event_type,
                    "reason": decision.reason or "",
                    "reader": read.reader,
                    "detail": read.detail,
                }
            },
        )

    def _chosen_direction(self) -> Direction | None:
        """The way pressed for this tap, and for no other."""
        pressed, self._pressed = self._pressed, None
        if pressed is None or self._clock.mono_s() - pressed[1] > self._settings.button_within_s:
            return None
        return pressed[0]

    def _describe(self, presentation: Presentation, decision: Decision) -> EventFields:
        fields: EventFields = {
            "reader": presentation.reader,
            "decision": "granted" if decision.granted else "denied",
            "roster_version": self._roster.version,
        }
        if decision.reason is not None:
            fields["reason"] = decision.reason.value
        if presentation.identifier is not None:
            fields["credential"] = presentation.identifier.pseudonym
            fields["card"] = presentation.identifier.kind
            fields["assurance"] = presentation.identifier.assurance.word
            if presentation.identifier.duress:
                # Here and nowhere else: whoever stands behind the person sees what policy gives.
                fields["duress"] = 1
        if presentation.enrolment is not None:
            fields["cardholder"] = presentation.enrolment.cardholder.number
        return fields | presentation.details | decision.details

    def _start(self) -> None:
        self._recorder.rebuild()
        self._recorder.record("terminal.started", {"version": self._settings.version})
        if self.doors is not None:
            self.doors.start()
        self._showing.rest()

    def _heed_site(self, news: ReceiptArrived | RosterApplied | RosterRejected) -> None:
        match news:
            case ReceiptArrived(receipt=receipt):
                self._recorder.prune(receipt)
            case RosterRejected(fields=fields):
                self._recorder.record("roster.refused", fields)
            case RosterApplied(fields=fields, rules=rules):
                if rules is not None and self.doors is not None:
                    self.doors.follow(rules)
                with contextlib.suppress(RosterError):  # told at the next tap
                    self._roster.look_up(_NO_CARD)  # whose version is told from now on
                self._recorder.record("roster.applied", fields)
