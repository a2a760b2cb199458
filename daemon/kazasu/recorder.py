"""What the terminal records: each event durable or told to be lost, the clock's changes among them, in one place."""

from __future__ import annotations

import contextlib
import logging
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from kazasu.errors import JournalCorrupt, JournalError
from kazasu.model.event import Draft, clock_change

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.event import Event
    from kazasu.model.moment import Moment
    from kazasu.model.receipt import Receipt
    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.loops import Wakeable
    from kazasu.ports.store import Journal, Roster

_log = logging.getLogger(__name__)

_REBUILD_S = 48 * 3600  # services remember two working days


class Followers(NamedTuple):
    """Who lives by what is recorded, each told in this order. The terminal's thread.

    Attributes:
        recorded: take over an event that is durable; at the start those that were recorded before.
        due: say what to record before anything else of a moment: event types and fields.
        changed: take over that recording works no longer, or works again.
    """

    recorded: Sequence[Callable[[Event], None]] = ()
    due: Sequence[Callable[[Moment], Sequence[tuple[str, EventFields]]]] = ()
    changed: Sequence[Callable[[], None]] = ()


class Recorder:
    """The terminal's journal, and whoever has to know of it. The terminal's thread only.

    Args:
        journal: where events go.
        clock: the terminal's.
        roster: whose version is told with each event.
        health: hears of a journal that cannot be written, and of one that is full.
        publisher: is woken for each event.

    Attributes:
        able: whether the last try to record worked.
        followers: are told of all that; nobody, until they are named.
    """

    def __init__(self, journal: Journal, clock: Clock, roster: Roster, health: Health, publisher: Wakeable) -> None:
        self._journal = journal
        self._clock = clock
        self._roster = roster
        self._health = health
        self._publisher = publisher
        self._rebuilt = False
        self._last_seq = 0
        self._looked_at: Moment | None = None
        self.able = True
        self.followers = Followers()

    def append(self, draft: Draft) -> Event | None:
        """Append; None if the journal cannot be written, which is said once, as is its healing."""
        try:
            event = self._journal.append(draft)
        except JournalError as error:
            if self.able:
                self.able = False
                _log.critical("journal_failed", extra={"fields": {"detail": str(error)}})
                self._health.alert("journal", str(error))
                self._changed()
            return None
        self._last_seq = event.seq
        if not self._rebuilt:
            self._take_over(until_seq=event.seq)
            self._rebuilt = True
        self._clock.recorded(draft.moment)
        if not self.able:
            self.able = True
            _log.warning("journal_healed", extra={"fields": {"seq": event.seq}})
            self._health.clear("journal")
            self._changed()
        return event

    def record(self, event_type: str, fields: EventFields) -> Event | None:
        """Record something that is no tap; None if the journal cannot be written."""
        event = self.append(Draft(event_type=event_type, moment=self.now(), fields=fields))
        if event is not None:
            self.announce(event)
        return event

    def now(self) -> Moment:
        """The moment, after an event of its own if the clock has changed since the last look (rule 10)."""
        self._catch_up()
        moment, before = self._clock.now(), self._looked_at
        for event_type, fields in chain.from_iterable(due(moment) for due in self.followers.due):
            event = self.append(Draft(event_type=event_type, moment=moment, fields=fields))
            if event is None:
                return moment  # it stays due
            self.announce(event)
        change = None if before is None else clock_change(before, moment)
        if change is not None:
            event = self.append(Draft(event_type="clock.changed", moment=moment, fields=change))
            if event is None:
                return moment  # told at the next look
            self.announce(event)
        self._looked_at = moment
        return moment

    def announce(self, event: Event) -> None:
        """Let services and publisher know; after the cue: a thread that wakes takes its share of the processor."""
        self._tell(event)
        # Not this one's own: of a tap everybody hears after what the door recorded meanwhile.
        made_s = self._roster.made_s
        self._health.note(
            last_seq=self._last_seq,
            roster_version=self._roster.version,
            roster_made_s=-1 if made_s is None else made_s,  # and no age: that would be other health each second
        )
        self._publisher.wake()

    def resume(self) -> bool:
        """Try to record again; what was missed is that nothing was. Returns whether it worked."""
        self._catch_up()
        event = self.append(Draft(event_type="journal.resumed", moment=self._clock.now(), fields={}))
        if event is None:
            return False
        self.announce(event)
        return True

    def rebuild(self) -> None:
        """Let service and clock know what was recorded before."""
        self._take_over(until_seq=None)

    def _catch_up(self) -> None:
        """Read now, before anything is decided, a journal that could not be opened at the start."""
        if not self._rebuilt and not self.able:
            with contextlib.suppress(JournalError):
                self._journal.idle()
            self._take_over(until_seq=None)

    def _take_over(self, *, until_seq: int | None) -> None:
        """Let everybody know what was recorded before this run, or before an event of it."""
        newest = None
        for event in self._journal.recent(_REBUILD_S):
            if event.seq == until_seq:
                break
            newest = event
            self._tell(event)
        if newest is not None:
            self._rebuilt = True
            self._clock.recorded(newest.moment)
            self._looked_at = newest.moment  # what was done to the clock while nothing ran is told, too

    def idle(self) -> None:
        """What can wait until nothing else is to be done."""
        self.now()
        if not self.able:
            # Nobody has to tap for the terminal to find out that the disk is well again.
            self.resume()
        self._journal.idle()
        usage = self._journal.usage()
        self._health.note(journal_percent=usage.percent)
        if usage.warn:
            self._health.alert("journal_room", f"{usage.percent} % of the journal's {usage.max_events} events are used")
        else:
            self._health.clear("journal_room")

    def prune(self, receipt: Receipt) -> None:
        """Let go of what the collector vouches for."""
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

    def _tell(self, event: Event) -> None:
        for recorded in self.followers.recorded:
            recorded(event)

    def _changed(self) -> None:
        for changed in self.followers.changed:
            changed()
