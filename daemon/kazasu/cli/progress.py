"""A progress line on standard error, if a person is looking."""

from __future__ import annotations

import sys


class ProgressLine:
    """`verifying 120,000 of 1,000,000`; nothing at all where standard error is no terminal."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._shown = False

    def show(self, done: int, total: int | None = None) -> None:
        """Draw the line anew."""
        if sys.stderr.isatty():
            self._shown = True
            of = f" of {total:,}" if total is not None else ""
            print(f"\r\x1b[K{self._verb} {done:,}{of}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
