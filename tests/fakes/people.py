"""Somebody at the desk and somebody at the terminal, who type commands."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kazasu.virtual.site import PASSPHRASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TERMINAL = "entrance-1"
ANSWERS = 'reader = "Virtual PCD ?? 00"\ncards = ["felica"]\noutputs = "terminal"\n'


class People:
    """Somebody at the desk and somebody at the terminal, each typing commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(f"{PASSPHRASE}\n")
        self.passphrase.chmod(0o600)
        self.config_file = folder / "etc" / "kazasu.toml"
        (folder / "answers.toml").write_text(ANSWERS)

    def desk(self, *words: str | Path, code: int = 0) -> str:
        return self._runs(code, "site", words[0], "--passphrase-file", self.passphrase, *words[1:])

    def at_terminal(self, *words: str | Path, code: int | None = 0) -> str:
        return self._runs(code, *words, "--config", self.config_file)

    @contextmanager
    def begins(self, *words: str | Path) -> Iterator[subprocess.Popen[str]]:
        """Type a command that takes its time; it ends with the block."""
        with subprocess.Popen(
            [sys.executable, "-m", "kazasu", *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _runs(self, code: int | None, *words: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "kazasu", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert code in (done.returncode, None), done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr
