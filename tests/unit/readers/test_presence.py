from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazasu.readers.presence import (
    EMPTY,
    MUTE,
    PRESENT,
    SETTLE_S,
    UNAVAILABLE,
    UNAWARE,
    UNKNOWN,
    Presence,
    ReaderPattern,
    Sight,
    assign,
)

ATR = bytes.fromhex("3B888001000005E0B381A1007F")
OTHER_ATR = bytes.fromhex("3B8F8001804F0CA00000030611003B0000000042")
CHANGED, EXCLUSIVE, INUSE = 0x02, 0x80, 0x100

TAP = Sight(tap=True)
NOTHING = Sight()


def empty(counter: int) -> int:
    return counter << 16 | CHANGED | EMPTY


def there(counter: int, flags: int = 0) -> int:
    return counter << 16 | CHANGED | PRESENT | flags


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param([(empty(0), b"")], NOTHING, id="an empty reader is no tap"),
        pytest.param([(there(0), ATR)], TAP, id="a card that lies there at start is a tap: somebody may be waiting"),
        pytest.param([(empty(7), b"")], NOTHING, id="what happened before the first look is not ours"),
        pytest.param([(empty(0), b""), (there(1), ATR)], TAP, id="a card comes"),
        pytest.param([(there(1), ATR), (there(1), ATR)], NOTHING, id="a card left lying counts once"),
        pytest.param([(there(1), ATR), (there(1, EXCLUSIVE | INUSE), ATR)], NOTHING, id="another program uses it"),
        pytest.param([(there(1), ATR), (empty(2), b"")], NOTHING, id="a card leaves"),
        pytest.param([(there(1), ATR), (there(3), OTHER_ATR)], TAP, id="a quick swap"),
        pytest.param([(there(1), ATR), (there(3), ATR)], TAP, id="a quick swap for a card of the same kind"),
        pytest.param([(empty(2), b""), (empty(4), b"")], Sight(missed=1), id="came and went unseen"),
        pytest.param([(empty(2), b""), (there(7), ATR)], Sight(missed=2, tap=True), id="two unseen, the third is here"),
        pytest.param([(there(1), ATR), (empty(6), b"")], Sight(missed=2), id="left, then two came and went unseen"),
        pytest.param([(there(0xFFFF), ATR), (there(1), ATR)], TAP, id="the counter goes round"),
        pytest.param([(there(1), ATR), (there(2), ATR)], TAP, id="a counter out of step still means a new card"),
        pytest.param([(empty(1), b""), (there(1), ATR)], TAP, id="flags that change without the counter"),
        pytest.param([(empty(0), b""), (there(1, MUTE), b"")], TAP, id="a mute card is a tap"),
        pytest.param([(there(1, MUTE), b""), (there(1), ATR)], NOTHING, id="a mute card that speaks up"),
        pytest.param([(UNAVAILABLE, b""), (there(0), ATR)], TAP, id="a reader that could not be talked to"),
        pytest.param([(CHANGED, b""), (there(0), ATR)], TAP, id="a reader that pcscd was still starting"),
        pytest.param([(there(9), ATR), (there(1), OTHER_ATR)], TAP, id="plugged anew unnoticed, other card"),
        pytest.param([(there(9), ATR), (there(0), ATR)], NOTHING, id="plugged anew unnoticed, same card"),
        pytest.param([(there(9), ATR), (empty(0), b"")], NOTHING, id="plugged anew unnoticed, empty"),
    ],
)
def test_the_last_look_reveals(looks: list[tuple[int, bytes]], expected: Sight) -> None:
    presence = Presence()
    *before, last = looks
    for state, atr in before:
        presence.see(state, atr, 0.0)

    assert presence.see(*last, 0.0) == expected


@pytest.mark.parametrize(
    ("looks_after", "expected"),
    [
        pytest.param([(there(0), ATR, 0.0)], NOTHING, id="it still lies there"),
        pytest.param([(there(0), OTHER_ATR, 0.0)], TAP, id="another card lies there"),
        pytest.param([(empty(0), b"", 0.0), (there(1), ATR, SETTLE_S)], NOTHING, id="found while the reader settles"),
        pytest.param([(empty(0), b"", 0.0), (there(1), ATR, SETTLE_S + 0.1)], TAP, id="comes after the reader settled"),
        pytest.param([(empty(0), b"", 0.0), (there(1), OTHER_ATR, 0.1)], TAP, id="another comes while it settles"),
        pytest.param([(there(0), ATR, 0.0), (there(2), ATR, 0.1)], TAP, id="it lay there, and was swapped"),
        pytest.param(
            [(empty(0), b"", 0.0), (there(3), ATR, 0.1)], Sight(missed=1, tap=True), id="two come in that time"
        ),
    ],
)
def test_after_a_break_with_a_card_lying_there(looks_after: list[tuple[int, bytes, float]], expected: Sight) -> None:
    presence = Presence()
    presence.see(there(5), ATR, -100.0)
    presence.lose()
    presence.lose()  # a break seen twice is one break

    *before, last = looks_after
    for look in before:
        presence.see(*look)

    assert presence.see(*last) == expected


