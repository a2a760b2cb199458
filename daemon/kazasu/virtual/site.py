"""A throwaway site and its broker, for the demo and the tests."""

from __future__ import annotations

import datetime as dt
import os
import pwd
from typing import TYPE_CHECKING

from kazasu.site import broker_files
from kazasu.site.directory import replace_file
from kazasu.site.founding import Founding, found
from kazasu.virtual.broker import accepts, free_port
from kazasu.virtual.program import OwnProgram, Program

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.site.directory import Site

PASSPHRASE = "throwaway throwaway throwaway"  # noqa: S105  (of keys that are thrown away)


def make_site(path: Path, name: str = "town-hall") -> Site:
    """Make a site whose broker is here, on a port that is free; `PASSPHRASE` opens it.

    Args:
        path: where; not there yet.
        name: the site's.
    """
    founding = Founding(name=name, timezone="Asia/Tokyo", host="localhost", port=free_port())
    return found(path, founding, PASSPHRASE, dt.datetime.now(dt.UTC))


class SiteBroker(OwnProgram):
    """The site's mosquitto, with the files of `kazasu site broker-config`, of which only paths and the user differ.

    Args:
        site: whose.
        directory: where its files go; made if it is missing.
    """

    def __init__(self, site: Site, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.log_file = directory / "mosquitto.log"
        super().__init__(Program("mosquitto", "mosquitto", self.log_file))
        self._site = site
        self._directory = directory

    def start(self) -> None:
        """Bring the site's files, start, and return once it accepts TLS connections.

        Raises:
            RuntimeError: it ended at once, or does not listen in time; its log is in the message.
        """
        for name, (content, mode) in broker_files.files(self._site, self._directory).items():
            replace_file(self._directory / name, content, mode)
        configuration = self._directory / "kazasu.conf"
        here = {
            "listener": f"listener {self._site.address.port} 127.0.0.1",
            "persistence_location": f"persistence_location {self._directory}/",
            "user": f"user {pwd.getpwuid(os.geteuid()).pw_name}",
        }
        configuration.write_text(broker_files.changed(configuration.read_text(), here))
        ca_file = self._site.file("ca.pem")
        self._program.start(["-c", configuration], lambda: accepts(ca_file, self._site.address.port))

    def restart(self) -> None:
        """Bring the site's files as they are now, and start anew."""
        self.stop()
        self.start()

    def lose_everything(self) -> None:
        """Die at once, and with all that was stored: sessions, what waited in them, what was retained."""
        self.kill()
        for file in self._directory.glob("mosquitto.db*"):
            file.unlink()

    def close(self) -> None:
        """End it for good: what it saves nobody reads again."""
        self.kill()
