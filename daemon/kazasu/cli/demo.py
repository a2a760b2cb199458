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
    if arguments.script or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return EXIT_OK if _scripted() else EXIT_PROBLEM
    from kazasu.virtual.live import Live
    from kazasu.virtual.stage import Stage

    with _directory() as directory, Stage(Path(directory)) as stage:
        return EXIT_OK if Live(stage).play() else EXIT_PROBLEM


def _scripted() -> bool:
    """Play the scenes, whatever came of the first; returns whether all went as it should."""
    from kazasu.virtual.demo import Script
    from kazasu.virtual.demo_cards import CardScene
    from kazasu.virtual.demo_door import ENROLLED, DoorScene, settings
    from kazasu.virtual.demo_site import SiteScene
    from kazasu.virtual.small_site import SmallSite
    from kazasu.virtual.stage import Stage

    with _directory() as directory, Stage(Path(directory)) as stage:
        all_well = Script(stage, print).play()
    print()
    with _directory() as directory, Stage(Path(directory), of_each_kind=True) as stage:
        all_well = CardScene(stage, print).play() and all_well
    print()
    with (
        _directory() as directory,
        Stage(Path(directory), settings(), enrolled=ENROLLED, min_assurance="vouched", synchronised=True) as stage,
    ):
        all_well = DoorScene(stage, print).play() and all_well
    print()
    with _directory() as directory, SmallSite(Path(directory), print) as site:
        return SiteScene(site, print).play() and all_well


def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="kazasu-demo-")
