"""A command of the site: what it may ask of a terminal, and why it is refused (design, rule 8; docs/wire.md).

What a command asks at doors, and what it shows, is an order like an operator's (model/order.py): one meaning, one way
to it. `Upkeep` is what a terminal does with itself.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeAlias

import msgspec

from kazasu.model.access import EventFields
from kazasu.model.cue import CueName
from kazasu.model.document import canonical
from kazasu.model.moment import TimeSource
from kazasu.model.order import BeginMuster, EndMuster, Lockdown, Order, PlayCue, Release, Relock, ResetPassback, Unlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.model.moment import Moment

LONGEST_LIFE_S = 10
"""A command is for now: whoever keeps it back has little time to use it."""

MAX_BYTES = 4096
"""The largest command; all of them are smaller than half of it."""

CLOCKS_APART_S = 2.0
"""So far the clocks of desk and terminal may stand apart, if both are kept by a time server."""

BY_LETTERS = 48
"""So long may the name of who gave it be."""

_MAX_ERROR_S = 30.0  # a clock that may be off by more judges nothing that lives for ten seconds
SAFER = frozenset({"lockdown", "relock", "muster_begin", "publish_again"})
"""What opens nothing, however late it comes; locking down counts most in the hour in which clocks fail, too."""


class Refusal(enum.StrEnum):
    """Why a command was not taken. The values are on the wire and never change their meaning."""

    RETAINED = "retained"  # kept at the broker, or meant to be: it would come again with each connection
    TOO_LARGE = "too_large"
    BADLY_SIGNED = "badly_signed"  # no document that a key of the site's, or the collector's, signed
    WIRE_VERSION = "wire_version"
    NOT_FOR_THIS_TERMINAL = "not_for_this_terminal"  # another terminal's, or another site's
    MALFORMED = "malformed"  # a field too many, missing or wrong
    UNKNOWN_COMMAND = "unknown_command"  # perhaps a newer Kazasu's
    KEY_NOT_ALLOWED = "key_not_allowed"  # the collector may ask for events again, and nothing else
    EXPIRED = "expired"
    NOT_YET_ISSUED = "not_yet_issued"  # by this terminal's clock
    CLOCK_UNSET = "clock_unset"  # nobody knows whether it is fresh
    REPLAYED = "replayed"  # its transaction was here before
    FLOOD = "flood"  # so many more were not even looked at, or not recorded one by one


class Reload(msgspec.Struct, frozen=True, kw_only=True):
    """Check the configuration, and start again with it if it can be used."""


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """End in order; systemd starts the terminal again."""


class SetLogLevel(msgspec.Struct, frozen=True, kw_only=True):
    """Log more or less, until the next start."""

    level: Literal["debug", "info", "warning", "error"]


class PublishAgain(msgspec.Struct, frozen=True, kw_only=True, rename={"from_seq": "from", "to_seq": "to"}):
    """Send events that were sent before.

    Attributes:
        from_seq: `from` on the wire: the first.
        to_seq: `to`: the last; None for all that follow.
        since: instead of `from`: those from this time on, RFC 3339 with offset.
        epoch: the journal that is meant; None for the one there is.
    """

    from_seq: Annotated[int, msgspec.Meta(ge=1)] | None = None
    to_seq: Annotated[int, msgspec.Meta(ge=1)] | None = None
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    epoch: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")] | None = None

    def __post_init__(self) -> None:
        if (self.from_seq is None) == (self.since is None):
            raise ValueError("either `from` or `since` says where to begin")
        if self.to_seq is not None and self.from_seq is not None and self.to_seq < self.from_seq:
            raise ValueError("`to` comes before `from`")


Upkeep: TypeAlias = Reload | Restart | SetLogLevel | PublishAgain


class Kind(NamedTuple):
    """What a command's name means.

    Attributes:
        wanted: what is made of it; its fields are the command's arguments.
        given: arguments that the name itself gives.
    """

    wanted: type[Order | Upkeep]
    given: Mapping[str, Any] = {}

    @property
    def is_order(self) -> bool:
        """It is the terminal's operator's, too, and says who ordered it."""
        return "by" in self.wanted.__struct_encode_fields__

    @property
    def arguments(self) -> frozenset[str]:
        """The names of the fields that a command of this kind may have."""
        return frozenset(self.wanted.__struct_encode_fields__) - {"by"} - self.given.keys()


KINDS: Mapping[str, Kind] = {
    "release": Kind(Release),
    "unlock": Kind(Unlock),
    "relock": Kind(Relock),
    "lockdown": Kind(Lockdown, {"active": True}),
    "lockdown_end": Kind(Lockdown, {"active": False}),
    "reset_passback": Kind(ResetPassback),
    "muster_begin": Kind(BeginMuster),
    "muster_end": Kind(EndMuster),
    "cue": Kind(PlayCue),
    "identify_self": Kind(PlayCue, {"cue": CueName.FIND_ME}),
    "reload": Kind(Reload),
    "restart": Kind(Restart),
    "log_level": Kind(SetLogLevel),
    "publish_again": Kind(PublishAgain),
}
OF_THE_COLLECTOR = frozenset({"publish_again"})
"""What the collector's key may sign."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What every command has beside its arguments and its signature.

    Attributes:
        command: its name.
        transaction: names this one, and no other ever: 16 random bytes, hexadecimal.
        issued: when it was signed.
        expires_s: so many seconds it is for.
        by: who gave it, as the site's desk knows them; empty for the collector, which is nobody.
    """

    command: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}\Z")]
    transaction: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
    issued: Annotated[datetime, msgspec.Meta(tz=True)]
    expires_s: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_LIFE_S)]
    by: Annotated[str, msgspec.Meta(max_length=BY_LETTERS, pattern=r"^[^\x00-\x1f\x7f]*\Z")] = ""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command whose signature holds and whose fields are all as they should be; not judged fresh yet.

    Attributes:
        name: as on the wire.
        transaction: see Envelope.
        issued: see Envelope.
        expires_s: see Envelope.
        by: who, and by whose key: `site:suzuki`, `collector`.
        keyid: of the key that signed it.
        asked: what it asks for.
        arguments: as they were signed, canonical JSON.
    """

    name: str
    transaction: str
    issued: datetime
    expires_s: int
    by: str
    keyid: str
    asked: Order | Upkeep
    arguments: str

    @property
    def fields(self) -> EventFields:
        """What the event about it says."""
        return {
            "command": self.name,
            "arguments": self.arguments,
            "transaction": self.transaction,
            "issued": self.issued.isoformat(timespec="milliseconds"),
            "by": self.by,
            "signed_by": self.keyid,
        }


