"""From a card's appearance in pcscd to its first APDU, against a bare C program; and whether any card is lost.

Both programs run for the whole time, each at a slot of its own, and take turns; then they change slots, so that no slot
counts for or against either. A card's appearance is the moment when it hands its ATR to pcscd, which powers it up.

    python -m kazasu.virtual.sandbox -- python tests/bench/bench_reader.py [--quick]
"""

from __future__ import annotations

import contextlib
import random
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.health import FakeHealth
from fakes.scripted_reader import ScriptedCard, free_pair_of_ports, wait_for_card
from kazasu.model.access import Assurance, Identifier
from kazasu.model.input import CardRead
from kazasu.readers.pcsc import PcscReaders
from kazasu.readers.presence import ReaderPattern
from kazasu.runtime.inbox import BoundedInbox
from kazasu.virtual.pcscd import PrivatePcscd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.ports.readers import CardChannel

READERS = ("Virtual PCD 00 00", "Virtual PCD 00 01")
GET_UID = bytes.fromhex("FFCA000000")
LOST_AFTER_S = 10.0
TARGET_RATIO = 1.25

Row = dict[str, Any]


def run(quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        return [_first_apdu(Path(directory), 10 if quick else 100), _lost(Path(directory), 20 if quick else 500)]


def _first_apdu(directory: Path, taps: int) -> Row:
    ours_us: list[float] = []
    bare_us: list[float] = []
    with PrivatePcscd(directory, free_pair_of_ports()) as pcscd:
        bare = [str(_compiled(directory))]
        ours = [sys.executable, __file__, "--watch"]
        for one, other, one_us, other_us in ((ours, bare, ours_us, bare_us), (bare, ours, bare_us, ours_us)):
            with _program([*one, READERS[0]]), _program([*other, READERS[1]]):
                for _ in range(taps // 2):
                    one_us.append(_tap_us(pcscd.ports[0], READERS[0]))
                    other_us.append(_tap_us(pcscd.ports[1], READERS[1]))
    ratio = statistics.median(ours_us) / statistics.median(bare_us)
    return {
        "name": "card's appearance to first APDU",
        "value": round(statistics.median(ours_us)),
        "unit": "us",
        "ratio": round(ratio, 2),
        "target": TARGET_RATIO,
        "ok": ratio <= TARGET_RATIO,
        "note": f"median of {len(ours_us)}; C on interleaved insertions: {statistics.median(bare_us):.0f} us",
    }


def _tap_us(port: int, reader: str) -> float:
    """One tap at a moment that pcscd's poll cannot know: microseconds from the ATR to the first APDU."""
    wait_for_card(reader, there=False)
    time.sleep(random.uniform(0.0, 0.4))  # noqa: S311  (no secret)
    card = ScriptedCard(port)
    card.insert()
    if not card.answered.wait(LOST_AFTER_S):
        raise TimeoutError(f"nobody read the card in {reader}")
    card.pull()
    return (card.first_apdu_s - card.atr_s) * 1e6


def _lost(directory: Path, taps: int) -> Row:
    """Pull each card away at its first answer and put the next one there at once, at both slots side by side."""
    watch = [sys.executable, __file__, "--watch", "*"]
    with PrivatePcscd(directory, free_pair_of_ports()) as pcscd, _program(watch) as watching:
        hands = [threading.Thread(target=_put_back, args=(port, taps // 2)) for port in pcscd.ports]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        watching.terminate()
        read = len(watching.communicate()[0].splitlines())
    lost = taps // 2 * 2 - read
    return {
        "name": "cards lost, pulled at once and put back",
        "value": lost,
        "unit": f"of {taps}",
        "ratio": None,
        "target": 0,
        "ok": lost == 0,
        "note": "each pulled at its first answer, the next one put there at once; each is read once",
    }


def _put_back(port: int, taps: int) -> None:
    for _ in range(taps):
        card = ScriptedCard(port)
        card.insert()
        card.answered.wait(LOST_AFTER_S)
        card.pull()


def _compiled(directory: Path) -> Path:
    program = directory / "first_apdu"
    flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", "libpcsclite"], text=True)
    source = Path(__file__).with_name("first_apdu.c")
    subprocess.run(["cc", "-O2", "-o", program, source, *shlex.split(flags)], check=True)
    return program


@contextlib.contextmanager
def _program(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class _Clock:
    """As much of ports.clock.Clock as the loop asks for."""

    def now(self) -> Any:
        raise NotImplementedError

    def mono_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def recorded(self, moment: Any) -> None:
        raise NotImplementedError


class _OneCommand:
    """Implements ports.readers.CardIdentifier with a single APDU, as the C program does."""

    def identify(self, channel: CardChannel, atr: bytes) -> Identifier:
        channel.transmit(GET_UID)
        return Identifier(kind="bench", pseudonym=atr.hex(), assurance=Assurance.SERIAL)


class _Lines:
    """As much of the terminal as matters here: a thread that wakes at each input, and prints a line for each read."""

    def __init__(self, inbox: BoundedInbox) -> None:
        self._inbox = inbox

    def run(self) -> None:
        while True:
            item = self._inbox.get(LOST_AFTER_S)
            if isinstance(item, CardRead):
                sys.stdout.write(f"{item.refusal or 'read'}\n")
                sys.stdout.flush()


def _watch(match: str) -> None:
    """Be the daemon's reader loop, in a process of its own."""
    pattern = ReaderPattern(name="bench", match=match)
    inbox = BoundedInbox()
    threading.Thread(target=_Lines(inbox).run, daemon=True).start()
    PcscReaders([pattern], _OneCommand(), inbox, _Clock(), FakeHealth()).run(lambda: None)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--watch"]:
        _watch(arguments[1])
        return
    for row in run(quick="--quick" in arguments):
        print(row)


if __name__ == "__main__":
    main(sys.argv[1:])
