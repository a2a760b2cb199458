"""What a start imports: a small Pi pays for each module in milliseconds and memory, every time."""

from __future__ import annotations

import subprocess
import sys

LATER = {
    "asyncio",  # nobody needs it
    "cryptography.x509",  # only where certificates are handled
    "csv",  # the roster's commands
    "difflib",  # a mistake in the configuration
    "gpiozero",  # outputs that are real pins
    "importlib.metadata",
    "importlib.resources",  # a new database
    "kazasu.publishers.command_listener",  # the publisher's thread, with its first connection
    "paho",  # the publisher's thread, once the terminal is ready
    "ssl",
    "tempfile",
}

_PROGRAM = """
import sys
before = set(sys.modules)
import kazasu.cli.run
import kazasu.publishers.publisher
print(*sorted(set(sys.modules) - before))
"""


def test_a_start_imports_nothing_that_only_some_terminals_or_later_moments_need() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], check=True, capture_output=True, text=True)
    imported = set(done.stdout.split())
    assert "kazasu.app" in imported
    assert not imported & LATER
