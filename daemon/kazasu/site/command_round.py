"""One command to many terminals: who is there, who did it, who refused, and who did not answer.

A terminal that the broker knows to be offline is not sent anything: a command is for now. What the others say counts
once their own event key has signed it.
"""

from __future__ import annotations

import enum
import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

from kazasu.errors import KazasuError, SignatureInvalid
from kazasu.model.command import LONGEST_LIFE_S
from kazasu.publishers.news import Received
from kazasu.publishers.reasons import FAILURE, NO_SUBSCRIBER, in_words
from kazasu.publishers.visit import checked, go_on, unreached, visiting
from kazasu.publishers.wire import Topics, command_properties, presence
from kazasu.site.commands import read_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.document import Verifier
    from kazasu.publishers.mqtt import Connection
    from kazasu.publishers.settings import Broker
    from kazasu.site.commands import CommandWriter

_STATES_S = 1.0  # the broker sends what it keeps at once; of a terminal that it never heard of there is nothing
ANSWER_S = LONGEST_LIFE_S + 2.0
"""So long a terminal may take: an answer to a command of the last moment is still on its way."""

_IN_FLIGHT = 100
_NOT_HEARD = "nobody hears commands there: no terminal of that name, or one without [site]"


class Reached(enum.StrEnum):
    """How far a command to one terminal is; all but the first are ends."""

    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"  # by the terminal, in words that it signed
    NO_ANSWER = "no_answer"
    OFFLINE = "offline"  # and so it was not sent
    NOT_HEARD = "not_heard"  # nobody subscribes there
    NOT_SENT = "not_sent"  # the broker did not take it


class Progress(NamedTuple):
    """What became of a command to one terminal.

    Attributes:
        terminal: which.
        reached: how far it is.
        said: in words.
        seq: the terminal's event that says so; 0 if there is none.
    """

    terminal: str
    reached: Reached
    said: str = ""
    seq: int = 0


class Tally:
    """What is known of each terminal so far; pure.

    Args:
        site: the site's name.
        keys: the terminals by name, and what each one's answer may be signed with.
    """

    def __init__(self, site: str, keys: Mapping[str, Sequence[Verifier]]) -> None:
        self._site = site
        self._keys = keys
        self._topics = {terminal: Topics(site, terminal) for terminal in keys}
        self._whose = {topic: name for name, own in self._topics.items() for topic in (own.state, own.answer)}
        self._states: dict[str, str] = {}
        self._in_flight: dict[int, str] = {}
        self._waiting: dict[str, str] = {}  # terminal → the transaction that it has not answered yet
        self._doubts: dict[str, str] = {}

    @property
    def in_flight(self) -> int:
        """How many commands the broker has not acknowledged yet."""
        return len(self._in_flight)

    @property
    def all_known(self) -> bool:
        """Whether it is known of every terminal if it is there."""
        return self._states.keys() >= self._keys.keys()

    @property
    def all_ended(self) -> bool:
        """Whether no answer is waited for."""
        return not self._waiting

    def is_offline(self, terminal: str) -> bool:
        """Whether the broker knows that a terminal is gone."""
        return self._states.get(terminal) == "offline"

    def sent(self, terminal: str, mid: int, transaction: str) -> None:
        """A command left as packet `mid`."""
        self._in_flight[mid] = terminal
        self._waiting[terminal] = transaction

    def acknowledged(self, mid: int, code: int) -> Progress | None:
        """The broker answered a packet; what that ends, if anything."""
        terminal = self._in_flight.pop(mid, None)
        if terminal not in self._waiting or (code != NO_SUBSCRIBER and code < FAILURE):
            return None
        del self._waiting[terminal]
        if code == NO_SUBSCRIBER:
            return Progress(terminal, Reached.NOT_HEARD, _NOT_HEARD)
        return Progress(terminal, Reached.NOT_SENT, in_words(code))

    def heard(self, topic: str, payload: bytes) -> Progress | None:
        """A message came: a state, or an answer; what that ends, if anything."""
        terminal = self._whose.get(topic)
        if terminal is None:
            return None
        if topic == self._topics[terminal].state:
            self._states[terminal] = presence(payload)
        elif topic == self._topics[terminal].answer and terminal in self._waiting:
            return self._answered(terminal, payload)
        return None

    def unanswered(self) -> Iterator[Progress]:
        """Those that an answer is still waited for."""
        for terminal in self._waiting:
            yield Progress(terminal, Reached.NO_ANSWER, self._doubts.get(terminal, f"no answer within {ANSWER_S:g} s"))

    def _answered(self, terminal: str, payload: bytes) -> Progress | None:
        try:
            transaction, verdict = read_answer(payload, self._site, terminal, self._keys[terminal])
        except SignatureInvalid as error:
            self._doubts[terminal] = f"an answer came that the terminal did not sign: {error}"
            return None
        if transaction != self._waiting[terminal]:
            return None
        del self._waiting[terminal]
        return Progress(terminal, Reached.DONE if verdict.ok else Reached.REFUSED, verdict.said, verdict.seq)


class CommandRound:
    """Sends one command to each of some terminals, in a visit to the broker.

    Args:
        broker: where, and as whom.
        site: the site's name.
        keys: the terminals by name, and what each one's answer may be signed with.
        writer: signs.
    """

    def __init__(
        self, broker: Broker, site: str, keys: Mapping[str, Sequence[Verifier]], writer: CommandWriter
    ) -> None:
        self._broker = broker
        self._site = site
        self._terminals = list(keys)
        self._writer = writer
        self._tally = Tally(site, keys)

    def send(self, command: str, arguments: EventFields) -> Iterator[Progress]:
        """Send it, and say of each terminal how far it is.

        Raises:
            KazasuError: the broker cannot be reached, refuses, or breaks off.
        """
        try:
            with visiting(self._broker, f"desk-{secrets.token_hex(6)}") as connection:
                yield from self._send_to_all(connection, command, arguments)
        except OSError as error:
            raise KazasuError(unreached(self._broker.host, self._broker.port, error)) from error

    def _send_to_all(self, connection: Connection, command: str, arguments: EventFields) -> Iterator[Progress]:
        tally, everybody = self._tally, Topics(self._site, "+")
        connection.subscribe((everybody.state, everybody.answer))
        yield from self._until(lambda: tally.all_known, _STATES_S, connection)
        room = min(connection.receive_maximum, _IN_FLIGHT)
        for terminal in self._terminals:
            if tally.is_offline(terminal):
                yield Progress(terminal, Reached.OFFLINE, "it is offline, so it was not sent")
                continue
            yield from self._until(lambda: tally.in_flight < room, ANSWER_S, connection)
            written, topics = self._writer.write(terminal, command, arguments), Topics(self._site, terminal)
            properties = command_properties(topics.answer, bytes.fromhex(written.transaction), LONGEST_LIFE_S)
            mid = connection.publish(topics.command, written.payload, properties=properties)
            tally.sent(terminal, mid, written.transaction)
            connection.write_now()
            yield Progress(terminal, Reached.SENT)
        yield from self._until(lambda: tally.all_ended, ANSWER_S, connection)
        yield from tally.unanswered()

    def _until(self, condition: Callable[[], bool], timeout_s: float, connection: Connection) -> Iterator[Progress]:
        """Go on until something is so, or the time is up."""
        until_s = time.monotonic() + timeout_s
        while not condition() and (left_s := until_s - time.monotonic()) > 0:
            go_on(connection, left_s)
            news, connection.news = connection.news, []
            for item in news:
                checked(item)
                if isinstance(item, Received) and (ended := self._tally.heard(item.topic, item.payload)) is not None:
                    yield ended
            acks, connection.acks = connection.acks, []
            for mid, code in acks:
                if (ended := self._tally.acknowledged(mid, code)) is not None:
                    yield ended
