from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.journal import SIGNER
from kazasu.errors import JournalCorrupt, JournalError
from kazasu.model.receipt import Receipt
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.store.audit import Progress, verify

if TYPE_CHECKING:
    from fakes.shelf import Shelf

VERIFIER = Ed25519Verifier(SIGNER.public)


def test_a_whole_journal_verifies_with_progress(shelf: Shelf) -> None:
    journal = shelf.open()
    shelf.append(journal, 1500)

    assert list(verify(shelf.path, VERIFIER)) == [
        Progress(epoch=journal.epoch, seq=1000, count=1000, total=1500),
        Progress(epoch=journal.epoch, seq=1500, count=1500, total=1500),
    ]


def test_an_empty_journal_verifies(shelf: Shelf) -> None:
    epoch = shelf.open().epoch

    assert list(verify(shelf.path, VERIFIER)) == [Progress(epoch=epoch, seq=0, count=0, total=0)]


def test_a_pruned_journal_verifies_from_where_it_begins(shelf: Shelf) -> None:
    journal = shelf.open()
    shelf.append(journal, 10)
    fifth = list(journal.recent(1000))[4]
    journal.prune(Receipt(epoch=journal.epoch, seq=5, digest=fifth.digest))

    assert [(last.seq, last.count) for last in verify(shelf.path, VERIFIER)] == [(10, 5)]


SWAP = "UPDATE event SET body = (SELECT body FROM event e WHERE e.seq = 7 - event.seq) WHERE seq IN (3, 4)"


@pytest.mark.rule(3)
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM event WHERE seq = 1", "event 1 .* missing"),
        ("DELETE FROM event WHERE seq = 5", "event 5 .* missing: after 4 comes 6"),
        ("DELETE FROM event WHERE seq > 7", "event 8 .* missing, and so is all up to 10"),
        (SWAP, "event 3 .* its seq is 4"),
        (
            "UPDATE event SET body = CAST(replace(body, 'attendance.in', 'attendance.no') AS BLOB) WHERE seq = 5",
            "event 5",
        ),
        ('UPDATE event SET body = CAST(replace(body, \'"sig":"\', \'"sig":"A\') AS BLOB) WHERE seq = 5', "event 5"),
        ("UPDATE journal SET pruned_digest = hex(zeroblob(32)) || 'x'", "event 1 .* its prev is"),
        ("INSERT INTO event SELECT 0, at_s, body FROM event WHERE seq = 1", "1 events stand before"),
        ("UPDATE journal SET terminal = 'back'", "event 1 .* its terminal is 'front'"),
    ],
)
def test_what_was_changed_is_named(shelf: Shelf, statement: str, says: str) -> None:
    shelf.filled(10)
    shelf.change(statement)

    with pytest.raises(JournalCorrupt, match=says):
        list(verify(shelf.path, VERIFIER))


@pytest.mark.rule(3)
def test_another_key_verifies_nothing(shelf: Shelf) -> None:
    shelf.filled(3)
    other = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))

    with pytest.raises(JournalCorrupt, match=f"event 1 .*{other.keyid}"):
        list(verify(shelf.path, Ed25519Verifier(other.public)))


def test_a_missing_journal_is_an_error_in_words(shelf: Shelf) -> None:
    with pytest.raises(JournalError, match=r"journal\.db"):
        list(verify(shelf.path, VERIFIER))


def test_a_journal_is_verified_while_it_is_written(shelf: Shelf) -> None:
    journal = shelf.open()
    shelf.append(journal, 1500)
    progress = verify(shelf.path, VERIFIER)
    next(progress)

    shelf.append(journal, 10)

    assert next(progress).seq == 1500
