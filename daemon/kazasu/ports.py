"""Every seam, as Protocols. What stands behind them in production is named in app/ and nowhere else.

Threads: a seam says who may call it. "Any thread" means its implementation locks or only enqueues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from kazasu.model.access import (
        Assurance,
        Cardholder,
        Decision,
        DenyReason,
        Direction,
        Enrolment,
        Identifier,
        Presentation,
    )
    from kazasu.model.alarm import Alarm
    from kazasu.model.code import CodeHolder
    from kazasu.model.cue import Channel, CueName
    from kazasu.model.day_card import Loan
    from kazasu.model.door_outcome import LockOutput
    from kazasu.model.event import Draft, Event
    from kazasu.model.input import Input
    from kazasu.model.key import Key
    from kazasu.model.moment import Moment
    from kazasu.model.receipt import Receipt
    from kazasu.model.screen import Screen
    from kazasu.model.usage import Usage


class Clock(Protocol):
    """Time, handed in. Any thread."""

    def now(self) -> Moment:
        """The present moment, with its quality."""
        ...

    def mono_s(self) -> float:
        """Seconds since boot, suspended time included: for durations."""
        ...

    def recorded(self, moment: Moment) -> None:
        """The journal's newest event is of this moment: from here on only NTP gives an earlier time."""
        ...


class CardChannel(Protocol):
    """The card seam: bytes in, bytes and status word out. The reader's thread only."""

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """Send one command APDU.

        Args:
            apdu: 4 to 65,544 bytes.

        Returns:
            The response data (0 to 65,536 bytes) and the status word, 0x0000 to 0xFFFF.

        Raises:
            CardGone: the card left the field.
            ReaderUnavailable: the reader or pcscd is gone.
            ForbiddenApdu: the APDU is not on the allow-list.
        """
        ...


class CardIdentifier(Protocol):
    """Reads whatever card is in the field, with the strongest kind that it answers to. The reader's thread only."""

    def identify(self, channel: CardChannel, atr: bytes) -> Identifier:
        """Read one card.

        Raises:
            CardError: the card is gone, refused or answers nonsense.
        """
        ...


class Demand(Protocol):
    """What a card has to prove now, asked while it is in the field. The reader's thread only."""

    def of(self, pseudonym: str | None) -> Assurance:
        """The least that policy, and this card's enrolment if it has one, ask for.

        Args:
            pseudonym: the card, once it is known which; None before.
        """
        ...


class PinSource(Protocol):
    """Where people enter their card's PIN. The reader's thread only."""

    def ask(self, tries_left: int, length: range, meanwhile: Callable[[], None]) -> str | None:
        """Wait for one PIN, while the card is in the field. Whoever gets it uses it at once and keeps it nowhere.

        Args:
            tries_left: that the card still allows, this one included.
            length: how many digits it may have.
            meanwhile: called twice a second, to see that the card is still there; what it raises ends the wait.

        Returns:
            ASCII digits, as they were entered; None if nobody finished in time.

        Raises:
            CardGone: from `meanwhile`.
        """
        ...


class Keypad(Protocol):
    """Keys for PINs and codes. One thread at a time."""

    def listen(self) -> AbstractContextManager[None]:
        """From here on keys count; what was pressed before is forgotten.

        Raises:
            KeypadUnavailable: it is not there, or another program has it.
        """
        ...

    def key(self, timeout_s: float) -> Key | None:
        """Wait for the next key that goes down, while listening.

        Args:
            timeout_s: how long, 0 or more.

        Returns:
            None if the time ran out, or what was pressed means nothing here.

        Raises:
            KeypadUnavailable: it is gone.
        """
        ...


class WakeableKeypad(Keypad, Protocol):
    """A keypad whose wait somebody else can end."""

    def wake(self) -> None:
        """End a wait for a key, with None: the one under way, or else perhaps the next. Any thread."""
        ...


class Inbox(Protocol):
    """The terminal's bounded queue. Any thread."""

    def put(self, item: Input) -> None:
        """Hand over an input.

        Raises:
            OverflowError: the terminal thread is far behind; a defect, so it ends the process.
        """
        ...


class InputQueue(Inbox, Protocol):
    """The inbox's other end. The terminal thread."""

    def get(self, timeout_s: float) -> Input | None:
        """Wait for the next input; None if the time runs out first."""
        ...


