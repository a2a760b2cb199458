from __future__ import annotations

import http.client
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from kazasu.collector.metrics_server import MetricsServer
from kazasu.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    server = MetricsServer("127.0.0.1", 0, lambda: "kazasu_x 1\n")
    thread = threading.Thread(target=server.run, args=(lambda: None,))
    thread.start()
    yield server
    server.stop()
    thread.join(30)
    assert not thread.is_alive()


def ask(server: MetricsServer, method: str = "GET", path: str = "/metrics") -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read()
    finally:
        connection.close()


def test_prometheus_reads_the_page(server: MetricsServer) -> None:
    assert ask(server) == (200, "text/plain; version=0.0.4; charset=utf-8", b"kazasu_x 1\n")
    assert ask(server, path="/metrics?x=1")[0] == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/", 404), ("POST", "/metrics", 501)])
def test_nothing_else_is_there(server: MetricsServer, method: str, path: str, status: int) -> None:
    assert ask(server, method, path)[0] == status


def test_who_dawdles_holds_up_nobody(server: MetricsServer) -> None:
    dawdlers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
    for dawdler in dawdlers:
        dawdler.sendall(b"GET /met")
    assert ask(server)[0] == 200
    for dawdler in dawdlers:
        dawdler.close()


def test_who_comes_when_all_places_are_taken_is_hung_up_on(server: MetricsServer) -> None:
    dawdlers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
    assert dawdlers[4].recv(1) == b""
    for dawdler in dawdlers:
        dawdler.close()


def test_a_port_that_is_taken_is_said(server: MetricsServer) -> None:
    with pytest.raises(ConfigurationError, match=f"127.0.0.1, port {server.port}: Address already in use"):
        MetricsServer("127.0.0.1", server.port, str)
