"""When a list is incomplete, and by whose fault: whatever comes from the broker can be late, missing or forged."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kazasu.model.hearing import MAX_PAGES, MAX_STRANGERS, Hearing
from kazasu.model.muster import Lack, Movement, Statement
from kazasu.model.muster_document import pages
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier

SITE = "town-hall"
NOW_MS = 1_800_000_000_000  # 2027-01-15T17:00:00+09:00
EPOCH = "0123456789abcdef"
THEIRS, FOREIGN = (Ed25519Signer(Ed25519PrivateKey.generate()) for _ in range(2))
KEYS = {"gate-2": Ed25519Verifier(THEIRS.public)}


def documents(signer: Ed25519Signer = THEIRS, *, terminal: str = "gate-2", people: int = 1) -> tuple[bytes, ...]:
    movements = tuple(Movement(number=f"{each:06}", area="hall", at_ms=NOW_MS) for each in range(people))
    said = Statement(
        terminal=terminal, epoch=EPOCH, seq=7, at_ms=NOW_MS, clock_unset=False, movements=movements
    )  # fmt: skip
    return pages(said, SITE, signer)


def state(word: str = "online", conn: int = 5, **more: str) -> bytes:
    return json.dumps({"state": word, "conn": conn, **more}).encode()


def health(**fields: int | str) -> bytes:
    sound = {"time": "2027-01-15T17:00:00+09:00", "epoch": EPOCH, "last_seq": 7, "unsent": 0, "conn": 5}
    return json.dumps(sound | fields).encode()


def heard(**messages: bytes) -> tuple[list[Statement], list[Lack]]:
    """What comes of a terminal's messages, those of a sound one but for these."""
    hearing = Hearing(SITE, KEYS)
    for what, payload in ({"state": state(), "health": health(), "muster": documents()[0]} | messages).items():
        hearing.take("gate-2", what, payload)
    return hearing.judged(NOW_MS)


def test_a_terminal_that_is_there_and_up_to_date_lacks_nothing() -> None:
    (said,), lacks = heard()
    assert [each.number for each in said.movements] == ["000000"]
    assert lacks == []


@pytest.mark.parametrize(
    ("messages", "why", "passing"),
    [
        ({"state": state("offline", cause="stopped")}, "is offline since soon after 2027-01-15T17", 0),
        ({"state": state("offline", cause="connection_lost"), "health": b""}, "is offline: its connection broke", 0),
        ({"state": state("offline", conn=6)}, "is offline since soon after", 0),
        ({"state": b"{"}, "does not say whether it is online", 1),
        ({"state": b""}, "does not say whether it is online", 1),
        ({"state": state(conn=6)}, "has only just come back", 1),
        ({"health": health(time="2027-01-15T16:56:59+09:00")}, "counts as online, and its last health is of 2027", 0),
        ({"health": health(time="2027-01-15T17:03:01+09:00")}, "counts as online, and its last health is of 2027", 0),
        ({"health": health(time="2027-01-15T17:00:00")}, "does not say how far behind it is", 1),
        ({"health": b""}, "does not say how far behind it is", 1),
        ({"health": health(unsent=3)}, "is behind: 3 events have not been sent", 1),
        ({"health": health(last_seq=8)}, "is behind: it has recorded more than it has said", 1),
        ({"health": health(epoch="fedcba9876543210")}, "is behind: it has recorded more", 1),
    ],
)  # fmt: skip
def test_its_people_are_listed_and_what_may_be_lacking_is_said(
    messages: dict[str, bytes], why: str, passing: int
) -> None:
    statements, lacks = heard(**messages)
    assert len(statements) == 1
    assert (lacks[0].terminal, lacks[0].passing) == ("gate-2", bool(passing))
    assert lacks[0].why.startswith(why)


def test_the_late_will_of_a_connection_that_another_one_followed_is_nothing() -> None:
    assert heard(state=state("offline", conn=4, cause="connection_lost"))[1] == []


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ({"muster": documents(FOREIGN)[0]}, "is not believed: it names the key"),
        ({"muster": documents()[0].replace(b"000000@", b"000009@")}, "is not believed: the signature"),
        ({"muster": documents(terminal="gate-9")[0]}, "is not believed: the muster document of town-hall/gate-9"),
        ({"muster": b"[]"}, "is not believed: no signed document"),
        ({"muster": b""}, "has never been heard"),
        ({"muster": documents(people=5000)[0]}, "is being written anew"),
    ],
)
def test_what_is_not_proved_or_not_there_counts_for_nobody(messages: dict[str, bytes], why: str) -> None:
    statements, (lack,) = heard(**messages)
    assert statements == []
    assert lack.why.startswith(why)


def test_all_pages_of_one_moment_are_one_statement() -> None:
    first, *others = documents(people=9000)
    (said,), lacks = heard(**{"muster": first} | {f"muster/{page}": other for page, other in enumerate(others, 2)})
    assert (len(said.movements), lacks) == (9000, [])


@pytest.mark.parametrize("what", ["muster/0", "muster/" + "9" * 5000, "muster/\u0663", "muster/2/3", "event", ""])
@pytest.mark.parametrize("terminal", ["gate-2", "\x1b[2J", ""])
def test_what_no_terminal_sends_is_nothing(terminal: str, what: str) -> None:
    hearing = Hearing(SITE, {})
    hearing.take(terminal, what, b"\xff")
    assert hearing.judged(NOW_MS) == ([], [])


def test_a_page_beyond_those_that_count_changes_nothing() -> None:
    (said,), lacks = heard(**{"muster/2": b"left over"})
    assert (len(said.movements), lacks) == (1, [])


def test_a_terminal_that_is_expected_and_was_never_heard_is_named() -> None:
    statements, (lack,) = Hearing(SITE, KEYS).judged(NOW_MS)
    assert statements == []
    assert (lack.terminal, lack.why) == ("gate-2", "has never been heard: nobody knows whom it saw")


def test_a_terminal_whose_key_nobody_named_is_heard_of_and_not_believed() -> None:
    hearing = Hearing(SITE, {})
    hearing.take("gate-3", "state", state())
    assert hearing.judged(NOW_MS) == ([], []), "a terminal that says nothing of people is no business of this list"
    hearing.take("gate-3", "muster", documents(terminal="gate-3")[0])
    statements, (lack,) = hearing.judged(NOW_MS)
    assert statements == []
    assert "is unknown here" in lack.why


def test_a_terminal_that_was_asked_by_another_way_is_left_out() -> None:
    assert Hearing(SITE, KEYS).judged(NOW_MS, "gate-2") == ([], [])


def test_names_and_pages_that_are_made_up_do_not_pile_up() -> None:
    hearing = Hearing(SITE, KEYS)
    for number in range(MAX_STRANGERS + 5):
        hearing.take(f"made-up-{number}", "muster", b"x")
    for page in (1, MAX_PAGES, MAX_PAGES + 1, 9999):
        hearing.take("gate-2", f"muster/{page}", b"x")
    hearing.take("gate-2", "muster/2", b"x" * 70_000)
    assert len(hearing._heard) == MAX_STRANGERS + 1
    assert sorted(hearing._heard["gate-2"].pages) == [1, MAX_PAGES]
