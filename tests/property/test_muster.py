"""Whatever terminals say, in whatever order it comes: everybody is in one place, and nobody is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from kazasu.cli.roll_call import as_text
from kazasu.errors import SignatureInvalid
from kazasu.model.document import signed, verified
from kazasu.model.hearing import Hearing
from kazasu.model.muster import COUNTS_MS, OUT, UNKNOWN_MS, Movement, RollCall, Statement, roll_call
from kazasu.model.muster_document import pages, read
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier

if TYPE_CHECKING:
    import random

NOW_MS = 1_800_000_000_000
SIGNER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
VERIFIER = Ed25519Verifier(SIGNER.public)

numbers = st.sampled_from(["1", "2", "3", "4 @", "@5"])
times_ms = (
    st.just(UNKNOWN_MS) | st.integers(NOW_MS - 3, NOW_MS) | st.integers(NOW_MS - COUNTS_MS - 2, NOW_MS - COUNTS_MS + 2)
)


@st.composite
def statements(draw: st.DrawFn) -> list[Statement]:
    names = draw(st.lists(st.sampled_from(["gate-1", "gate-2", "gate-3"]), unique=True))
    return [
        Statement(
            terminal=name,
            epoch="0123456789abcdef",
            seq=draw(st.integers(0, 3)),
            at_ms=NOW_MS,
            clock_unset=draw(st.booleans()),
            movements=tuple(
                Movement(number=number, area=draw(st.sampled_from([OUT, "hall", "lab"])), at_ms=draw(times_ms))
                for number in sorted(draw(st.sets(numbers)))
            ),
            begun_ms=(begun := draw(st.none() | times_ms)),
            present={} if begun is None else draw(st.dictionaries(numbers, times_ms)),
        )
        for name in names
    ]


def call(said: list[Statement]) -> RollCall:
    return roll_call(said, (), NOW_MS)


@settings(max_examples=200)
@given(statements(), st.randoms())
def test_the_order_of_arrival_does_not_matter(said: list[Statement], chance: random.Random) -> None:
    shuffled = list(said)
    chance.shuffle(shuffled)
    assert call(shuffled) == call(said)


@settings(max_examples=200)
@given(statements())
def test_everybody_is_in_one_place_at_the_most_and_nobody_is_lost(said: list[Statement]) -> None:
    listed = call(said)
    where = {each.number: each for each in listed.inside}
    assert len(where) == len(listed.inside)
    counting = [each for one in said for each in one.movements if not UNKNOWN_MS < each.at_ms <= NOW_MS - COUNTS_MS]
    for number in {each.number for each in counting}:
        newest_ms = max(each.at_ms for each in counting if each.number == number)
        areas = {each.area for each in counting if each.number == number and each.at_ms == newest_ms}
        if number in where:
            assert where[number].since_ms == newest_ms
            assert where[number].area in areas
        else:
            assert areas == {OUT}, "on no list although somebody last saw the person enter"
    assert set(where) <= {each.number for each in counting}


@settings(max_examples=200)
@given(statements())
def test_who_is_missing_and_who_is_accounted_for_are_together_everybody_inside(said: list[Statement]) -> None:
    listed = call(said)
    accounted = {each.number for each in listed.inside if each.present_ms}
    missing = {each.number for each in listed.missing}
    assert not missing & accounted
    if listed.begun_ms is not None:
        assert missing | accounted == {each.number for each in listed.inside}
    assert not listed.arrived.keys() & {each.number for each in listed.inside}


@settings(max_examples=100)
@given(statements())
def test_what_is_written_is_read_back(said: list[Statement]) -> None:
    for statement in said:
        documents = pages(statement, "town-hall", SIGNER)
        fields = [verified(document, VERIFIER).fields for document in documents]
        again = read(fields, "town-hall", statement.terminal)
        assert sorted(again.movements, key=str) == sorted(statement.movements, key=str)
        for name in ("present", "begun_ms", "seq", "epoch", "at_ms", "clock_unset"):
            assert getattr(again, name) == getattr(statement, name)


@settings(max_examples=50)
@given(statements(), st.data())
def test_a_changed_document_is_not_believed(said: list[Statement], data: st.DataObject) -> None:
    for statement in said[:1]:
        fields = json.loads(pages(statement, "town-hall", SIGNER)[0])
        name = data.draw(st.sampled_from(sorted(fields.keys() - {"sig"})))
        fields[name] = f"{fields[name]}0"
        with pytest.raises(SignatureInvalid):
            verified(json.dumps(fields).encode(), VERIFIER)


SOUND: dict[str, int | str] = {
    "v": 1,
    "site": "town-hall",
    "terminal": "gate-1",
    "epoch": "0123456789abcdef",
    "seq": 1,
    "time": "2027-01-15T08:00:00+00:00",
    "clock": "set",
    "pages": 1,
    "page": 1,
    "begun": NOW_MS,
    "area_1": "hall",
    "people_1": f"1@{NOW_MS}",
    "present": f"1@{NOW_MS}",
}
odd = (
    st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(max_size=20)
    | st.integers(0, 10**16).map("1@{}".format)
    | st.datetimes(timezones=st.timezones()).map(str)
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted(SOUND)), odd, max_size=3), st.binary(max_size=60), st.binary(max_size=60))
def test_nothing_that_comes_from_the_broker_ends_the_list(
    changed: dict[str, int | str], state: bytes, health: bytes
) -> None:
    hearing = Hearing("town-hall", {"gate-1": VERIFIER})
    hearing.take("gate-1", "muster", signed(SOUND | changed, SIGNER).body)
    hearing.take("gate-1", "state", state)
    hearing.take("gate-1", "health", health)
    said, lacks = hearing.judged(NOW_MS)
    assert as_text(roll_call(said, lacks, NOW_MS), {}, NOW_MS, ZoneInfo("Asia/Tokyo"))
    assert lacks, "neither its state nor its health can be read"
