"""The unit, through a systemctl that only remembers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazasu.cli.setup.service import Service, find, unit_of

if TYPE_CHECKING:
    from fakes.systemctl import Systemctl


@pytest.mark.parametrize(
    ("folder", "unit"),
    [
        ("/etc/kazasu", "kazasu"),
        ("/etc/kazasu@door", "kazasu@door"),
        ("/etc/kazasud", None),
        ("/etc", None),
        ("/home/pi/kazasu", None),
    ],
)
def test_the_unit_reads_the_folder_of_its_name(folder: str, unit: str | None) -> None:
    assert unit_of(Path(folder)) == unit


def test_it_is_found_where_systemd_knows_it(systemctl: Systemctl, tmp_path: Path) -> None:
    found = find(Path("/etc/kazasu@door"), booted=tmp_path)
    assert found is not None
    assert found.name == "kazasu@door"
    assert find(tmp_path, booted=tmp_path) is None
    assert find(Path("/etc/kazasu"), booted=tmp_path / "nowhere") is None
    systemctl.fails_to("cat")
    assert find(Path("/etc/kazasu"), booted=tmp_path) is None
    assert systemctl.log.read_text() == "cat kazasu@door\ncat kazasu\n"


@pytest.mark.parametrize(
    ("state", "active"), [("active", True), ("activating", True), ("inactive", False), ("failed", False)]
)
def test_a_unit_that_is_started_again_and_again_uses_the_pins_too(
    systemctl: Systemctl, state: str, active: bool
) -> None:
    systemctl.state(state)
    assert Service("kazasu").active is active


def test_it_is_started_now_and_at_each_boot(systemctl: Systemctl) -> None:
    assert Service("kazasu").start()
    assert Service("kazasu").stop()
    assert systemctl.log.read_text() == "enable --quiet kazasu\nrestart kazasu\nstop kazasu\n"


@pytest.mark.parametrize("verb", ["enable", "restart"])
def test_what_fails_is_told_and_the_start_is_tried_all_the_same(systemctl: Systemctl, verb: str) -> None:
    systemctl.fails_to(verb)
    assert not Service("kazasu").start()
    assert "restart kazasu\n" in systemctl.log.read_text()
