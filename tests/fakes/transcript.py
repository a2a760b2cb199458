"""A recorded read: what was sent, what the card answered, and what came of it.

A file in tests/vectors/cards/ is one JSON object:

    card      what it was, in words
    source    which document or program the card's side follows
    kind      who reads it
    atr       hexadecimal
    settings  what stands under [cards.<kind>]; paths begin in the folder of the file
    keys      card keys: name, version, hexadecimal digits
    demand    what the read was asked to prove
    pin       what was entered, or null
    random    all bytes that the terminal made up, hexadecimal, in order
    time      of the read, ISO 8601
    exchanges pairs of command and answer with status word, hexadecimal
    identifier  kind, pseudonym under the pepper 00 01 … 1F, and assurance
"""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fakes.clock import FakeClock
from fakes.pins import FakePins
from kazasu.cards import registry
from kazasu.cards.channel import folded
from kazasu.cards.guard import AllowList, Guarded
from kazasu.cards.keyring import KeyRing, SecretKey, VersionedKey
from kazasu.cards.kind import Tools
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.model.access import Assurance, Identifier
from kazasu.readers.demand import FixedDemand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakes.card_channel import AnswersApdus
    from kazasu.cards.kind import CardKind
    from kazasu.ports.readers import CardChannel

FOLDER = Path(__file__).parents[1] / "vectors" / "cards"
PEPPER = bytes(range(32))


class Transcript(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As the module says."""

    card: str
    source: str
    kind: str
    atr: str
    settings: dict[str, Any]
    keys: dict[str, dict[str, str]]
    demand: str
    pin: str | None
    random: str
    time: str
    exchanges: list[tuple[str, str]]
    identifier: dict[str, str]


class Verbatim:
    """Implements CardChannel: every command has to be the recorded one."""

    def __init__(self, exchanges: list[tuple[str, str]]) -> None:
        self._rest = list(exchanges)

    @property
    def done(self) -> bool:
        return not self._rest

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        command, answer = self._rest.pop(0)
        assert apdu.hex() == command
        return _split(answer)


class Answers:
    """Implements CardChannel: a card that answers each command as it was recorded to, and knows no others.

    To a command that was sent several times it gives the answers in turn, and the last one from then on.
    """

    def __init__(self, exchanges: Iterable[tuple[str, str]]) -> None:
        self._answers: dict[str, list[str]] = {}
        for command, answer in exchanges:
            self._answers.setdefault(command, []).append(answer)

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        answers = self._answers.get(apdu.hex(), ["6a82"])
        return _split(answers.pop(0) if len(answers) > 1 else answers[0])


def _split(answer: str) -> tuple[bytes, int]:
    whole = bytes.fromhex(answer)
    return whole[:-2], int.from_bytes(whole[-2:])


def load_transcripts() -> dict[str, Transcript]:
    """All recorded ones, by the name of their file."""
    files = sorted(FOLDER.glob("*.json"))
    return {file.stem: msgspec.json.decode(file.read_bytes(), type=Transcript) for file in files}


def kind_of(transcript: Transcript, random: Callable[[int], bytes] | None = None) -> CardKind:
    """The kind that read it, as it was configured then, with the recorded random bytes unless others are given."""
    module = registry.module_of(transcript.kind)
    assert module is not None
    settings = msgspec.convert(
        transcript.settings,
        module.Settings,
        dec_hook=lambda wanted, value: FOLDER / value if wanted is Path else wanted(value),
    )
    versions = {
        name: VersionedKey(name, {int(number): SecretKey(bytes.fromhex(key)) for number, key in keys.items()})
        for name, keys in transcript.keys.items()
    }
    tools = Tools(
        pseudonymizer=Pseudonymizer(PEPPER),
        clock=FakeClock(datetime.fromisoformat(transcript.time)),
        keys=KeyRing(versions, "transcript"),
        demand=FixedDemand(Assurance.from_word(transcript.demand)),
        pins=None if transcript.pin is None else FakePins(transcript.pin),
        random=random or io.BytesIO(bytes.fromhex(transcript.random)).read,
    )
    return module.build(settings, tools)


def read(kind: CardKind, channel: CardChannel, atr: str) -> Identifier | None:
    """As the daemon reads, with this kind only."""
    return kind.read(folded(Guarded(channel, AllowList([kind.allow]))), bytes.fromhex(atr))


def record(name: str, blank: Transcript, card: AnswersApdus, random: Callable[[int], bytes]) -> Transcript:
    """Read a card and write what passed.

    Args:
        name: of the file.
        blank: everything but what the read brings: random, exchanges and identifier.
        card: fresh in the field.
        random: where the terminal's random bytes come from.
    """
    drawn: list[bytes] = []
    exchanges: list[tuple[str, str]] = []

    def draw(count: int) -> bytes:
        drawn.append(random(count))
        return drawn[-1]

    class Recording:
        def transmit(self, apdu: bytes) -> tuple[bytes, int]:
            exchanges.append((apdu.hex(), card.transmit(apdu).hex()))
            return _split(exchanges[-1][1])

    identifier = read(kind_of(blank, draw), Recording(), blank.atr)
    assert identifier is not None
    whole = msgspec.structs.replace(
        blank,
        random=b"".join(drawn).hex(),
        exchanges=exchanges,
        identifier={
            "kind": identifier.kind,
            "pseudonym": identifier.pseudonym,
            "assurance": identifier.assurance.word,
        },
    )
    file = FOLDER / f"{name}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")
    return whole
