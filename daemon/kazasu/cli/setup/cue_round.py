"""Each cue on the real parts, one after the other, for the installer to confirm."""

from __future__ import annotations

import math
from contextlib import ExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING

from kazasu.app.assemble import open_outputs
from kazasu.model.cue import OF_DOORS, OF_THE_DESK, OF_THE_KEYPAD, CueName
from kazasu.outputs import cues
from kazasu.outputs.player import Player
from kazasu.runtime.clock import SystemClock

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from kazasu.cli.setup.interview import Interview
    from kazasu.model.configuration import Config
    from kazasu.model.cue import Cue
    from kazasu.ports.outputs import Output

_ENDLESS_S = 3.0

_LOOKS = MappingProxyType(
    {
        CueName.READY: ("red steady, no sound", "赤が点灯、音なし"),
        CueName.READING: ("red blinking, with ticks", "赤が点滅、カチカチ音"),
        CueName.PIN: ("red and sound: two quick ones", "赤と音が素早く 2 回"),
        CueName.KEY: ("red once; one tick", "赤が 1 回、カチッという音 1 回"),
        CueName.GRANTED: ("green once, long; one short beep", "緑が長く 1 回、短い音 1 回"),
        CueName.ALREADY_DONE: ("green twice; two short beeps", "緑が 2 回、短い音 2 回"),
        CueName.DENIED: ("red three times, short; one long tone", "赤が短く 3 回、長い音 1 回"),
        CueName.RETRY: ("red and sound: short, long", "赤と音が「短・長」"),
        CueName.BLOCKED: ("red and sound: long, short, short", "赤と音が「長・短・短」"),
        CueName.FAULT: ("red and sound: long, long", "赤と音が「長・長」"),
        CueName.HELD: ("red and sound: one short, again and again", "赤と音が短く 1 回、くり返し"),
        CueName.HELD_OPEN: ("red and sound: long ones without end", "赤と音が長く、止まらない"),
        CueName.FIND_ME: ("red and sound: fifteen, one a second", "赤と音が 1 秒ごとに 15 回"),
    }
)


def play_all(config: Config, interview: Interview | None) -> list[CueName]:
    """Play each cue, those without an end for three seconds, and ask how it was.

    Args:
        config: its outputs; nobody else may use the pins.
        interview: whom to ask; None plays them without asking.

    Returns:
        Those that were not as they should be.

    Raises:
        OutputError: a part that cannot be driven.
        ConfigurationError: cues that cannot be used.
    """
    loaded = cues.load(config.outputs.cues or cues.DEFAULT_PATH)
    never = (frozenset() if config.keypad is not None else OF_THE_KEYPAD) | (frozenset() if config.doors else OF_DOORS)
    never |= frozenset() if config.site is not None else OF_THE_DESK
    patterns = {name: cue for name, cue in loaded.items() if name not in never}
    own = config.outputs.cues is not None
    with ExitStack() as stack:
        output, _ = open_outputs(config, stack)
        return play_each(
            patterns,
            output,
            _nobody if interview is None else (lambda name: verdict(interview, name, own=own)),
            mono_s=SystemClock(config.terminal.timezone).mono_s,
        )


def play_each(
    patterns: Mapping[CueName, Cue],
    output: Output,
    judge: Callable[[CueName], str],
    *,
    mono_s: Callable[[], float],
    condition: threading.Condition | None = None,
) -> list[CueName]:
    """Play each cue until it is judged to be right, "y", or wrong, "n"; "r" plays it again.

    Args:
        patterns: the cues to play, in this order.
        output: what they are shown on; dark after each.
        judge: says how it was.
        mono_s: monotonic seconds.
        condition: what the player sleeps on.
    """
    wrong = []
    for name in patterns:
        judged = "r"
        while judged == "r":
            player = Player(patterns, output, mono_s=mono_s, condition=condition)
            player.play(name)
            player.run(_until_done(player, mono_s, _ENDLESS_S if patterns[name].repeat else math.inf))
            output.show(frozenset())
            judged = judge(name)
        if judged == "n":
            wrong.append(name)
    return wrong


def _until_done(player: Player, mono_s: Callable[[], float], longest_s: float) -> Callable[[], None]:
    """A beat that ends the player when the cue does, or has gone on for long enough."""
    ends_s = mono_s() + longest_s
    return lambda: player.stop() if player.resting or mono_s() >= ends_s else None


def _nobody(name: CueName) -> str:
    """Nobody is asked; whoever stands there can still follow."""
    print(f"  that was {name.value}")
    return "y"


def verdict(interview: Interview, name: CueName, *, own: bool) -> str:
    """Ask how a cue was: "y", "n" or "r"."""
    interview.tell("")  # cues that are drawn leave the cursor in their line
    english, japanese = ("as in your cues.toml", "設定した cues.toml のとおり") if own else _LOOKS[name]
    return interview.choose(
        f"{name.value}: {english}?",
        f"{name.value}: {japanese} でしたか?",
        "[Y/n, r plays it again]",
        {"y": ("y", "yes", "はい"), "n": ("n", "no", "いいえ"), "r": ("r", "again")},
    )
