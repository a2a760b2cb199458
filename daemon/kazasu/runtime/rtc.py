"""Battery-backed clocks, as the kernel shows them (Documentation/ABI/testing/sysfs-class-rtc of Linux)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLASS = Path("/sys/class/rtc")
_UNSET_BEFORE_S = 1_735_689_600
"""2025-01-01, before anybody installed this: a chip without power begins again in 1970 or 2000."""


class Rtc(msgspec.Struct, frozen=True, kw_only=True):
    """One battery-backed clock.

    Attributes:
        device: the kernel's name of it, `rtc0`.
        chip: the driver's, `rtc-ds1307 1-0068` or `rpi-rtc soc:rpi_rtc`.
        at_s: Unix time that it shows; None if it has lost its time or was never set.
        set_clock: whether the kernel set the system's clock from it, at boot or when it was found.
        battery_v: of its battery; None where the chip does not tell, as most do not.
    """

    device: str
    chip: str
    at_s: int | None
    set_clock: bool
    battery_v: float | None


def find_rtcs(folder: Path = _CLASS) -> Sequence[Rtc]:
    """Look at each; asking a chip on the I²C bus takes about a millisecond."""
    return [
        Rtc(
            device=path.name,
            chip=_read(path / "name") or "",
            at_s=_time(path),
            set_clock=_read(path / "hctosys") == "1",
            battery_v=_battery(path),
        )
        for path in sorted(folder.glob("rtc*"))
    ]


def _time(path: Path) -> int | None:
    shown = _read(path / "since_epoch")  # a chip whose oscillator stopped answers with an error
    return int(shown) if shown is not None and int(shown) >= _UNSET_BEFORE_S else None


def _battery(path: Path) -> float | None:
    microvolts = _read(path / "battery_voltage")  # drivers/rtc/rtc-rpi.c of Raspberry Pi's Linux
    return None if microvolts is None else int(microvolts) / 1e6


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None
