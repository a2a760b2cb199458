"""A site key names its successor, and nobody else does."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kazasu.enrolment.succession import followed, keys_in, succession
from kazasu.errors import SignatureInvalid
from kazasu.model.document import signed
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.site.pem import public_pem

NOW = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
FIRST, SECOND, THIRD, THIEF = (Ed25519Signer(Ed25519PrivateKey.generate()) for _ in range(4))


def pem(*signers: Ed25519Signer) -> list[str]:
    return [public_pem(signer.public).decode() for signer in signers]


def says(signer: Ed25519Signer, *keys: Ed25519Signer, site: str = "town-hall") -> bytes:
    return succession(site, pem(*keys), NOW, signer).body


def follows(*payloads: bytes) -> str:
    return followed("town-hall", pem(FIRST)[0], payloads)


def test_while_a_new_key_takes_over_both_count() -> None:
    assert follows(says(FIRST, FIRST, SECOND)) == "".join(pem(FIRST, SECOND))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_who_was_away_for_years_follows_to_the_present_key_in_whatever_order_it_hears(order: tuple[int, ...]) -> None:
    documents = (says(FIRST, SECOND), says(SECOND, SECOND, THIRD), says(THIEF, THIEF))
    assert follows(*(documents[number] for number in order)) == "".join(pem(SECOND, THIRD))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"nonsense",
        says(THIEF, THIEF),
        says(FIRST, SECOND, site="elsewhere"),
        says(FIRST),
        says(FIRST, FIRST, SECOND, THIRD),
        signed({"v": 1, "type": "command", "site": "town-hall", "terminal": "all"}, FIRST).body,
        succession("town-hall", [*pem(SECOND), "and more"], NOW, FIRST).body,
        succession("town-hall", ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"], NOW, FIRST).body,
    ],
)
def test_what_does_not_hold_is_as_if_it_was_not_there(payload: bytes) -> None:
    assert follows(payload) == pem(FIRST)[0]


def test_a_key_that_counts_no_more_brings_nothing_back() -> None:
    assert followed("town-hall", pem(SECOND)[0], [says(FIRST, FIRST, SECOND)]) == pem(SECOND)[0]


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(SignatureInvalid, match="for 'elsewhere', 'all'"):
        keys_in(says(FIRST, SECOND, site="elsewhere"), "town-hall", Ed25519Verifier(FIRST.public))
