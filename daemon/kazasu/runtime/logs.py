"""The log: an event's name and a few named fields, to systemd's journal or, started by hand, to the terminal.

`log.info("tap", extra={"fields": {"seq": 7, "reader": "desk"}})`. Which fields exist is fixed here, so that nobody logs
a secret, a number off a card or a person's number by adding one more (rule 7); a test reads the source against it.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

FIELDS = frozenset(
    {
        "acked_seq",
        "command",
        "detail",
        "door",
        "epoch",
        "event_type",
        "first_seq",
        "former_epoch",
        "reader",
        "reason",
        "seq",
        "thread",
    }
)

_JOURNAL_SOCKET = "/run/systemd/journal/socket"
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG_PRIORITY = 7  # syslog(3)


def set_up(level: str, environment: Mapping[str, str], stream: TextIO = sys.stderr) -> None:
    """Send everything that any library logs to one place.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        environment: `JOURNAL_STREAM` tells whether systemd reads the stream (systemd.exec(5)).
        stream: where text goes if it does not.
    """
    handler: logging.Handler
    if _is_journal(stream, environment.get("JOURNAL_STREAM", "")):
        handler = JournalHandler(_JOURNAL_SOCKET)
    else:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(TextFormatter("{asctime} {levelname:<8} {message}", style="{"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def fields_of(record: logging.LogRecord) -> dict[str, int | str]:
    """The fields of a record that may leave the process; empty ones are left out."""
    fields: Mapping[str, object] = getattr(record, "fields", {})
    # Numbers and text: bytes off a card are neither.
    return {
        name: value for name, value in fields.items() if name in FIELDS and isinstance(value, int | str) and value != ""
    }


class TextFormatter(logging.Formatter):
    """`2026-04-01 08:30:00,123 INFO     tap seq=7 reader=desk`; one line whatever the fields hold."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        """Append the fields."""
        words = [super().formatMessage(record)]
        for name, value in fields_of(record).items():
            text = str(value)
            if not text.isprintable():
                text = ascii(text)
            elif set(text) & set(' "='):
                text = f'"{text}"'
            words.append(f"{name}={text}")
        return " ".join(words)


class JournalHandler(logging.Handler):
    """systemd's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): each field can be searched for.

    `journalctl KAZASU_READER=desk`.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; a journal that is gone is no reason to stop taking taps."""
        try:
            self._socket.sendto(self.datagram(record), self._path)
        except Exception:  # noqa: BLE001  (as logging's own handlers do: a record that cannot be written ends nothing)
            self.handleError(record)

    def close(self) -> None:
        """Let the socket go; logging does so when the process ends."""
        self._socket.close()
        super().close()

    def datagram(self, record: logging.LogRecord) -> bytes:
        """Encode one record."""
        fields = fields_of(record)
        message = " ".join([record.getMessage(), *(f"{name}={value}" for name, value in fields.items())])
        if record.exc_info:
            message += "\n" + logging.Formatter().formatException(record.exc_info)
        entries = {
            "MESSAGE": message,
            "PRIORITY": next((number for level, number in _PRIORITIES if record.levelno >= level), _DEBUG_PRIORITY),
            "SYSLOG_IDENTIFIER": "kazasu",
            "KAZASU_EVENT": record.getMessage(),
            "KAZASU_LOGGER": record.name,
        } | {f"KAZASU_{name.upper()}": value for name, value in fields.items()}
        return b"".join(_entry(name, str(value)) for name, value in entries.items())


def _entry(name: str, value: str) -> bytes:
    content = value.encode(errors="backslashreplace")
    # With its length before it, a value may hold line ends: none of them can begin a field of its own.
    return name.encode() + b"\n" + len(content).to_bytes(8, "little") + content + b"\n"


def _is_journal(stream: TextIO, journal_stream: str) -> bool:
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return journal_stream == f"{status.st_dev}:{status.st_ino}"


def failure(error: BaseException) -> None:
    """Log what ends the process, with its traceback."""
    logging.getLogger(__name__).critical("failed", exc_info=error, extra={"fields": {"detail": str(error)}})
