"""Recorded reads: each kind still reads its own cards, byte for byte, and claims no other kind's."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from fakes.transcript import Answers, Verbatim, kind_of, load_transcripts, read
from kazasu.cards import registry
from kazasu.errors import CardError

if TYPE_CHECKING:
    from kazasu.model.access import Identifier

TRANSCRIPTS = load_transcripts()
OF_TWO_KINDS = [
    pair for pair in itertools.permutations(TRANSCRIPTS, 2) if TRANSCRIPTS[pair[0]].kind != TRANSCRIPTS[pair[1]].kind
]


def test_every_kind_has_one() -> None:
    assert {transcript.kind for transcript in TRANSCRIPTS.values()} == set(registry.KINDS)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_recorded_card_is_read_as_it_was(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    channel = Verbatim(transcript.exchanges)

    identifier = read(kind_of(transcript), channel, transcript.atr)

    assert identifier is not None
    assert channel.done
    assert transcript.identifier == {
        "kind": identifier.kind,
        "pseudonym": identifier.pseudonym,
        "assurance": identifier.assurance.word,
    }


@pytest.mark.parametrize(("card", "reader"), OF_TWO_KINDS)
def test_no_kind_claims_another_kinds_card(card: str, reader: str) -> None:
    theirs, ours = TRANSCRIPTS[card], TRANSCRIPTS[reader]
    claimed: Identifier | None = None
    try:
        claimed = read(kind_of(ours, bytes), Answers(theirs.exchanges), theirs.atr)
    except CardError:
        claimed = None

    assert claimed is None
