"""The HTTP server that Prometheus reads from: one page, `/metrics`."""

from __future__ import annotations

import http.server
import logging
import select
import socket
import socketserver
import sys
import threading
from typing import TYPE_CHECKING

from kazasu.collector.exposition import CONTENT_TYPE
from kazasu.errors import ConfigurationError
from kazasu.publishers.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports.loops import Beat

_log = logging.getLogger(__name__)

_BEAT_S = 9.0  # ports.loops.Beat asks for one at least every 10 s
_CLIENT_S = 5.0
_READERS = 4  # there is one Prometheus, or two; who dawdles takes a place, and no more than that


class MetricsServer:
    """Implements ports.loops.Loop. A reader has a thread of its own, so that none holds up the watchdog.

    Args:
        host: the address to listen on.
        port: 0 for any that is free.
        text: writes the metrics; any thread.

    Attributes:
        port: the one that it listens on.

    Raises:
        ConfigurationError: it cannot listen there.
    """

    def __init__(self, host: str, port: int, text: Callable[[], str]) -> None:
        try:
            self._server = _Server(host, port, text)
        except OSError as error:
            raise ConfigurationError(
                f"metrics cannot be served on {host}, port {port}: {error.strerror or error}; choose another"
            ) from error
        self._server.timeout = 0
        self._waker = Waker()
        self._stopping = threading.Event()
        self.port: int = self._server.server_address[1]

    def run(self, beat: Beat) -> None:
        """Serve until `stop`; see ports.loops.Loop."""
        poll = select.poll()
        poll.register(self._waker, select.POLLIN)
        poll.register(self._server, select.POLLIN)
        try:
            while not self._stopping.is_set():
                beat()
                poll.poll(_BEAT_S * 1000)
                self._server.handle_request()
        finally:
            self._server.server_close()

    def stop(self) -> None:
        """See ports.loops.Loop."""
        self._stopping.set()
        self._waker.wake()


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):  # HTTPServer would ask a name server who it is
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, text: Callable[[], str]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.text = text
        self._places = threading.BoundedSemaphore(_READERS)
        super().__init__((host, port), _Handler)

    def verify_request(self, request: object, client_address: object) -> bool:
        """Whether there is a place; who gets none is hung up on."""
        return self._places.acquire(blocking=False)

    def process_request_thread(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]  # sockets only
        """Serve one reader, and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that went is no news; a defect of ours is."""
        error = sys.exception()
        if not isinstance(error, OSError):
            _log.error("metrics_failed", exc_info=error)


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = _CLIENT_S
    server_version = "kazasu"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        """Answer."""
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, "only /metrics is here")
            return
        body = self.server.text().encode()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the standard library's name)
        """Somebody reads it every 15 s: no news."""
        _log.debug("metrics_read", extra={"fields": {"detail": format % args}})
