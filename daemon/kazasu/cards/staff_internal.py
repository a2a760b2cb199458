"""INTERNAL AUTHENTICATE with a symmetric key that is derived for each card (ISO/IEC 7816-4:2020, 11.5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.cmac import CMAC

from kazasu.cards.guard import Template
from kazasu.cards.staff_derivation import cipher_of, derive
from kazasu.cards.staff_number import cut_out
from kazasu.cards.staff_proof import ALL, Proven, answer_to, failed, same
from kazasu.model.access import Assurance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kazasu.cards.guard import Scope
    from kazasu.cards.keyring import KeyRing, SecretKey
    from kazasu.cards.staff_cut import Number
    from kazasu.cards.staff_profile import InternalAuthentication
    from kazasu.ports.readers import CardChannel

KEY_BYTES: Final = {"aes-128": (16,), "aes-256": (32,), "3des": (16, 24)}
"""Lengths of a key, by algorithm."""


class InternalProof:
    """Implements Proof.

    Args:
        settings: the profile's.
        number: where the staff number is.
        keys: the site's.
        random: that many bytes nobody can foresee.

    Raises:
        KeyMaterialError: no such key, or one of another length.
    """

    assurance = Assurance.CHALLENGE
    inner: tuple[Scope, ...] = ()
    why_not_more = ""

    def __init__(
        self, settings: InternalAuthentication, number: Number, keys: KeyRing, random: Callable[[int], bytes]
    ) -> None:
        self._settings = settings
        self._key = keys.get(settings.key).of_length(*KEY_BYTES[settings.algorithm])
        self._random = random
        self._challenge_bytes = settings.challenge_bytes or settings.block_bytes
        self._head = bytes.fromhex(settings.command) + bytes([self._challenge_bytes])
        self._number_is_bound = any(cut.covers(number) for cut in settings.cuts)
        self.templates = (Template((self._head, self._challenge_bytes, ALL)),)

    def first(self, channel: CardChannel) -> dict[str, bytes]:
        """See Proof."""
        return {}

    def of(self, channel: CardChannel, answers: Mapping[str, bytes]) -> Proven:
        """See Proof."""
        diversifier = b"".join(
            cut_out(answers, part.cut, "diversification input") if part.fixed is None else bytes.fromhex(part.fixed)
            for part in self._settings.input
        )
        candidates = self._candidates(answers)
        challenge = self._random(self._challenge_bytes)
        answer = answer_to(channel, self._head + challenge + ALL)
        # Each version is tried here and none at the card, which was asked once.
        if not any(same(answer, self._expected(key, diversifier, challenge)) for key in candidates):
            raise failed("its answer is not that of the site's key")
        return Proven() if self._number_is_bound else Proven(card=(diversifier,))

    def _candidates(self, answers: Mapping[str, bytes]) -> Iterable[SecretKey]:
        """The site's key in the version that the card names, or in all that there are."""
        where = self._settings.version
        if where is None:
            return self._key.versions.values()
        version = cut_out(answers, where, "key version")[0]
        key = self._key.version(version)
        if key is None:
            raise failed(f"it was made under version {version} of the key {self._key.name!r}, which is not here")
        return (key,)

    def _expected(self, key: SecretKey, diversifier: bytes, challenge: bytes) -> bytes:
        settings = self._settings
        card_key = derive(settings.derivation, settings.algorithm, key.bytes, diversifier)
        cipher = cipher_of(settings.algorithm, card_key)
        if settings.answer == "cmac":
            cmac = CMAC(cipher)
            cmac.update(challenge)
            return cmac.finalize()[: settings.answer_bytes]
        encryptor = Cipher(cipher, modes.ECB()).encryptor()  # noqa: S305  (one block, which is all that ECB is for)
        return encryptor.update(challenge) + encryptor.finalize()
