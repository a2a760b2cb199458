"""The display's own thread: whoever has news leaves it here and goes on at once."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, NamedTuple

from kazasu.errors import DisplayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.screen import Screen
    from kazasu.ports.health import Health
    from kazasu.ports.outputs import Display

_log = logging.getLogger(__name__)

_LOOK_S = 10.0  # how soon the idle screen follows what nobody tells
_RETRY_S = 30.0  # a panel that was unplugged is looked for again after this time
_HANGS_S = 10.0  # a picture that takes so long does not come any more
_END_S = 0.5  # so long the end waits for a dark panel; systemd's patience is for the journal
_ALERT = "display"


class Idle(NamedTuple):
    """The screen while there is no news.

    Attributes:
        screen: what to show.
        valid_s: after this time it is another one; more than 0.
    """

    screen: Screen
    valid_s: float


class _Held(NamedTuple):
    make: Callable[[], Screen]
    until_s: float


class DisplayLoop:
    """The newest screen wins, and one that nobody could draw in time is not drawn at all.

    A display that is missing or broken raises an alert and is tried again; nothing else of it reaches anybody. So this
    is no ports.loops.Loop: a bus that hangs would starve the watchdog, and a terminal that records would start anew.

    Args:
        open_display: opens the display; called in the loop's thread, for luma's imports and the bus take their time.
        idle: what is shown while there is no news; called in the loop's thread.
        health: gets the alert `display`.
        mono_s: monotonic seconds.
        condition: what the thread sleeps on.
    """

    def __init__(
        self,
        open_display: Callable[[], Display],
        idle: Callable[[], Idle],
        *,
        health: Health,
        mono_s: Callable[[], float],
        condition: threading.Condition | None = None,
    ) -> None:
        self._open_display = open_display
        self._idle = idle
        self._health = health
        self._mono_s = mono_s
        self._changed = condition or threading.Condition()
        self._held: _Held | None = None
        self._news = 0
        self._stopped = False
        self._busy_since_s: float | None = None
        self._display: Display | None = None
        self._shown: Screen | None = None
        self._trouble = ""
        self._retry_at_s = 0.0
        self._thread = threading.Thread(target=self.run, name="display", daemon=True)

    def show(self, make: Callable[[], Screen], hold_s: float) -> None:
        """Show a screen for a time, then the idle one. Any thread; it never waits for the display and never raises.

        Args:
            make: makes the screen that replaces what is shown; called in the loop's thread, so that whatever goes wrong
                there is the display's trouble alone.
            hold_s: seconds, more than 0.
        """
        with self._changed:
            self._held = _Held(make, self._mono_s() + hold_s)
        self.look()

    def end(self) -> None:
        """What was shown for a time is over: the idle screen comes back. Any thread, as `show`."""
        with self._changed:
            self._held = None
        self.look()

    def look(self) -> None:
        """The idle screen is another one now. Any thread, as `show`."""
        with self._changed:
            self._news += 1
            since_s = self._busy_since_s
            self._changed.notify()
        if since_s is not None and self._mono_s() - since_s >= _HANGS_S:
            self._health.alert(_ALERT, "the display does not answer: its bus hangs; check SDA and SCL, switch it off")

    def start(self) -> None:
        """Run in a thread of its own, which keeps no process alive."""
        self._thread.start()

    def close(self) -> None:
        """Blank the display, if it still answers, and end the thread."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(_END_S)

    def run(self) -> None:
        """Draw what is newest, until `stop`."""
        while True:
            with self._changed:
                if self._stopped:
                    break
                news, held = self._news, self._due()
                self._busy_since_s = self._mono_s()
            # Outside the lock: a bus that hangs holds up this thread and nobody who has news.
            valid_s = self._draw(held)
            with self._changed:
                self._busy_since_s = None
                if self._nothing_new(news):
                    self._changed.wait(min(_LOOK_S, max(0.0, valid_s)))
        self._let_go()

    def stop(self) -> None:
        """Make `run` blank the display and return."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _nothing_new(self, news: int) -> bool:
        return not self._stopped and self._news == news

    def _due(self) -> _Held | None:
        if self._held is not None and self._mono_s() >= self._held.until_s:
            self._held = None
        return self._held

    def _draw(self, held: _Held | None) -> float:
        """Draw; returns after how many seconds something else is due."""
        if self._display is None and self._mono_s() < self._retry_at_s:
            return _LOOK_S
        try:
            screen, valid_s = self._idle() if held is None else (held.make(), held.until_s - self._mono_s())
            if self._display is None:
                self._display = self._open_display()
            if screen != self._shown:
                self._display.show(screen)
        except Exception as error:  # noqa: BLE001  (a library's own surprise must not end this thread, nor the process)
            # Only our own words: another's could quote a name.
            self._fail(str(error) if isinstance(error, DisplayError) else type(error).__name__)
            self._let_go()
            self._retry_at_s = self._mono_s() + _RETRY_S
            return _LOOK_S
        self._shown = screen
        if self._trouble:
            self._trouble = ""
            _log.info("display_found")
        self._health.clear(_ALERT)
        return valid_s

    def _fail(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("display_lost", extra={"fields": {"detail": trouble}})
        self._health.alert(_ALERT, trouble)

    def _let_go(self) -> None:
        display, self._display, self._shown = self._display, None, None
        if display is not None:
            try:
                display.close()
            except DisplayError as error:
                self._fail(str(error))
