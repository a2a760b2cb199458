"""Play a cue on the real LEDs and buzzer, so that an installer sees and hears that the wiring is right.

Stop the daemon first: a pin has one user. Without a name, all of them are played in turn, `ready`, `reading` and those
of doors left out, because they go on until Ctrl-C.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from kazasu.app.assemble import open_outputs
from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.config import load
from kazasu.model.cue import OF_DOORS, CueName
from kazasu.outputs import cues
from kazasu.outputs.player import Player
from kazasu.runtime.clock import SystemClock

if TYPE_CHECKING:
    import argparse

_ENDLESS = (CueName.READY, CueName.READING, *OF_DOORS)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    playing = actions.add_parser("play", help="play one cue, or all that end")
    playing.add_argument(
        "name",
        nargs="?",
        choices=[name.value for name in CueName],
        metavar="CUE",
        help=f"one of {', '.join(CueName)}; default: all that end",
    )
    add_config_argument(playing)


def execute(arguments: argparse.Namespace) -> int:
    """Play."""
    config = load(arguments.config)
    names = [CueName(arguments.name)] if arguments.name else [name for name in CueName if name not in _ENDLESS]
    with ExitStack() as stack:
        patterns = cues.load(config.outputs.cues or cues.DEFAULT_PATH)
        output, _ = open_outputs(config, stack)
        for name in names:
            print(name.value)
            player = Player(patterns, output, mono_s=SystemClock(config.terminal.timezone).mono_s)
            player.play(name)
            player.run(lambda player=player: player.stop() if player.resting else None)
    return EXIT_OK
