from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kazasu.errors import KeyMaterialError
from kazasu.store.keys import (
    generate_pepper,
    generate_signer,
    load_pepper,
    load_signer,
    load_verifier,
    load_verifiers,
    new_pepper,
    pepper_text,
    verifier_in,
    write_public,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def test_what_is_generated_loads(tmp_path: Path) -> None:
    signer = generate_signer(tmp_path / "event.key")
    pepper = generate_pepper(tmp_path / "pepper")
    write_public(tmp_path / "event.pub", signer)

    signature = load_signer(tmp_path / "event.key").sign(b"data")

    verifier = load_verifier(tmp_path / "event.pub")
    verifier.verify(signature, b"data")
    assert verifier.keyid == signer.keyid
    assert load_pepper(tmp_path / "pepper") == pepper
    assert [len(layer) for layer in pepper.layers] == [32]
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"event.key": 0o600, "pepper": 0o600, "event.pub": 0o644}


@pytest.mark.parametrize("generate", [generate_signer, generate_pepper])
def test_nothing_is_ever_overwritten(tmp_path: Path, generate: Callable[[Path], object]) -> None:
    generate(tmp_path / "file")
    before = (tmp_path / "file").read_bytes()

    with pytest.raises(KeyMaterialError, match="not overwritten"):
        generate(tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == before


@pytest.mark.rule(3)
@pytest.mark.parametrize("load", [load_signer, load_pepper])
def test_a_missing_file_is_named_with_what_makes_one(tmp_path: Path, load: Callable[[Path], object]) -> None:
    with pytest.raises(KeyMaterialError, match=r"absent is missing.*kazasu keygen"):
        load(tmp_path / "absent")


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o644, 0o660])
def test_a_secret_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    generate_signer(tmp_path / "event.key")
    generate_pepper(tmp_path / "pepper")
    for path in tmp_path.iterdir():
        path.chmod(mode)

    with pytest.raises(KeyMaterialError, match="chmod 600"):
        load_signer(tmp_path / "event.key")
    with pytest.raises(KeyMaterialError, match=f"mode {mode:04o}"):
        load_pepper(tmp_path / "pepper")


def test_roots_file_may_be_readable_by_one_group(tmp_path: Path) -> None:
    path = tmp_path / "pepper"
    pepper = generate_pepper(path)
    path.chmod(0o640)

    if path.stat().st_uid == 0:
        assert load_pepper(path) == pepper
    else:
        with pytest.raises(KeyMaterialError):
            load_pepper(path)


def test_systemds_credential_directory_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pepper = generate_pepper(tmp_path / "pepper")
    (tmp_path / "pepper").chmod(0o444)
    with pytest.raises(KeyMaterialError):
        load_pepper(tmp_path / "pepper")

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert load_pepper(tmp_path / "pepper") == pepper


def test_a_public_key_that_others_can_change_is_refused(tmp_path: Path) -> None:
    write_public(tmp_path / "collector.pub", generate_signer(tmp_path / "key"))
    (tmp_path / "collector.pub").chmod(0o664)

    with pytest.raises(KeyMaterialError, match="chmod 644"):
        load_verifier(tmp_path / "collector.pub")


@pytest.mark.parametrize(
    "text", ["", "ab" * 31, "ab" * 33, "zz" * 32, "ab " * 32, "ab" * 32 + "\nab", ("ab" * 32 + "\n") * 2]
)
def test_a_pepper_of_another_form_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pepper"
    path.touch(mode=0o600)
    path.write_text(text)

    with pytest.raises(KeyMaterialError, match="64 hexadecimal digits") as caught:
        load_pepper(path)
    assert "abab" not in str(caught.value)


def test_a_pepper_has_a_layer_a_line_the_oldest_first(tmp_path: Path) -> None:
    first = generate_pepper(tmp_path / "pepper")
    second = new_pepper(first)
    (tmp_path / "pepper").write_bytes(pepper_text(second))

    assert load_pepper(tmp_path / "pepper") == second
    assert second.layers[:1] == first.layers


def test_keys_of_another_form_are_refused(tmp_path: Path) -> None:
    elliptic = generate_private_key(SECP256R1())
    forms = {
        "not Ed25519": elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "without a password": elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
        "no private key": b"nonsense",
    }
    path = tmp_path / "event.key"
    path.touch(mode=0o600)
    for says, content in forms.items():
        path.write_bytes(content)
        with pytest.raises(KeyMaterialError, match=says):
            load_signer(path)

    path.write_bytes(elliptic.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(KeyMaterialError, match="not Ed25519"):
        load_verifier(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(KeyMaterialError, match="no public key"):
        load_verifier(path)


def test_what_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyMaterialError, match="cannot be read"):
        load_signer(tmp_path)
    with pytest.raises(KeyMaterialError, match="cannot be written"):
        generate_signer(tmp_path / "absent" / "event.key")


def test_one_file_holds_the_key_that_goes_and_the_one_that_comes(tmp_path: Path) -> None:
    signers = [generate_signer(tmp_path / name) for name in ("old", "new")]
    for signer in signers:
        write_public(tmp_path / f"{signer.keyid}.pub", signer)
    path = tmp_path / "site.pub"
    path.write_bytes(b"".join((tmp_path / f"{signer.keyid}.pub").read_bytes() for signer in signers))

    assert [verifier.keyid for verifier in load_verifiers(path)] == [signer.keyid for signer in signers]


def test_a_file_without_a_public_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "site.pub"
    path.write_text("no key\n")

    with pytest.raises(KeyMaterialError, match=r"site\.pub holds no public key in PEM"):
        load_verifiers(path)


def test_a_public_key_of_a_kind_that_nobody_knows_here_is_refused_in_words() -> None:
    inside = b"MCowBQYDKx8JAyEA/sFChnP2r+iSZLOAc0SuiyadElpQOFUgJofbWnEoV58="
    pem = b"-----BEGIN PUBLIC KEY-----\n" + inside + b"\n-----END PUBLIC KEY-----\n"
    with pytest.raises(KeyMaterialError, match="holds no public key in PEM"):
        verifier_in(pem, Path("event key"))
