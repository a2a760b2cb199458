"""What the site says of a roster before it sends one: the signed manifest (docs/wire.md). Both ends use this.

The manifest names everything that is to come by its hash: the whole text, and for each way to get it, whole or as a
delta, an index, which names the parts. So every part is checked as it arrives, and nothing is kept that was not asked
for. What it holds itself, the revocations, needs no further message.
"""

from __future__ import annotations

import enum
import hashlib
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import RosterRefused
from kazasu.model.event import WIRE_VERSION
from kazasu.model.pepper import PEPPER_ID

if TYPE_CHECKING:
    from kazasu.model.access import EventFields
    from kazasu.model.document import Document

MANIFEST_BYTES = 48 * 1024
EVERY_TERMINAL = "all"
MAX_REVOKED = 1000
"""So many 32 digits leave room for the rest of a manifest."""

DIGEST_BYTES = 32
DIGESTS_IN_INDEX = 48 * 1024 // DIGEST_BYTES
_MAX_INDEX_PARTS = 16  # room for four gigabytes of text: far more than a terminal is asked to hold
_MAX_TEXT_BYTES = 2**31
_MAX_PEOPLE = 10_000_000
_LAST_SECOND = 253_370_764_800  # of the year 9998: each time zone has a day for it

_FIELDS = {
    *("v", "type", "site", "aud", "version", "made", "expires", "pepper"),
    *("people", "credentials", "codes", "sha256", "bytes"),
    *("full_version", "full_parts", "full_bytes", "full_index"),
    *("base", "base_sha256", "delta_version", "delta_parts", "delta_bytes", "delta_index"),
    *("revoked", "keyid", "sig"),
}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


class Refusal(enum.StrEnum):
    """Why a roster was not taken over. The values are on the wire and never change their meaning."""

    TOO_LARGE = "too_large"
    SIGNATURE = "signature"  # not the site's key's, or over other bytes
    FORM = "form"  # signed, and no manifest that this version knows
    OTHER_SITE = "other_site"
    OTHER_TERMINAL = "other_terminal"
    ROLLED_BACK = "rolled_back"  # older than one that was here already
    FORKED = "forked"  # a second one of the same version
    EXPIRED = "expired"
    PART = "part"  # bytes that are not those that the manifest names
    SEALED = "sealed"  # those that it names, and they do not open
    CONTENT = "content"  # what the manifest names is no roster, or not the one that it says
    PEPPER = "pepper"  # under a layer of the pepper that the terminal does not hold: it has to come first
    RULES = "rules"  # levels, schedules or holidays that do not fit together, or not this terminal's doors


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One way to get a roster: whole, or as a delta.

    Attributes:
        kind: `full` or `delta`.
        version: of the manifest that it was published with; its parts stand below that.
        parts: how many there are.
        size_bytes: of all parts together.
        index: SHA-256 of each part of the index, which is the SHA-256 of each part, in order.
    """

    kind: str
    version: int
    parts: int
    size_bytes: int
    index: tuple[str, ...]

    def index_name(self, number: int) -> str:
        """What a part of the index is called."""
        return f"{self.kind}-index-{number}"

    def part_name(self, number: int) -> str:
        """What a part is called."""
        return f"{self.kind}-{number}"

    @property
    def names(self) -> tuple[str, ...]:
        """What everything of it is called."""
        indexes = (self.index_name(number) for number in range(len(self.index)))
        return (*indexes, *(self.part_name(number) for number in range(self.parts)))


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the site vouches for.

    Attributes:
        site: whose.
        aud: `all`, or the one terminal that it is for.
        version: above those of all before, whoever they were for.
        made_s: when, Unix time.
        expires_s: until when it counts as fresh, Unix time.
        pepper: the layer of the site's pepper that every pseudonym of the text is under: model/pepper.py.
        people: in it.
        credentials: cards in it.
        codes: of people without a card, in it.
        sha256: of the whole text.
        size_bytes: of the whole text.
        full: the whole.
        base: the version that `delta` changes; 0 without one.
        base_sha256: of that version's whole text; empty without one.
        delta: from there to here.
        revoked: pseudonyms that are worth nothing from now on, whatever the roster says.
        digest: SHA-256 of the bytes that the signature covers.
    """

    site: str
    aud: str
    version: int
    made_s: int
    expires_s: int
    pepper: str
    people: int
    credentials: int
    codes: int
    sha256: str
    size_bytes: int
    full: Offer
    base: int = 0
    base_sha256: str = ""
    delta: Offer | None = None
    revoked: tuple[str, ...] = ()
    digest: str = ""

    def fields(self, made: datetime, valid_for: timedelta) -> EventFields:
        """As it is on the wire, before it is signed."""
        delta = self.delta or Offer(kind="delta", version=0, parts=0, size_bytes=0, index=())
        return {
            "v": WIRE_VERSION,
            "type": "roster",
            "site": self.site,
            "aud": self.aud,
            "version": self.version,
            "made": made.isoformat(timespec="seconds"),
            "expires": (made + valid_for).isoformat(timespec="seconds"),
            "pepper": self.pepper,
            "people": self.people,
            "credentials": self.credentials,
            "codes": self.codes,
            "sha256": self.sha256,
            "bytes": self.size_bytes,
            "base": self.base,
            "base_sha256": self.base_sha256,
            "revoked": " ".join(self.revoked),
            **_offered(self.full),
            **_offered(delta),
        }


