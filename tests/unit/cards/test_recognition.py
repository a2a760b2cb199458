"""Certificates that were checked before."""

from __future__ import annotations

from datetime import UTC, datetime

from kazasu.cards.recognition import Known, Recognition

HEAD = bytes(64)
TAIL = bytes(range(64))


def known(pseudonym: str) -> Known:
    return Known(
        pseudonym=pseudonym,
        public_key=b"",
        valid_from=datetime.min.replace(tzinfo=UTC),
        valid_until=datetime.max.replace(tzinfo=UTC),
    )


def test_head_and_tail_together_are_recognised() -> None:
    recognition = Recognition()
    recognition.remember(HEAD, TAIL, known("a"))
    assert recognition.may_know(HEAD)
    assert recognition.recognise(HEAD, TAIL) == known("a")


def test_neither_alone_is_enough() -> None:
    recognition = Recognition()
    recognition.remember(HEAD, TAIL, known("a"))
    assert recognition.recognise(HEAD, TAIL[::-1]) is None
    assert recognition.recognise(TAIL, TAIL) is None
    assert not recognition.may_know(TAIL)


def test_one_changed_bit_in_the_tail_is_another_certificate() -> None:
    recognition = Recognition()
    recognition.remember(HEAD, TAIL, known("a"))
    for bit in range(8 * len(TAIL)):
        other = (int.from_bytes(TAIL) ^ 1 << bit).to_bytes(len(TAIL))
        assert recognition.recognise(HEAD, other) is None


def test_it_is_bounded_and_forgets_what_was_shown_longest_ago() -> None:
    recognition = Recognition(kept=2)
    heads = [bytes([number]) * 64 for number in range(3)]
    recognition.remember(heads[0], TAIL, known("0"))
    recognition.remember(heads[1], TAIL, known("1"))
    recognition.recognise(heads[0], TAIL)
    recognition.remember(heads[2], TAIL, known("2"))
    assert [recognition.may_know(head) for head in heads] == [True, False, True]


def test_a_renewed_certificate_takes_the_place_of_the_one_with_the_same_head() -> None:
    recognition = Recognition(kept=1)
    recognition.remember(HEAD, TAIL, known("a"))
    recognition.remember(HEAD, TAIL[::-1], known("b"))
    assert recognition.recognise(HEAD, TAIL) is None
    assert recognition.recognise(HEAD, TAIL[::-1]) == known("b")


def test_it_keeps_no_byte_of_a_certificate() -> None:
    recognition = Recognition()
    recognition.remember(HEAD, TAIL, known("a"))
    assert TAIL not in repr(recognition._by_head).encode()
    assert all(head != HEAD and tail != TAIL for head, (tail, _) in recognition._by_head.items())
