"""How the doctor judges what it finds."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kazasu.cli.checks import _validity, file_system_of
from kazasu.cli.finding import Grade

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
MINUTE = timedelta(minutes=1)


def test_the_file_system_under_a_folder_is_found_by_its_device(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    other = "22 1 0:5 / /proc rw,nosuid shared:5 - proc proc rw"
    here = f"23 1 {number} / {tmp_path} rw shared:1 master:2 - tmpfs tmpfs rw,size=65536k"
    assert file_system_of(tmp_path, f"{other}\n{here}\n") == "tmpfs"
    assert file_system_of(tmp_path, f"{other}\n") == ""


def test_of_an_overlay_the_layer_that_takes_the_writes_counts(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root mounts")
    for name in ("lower", "memory", "merged"):
        (tmp_path / name).mkdir()
    memory, merged = tmp_path / "memory", tmp_path / "merged"
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", memory], check=True)
    try:
        for name in ("upper", "work"):
            (memory / name).mkdir()
        layers = f"lowerdir={tmp_path}/lower,upperdir={memory}/upper,workdir={memory}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", layers, "overlay", merged], check=True)
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
        assert file_system_of(merged, mounts) == "tmpfs"
        assert file_system_of(merged, mounts.replace(str(memory / "upper"), "/not/here")) == "overlay"
        subprocess.run(["umount", merged], check=True)
    finally:
        subprocess.run(["umount", memory], check=True)


@pytest.mark.parametrize(
    ("begins", "ends", "grade", "found"),
    [
        (NOW - YEAR, NOW + timedelta(days=60), Grade.OK, "60 days left"),
        (NOW - YEAR, NOW + timedelta(days=60) - MINUTE, Grade.NOTE, "59 days left"),
        (NOW - YEAR, NOW + timedelta(days=7), Grade.NOTE, "7 days left"),
        (NOW - YEAR, NOW + timedelta(days=7) - MINUTE, Grade.PROBLEM, "6 days left"),
        (NOW - YEAR, NOW + timedelta(days=1), Grade.PROBLEM, "1 day left"),
        (NOW - YEAR, NOW + MINUTE, Grade.PROBLEM, "less than one day left"),
        (NOW - YEAR, NOW - MINUTE, Grade.PROBLEM, "expired on 2026-04-01 11:59 UTC"),
        (NOW + MINUTE, NOW + YEAR, Grade.PROBLEM, "not valid before 2026-04-01 12:01 UTC"),
    ],
)
def test_a_certificate_is_judged_by_the_days_it_has_left(
    begins: datetime, ends: datetime, grade: Grade, found: str
) -> None:
    finding = _validity("certificate", Path("client.pem"), begins, ends, NOW)
    assert finding.grade is grade
    assert finding.found == f"client.pem: {found}"
    assert bool(finding.todo) is (grade is not Grade.OK)
