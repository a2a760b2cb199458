"""How a command keeps loops going until SIGTERM: the terminal's, and the collector's."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_DEFECT, EXIT_OK
from kazasu.errors import KazasuError
from kazasu.runtime import logs
from kazasu.runtime.supervisor import LoopFailed, Supervisor
from kazasu.runtime.systemd import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazasu.ports.clock import Clock
    from kazasu.ports.loops import Loop


def keep_running(loops: Sequence[tuple[str, Loop]], clock: Clock, status: Callable[[], str]) -> int:
    """Run loops, and return the exit code.

    Args:
        loops: name and loop, in the order to start in.
        clock: theirs.
        status: one line for `systemctl status`.

    Raises:
        LoopFailed: one failed of what a person has to mend.
    """
    gc.freeze()  # what there is now lives as long as the process: to look for garbage in it would hold up a tap
    try:
        Supervisor(Notifier(os.environ), clock.mono_s, status).run(loops)
    except LoopFailed as error:
        if isinstance(error.__cause__, KazasuError):
            raise
        # A defect of ours: whoever mends it needs the place.
        logs.failure(error)
        return EXIT_DEFECT
    return EXIT_OK
