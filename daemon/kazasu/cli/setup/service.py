"""The terminal's unit under systemd: stopped while its pins are tried, enabled and started at the end."""

from __future__ import annotations

import subprocess
from pathlib import Path

_BOOTED = Path("/run/systemd/system")  # sd_booted(3)


class Service:
    """A unit.

    Args:
        unit: its name.
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit

    @property
    def active(self) -> bool:
        """Whether it runs, or is being started again."""
        return _systemctl("is-active", "--quiet", self.unit) == 0

    def stop(self) -> bool:
        """Stop it; returns whether that worked."""
        return _systemctl("stop", self.unit) == 0

    def start(self) -> bool:
        """Start it now, with the configuration as it is, and at each boot; returns whether it says that it is ready."""
        return _systemctl("enable", "--quiet", self.unit) == 0 and _systemctl("restart", self.unit) == 0


def unit_of(folder: Path) -> str | None:
    """Name the unit that reads a folder's configuration: kazasu for /etc/kazasu, kazasu@door for /etc/kazasu@door."""
    ours = folder.name == "kazasu" or folder.name.startswith("kazasu@")
    return folder.name if ours and folder.parent == Path("/etc") else None


def find(folder: Path) -> Service | None:
    """Find the unit, if systemd runs here and knows it."""
    unit = unit_of(folder)
    if unit is None or not _BOOTED.is_dir() or _systemctl("cat", unit) != 0:
        return None
    return Service(unit)


def _systemctl(*words: str) -> int:
    """Run it; its errors are shown, what it prints is not."""
    try:
        done = subprocess.run(  # noqa: S603  (our own words)
            ["systemctl", *words],  # noqa: S607  (where the system has it)
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if words[0] in {"cat", "is-active"} else None,
            check=False,
        )
    except FileNotFoundError:
        return -1
    return done.returncode
