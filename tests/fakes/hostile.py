"""What anybody might send: nonsense, and genuine messages with something wrong.

Each subscriber has one property test on top of this (tests/property/test_hostile_*.py). `make test` sends some hundred
messages to each, `make attack` a hundred thousand. Hypothesis draws a seed for each batch, and remembers those that
found something; what a seed makes is drawn by hand, since a hundred thousand messages of ten draws each would take it
minutes, for examples that nobody has to make smaller: `told` names the one message.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from kazasu.model.document import signed
from kazasu.model.signature import Ed25519Signer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

    from kazasu.model.document import Signer

_Each = TypeVar("_Each")
_Other = TypeVar("_Other")
_Third = TypeVar("_Third")
Maker: TypeAlias = Callable[[Random], _Each]
"""Makes something of a chance."""

BATCH: Final = 20
MESSAGES: Final = int(os.environ.get("MESSAGES", "500"))
"""To each subscriber."""

hostile = pytest.mark.hostile
enough = settings(
    max_examples=max(1, MESSAGES // BATCH),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # `told` names the message: nothing has to be made smaller
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
enough_of_one = settings(enough, max_examples=MESSAGES)
"""Where an example is one message, and no batch."""

STRANGER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"x" * 32))

_GIANT = 70_000  # above what any message may have
MONSTERS: tuple[bytes, ...] = (
    *(b"", b"\0", b"\0" * 100, b"\xff\xfe\0 no text", b"\xed\xa0\x80", b"\xef\xbb\xbf{}", b"\xf8\x88\x80\x80\x80"),
    *(b"[" * _GIANT, b'{"a":' * (_GIANT // 5), b"[" * 900 + b"]" * 900, b'{"a":' * 900 + b"1" + b"}" * 900),
    *(b"x" * _GIANT, b" " * _GIANT, b"9" * 5000, b"-" + b"9" * 4000, b'"' + b"\\u0000" * 10_000 + b'"'),
    *(b"null", b"true", b"0", b"-0", b"1e999", b"NaN", b"-Infinity", b'""', b"[]", b"{}", b"[[]]", b'[["v",1]]'),
    *(b'{"v":1,"v":1}', b'{"v":1e999}', b'{"v":NaN}', b'{"\\ud800":1}', b'{"keyid":"\\ud800","sig":""}', b'{"":""}'),
    *(
        b'{"sig":"="}',
        b'{"sig":[],"keyid":{}}',
        b'{"type":[],"terminal":{}}',
        b'[["type","enrolment"],["terminal","a"]]',
    ),
    *(json.dumps({f"n{i}": i for i in range(5000)}).encode(), b'{"sig":"' + b"A" * _GIANT + b'"}'),
)

_ODD_TEXTS = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "\0",
        "\x1b[2J",
        "\x9b2J",
        "\u202e",
        "\u2028",
        "a\u0301" * 50,
        "\ud800",
        "%s{0}",
        "\n",
        "\r\n",
    ),
    *(
        "x" * 300,
        "x" * 5000,
        "x" * _GIANT,
        "../../etc/passwd",
        "/",
        "a/b",
        "+",
        "#",
        "all",
        "f" * 16,
        "0" * 32,
        "0" * 64,
    ),
    *("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-02-30T00:00:00+09:00", "2026-04-01T00:00:00"),
    *("2026-04-01", "24:00", "1" * 5000, "\uff11\uff12", "\u0661", "online", "offline", "AAAA", "===="),
)
_ODD_NUMBERS = (
    *(0, 1, -1, 2, 10, 127, 255, 256, 2**31 - 1, 2**31, 2**32, 2**53 - 1, -(2**53) + 1, 2**53, 2**63 - 1, 2**63),
    *(2**64, -(2**63) - 1, 10**30, 10**400, 253_402_300_800, 1_800_000_000_000),
)
_NO_WIRE_VALUES: tuple[object, ...] = (
    None,
    True,
    False,
    1.0,
    0.5,
    1e308,
    -0.0,
    [],
    {},
    [1],
    {"a": 1},
    [[[]]],
    ["x"] * 300,
)
_ODD_NAMES = ("", "v", "more", "sig", "keyid", "Type", "a b", "\0", "\ud800", "__class__", "x" * 300, "typ\u0435")
_ODD: tuple[object, ...] = (*_ODD_TEXTS, *_ODD_NUMBERS, *_NO_WIRE_VALUES)


def these(*values: _Each) -> Maker[_Each]:
    """One of these."""
    return lambda chance: chance.choice(values)


def either(*makers: Maker[_Each]) -> Maker[_Each]:
    """What one of these makes."""
    return lambda chance: chance.choice(makers)(chance)


def both(first: Maker[_Each], second: Maker[_Other]) -> Maker[tuple[_Each, _Other]]:
    """What the two make."""
    return lambda chance: (first(chance), second(chance))


def all_three(first: Maker[_Each], second: Maker[_Other], third: Maker[_Third]) -> Maker[tuple[_Each, _Other, _Third]]:
    """What the three make."""
    return lambda chance: (first(chance), second(chance), third(chance))


def batches(each: Maker[_Each]) -> SearchStrategy[list[_Each]]:
    """So many at once."""

    def batch(seed: int) -> list[_Each]:
        chance = Random(seed)  # noqa: S311  (the same ones each time)
        return [each(chance) for _ in range(BATCH)]

    return st.integers(0, 2**64 - 1).map(batch)


def noise(chance: Random, most: int = 60) -> bytes:
    """A few bytes."""
    return chance.randbytes(chance.randint(0, most))


def any_text(chance: Random) -> str:
    """A few characters, of which some are no text."""
    return "".join(chr(chance.randrange(chance.choice((128, 0x11_0000)))) for _ in range(chance.randint(0, 6)))


def any_number(chance: Random) -> int:
    """Of whatever length."""
    return chance.choice((1, -1)) * chance.getrandbits(chance.choice((1, 8, 32, 60, 70)))


odd_values: Maker[object] = either(these(*_ODD), these(*_ODD), any_text, any_number)
_NAMES = ("v", "type", "site", "terminal", "seq", "state", "conn", "time", "keyid", "sig", "a", "\x1b")


def nonsense(chance: Random) -> bytes:
    """What was no message from the beginning."""
    return chance.choice((chance.choice(MONSTERS), noise(chance)))


def _document(chance: Random) -> bytes:
    return json.dumps({chance.choice(_NAMES): odd_values(chance) for _ in range(chance.randint(0, 5))}).encode()


class Message(NamedTuple):
    """What comes.

    Attributes:
        payload: its bytes.
        vouched: a key that counts has signed just this, so it may be believed; nothing else may.
    """

    payload: bytes
    vouched: bool

    def __repr__(self) -> str:
        return f"Message({self.payload[:3000]!r}, vouched={self.vouched})"


def messages(
    genuine: Sequence[bytes], keys: Sequence[Signer] = (), values: Maker[object] = odd_values
) -> Maker[Message]:
    """Messages.

    Args:
        genuine: what would be taken: flat JSON.
        keys: whose signature counts.
        values: what fields are set to.
    """
    parsed = {body: json.loads(body) for body in genuine}
    normal = frozenset(map(_normal, genuine))

    def message(chance: Random) -> Message:
        body = chance.choice(genuine)
        match chance.randint(0, 12):
            case 0:
                payload = nonsense(chance)
            case 1:
                payload = _document(chance)
            case 2 | 3:
                payload = changed_bytes(chance, body)
            case 4:
                payload = chance.choice(_FORMS)(body)
            case 5:
                twice = {chance.choice(list(parsed[body])): values(chance)}
                payload = body.rstrip()[:-1] + b"," + json.dumps(twice)[1:].encode()
            case 6:
                payload = body  # the broker's own copy, or the same once more
            case 7 | 8 | 9 if keys:
                return _signed_anew(chance, changed_fields(chance, parsed[body], values), keys)
            case _:
                payload = json.dumps(changed_fields(chance, parsed[body], values)).encode()
        return Message(payload, vouched=_is_one_of(payload, normal))

    return message


def _signed_anew(chance: Random, fields: dict[str, Any], keys: Sequence[Signer]) -> Message:
    """Other content under a signature that holds, or a stranger's, in its own name or in that of a key that counts."""
    unsigned = {name: value for name, value in fields.items() if name not in {"keyid", "sig"}}
    try:
        match chance.randint(0, 3):
            case 0:
                return Message(signed(unsigned, STRANGER).body, vouched=False)
            case 1:
                claimed = signed(unsigned, STRANGER).fields | {"keyid": keys[0].keyid}
                return Message(json.dumps(claimed).encode(), vouched=False)
            case _:
                return Message(signed(unsigned, chance.choice(keys)).body, vouched=True)
    except ValueError:  # no key signs that: the value is outside the wire's subset
        return Message(json.dumps(fields).encode(), vouched=False)