def _offered(offer: Offer) -> EventFields:
    return {
        f"{offer.kind}_version": offer.version,
        f"{offer.kind}_parts": offer.parts,
        f"{offer.kind}_bytes": offer.size_bytes,
        f"{offer.kind}_index": " ".join(offer.index),
    }


def manifest_in(document: Document) -> Manifest:
    """Read a document whose signature holds.

    Raises:
        RosterRefused: it is no manifest, or asks for more than a terminal holds.
    """
    try:
        return _manifest_in(document)
    except (ValueError, TypeError, KeyError) as error:
        raise RosterRefused(Refusal.FORM, f"no manifest of a roster: {error}") from error


def _manifest_in(document: Document) -> Manifest:
    fields = document.fields
    if fields.keys() != _FIELDS:
        raise ValueError(f"its fields are {sorted(fields.keys() ^ _FIELDS)} too many or too few")
    if (fields["v"], fields["type"]) != (WIRE_VERSION, "roster"):
        raise ValueError(f"it is a {fields['type']} of version {fields['v']}")
    made_s, expires_s = (_second(fields[name]) for name in ("made", "expires"))
    base = _number(fields, "base", 0, 2**53)
    return Manifest(
        site=str(fields["site"]),
        aud=str(fields["aud"]),
        version=_number(fields, "version", 1, 2**53),
        made_s=made_s,
        expires_s=expires_s,
        pepper=_words(fields, "pepper", PEPPER_ID, 1, 1)[0],
        people=_number(fields, "people", 0, _MAX_PEOPLE),
        credentials=_number(fields, "credentials", 0, _MAX_PEOPLE),
        codes=_number(fields, "codes", 0, _MAX_PEOPLE),
        sha256=_words(fields, "sha256", _DIGEST, 1, 1)[0],
        size_bytes=_number(fields, "bytes", 0, _MAX_TEXT_BYTES),
        full=_offer(fields, "full"),
        base=base,
        base_sha256=_words(fields, "base_sha256", _DIGEST, 1, 1)[0] if base else "",
        delta=_offer(fields, "delta") if base else None,
        revoked=_words(fields, "revoked", _PSEUDONYM, 0, MAX_REVOKED),
        digest=hashlib.sha256(document.covered).hexdigest(),
    )


def _offer(fields: EventFields, kind: str) -> Offer:
    index = _words(fields, f"{kind}_index", _DIGEST, 0, _MAX_INDEX_PARTS)
    parts = _number(fields, f"{kind}_parts", 0, len(index) * DIGESTS_IN_INDEX)
    return Offer(
        kind=kind,
        version=_number(fields, f"{kind}_version", 1, 2**53),
        parts=parts,
        size_bytes=_number(fields, f"{kind}_bytes", 0, parts * MANIFEST_BYTES),
        index=index,
    )


def _number(fields: EventFields, name: str, least: int, most: int) -> int:
    value = fields[name]
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} is {value!r:.40}, and has to be from {least} to {most}")
    return value


def _words(fields: EventFields, name: str, form: re.Pattern[str], least: int, most: int) -> tuple[str, ...]:
    words = tuple(str(fields[name]).split(" ")) if fields[name] else ()
    if not least <= len(words) <= most or not all(map(form.fullmatch, words)):
        raise ValueError(f"{name} is no list of {least} to {most} hexadecimal numbers")
    return words


def _second(value: int | str) -> int:
    at = datetime.fromisoformat(str(value))
    if at.tzinfo is None:
        raise ValueError(f"{value!r} is a time without its offset")
    second = int(at.timestamp())
    if not 0 <= second <= _LAST_SECOND:
        raise ValueError(f"{value!r:.40} is no time between 1970 and 9998")
    return second


def index_of(digests: list[bytes]) -> list[bytes]:
    """The parts of an index."""
    starts = range(0, len(digests), DIGESTS_IN_INDEX)
    return [b"".join(digests[start : start + DIGESTS_IN_INDEX]) for start in starts]


def digests_in(indexes: list[bytes]) -> list[str]:
    """The SHA-256 of each part, as an index names them."""
    whole = b"".join(indexes)
    return [whole[start : start + DIGEST_BYTES].hex() for start in range(0, len(whole), DIGEST_BYTES)]
