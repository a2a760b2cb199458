"""What was heard of the terminals at the broker, judged: what each says of people, and why that may not be all.

Nothing here is believed because the broker handed it over. A statement counts if it is signed with the key that the
site gave for its terminal; state and health, which are not signed, can only make a list incomplete, never complete it.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from kazasu.errors import SignatureInvalid
from kazasu.model.document import verified
from kazasu.model.muster import Lack
from kazasu.model.muster_document import page_count, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kazasu.model.document import Verifier
    from kazasu.model.muster import Statement


class _State(msgspec.Struct, frozen=True, kw_only=True):
    state: str
    conn: int = 0
    cause: str = ""


class _Health(msgspec.Struct, frozen=True, kw_only=True, rename={"at": "time"}):
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    epoch: str = ""
    last_seq: int = 0
    unsent: int = 0
    conn: int = 0


MAX_STRANGERS = 1000
"""So many terminals of which no key is known here are named at the most."""

MAX_PAGES = 999
"""Of one terminal; far more people than pass one door."""

_MAX_BYTES = 64 * 1024  # of a page
_TERMINAL, _PAGE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}"), re.compile(r"[1-9][0-9]{0,2}")
_SILENT_MS = 180_000  # health comes each minute
_STATE, _HEALTH = msgspec.json.Decoder(_State), msgspec.json.Decoder(_Health)
_CAUSES = {"stopped": "it was stopped", "connection_lost": "its connection broke"}


class Heard:
    """The newest messages of one terminal.

    Attributes:
        state: of `up/…/state`; empty if none came.
        health: of `up/…/health`.
        pages: of `up/…/muster`, by number.
    """

    def __init__(self) -> None:
        self.state = b""
        self.health = b""
        self.pages: dict[int, bytes] = {}


class Hearing:
    """Takes messages in whatever order they come.

    Args:
        site: whose terminals.
        keys: of those that are expected, by name.
    """

    def __init__(self, site: str, keys: Mapping[str, Verifier]) -> None:
        self._site = site
        self._keys = keys
        self._heard: dict[str, Heard] = {}

    def take(self, terminal: str, what: str, payload: bytes) -> None:
        """Take a message.

        Args:
            terminal: whose.
            what: the rest of its topic: `state`, `health`, `muster`, or `muster/2`.
            payload: untrusted; empty where a retained message was removed.
        """
        if not _TERMINAL.fullmatch(terminal):
            return  # no terminal's
        if terminal not in self._heard and terminal not in self._keys and len(self._heard) >= MAX_STRANGERS:
            return  # somebody makes names up
        heard = self._heard.setdefault(terminal, Heard())
        kind, _, page = what.partition("/")
        match kind:
            case "state":
                heard.state = payload
            case "health":
                heard.health = payload
            case "muster" if not page or _PAGE.fullmatch(page):
                number = int(page or 1)
                if payload and len(payload) <= _MAX_BYTES:
                    heard.pages[number] = payload
                else:
                    heard.pages.pop(number, None)

    def judged(self, now_ms: int, but: str = "") -> tuple[list[Statement], list[Lack]]:
        """What all terminals say, and what is lacking.

        Args:
            now_ms: Unix time.
            but: a terminal that is asked by another way.
        """
        statements: list[Statement] = []
        lacks: list[Lack] = []
        with_people = {name for name, heard in self._heard.items() if heard.pages}
        for terminal in sorted(with_people.union(self._keys) - {but}):
            heard = self._heard.get(terminal, Heard())
            try:
                statement = self._statement(terminal, heard)
            except _LacksError as error:
                lacks += [error.lack, *_gone(terminal, heard, now_ms)]
                continue
            statements.append(statement)
            lacks += [*_gone(terminal, heard, now_ms), *_behind(terminal, heard, statement)]
        return statements, lacks

    def _statement(self, terminal: str, heard: Heard) -> Statement:
        def lacks(why: str, *, passing: bool = False) -> _LacksError:
            return _LacksError(Lack(terminal=terminal, why=why, passing=passing))

        if 1 not in heard.pages:
            raise lacks("has never been heard: nobody knows whom it saw")
        key = self._keys.get(terminal)
        if key is None:
            raise lacks("is unknown here, and what it says does not count: [muster] terminals names no key of it")
        try:
            first = verified(heard.pages[1], key).fields
            others = [page for number, page in sorted(heard.pages.items()) if 1 < number <= page_count(first)]
            documents = [first, *(verified(page, key).fields for page in others)]
            return read(documents, self._site, terminal)
        except SignatureInvalid as error:
            raise lacks(f"is not believed: {error}") from error
        except ValueError as error:
            raise lacks(f"is being written anew: {error}", passing=True) from error


class _LacksError(Exception):
    """There is no statement."""

    def __init__(self, lack: Lack) -> None:
        super().__init__(lack.why)
        self.lack = lack


def _gone(terminal: str, heard: Heard, now_ms: int) -> Iterator[Lack]:
    """Whether a terminal is away."""
    health = _health(heard)
    try:
        state = _STATE.decode(heard.state)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        if heard.pages:
            yield Lack(terminal=terminal, why="does not say whether it is online", passing=True)
        return
    stale = health is not None and state.conn < health.conn  # the will of a connection that another one followed
    if state.state == "online" and health is not None and state.conn > health.conn:
        yield Lack(terminal=terminal, why="has only just come back", passing=True)
    if state.state == "online" or stale:
        if health is not None and abs(now_ms - health.at.timestamp() * 1000) > _SILENT_MS:
            why = f"counts as online, and its last health is of {health.at.isoformat()}: it hangs, or a clock is wrong"
            yield Lack(terminal=terminal, why=why)
        return
    cause = _CAUSES.get(state.cause, "nobody knows why")
    since = "" if health is None else f" since soon after {health.at.isoformat()}"
    yield Lack(terminal=terminal, why=f"is offline{since}: {cause}")


def _behind(terminal: str, heard: Heard, statement: Statement) -> Iterator[Lack]:
    """Whether a terminal knows more than it has said."""
    health = _health(heard)
    if health is None:
        yield Lack(terminal=terminal, why="does not say how far behind it is", passing=True)
    elif health.epoch != statement.epoch or health.last_seq > statement.seq:
        yield Lack(terminal=terminal, why="is behind: it has recorded more than it has said", passing=True)
    elif health.unsent:
        yield Lack(terminal=terminal, why=f"is behind: {health.unsent} events have not been sent", passing=True)


def _health(heard: Heard) -> _Health | None:
    try:
        return _HEALTH.decode(heard.health)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
