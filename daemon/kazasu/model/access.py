"""Who stands before the reader, what the read proves, and what was decided."""

from __future__ import annotations

import enum
from typing import Literal, TypeAlias

import msgspec

from kazasu.model.cue import CueName
from kazasu.model.day_card import PoolCard

EventFields: TypeAlias = dict[str, int | str]
Direction: TypeAlias = Literal["in", "out"]


class Assurance(enum.IntEnum):
    """What a read proves, weakest first, so that `<` compares strength.

    `PAPER`: somebody wrote it on a list. `VOUCHED`: a colleague's card said so. `CODE`: a code and a PIN were entered.
    `SERIAL`: a number that anybody can copy. `SIGNED_DATA`: data signed by an authority, still copyable.
    `CHALLENGE`: the card holds a key. `CHALLENGE_PIN`: the card holds a key and its holder knows the PIN.
    """

    PAPER = -2
    VOUCHED = -1
    CODE = 0
    SERIAL = 1
    SIGNED_DATA = 2
    CHALLENGE = 3
    CHALLENGE_PIN = 4

    @property
    def word(self) -> str:
        """The word on the wire, in configuration and in rosters: `signed_data`."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str) -> Assurance:
        """Read the word back.

        Raises:
            ValueError: the word is none of them.
        """
        for assurance in cls:
            if assurance.word == word:
                return assurance
        raise ValueError(f"{word!r} is no assurance; one of {', '.join(a.word for a in cls)}")


class DenyReason(enum.StrEnum):
    """Why a tap was not granted. The values are on the wire and never change their meaning."""

    UNKNOWN_CARD = "unknown_card"  # read well, enrolled nowhere
    FOREIGN_CARD = "foreign_card"  # no kind that this terminal reads
    NO_STABLE_NUMBER = "no_stable_number"  # its number is random at every activation (Type B PUPI)
    CARD_REMOVED = "card_removed"  # pulled away during the read
    CARD_UNREADABLE = "card_unreadable"  # answers that no document allows
    TWO_CARDS = "two_cards"  # in the field at once: nobody can say which was meant
    AUTHENTICATION_FAILED = "authentication_failed"  # the card could not prove its key: a copy, or a key not the site's
    PIN_NEEDED = "pin_needed"  # asked for, and not entered in time
    PIN_WRONG = "pin_wrong"
    PIN_LAST_TRY = "pin_last_try"  # fewer than two tries are left, so none was made here
    CARD_BLOCKED = "card_blocked"  # no tries are left
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"  # not issued by a configured CA
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    ASSURANCE_TOO_LOW = "assurance_too_low"  # the enrolment or the policy asks for more than the read proves
    CREDENTIAL_NOT_YET_VALID = "credential_not_yet_valid"
    CREDENTIAL_EXPIRED = "credential_expired"
    CREDENTIAL_REVOKED = "credential_revoked"  # the site took it back: stolen, lost, or its holder has left
    NO_DIRECTION = "no_direction"  # in or out was to be chosen by button, and was not
    ROSTER_UNREADABLE = "roster_unreadable"  # read well, and nobody can say whose it is; the credential is in the event
    DAY_CARD_NOT_ISSUED = "day_card_not_issued"  # a card of the pool that is nobody's now
    WRONG_CODE = "wrong_code"  # a code that nobody has, or not its PIN: nobody is told which
    TOO_MANY_TRIES = "too_many_tries"  # too many wrong PINs a moment ago, of this code or of all at this terminal
    MAY_NOT_VOUCH = "may_not_vouch"  # a guest waits for a colleague's tap, and this person may not vouch for them
    ALREADY_DONE = "already_done"  # the same punch a moment ago
    NO_ACCESS_LEVEL = "no_access_level"  # known, and no level that the person has opens this door
    LEVEL_NOT_YET_VALID = "level_not_yet_valid"  # the level's first day is to come
    LEVEL_EXPIRED = "level_expired"  # the level's last day is over
    OUT_OF_HOURS = "out_of_hours"
    HOLIDAY = "holiday"  # within the week's hours, but the day is a holiday
    CLOCK_UNSET = "clock_unset"  # nobody knows which hour it is: only people named for emergencies
    ROSTER_STALE = "roster_stale"  # the site has not vouched for it for too long: only people named for emergencies
    LOCKDOWN = "lockdown"
    INTERLOCK = "interlock"  # the other door is not closed and locked
    PASSBACK = "passback"  # the person is not where the door leads in from, or was let in a moment ago
    AREA_FULL = "area_full"
    ESCORT_NEEDED = "escort_needed"  # a visitor: whoever escorts taps next
    SECOND_PERSON_NEEDED = "second_person_needed"  # two people who may enter have to tap, one after the other
    NO_MUSTER = "no_muster"  # at the meeting point, and no muster stands there: nobody counts yet


class Identifier(msgspec.Struct, frozen=True, kw_only=True):
    """What was read off a card, before anyone knows whose it is.

    Attributes:
        kind: the card kind's name: `jpki`, `felica`, `mifare`, …
        pseudonym: 32 lower-case hexadecimal digits: HMAC-SHA-256 under the site's pepper, its first 16 bytes.
        assurance: what the read proved.
        why_not_more: in words, for `kazasu identify` and nowhere else; empty if it is the most that such a card proves.
        duress: the person said, so that nobody sees it, that they are being forced; only a code can.
    """

    kind: str
    pseudonym: str
    assurance: Assurance
    why_not_more: str = ""
    duress: bool = False


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolled card, and its holder's number.

    Attributes:
        pseudonym: as in `Identifier`.
        cardholder: the site's own number for the person; never the My Number.
        min_assurance: a read that proves less is denied.
        valid_from_s: first second of validity, Unix time, or None.
        valid_until_s: first second after validity, Unix time, or None.
    """

    pseudonym: str
    cardholder: str
    min_assurance: Assurance
    valid_from_s: int | None = None
    valid_until_s: int | None = None


