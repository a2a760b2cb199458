"""The seam of a card kind: one module a kind, named in registry.py or brought along by another package."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.cards.guard import Allowance
    from kazasu.cards.keyring import KeyRing
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.model.access import Assurance, Identifier
    from kazasu.model.table import Table
    from kazasu.ports.clock import Clock
    from kazasu.ports.readers import CardChannel, Demand, PinSource


class CardKind(Protocol):
    """Reads one kind of card. The reader's thread only.

    Attributes:
        name: as in `Identifier.kind` and in the configuration's `cards.kinds`.
        reach: the most that a card of this kind can prove as it is configured here.
        allow: everything that `read` may send.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def reach(self) -> Assurance: ...  # noqa: D102

    @property
    def allow(self) -> Allowance: ...  # noqa: D102

    def read(self, channel: CardChannel, atr: bytes) -> Identifier | None:
        """Read the card.

        Args:
            channel: to the card; guarded, status words folded.
            atr: what the reader made of the card's first answer, 2 to 33 bytes.

        Returns:
            None if it is not a card of this kind.

        Raises:
            CardError: it is one, and is gone, refused or answers nonsense.
        """
        ...


class Tools(NamedTuple):
    """What a kind may use to read cards; every kind of a terminal gets the same.

    Attributes:
        pseudonymizer: the site's.
        clock: for the dates of certificates, which count unless it is unset.
        keys: the site's symmetric card keys.
        demand: what a card has to prove now.
        pins: where people enter their PIN; None on a terminal without a keypad.
        random: that many bytes nobody can foresee, for challenges.
    """

    pseudonymizer: Pseudonymizer
    clock: Clock
    keys: KeyRing
    demand: Demand
    pins: PinSource | None = None
    random: Callable[[int], bytes] = secrets.token_bytes


class KindModule(Protocol):
    """A module that holds a card kind.

    Attributes:
        Settings: what stands in the configuration's table `[cards.<kind>]`; without required keys, it may be left out.
    """

    @property
    def Settings(self) -> type[Table]: ...  # noqa: D102, N802  (a class)

    def build(self, settings: Table, tools: Tools) -> CardKind:
        """Make the kind.

        Args:
            settings: of the class `Settings`.
            tools: the terminal's.

        Raises:
            KazasuError: a file or key that the settings name cannot be used.
        """
        ...
