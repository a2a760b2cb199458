"""The importer of paho: one `Connection` is one connection to the broker, used once.

Importing paho takes as long as everything else together, so the publisher imports this module in its own thread.

What is made impossible here (facts about paho-mqtt 2.2, each seen in the lab):

- Its out-queue outlives a connection and is sent again by itself, beside what we send again, and without any limit:
  a `Connection` has a client of its own and dies with it, and `publish` refuses when there is no connection.
- Its own in-flight limit queues, and scans that queue at each acknowledgement: switched off (0); window.py counts.
- Only `on_publish` of callback API 2 sees a reason code: that is where acknowledgements are taken from.
- `on_publish` runs under a lock that `publish` takes, and an exception in a callback kills paho's thread unseen while
  `is_connected()` stays true: there is no such thread, callbacks only append to a list, and nothing here locks.
- An acknowledgement that is there before `publish` returns: `publish` only enqueues, and only `read` reads.
- `loop_stop()` hangs while something is unacknowledged: no thread, no `loop_stop()`.
- `clean_start` defaults to wiping the session at the first connection: False, with a session expiry.
- A broker that is silent is noticed after twice the keepalive, one that never acknowledges not at all: session.py
  has a time-out of its own.
- Resolving names and TLS have no bound: `open` blocks, so attempt.py runs it in a thread of its own.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from kazasu.publishers.news import Lost, Opened, Received, SubscriptionRefused
from kazasu.publishers.reasons import FAILURE, NO_QOS, NO_RETAIN, SUCCESS, in_words
from kazasu.publishers.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.reasoncodes import ReasonCode

    from kazasu.publishers.news import News
    from kazasu.publishers.settings import Broker

KEEPALIVE_S = 30
SESSION_EXPIRY_S = 7 * 24 * 3600
"""How long the broker keeps what it has for a terminal that is away."""

_CONNECT_TIMEOUT_S = 10.0  # for TCP, and again for the TLS handshake
_RECEIVE_MAXIMUM = 65_535  # what a broker allows that names none (MQTT 5.0, section 3.2.2.3.3)


class PackedProperties(Properties):
    """Properties of a PUBLISH that are packed already; paho asks for nothing but `pack`."""

    def __init__(self, packed: bytes) -> None:
        object.__setattr__(self, "_packed", packed)  # Properties lets nothing be set but MQTT's own names

    def pack(self) -> bytes:
        """The bytes, their length first."""
        packed: bytes = object.__getattribute__(self, "_packed")
        return packed


class Connection:
    """One connection to the broker.

    Args:
        broker: where to.
        client_id: the session's name at the broker.
        will: topic and payload that the broker publishes, retained, when the connection breaks; None for a visitor, of
            whom nothing stays at the broker.

    Attributes:
        acks: packet identifiers and reason codes of PUBACKs, oldest first; the reader empties it.
        news: everything else that happened, oldest first; the reader empties it.
        receive_maximum: how many messages the broker lets be unacknowledged, once it has answered.
    """

    def __init__(self, broker: Broker, client_id: str, will: tuple[str, bytes] | None) -> None:
        self.acks: list[tuple[int, int]] = []
        self.news: list[News] = []
        self.receive_maximum = _RECEIVE_MAXIMUM
        self._broker = broker
        self._closed = False
        self._disconnect_code = SUCCESS
        self._last_error = _LastError()
        client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(0)
        if will is not None:
            client.will_set(*will, qos=1, retain=True)
        self._session_expiry_s = 0 if will is None else SESSION_EXPIRY_S
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_register_write = _leave_it_to_write
        client.enable_logger(self._last_error.logger)
        self._client = client

    def open(self) -> None:
        """Resolve the name, connect, shake hands; blocks without a bound, and any thread may do it.

        Raises:
            KeyMaterialError: a certificate or key file cannot be used.
            OSError: the broker cannot be reached, or TLS failed.
        """
        self._client.tls_set_context(client_context(self._broker))
        host, port = self._broker.host, self._broker.port
        try:
            self._client.connect(host, port, KEEPALIVE_S, clean_start=False, properties=self._properties())
        except UnicodeError as error:
            raise ConnectionError(f"{host!r} is no host name: {error}") from error

    def fileno(self) -> int:
        """The socket, to poll on; -1 once the connection is gone."""
        sock = self._client.socket()
        return -1 if self._closed or sock is None else sock.fileno()

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be written."""
        return self._client.want_write()

    def read(self) -> None:
        """Read what has come and keep the connection alive, without blocking; see `acks` and `news`."""
        self._drive(self._read)

    def write(self) -> None:
        """Write what was enqueued as far as it goes without blocking."""
        if self._client.want_write():
            self._drive(self._client.loop_write)

    def write_now(self) -> None:
        """Write what somebody waits for: it leaves before the other side has acknowledged what went before it.

        That takes up to 40 ms otherwise (Nagle's algorithm and a delayed acknowledgement). To do without the algorithm
        altogether costs a third of the events a second.
        """
        self.write()
        sock = self._client.socket()
        if self.fileno() >= 0 and isinstance(sock, socket.socket):
            for on in (1, 0):  # setting it sends what waits (tcp(7), TCP_NODELAY)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, on)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, properties: bytes | None = None) -> int:
        """Enqueue a message of QoS 1 for the next `write`; return its packet identifier.

        Raises:
            ConnectionError: there is no connection. paho would keep the message and send it in the next one.
        """
        if self.fileno() < 0:
            raise ConnectionError("not connected")
        packed = None if properties is None else PackedProperties(properties)
        return self._client.publish(topic, payload, qos=1, retain=retain, properties=packed).mid

    def subscribe(self, topics: Sequence[str], *, qos: int = 1) -> None:
        """Subscribe, but for what this client publishes itself; retained messages come each time.

        What is published to be kept says so also to those who are there when it comes (retain as published): what must
        never be kept is refused at once, not only by the terminal's next connection.
        """
        options = SubscribeOptions(qos=qos, noLocal=True, retainAsPublished=True)
        self._client.subscribe([(topic, options) for topic in topics])

    def unsubscribe(self, topics: Sequence[str]) -> None:
        """Hear these topics no longer; what is on its way still comes."""
        self._client.unsubscribe(list(topics))

    def disconnect(self) -> None:
        """Tell the broker that this is the end, so that it keeps the will to itself; then close."""
        self._client.disconnect()
        self._client.loop_write()
        self.close()

    def close(self) -> None:
        """Close without a word: the broker publishes the will."""
        sock = self._client.socket()
        if sock is not None:
            sock.close()
        self._closed = True

    def _properties(self) -> Properties:
        """What CONNECT says of this client."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session_expiry_s
        return properties

    def _read(self) -> MQTTErrorCode:
        client = self._client
        rc = client.loop_read()
        # TLS hands over a record at a time, and poll does not see what of it is left.
        while rc == MQTTErrorCode.MQTT_ERR_SUCCESS and (sock := client.socket()) is not None and sock.pending():  # type: ignore[attr-defined]  # a TLS socket
            rc = client.loop_read()
        return rc or client.loop_misc()

    def _drive(self, step: Callable[[], MQTTErrorCode]) -> None:
        if self._closed:
            return
        try:
            protocol_error = step() == MQTTErrorCode.MQTT_ERR_PROTOCOL
        except Exception as error:  # noqa: BLE001  (a broker's bytes may end this connection, never the daemon)
            self._last_error.text = f"the broker sent what cannot be read: {error!r}"
            protocol_error = True
            self.close()
        if self.fileno() < 0:
            self._closed = True
            self.news.append(
                Lost(detail=self._last_error.text, code=self._disconnect_code, protocol_error=protocol_error)
            )

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        code = reason.value
        if code == SUCCESS and getattr(properties, "MaximumQoS", 2) == 0:
            code = NO_QOS
        elif code == SUCCESS and getattr(properties, "RetainAvailable", 1) == 0:
            code = NO_RETAIN
        self.receive_maximum = getattr(properties, "ReceiveMaximum", _RECEIVE_MAXIMUM)
        self.news.append(Opened(code=code, receive_maximum=self.receive_maximum))

    def _on_disconnect(
        self, _client: Client, _data: object, flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._disconnect_code = reason.value
            self._last_error.text = in_words(reason.value)
        elif not self._last_error.text:
            self._last_error.text = f"the connection broke ({reason})"

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        properties = message.properties
        self.news.append(
            Received(
                topic=message.topic,
                payload=bytes(message.payload),
                retain=message.retain,
                response_topic=getattr(properties, "ResponseTopic", ""),
                correlation=getattr(properties, "CorrelationData", b""),
            )
        )

    def _on_publish(
        self, _client: Client, _data: object, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self.acks.append((mid, reason.value))

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self.news.extend(SubscriptionRefused(code=reason.value) for reason in reasons if reason.value >= FAILURE)


class _LastError(logging.Handler):
    """Keeps what paho says of the last error: only its log names the TLS alert that a connection died of."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = ""
        self.logger = logging.Logger("paho", logging.ERROR)  # noqa: LOG001  (in no hierarchy: nobody else hears it)
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


def _leave_it_to_write(_client: Client, _data: object, _sock: object) -> None:
    """That this exists keeps `publish` from writing to the socket itself."""
