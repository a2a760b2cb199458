"""What a PIN may be, how it is kept, and that checking one costs one hash whatever it is."""

from __future__ import annotations

import pytest

from fakes.codes import PEPPERED, kept, slow_hash
from kazasu.model.code import Checked, KeptPin, check, code_pseudonym, code_weakness, digest, pin_secret, weakness

CODE, PIN, FORCED = "482913", "5170", "8026"


def secret(pin: str, code: str = CODE) -> str:
    return pin_secret(PEPPERED, code, pin)


def test_a_pin_is_right_wrong_or_says_that_somebody_is_forced() -> None:
    of_both = kept(CODE, PIN, FORCED)
    assert check(secret(PIN), of_both, slow_hash) is Checked.RIGHT
    assert check(secret(FORCED), of_both, slow_hash) is Checked.DURESS
    assert check(secret("5171"), of_both, slow_hash) is Checked.WRONG
    assert check(secret(PIN, "482914"), of_both, slow_hash) is Checked.WRONG, "the same PIN of another code"
    assert check(secret(FORCED), kept(CODE, PIN), slow_hash) is Checked.WRONG


@pytest.mark.parametrize("kept_pin", [None, kept(CODE, PIN), kept(CODE, PIN, FORCED)])
@pytest.mark.parametrize("pin", [PIN, FORCED, "5171"])
def test_whatever_a_code_is_its_check_is_one_hash(kept_pin: KeptPin | None, pin: str) -> None:
    hashed: list[str] = []

    def counting(entered: str, salt: bytes) -> bytes:
        hashed.append(entered)
        return slow_hash(entered, salt)

    check(secret(pin), kept_pin, counting)
    assert hashed == [secret(pin)]


def test_no_digest_of_nobody_can_be_hit() -> None:
    assert check(secret(PIN), None, lambda *_: bytes(32)) is Checked.WRONG
    assert check(secret(PIN), kept(CODE, PIN), lambda *_: bytes(32)) is Checked.WRONG


def test_the_hash_is_scrypt_as_rfc_7914_has_it() -> None:
    # N = 16384, r = 8, p = 1, as hashlib and others compute it; it may never change for what is stored.
    assert digest("0" * 32, bytes(16)).hex() == "6bbedada2bd78242b86b97ca2517142844b994c60ac83bffd7dd9c2b5b5fe4d6"
    with pytest.raises(ValueError, match="a salt has 16 bytes"):
        digest("0" * 32, b"")


@pytest.mark.rule(7)
def test_what_is_kept_shows_nothing_and_a_code_is_known_by_a_pseudonym() -> None:
    assert repr(kept(CODE, PIN, FORCED)) == "KeptPin(…)"
    assert CODE not in code_pseudonym(PEPPERED, CODE)
    assert len(code_pseudonym(PEPPERED, CODE)) == 32


@pytest.mark.parametrize("pin", ["517", "517051705", "51a0", "\uff15\uff11\uff17\uff10", "", "51 70"])
def test_what_is_no_pin_is_refused(pin: str) -> None:
    assert weakness(pin) == "a PIN has 4 to 8 digits"


@pytest.mark.parametrize("pin", ["0000", "1234", "3456789", "4321", "8901", "1212", "517517"])
def test_a_pin_that_is_guessed_first_is_refused(pin: str) -> None:
    assert "guessed first" in weakness(pin)


def test_a_pin_is_not_the_code_nor_the_persons_number() -> None:
    assert weakness(PIN, CODE, "1001") == ""
    assert "guessed first" in weakness("5170", "5170")
    assert "guessed first" in weakness("2580", CODE, "2580")


def test_a_code_has_four_to_twelve_digits() -> None:
    assert [code_weakness(code) for code in ("4829", "482913482913")] == ["", ""]
    assert all(code_weakness(code) for code in ("482", "4829134829130", "482a"))
