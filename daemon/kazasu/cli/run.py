"""Run the terminal until SIGTERM: what systemd starts."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from kazasu.app.assemble import assemble
from kazasu.cli import add_config_argument
from kazasu.cli.running import keep_running
from kazasu.config import load
from kazasu.runtime import logs

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
        return keep_running(app.loops, app.clock, app.status)
