"""The staff application in the My Number Card's free area, or on any other card with files, as a profile describes it.

Each issuer lays out the free area in its own way and does not publish it; so the application, the commands, the place
of the staff number and the card's proof come from a file, and that file is at the same time all that may be sent.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from kazasu.cards import status
from kazasu.cards.atr import storage_card
from kazasu.cards.channel import unexpected
from kazasu.cards.guard import Allowance, Scope, application, select_application
from kazasu.cards.staff_commands import selects_file, templates_of_step
from kazasu.cards.staff_number import cut_out, number_of
from kazasu.cards.staff_profile import Profile, mistakes
from kazasu.cards.staff_proof import NoProof
from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason, Identifier
from kazasu.model.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.cards.kind import Tools
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.cards.staff_profile import Step
    from kazasu.cards.staff_proof import Proof
    from kazasu.ports.readers import CardChannel


class Settings(Table, frozen=True, kw_only=True):
    """[cards.staff].

    Attributes:
        profiles: a file for each staff application, TOML; examples are in config/cards.d.
    """

    profiles: Annotated[tuple[Path, ...], Meta(min_length=1, description="a list of one profile or more")]


def build(settings: Settings, tools: Tools) -> Staff:
    """See kind.KindModule.

    Raises:
        ConfigurationError: a profile that cannot be used, with every line that is wrong; or a CA certificate.
        KeyMaterialError: a profile names a key that the key file does not hold, or one of another length.
    """
    from kazasu.config import load_table

    profiles = (load_table(path, Profile, mistakes) for path in settings.profiles)
    return Staff((Application(profile, _proof_of(profile, tools)) for profile in profiles), tools.pseudonymizer)


def _proof_of(profile: Profile, tools: Tools) -> Proof:
    # Each is imported by those only that need it, a terminal without them starts sooner.
    if profile.internal_authentication is not None:
        from kazasu.cards.staff_internal import InternalProof

        return InternalProof(profile.internal_authentication, profile.number, tools.keys, tools.random)
    if profile.signature is not None:
        from kazasu.cards.staff_signature import SignatureProof

        return SignatureProof(profile.signature, profile, tools.clock, tools.random)
    return NoProof()


class Application:
    """A staff application and how to read it.

    Args:
        profile: without mistakes.
        proof: what the card has to show.
    """

    __slots__ = ("_profile", "_steps", "aid", "proof")

    def __init__(self, profile: Profile, proof: Proof) -> None:
        self.aid = profile.application
        self.proof = proof
        self._profile = profile
        self._steps = tuple(
            (step, bytes.fromhex(step.apdu), frozenset(int(sw, 16) for sw in step.answers)) for step in profile.steps
        )

    @property
    def scope(self) -> Scope:
        """All that may be sent to it."""
        files = [(apdu, success) for _, apdu, success in self._steps if selects_file(apdu)]
        others = [apdu for _, apdu, _ in self._steps if not selects_file(apdu)]
        return application(
            self.aid,
            commands=frozenset(others),
            templates=(*self.proof.templates, *(template for apdu in others for template in templates_of_step(apdu))),
            inner=(*self.proof.inner, *(Scope(opens=apdu, opened_by=success) for apdu, success in files)),
        )

    def read(self, channel: CardChannel, pseudonymizer: Pseudonymizer) -> Identifier | None:
        """Read the card; None if it does not have this application.

        Raises:
            CardRefused: it has, and does not answer as the profile says, or has not proved its key.
            CardError: see ports.readers.CardChannel.
        """
        _, sw = channel.transmit(select_application(self.aid))
        if sw >> 8 in status.FAULTS:
            raise _unreadable(str(unexpected("selecting the staff application", sw)))
        if sw != status.SUCCESS:
            return None
        answers = self.proof.first(channel)
        for step, apdu, success in self._steps:
            answers[step.name] = _answer(channel, step, apdu, success)
        proven = self.proof.of(channel, answers)
        number = proven.number
        if number is None:
            where = self._profile.number
            number = number_of(cut_out(answers, where, "staff number"), where.encoding or "hex")
        # A part more or less, so a card is never taken for a number.
        identity = (self.aid, b"card", *proven.card) if proven.card else (self.aid, number.encode())
        return Identifier(
            kind=Staff.name,
            pseudonym=pseudonymizer.pseudonym(Staff.name, *identity),
            assurance=self.proof.assurance,
            why_not_more=self.proof.why_not_more,
        )


class Staff:
    """Implements CardKind.

    Args:
        applications: the one that proves most is asked first; of equals, the first.
        pseudonymizer: the site's.
    """

    name = "staff"

    def __init__(self, applications: Iterable[Application], pseudonymizer: Pseudonymizer) -> None:
        self._applications = sorted(applications, key=lambda each: -each.proof.assurance)
        self._pseudonymizer = pseudonymizer
        self.reach = self._applications[0].proof.assurance
        self.allow = Allowance(scopes=tuple(each.scope for each in self._applications))

    def read(self, channel: CardChannel, atr: bytes) -> Identifier | None:
        """See CardKind. An ATR decides only that a storage card is not asked; SELECT decides all else."""
        if storage_card(atr) is not None:
            return None
        for each in self._applications:
            identifier = each.read(channel, self._pseudonymizer)
            if identifier is not None:
                return identifier
        return None


def _answer(channel: CardChannel, step: Step, apdu: bytes, success: frozenset[int]) -> bytes:
    data, sw = channel.transmit(apdu)
    if sw not in success:
        raise _unreadable(str(unexpected(f"step {step.name!r} of the profile", sw)))
    return data


def _unreadable(detail: str) -> CardRefused:
    return CardRefused(DenyReason.CARD_UNREADABLE, detail)
