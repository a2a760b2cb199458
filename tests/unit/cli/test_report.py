"""Reports as they are written: a CSV for payroll, and a proof that other people's code checks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.told import SITE, Teller
from kazasu.cli import EXIT_CONFIGURATION, EXIT_OK, EXIT_PROBLEM, EXIT_USAGE, main
from kazasu.collector.receipts import Receipts
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.collector.wire import CollectorPayloads
from kazasu.model.signature import Ed25519Signer
from kazasu.store.keys import write_public

if TYPE_CHECKING:
    from collections.abc import Sequence

VERIFY = Path(__file__).parents[3] / "docs/verify.py"
COLLECTOR = Ed25519Signer(Ed25519PrivateKey.generate())


@pytest.fixture
def front() -> Teller:
    return Teller()


@pytest.fixture
def folder(tmp_path: Path, front: Teller) -> Path:
    """A collector's configuration, and a store with twelve events, ten of them vouched for."""
    (tmp_path / "collector.toml").write_text(
        f"""[collector]
site = "{SITE}"
key = "collector.key"
terminals = "terminals"
[broker]
host = "localhost"
ca = "ca.pem"
certificate = "collector.pem"
key = "client.key"
[store]
sqlite = "events.db"
"""
    )
    store = SqliteStore(tmp_path / "events.db")
    for number in range(12):
        front.tell(1, ("attendance.in", "attendance.out")[number % 2], cardholder="1001", day="2026-04-01")
        kept = store.keep(front.checked(front.told[-1:]), [], 1_800_000_000)
        if number == 9:
            receipts = Receipts(CollectorPayloads(SITE, "collector"), COLLECTOR)
            receipts.owe(kept.chains)
            receipts.due(store, 0.0)
    store.close()
    write_public(tmp_path / "event.pub.pem", front.signer)
    write_public(tmp_path / "collector.pub.pem", COLLECTOR)
    return tmp_path


def report(folder: Path, *words: str) -> int:
    return main(["report", *words, "--config", str(folder / "collector.toml")])


def verified(folder: Path, lines: Sequence[bytes]) -> subprocess.CompletedProcess[bytes]:
    command: list[str | Path] = [sys.executable, VERIFY, folder / "event.pub.pem", folder / "collector.pub.pem"]
    return subprocess.run(command, input=b"\n".join(lines), capture_output=True, check=False)


def test_a_proof_is_checked_by_other_code_and_every_change_is_found_out(folder: Path) -> None:
    proof = folder / "proof.jsonl"
    words = ("proof", "--terminal", "front", "--from", "3", "--to", "5", "--output", str(proof))
    assert report(folder, *words) == EXIT_OK
    lines = proof.read_bytes().splitlines()
    assert len(lines) == 9  # 3 to 10, and the receipt over 10
    done = verified(folder, lines)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines()[-1] == f"vouched for front {'0123456789abcdef'} up to 10"
    assert b"does not follow" in verified(folder, [*lines[:3], *lines[4:]]).stderr
    assert b"another event" in verified(folder, [*lines[:-2], lines[-1]]).stderr
    assert b"InvalidSignature" in verified(folder, [line.replace(b"1001", b"1002") for line in lines]).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--terminal", "front", "--from", "3", "--to", "11"), "no receipt vouches for event 11"),
        (("--terminal", "back", "--from", "3", "--to", "5"), "nothing is kept of back"),
        (("--terminal", "front", "--epoch", "f" * 16, "--from", "3", "--to", "5"), "in epoch ffff"),
        (("--terminal", "front", "--from", "5", "--to", "3"), "no range"),
    ],
)
def test_what_cannot_be_proved_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert report(folder, "proof", *words) == EXIT_PROBLEM
    assert said in capsys.readouterr().err


def test_attendance_is_written_in_a_layout_of_ones_own(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    layout = folder / "payroll.toml"
    layout.write_text(
        'encoding = "cp932"\nheader = false\n'
        '[[columns]]\nname = "cardholder"\n[[columns]]\nname = "day"\nformat = "%Y年"\n[[columns]]\nname = "pairs"\n'
    )
    words = ("attendance", "--from", "2026-04-01", "--to", "2026-04-30", "--layout", str(layout))
    assert report(folder, *words) == EXIT_OK
    assert capfdbinary.readouterr().out.decode("cp932") == "1001,2026年,6\r\n"


def test_a_layout_that_cannot_be_used_is_said_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout = folder / "payroll.toml"
    layout.write_text('[[columns]]\nname = "day"\n[[columns]]\nname = "wage"\n')
    words = ("attendance", "--from", "2026-04-01", "--to", "2026-04-30", "--layout", str(layout))
    assert report(folder, *words) == EXIT_CONFIGURATION
    assert "payroll.toml:4: columns.name: no column 'wage' of days" in capsys.readouterr().err


def test_a_day_that_is_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        report(folder, "attendance", "--from", "April", "--to", "2026-04-30")
    assert ended.value.code == EXIT_USAGE
    assert "'April' is no day, such as 2026-04-01" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_or_is_of_no_time_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ("--config", str(folder / "collector.toml"))
    words = ["report", "attendance", "--from", "2026-04-01", "--to", "2026-04-30", *config]
    for place, why in ((folder / "nowhere" / "april.csv", "No such file"), (Path("/dev/full"), "No space left")):
        assert main([*words, "--output", str(place)]) == EXIT_PROBLEM
        assert f"kazasu report: {place} cannot be written: {why}" in capsys.readouterr().err
    assert main(["report", "attendance", "--from", "2026-04-30", "--to", "2026-04-01", *config]) == EXIT_PROBLEM
    assert "from 2026-04-30 to 2026-04-01 is no range" in capsys.readouterr().err
