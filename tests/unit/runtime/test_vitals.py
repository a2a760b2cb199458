from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from kazasu.runtime.vitals import Vitals
from kazasu.virtual.certificates import ThrowawayCa

if TYPE_CHECKING:
    from pathlib import Path


def test_disk_temperature_clock_and_certificate_are_told(tmp_path: Path) -> None:
    certificate = ThrowawayCa(tmp_path).client("front", timedelta(days=40, hours=1)).certificate_file
    thermal = tmp_path / "temp"
    thermal.write_text("48312\n")
    fields = Vitals(tmp_path, certificate, FakeClock(datetime.now(UTC)), thermal=thermal)()
    assert fields.pop("disk_free_mb") in range(10**9)
    assert fields == {"time_source": "ntp", "time_error_ms": 5, "temperature_c": 48, "certificate_days": 40}


def test_what_the_machine_does_not_tell_is_left_out(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert Vitals(missing, missing, FakeClock(), thermal=missing)() == {"time_source": "ntp", "time_error_ms": 5}


def test_a_renewed_certificate_is_read_again_and_a_broken_one_is_left_out(tmp_path: Path) -> None:
    ca = ThrowawayCa(tmp_path)
    certificate = ca.client("front", timedelta(days=10, hours=1)).certificate_file
    vitals = Vitals(tmp_path, certificate, FakeClock(datetime.now(UTC)), thermal=tmp_path / "missing")
    assert vitals()["certificate_days"] == 10
    ca.client("front", timedelta(days=90, hours=1))
    os.utime(certificate, ns=(1, 1))
    assert vitals()["certificate_days"] == 90
    certificate.write_text("no certificate")
    os.utime(certificate, ns=(2, 2))
    assert "certificate_days" not in vitals()
