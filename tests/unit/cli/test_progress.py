"""The progress line, seen from a terminal and from a file."""

from __future__ import annotations

import os
import subprocess
import sys

_PROGRAM = """
from kazasu.cli.progress import ProgressLine
line = ProgressLine("verifying")
line.show(1200, 1000000)
line.show(2400)
line.clear()
"""


def test_a_person_sees_how_far_it_is_and_then_nothing() -> None:
    person, terminal = os.openpty()
    subprocess.run([sys.executable, "-c", _PROGRAM], stderr=terminal, check=True)
    seen = os.read(person, 4096)
    os.close(terminal)
    os.close(person)
    assert seen == b"\r\x1b[Kverifying 1,200 of 1,000,000\r\x1b[Kverifying 2,400\r\x1b[K"


def test_a_file_holds_nothing_of_it() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
