"""The layers of the pepper: what each makes, in which direction it leads, and that nothing of it is shown."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from kazasu.model.pepper import LayerNotHeld, Pepper, pepper_id

FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in (1, 2, 3))
PEPPER = Pepper([FIRST, SECOND, THIRD])
CARD = "0123456789abcdef" * 2


def over(layer: bytes, label: bytes, content: bytes) -> bytes:
    """As decision 0026 has it."""
    return hmac.new(layer, label + content, hashlib.sha256).digest()


def test_each_layer_is_laid_over_what_the_one_before_made() -> None:
    under_second = over(SECOND, b"kazasu pepper layer: pseudonym\0", bytes.fromhex(CARD))[:16]
    under_third = over(THIRD, b"kazasu pepper layer: pseudonym\0", under_second)[:16]
    assert PEPPER.forms(CARD) == (CARD, under_second.hex(), under_third.hex())
    first, second, third = PEPPER.ids
    assert PEPPER.lifted(CARD, first, third) == under_third.hex()
    assert PEPPER.lifted(under_second.hex(), second, third) == under_third.hex()
    assert PEPPER.lifted(CARD, first, first) == CARD


def test_what_is_kept_of_a_pin_is_laid_over_whole_and_by_another_name() -> None:
    first, second, third = PEPPER.ids
    digest = bytes(range(32))
    under_second = over(SECOND, b"kazasu pepper layer: PIN\0", digest)
    assert PEPPER.lifted_pin(digest, first, second) == under_second
    assert PEPPER.lifted_pin(digest, first, third) == over(THIRD, b"kazasu pepper layer: PIN\0", under_second)
    assert PEPPER.lifted_pin(digest, third, third) == digest


def test_nothing_leads_back_or_to_a_layer_that_is_not_held() -> None:
    first, second, _ = PEPPER.ids
    with pytest.raises(ValueError, match="nothing leads back"):
        PEPPER.lifted(CARD, second, first)
    with pytest.raises(LayerNotHeld, match="0000000000000000 of the pepper is not held"):
        PEPPER.lifted_pin(bytes(32), first, "0" * 16)


@pytest.mark.parametrize("layers", [[], [FIRST, FIRST], [FIRST, b"short"], [bytes([1, n]) * 16 for n in range(101)]])
def test_what_is_no_pepper_is_refused(layers: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"layers|32 bytes"):
        Pepper(layers)


@pytest.mark.rule(7)
def test_it_shows_names_and_no_secret() -> None:
    assert repr(PEPPER) == f"Pepper({', '.join(map(pepper_id, (FIRST, SECOND, THIRD)))})"
    assert not any(layer.hex() in repr(PEPPER) for layer in PEPPER.layers)
