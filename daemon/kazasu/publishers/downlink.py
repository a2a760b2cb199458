"""What comes down from the site: receipts, whether a collector is there, and what listeners hear. Untrusted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from kazasu.errors import SignatureInvalid
from kazasu.model.input import ReceiptArrived
from kazasu.publishers.receipt_trust import ReceiptReader
from kazasu.publishers.wire import presence

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from kazasu.model.document import Verifier
    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox
    from kazasu.ports.store import Backlog
    from kazasu.publishers.command_listener import Answer, CommandListener
    from kazasu.publishers.news import Received
    from kazasu.publishers.settings import Settings
    from kazasu.publishers.wire import Topics

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Hears topics of its own. The publisher's thread.

    Attributes:
        subscriptions: the topics, `+` and `#` included.
    """

    subscriptions: Sequence[str]

    def take(self, message: Received) -> bool:
        """Take a message if its topic is one of these; returns whether it is. Whatever it holds, raise nothing."""
        ...


class Downlink:
    """Takes messages from the site. The publisher's thread.

    Args:
        settings: whose terminal this is.
        topics: its topics.
        collector: checks receipts; None at a site that runs no collector, which then is not listened to.
        backlog: says which epoch receipts have to speak of.
        inbox: where a receipt that holds goes.
        health: where presence and refused receipts are noted.
        commands: who hears commands; None where there is no site key.
        listeners: who hears the rest; each topic is one listener's.
        wanted: topics of theirs to be subscribed to only while they are in it.

    Attributes:
        subscriptions: the topics to subscribe to.
        wanted: as above.
    """

    def __init__(  # noqa: PLR0913  (each is a seam)
        self,
        settings: Settings,
        topics: Topics,
        collector: Verifier | None,
        *,
        backlog: Backlog,
        inbox: Inbox,
        health: Health,
        commands: CommandListener | None = None,
        listeners: Sequence[Listener] = (),
        wanted: Callable[[], Collection[str]] = tuple,
    ) -> None:
        if commands is not None:
            listeners = (commands, *listeners)
        self.wanted = wanted
        own = () if collector is None else (topics.receipt, topics.collector)
        self.subscriptions = (*own, *(topic for listener in listeners for topic in listener.subscriptions))
        self._commands = commands
        self._listeners = listeners
        self._topics = topics
        self._receipts = None if collector is None else ReceiptReader(settings.site, settings.terminal, collector)
        self._backlog = backlog
        self._inbox = inbox
        self._health = health
        self._receipt = ("", 0)  # epoch and seq of the newest one handed over
        self._refused = 0
        health.note(collector="none" if collector is None else "unknown")

    def take(self, message: Received) -> bool:
        """Take one message; returns whether it says that a collector is there now."""
        if message.topic == self._topics.receipt:
            self._take_receipt(message.payload)
        elif message.topic == self._topics.collector:
            state = presence(message.payload)
            self._health.note(collector=state)
            return state == "online"
        else:
            for listener in self._listeners:
                if listener.take(message):
                    break
        return False

    def turn(self, now_s: float) -> None:
        """Do what is due, whether anything came or not."""
        if self._commands is not None:
            self._commands.turn(now_s)

    def next_answer(self) -> Answer | None:
        """The next answer to a command; None if there is none."""
        return None if self._commands is None else self._commands.next_answer()

    def _take_receipt(self, payload: bytes) -> None:
        if self._receipts is None or not payload:  # an empty payload is a retained receipt that was removed
            return
        try:
            receipt = self._receipts.read(payload)
        except SignatureInvalid as error:
            self._refused += 1
            _log.warning("receipt_refused", extra={"fields": {"detail": str(error)}})
            self._health.note(receipts_refused=self._refused)
            return
        epoch, seq = self._receipt
        if receipt.epoch != self._backlog.epoch:
            # Retained from before the journal was made anew: true, and of no use here.
            _log.info("receipt_of_another_epoch", extra={"fields": {"epoch": receipt.epoch, "seq": receipt.seq}})
        elif receipt.epoch != epoch or receipt.seq > seq:
            # A lower one than the cursor only means that the collector is behind: nothing is sent again for it.
            self._receipt = (receipt.epoch, receipt.seq)
            self._health.note(receipt_seq=receipt.seq)
            self._inbox.put(ReceiptArrived(receipt=receipt))
