"""What the site's own tools see and check: mosquitto_sub and docs/verify.py, with nothing of Kazasu."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.stage import SITE, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

VERIFY = Path(__file__).parents[2] / "docs" / "verify.py"
EVENTS = 5  # terminal.started, three taps, terminal.stopped


class Seen:
    """What mosquitto_sub printed, and the public key to check it with."""

    def __init__(self, stage: Stage, lines: list[str]) -> None:
        self.key_file = stage.public_key_file
        self.lines = lines

    def verified(self, lines: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(VERIFY), str(self.key_file)],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        broker = stage.broker.client("operations")
        command = [
            *(
                "mosquitto_sub",
                "-h",
                broker.host,
                "-p",
                str(broker.port),
                "-V",
                "mqttv5",
                "-q",
                "1",
                "-i",
                "operations",
            ),
            *("--cafile", str(broker.ca_file), "--cert", str(broker.certificate_file), "--key", str(broker.key_file)),
            *("-t", f"kazasu/v1/{SITE}/up/+/event", "-c", "-x", "3600"),
        ]
        # A first visit makes the session, so that nothing is missed whoever starts first.
        subprocess.run([*command, "-E"], check=True, timeout=60)
        with stage.daemon:
            for card in (stage.staff[0].card, stage.staff[2].card, stage.stranger):
                stage.tap(card)
        done = subprocess.run(
            [*command, "-C", str(EVENTS), "-W", "60"], capture_output=True, text=True, check=True, timeout=90
        )
        yield Seen(stage, done.stdout.splitlines())


def test_events_are_plain_flat_json(seen: Seen) -> None:
    for line in seen.lines:
        event = json.loads(line)
        assert all(type(value) in {int, str} for value in event.values())
    assert [json.loads(line)["event_type"] for line in seen.lines][1:4] == [
        *["attendance.in"] * 2,
        "attendance.denied",
    ]


@pytest.mark.rule(3)
def test_twenty_lines_of_other_code_verify_every_signature_and_the_chain(seen: Seen) -> None:
    done = seen.verified(seen.lines)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == EVENTS


def test_events_that_were_printed_anew_still_verify(seen: Seen) -> None:
    reprinted = [json.dumps(dict(reversed(json.loads(line).items()))) for line in seen.lines]
    assert seen.verified(reprinted).returncode == 0


def test_an_event_that_came_twice_is_no_fault(seen: Seen) -> None:
    done = seen.verified([*seen.lines, seen.lines[-1]])
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == EVENTS


@pytest.mark.rule(3)
def test_a_changed_event_and_a_missing_one_are_found_out(seen: Seen) -> None:
    changed = [line.replace("attendance.in", "attendance.out") for line in seen.lines]
    assert "InvalidSignature" in seen.verified(changed).stderr
    missing = [*seen.lines[:2], *seen.lines[3:]]
    assert "does not follow" in seen.verified(missing).stderr
