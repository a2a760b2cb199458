from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.runtime.rtc import find_rtcs

if TYPE_CHECKING:
    from pathlib import Path


def chip(folder: Path, device: str, **files: str) -> None:
    (folder / device).mkdir()
    for name, text in files.items():
        (folder / device / name).write_text(f"{text}\n")


def test_a_module_on_the_i2c_bus(tmp_path: Path) -> None:
    chip(tmp_path, "rtc0", name="rtc-ds1307 1-0068", since_epoch="1775032200", hctosys="1")

    (rtc,) = find_rtcs(tmp_path)

    assert (rtc.device, rtc.chip, rtc.at_s) == ("rtc0", "rtc-ds1307 1-0068", 1775032200)
    assert rtc.set_clock
    assert rtc.battery_v is None


def test_the_one_of_a_pi_5_tells_its_batterys_voltage(tmp_path: Path) -> None:
    chip(tmp_path, "rtc0", name="rpi-rtc soc:rpi_rtc", since_epoch="1775032200", hctosys="1", battery_voltage="2998168")

    (rtc,) = find_rtcs(tmp_path)

    assert rtc.battery_v == 2.998168


def test_one_that_lost_its_time_or_whose_oscillator_stopped_has_none(tmp_path: Path) -> None:
    chip(tmp_path, "rtc0", name="a", since_epoch="946684812", hctosys="1")  # 2000-01-01
    chip(tmp_path, "rtc1", name="b", hctosys="0")
    (tmp_path / "rtc1" / "since_epoch").mkdir()  # reading it fails, as it does with EINVAL

    assert [(rtc.at_s, rtc.set_clock) for rtc in find_rtcs(tmp_path)] == [(None, True), (None, False)]


def test_a_machine_without_any(tmp_path: Path) -> None:
    assert find_rtcs(tmp_path) == []
    assert find_rtcs(tmp_path / "missing") == []
