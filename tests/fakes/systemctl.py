"""A systemctl that only remembers what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SYSTEMCTL = """#!/bin/sh
echo "$*" >>"{log}"
case "$1" in
is-active) cat "{folder}/state"; [ "$(cat "{folder}/state")" = active ] ;;
*) [ ! -e "{folder}/fails-$1" ] ;;
esac
"""


class Systemctl:
    """Stands first on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.log.touch()
        program = folder / "systemctl"
        program.write_text(_SYSTEMCTL.format(log=self.log, folder=folder))
        program.chmod(0o755)
        self.state("inactive")

    def state(self, word: str) -> None:
        (self.folder / "state").write_text(f"{word}\n")

    def fails_to(self, verb: str) -> None:
        (self.folder / f"fails-{verb}").touch()
