"""The small display as a page in a browser: one static file, rewritten whole.

A file and no server: it opens from the disk as it is, listens on no port, has nobody to authenticate, and a browser
that hangs cannot hold anything up. The page asks for itself again every second. On a terminal it belongs under /run,
which is memory: a name never reaches the SD card.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from kazasu.errors import DisplayError
from kazasu.model.screen import ROWS, Screen

if TYPE_CHECKING:
    from pathlib import Path

_PAGE = """<!doctype html>
<html lang="ja"><head><meta charset="utf-8"><meta http-equiv="refresh" content="1"><title>Kazasu</title>
<style>
html {{ background: #222; }}
pre {{ background: #000; color: #cfe8ff; font: 6vw/1.4 monospace; width: 16ch; min-height: 5.6em; margin: 8vh auto;
  padding: .5em; border-radius: .2em; white-space: pre; }}
</style></head><body><pre role="status">{rows}</pre></body></html>
"""


class HtmlDisplay:
    """Implements ports.outputs.Display.

    Args:
        path: the page; its folder exists. A file `.new` beside it is the next page being written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed = False

    def show(self, screen: Screen) -> None:
        """Rewrite the page, atomically: a browser reads the old one or the new one; see ports.outputs.Display."""
        if self._closed:
            raise DisplayError(f"{self._path}: the page was closed")
        self._write(screen)

    def close(self) -> None:
        """Leave a blank page: what stood on it last is nobody's business afterwards."""
        if self._closed:
            return
        self._closed = True
        self._write(Screen(lines=()))

    def _write(self, screen: Screen) -> None:
        rows = (*screen.lines, *[""] * (ROWS - len(screen.lines)))
        new = self._path.with_name(self._path.name + ".new")
        try:
            # Who may see the terminal's wall may read its page, whoever runs the browser.
            new.touch(mode=0o644)
            new.chmod(0o644)
            new.write_text(_PAGE.format(rows="\n".join(html.escape(row) for row in rows)), encoding="utf-8")
            # No flush to the disk: a page that a power cut takes away is missed by nobody.
            new.replace(self._path)
        except OSError as error:
            raise DisplayError(f"{self._path}: the page cannot be written: {error}") from error
