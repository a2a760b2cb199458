"""Whatever is signed is a command of the site's, or refused with a reason; the rest: test_hostile_terminal.py."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.commands import COLLECTOR_KEY, FIELDS, FORGER, KEYS, SITE, SITE_KEY, TERMINAL
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
