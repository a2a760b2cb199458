"""Every error that Kazasu raises on purpose.

    KazasuError
    ├── ConfigurationError      somebody wrote something that cannot be used: file, key, line
    ├── RosterError             a roster file or store that cannot be used: every bad line with its number
    │   └── RosterRefused       a roster from the site that is not taken over: carries the `Refusal`
    ├── KeyMaterialError        a key, pepper or certificate file that is missing, readable by others or broken
    ├── JournalError            no event can be kept: nobody gets green (design, rule 1)
    │   ├── JournalFull         the configured room or the disk is used up
    │   ├── JournalUnwritable   read-only, an I/O error, no permission
    │   ├── JournalCorrupt      what is stored is not what was signed
    │   └── JournalVersion      the journal, or its send cursor, is a newer Kazasu's, or none at all
    ├── StoreError              the collector's store cannot be used: a newer Kazasu's, or none at all
    ├── StoreUnavailable        the collector's store cannot be reached or written now; it waits and goes on
    ├── ReaderUnavailable       pcscd or the reader cannot be reached; the reader loop tries again
    ├── CardError               the card in the field: becomes an event and a cue, never a traceback
    │   ├── CardGone            taken away before the read was complete
    │   ├── CardRefused         read, but worth nothing here: carries the `DenyReason`
    │   └── UnexpectedStatus    a status word the driver did not ask for
    ├── ForbiddenApdu           a driver tried to send what the allow-list does not hold: a defect of ours
    ├── OutputError             a pin that cannot be driven, or that is named twice
    │   └── PinBusy             another program has it: the terminal itself, while it runs
    ├── DisplayError            the small display cannot be drawn on; nobody waits for it and nothing else fails
    ├── KeypadUnavailable       the keypad is unplugged, unreadable or another program's; nobody can enter a PIN
    │   └── KeypadBusy          another program has it: the terminal itself, while it runs
    ├── PaperListError          a paper list that cannot be recorded: every bad line with its number
    ├── OrderRefused            an operator's order that was not done
    ├── CommandRefused          a command from the site that is not one, or not for this terminal
    ├── EnrolmentRefused        a terminal is not admitted, or gets no certificate: the words say why
    ├── SignatureInvalid        a message that was not signed by whom it claims
    └── BrokerUnsuitable        the broker answers, but not in a way that Kazasu can use (MQTT 3.1.1)

"They are wrong" (ConfigurationError, RosterError, PaperListError, KeyMaterialError) is apart from "we could not reach"
(JournalError, StoreUnavailable, ReaderUnavailable). A denial is a decision and never one of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kazasu.model.access import DenyReason
    from kazasu.model.command import TurnedAway
    from kazasu.model.roster_manifest import Refusal


class KazasuError(Exception):
    """What went wrong, where, and what to do, in words that an installer can act on."""


class ConfigurationError(KazasuError):
    """A configuration that cannot be used."""


class RosterError(KazasuError):
    """A roster that cannot be used; nothing of it was taken over."""


class RosterRefused(RosterError):
    """A roster from the site was not taken over; what is here stays.

    Args:
        reason: goes into the event.
        detail: for the log and the alert.
    """

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class KeyMaterialError(KazasuError):
    """A key, pepper or certificate that cannot be used; without one the daemon does not start (rule 3)."""


class JournalError(KazasuError):
    """The journal did not keep an event."""


class JournalFull(JournalError):
    """The journal has no room: the configured number of events is reached, or the disk is full."""


class JournalUnwritable(JournalError):
    """The journal's file cannot be written."""


class JournalCorrupt(JournalError):
    """The journal's content does not verify: a row is missing, changed or out of order."""


class JournalVersion(JournalError):
    """The file is a newer Kazasu's, or none at all; it was left as it is."""


class StoreError(KazasuError):
    """The collector's store cannot be used, or not so."""


class StoreUnavailable(KazasuError):
    """The collector's store does not take anything now; nothing was changed, and the same may be tried again."""


class ReaderUnavailable(KazasuError):
    """pcscd or the reader does not answer."""


class CardError(KazasuError):
    """A card in the field could not be read to the end."""


class CardGone(CardError):
    """The card left the field before the read was complete."""


class CardRefused(CardError):
    """The card was read and is worth nothing here.

    Args:
        reason: goes into the event.
        detail: for the log and for `kazasu identify`; never a number read off the card.
    """

    def __init__(self, reason: DenyReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class UnexpectedStatus(CardError):
    """A status word that the step does not allow.

    Args:
        step: what was asked of the card, in words.
        sw: the status word, 0x0000 to 0xFFFF.
    """

    def __init__(self, step: str, sw: int) -> None:
        super().__init__(f"{step}: the card answered {sw:04X}")
        self.sw = sw


class ForbiddenApdu(KazasuError):
    """An APDU outside the exact allow-list was about to leave for the reader (rule 6)."""


class OutputError(KazasuError):
    """An output that cannot be driven."""


class DisplayError(KazasuError):
    """A small display that cannot be drawn on: an alert, and never a tap's failure."""


class PinBusy(OutputError):
    """Another program has the pin; while the terminal runs, that is the terminal itself."""


class KeypadUnavailable(KazasuError):
    """A keypad that cannot be read."""


class KeypadBusy(KeypadUnavailable):
    """Another program has the keypad; while the terminal runs, that is the terminal itself."""


class PaperListError(KazasuError):
    """A paper list that cannot be recorded; nothing of it was."""


class OrderRefused(KazasuError):
    """An operator's order was not done; the words say why, to that person."""


class CommandRefused(KazasuError):
    """A message was refused as a command.

    Args:
        refused: what the event says of it.
        transaction: for the answer; empty if nobody is worth one.
    """

    def __init__(self, refused: TurnedAway, transaction: str = "") -> None:
        super().__init__(f"{refused.reason.value}: {refused.detail}")
        self.refused = refused
        self.transaction = transaction


class EnrolmentRefused(KazasuError):
    """A bundle, a request or a reply that admits nobody; nothing was changed."""


class SignatureInvalid(KazasuError):
    """A message whose signature, key or form does not hold."""


class BrokerUnsuitable(KazasuError):
    """A broker that cannot be used as it is set up."""
