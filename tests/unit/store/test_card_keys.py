"""The file of symmetric card keys."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from kazasu.errors import KeyMaterialError
from kazasu.store.card_keys import generate_card_key, load_card_keys

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = "000102030405060708090A0B0C0D0E0F"


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "cards.toml"
    file.write_text(text)
    file.chmod(0o600)
    return file


def test_a_file_that_is_not_there_holds_no_key(tmp_path: Path) -> None:
    assert load_card_keys(tmp_path / "cards.toml").names == ()


def test_names_and_versions_are_read(tmp_path: Path) -> None:
    file = written(tmp_path, f'[staff-desfire]\n0 = "{DIGITS}"\n255 = "{DIGITS * 2}"\n[lites]\n1 = "{DIGITS * 1}"\n')

    ring = load_card_keys(file)

    assert ring.names == ("staff-desfire", "lites")
    key = ring.get("staff-desfire").version(0)
    assert key is not None
    assert key.bytes == bytes(range(16))
    assert ring.get("staff-desfire").newest[0] == 255


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"[a]\n1 = {DIGITS}", "cards.toml: not TOML: .*line 2"),
        ('[A]\n1 = "00"', "'A' is no name for a card key: 1 to 32 of a-z, 0-9, - and _"),
        (f'a = "{DIGITS}"', "a: write .a., and under it for each version a line"),
        ("[a]\n", "a: write .a."),
        (f'[a]\n256 = "{DIGITS}"', "a: '256' is no version: 0 to 255"),
        (f'[a]\nx = "{DIGITS}"', "a: 'x' is no version"),
        (f'[a]\n"²" = "{DIGITS}"', "a: '²' is no version"),
        (f'[a]\n1 = "{DIGITS}AA"', "a, version 1: not 32, 48, 64 hexadecimal digits in quotation marks"),
        (f'[a]\n1 = "{DIGITS[:-1]}"', "a, version 1: not 32"),
        (f'[a]\n1 = "{DIGITS[:-2]}GG"', "a, version 1: not 32"),
        ("[a]\n1 = 5", "a, version 1: not 32"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_without_the_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(KeyMaterialError, match=words) as caught:
        load_card_keys(written(tmp_path, text))

    assert DIGITS[:-2] not in str(caught.value)


@pytest.mark.rule(3)
def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, f'[a]\n1 = "{DIGITS}"')
    file.chmod(0o644)

    with pytest.raises(KeyMaterialError, match="chmod"):
        load_card_keys(file)


def test_a_key_is_made_and_then_its_next_version(tmp_path: Path) -> None:
    file = tmp_path / "cards.toml"

    assert generate_card_key(file, "staff", 16) == 1
    first = load_card_keys(file).get("staff").newest[1].bytes
    assert generate_card_key(file, "doors", 32) == 1
    assert generate_card_key(file, "staff", 16) == 2

    staff = load_card_keys(file).get("staff")
    old = staff.version(1)
    assert old is not None
    assert old.bytes == first
    assert staff.newest[1].bytes != first
    assert len(load_card_keys(file).get("doors").newest[1].bytes) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["cards.toml"]


def test_a_key_that_cannot_be_made_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = written(tmp_path, f'# kept\n[a]\n255 = "{DIGITS}"')

    with pytest.raises(KeyMaterialError, match="has version 255, and there is none after that"):
        generate_card_key(file, "a", 16)
    with pytest.raises(KeyMaterialError, match="'A b' is no name"):
        generate_card_key(file, "A b", 16)

    assert file.read_text().startswith("# kept")


def test_in_a_folder_that_the_daemon_may_not_look_into_there_are_none(tmp_path: Path) -> None:
    """Root's keys folder: systemd hands over what is in it, and a site without card keys has no such file."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o000)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        assert load_card_keys(folder / "cards.toml").names == ()
    finally:
        os.seteuid(user)
        folder.chmod(0o700)
