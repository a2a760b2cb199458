"""The terminal's unit under systemd: stopped while its pins are tried, enabled and started at the end."""

from __future__ import annotations

import subprocess
from pathlib import Path

_BOOTED = Path("/run/systemd/system")  # sd_booted(3)


class Service:
    """A unit.

    Args:
        name: the unit's.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def active(self) -> bool:
        """Whether it runs, or is being started again and again."""
        return _systemctl("is-active", self.name).stdout.strip() in {"active", "activating", "reloading"}

    def stop(self) -> bool:
        """Stop it; returns whether that worked."""
        return _systemctl("stop", self.name).returncode == 0

    def start(self) -> bool:
        """Start it now, with the configuration as it is, and at each boot; returns whether it says that it is ready."""
        enabled = _systemctl("enable", "--quiet", self.name).returncode == 0
        return _systemctl("restart", self.name).returncode == 0 and enabled


def renew_daily(service: Service) -> bool:
    """Let a terminal of a site renew what is due, each day; returns whether systemd takes that over."""
    return _systemctl("enable", "--quiet", "--now", f"kazasu-renew@{service.name}.timer").returncode == 0


def unit_of(folder: Path) -> str | None:
    """Name the unit that reads a folder's configuration: kazasu for /etc/kazasu, kazasu@door for /etc/kazasu@door."""
    return folder.name if is_terminals(folder) and folder.parent == Path("/etc") else None


def is_terminals(folder: Path) -> bool:
    """Whether a folder is named as those of terminals are."""
    return folder.name == "kazasu" or folder.name.startswith("kazasu@")


def find(folder: Path, booted: Path = _BOOTED) -> Service | None:
    """Find the unit, if systemd runs here and knows it.

    Args:
        folder: the configuration's.
        booted: a folder that is there where systemd runs.
    """
    unit = unit_of(folder)
    if unit is None or not booted.is_dir() or _systemctl("cat", unit).returncode != 0:
        return None
    return Service(unit)


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    """Run it; what it says to a person is shown, but for questions to which "no" is an answer."""
    quiet = words[0] in {"cat", "is-active"}
    return subprocess.run(  # noqa: S603  (our own words)
        ["systemctl", *words],  # noqa: S607  (where the system has it)
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        check=False,
    )
