"""Whatever a broker makes of the messages of a roster, a terminal has the old roster or the new one, whole."""

from __future__ import annotations

import base64
import contextlib
import random
import tempfile
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.clock import START, FakeClock
from fakes.roster_desk import PEPPER
from fakes.roster_rig import MANIFEST, RosterRig
from kazasu.errors import RosterError, RosterRefused
from kazasu.model.access import Assurance
from kazasu.model.document import signed
from kazasu.model.roster_manifest import Manifest, Offer
from kazasu.model.roster_seal import SEAL_BYTES, PartSeal
from kazasu.model.roster_text import (
    PART_BYTES,
    card_line,
    changed,
    cut,
    day_card_line,
    delta_line,
    differences,
    in_order,
    key_of,
    lines_in,
    parsed,
    person_line,
    rules_line,
)
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.publishers.roster_trust import TrustedRoster

SITE_KEY = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"s" * 32))
SEAL = PartSeal(PEPPER, PEPPER.newest, "city-hall", "all")
EPOCH = datetime.fromtimestamp(0, UTC)
FULL = Offer(kind="full", version=1, parts=1, size_bytes=1, index=("0" * 64,))
FIELDS = Manifest(
    site="city-hall",
    aud="all",
    version=1,
    made_s=0,
    expires_s=0,
    pepper=PEPPER.newest,
    people=1,
    credentials=1,
    codes=0,
    sha256="0" * 64,
    size_bytes=1,
    full=FULL,
).fields(START, timedelta(days=90))

texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=6)
levels = st.lists(st.sampled_from(["it", "staff", "night"]), unique=True).map(lambda some: " ".join(sorted(some)))
seconds = st.none() | st.integers(-(10**9), 10**11)
cards = st.builds(card_line, st.binary(min_size=16, max_size=16), texts, st.sampled_from(range(1, 5)), seconds, seconds)
people = st.builds(person_line, texts, texts, levels)
nobodys = st.builds(day_card_line, texts, st.none(), st.none())
day_cards = nobodys | st.builds(day_card_line, texts, texts, st.integers(0, 253_402_300_799))
rules = st.builds(rules_line, st.integers(1, 99), st.text(st.characters(codec="utf-8", exclude_characters="\n\r")))
rosters = st.lists(cards | day_cards | people | rules, max_size=12).map(
    lambda lines: [line for _, line in sorted({key_of(line): line for line in lines}.items())]
)


@given(rosters, rosters)
def test_a_delta_applied_to_its_base_is_the_whole(old: list[bytes], new: list[bytes]) -> None:
    delta = [delta_line(*pair) for pair in differences(old, new)]

    assert list(changed(old, delta)) == new
    assert (delta == []) is (old == new)


@given(rosters, rosters, st.data())
def test_a_delta_of_another_roster_ends_in_words_or_in_lines(
    old: list[bytes], new: list[bytes], data: st.DataObject
) -> None:
    """Which of them it was, the hash of the whole text tells."""
    delta = [delta_line(*pair) for pair in differences(old, new)]
    other = data.draw(st.permutations(delta + delta[:1]))
    with contextlib.suppress(RosterError):
        for line in in_order(changed(data.draw(rosters), other)):
            parsed(line)


@given(rosters)
def test_a_text_survives_its_parts(lines: list[bytes]) -> None:
    parts = [SEAL.sealed("full-0", part) for part in cut(lines)]

    assert all(len(part) <= PART_BYTES for part in parts)
    assert [line for part in parts for line in lines_in(SEAL.opened("full-0", part))] == lines
    assert list(in_order(lines)) == lines


def test_a_part_is_small_though_nothing_in_it_can_be_packed() -> None:
    noise = base64.b64encode(random.Random(1).randbytes(300_000)).decode()  # noqa: S311  (the same each time)
    lines = [rules_line(number, noise[at : at + 4000]) for number, at in enumerate(range(0, len(noise), 4000))]
    parts = list(cut(lines))

    assert all(len(part) <= PART_BYTES for part in parts)
    assert [line for part in parts for line in lines_in(part)] == lines


