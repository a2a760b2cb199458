"""What systemd itself says of the files that an installer copies."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

FILES = Path(__file__).parents[2] / "systemd"
MOST_EXPOSED = 1.5

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def run(*command: str | Path) -> str:
    """Standard output; what goes to standard error, with or without an error, is a failure."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as it would be where Kazasu is installed."""
    copy = tmp_path / "kazasu.service"
    text = (FILES / "kazasu.service").read_text(encoding="utf-8")
    copy.write_text(re.sub(r"(ExecStart=)/\S+", rf"\g<1>{shutil.which('true')}", text), encoding="utf-8")
    return copy


def test_systemd_understands_every_line_of_the_unit(unit: Path) -> None:
    run("systemd-analyze", "verify", "--man=no", unit)


def test_the_unit_is_locked_up(unit: Path) -> None:
    report = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)

    match = re.search(r"exposure level for kazasu.service: ([0-9.]+)", report)
    assert match
    print(match[0])  # noqa: T201  (pytest shows it with -rP)
    assert float(match[1]) <= MOST_EXPOSED


def test_a_missing_broker_or_network_does_not_hold_up_the_start() -> None:
    text = (FILES / "kazasu.service").read_text(encoding="utf-8")

    assert "network" not in re.sub("#.*", "", text)
    assert "time-sync" not in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users")
def test_the_user_and_the_folders_are_made(tmp_path: Path) -> None:
    for folder in ("etc/kazasu/mqtt", "var/lib/kazasu"):
        (tmp_path / folder).mkdir(parents=True)
    secrets = [tmp_path / "etc/kazasu/event.key", tmp_path / "etc/kazasu/mqtt/client.key"]
    for secret in secrets:
        secret.touch(mode=0o600)
    enrolled_by_root = tmp_path / "var/lib/kazasu/roster.db"
    enrolled_by_root.touch(mode=0o600)

    subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", FILES / "kazasu.sysusers"], check=True, capture_output=True
    )
    run("systemd-tmpfiles", f"--root={tmp_path}", "--create", FILES / "kazasu.tmpfiles")

    passwd = [line.split(":") for line in (tmp_path / "etc/passwd").read_text(encoding="utf-8").splitlines()]
    groups = [line.split(":") for line in (tmp_path / "etc/group").read_text(encoding="utf-8").splitlines()]
    [(user, group)] = [(int(line[2]), int(line[3])) for line in passwd if line[0] == "kazasu"]
    assert [line[3] for line in groups if line[0] == "gpio"] == ["kazasu"]
    for secret in secrets:
        assert (secret.stat().st_mode & 0o777, secret.stat().st_uid, secret.stat().st_gid) == (0o640, 0, group)
    assert (enrolled_by_root.stat().st_mode & 0o777, enrolled_by_root.stat().st_uid) == (0o600, user)
    assert enrolled_by_root.parent.stat().st_mode & 0o777 == 0o700