def changed_bytes(chance: Random, body: bytes) -> bytes:
    """The same with a few bytes other ones, gone or more."""
    at = chance.randint(0, len(body))
    change = chance.randint(0, 5)
    if change == 0:
        return body[:at]
    if change == 1:
        return body[:at] + body[at : at + 40] + body[at:]
    return body[:at] + noise(chance, 3) + body[at + change - 2 :]


def changed_fields(chance: Random, fields: dict[str, Any], values: Maker[object] = odd_values) -> dict[str, Any]:
    """The same with one field, seldom two, other ones, gone or more."""
    after, names = dict(fields), list(fields)
    for _ in range(chance.choice((1, 1, 1, 2))):
        name = chance.choice(names)
        change = chance.randint(0, 5)
        if change == 0:
            after.pop(name, None)
        elif change == 1:
            after[chance.choice(_ODD_NAMES)] = values(chance)
        elif change == 2:
            after[name] = fields[chance.choice(names)]
        else:
            after[name] = values(chance)
    return after


def topics(*genuine: str) -> Maker[str]:
    """Topics: mostly these, else ones that a broker of somebody else's might deliver."""
    odd = ["", "/", "x", "/event", "//////", "$SYS/broker", "kazasu", "+", "#", "kazasu/v1/+/up/#", "x" * 60_000]
    for topic in genuine:
        levels = topic.split("/")
        for at in range(len(levels)):
            odd.append("/".join(levels[:at] + levels[at + 1 :]))
            odd.append("/".join([*levels[: at + 1], *levels[at:]]))
            odd += ["/".join([*levels[:at], level, *levels[at + 1 :]]) for level in _ODD_LEVELS]
    return either(these(*genuine), these(*genuine), these(*odd))


