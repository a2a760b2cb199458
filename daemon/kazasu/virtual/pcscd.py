"""A private pcscd with vpcd's virtual readers, for the demo and the tests; only inside the sandbox."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from pathlib import Path

from kazasu.virtual.program import OwnProgram, Program
from kazasu.virtual.sandbox import in_sandbox

_DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
_SOCKET = Path("/run/pcscd/pcscd.comm")
_SLOTS_PER_READER = 2  # VICC_MAX_SLOTS, which vpcd is compiled with: the second one listens on the next port
_PORTS = range(1024, 32_768)  # above the privileged ones, below those that the kernel gives to outgoing connections
_PACKAGES = "pcscd vsmartcard-vpcd"


class PrivatePcscd(OwnProgram):
    """A pcscd of one's own; slot `n` listens for its virtual card on 127.0.0.1, port `port + n`.

    Args:
        directory: where its configuration and log go; made if it is missing.
        port: the first slot's, below 32768, so that no outgoing connection can sit on it while pcscd is down.
        slots: how many; vpcd's readers have two each.

    Raises:
        ValueError: a port lies out of range.
        RuntimeError: this is not the sandbox, where alone pcscd may be private.
    """

    def __init__(self, directory: Path, port: int, slots: int = 2) -> None:
        if not in_sandbox():
            raise RuntimeError(
                "a private pcscd runs only in the sandbox: python -m kazasu.virtual.sandbox -- COMMAND, or `make test`"
            )
        if port not in _PORTS or port + slots not in _PORTS:
            raise ValueError(f"port {port} for {slots} slots: all ports must lie in {_PORTS.start}..{_PORTS.stop - 1}")
        directory.mkdir(parents=True, exist_ok=True)
        self.ports = tuple(range(port, port + slots))
        self.log_file = directory / "pcscd.log"
        super().__init__(Program("pcscd", _PACKAGES, self.log_file))
        self._configuration = directory / "readers"
        self._configuration.mkdir(exist_ok=True)
        readers = self.ports[::_SLOTS_PER_READER]
        (self._configuration / "vpcd.conf").write_text("\n".join(map(_reader, readers)))

    def start(self) -> None:
        """Start, and return once clients and virtual cards can connect.

        Raises:
            RuntimeError: it is not installed, ended at once, or does not listen in time; its log is in the message.
        """
        if not _DRIVER.exists():
            raise RuntimeError(f"pcscd's virtual reader is not installed: apt install {_PACKAGES}")
        arguments: list[str | Path] = [
            "--foreground",
            "--config",
            self._configuration,
            *_without_polkit(self._program.path),
        ]
        self._program.start(arguments, self._ready)

    def restart(self) -> None:
        """End it in order and start it again."""
        self.stop()
        self.start()

    def _ready(self) -> bool:
        """Whether each slot's port listens, and pcscd answers on its socket.

        The ports are looked up and not tried: a connection would be taken for a card.
        """
        if not set(self.ports) <= _listening():
            return False
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(str(_SOCKET))
            return True
        return False


def _reader(port: int) -> str:
    """One entry of reader.conf(5), as Debian's vsmartcard-vpcd installs it."""
    return (
        'FRIENDLYNAME "Virtual PCD"\n'
        f"DEVICENAME   /dev/null:0x{port:04X}\n"
        f"LIBPATH      {_DRIVER}\n"
        f"CHANNELID    0x{port:04X}\n"
    )


def _without_polkit(program: str) -> list[str]:
    """From pcsc-lite 2.0 on pcscd turns everyone away if polkit is out of reach, as it is in the sandbox."""
    offered = subprocess.run([program, "--help"], check=False, capture_output=True, text=True)  # noqa: S603  (ours)
    option = "--disable-polkit"
    return [option] if option in offered.stdout + offered.stderr else []


def _listening() -> set[int]:
    """The TCP ports that somebody listens on: proc(5), /proc/net/tcp, state 0A."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(field[1].rpartition(":")[2], 16) for field in lines if field[3] == "0A"}
