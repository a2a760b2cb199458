"""One tap of each kind: what the virtual card takes of it, and what the terminal itself.

The bare program is the same commands, sent to the same card by nobody but a loop: what is more is the terminal's own
share, up to the identifier with everything checked. A virtual card answers at once; a real one takes as long as its
bytes are on the air (bench_air.py), and as its own processor does.

    python tests/bench/bench_kinds.py [--quick]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from cryptography.hazmat.primitives.serialization import Encoding

from fakes.card_channel import FakeCardChannel
from fakes.clock import FakeClock
from kazasu.app.cards import card_identifier
from kazasu.cards.trace import TimedPins, Trace, Traced
from kazasu.config import load
from kazasu.model.access import Assurance
from kazasu.model.moment import TimeSource
from kazasu.readers.demand import FixedDemand
from kazasu.store.keys import generate_pepper
from kazasu.virtual.gallery import Gallery
from kazasu.virtual.issuer import JpkiIssuer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.virtual.card import VirtualCard

Row = dict[str, Any]
ROUNDS = 300
TARGET_MS = 3.0
PIN = "1234"
CONFIGURATION = """\
[terminal]
site = "bench"
id = "bench"
[[readers]]
name = "desk"
[cards.jpki]
ca = ["authca.pem"]
[services.attendance]
[outputs]
driver = "terminal"
[collector]
present = false
"""


class Desk:
    """A terminal's card kinds, configured as the demo's are.

    Args:
        directory: for the files that they read.
    """

    def __init__(self, directory: Path) -> None:
        (directory / "keys").mkdir()
        generate_pepper(directory / "keys" / "pepper.key")
        issuer = JpkiIssuer()
        (directory / "authca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
        self.gallery = Gallery(directory, issuer)
        file = directory / "kazasu.toml"
        kinds = f"[cards]\nkinds = {list(self.gallery.kinds)}\n{self.gallery.tables}"
        file.write_text(CONFIGURATION.replace("[cards.jpki]", f"{kinds}\n[cards.jpki]"))
        self._config = load(file)

    def taps(self, card: VirtualCard, rounds: int, *, cold: bool = False, with_pin: bool = False) -> list[Trace]:
        """Tap so many times; cold: each time with kinds that have read no card before."""
        traced = self._traced(with_pin=with_pin)
        traces = []
        for _ in range(rounds + 1):
            if cold:
                traced = self._traced(with_pin=with_pin)
            card.power_on()
            traced.identify(FakeCardChannel(card), card.atr)
            card.power_off()
            traces.append(traced.trace)
        return traces[1:]  # the first warms caches of Python's own

    def _traced(self, *, with_pin: bool) -> Traced:
        # With the clock unset no date of a certificate matters.
        clock = FakeClock(source=TimeSource.NONE)
        if not with_pin:
            kinds = card_identifier(self._config, clock, FixedDemand(Assurance.SERIAL))
            return Traced(kinds, time.perf_counter)
        pins = TimedPins(Holder(), time.perf_counter)
        kinds = card_identifier(self._config, clock, FixedDemand(Assurance.CHALLENGE_PIN), pins)
        return Traced(kinds, time.perf_counter, pins)


class Holder:
    """Implements ports.readers.PinSource: enters the same PIN each time, at once."""

    def ask(self, tries_left: int, length: range, meanwhile: Callable[[], None]) -> str:
        return PIN


def run(quick: bool) -> list[Row]:
    """Measure every kind of the gallery, and a My Number Card with its PIN."""
    rounds = ROUNDS // 10 if quick else ROUNDS
    with tempfile.TemporaryDirectory() as directory:
        desk = Desk(Path(directory))
        rows = [
            _row(exhibit.words, exhibit.proves, desk.taps(exhibit.card, rounds)) for exhibit in desk.gallery.exhibits
        ]
        plastic = desk.gallery.exhibits[0]
        rows.append(_row("My Number Card, the first time", plastic.proves, desk.taps(plastic.card, rounds, cold=True)))
        with_pin = desk.taps(plastic.card, rounds, with_pin=True)
        rows.append(_row("My Number Card, with its PIN", Assurance.CHALLENGE_PIN, with_pin))
    return rows


def _row(words: str, proves: Assurance, traces: list[Trace]) -> Row:
    own_ms = statistics.median(trace.own_s for trace in traces) * 1000
    card_ms = statistics.median(trace.card_s for trace in traces) * 1000
    commands = sum(step.commands for step in traces[-1].steps)
    return {
        "name": words,
        "value": own_ms,
        "unit": "ms",
        "ratio": (own_ms + card_ms) / card_ms,
        "target": f"< {TARGET_MS:g}",
        "ok": own_ms < TARGET_MS,
        "note": f"own share; card {card_ms:.2f} ms, {commands} commands, {proves.word}",
    }


if __name__ == "__main__":
    for row in run("--quick" in sys.argv):
        print(f"{row['name']:<70} {row['value']:6.2f} ms  x{row['ratio']:.2f}  {row['note']}")
