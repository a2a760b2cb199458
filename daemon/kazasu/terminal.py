"""One tap, from the presentation to the event: read this first.

The terminal thread takes everything that happens from one queue and owns all state. A tap goes one way:

    identifier → presentation → decision → event, durable → cue → publisher

Green is the receipt (rule 1): the cue of a granted tap comes after `Journal.append` has returned, and there is no
other way to it. One tap gives one event and one cue (rule 2): each way out of `_tap` passes one of each, except where
the journal cannot be written; there the fault cue is the whole answer.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import JournalCorrupt, JournalError, RosterError
from kazasu.model.access import Decision, DenyReason, Presentation
from kazasu.model.cue import CueName
from kazasu.model.event import Draft, clock_change
from kazasu.model.input import (
    ButtonPressed,
    CardPresented,
    CardRead,
    KeyTaken,
    PinAsked,
    PinEnded,
    ReaderChanged,
    ReaderState,
    ReceiptArrived,
    Stop,
)
from kazasu.model.policy import CUE_OF_REASON, AssurancePolicy, refusal

if TYPE_CHECKING:
    from kazasu.model.access import Direction, EventFields
    from kazasu.model.event import Event
    from kazasu.model.input import Input
    from kazasu.model.moment import Moment
    from kazasu.model.receipt import Receipt
    from kazasu.ports import Beat, Clock, CuePlayer, Health, InputQueue, Journal, Roster, Service, Wakeable

_log = logging.getLogger(__name__)

_IDLE_S = 10.0  # the longest a loop may be silent: see ports.Beat
_REBUILD_S = 48 * 3600  # services remember two working days


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the site decides.

    Attributes:
        policy: what a read has to prove, whoever it is.
        button_within_s: how long a pressed button waits for its tap.
        version: Kazasu's, for `terminal.started`.
    """

    policy: AssurancePolicy
    button_within_s: float
    version: str


