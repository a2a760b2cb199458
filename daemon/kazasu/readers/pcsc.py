r"""Cards through pcscd: the one loop that waits for them, and the channel to the one in the field.

The only importer of smartcard, and of that only `scard`, the bare PC/SC calls: pyscard's own monitors poll, or end for
ever with the first error. One thread waits in SCardGetStatusChange on all readers and on `\\?PnP?\Notification`,
which reports plugging and unplugging, and reads each card itself while it is in the field.

What pcscd does when it is stopped, killed or started again is an error code of that wait; after each of them only a new
context works, so the loop lets everything go and begins anew.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from smartcard import scard

from kazasu.errors import CardError, CardGone, ReaderUnavailable
from kazasu.model.access import DenyReason
from kazasu.model.input import CardPresented, CardRead
from kazasu.readers import results
from kazasu.readers.outage import Outages
from kazasu.readers.presence import NOTHING_NEW, PRESENT, UNAWARE, Presence, assign

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox
    from kazasu.ports.loops import Beat
    from kazasu.ports.readers import CardIdentifier
    from kazasu.readers.presence import ReaderPattern, Sight

_PNP: Final = "\\\\?PnP?\\Notification"
_EITHER_PROTOCOL: Final = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
_VERIFY: Final = 0x20  # ISO/IEC 7816-4:2020, 11.6.6

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_BUSY_PAUSE_S: Final = 0.05
_BUSY_TRIES: Final = 20
_CANCEL_PAUSE_S: Final = 0.01
_CANCEL_TRIES: Final = 200

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def connection() -> Iterator[int]:
    """A connection to pcscd, which PC/SC calls a context.

    Raises:
        ReaderUnavailable: pcscd does not answer, or refuses this user.
    """
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    _expect(code)
    try:
        yield context
    finally:
        scard.SCardReleaseContext(context)


def list_readers() -> list[str]:
    """The PC/SC names of all readers that pcscd sees.

    Raises:
        ReaderUnavailable: pcscd does not answer, or refuses this user.
    """
    with connection() as context:
        return _list_readers(context)


def _list_readers(context: int) -> list[str]:
    code, names = scard.SCardListReaders(context, [])
    if results.unsigned(code) == results.NO_READERS:
        return []
    _expect(code)
    return list(names)


def _expect(code: int) -> None:
    code = results.unsigned(code)
    if code != results.SUCCESS:
        raise ReaderUnavailable(results.explain(code))


class PcscChannel:
    """The card in a reader's field, held exclusively between `open` and the end of `with`. Implements CardChannel.

    Args:
        context: from `connection`.
        pcsc_name: the reader.
        stopping: ends the wait for another program early, and that for a PIN.
        beat: called with each command, since the wait for a PIN is longer than a loop may be silent.
    """

    __slots__ = ("_beat", "_card", "_context", "_pcsc_name", "_protocol", "_stopping", "_verified")

    def __init__(self, context: int, pcsc_name: str, stopping: threading.Event, beat: Beat = lambda: None) -> None:
        self._beat = beat
        self._context = context
        self._pcsc_name = pcsc_name
        self._stopping = stopping
        self._card: int | None = None
        self._protocol = 0
        self._verified = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the card go.

        It stays as it is, since powering it down loses cards that come at once after (measured: 5 of 135); but what a
        PIN has opened must end, and only power-down ends it.
        """
        if self._card is not None:
            scard.SCardDisconnect(self._card, scard.SCARD_UNPOWER_CARD if self._verified else scard.SCARD_LEAVE_CARD)

    def open(self) -> None:
        """Take hold of the card; a program that holds it (`opensc-tool`, say) is waited for, a second at most.

        Raises:
            CardGone: no card is there any more.
            CardError: the card does not answer, or another program keeps it.
            ReaderUnavailable: the reader or pcscd is gone.
        """
        for _ in range(_BUSY_TRIES):
            code, card, protocol = scard.SCardConnect(
                self._context, self._pcsc_name, scard.SCARD_SHARE_EXCLUSIVE, _EITHER_PROTOCOL
            )
            if code == results.SUCCESS:
                self._card, self._protocol = card, protocol
                return
            if results.unsigned(code) != results.SHARING_VIOLATION or self._stopping.wait(_BUSY_PAUSE_S):
                break
        raise results.card_error(code, results.GONE_IN_CONNECT)

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """See ports.readers.CardChannel."""
        self._beat()
        if apdu[1] == _VERIFY:
            if self._stopping.is_set():
                raise ReaderUnavailable("the terminal is being stopped, so no PIN is waited for")
            self._verified = True
        code, answer = scard.SCardTransmit(self._card, self._protocol, list(apdu))
        if code != results.SUCCESS:
            raise results.card_error(code, results.GONE_IN_TRANSMIT)
        if len(answer) < 2:  # noqa: PLR2004  (a status word has two bytes)
            raise CardGone("the card left the field in the middle of its answer")
        return bytes(answer[:-2]), answer[-2] << 8 | answer[-1]


