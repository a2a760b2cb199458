"""The display's own thread: whoever has news leaves it here and goes on at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kazasu.errors import DisplayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.screen import Screen
    from kazasu.ports import Display, Health

_LOOK_S = 10.0  # how soon the idle screen follows the clock
_RETRY_S = 30.0  # a panel that was unplugged is looked for again after this time
_ALERT = "display"


class DisplayLoop:
    """The newest screen wins, and one that nobody could draw in time is not drawn at all.

    A display that is missing or broken raises an alert and is tried again; nothing else of it reaches anybody. So this
    is no ports.Loop: a bus that hangs would starve the watchdog, and a terminal that records would be started anew.

    Args:
        open_display: opens the display; called in the loop's thread, for luma's imports and the bus take their time.
        idle: the screen of a terminal at rest.
        health: gets the alert `display`.
        mono_s: monotonic seconds.
        condition: what the thread sleeps on.
    """

    def __init__(
        self,
        open_display: Callable[[], Display],
        idle: Callable[[], Screen],
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
        self._held: tuple[Screen, float] | None = None
        self._stopped = False
        self._display: Display | None = None
        self._shown: Screen | None = None
        self._retry_at_s = 0.0

    def show(self, screen: Screen, hold_s: float) -> None:
        """Show a screen for a time, then the idle one. Any thread; it never waits for the display and never raises.

        Args:
            screen: replaces what is shown.
            hold_s: seconds, more than 0.
        """
        with self._changed:
            self._held = (screen, self._mono_s() + hold_s)
            self._changed.notify()

    def start(self) -> None:
        """Run in a thread of its own, which keeps no process alive."""
        threading.Thread(target=self.run, name="display", daemon=True).start()

    def run(self) -> None:
        """Draw what is newest, until `stop`."""
        while True:
            with self._changed:
                if self._stopped:
                    break
                screen = self._due()
            # Outside the lock: a bus that hangs holds up this thread and nobody who has news.
            self._draw(screen)
            with self._changed:
                if self._nothing_new(screen):
                    self._changed.wait(self._sleep_s())
        self._let_go()

    def stop(self) -> None:
        """Make `run` blank the display and return."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _nothing_new(self, drawn: Screen) -> bool:
        return not self._stopped and self._due() == drawn

    def _due(self) -> Screen:
        if self._held is not None and self._mono_s() >= self._held[1]:
            self._held = None
        return self._idle() if self._held is None else self._held[0]

    def _draw(self, screen: Screen) -> None:
        if self._display is None and self._mono_s() < self._retry_at_s:
            return
        if self._display is not None and screen == self._shown:
            return
        try:
            if self._display is None:
                self._display = self._open_display()
            self._display.show(screen)
        except Exception as error:  # noqa: BLE001  (a library's own surprise must not end this thread, nor the process)
            self._health.alert(_ALERT, str(error) if isinstance(error, DisplayError) else type(error).__name__)
            self._let_go()
            self._retry_at_s = self._mono_s() + _RETRY_S
        else:
            self._shown = screen
            self._health.clear(_ALERT)

    def _let_go(self) -> None:
        display, self._display, self._shown = self._display, None, None
        if display is not None:
            try:
                display.close()
            except DisplayError as error:
                self._health.alert(_ALERT, str(error))

    def _sleep_s(self) -> float:
        if self._held is None:
            return _LOOK_S
        return min(_LOOK_S, max(0.0, self._held[1] - self._mono_s()))
