"""The one form in which a card's number leaves (rule 7)."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazasu.cards.pseudonym import Pseudonymizer

PEPPER = bytes(range(32))

numbers = st.tuples(st.text(max_size=8), st.lists(st.binary(max_size=8), max_size=3))


def test_it_is_the_first_half_of_an_hmac_over_lengths_and_parts() -> None:
    expected = hmac.new(PEPPER, b"\0\0\0\4jpki\0\0\0\2\1\2\0\0\0\1\3", hashlib.sha256).hexdigest()[:32]
    assert Pseudonymizer(PEPPER).pseudonym("jpki", b"\1\2", b"\3") == expected


@pytest.mark.rule(7)
@settings(deadline=None)
@given(numbers, numbers)
def test_no_two_numbers_share_an_encoding(one: tuple[str, list[bytes]], other: tuple[str, list[bytes]]) -> None:
    pseudonymizer = Pseudonymizer(PEPPER)
    same = pseudonymizer.pseudonym(one[0], *one[1]) == pseudonymizer.pseudonym(other[0], *other[1])
    assert same == (one == other)


def test_bytes_that_move_from_one_part_to_the_next_make_another_number() -> None:
    pseudonymizer = Pseudonymizer(PEPPER)
    variants = [("ab", [b"c"]), ("a", [b"bc"]), ("abc", [b""]), ("ab", [b"c", b""])]
    assert len({pseudonymizer.pseudonym(kind, *parts) for kind, parts in variants}) == len(variants)


def test_another_site_knows_the_same_card_under_another_number() -> None:
    assert Pseudonymizer(PEPPER).pseudonym("felica", b"x") != Pseudonymizer(PEPPER[::-1]).pseudonym("felica", b"x")


@pytest.mark.rule(7)
@pytest.mark.parametrize("length", [0, 16, 31])
def test_a_pepper_that_could_be_guessed_is_refused_and_not_printed(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes") as caught:
        Pseudonymizer(PEPPER[:length])
    assert repr(PEPPER[:length]) not in str(caught.value)


@pytest.mark.rule(7)
def test_the_pepper_is_not_printed() -> None:
    shown = f"{Pseudonymizer(PEPPER)!r} {Pseudonymizer(PEPPER)}"
    assert PEPPER.hex() not in shown
    assert repr(PEPPER) not in shown
