from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.journal import SIGNER
from kazasu.errors import ConfigurationError, JournalCorrupt, JournalVersion, KeyMaterialError
from kazasu.model.signature import Ed25519Signer
from kazasu.store.journal import Journal

if TYPE_CHECKING:
    from fakes.shelf import Shelf


def open_as(shelf: Shelf, site: str = "city", terminal: str = "front", signer: Ed25519Signer = SIGNER) -> None:
    Journal(shelf.path, site, terminal, signer, max_events=10, keep_s=0, collector=True).close()


def test_a_new_journal_is_ours_alone(shelf: Shelf) -> None:
    shelf.open()

    assert shelf.path.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in shelf.path.parent.iterdir()} == {0o600}


def test_each_journal_has_an_epoch_of_its_own(shelf: Shelf) -> None:
    first = shelf.open()
    first.close()
    shelf.path.unlink()

    assert shelf.open().epoch != first.epoch


def test_a_file_that_was_only_begun_is_as_good_as_none(shelf: Shelf) -> None:
    shelf.path.parent.mkdir()
    shelf.path.touch()

    assert shelf.open().seq == 0


def test_the_journal_of_another_site_or_terminal_is_refused(shelf: Shelf) -> None:
    shelf.filled(1)

    with pytest.raises(ConfigurationError, match="site 'city', terminal 'front'"):
        open_as(shelf, site="town")
    with pytest.raises(ConfigurationError, match="move the journal away"):
        open_as(shelf, terminal="back")


@pytest.mark.rule(3)
def test_the_journal_of_another_key_is_refused(shelf: Shelf) -> None:
    shelf.filled(1)
    other = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))

    with pytest.raises(KeyMaterialError, match=SIGNER.keyid):
        open_as(shelf, signer=other)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM event WHERE seq = 39", "event 39 .* missing"),
        ("DELETE FROM event WHERE seq = 40", "event 40 .* missing"),
        ("DELETE FROM event", "event 1 .* missing"),
        (
            "UPDATE event SET body = CAST(replace(body, 'front', 'back!') AS BLOB) WHERE seq = 30",
            "event 30 .* its terminal is|event 30 .* signature",
        ),
        ("UPDATE event SET body = CAST('nonsense' AS BLOB) WHERE seq = 30", "event 30 .* no signed document"),
        ("UPDATE event SET body = (SELECT body FROM event WHERE seq = 29) WHERE seq = 30", "event 30 .* its seq is 29"),
        ("UPDATE event SET at_s = at_s + 1 WHERE seq = 30", "event 30 .* filed under"),
        ("UPDATE journal SET epoch = '0123456789abcdef'", "its epoch is"),
        ("DELETE FROM journal", "row that names its epoch is missing"),
    ],
)
@pytest.mark.rule(3)
def test_a_changed_tail_is_refused_by_name(shelf: Shelf, statement: str, says: str) -> None:
    shelf.filled(40)
    shelf.change(statement)

    with pytest.raises(JournalCorrupt, match=says):
        shelf.open()


def test_what_is_no_database_or_somebody_elses_is_refused(shelf: Shelf) -> None:
    shelf.path.parent.mkdir()
    shelf.path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(JournalCorrupt, match="move it away"):
        shelf.open()

    shelf.path.unlink()
    connection = sqlite3.connect(shelf.path)
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    with pytest.raises(JournalVersion, match="no journal of Kazasu's"):
        shelf.open()


def test_a_damaged_page_is_refused(shelf: Shelf) -> None:
    shelf.filled(40)
    content = bytearray(shelf.path.read_bytes())
    content[-4096:] = bytes(4096)
    shelf.path.write_bytes(content)

    with pytest.raises(JournalCorrupt):
        shelf.open()


@pytest.mark.rule(1)
def test_what_a_killed_process_left_in_the_log_is_in_the_main_file_before_anything_is_built_on_it(shelf: Shelf) -> None:
    journal = shelf.open()
    shelf.append(journal, 3)
    left = {path: path.read_bytes() for path in shelf.path.parent.iterdir() if not path.name.endswith("-shm")}
    journal.close()
    for path, content in left.items():
        path.write_bytes(content)

    assert shelf.open().seq == 3

    alone = shelf.path.with_name("alone.db")
    alone.write_bytes(shelf.path.read_bytes())
    connection = sqlite3.connect(alone)
    assert connection.execute("SELECT max(seq) FROM event").fetchone() == (3,)
    connection.close()
