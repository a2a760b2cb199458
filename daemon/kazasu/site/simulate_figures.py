"""What a simulated fleet does, in numbers: a line a second, and a summary."""

from __future__ import annotations

import array


class Figures:
    """Counts.

    Latency is that of events that were tapped while the terminal was connected: from the tap, before it is signed, to
    the broker's acknowledgement and to the collector's receipt.
    """

    def __init__(self) -> None:
        self.taps = 0
        self.commands = 0
        self.sendings = 0
        self.acks = 0
        self.receipts = 0
        self._ack_s = array.array("d")
        self._receipt_s = array.array("d")
        self._shown = (0, 0)  # how many of each were in the last line

    @property
    def events(self) -> int:
        """How many were recorded: a tap is one, and so is a command of the collector's."""
        return self.taps + self.commands

    def tapped(self) -> None:
        """Somebody punched in."""
        self.taps += 1

    def commanded(self) -> None:
        """The collector asked for events once more."""
        self.commands += 1

    def sent(self, count: int) -> None:
        """Events were handed to a connection, some of them perhaps again."""
        self.sendings += count

    def acknowledged(self, count: int, latencies_s: list[float]) -> None:
        """The broker took events over."""
        self.acks += count
        self._ack_s.extend(latencies_s)

    def receipted(self, count: int, latencies_s: list[float]) -> None:
        """The collector vouched for events."""
        self.receipts += count
        self._receipt_s.extend(latencies_s)

    def line(self, second: int, connected: int) -> str:
        """What is so now; latencies of what came since the last line."""
        acks, receipts = self._shown
        self._shown = (len(self._ack_s), len(self._receipt_s))
        return (
            f"{second:>4} s  connected {connected}  sent {self.sendings}  acknowledged {self.acks}"
            f"  receipted {self.receipts}  backlog {self.events - self.acks}"
            f"  ack {_percentiles(self._ack_s[acks:])}  receipt {_percentiles(self._receipt_s[receipts:])}"
        )

    def summary(self) -> str:
        """All of it."""
        return (
            f"taps {self.taps}, asked for events again {self.commands}"
            f", acknowledged {self.acks}, receipted {self.receipts}, sent {self.sendings}"
            f" ({self.sendings - self.events} more than once)\n"
            f"from tap to acknowledgement  {_percentiles(self._ack_s)}\n"
            f"from tap to receipt          {_percentiles(self._receipt_s)}"
        )


def _percentiles(latencies_s: array.array[float]) -> str:
    if not latencies_s:
        return "-"
    ordered = sorted(latencies_s)
    half, most, last = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95, 0.99))
    return f"p50 {half * 1000:.1f} p95 {most * 1000:.1f} p99 {last * 1000:.1f} ms"
