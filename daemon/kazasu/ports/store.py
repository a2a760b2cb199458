"""What is kept: the roster, the journal, and how far it was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from kazasu.model.access import Cardholder, Enrolment
    from kazasu.model.code import CodeHolder
    from kazasu.model.day_card import Loan
    from kazasu.model.event import Draft, Event
    from kazasu.model.receipt import Receipt
    from kazasu.model.usage import Usage


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