class PcscReaders:
    """Watches the configured readers and reads each card that comes. Implements ports.loops.Loop.

    A tap gives `CardPresented` at once and exactly one `CardRead` (rule 2), the latter before the card is let go: the
    terminal decides while the reader finishes.
    """

    def __init__(
        self,
        patterns: Sequence[ReaderPattern],
        identifier: CardIdentifier,
        inbox: Inbox,
        clock: Clock,
        health: Health,
    ) -> None:
        self._patterns = patterns
        self._identifier = identifier
        self._inbox = inbox
        self._clock = clock
        self._outages = Outages([pattern.name for pattern in patterns], inbox, clock, health)
        self._presences: defaultdict[str, Presence] = defaultdict(Presence)
        self._assigned: dict[str, str] = {}
        self._why = ""
        self._quiet = False
        self._beat: Beat = lambda: None
        self._pnp = UNAWARE
        self._pause_s = _FIRST_PAUSE_S
        self._stopping = threading.Event()
        self._context: int | None = None
        self._left = threading.Event()

    def run(self, beat: Beat) -> None:
        """Watch until `stop`; see ports.loops.Loop. Survives everything that pcscd does."""
        self._beat = beat
        while not self._stopping.is_set():
            beat()
            try:
                self._connected(beat)
            except ReaderUnavailable as error:
                self._lost(str(error))

    def stop(self) -> None:
        """Wake the loop and wait until it is out of pcscd, two seconds at most. Not for the loop's own thread.

        A cancel that comes just before the wait begins is lost, so it is repeated.
        """
        self._stopping.set()
        for _ in range(_CANCEL_TRIES):
            context = self._context
            if context is None:
                return
            scard.SCardCancel(context)
            if self._left.wait(_CANCEL_PAUSE_S):
                return

    def _connected(self, beat: Beat) -> None:
        with connection() as context:
            self._quiet, self._pnp = False, UNAWARE
            self._left.clear()
            self._context = context
            try:
                while not self._stopping.is_set():
                    beat()
                    self._round(context)
                    self._pause_s = _FIRST_PAUSE_S
            finally:
                self._context = None
                self._left.set()

    def _lost(self, why: str) -> None:
        if self._pause_s == _FIRST_PAUSE_S:
            _log.warning("pcscd_lost", extra={"fields": {"detail": why}})
        for presence in self._presences.values():
            presence.lose()
        due_s = self._outages.update(set(), why)
        self._stopping.wait(min(self._pause_s, due_s))
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _round(self, context: int) -> None:
        """List the readers, wait for news of them, take it in."""
        if not self._quiet:
            names = _list_readers(context)
            self._why = f"pcscd sees {', '.join(names) or 'no reader'}"
            self._assigned = assign(self._patterns, names)
            for pcsc_name in self._presences.keys() - self._assigned.keys():
                self._presences[pcsc_name].lose()
        present = {name for pcsc_name, name in self._assigned.items() if self._presences[pcsc_name].alive}
        due_s = self._outages.update(present, self._why)

        waited = [(pcsc_name, self._presences[pcsc_name].expected) for pcsc_name in self._assigned]
        code, states = scard.SCardGetStatusChange(context, math.ceil(due_s * 1000), [*waited, (_PNP, self._pnp)])
        if code != results.SUCCESS:
            code = results.unsigned(code)
            if code in {results.CANCELLED, results.UNKNOWN_READER}:
                self._quiet = False
                return
            if code != results.TIMEOUT:
                raise ReaderUnavailable(results.explain(code))
        *seen, (_, self._pnp, _) = states
        for pcsc_name, state, atr in seen:
            sight = self._presences[pcsc_name].see(state, bytes(atr), self._clock.mono_s())
            if sight is not NOTHING_NEW:
                self._tell(context, pcsc_name, sight, bytes(atr))
        # Before pcsc-lite 2.0 a reader that comes while nobody waits is never reported, so the list is made anew each
        # time; only a round without any news goes without, if nobody is missing: that halves what idling costs.
        self._quiet = code == results.TIMEOUT and len(present) == len(self._patterns)

    def _tell(self, context: int, pcsc_name: str, sight: Sight, atr: bytes) -> None:
        """Hand over what a look revealed: first who came and went unseen, then the card that is there."""
        reader = self._assigned[pcsc_name]
        for _ in range(sight.missed):
            self._inbox.put(CardPresented(reader=reader))
            detail = "the card was gone before it could be read"
            self._inbox.put(CardRead(reader=reader, refusal=DenyReason.CARD_REMOVED, detail=detail))
        if sight.tap:
            self._inbox.put(CardPresented(reader=reader))
            with PcscChannel(context, pcsc_name, self._stopping, self._beat) as channel:
                read = self._read(channel, reader, atr)
                if read.refusal is DenyReason.CARD_REMOVED and self._another_shows(context, pcsc_name, atr):
                    read = CardRead(reader=reader, refusal=DenyReason.TWO_CARDS, detail="another card showed")
                self._inbox.put(read)

    def _another_shows(self, context: int, pcsc_name: str, atr: bytes) -> bool:
        """Whether another card is there than the one whose read just broke off: both lie there, and are one tap."""
        presence = self._presences[pcsc_name]
        code, states = scard.SCardGetStatusChange(context, 0, [(pcsc_name, presence.expected)])
        if code != results.SUCCESS or not states[0][1] & PRESENT or bytes(states[0][2]) == atr:
            return False
        presence.see(states[0][1], bytes(states[0][2]), self._clock.mono_s())
        return True

    def _read(self, channel: PcscChannel, reader: str, atr: bytes) -> CardRead:
        try:
            channel.open()
            return CardRead(reader=reader, identifier=self._identifier.identify(channel, atr))
        except (CardError, ReaderUnavailable) as error:
            return CardRead(reader=reader, refusal=results.refusal(error), detail=str(error))
        except BaseException:
            # A defect of ours ends the process with its cause; the person before the reader still gets an answer.
            detail = "a defect ended the read"
            self._inbox.put(CardRead(reader=reader, refusal=DenyReason.CARD_UNREADABLE, detail=detail))
            raise