class Cardholder(msgspec.Struct, frozen=True, kw_only=True):
    """A person known here.

    Attributes:
        number: the site's own number.
        name: for people at the terminal only; it enters no event and no log.
        levels: names of the access levels that the site gave the person; one that a terminal does not know is about
            doors elsewhere.
    """

    number: str
    name: str
    levels: tuple[str, ...] = ()


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """What the roster says of one credential.

    Attributes:
        credential: the record.
        cardholder: whose it is; of a day card the card itself, under its number in the roster.
        pool_card: what the site's roster says of it as a day card; None if the site lends no such card.
    """

    credential: Credential
    cardholder: Cardholder
    pool_card: PoolCard | None = None


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """One tap with everything that is known of it, or what is missing.

    Attributes:
        reader: the configured short name of the reader.
        identifier: None if the card could not be read; `refusal` then says why.
        enrolment: None if the identifier is in no roster.
        refusal: why there is no identifier, or why nobody can say whose it is.
        direction: the way chosen by button, if one was pressed in time.
        details: how the person came to be known, for the event: `day_card`, `vouched_by`; of a refused code, whose it
            is: `cardholder`.
    """

    reader: str
    identifier: Identifier | None = None
    enrolment: Enrolment | None = None
    refusal: DenyReason | None = None
    direction: Direction | None = None
    details: EventFields = {}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the terminal answers to one presentation; a denial is a decision, never an exception.

    Attributes:
        event_type: `attendance.in`, `door.denied`, …
        reason: None if granted.
        cue: what the person sees and hears once the event is durable.
        details: what the service adds to the event; flat.
    """

    event_type: str
    cue: CueName
    reason: DenyReason | None = None
    details: EventFields = {}

    @property
    def granted(self) -> bool:
        """Whether the person gets what they tapped for."""
        return self.reason is None
