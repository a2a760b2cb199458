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
UNITS = {
    "kazasu.service": ("kazasu.service", "kazasu@.service"),
    "kazasu-doctor@.service": ("kazasu-doctor@.service",),
    "kazasu-renew@.service": ("kazasu-renew@.service",),
    "kazasu-renew@.timer": ("kazasu-renew@.timer",),
    "kazasu-collector.service": ("kazasu-collector.service",),
}
SOURCES = {"kazasu@door.service": "kazasu.service"}

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def run(*command: str | Path) -> str:
    """Standard output; what goes to standard error, with or without an error, is a failure."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(params=["kazasu.service", "kazasu@door.service", "kazasu-collector.service"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The unit as it would be where Kazasu is installed: a terminal, one of several, or the collector."""
    for source, copies in UNITS.items():
        text = (FILES / source).read_text(encoding="utf-8")
        runnable = re.sub(r"(ExecStart=)/\S+", rf"\g<1>{shutil.which('true')}", text)
        for copy in copies:
            (tmp_path / copy).write_text(runnable, encoding="utf-8")
    return tmp_path / str(request.param)


def test_systemd_understands_every_line_of_the_unit(unit: Path) -> None:
    beside = [f"kazasu-doctor@{unit.stem}.service", f"kazasu-renew@{unit.stem}.timer"]
    if unit.stem == "kazasu-collector":
        beside.clear()
    run("systemd-analyze", "verify", "--man=no", unit, *map(unit.with_name, beside))


def test_the_unit_is_locked_up_and_says_why_it_is_not_more_so(unit: Path) -> None:
    report = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    left = re.findall(r"^✗ (\w+)=", report, re.MULTILINE)
    source = FILES / SOURCES.get(unit.name, unit.name)
    comments = re.findall(r"(?:^#.*\n)+", source.read_text(encoding="utf-8"), re.MULTILINE)
    sentences = [re.sub(r"\n?# ?", " ", block).strip() for block in comments]
    reasons = {name: [words for words in sentences if f"{name}=" in words] for name in left}

    score = re.search(rf"exposure level for {unit.name}: ([0-9.]+)", report)
    assert score
    print(score[0])  # noqa: T201  (pytest shows it with -rP)
    for name, words in reasons.items():
        print(f"{name}: {' '.join(words)}")  # noqa: T201
    assert float(score[1]) <= MOST_EXPOSED
    assert left
    assert [name for name, words in reasons.items() if not words] == []


def test_a_missing_broker_or_network_does_not_hold_up_the_start() -> None:
    lines = (FILES / "kazasu.service").read_text(encoding="utf-8").splitlines()
    orders = [line.split("=")[1] for line in lines if line.startswith(("After=", "Requires="))]

    assert set(" ".join(orders).split()) == {"pcscd.socket", "time-set.target", "network.target"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users")
def test_the_user_and_the_folders_are_made(tmp_path: Path) -> None:
    for folder in ("etc", "var/lib/kazasu"):
        (tmp_path / folder).mkdir(parents=True)
    enrolled_by_root = tmp_path / "var/lib/kazasu/roster.db"
    enrolled_by_root.touch(mode=0o600)

    subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", FILES / "kazasu.sysusers"], check=True, capture_output=True
    )
    run("systemd-tmpfiles", f"--root={tmp_path}", "--create", FILES / "kazasu.tmpfiles")

    passwd = [line.split(":") for line in (tmp_path / "etc/passwd").read_text(encoding="utf-8").splitlines()]
    groups = [line.split(":") for line in (tmp_path / "etc/group").read_text(encoding="utf-8").splitlines()]
    [user] = [int(line[2]) for line in passwd if line[0] == "kazasu"]
    assert [line[3] for line in groups if line[0] in {"gpio", "i2c", "input"}] == ["kazasu"] * 3
    keys = (tmp_path / "etc/kazasu/keys").stat()
    assert (keys.st_mode & 0o777, keys.st_uid) == (0o700, 0)
    assert (enrolled_by_root.stat().st_mode & 0o777, enrolled_by_root.stat().st_uid) == (0o600, user)
    assert enrolled_by_root.parent.stat().st_mode & 0o777 == 0o700
