"""Keys by name and version, and that nothing prints them."""

from __future__ import annotations

import pytest

from kazasu.cards.keyring import KeyRing, SecretKey, VersionedKey
from kazasu.errors import KeyMaterialError

OLD = SecretKey(bytes(range(16)))
NEW = SecretKey(bytes(range(16, 32)))
RING = KeyRing({"staff": VersionedKey("staff", {1: OLD, 3: NEW})}, "/etc/kazasu/keys/cards.toml")


def test_a_key_is_found_by_name_and_version() -> None:
    key = RING.get("staff")

    assert RING.names == ("staff",)
    assert key.newest == (3, NEW)
    assert key.version(1) is OLD
    assert key.version(2) is None


def test_a_key_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(KeyMaterialError, match=r"cards\.toml: no card key is called 'stuff'; there are: staff"):
        RING.get("stuff")
    with pytest.raises(KeyMaterialError, match="it holds no key"):
        KeyRing({}, "cards.toml").get("staff")


def test_a_length_that_a_card_cannot_use_is_told_with_the_version() -> None:
    assert RING.get("staff").of_length(16, 32) is RING.get("staff")
    with pytest.raises(KeyMaterialError, match="'staff', version 1: has 16 bytes where 24 or 32 are needed"):
        RING.get("staff").of_length(24, 32)


@pytest.mark.parametrize("secret", [OLD, RING.get("staff"), RING])
def test_no_key_shows_in_what_is_printed(secret: object) -> None:
    shown = f"{secret!r} {secret} {secret!a}".lower()

    for key in (OLD, NEW):
        assert key.bytes.hex() not in shown
        assert repr(key.bytes)[2:-1].lower() not in shown
        assert str(list(key.bytes))[1:-1] not in shown
