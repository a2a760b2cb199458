"""The directory of terminals: what is in it, what changes, what cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fakes.told import Teller
from kazasu.collector.terminals import TerminalDirectory
from kazasu.errors import ConfigurationError, KazasuError

if TYPE_CHECKING:
    from pathlib import Path

FRONT, BACK = Teller("front"), Teller("back")


def pem(teller: Teller) -> str:
    return teller.signer.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def record(*tellers: Teller, state: str = "active", revoked: str = "") -> str:
    keys = "".join(
        f'[[event_keys]]\nkeyid = "{teller.signer.keyid}"\nsince = 2026-04-01T00:00:00+09:00\n{revoked}\n'
        f'pem = """\n{pem(teller)}"""\n'
        for teller in tellers
    )
    return f'id = "front"\nstate = "{state}"\n{keys}'


def test_both_forms_are_read_and_changes_are_seen(tmp_path: Path) -> None:
    directory = TerminalDirectory(tmp_path)
    (tmp_path / "front.toml").write_text(record(FRONT))
    assert directory.read()
    assert not directory.read()
    (tmp_path / "back.pub.pem").write_text(pem(BACK))
    assert directory.read()
    assert {name: set(entry.keys) for name, entry in directory.terminals.items()} == {
        "back": {BACK.signer.keyid},
        "front": {FRONT.signer.keyid},
    }
    (tmp_path / "back.pub.pem").unlink()
    assert directory.read()
    assert set(directory.terminals) == {"front"}


@pytest.mark.parametrize(
    "text",
    [record(FRONT, state="revoked"), record(FRONT, revoked="revoked_at = 2026-04-02T00:00:00+09:00")],
)
def test_a_revoked_key_is_known_as_such(tmp_path: Path, text: str) -> None:
    (tmp_path / "front.toml").write_text(text)
    directory = TerminalDirectory(tmp_path)
    directory.read()
    assert directory.terminals["front"].revoked == {FRONT.signer.keyid}
    assert directory.terminals["front"].gone


def test_a_key_that_two_terminals_have(tmp_path: Path) -> None:
    (tmp_path / "front.pub.pem").write_text(pem(FRONT))
    (tmp_path / "back.pub.pem").write_text(pem(FRONT))
    directory = TerminalDirectory(tmp_path)
    directory.read()
    assert directory.shared_keys() == {FRONT.signer.keyid: ("back", "front")}


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("front.toml", "state = ", "not TOML"),
        ("front.toml", 'id = "front"', "the key state is missing"),
        ("front.toml", record(BACK).replace('id = "front"', 'id = "back"'), "named after its terminal"),
        ("front.toml", record(FRONT).replace("MCow", "Mooo"), "no public key"),
        ("front.pub.pem", "x", "no public key"),
        ("Front!.pub.pem", "x", "no terminal's name"),
    ],
)
def test_what_cannot_be_used_is_said_and_what_was_known_counts(
    tmp_path: Path, file: str, text: str, words: str
) -> None:
    directory = TerminalDirectory(tmp_path)
    (tmp_path / "back.pub.pem").write_text(pem(BACK))
    directory.read()
    (tmp_path / file).write_text(text)
    with pytest.raises(KazasuError, match=words):
        directory.read()
    assert set(directory.terminals) == {"back"}


def test_a_terminal_that_stands_there_twice(tmp_path: Path) -> None:
    (tmp_path / "front.pub.pem").write_text(pem(FRONT))
    (tmp_path / "front.toml").write_text(record(FRONT))
    with pytest.raises(ConfigurationError, match="twice"):
        TerminalDirectory(tmp_path).read()


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="directory of the site's terminals"):
        TerminalDirectory(tmp_path / "missing").read()