class Terminal:
    """Implements ports.Loop; everything it touches is a seam."""

    def __init__(  # noqa: PLR0913  (one place sees every seam: this is it)
        self,
        settings: Settings,
        *,
        inbox: InputQueue,
        clock: Clock,
        roster: Roster,
        service: Service,
        journal: Journal,
        cues: CuePlayer,
        publisher: Wakeable,
        health: Health,
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._clock = clock
        self._roster = roster
        self._service = service
        self._journal = journal
        self._cues = cues
        self._publisher = publisher
        self._health = health
        self._pressed: tuple[Direction, float] | None = None
        self._missing: set[str] = set()
        self._pin_asked = False
        self._unrecordable = False
        self._rebuilt = False
        self._looked_at: Moment | None = None
        self._roster_version = 0

    def run(self, beat: Beat) -> None:
        """Take inputs until `Stop`; see ports.Loop."""
        self._start()
        while True:
            beat()
            item = self._inbox.get(_IDLE_S)
            if item is None:
                self._idle()
            elif isinstance(item, Stop):
                self._record("terminal.stopped", {})
                return
            else:
                self.take(item)

    def stop(self) -> None:
        """Handle what is in the queue, then return from `run`."""
        self._inbox.put(Stop())

    def take(self, item: Input) -> None:
        """Handle one input to its end."""
        match item:
            case CardRead():
                self._tap(item)
            case CardPresented():
                self._cues.play(CueName.READING)
            case PinAsked():
                self._wait_for_pin(asked=True)
                self._cues.play(CueName.PIN)
            case KeyTaken():
                self._cues.play(CueName.KEY)
            case PinEnded():
                self._wait_for_pin(asked=False)
                self._cues.play(CueName.READING)
            case ButtonPressed(button=button):
                self._pressed = (button, self._clock.mono_s())
            case ReaderChanged():
                self._reader_changed(item)
            case ReceiptArrived(receipt=receipt):
                self._prune(receipt)

    def _tap(self, read: CardRead) -> None:
        if self._unrecordable and not self._resume():
            self._cues.play(CueName.FAULT)
            return
        moment = self._now()
        presentation = self._present(read)
        reason = refusal(presentation, moment, self._settings.policy.at(moment))
        if reason is None:
            decision = self._service.decide(presentation, moment)
        else:
            decision = Decision(event_type=f"{self._service.name}.denied", reason=reason, cue=CUE_OF_REASON[reason])
        fields = self._describe(presentation, decision)
        event = self._append(Draft(event_type=decision.event_type, moment=moment, fields=fields))
        if event is None:
            self._cues.play(CueName.FAULT)
            return
        self._cues.play(decision.cue)
        self._announce(event)
        self._service.recorded(event)
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

    def _present(self, read: CardRead) -> Presentation:
        enrolment, refused = None, read.refusal
        if read.identifier is not None:
            try:
                enrolment = self._roster.look_up(read.identifier.pseudonym)
                self._roster_version = self._roster.version
            except RosterError as error:
                refused = DenyReason.ROSTER_UNREADABLE
                self._health.alert("roster", str(error))
            else:
                self._health.clear("roster")
        return Presentation(
            reader=read.reader,
            identifier=read.identifier,
            enrolment=enrolment,
            refusal=refused,
            direction=self._chosen_direction(),
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
            "roster_version": self._roster_version,
        }
        if decision.reason is not None:
            fields["reason"] = decision.reason.value
        if presentation.identifier is not None:
            fields["credential"] = presentation.identifier.pseudonym
            fields["card"] = presentation.identifier.kind
            fields["assurance"] = presentation.identifier.assurance.word
        if presentation.enrolment is not None:
            fields["cardholder"] = presentation.enrolment.cardholder.number
        return fields | decision.details

    def _append(self, draft: Draft) -> Event | None:
        """Append; None if the journal cannot be written, which is said once, as is its healing."""
        try:
            event = self._journal.append(draft)
        except JournalError as error:
            if not self._unrecordable:
                self._unrecordable = True
                _log.critical("journal_failed", extra={"fields": {"detail": str(error)}})
                self._health.alert("journal", str(error))
                self._rest()
            return None
        self._clock.recorded(draft.moment)
        if self._unrecordable:
            self._unrecordable = False
            _log.warning("journal_healed", extra={"fields": {"seq": event.seq}})
            self._health.clear("journal")
            self._rest()
        return event

    def _record(self, event_type: str, fields: EventFields) -> None:
        """Record something that is no tap."""
        event = self._append(Draft(event_type=event_type, moment=self._now(), fields=fields))
        if event is not None:
            self._announce(event)

    def _now(self) -> Moment:
        """The moment, after an event of its own if the clock has changed since the last look (rule 10)."""
        moment, before = self._clock.now(), self._looked_at
        change = None if before is None else clock_change(before, moment)
        if change is not None:
            event = self._append(Draft(event_type="clock.changed", moment=moment, fields=change))
            if event is None:
                return moment  # told at the next look
            self._announce(event)
        self._looked_at = moment
        return moment

    def _announce(self, event: Event) -> None:
        """Let the publisher know; after the cue, because a thread that wakes takes its share of the processor."""
        self._health.note(last_seq=event.seq, roster_version=self._roster_version)
        self._publisher.wake()

    def _start(self) -> None:
        self._roster_version = self._roster.version
        self._rebuild()
        self._record("terminal.started", {"version": self._settings.version})
        self._rest()

    def _idle(self) -> None:
        self._now()
        if self._unrecordable:
            # Nobody has to tap for the terminal to find out that the disk is well again.
            self._resume()
        self._journal.idle()
        usage = self._journal.usage()
        self._health.note(journal_percent=usage.percent)
        if usage.warn:
            self._health.alert("journal_room", f"{usage.percent} % of the journal's {usage.max_events} events are used")
        else:
            self._health.clear("journal_room")

    def _resume(self) -> bool:
        """Try to record again; what was missed is that nothing was. Returns whether it worked."""
        if not self._rebuilt:
            # A journal that could not be opened at the start is read now, before anything is decided.
            with contextlib.suppress(JournalError):
                self._journal.idle()
            self._rebuild()
        event = self._append(Draft(event_type="journal.resumed", moment=self._clock.now(), fields={}))
        if event is None:
            return False
        self._announce(event)
        return True

    def _rebuild(self) -> None:
        """Let service and clock know what was recorded before."""
        newest = None
        for newest in self._journal.recent(_REBUILD_S):
            self._service.recorded(newest)
        if newest is not None:
            self._rebuilt = True
            self._clock.recorded(newest.moment)
            self._looked_at = newest.moment  # what was done to the clock while nothing ran is told, too

    def _reader_changed(self, change: ReaderChanged) -> None:
        if change.state is ReaderState.MISSING:
            self._missing.add(change.reader)
        else:
            self._missing.discard(change.reader)
        self._record(f"reader.{change.state.value}", {"reader": change.reader})
        self._rest()

    def _prune(self, receipt: Receipt) -> None:
        try:
            self._journal.prune(receipt)
        except JournalCorrupt as error:
            # A collector that vouches for another history: it keeps asking for attention, and nothing is removed.
            _log.error("receipt_refused", extra={"fields": {"detail": str(error)}})
            self._health.alert("receipt", str(error))
        except JournalError as error:
            _log.warning("prune_failed", extra={"fields": {"detail": str(error)}})
        else:
            self._health.clear("receipt")

    def _wait_for_pin(self, *, asked: bool) -> None:
        """While a PIN is waited for, that is what rests: a key's cue ends, and the request still stands."""
        self._pin_asked = asked
        self._rest()

    def _rest(self) -> None:
        if self._pin_asked:
            self._cues.rest(CueName.PIN)
            return
        self._cues.rest(CueName.FAULT if self._unrecordable or self._missing else CueName.READY)