def test_after_a_break_with_an_empty_reader_a_card_is_a_tap() -> None:
    presence = Presence()
    presence.see(there(1), ATR, 0.0)
    presence.see(empty(2), b"", 0.0)
    presence.lose()

    assert presence.see(there(0), ATR, 0.0) == TAP


def test_a_card_lying_through_two_breaks_counts_once() -> None:
    presence = Presence()
    presence.see(there(1), ATR, 0.0)
    for _ in range(2):
        presence.lose()
        assert presence.see(there(0), ATR, 0.0) == NOTHING


def test_a_reader_that_cannot_be_talked_to_is_not_alive() -> None:
    presence = Presence()
    assert presence.alive
    for state in (UNAVAILABLE, UNKNOWN | CHANGED, CHANGED):
        presence.see(state, b"", 0.0)
        assert not presence.alive
        presence.see(empty(0), b"", 0.0)
        assert presence.alive


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (empty(0), EMPTY),
        (there(3, EXCLUSIVE | INUSE), 3 << 16 | PRESENT),
        (there(3, MUTE), 3 << 16 | PRESENT | MUTE),
        (UNAVAILABLE | CHANGED, UNAVAILABLE),
        (CHANGED, EMPTY),
    ],
)
def test_the_next_wait_compares_with_what_is_known(state: int, expected: int) -> None:
    presence = Presence()
    assert presence.expected == UNAWARE
    presence.see(state, ATR, 0.0)
    assert presence.expected == expected
    presence.lose()
    assert presence.expected == UNAWARE


class World:
    """A reader as pcscd describes it, and every card that came to it; each has an ATR of its own."""

    def __init__(self) -> None:
        self.presence = Presence()
        self.counter = 0
        self.card = 0  # the last card's number, which is its ATR
        self.card_is_there = False
        self.unseen = 0  # cards that came since the last look
        self.started_anew = True
        self.looked_at = 0  # the last card that was there at a look
        self.now_s = 0.0

    def move(self) -> None:
        """A card comes, or the card that is there leaves."""
        self.card_is_there = not self.card_is_there
        self.counter = (self.counter + 1) % 0x10000
        self.card += self.card_is_there
        self.unseen += self.card_is_there

    def look(self) -> None:
        atr = str(self.card).encode() if self.card_is_there else b""
        state = there(self.counter) if self.card_is_there else empty(self.counter)
        owed = self.unseen
        if self.started_anew:  # nobody can know what came and went; what is there is there
            owed = int(self.card_is_there and self.card != self.looked_at)
        sight = self.presence.see(state, atr, self.now_s)
        assert sight.missed + sight.tap == owed
        assert sight.tap == (self.card_is_there and owed > 0)
        self.unseen, self.started_anew = 0, False
        if self.card_is_there:
            self.looked_at = self.card

    def restart(self) -> None:
        """Start pcscd anew; a card that is there stays there."""
        self.presence.lose()
        self.counter = 0
        self.started_anew = True

    def wait(self) -> None:
        """Let the reader settle, more or less."""
        self.now_s += SETTLE_S * 0.6


@pytest.mark.rule(2)
@given(st.lists(st.sampled_from(["move", "move", "look", "restart", "wait"]), max_size=60))
def test_each_card_that_comes_is_told_once_whatever_happens(steps: list[str]) -> None:
    world = World()
    for step in steps:
        getattr(world, step)()
    world.look()


def test_a_reader_goes_to_the_first_pattern_that_fits() -> None:
    patterns = [
        ReaderPattern(name="in", match="ACS ACR1252 *PICC* 00 00"),
        ReaderPattern(name="out", match="ACS ACR1252 *PICC*"),
        ReaderPattern(name="desk", match="SONY*"),
    ]
    names = [
        "ACS ACR1252 1S CL Reader [ACR1252 Reader PICC] 00 00",
        "ACS ACR1252 1S CL Reader [ACR1252 Reader SAM] 00 01",
        "ACS ACR1252 1S CL Reader [ACR1252 Reader PICC] 01 00",
        "sony FeliCa RC-S300/S 02 00",
    ]
    assert assign(patterns, names) == {names[0]: "in", names[2]: "out"}


def test_a_whole_name_with_brackets_fits_itself() -> None:
    name = "ACS ACR1252 1S CL Reader [ACR1252 Reader PICC] 00 00"
    assert assign([ReaderPattern(name="in", match=name)], [name]) == {name: "in"}