class TurnedAway(msgspec.Struct, frozen=True, kw_only=True):
    """Commands that were refused before anybody asked whether they are fresh.

    Attributes:
        reason: why.
        detail: why, in words; for the log and for who sent it.
        fields: what the event says of it; of a message that was not signed nothing, for anybody may have written it.
        count: how many.
    """

    reason: Refusal
    detail: str
    fields: EventFields = {}
    count: int = 1


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command, for whoever sent it.

    Attributes:
        ok: it is done, or being done.
        said: what is so now, or why it was not done.
        seq: the event that says so; 0 if none could be recorded.
    """

    ok: bool
    said: str
    seq: int


def by_of(envelope: Envelope, whose: str) -> str:
    """Who gave a command, and by whose key, as events say it: `site:suzuki`, which no user here is called."""
    return f"{whose}:{envelope.by}" if envelope.by else whose


def command_of(envelope: Envelope, arguments: EventFields, keyid: str, whose: str) -> Command:
    """Make a command of its fields.

    Args:
        envelope: its own.
        arguments: the rest.
        keyid: of the key that signed it.
        whose: that key is: `site` or `collector`.

    Raises:
        ValueError: an argument too many, missing or wrong; or (KeyError) no such command.
    """
    kind = KINDS[envelope.command]
    if whose == "site" and not envelope.by:
        raise ValueError("it does not say who gave it")
    unknown = arguments.keys() - kind.arguments
    if unknown:
        known = f"; it has {', '.join(sorted(kind.arguments))}" if kind.arguments else ""
        raise ValueError(f"{envelope.command} has no argument {min(unknown)!r}{known}")
    by = by_of(envelope, whose)
    values = {**arguments, **kind.given, **({"by": by} if kind.is_order else {})}
    return Command(
        name=envelope.command,
        transaction=envelope.transaction,
        issued=envelope.issued,
        expires_s=envelope.expires_s,
        by=by,
        keyid=keyid,
        asked=msgspec.convert(values, kind.wanted),
        arguments=canonical(arguments).decode(),
    )


def staleness(command: Command, moment: Moment, newest: datetime | None) -> Refusal | None:
    """Why a command is not fresh; None if it is.

    Where the terminal does not know the time, what makes things safer is taken all the same, if it was issued after
    every command before it; everything else is refused.

    Args:
        command: which.
        moment: now, by the terminal's clock.
        newest: when the newest command was issued that this terminal took; None if it remembers none.
    """
    slack_s = _slack_s(moment)
    if slack_s is None:
        in_order = newest is None or command.issued > newest
        return None if command.name in SAFER and in_order else Refusal.CLOCK_UNSET
    age_s = (moment.at - command.issued).total_seconds()
    if age_s < -slack_s:
        return Refusal.NOT_YET_ISSUED
    return Refusal.EXPIRED if age_s > command.expires_s + slack_s else None


def judges_seconds(moment: Moment) -> bool:
    """Whether a clock is good enough to say that a command is fresh."""
    return _slack_s(moment) is not None


def _slack_s(moment: Moment) -> float | None:
    """How far the terminal's clock may be off; None if it cannot judge a life of seconds."""
    error_s = max(0, moment.error_ms) / 1000
    if moment.source is TimeSource.NONE or error_s > _MAX_ERROR_S:
        return None
    if moment.source is TimeSource.HOLDOVER and moment.error_ms < 0:
        return None  # it may have stood still while the power was off, and be hours late
    return CLOCKS_APART_S + error_s