class Roster(Protocol):
    """Who is known here. The terminal thread."""

    @property
    def version(self) -> int:
        """Rises with each change of the roster; of the one that answered the last look-up, 0 if there is none."""
        ...

    @property
    def made_s(self) -> int | None:
        """When the site vouched for all of it: Unix time of the import of the one that answered the last look-up.

        None if nobody knows: it was filled one by one at this terminal, or imported by a Kazasu that did not say.
        """
        ...

    def known_as(self, pseudonym: str) -> str:
        """What the roster that answered the last look-up calls a card or a code, and events with it.

        A card and a code are looked up by what the first layer of the site's pepper makes of them, which is the same
        whatever roster comes; the roster's own pseudonyms may be under a later layer (model/pepper.py).
        """
        ...

    def forms(self, pseudonym: str) -> Collection[str]:
        """Every pseudonym that a card or a code has, under whatever layer: what older events call it."""
        ...

    def look_up(self, pseudonym: str) -> Enrolment | None:
        """Find a credential, in constant time and memory.

        Raises:
            RosterError: the store cannot be read, or is under a layer of the pepper that is not held.
        """
        ...

    def is_revoked(self, pseudonym: str) -> bool:
        """Whether the site took a credential back; `look_up` does not find it then. In constant time and memory.

        Raises:
            RosterError: the store cannot be read.
        """
        ...

    def code_of(self, pseudonym: str) -> CodeHolder | None:
        """Find whose a code is, and what is kept of its PIN, in constant time and memory; counts as a look-up.

        Raises:
            RosterError: the store cannot be read.
        """
        ...

    def find(self, number: str) -> Cardholder | None:
        """Find a person by the site's own number, with or without a card, in constant time and memory.

        Raises:
            RosterError: the store cannot be read.
        """
        ...

    def pool(self) -> Mapping[str, Loan | None]:
        """The day cards that the site lends, by number, and to whom. For people: at a tap `look_up` says it of one.

        Raises:
            RosterError: the store cannot be read.
        """
        ...


class Journal(Protocol):
    """The append-only, signed, hash-chained record. The terminal thread."""

    @property
    def epoch(self) -> str:
        """The chain's name: 16 hexadecimal digits, random, made with the journal."""
        ...

    @property
    def seq(self) -> int:
        """The last event's number; 0 if there is none."""
        ...

    def append(self, draft: Draft) -> Event:
        """Give the draft its place, sign it, and return once it is durable.

        Raises:
            JournalFull: no room, in the configuration or on the disk.
            JournalUnwritable: the file cannot be written.
        """
        ...

    def recent(self, span_s: int) -> Iterator[Event]:
        """The newest event and those of the `span_s` seconds before it, oldest first."""
        ...

    def idle(self) -> None:
        """Nobody is tapping: do what can wait (checkpoint, opening again after a fault, pruning by age)."""
        ...

    def usage(self) -> Usage:
        """How full it is."""
        ...

    def prune(self, receipt: Receipt) -> int:
        """Remove what the collector vouches for and is older than the configured age; returns how many.

        Raises:
            JournalCorrupt: the receipt does not match the chain.
        """
        ...


class Backlog(Protocol):
    """The journal as the publisher reads it, through a connection of its own. The publisher's thread."""

    @property
    def epoch(self) -> str:
        """The chain's name."""
        ...

    def after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Up to `limit` events after `seq`, in order: number and stored bytes."""
        ...

    def last_seq(self) -> int:
        """The newest event's number."""
        ...


class SendCursor(Protocol):
    """Up to where the broker took events over, and how often this terminal connected. The publisher's thread."""

    @property
    def seq(self) -> int:
        """Last event acknowledged with plain success, within the journal's epoch."""
        ...

    def advance(self, seq: int) -> None:
        """Move on; made durable every 200 events and at `flush`, so that a tap costs no second flush."""
        ...

    def flush(self) -> None:
        """Make the position durable."""
        ...

    def next_connection(self) -> int:
        """Count one more connection, durably, and return its number."""
        ...


class Service(Protocol):
    """What the terminal is for. The terminal thread, but for `asks`."""

    name: str

    def serves(self, reader: str) -> bool:
        """Whether a tap on a reader is its business."""
        ...

    def asks(self, enrolment: Enrolment | None, moment: Moment, roster_made_s: int | None) -> Assurance:
        """The least that a read has to prove to get anything here now. Any thread.

        Args:
            enrolment: whose card it is; None while nobody knows.
            moment: now.
            roster_made_s: see Roster.made_s.
        """
        ...

    def refused(self, presentation: Presentation, reason: DenyReason) -> Decision:
        """Answer a presentation that policy does not admit."""
        ...

    def decide(self, presentation: Presentation, moment: Moment) -> Decision:
        """Answer one presentation; changes nothing."""
        ...

    def recorded(self, event: Event) -> None:
        """Take over an event that is durable now; also called for the journal's recent events at start."""
        ...


