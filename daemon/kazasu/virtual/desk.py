"""A person at a desk: a command on a terminal of its own, and the PIN that the holder of a card enters there."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_ASKS: Final = b"leave the card"
_PART_BYTES: Final = 4096


def at_a_terminal(command: Sequence[str], pin: str) -> tuple[int, str]:
    """Run a command on a terminal that it controls, and enter a PIN when it asks for one.

    Returns:
        Its exit code, and all that was shown.
    """
    screen, terminal = pty.openpty()
    with subprocess.Popen(  # noqa: S603  (the caller's)
        ["setsid", "--ctty", "--wait", *command],  # noqa: S607
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    ) as running:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while part := os.read(screen, _PART_BYTES):
                if _ASKS in shown + part and _ASKS not in shown:
                    os.write(screen, f"{pin}\n".encode())
                shown += part
        os.close(screen)
    return running.returncode, shown.decode()
