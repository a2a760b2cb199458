"""How a command reaches the running terminal, and as whom."""

from __future__ import annotations

import contextlib
import os
import pwd
from typing import TYPE_CHECKING

from kazasu.runtime.control_caller import Caller

if TYPE_CHECKING:
    from kazasu.model.configuration import Config


def operator() -> str:
    """Who is at it: the user who called sudo, else the one whose process this is."""
    name = os.environ.get("SUDO_USER", "")
    if not name:
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = str(os.getuid())
    return name[:64]


def calling(config: Config) -> contextlib.closing[Caller]:
    """Call the running terminal.

    Raises:
        OrderRefused: it does not run.
        PermissionError: this user may not ask it.
    """
    return contextlib.closing(Caller(config.terminal.control_path))
