"""A limit on how often something may happen: so many at once, then one each so many seconds. Time is handed in."""

from __future__ import annotations


class RateLimit:
    """A bucket of tokens that fills by itself.

    Args:
        burst: how many at once.
        every_s: seconds until one more may.
    """

    def __init__(self, burst: int, every_s: float) -> None:
        self._burst = burst
        self._every_s = every_s
        self._tokens = float(burst)
        self._filled_s: float | None = None

    def allows(self, now_s: float) -> bool:
        """Take one, if there is one."""
        if self._filled_s is not None:
            self._tokens = min(self._burst, self._tokens + (now_s - self._filled_s) / self._every_s)
        self._filled_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
