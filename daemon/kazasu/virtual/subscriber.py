"""A checking subscriber: a stand-in for the collector in the demo and the tests.

It keeps nothing on disk, but it does what a collector is for: a persistent session, each signature checked, each chain
followed, duplicates told from gaps, and signed cumulative receipts.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import msgspec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kazasu.errors import SignatureInvalid
from kazasu.model.document import canonical, signed
from kazasu.model.event import GENESIS, WIRE_VERSION, opened
from kazasu.publishers.tls import client_context
from kazasu.publishers.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from paho.mqtt.client import ConnectFlags, MQTTMessage
    from paho.mqtt.reasoncodes import ReasonCode

    from kazasu.model.document import Signer, Verifier
    from kazasu.model.event import Event
    from kazasu.publishers.settings import Broker

_log = logging.getLogger(__name__)

_EVENT_LEVELS = 6  # kazasu / v1 / site / up / terminal / event
_SESSION_EXPIRY_S = 3600
_KEEPALIVE_S = 30


class Chain(msgspec.Struct, kw_only=True):
    """What arrived of one terminal's epoch.

    Attributes:
        seq: the last event that follows all before it.
        digest: its digest.
    """

    seq: int = 0
    digest: str = GENESIS


class CheckingSubscriber:
    """Subscribes to all terminals' events at a site.

    Args:
        broker: where, and as whom.
        site: the site's name.
        verifiers: each terminal's event key.
        signer: the collector's key: signs receipts; None sends none.
        receipt_every: a receipt after so many new events of a terminal.

    Attributes:
        events: what was accepted, in the order of arrival.
        duplicates: how many events came again.
        problems: gaps, broken chains and bad signatures, in words; empty if all is well.
        retained: the newest retained payload of every topic below `up/` that is no event.
        states: every state message, in the order of arrival.
    """

    def __init__(
        self,
        broker: Broker,
        site: str,
        verifiers: Mapping[str, Verifier],
        *,
        signer: Signer | None = None,
        receipt_every: int = 1,
    ) -> None:
        self.events: list[Event] = []
        self.duplicates = 0
        self.problems: list[str] = []
        self.retained: dict[str, bytes] = {}
        self.states: list[bytes] = []
        self._broker = broker
        self._site = site
        self._verifiers = verifiers
        self._signer = signer
        self._receipt_every = receipt_every
        self._chains: dict[tuple[str, str], Chain] = {}
        self._news = threading.Condition()
        self._subscribed = False
        self._all = Topics(site, "+")
        client = Client(CallbackAPIVersion.VERSION2, "collector", protocol=MQTTProtocolVersion.MQTTv5)
        client.tls_set_context(client_context(broker))
        client.reconnect_delay_set(1, 1)
        client.will_set(self._all.collector, _presence("offline"), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._client = client

    def start(self, timeout_s: float = 30.0) -> None:
        """Connect, and return once subscribed; from then on it reconnects by itself.

        Raises:
            OSError: the broker cannot be reached.
            TimeoutError: it does not answer in time.
        """
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = _SESSION_EXPIRY_S
        # clean_start=False the first time too: mosquitto saves only what such a session has not yet been given.
        broker = self._broker
        self._client.connect(broker.host, broker.port, _KEEPALIVE_S, clean_start=False, properties=properties)
        self._client.loop_start()
        if not self.wait_for(lambda: self._subscribed, timeout_s):
            raise TimeoutError("the broker did not confirm the subscription")

    def stop(self) -> None:
        """Leave; the session stays at the broker."""
        if self._client.is_connected():  # else the broker is gone already, and so is the session
            self._client.publish(self._all.collector, _presence("offline"), qos=1, retain=True).wait_for_publish(2.0)
        self._client.disconnect()
        self._client.loop_stop()

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> bool:
        """Wait until the condition holds, looking whenever something arrives; returns whether it does."""
        with self._news:
            return self._news.wait_for(condition, timeout_s)

    def seq(self, terminal: str) -> int:
        """The last event of a terminal's newest epoch that follows all before it; 0 if there is none."""
        seqs = [chain.seq for (owner, _), chain in self._chains.items() if owner == terminal]
        return seqs[-1] if seqs else 0

    def send_receipt(self, terminal: str) -> None:
        """Vouch now for what there is of a terminal's newest epoch."""
        for (owner, epoch), chain in reversed(self._chains.items()):
            if owner == terminal:
                self._send_receipt(terminal, epoch, chain)
                return

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            _log.warning("subscriber_refused", extra={"fields": {"detail": str(reason)}})
            return
        client.subscribe(self._all.up + "/#", qos=1)
        client.publish(self._all.collector, _presence("online"), qos=1, retain=True)

    def _on_subscribe(self, *_: object) -> None:
        with self._news:
            self._subscribed = True
            self._news.notify_all()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        payload = bytes(message.payload)
        with self._news:
            levels = message.topic.split("/")
            if levels[-1] == "event" and len(levels) == _EVENT_LEVELS:
                self._take_event(levels[-2], payload)
            else:
                self.retained[message.topic] = payload
                if levels[-1] == "state":
                    self.states.append(payload)
            self._news.notify_all()

    def _take_event(self, terminal: str, body: bytes) -> None:
        verifier = self._verifiers.get(terminal)
        if verifier is None:
            self.problems.append(f"an event of the unknown terminal {terminal!r}")
            return
        try:
            event = opened(body, verifier)
        except SignatureInvalid as error:
            self.problems.append(f"{terminal}: {error}")
            return
        if (event.fields["site"], event.fields["terminal"]) != (self._site, terminal):
            self.problems.append(f"{terminal}: event {event.fields['id']} is another terminal's")
            return
        epoch = str(event.fields["epoch"])
        chain = self._chains.setdefault((terminal, epoch), Chain())
        if event.seq <= chain.seq:
            self.duplicates += 1
        elif event.seq != chain.seq + 1:
            self.problems.append(f"{terminal}: event {event.seq} after {chain.seq}: a gap")
        elif event.fields["prev"] != chain.digest:
            self.problems.append(f"{terminal}: event {event.seq} does not name the hash of {chain.seq}")
        else:
            chain.seq, chain.digest = event.seq, event.digest
            self.events.append(event)
            if event.seq % self._receipt_every == 0:
                self._send_receipt(terminal, epoch, chain)

    def _send_receipt(self, terminal: str, epoch: str, chain: Chain) -> None:
        if self._signer is not None:
            payload = signed_receipt(self._signer, self._site, terminal, epoch, chain)
            self._client.publish(Topics(self._site, terminal).receipt, payload, qos=1, retain=True)


def signed_receipt(signer: Signer, site: str, terminal: str, epoch: str, chain: Chain) -> bytes:
    """A receipt as it is on the wire: every event of the epoch up to the chain's end is kept."""
    fields: dict[str, int | str] = {
        "v": WIRE_VERSION,
        "site": site,
        "terminal": terminal,
        "epoch": epoch,
        "seq": chain.seq,
        "hash": chain.digest,
    }
    return signed(fields, signer).body


def _presence(state: str) -> bytes:
    return canonical({"v": WIRE_VERSION, "state": state})
