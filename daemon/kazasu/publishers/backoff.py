"""How long to wait before the next try: longer each time, and never in step with other terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Backoff:
    """1 s, 2 s, 4 s, … 60 s, each shortened by up to a half at random.

    Ten thousand terminals lose one broker at the same moment; a broker has a listen backlog of about a hundred.

    Args:
        random: a number from 0 to below 1, new at each call.
    """

    FIRST_S = 1.0
    CEILING_S = 60.0

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._delay_s = self.FIRST_S

    def next_s(self) -> float:
        """How long to wait now, seconds; the next wait will be up to twice as long."""
        delay_s = self._delay_s
        self._delay_s = min(2 * delay_s, self.CEILING_S)
        return delay_s * (1 - self._random() / 2)

    def slow_down(self) -> None:
        """Trying again soon is pointless: from now on wait as long as it goes."""
        self._delay_s = self.CEILING_S

    def reset(self) -> None:
        """It works: begin from the shortest wait."""
        self._delay_s = self.FIRST_S