_ODD_LEVELS = ("", "+", "#", "\x1b[2J", "\u202e", "x" * 300, "..", "all", "Front", "front ", "\uff46ront", "0")
_FORMS: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: b"[" + body + b"]",
    lambda body: body + body,
    lambda body: body + b"\0",
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: body.decode().encode("utf-16"),
    lambda body: json.dumps(dict(reversed(json.loads(body).items())), indent=1).encode(),
    lambda body: b'{"a":' + body + b"}",
    lambda body: json.dumps(body.decode()).encode(),
    lambda body: re.sub(rb'":(-?[0-9]+)', rb'":\1.0', body),
    lambda body: re.sub(rb'":(-?[0-9]+)', rb'":"\1"', body),
    lambda body: body[:-1] + b',"more":"' + b"x" * _GIANT + b'"}',
)


def _is_one_of(payload: bytes, normal: frozenset[str]) -> bool:
    """Whether it is a genuine document, written in whatever way."""
    try:
        return _normal(payload) in normal
    except (ValueError, AttributeError, RecursionError):
        return False


def _normal(payload: bytes) -> str:
    fields: dict[str, object] = dict(json.loads(payload).items())
    with contextlib.suppress(ValueError):
        # Base64 in its last digit can be written in other ways.
        fields["sig"] = base64.b64decode(str(fields.get("sig")), validate=True).hex()
    return repr(sorted(fields.items()))


@contextlib.contextmanager
def told(what: object) -> Iterator[None]:
    """Name the message that something went wrong with."""
    try:
        yield
    except Exception as error:
        error.add_note(f"it came of {what!r:.4000}")
        raise


def attack(sent: Iterable[Message], take: Callable[[bytes], bool], state: Callable[[], object]) -> bool:
    """Send messages one after another: only what is vouched for is believed, and what is refused changes nothing.

    Args:
        sent: the messages.
        take: hands one over; returns whether it was believed.
        state: everything that a message may change.

    Returns:
        Whether any was believed.
    """
    some = False
    for message in sent:
        before = state()
        with told(message):
            if take(message.payload):
                some = True
                assert message.vouched, "believed, and nobody who counts has signed it"
            else:
                assert state() == before, "refused, and something has changed"
    return some


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file and its content."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def changed_lines(text: bytes, values: Maker[bytes]) -> Maker[bytes]:
    """A text file with a line or two other ones, gone, doubled, or in another place."""

    def changed(chance: Random) -> bytes:
        if chance.randint(0, 7) == 0:
            return nonsense(chance)
        if chance.randint(0, 3) == 0:
            return changed_bytes(chance, text)
        lines = text.splitlines(keepends=True)
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randint(0, max(0, len(lines) - 1))
            match chance.randint(0, 4) if lines else 5:
                case 0:
                    del lines[at]
                case 1:
                    lines.insert(at, chance.choice(lines))
                case 2 | 3 | 4:
                    lines[at] = _changed_words(chance, lines[at], values)
        return b"".join(lines)

    return changed


def _changed_words(chance: Random, line: bytes, values: Maker[bytes]) -> bytes:
    """One word of a line is another one."""
    words = re.split(rb"([,=\t ]+)", line)
    words[chance.randrange(len(words))] = values(chance)
    return b"".join(words)