class CuePlayer(Protocol):
    """Plays cues; a newer one interrupts. Any thread."""

    def play(self, name: CueName) -> None:
        """Begin at once: on return the first frame is on the outputs."""
        ...

    def rest(self, name: CueName) -> None:
        """Set what is shown while nothing else plays."""
        ...


class Captions(Protocol):
    """Words beside the cues, for a display; nobody needs them. The terminal thread; none of them waits or raises."""

    def cue(self, name: CueName) -> None:
        """Say in words what a cue says."""
        ...

    def entered(self, digits: int, *, of_code: bool) -> None:
        """Of a PIN, or of a code, there are so many digits now."""
        ...

    def abandoned(self) -> None:
        """Nobody finishes the code that was begun."""
        ...

    def chosen(self, direction: Direction) -> None:
        """A button was pressed for the next tap."""
        ...

    def answered(self, presentation: Presentation, decision: Decision) -> None:
        """A tap's event is durable: this is what came of it, and for whom."""
        ...

    def rest(self, name: CueName, alarm: Alarm | None) -> None:
        """Set what is shown while nobody taps: the cue at rest, and the door's alarm if it stands for one."""
        ...

    def recorded(self, event: Event) -> None:
        """Take over an event that is durable now; also called for the journal's recent events at start."""
        ...


class Output(Protocol):
    """LEDs, buzzer and relay. The cue player, under its lock."""

    def show(self, on: frozenset[Channel]) -> None:
        """Switch these channels on and all others off.

        Raises:
            OutputError: a part cannot be driven.
        """
        ...

    def close(self) -> None:
        """Switch everything off and let the pins go."""
        ...


class Lock(Protocol):
    """A door's lock. The terminal thread."""

    def release(self, wanted: LockOutput) -> None:
        """Release it, or lock it; what it is already stays as it is.

        Raises:
            OutputError: it cannot be driven.
        """
        ...


class Display(Protocol):
    """A small display. The display's own thread: it may take its time and fail without any tap's noticing."""

    def show(self, screen: Screen) -> None:
        """Replace what is shown, whole.

        Raises:
            DisplayError: it cannot be drawn on, or was closed.
        """
        ...

    def close(self) -> None:
        """Show nothing and let it go; closing it again does nothing.

        Raises:
            DisplayError: it did not answer; it counts as closed all the same.
        """
        ...


class MusterBoard(Protocol):
    """Where this terminal saw everybody last. Any thread; nobody waits for it but for a look at a dictionary."""

    def recorded(self, event: Event) -> None:
        """Take over an event that is durable now; also called for the journal's recent events at start."""
        ...

    @property
    def version(self) -> int:
        """Rises whenever there is something else to say."""
        ...

    @property
    def outdated(self) -> bool:
        """Whether somebody has come to count as out since the last documents, and only time did it."""
        ...

    def documents(self) -> tuple[int, tuple[bytes, ...]]:
        """All that there is to say now, signed, as `up/…/muster` has it; and the version that it is."""
        ...


class Wakeable(Protocol):
    """Something that sleeps until there is news. Any thread."""

    def wake(self) -> None:
        """There is news."""
        ...


class Beat(Protocol):
    """A loop's sign of life to the watchdog. Called by that loop's thread, at least every 10 s."""

    def __call__(self) -> None:
        """Still going round."""
        ...


class Health(Protocol):
    """What operations see of this terminal: flat fields and standing alerts. Any thread; wakes the publisher."""

    def note(self, **fields: int | str) -> None:
        """Set fields of `up/…/health`."""
        ...

    def alert(self, alert_id: str, message: str) -> None:
        """Raise `up/…/alert/<alert_id>`; raising it again with the same words does nothing."""
        ...

    def clear(self, alert_id: str) -> None:
        """End an alert; ending one that does not stand does nothing."""
        ...


class Loop(Protocol):
    """What one thread does for its whole life."""

    def run(self, beat: Beat) -> None:
        """Go round until `stop`; beat at least every 10 s. What it raises ends the process with that cause."""
        ...

    def stop(self) -> None:
        """Make `run` return soon. Any thread; calling it again does nothing."""
        ...
