"""Whatever a profile says and a card answers: a profile is refused or harmless, a card is read or refused."""

from __future__ import annotations

import contextlib
import itertools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.card_channel import FakeCardChannel, ScriptedCard
from fakes.staff import ISSUER, KEYS, clock, ring, with_example
from kazasu.cards import staff
from kazasu.cards.guard import NEVER, AllowList, Guarded
from kazasu.cards.identify import CardKinds
from kazasu.cards.kind import Tools
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.cards.staff_profile import Profile, mistakes
from kazasu.config import load_table
from kazasu.errors import CardError, CardRefused, ConfigurationError, ForbiddenApdu
from kazasu.model.access import Assurance
from kazasu.readers.demand import FixedDemand
from kazasu.virtual.issuer import rsa_key
from kazasu.virtual.jpki import AID_COMMON, AID_JPKI, ATR_CONTACTLESS

if TYPE_CHECKING:
    from collections.abc import Iterator

DER = ISSUER.certificate(rsa_key("staff card").public_key(), common_name="1001").public_bytes(Encoding.DER)
MOST_APDUS = 200

names = st.sampled_from(["a", "b"])
tags = st.lists(st.sampled_from(["70", "C1", "5F20"]), max_size=2)
lengths = st.integers(1, 20)
reads = st.sampled_from(["00B0810010", "00B0000000", "00B00000000200", "00B2010C00", "00CA010000", "002241A403840101"])
selects = st.sampled_from(["00A4020C020001", "00A4020002000200"])
answers_of_a_step = st.sampled_from([["9000"], ["9000", "6282"], ["6A82", "9000"]])
encodings = st.sampled_from(["ascii", "bcd", "shift_jis", "hex", "integer"])
numbers = st.fixed_dictionaries(
    {"from": names, "encoding": encodings, "length": st.integers(1, 8)},
    optional={"tlv": tags, "offset": st.integers(0, 20)},
)
parts = st.fixed_dictionaries({"from": names, "length": st.integers(1, 7)}, optional={"tlv": tags, "offset": lengths})
internals = st.fixed_dictionaries(
    {
        "algorithm": st.just("aes-128"),
        "key": st.just("staff"),
        "derivation": st.sampled_from(["an10922", "sp800-108-cmac"]),
        "input": st.lists(parts, min_size=1, max_size=2),
        "answer": st.sampled_from(["encryption", "cmac"]),
    },
    optional={"version": st.fixed_dictionaries({"from": names}, optional={"tlv": tags, "offset": lengths})},
)
signatures = st.fixed_dictionaries(
    {"ca": st.just(["staff-ca.pem"]), "certificate_file": st.just("0003")},
    optional={
        "command": st.sampled_from(["00880081", "002A9E9A"]),
        "sends": st.sampled_from(["challenge", "hash", "digest_info"]),
        "padding": st.sampled_from(["pkcs1", "pss"]),
    },
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Profiles without mistakes, as documents."""
    authentication = draw(st.sampled_from(["none", "internal", "signature"]))
    document: dict[str, Any] = {
        "aid": "F04B415A5553550199",
        "authentication": authentication,
        "number": draw(numbers),
        "steps": [
            {"name": name, "apdu": draw(reads | selects), "answers": draw(answers_of_a_step)} for name in ("a", "b")
        ],
    }
    if authentication == "internal":
        document["internal_authentication"] = draw(internals)
    if authentication == "signature":
        document["signature"] = draw(signatures)
        if draw(st.booleans()):
            document["number"] = {"from": "certificate", "subject": "common_name"}
    return document


card_answers = st.lists(
    st.tuples(
        st.sampled_from([b"", b"1001", bytes.fromhex("7006C10455667788"), DER[:4], DER[4:]]) | st.binary(max_size=300),
        st.sampled_from([0x9000] * 6 + [0x6282, 0x6110, 0x6C10, 0x6A82, 0x6F00]) | st.integers(0, 0xFFFF),
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where profiles are written; the CA certificate lies beside them."""
    with tempfile.TemporaryDirectory() as directory:
        with_example(Path(directory), "staff-rsa")
        yield Path(directory)


def inline(value: Any) -> str:
    """A value as TOML, tables in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


def loaded(folder: Path, document: dict[str, Any]) -> Profile:
    """A profile, by way of its file."""
    file = folder / "fuzz.toml"
    file.write_text("\n".join(f"{key} = {inline(value)}" for key, value in document.items()))
    return load_table(file, Profile, mistakes)


def kind_of(folder: Path) -> staff.Staff:
    tools = Tools(Pseudonymizer(bytes(32)), clock(), ring(KEYS), FixedDemand(Assurance.SERIAL), random=bytes)
    return staff.build(staff.Settings(profiles=(folder / "fuzz.toml",)), tools)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents(), script=card_answers)
def test_a_card_is_read_or_refused(folder: Path, document: dict[str, Any], script: list[tuple[bytes, int]]) -> None:
    """Whatever it answers once it has said that it knows the application."""
    loaded(folder, document)
    rest = itertools.cycle(script)

    def answer(apdu: bytes) -> bytes:
        data, sw = (b"", 0x9000) if apdu[:3] == b"\x00\xa4\x04" else next(rest)
        return data + sw.to_bytes(2)

    channel = FakeCardChannel(ScriptedCard(answer))
    try:
        identifier = CardKinds([kind_of(folder)]).identify(channel, ATR_CONTACTLESS)
    except CardRefused:
        pass
    else:
        # No bytes by chance are the answer of a key.
        assert document["authentication"] == "none"
        assert identifier.assurance is Assurance.SERIAL
    assert len(channel.sent) <= MOST_APDUS


hexadecimal = st.binary(min_size=1, max_size=20).map(lambda value: value.hex().upper())
headers = st.builds(
    lambda cla, ins, rest: (bytes([cla, ins]) + rest).hex(),
    st.sampled_from([0x00, 0x00, 0x00, 0x80, 0x0C, 0x01]),
    st.integers(0, 255) | st.sampled_from([0xA4, 0xB0, 0xB2, 0xCA, 0x22, 0x88, 0x20, 0xD6]),
    st.binary(max_size=12),
)
aids = (
    st.sampled_from([aid.hex() for aid in (*NEVER, AID_JPKI, AID_COMMON)])
    | st.builds(lambda aid, end: aid[:end].hex(), st.sampled_from(NEVER), st.integers(1, 10))
    | st.builds(lambda aid, more: (aid + more).hex(), st.sampled_from(NEVER), st.binary(max_size=3))
    | hexadecimal
)


@pytest.mark.rule(6)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents(), aid=aids, apdu=headers, command=headers, extra=st.booleans())
def test_a_profile_that_is_taken_sends_nothing_that_writes_or_leaves_its_application(
    folder: Path, document: dict[str, Any], aid: str, apdu: str, command: str, extra: bool
) -> None:
    document["aid"] = aid
    document["steps"].append({"name": "c", "apdu": apdu})
    for table in ("internal_authentication", "signature"):
        if table in document and extra:
            document[table]["command"] = command
    refusal = ""
    try:
        profile = loaded(folder, document)
    except ConfigurationError as error:
        refusal = str(error)
    if refusal:
        assert all(line.startswith(str(folder)) for line in refusal.splitlines())
        return
    assert not any(never.startswith(profile.application) or profile.application.startswith(never) for never in NEVER)
    channel = FakeCardChannel(ScriptedCard(lambda _: b"1001\x90\x00"))
    with contextlib.suppress(CardError):
        CardKinds([kind_of(folder)]).identify(channel, ATR_CONTACTLESS)
    select, *others = channel.sent
    assert select == b"\x00\xa4\x04\x0c" + bytes([len(profile.application)]) + profile.application
    for each in others:
        reads = each[:2].hex() in {"00b0", "00b2", "00ca"} or each[:3].hex() in {"00a402", "002241", "002281"}
        proves = each[:2].hex() == "0088" or each[:4].hex() in {"002a9e9a", "802a0080"}
        assert reads or proves or each == select, each.hex()


@pytest.mark.rule(6)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents(), apdu=headers.map(bytes.fromhex), selected=st.booleans())
def test_its_allow_list_is_the_profile(folder: Path, document: dict[str, Any], apdu: bytes, selected: bool) -> None:
    """What else somebody tries after its SELECT does not reach the card, but for a read with another length."""
    profile = loaded(folder, document)
    channel = FakeCardChannel(ScriptedCard(lambda _: b"\x90\x00"))
    guarded = Guarded(channel, AllowList([kind_of(folder).allow]))
    if selected:
        guarded.transmit(b"\x00\xa4\x04\x0c\x09" + profile.application)
    before = len(channel.sent)
    try:
        guarded.transmit(apdu)
    except ForbiddenApdu:
        assert len(channel.sent) == before
        return
    steps = [bytes.fromhex(step.apdu) for step in profile.steps]
    assert selected
    assert apdu in steps or apdu[:4] in {step[:4] for step in steps} or apdu == bytes.fromhex("00A4020C020003")


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(max_size=200) | st.binary(max_size=200).map(lambda value: value.decode("latin-1")))
def test_any_file_is_a_profile_or_a_configuration_error(folder: Path, text: str) -> None:
    file = folder / "text.toml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(ConfigurationError):
        load_table(file, Profile, mistakes)
