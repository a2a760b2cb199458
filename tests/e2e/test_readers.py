"""The reader loop on a real pcscd: everything that happens to readers, cards and pcscd in a terminal's life."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from smartcard import scard

from fakes.clock import FakeClock
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.scripted_reader import FELICA_ATR, ScriptedCard, free_pair_of_ports, wait_for_card
from kazasu.errors import CardRefused, ReaderUnavailable
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.input import CardPresented, CardRead, ReaderChanged, ReaderState
from kazasu.readers.one_tap import one_tap
from kazasu.readers.pcsc import PcscReaders, list_readers
from kazasu.readers.presence import ReaderPattern
from kazasu.virtual.pcscd import PrivatePcscd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.ports.readers import CardChannel

READERS = FRONT, BACK = "Virtual PCD 00 00", "Virtual PCD 00 01"
APDUS = [bytes([0x00, 0xB0, 0x00, offset, 0x04]) for offset in range(4)]


class ReadsFour:
    """A card kind of four commands; `before` runs ahead of each with its number. Implements CardIdentifier."""

    def __init__(self) -> None:
        self.before: Callable[[int], None] = lambda _: None

    def identify(self, channel: CardChannel, atr: bytes) -> Identifier:
        for number, apdu in enumerate(APDUS):
            self.before(number)
            channel.transmit(apdu)
        return Identifier(kind="four", pseudonym=atr.hex(), assurance=Assurance.SERIAL)


def only_at(wanted: int, act: Callable[[], None]) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number == wanted:
            act()

    return before


class TickingClock(FakeClock):
    """Lets just under ten seconds pass with each look, so that no test has to wait for them."""

    def mono_s(self) -> float:
        self.advance(9.99)
        return super().mono_s()


class Scene:
    """A pcscd, cards for its two slots, and the loop in a thread of its own."""

    def __init__(self, directory: Path) -> None:
        port = free_pair_of_ports()
        self.pcscd = PrivatePcscd(directory / "two", port)
        self.pcscd_without_readers = PrivatePcscd(directory / "none", port, slots=0)
        self.inbox, self.health, self.identifier = ListInbox(), FakeHealth(), ReadsFour()
        self.clock = FakeClock()
        self.patterns = [ReaderPattern(name="front", match=FRONT), ReaderPattern(name="back", match="* 00 01")]
        self.cards: list[ScriptedCard] = []
        self.failure: BaseException | None = None
        self.beats = 0
        self.readers: PcscReaders | None = None
        self.thread: threading.Thread | None = None

    def watch(self) -> PcscReaders:
        self.readers = PcscReaders(self.patterns, self.identifier, self.inbox, self.clock, self.health)
        self.thread = threading.Thread(target=self._run, args=(self.readers,))
        self.thread.start()
        return self.readers

    def _run(self, readers: PcscReaders) -> None:
        try:
            readers.run(self._beat)
        except BaseException as error:  # noqa: BLE001  (looked at by the test)
            self.failure = error

    def _beat(self) -> None:
        self.beats += 1

    def card(self, slot: int = 0, **behaviour: object) -> ScriptedCard:
        card = ScriptedCard(self.pcscd.ports[slot], **behaviour)  # type: ignore[arg-type]
        self.cards.append(card)
        return card

    def tap(self, slot: int = 0, **behaviour: object) -> ScriptedCard:
        card = self.card(slot, **behaviour)
        card.insert()
        return card

    def pull(self, card: ScriptedCard, slot: int = 0) -> None:
        card.pull()
        wait_for_card(READERS[slot], there=False)

    def read(self, reader: str = "front") -> CardRead:
        """The next input is a tap on this reader, and nothing but it."""
        assert self.inbox.next() == CardPresented(reader=reader)
        read = self.inbox.next()
        assert isinstance(read, CardRead)
        assert read.reader == reader
        return read

    def good_read(self, reader: str = "front") -> None:
        assert self.read(reader).identifier is not None

    def nothing_came(self) -> None:
        """Whatever the loop had to say it says before it speaks of a card that comes now."""
        card = self.tap(1, atr=FELICA_ATR)
        self.good_read("back")
        self.pull(card, 1)

    def end(self) -> None:
        if self.readers is not None and self.thread is not None:
            self.readers.stop()
            self.thread.join(10)
            assert not self.thread.is_alive()
        for card in self.cards:
            card.pull()
        self.pcscd.stop()
        self.pcscd_without_readers.stop()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    scene.pcscd.start()
    yield scene
    scene.end()


@pytest.mark.rule(2)
def test_a_tap_is_presented_and_read_once(scene: Scene) -> None:
    scene.watch()
    card = scene.tap()

    assert scene.read() == CardRead(
        reader="front",
        identifier=Identifier(kind="four", pseudonym="3b888001000005e0b381a1007f", assurance=Assurance.SERIAL),
    )
    assert card.apdus == APDUS
    assert scene.health.fields == {"reader_front": "present", "reader_back": "present"}


@pytest.mark.rule(9)
def test_a_card_left_lying_counts_once_and_again_when_it_comes_again(scene: Scene) -> None:
    scene.watch()
    card = scene.tap()
    scene.good_read()
    scene.nothing_came()
    scene.pull(card)
    scene.tap()
    scene.good_read()


def test_a_card_that_lies_there_at_start_is_a_tap(scene: Scene) -> None:
    scene.tap()
    wait_for_card(FRONT, there=True)
    scene.watch()
    scene.good_read()


def test_a_quick_swap_is_a_new_tap(scene: Scene) -> None:
    scene.watch()
    first = scene.tap()
    scene.good_read()
    first.pull()
    scene.tap(atr=FELICA_ATR)

    identifier = scene.read().identifier
    assert identifier is not None
    assert identifier.pseudonym == FELICA_ATR.hex()


def test_two_readers_at_once(scene: Scene) -> None:
    scene.watch()
    scene.tap(0)
    scene.tap(1)

    inputs = [scene.inbox.next() for _ in range(4)]
    for reader in ("front", "back"):
        presented, read = (item for item in inputs if getattr(item, "reader", "") == reader)
        assert isinstance(presented, CardPresented)
        assert isinstance(read, CardRead)
        assert read.identifier is not None


@pytest.mark.rule(2)
@pytest.mark.parametrize("at", range(4))
def test_a_card_pulled_away_at_any_command_is_removed(scene: Scene, at: int) -> None:
    scene.watch()
    scene.tap(answer=lambda apdu: None if apdu == APDUS[at] else b"\x90\x00")
    assert scene.read().refusal is DenyReason.CARD_REMOVED

    # Until pcscd looks again, a card that comes would be the one that it believes to be there.
    wait_for_card(READERS[0], there=False)
    scene.nothing_came()
    scene.tap()
    scene.good_read()


@pytest.mark.rule(2)
def test_a_second_card_that_shows_in_the_middle_of_a_read_is_not_read(scene: Scene) -> None:
    def show() -> None:
        scene.pull(first)
        second.insert()
        wait_for_card(FRONT, there=True)

    scene.watch()
    first, second = scene.card(), scene.card(atr=FELICA_ATR)
    scene.identifier.before = only_at(2, show)
    first.insert()
    assert scene.read().refusal is DenyReason.TWO_CARDS

    scene.identifier.before = lambda _: None
    scene.nothing_came()
    scene.pull(second)
    scene.tap(atr=FELICA_ATR)
    scene.good_read()


@pytest.mark.rule(2)
def test_a_card_that_comes_again_in_the_middle_of_its_read_is_read_anew(scene: Scene) -> None:
    def come_again() -> None:
        scene.pull(first)
        again.insert()
        wait_for_card(FRONT, there=True)

    scene.watch()
    first, again = scene.card(), scene.card()
    scene.identifier.before = only_at(2, come_again)
    first.insert()
    assert scene.read().refusal is DenyReason.CARD_REMOVED
    scene.identifier.before = lambda _: None
    scene.good_read()


@pytest.mark.rule(2)
def test_a_card_that_pcscd_knows_to_be_gone_is_removed(scene: Scene) -> None:
    scene.watch()
    card = scene.card()
    scene.identifier.before = only_at(2, lambda: scene.pull(card))
    card.insert()
    assert scene.read().refusal is DenyReason.CARD_REMOVED


@pytest.mark.rule(2)
def test_a_card_that_came_and_went_during_another_read_is_a_tap(scene: Scene) -> None:
    def come_and_go(number: int) -> None:
        if number == 0:
            scene.identifier.before = lambda _: None
            card = scene.tap(1)
            wait_for_card(BACK, there=True)
            scene.pull(card, 1)

    earlier = scene.tap(1)  # so that the reader's counter is above 0: pcscd compares no counter that is 0
    scene.watch()
    scene.good_read("back")
    scene.pull(earlier, 1)
    scene.identifier.before = come_and_go
    scene.tap()
    scene.good_read("front")
    assert scene.read("back").refusal is DenyReason.CARD_REMOVED


@pytest.mark.rule(2)
def test_a_card_whose_reset_answer_is_nonsense_is_unreadable(scene: Scene) -> None:
    scene.watch()
    scene.tap(atr=b"\x00")
    read = scene.read()
    assert read.refusal is DenyReason.CARD_UNREADABLE
    assert "0x8010000F" in read.detail


def test_a_refused_card_carries_its_reason(scene: Scene) -> None:
    def refuse(_: int) -> None:
        raise CardRefused(DenyReason.FOREIGN_CARD, "no kind of ours")

    scene.identifier.before = refuse
    scene.watch()
    scene.tap()
    assert scene.read() == CardRead(reader="front", refusal=DenyReason.FOREIGN_CARD, detail="no kind of ours")


def test_a_card_that_another_program_holds_is_unreadable_and_the_detail_says_so(scene: Scene) -> None:
    scene.tap()
    wait_for_card(FRONT, there=True)
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    code, held, _ = scard.SCardConnect(context, FRONT, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_ANY)
    assert code == 0
    scene.watch()
    read = scene.read()
    scard.SCardDisconnect(held, scard.SCARD_LEAVE_CARD)
    scard.SCardReleaseContext(context)

    assert read.refusal is DenyReason.CARD_UNREADABLE
    assert "another program" in read.detail
    scene.nothing_came()


def test_a_defect_ends_the_loop_with_its_cause_and_still_answers_the_person(scene: Scene) -> None:
    def fail(_: int) -> None:
        raise ZeroDivisionError

    scene.identifier.before = fail
    scene.watch()
    scene.tap()
    assert scene.read().refusal is DenyReason.CARD_UNREADABLE
    assert scene.thread is not None
    scene.thread.join(10)
    assert isinstance(scene.failure, ZeroDivisionError)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_pcscd_ends_and_comes_back_while_waiting(scene: Scene, how: str) -> None:
    scene.watch()
    card = scene.tap()
    scene.good_read()
    scene.pull(card)
    getattr(scene.pcscd, how)()
    scene.pcscd.start()
    scene.tap()
    scene.good_read()


@pytest.mark.rule(9)
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_card_that_lies_there_while_pcscd_is_started_anew_is_no_new_tap(scene: Scene, how: str) -> None:
    scene.watch()
    card = scene.tap()
    scene.good_read()
    getattr(scene.pcscd, how)()
    card.pull()
    scene.pcscd.start()
    scene.tap()
    wait_for_card(FRONT, there=True)
    scene.nothing_came()


def test_another_card_after_pcscd_was_started_anew_is_a_tap(scene: Scene) -> None:
    scene.watch()
    card = scene.tap()
    scene.good_read()
    scene.pcscd.kill()
    card.pull()
    scene.pcscd.start()
    scene.tap(atr=FELICA_ATR)
    scene.good_read()


@pytest.mark.rule(2)
@pytest.mark.parametrize("how", ["stop", "kill"])
@pytest.mark.parametrize("at", range(4))
def test_pcscd_ends_in_the_middle_of_a_read(scene: Scene, how: str, at: int) -> None:
    end = getattr(scene.pcscd, how)
    scene.identifier.before = only_at(at, end)
    scene.watch()
    scene.tap()
    assert scene.read().refusal in {DenyReason.CARD_REMOVED, DenyReason.CARD_UNREADABLE}

    scene.identifier.before = lambda _: None
    scene.pcscd.start()
    scene.tap(1)
    scene.good_read("back")


def test_a_reader_plugged_in_later_is_watched(scene: Scene) -> None:
    scene.pcscd.stop()
    scene.pcscd_without_readers.start()
    scene.clock = TickingClock()
    scene.watch()
    told = {scene.inbox.next(), scene.inbox.next()}
    detail = "pcscd sees no reader"
    assert told == {
        ReaderChanged(reader="front", state=ReaderState.MISSING, detail=detail),
        ReaderChanged(reader="back", state=ReaderState.MISSING, detail=detail),
    }
    assert set(scene.health.alerts) == {"reader_front", "reader_back"}

    scene.pcscd_without_readers.stop()
    scene.pcscd.start()
    told = {scene.inbox.next(), scene.inbox.next()}
    assert told == {
        ReaderChanged(reader="front", state=ReaderState.PRESENT),
        ReaderChanged(reader="back", state=ReaderState.PRESENT),
    }
    assert scene.health.alerts == {}
    assert scene.health.fields == {"reader_front": "present", "reader_back": "present"}
    scene.tap()
    scene.good_read()


def test_a_reader_that_no_name_fits_is_missing_and_the_others_work(scene: Scene) -> None:
    scene.patterns.append(ReaderPattern(name="gate", match="SONY*"))
    scene.clock = TickingClock()
    scene.watch()
    detail = f"pcscd sees {FRONT}, {BACK}"
    assert scene.inbox.next() == ReaderChanged(reader="gate", state=ReaderState.MISSING, detail=detail)
    scene.tap()
    scene.good_read()
    assert scene.health.fields == {
        "reader_front": "present",
        "reader_back": "present",
        "reader_gate": "missing",
    }


def test_without_pcscd_all_readers_are_missing_and_the_words_say_what_to_do(scene: Scene) -> None:
    scene.pcscd.stop()
    scene.clock = TickingClock()
    scene.watch()
    told = [scene.inbox.next(), scene.inbox.next()]
    assert all(isinstance(item, ReaderChanged) and "systemctl start pcscd.socket" in item.detail for item in told)
    with pytest.raises(ReaderUnavailable, match=r"systemctl start pcscd\.socket"):
        list_readers()


def test_the_loop_stops_at_any_moment(scene: Scene) -> None:
    for number in range(100):
        scene.beats = 0
        readers = scene.watch()
        for _ in range(number * 50):  # from before the first wait until well into it
            pass
        readers.stop()
        assert scene.thread is not None
        scene.thread.join(10)
        assert not scene.thread.is_alive()


def test_a_cancel_that_comes_just_before_the_wait_is_repeated(scene: Scene) -> None:
    readers = PcscReaders(scene.patterns, scene.identifier, scene.inbox, scene.clock, scene.health)
    stopper = threading.Thread(target=readers.stop)
    beats = 0

    def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == 3:  # the states are known by now: the wait that follows would last
            stopper.start()
            stopper.join(0.1)  # it has cancelled, and nobody was waiting

    loop = threading.Thread(target=readers.run, args=(beat,), daemon=True)
    loop.start()
    loop.join(5)
    assert not loop.is_alive()
    stopper.join()


def test_the_loop_stops_while_pcscd_is_away(scene: Scene) -> None:
    scene.pcscd.stop()
    scene.clock = TickingClock()
    readers = scene.watch()
    scene.inbox.next()
    readers.stop()
    assert scene.thread is not None
    scene.thread.join(10)
    assert not scene.thread.is_alive()


def test_a_loop_that_was_stopped_before_it_ran_returns_at_once(scene: Scene) -> None:
    readers = PcscReaders(scene.patterns, scene.identifier, scene.inbox, scene.clock, scene.health)
    readers.stop()
    readers.run(lambda: None)


def test_nothing_leaks_through_restarts_and_failed_reads(scene: Scene) -> None:
    scene.watch()
    open_files = set()
    for _ in range(4):
        scene.identifier.before = only_at(2, scene.pcscd.kill)
        card = scene.tap(1)
        scene.read("back")
        card.pull()
        scene.identifier.before = lambda _: None
        scene.pcscd.start()
        card = scene.tap()
        scene.good_read()
        scene.pull(card)
        scene.clock.advance(60)  # the reader has settled: the next card on it is a new one
        open_files.add(len(list(Path("/proc/self/fd").iterdir())))
    assert len(open_files) == 1


def test_one_tap_reads_one_card_and_lets_go(scene: Scene) -> None:
    scene.tap()
    read = one_tap("Virtual PCD 00 0?", scene.identifier, scene.clock, 30.0)
    assert read is not None
    assert read.identifier is not None
    assert one_tap(FRONT, scene.identifier, scene.clock, 30.0) is not None


def test_one_tap_gives_up_when_no_card_comes(scene: Scene) -> None:
    assert one_tap(FRONT, scene.identifier, scene.clock, 0.0) is None


def test_one_tap_names_the_readers_that_are_there(scene: Scene) -> None:
    with pytest.raises(ReaderUnavailable, match=r"no reader fits 'SONY\*'; pcscd sees Virtual PCD 00 00, Virtual"):
        one_tap("SONY*", scene.identifier, scene.clock, 0.0)


def test_one_tap_raises_a_defect_where_it_was_called(scene: Scene) -> None:
    def fail(_: int) -> None:
        raise ZeroDivisionError

    scene.identifier.before = fail
    scene.tap()
    with pytest.raises(ZeroDivisionError):
        one_tap(FRONT, scene.identifier, scene.clock, 30.0)
