"""Does the broker take this terminal in? One connection, for `kazasu doctor`."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from kazasu.errors import BrokerUnsuitable
from kazasu.publishers.mqtt import Connection, Lost, Opened
from kazasu.publishers.reasons import FAILURE, in_words

if TYPE_CHECKING:
    from kazasu.publishers.settings import Broker

_ANSWER_S = 10.0


def probe(broker: Broker, client_id: str) -> None:
    """Connect, wait for the broker's answer, and leave; nothing stays at the broker.

    Args:
        broker: where, and what to show.
        client_id: not the terminal's own: the broker would throw the running daemon out.

    Raises:
        KeyMaterialError: a certificate or key file cannot be used.
        OSError: the broker cannot be reached, TLS failed, or it hung up.
        BrokerUnsuitable: it refuses, or does not speak MQTT 5.
    """
    connection = Connection(broker, client_id, will=None)
    connection.open()
    try:
        while not connection.news:
            poll = select.poll()
            poll.register(connection, select.POLLIN | (select.POLLOUT if connection.wants_write else 0))
            if not poll.poll(_ANSWER_S * 1000):
                raise TimeoutError(f"no answer within {_ANSWER_S:g} s: this is no MQTT broker, or it hangs")
            connection.write()
            connection.read()
        match connection.news[0]:
            case Opened(code=code) if code >= FAILURE:
                raise BrokerUnsuitable(in_words(code))
            case Lost(detail=detail, protocol_error=True):
                raise BrokerUnsuitable(f"what answers there does not speak MQTT 5: {detail}")
            case Lost(detail=detail):
                raise ConnectionError(detail)
        connection.disconnect()
    finally:
        connection.close()
