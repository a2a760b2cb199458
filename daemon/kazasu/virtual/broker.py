"""A private mosquitto with TLS and client certificates, for the demo and the tests.

It runs with config/mosquitto/kazasu.conf, of which it changes paths, the port and nothing else: what is shipped is
what is tried.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import ssl
from typing import TYPE_CHECKING

from kazasu.publishers.settings import Broker
from kazasu.site.broker_files import SHIPPED, configuration
from kazasu.virtual.certificates import ThrowawayCa
from kazasu.virtual.program import OwnProgram, Program

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.virtual.certificates import CertificateFiles

_HOST = "127.0.0.1"
_PORTS = range(20_000, 30_000)


class PrivateBroker(OwnProgram):
    """A broker of one's own, on 127.0.0.1 and a free port that stays the same over restarts.

    Args:
        directory: where its files go; made if it is missing.
        options: lines that replace those of the shipped configuration, by their first word, or come on top.
        names: in its certificate, beside localhost.
    """

    def __init__(self, directory: Path, *options: str, names: tuple[str, ...] = ()) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.log_file = directory / "mosquitto.log"
        super().__init__(Program("mosquitto", "mosquitto", self.log_file))
        self.ca = ThrowawayCa(directory, hosts=names)
        self.port = free_port()
        self._directory = directory
        self._issued: dict[str, CertificateFiles] = {}
        self._configuration = directory / "mosquitto.conf"
        self.configure(*options)

    def configure(self, *options: str) -> None:
        """Write the configuration anew; it counts from the next start on."""
        server = self._files("", server=True)
        acl = self._directory / "acl"
        shutil.copyfile(SHIPPED / "acl", acl)
        acl.chmod(0o600)
        changed = {
            "listener": f"listener {self.port} {_HOST}",
            "cafile": f"cafile {self.ca.ca_file}",
            "certfile": f"certfile {server.certificate_file}",
            "keyfile": f"keyfile {server.key_file}",
            "acl_file": f"acl_file {acl}",
            "persistence_location": f"persistence_location {self._directory}/",
            "user": f"user {pwd.getpwuid(os.geteuid()).pw_name}",
        } | {option.split()[0]: option for option in options}
        self._configuration.write_text(configuration(changed))

    def client(self, name: str) -> Broker:
        """How a client reaches this broker; its certificate, whose CN is `name`, is issued at the first call."""
        files = self._files(name)
        return Broker(
            host="localhost",
            port=self.port,
            ca_file=self.ca.ca_file,
            certificate_file=files.certificate_file,
            key_file=files.key_file,
        )

    def start(self) -> None:
        """Start, and return once it accepts TLS connections.

        Raises:
            RuntimeError: it ended at once, or does not listen in time; its log is in the message.
        """
        self._program.start(["-c", self._configuration], self._accepts)

    def freeze(self) -> None:
        """Stop it in its tracks: the connections stay, nothing is answered."""
        self._program.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._program.send(signal.SIGCONT)

    def close(self) -> None:
        """End it for good: what it saves nobody reads again."""
        self.kill()

    def _files(self, name: str, *, server: bool = False) -> CertificateFiles:
        if name not in self._issued:
            self._issued[name] = self.ca.server() if server else self.ca.client(name)
        return self._issued[name]

    def _accepts(self) -> bool:
        return accepts(self.ca.ca_file, self.port)


def accepts(ca_file: Path, port: int) -> bool:
    """Whether a broker shakes hands, here and on this port; without a certificate it hangs up right after."""
    context = ssl.create_default_context(cafile=ca_file)
    with (
        contextlib.suppress(OSError),
        socket.create_connection((_HOST, port), timeout=1) as tcp,
        context.wrap_socket(tcp, server_hostname="localhost"),
    ):
        return True
    return False


def free_port() -> int:
    """A port that nobody listens on, below those that the kernel gives to outgoing connections.

    Out of that range, somebody's connection could sit on the port while the broker is down.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((_HOST, port))
            return port
    raise RuntimeError("no free port on 127.0.0.1")
