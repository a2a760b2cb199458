"""Whatever comes is a command of the site's, or refused with a reason; never a surprise."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.commands import COLLECTOR_KEY, FIELDS, FORGER, KEYS, SITE, SITE_KEY, TERMINAL, payload
from kazasu.errors import CommandRefused
from kazasu.model.command import KINDS, Refusal
from kazasu.model.document import signed
from kazasu.publishers.command_trust import CommandReader

pytestmark = pytest.mark.rule(8)

READER = CommandReader(SITE, TERMINAL, KEYS, COLLECTOR_KEY)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
VALUES = st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), TEXT)
NAMES = st.one_of(
    st.sampled_from(
        [*FIELDS, "for_s", "cue", "level", "from", "to", "since", "epoch", "cardholder", "active", "order"]
    ),
    st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True),
)


def reason_of(body: bytes) -> Refusal | None:
    try:
        READER.read(body)
    except CommandRefused as error:
        return error.refused.reason
    return None


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(body: bytes) -> None:
    assert reason_of(body) is Refusal.BADLY_SIGNED


@given(st.sampled_from([*KINDS, "other"]), st.dictionaries(NAMES, VALUES, max_size=4), st.sets(NAMES, max_size=2))
@settings(max_examples=300)
def test_whatever_the_site_signs_is_read_or_refused_with_a_reason(
    command: str, more: dict[str, int | str], without: set[str]
) -> None:
    fields = {name: value for name, value in (FIELDS | {"command": command} | more).items() if name not in without}
    body = signed({name: value for name, value in fields.items() if name not in {"keyid", "sig"}}, SITE_KEY).body
    assert reason_of(body) is not Refusal.BADLY_SIGNED


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_whatever_somebody_else_signs_is_nothing(more: dict[str, int | str]) -> None:
    fields = FIELDS | {name: value for name, value in more.items() if name not in {"keyid", "sig"}}
    assert reason_of(signed(fields, FORGER).body) is Refusal.BADLY_SIGNED


def test_twenty_thousand_commands_with_a_changed_byte_or_two_are_none_or_the_same() -> None:
    whole, chance = payload(), random.Random(8)  # noqa: S311  (the same ones each time)
    for _ in range(20_000):
        body = bytearray(whole)
        for _ in range(chance.randint(1, 2)):
            place = chance.randrange(len(body))
            body[place : place + chance.randint(0, 2)] = chance.randbytes(chance.randint(0, 2))
        with contextlib.suppress(CommandRefused):
            assert READER.read(bytes(body)) == READER.read(whole)  # a space between two fields changes nothing
