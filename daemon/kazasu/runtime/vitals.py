"""What operations want to know of the machine itself, looked up when health is published and at no other time."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kazasu.model.access import EventFields
    from kazasu.ports.clock import Clock

_THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")  # millidegrees Celsius; the processor's on a Pi
_DAY_S = 86_400


class Vitals:
    """Disk, temperature, clock and the days left of the broker certificate. The publisher's thread.

    Args:
        state_dir: whose disk.
        certificate_file: the client certificate, PEM; read again when it was renewed.
        clock: the terminal's.
        thermal: the kernel's file.
    """

    def __init__(self, state_dir: Path, certificate_file: Path, clock: Clock, *, thermal: Path = _THERMAL) -> None:
        self._state_dir = state_dir
        self._certificate_file = certificate_file
        self._clock = clock
        self._thermal = thermal
        self._certificate: tuple[int, float] | None = None

    def __call__(self) -> EventFields:
        """Fields of `up/…/health`; what this machine does not tell is left out."""
        moment = self._clock.now()
        fields: EventFields = {"time_source": moment.source.value, "time_error_ms": moment.error_ms}
        with contextlib.suppress(OSError):
            disk = os.statvfs(self._state_dir)
            fields["disk_free_mb"] = disk.f_bavail * disk.f_frsize // 1_000_000
        with contextlib.suppress(OSError, ValueError):
            fields["temperature_c"] = int(self._thermal.read_text(encoding="ascii")) // 1000
        with contextlib.suppress(OSError, ValueError):
            fields["certificate_days"] = int((self._certificate_ends_s() - moment.at.timestamp()) // _DAY_S)
        return fields

    def _certificate_ends_s(self) -> float:
        changed_ns = self._certificate_file.stat().st_mtime_ns
        if self._certificate is None or self._certificate[0] != changed_ns:
            from cryptography.x509 import load_pem_x509_certificate

            certificate = load_pem_x509_certificate(self._certificate_file.read_bytes())
            self._certificate = changed_ns, certificate.not_valid_after_utc.timestamp()
        return self._certificate[1]
