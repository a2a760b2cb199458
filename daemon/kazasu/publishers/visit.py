"""A visit to the broker: a connection of a command's own, of which nothing stays there."""

from __future__ import annotations

import contextlib
import select
import time
from typing import TYPE_CHECKING

from kazasu.errors import BrokerUnsuitable
from kazasu.publishers.attempt import Attempt
from kazasu.publishers.mqtt import Connection
from kazasu.publishers.news import Lost, Opened, Received, SubscriptionRefused
from kazasu.publishers.reasons import FAILURE, in_words
from kazasu.publishers.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kazasu.publishers.news import News
    from kazasu.publishers.settings import Broker

_ANSWER_S = 10.0

_CERTIFICATE = {  # by the numbers of openssl/x509_vfy.h
    9: "is the clock here right?",
    10: "is the clock here right? If so, `kazasu site renew broker` makes the next certificate.",
    62: "the host has to be called as its certificate calls it.",
}


@contextlib.contextmanager
def visiting(broker: Broker, client_id: str, within_s: float = _ANSWER_S) -> Iterator[Connection]:
    """Connect and wait for the broker's answer; leave at the end.

    Args:
        broker: where, and what to show.
        client_id: not the terminal's own: the broker would throw the running daemon out.
        within_s: how long connecting may take, and again the answer.

    Raises:
        KeyMaterialError: a certificate or key file cannot be used.
        OSError: the broker cannot be reached, TLS failed, or it hung up.
        BrokerUnsuitable: it refuses, or does not speak MQTT 5.
    """
    connection = Connection(broker, client_id, will=None)
    waker = Waker()
    attempt = Attempt(connection, waker)
    poll = select.poll()
    poll.register(waker, select.POLLIN)
    if not poll.poll(within_s * 1000):
        raise TimeoutError(f"not reached within {within_s:g} s: the network, its name server, or the broker is silent")
    attempt.result()
    try:
        while not connection.news:
            if not go_on(connection, within_s):
                raise TimeoutError(f"no answer within {within_s:g} s: this is no MQTT broker, or it hangs")
        checked(connection.news.pop(0))
        yield connection
        if connection.fileno() >= 0:
            connection.disconnect()
    finally:
        connection.close()


def hear(
    broker: Broker,
    client_id: str,
    topics: Sequence[str],
    take: Callable[[str, bytes], None],
    *,
    quiet_s: Callable[[], float],
    most_s: float,
) -> None:
    """Visit a broker and hear what is retained there, and what comes meanwhile.

    Args:
        broker: where, and what to show.
        client_id: see `visiting`.
        topics: to subscribe to.
        take: is given each message's topic and payload.
        quiet_s: asked after each: how long nothing may have come for this to be all.
        most_s: and how long this may take altogether.

    Raises:
        KeyMaterialError: see `visiting`.
        OSError: see `visiting`.
        BrokerUnsuitable: see `visiting`; or it does not let this client hear these topics.
    """
    with visiting(broker, client_id, most_s) as connection:
        connection.subscribe(topics)
        began_s = heard_s = time.monotonic()
        while (wait_s := min(heard_s + quiet_s(), began_s + most_s) - time.monotonic()) > 0:
            go_on(connection, wait_s)
            news, connection.news = connection.news, []
            for item in news:
                checked(item)
                if isinstance(item, Received):
                    heard_s = time.monotonic()
                    take(item.topic, item.payload)


def words_of(error: Exception) -> str:
    """Why a visit failed: TLS errors say it in verify_message, those of the system in strerror, ours in themselves."""
    return getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)


def unreached(host: str, port: int, error: Exception) -> str:
    """Say that a broker cannot be used: where, why, and what to look at."""
    return f"the broker {host}:{port}: {words_of(error)}; {_look_at(error)}"


def _look_at(error: Exception) -> str:
    import socket
    import ssl

    match error:
        case ConnectionRefusedError():
            return "does mosquitto run there, and on that port?"
        case socket.gaierror():
            return "is the name right, and is there a network?"
        case ssl.SSLCertVerificationError(verify_code=code):
            return _CERTIFICATE.get(code, "its certificate has to come from the site's CA.")
        case ssl.SSLError():
            return "has the certificate that is shown to it ended, or was it revoked?"
    return "what does mosquitto's log say?"


def go_on(connection: Connection, wait_s: float) -> bool:
    """Wait for something to do, and do it; returns whether there was anything in time."""
    poll = select.poll()
    poll.register(connection, select.POLLIN | (select.POLLOUT if connection.wants_write else 0))
    if not poll.poll(wait_s * 1000):
        return False
    connection.write()
    connection.read()
    return True


def checked(item: News) -> None:
    """Return if this is no bad news.

    Raises:
        ConnectionError: the connection is gone.
        BrokerUnsuitable: the broker refuses, or does not speak MQTT 5.
    """
    match item:
        case Opened(code=code) | SubscriptionRefused(code=code) if code >= FAILURE:
            raise BrokerUnsuitable(in_words(code))
        case Lost(detail=detail, protocol_error=True):
            raise BrokerUnsuitable(f"what answers there does not speak MQTT 5: {detail}")
        case Lost(detail=detail):
            raise ConnectionError(detail)
