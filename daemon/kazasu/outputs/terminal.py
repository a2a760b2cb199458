"""The same lights and sounds drawn in a terminal, where there is no GPIO: a laptop, the demo."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

from kazasu.errors import OutputError
from kazasu.model.cue import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping

# ECMA-48, 8.3.117 (SGR): inverse video with a colour.
_COLOURS = MappingProxyType({Channel.GREEN: "32;7", Channel.RED: "31;7", Channel.BUZZER: "33;7", Channel.RELAY: "36;7"})


class TerminalOutput:
    """Implements ports.outputs.Output: one line, drawn anew; understood without colour by brackets and capitals.

    `[GREEN]  red  [BUZZER]  relay`. Into a file or a pipe it writes one line a change, without control codes:
    `outputs: green buzzer`.

    Args:
        stream: where to draw; not closed.
        environment: `NO_COLOR` (no-color.org) and `TERM=dumb` are honoured.
    """

    def __init__(self, stream: TextIO, environment: Mapping[str, str]) -> None:
        self._stream = stream
        self._live = stream.isatty() and environment.get("TERM", "dumb") != "dumb"
        self._coloured = not environment.get("NO_COLOR")
        self._on: frozenset[Channel] = frozenset()
        self._closed = False

    def show(self, on: frozenset[Channel]) -> None:
        """Switch these channels on and all others off.

        Raises:
            OutputError: the terminal is gone.
        """
        if self._closed:
            raise OutputError("the terminal's line was closed")
        if on != self._on:
            self._on = on
            self._draw(end="" if self._live else "\n")

    def close(self) -> None:
        """Switch everything off and leave the line."""
        if self._closed:
            return
        self._closed = True
        if self._live or self._on:
            self._on = frozenset()
            self._draw(end="\n")

    def _draw(self, end: str) -> None:
        if self._live:
            # \r and EL (ECMA-48, 8.3.41): back to the line's start, and what stood there is gone.
            text = "\r\x1b[K" + " ".join(self._lamp(channel) for channel in Channel)
        else:
            text = "outputs: " + (" ".join(channel.value for channel in Channel if channel in self._on) or "off")
        try:
            self._stream.write(text + end)
            self._stream.flush()
        except (OSError, ValueError) as error:
            raise OutputError(f"the terminal cannot be written: {error}") from error

    def _lamp(self, channel: Channel) -> str:
        if channel not in self._on:
            return f" {channel.value} "
        word = f"[{channel.value.upper()}]"
        return f"\x1b[{_COLOURS[channel]}m{word}\x1b[0m" if self._coloured else word


class DrawnRelay:
    """Implements locks.Relay: a line for each change, `door server-room: released`.

    Args:
        door: its name.
        stream: where to write; not closed.
    """

    def __init__(self, door: str, stream: TextIO) -> None:
        self._door = door
        self._stream = stream
        self._clears = "\r\x1b[K" if stream.isatty() else ""  # the lamps are drawn there
        self._on = False

    def switch(self, on: bool) -> None:  # noqa: FBT001  (as it stands)
        """Say it; see locks.Relay."""
        if on is self._on:
            return
        try:
            self._stream.write(f"{self._clears}door {self._door}: {'released' if on else 'locked'}\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            raise OutputError(f"the terminal cannot be written: {error}") from error
        self._on = on

    def close(self) -> None:
        """Lock it."""
        self.switch(False)
