"""The whole way of a tap on this machine, without any hardware.

Real pcscd, real mosquitto with TLS, the real daemon; only the cards are virtual. In a terminal you tap by keys; without
one, or with --script, a script is played once, and the exit code says whether everything arrived as it should.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, EXIT_PROBLEM
from kazasu.virtual.sandbox import in_sandbox

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--script", action="store_true", help="play the script, in a terminal too")


def execute(arguments: argparse.Namespace) -> int:
    """Play; outside the sandbox, go inside first."""
    if not in_sandbox():
        command = [sys.executable, "-m", "kazasu.virtual.sandbox", "--", sys.executable, "-m", "kazasu", "demo"]
        if arguments.script:
            command.append("--script")
        sys.stdout.flush()
        os.execv(sys.executable, command)  # noqa: S606  (this program itself, in namespaces of its own)
    from kazasu.virtual.stage import Stage

    with tempfile.TemporaryDirectory(prefix="kazasu-demo-") as directory, Stage(Path(directory)) as stage:
        if arguments.script or not (sys.stdin.isatty() and sys.stdout.isatty()):
            from kazasu.virtual.demo import Script

            return EXIT_OK if Script(stage, print).play() else EXIT_PROBLEM
        from kazasu.virtual.live import Live

        return EXIT_OK if Live(stage).play() else EXIT_PROBLEM
