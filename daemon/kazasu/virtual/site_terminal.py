"""A terminal of a small site: it joins with its bundle, and then it is there to be tapped at; for the demo."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from kazasu.config import load
from kazasu.publishers.settings import Broker
from kazasu.store.backlog import Backlog
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.tapping import tap

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.virtual.card import VirtualCard
    from kazasu.virtual.vpcd import Slot

GATE = "gate"
_DOOR = f"""
[services.door]

[[doors]]
name = "{GATE}"
release = "10s"
"""
"""A door without a reader: who comes there is let in from the desk."""


class Joining:
    """`kazasu setup` with a bundle, which asks the site over the broker and waits.

    Args:
        name: the terminal's.
        folder: where its configuration goes; made.
        bundle: the bundle's file.
        code: the file with its code.
        reader: PC/SC name of its reader.
        jpki_ca: the CA of My Number Cards.
    """

    def __init__(self, name: str, folder: Path, *, bundle: Path, code: Path, reader: str, jpki_ca: Path) -> None:
        self.config_file = folder / "kazasu.toml"
        self._name = name
        folder.mkdir()
        answers = folder / "answers.toml"
        answers.write_text(
            f'state_dir = "{folder}/s"\nreader = "{reader}"\njpki_ca = ["{jpki_ca}"]\noutputs = "terminal"\n'
        )
        options = {"--bundle": bundle, "--code-file": code, "--answers": answers, "--config": self.config_file}
        words = [str(word) for option in options.items() for word in option]
        self._process = subprocess.Popen(  # noqa: S603  (our own arguments)
            [sys.executable, "-m", "kazasu", "setup", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self) -> list[str]:
        """Wait until it is set up, and give it a door, as an installer does; returns what it said.

        Raises:
            RuntimeError: it was not.
        """
        said, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"{self._name} was not set up: {said}")
        with self.config_file.open("a") as file:
            file.write(_DOOR)
        return said.splitlines()

    def kill(self) -> None:
        """End it if it still waits."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


class SiteTerminal:
    """One that has joined.

    Args:
        name: its name.
        config_file: its configuration.
        slot: its reader's.

    Attributes:
        folder: where the configuration and the public keys are.
        config: as the daemon reads it.
        daemon: not started.
        backlog: its journal, to read.
    """

    def __init__(self, name: str, config_file: Path, slot: Slot) -> None:
        self.name = name
        self.folder = config_file.parent
        self.config = load(config_file)
        self.daemon = DaemonProcess(config_file, self.folder)
        self.backlog = Backlog(self.config.terminal.journal_path)
        self._slot = slot

    def tap(self, card: VirtualCard) -> float:
        """Hold a card over its reader; see `tapping.tap`."""
        return tap(self._slot, self.daemon, self.backlog, card)

    def recorded(self) -> list[dict[str, Any]]:
        """All its events."""
        return [json.loads(body) for _, body in self.backlog.after(0, 10_000)]

    @property
    def broker(self) -> Broker:
        """How it reaches the broker, with its own certificate.

        Raises:
            ValueError: it has no broker.
        """
        mqtt = self.config.mqtt
        if mqtt is None:
            raise ValueError(f"{self.name} has no broker")
        return Broker(
            host=mqtt.host, port=mqtt.port, ca_file=mqtt.ca, certificate_file=mqtt.certificate, key_file=mqtt.key
        )
