from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kazasu.errors import SignatureInvalid
from kazasu.model.document import signed, verified
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier

OLD, NEW, OTHER = (Ed25519Signer(Ed25519PrivateKey.from_private_bytes(letter * 32)) for letter in (b"o", b"n", b"x"))
KNOWN = (Ed25519Verifier(OLD.public), Ed25519Verifier(NEW.public))


@pytest.mark.parametrize("signer", [OLD, NEW])
def test_while_a_key_takes_over_both_count(signer: Ed25519Signer) -> None:
    document = verified(signed({"v": 1}, signer).body, *KNOWN)

    assert document.fields["keyid"] == signer.keyid


def test_a_third_key_does_not() -> None:
    with pytest.raises(SignatureInvalid, match=f"'{OTHER.keyid}', not {OLD.keyid} or {NEW.keyid}"):
        verified(signed({"v": 1}, OTHER).body, *KNOWN)


def test_a_key_that_names_another_is_not_believed() -> None:
    forged = signed({"v": 1}, OTHER).body.replace(OTHER.keyid.encode(), OLD.keyid.encode())

    with pytest.raises(SignatureInvalid, match="was not made by the key"):
        verified(forged, *KNOWN)