def test_a_part_that_just_fits_has_room_for_its_seal() -> None:
    noise = base64.b64encode(random.Random(1).randbytes(60_000)).decode()  # noqa: S311  (the same each time)
    lines = [rules_line(number, noise[at : at + 100]) for number, at in enumerate(range(0, 60_000, 100))]
    just = next(
        [*lines, rules_line(99_999, noise[60_000 : 60_000 + more])]
        for more in range(0, 20_000, 8)
        if PART_BYTES - SEAL_BYTES
        < len(zlib.compress(b"".join([*lines, rules_line(99_999, noise[60_000 : 60_000 + more])]), 9))
        <= PART_BYTES
    )
    assert all(len(SEAL.sealed("full-0", part)) <= PART_BYTES for part in cut(just))


@given(cards | day_cards | people | rules)
def test_a_line_says_what_it_was_made_of(line: bytes) -> None:
    kind, row = parsed(line)
    made = {b"card": card_line, b"day_card": day_card_line, b"person": person_line, b"rules": rules_line}[kind]
    assert made(*row) == line  # type: ignore[operator]  # each with its own fields


@pytest.mark.parametrize("second", [b"007", b"-0", b"00", b"-01"])
def test_a_time_that_is_written_in_another_way_is_none(second: bytes) -> None:
    """Read back from the store it would be another text than the one that was signed."""
    with pytest.raises(RosterError):
        parsed(b"card\t" + b"a" * 32 + b"\t1\tserial\t" + second + b"\t\n")


@given(st.binary(max_size=60))
def test_a_line_that_is_none_is_an_error_in_words(noise: bytes) -> None:
    for line in (noise, *(kind + noise + b"\n" for kind in (b"", b"card\t", b"day_card\t", b"person\t"))):
        try:
            fact = parsed(line)
        except RosterError:
            continue
        assert fact.kind in {b"card", b"code", b"day_card", b"person", b"rules"}


def test_a_part_that_unpacks_to_more_than_was_ever_packed_is_none() -> None:
    with pytest.raises(RosterError):
        lines_in(zlib.compress(b"a" * 2**24))


def test_the_assurances_are_those_of_cards() -> None:
    for assurance in Assurance:
        line = b"card\t" + b"a" * 32 + b"\t1\t" + assurance.word.encode() + b"\t\t\n"
        if assurance >= Assurance.SERIAL:
            assert parsed(line).row[2] == assurance.value
        else:
            with pytest.raises(RosterError):
                parsed(line)


values = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(["", " ", "0" * 64, "f" * 32, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "all"]),
)


@pytest.mark.rule(8)
@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), values, max_size=3), st.binary(max_size=40))
def test_whatever_the_site_might_sign_is_a_manifest_or_refused_in_words(
    changes: dict[str, int | str], noise: bytes
) -> None:
    trust = TrustedRoster("city-hall", "entrance-1", (Ed25519Verifier(SITE_KEY.public),), PEPPER.ids, FakeClock())
    for payload in (signed(FIELDS | changes, SITE_KEY).body, noise):
        with contextlib.suppress(RosterRefused):
            manifest = trust.judge("all", payload)
            assert manifest is not None
            assert datetime.fromtimestamp(max(manifest.made_s, manifest.expires_s), UTC) >= EPOCH


spoilings = st.sampled_from(["cut", "empty", "altered", "another", "repeated", "lost"])


@pytest.mark.rule(8)
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 3), spoilings, st.integers(0, 10_000), st.booleans())
def test_no_broker_changes_a_roster(which: int, spoiling: str, at: int, restarted: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        rig = RosterRig(Path(name), pool="2*")
        rig.desk.staff(*range(1, 30))
        rig.desk.publish()
        rig.settle()
        old = rig.text()
        rig.desk.staff(*range(20, 60))
        rig.desk.publish()
        new = (rig.desk.folder / "published.txt").read_bytes()
        held = dict(rig.post.retained)
        parts = sorted(topic for topic in held if topic != MANIFEST)
        victim = parts[which % len(parts)]
        held[victim] = _spoilt(held, victim, parts, spoiling, at)
        rig.settle(held)
        assert rig.text() in {old, new}
        if restarted:
            rig.restart()
        assert rig.text() in {old, new}
        rig.settle()
        assert rig.text() == new


def _spoilt(held: dict[str, bytes], victim: str, parts: list[str], spoiling: str, at: int) -> bytes:
    part = held[victim]
    match spoiling:
        case "cut":
            return part[: at % len(part)]
        case "altered":
            place = at % len(part)
            return part[:place] + bytes([part[place] ^ (1 + at % 255)]) + part[place + 1 :]
        case "another":
            return held[parts[(parts.index(victim) + 1) % len(parts)]]
        case "repeated":
            return part + part
    return b""
