"""Run the terminal until SIGTERM: what systemd starts."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from kazasu.app.assemble import assemble
from kazasu.cli import EXIT_DEFECT, EXIT_OK, add_config_argument
from kazasu.config import load
from kazasu.errors import KazasuError
from kazasu.runtime import logs
from kazasu.runtime.supervisor import LoopFailed, Supervisor
from kazasu.runtime.systemd import Notifier

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run."""
    config = load(arguments.config)
    logs.set_up(config.log.level, os.environ)
    with ExitStack() as stack:
        app = assemble(config, arguments.config, stack)
        supervisor = Supervisor(Notifier(os.environ), app.clock.mono_s, app.status)
        try:
            supervisor.run(app.loops)
        except LoopFailed as error:
            if isinstance(error.__cause__, KazasuError):
                raise
            # A defect of ours: whoever mends it needs the place.
            logs.failure(error)
            return EXIT_DEFECT
    return EXIT_OK
