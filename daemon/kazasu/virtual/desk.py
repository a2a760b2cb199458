"""A person at a desk: commands that are typed there, and the PIN that the holder of a card enters."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
from typing import TYPE_CHECKING, Final

from kazasu.cli import main

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ASKS: Final = b"leave the card"
_PART_BYTES: Final = 4096


def at_a_terminal(command: Sequence[str], pin: str, asks: bytes = _ASKS) -> tuple[int, str]:
    """Run a command on a terminal that it controls, and enter a PIN, or what else it asks for.

    Args:
        command: with its arguments.
        pin: what is entered.
        asks: the words after which it is.

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
                if asks in shown + part and asks not in shown:
                    os.write(screen, f"{pin}\n".encode())
                shown += part
        os.close(screen)
    return running.returncode, shown.decode()


def typed(*words: str | Path, at: Path | None = None) -> tuple[int, list[str]]:
    """Run a command of Kazasu's in this process, with nobody to ask.

    Args:
        words: behind `kazasu`.
        at: the folder in which it is typed; by default this process's.

    Returns:
        Its exit code, and the lines that it printed.
    """
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.chdir(at or "."), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            code = main([str(word) for word in words])
        except SystemExit as wrong_usage:
            code = wrong_usage.code if isinstance(wrong_usage.code, int) else 1
    printed.seek(0)
    return code, printed.read().splitlines()
