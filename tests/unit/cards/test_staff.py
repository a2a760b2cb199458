"""The staff application: each example profile with its card, its copies and everything that can go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from fakes.card_channel import FakeCardChannel, ScriptedCard
from fakes.staff import (
    CARD_NUMBER,
    ISSUER,
    KEYS,
    PEPPER,
    STAFF_NUMBER,
    aes,
    card_with,
    kind_of,
    kinds_of,
    number_only,
    ring,
    rsa,
    with_example,
)
from kazasu.cards.guard import select_application
from kazasu.cards.identify import CardKinds
from kazasu.cards.jpki import Jpki
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.errors import CardError, CardGone, CardRefused, ConfigurationError, KeyMaterialError
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.virtual.felica import FELICA_ATR, FelicaCard
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import AID_JPKI, ATR_CONTACTLESS
from kazasu.virtual.staff_card import AID_AES, AID_NUMBER, AID_RSA, StaffApplication
from kazasu.virtual.type_b import DRIVING_LICENCE_ATR, DrivingLicence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakes.card_channel import AnswersApdus
    from fakes.clock import FakeClock


class Case(NamedTuple):
    """An example profile, and a card for it."""

    profile: str
    application: Callable[[], StaffApplication]
    aid: bytes
    assurance: Assurance
    apdus: int


CASES = [
    Case("staff-aes128", aes, AID_AES, Assurance.CHALLENGE, 3),
    Case("staff-number", number_only, AID_NUMBER, Assurance.SERIAL, 3),
    Case("staff-rsa", rsa, AID_RSA, Assurance.CHALLENGE, 6),
]
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.profile)
WITH_KEY = pytest.mark.parametrize("case", [CASES[0], CASES[2]], ids=lambda case: case.profile)


def tap(kinds: CardKinds, card: AnswersApdus) -> Identifier:
    return kinds.identify(FakeCardChannel(card), ATR_CONTACTLESS)


def refusal(kinds: CardKinds, card: AnswersApdus) -> CardRefused:
    with pytest.raises(CardRefused) as caught:
        tap(kinds, card)
    return caught.value


def altered(card: AnswersApdus, at: int, change: Callable[[bytes], bytes]) -> ScriptedCard:
    """The same card, but for its answer number `at`, from 1."""
    count = iter(range(1, 1000))
    return ScriptedCard(lambda apdu: change(card.transmit(apdu)) if next(count) == at else card.transmit(apdu))


@EACH
@pytest.mark.parametrize("on_my_number_card", [False, True])
def test_the_number_is_read_with_what_proves_it(tmp_path: Path, case: Case, on_my_number_card: bool) -> None:
    card = card_with(case.application(), on_my_number_card=on_my_number_card)
    kind = kind_of(with_example(tmp_path, case.profile))
    channel = FakeCardChannel(card)

    identifier = CardKinds([kind]).identify(channel, ATR_CONTACTLESS)

    pseudonym = Pseudonymizer(PEPPER).pseudonym("staff", case.aid, STAFF_NUMBER.encode())
    assert (identifier.kind, identifier.pseudonym, identifier.assurance) == ("staff", pseudonym, case.assurance)
    assert kind.reach is case.assurance
    assert bool(identifier.why_not_more) == (case.assurance is Assurance.SERIAL)
    assert len(channel.sent) == case.apdus


@pytest.mark.rule(6)
@EACH
def test_nothing_but_the_profile_is_sent(tmp_path: Path, case: Case) -> None:
    card = card_with(case.application(), on_my_number_card=True)
    tap(kinds_of(with_example(tmp_path, case.profile)), card)
    assert card.touched == {case.aid}


def test_each_challenge_is_another(tmp_path: Path) -> None:
    drawn = iter([bytes(16), bytes([1]) * 16])
    kinds = kinds_of(with_example(tmp_path, "staff-aes128"), random=lambda count: next(drawn)[:count])
    channel = FakeCardChannel(card_with(aes()))
    assert kinds.identify(channel, ATR_CONTACTLESS) == kinds.identify(channel, ATR_CONTACTLESS)
    assert channel.sent[2] == bytes.fromhex("0088008110") + bytes(16) + b"\0"
    assert channel.sent[5] == bytes.fromhex("0088008110") + bytes([1]) * 16 + b"\0"


@EACH
def test_a_card_without_the_application_is_none_of_this_kind(tmp_path: Path, case: Case) -> None:
    kind = kind_of(with_example(tmp_path, case.profile))
    assert kind.read(FakeCardChannel(DrivingLicence()), DRIVING_LICENCE_ATR) is None
    other = next(other for other in CASES if other is not case)
    assert kind.read(FakeCardChannel(card_with(other.application())), ATR_CONTACTLESS) is None
    felica = FakeCardChannel(FelicaCard(bytes(range(8))))
    assert kind.read(felica, FELICA_ATR) is None
    assert not felica.sent


def test_with_several_profiles_each_card_is_read_by_its_own(tmp_path: Path) -> None:
    profiles = [with_example(tmp_path, case.profile) for case in reversed(CASES)]
    kind = kind_of(*profiles)
    kinds = CardKinds([kind])
    assert kind.reach is Assurance.CHALLENGE
    identifiers = {case.profile: tap(kinds, card_with(case.application())) for case in CASES}
    assert [identifier.assurance for identifier in identifiers.values()] == [case.assurance for case in CASES]
    assert len({identifier.pseudonym for identifier in identifiers.values()}) == len(CASES)  # of three issuers
    both = card_with(number_only(), aes())
    assert tap(kinds, both) == identifiers["staff-aes128"]


def test_on_a_my_number_card_what_proves_more_is_asked_first(
    tmp_path: Path, ca_file: Path, pseudonymizer: Pseudonymizer, clock: FakeClock, issuer: JpkiIssuer
) -> None:
    jpki = Jpki([ca_file], pseudonymizer, clock)
    strong = CardKinds([jpki, kind_of(with_example(tmp_path, "staff-aes128"))])
    weak = CardKinds([kind_of(with_example(tmp_path, "staff-number")), jpki])
    card = issuer.card(rsa_key("card"))
    for application in (aes(), number_only()):
        application.load_on(card)
    assert [tap(kinds, card).kind for kinds in (strong, weak)] == ["staff", "jpki"]
    without = issuer.card(rsa_key("card"))
    without.power_on()
    assert tap(strong, without).kind == "jpki"
    assert without.touched == {AID_JPKI}


def copy_of(application: StaffApplication) -> StaffApplication:
    """Everything that can be read of it."""
    return StaffApplication(application.aid, application.files)


@WITH_KEY
def test_a_copy_of_all_files_proves_no_key(tmp_path: Path, case: Case) -> None:
    kinds = kinds_of(with_example(tmp_path, case.profile))
    assert refusal(kinds, card_with(copy_of(case.application()))).reason in {
        DenyReason.AUTHENTICATION_FAILED,
        DenyReason.CARD_UNREADABLE,  # it knows no key 1 to set
    }


def test_a_copy_of_a_number_gets_what_copying_gives(tmp_path: Path) -> None:
    kinds = kinds_of(with_example(tmp_path, "staff-number"))
    copied = tap(kinds, card_with(copy_of(number_only())))
    assert copied == tap(kinds, card_with(number_only()))
    assert copied.assurance is Assurance.SERIAL


def test_the_same_number_is_the_same_person_with_and_without_the_key(tmp_path: Path) -> None:
    """So a copy finds the enrolment that asks for more, and is denied by name."""
    without = tmp_path / "without.toml"
    without.write_text(
        f"""
aid = "{AID_AES.hex()}"
authentication = "none"
[[steps]]
name = "holder"
apdu = "00B0810010"
[number]
from = "holder"
offset = 8
encoding = "ascii"
"""
    )
    weak = tap(kinds_of(without), card_with(copy_of(aes())))
    strong = tap(kinds_of(with_example(tmp_path, "staff-aes128")), card_with(aes()))
    assert weak.pseudonym == strong.pseudonym
    assert weak.assurance < strong.assurance


@WITH_KEY
def test_a_card_with_another_key_is_refused(tmp_path: Path, case: Case) -> None:
    if case.profile == "staff-aes128":
        wrong = aes()
        kinds = kinds_of(with_example(tmp_path, case.profile), keys=ring({1: bytes(16)}))
    else:
        wrong = StaffApplication(AID_RSA, rsa().files, signs={1: rsa_signer("another")})
        kinds = kinds_of(with_example(tmp_path, case.profile))
    assert refusal(kinds, card_with(wrong)).reason is DenyReason.AUTHENTICATION_FAILED


def rsa_signer(name: str) -> Callable[[bytes], bytes]:
    from kazasu.virtual.jpki import signer

    return signer(rsa_key(name))


@WITH_KEY
def test_a_recorded_answer_is_worth_nothing(tmp_path: Path, case: Case) -> None:
    card = card_with(case.application())
    recorded: dict[bytes, bytes] = {}

    def recording(apdu: bytes) -> bytes:
        recorded[apdu[:4]] = card.transmit(apdu)
        return recorded[apdu[:4]]

    kinds = kinds_of(with_example(tmp_path, case.profile))
    tap(kinds, ScriptedCard(recording))
    last = list(recorded)[-1]
    replaying = ScriptedCard(lambda apdu: recorded[last] if apdu[:4] == last else card.transmit(apdu))
    assert refusal(kinds, replaying).reason is DenyReason.AUTHENTICATION_FAILED


@WITH_KEY
@pytest.mark.parametrize(
    "change",
    [
        lambda answer: answer[1:],
        lambda answer: answer[:-3] + answer[-2:],
        lambda answer: b"\0" + answer,
        lambda answer: answer[:-2] + b"\0" + answer[-2:],
        lambda answer: answer[-2:],
        lambda answer: bytes([answer[0] ^ 1]) + answer[1:],
        lambda answer: answer[:-3] + bytes([answer[-3] ^ 0x80]) + answer[-2:],
        lambda answer: answer[:-2] * 2 + answer[-2:],
        lambda answer: answer[:-2] + b"\x62\x82",
        lambda answer: b"\x69\x82",
        lambda answer: b"\x6a\x88",
        lambda answer: b"\x6d\x00",
        lambda answer: b"\x67\x00",
        lambda answer: b"\x63\x00",
    ],
)
def test_any_other_answer_to_the_challenge_is_no_proof(
    tmp_path: Path, case: Case, change: Callable[[bytes], bytes]
) -> None:
    kinds = kinds_of(with_example(tmp_path, case.profile))
    card = altered(card_with(case.application()), case.apdus, change)
    assert refusal(kinds, card).reason is DenyReason.AUTHENTICATION_FAILED


@EACH
def test_a_card_that_leaves_at_any_moment_is_gone(tmp_path: Path, case: Case) -> None:
    kinds = kinds_of(with_example(tmp_path, case.profile))
    card = card_with(case.application())
    for number in range(1, case.apdus + 1):
        card.power_on()
        with pytest.raises(CardGone):
            kinds.identify(FakeCardChannel(card, remove_at=number), ATR_CONTACTLESS)
    card.power_on()
    assert tap(kinds, card).kind == "staff"


@EACH
@pytest.mark.parametrize("sw", ["6982", "6A82", "6A86", "6700", "6F00", "6283"])
def test_a_step_that_is_answered_otherwise_is_unreadable(tmp_path: Path, case: Case, sw: str) -> None:
    kinds = kinds_of(with_example(tmp_path, case.profile))
    steps = {
        "staff-aes128": [2],
        "staff-number": [2, 3],
        "staff-rsa": [2, 3, 5],
    }  # its 4th, extended, is read in pieces
    for at in steps[case.profile]:
        card = altered(card_with(case.application()), at, lambda _: bytes.fromhex(sw))
        assert refusal(kinds, card).reason is DenyReason.CARD_UNREADABLE


@EACH
@pytest.mark.parametrize(("sw", "reason"), [("6A82", None), ("6283", None), ("6999", None), ("6581", "fault")])
def test_a_select_that_fails_is_another_card_unless_the_card_is_at_fault(
    tmp_path: Path, case: Case, sw: str, reason: str | None
) -> None:
    kind = kind_of(with_example(tmp_path, case.profile))
    channel = FakeCardChannel(ScriptedCard(lambda _: bytes.fromhex(sw)))
    if reason is None:
        assert kind.read(channel, ATR_CONTACTLESS) is None
    else:
        with pytest.raises(CardRefused, match="selecting the staff application"):
            kind.read(channel, ATR_CONTACTLESS)


@EACH
def test_every_answer_cut_or_lengthened_is_refused_or_the_same(tmp_path: Path, case: Case) -> None:
    kinds = kinds_of(with_example(tmp_path, case.profile))
    genuine = tap(kinds, card_with(case.application()))
    for at in range(1, case.apdus + 1):
        for length in (0, 1, 5, 15, 17, 300):

            def resized(answer: bytes, length: int = length) -> bytes:
                return answer[:-2][:length].ljust(length, b"\0") + answer[-2:]

            card = altered(card_with(case.application()), at, resized)
            try:
                identifier = tap(kinds, card)
            except CardError:
                continue
            # A number that nothing proves may be another one; a proven one never.
            assert identifier == genuine or case.assurance is Assurance.SERIAL


@pytest.mark.parametrize(("sw", "again"), [("6C08", "00B0000008"), ("6110", "00C0000010")])
def test_a_step_is_followed_up_as_the_card_asks(tmp_path: Path, sw: str, again: str) -> None:
    """ISO/IEC 7816-4:2020, 5.6: another Le, or the rest of the answer."""
    card = card_with(number_only())
    whole = card.transmit(select_application(AID_NUMBER)) and b"".join(
        card.transmit(bytes.fromhex(apdu))[:-2] for apdu in ("00A4020C020001", "00B0000000")
    )
    answers = {"00B0000000": bytes.fromhex(sw), again: whole + b"\x90\x00"}
    channel = FakeCardChannel(ScriptedCard(lambda apdu: answers.get(apdu.hex().upper(), b"\x90\x00")))

    identifier = kinds_of(with_example(tmp_path, "staff-number")).identify(channel, ATR_CONTACTLESS)

    assert identifier == tap(kinds_of(with_example(tmp_path, "staff-number")), card_with(number_only()))
    assert channel.sent[-1] == bytes.fromhex(again)


def test_who_has_one_card_cannot_show_anothers_number(tmp_path: Path) -> None:
    """A genuine key answers, and the number in the clear is changed on its way."""
    card = card_with(aes())
    kinds = kinds_of(with_example(tmp_path, "staff-aes128"))
    forged = altered(card, 2, lambda answer: answer[:8] + b"00000001" + answer[-2:])
    assert refusal(kinds, forged).reason is DenyReason.AUTHENTICATION_FAILED


def test_where_the_key_does_not_depend_on_the_number_the_card_is_the_credential(tmp_path: Path) -> None:
    from kazasu.cards.staff_derivation import derive
    from kazasu.virtual.staff_card import aes_application, holder_of

    profile = with_example(tmp_path, "staff-aes128")
    text = profile.read_text()
    profile.write_text(text.replace("offset = 1, length = 15", "offset = 1, length = 7"))
    assert profile.read_text() != text
    kinds = kinds_of(profile)

    def issued(card_number: bytes) -> StaffApplication:
        holder = holder_of(1, card_number, STAFF_NUMBER)
        return aes_application(derive("an10922", "aes-128", KEYS[1], card_number + AID_AES), holder)

    mine = tap(kinds, card_with(issued(CARD_NUMBER)))
    forged = altered(card_with(issued(CARD_NUMBER)), 2, lambda answer: answer[:8] + b"00000001" + answer[-2:])
    assert tap(kinds, forged) == mine
    assert tap(kinds, card_with(issued(bytes(7)))) != mine
    by_number = tap(kinds_of(with_example(tmp_path, "staff-aes128")), card_with(aes()))
    assert by_number.pseudonym != mine.pseudonym


def test_keys_roll_by_the_version_that_the_card_names(tmp_path: Path) -> None:
    profile = with_example(tmp_path, "staff-aes128")
    for version in KEYS:
        assert tap(kinds_of(profile), card_with(aes(version))).assurance is Assurance.CHALLENGE
    only_new = kinds_of(profile, keys=ring({2: KEYS[2]}))
    assert tap(only_new, card_with(aes(2))).kind == "staff"
    error = refusal(only_new, card_with(aes(1)))
    assert error.reason is DenyReason.AUTHENTICATION_FAILED
    assert "version 1 of the key 'staff'" in str(error)
    wrong_version = altered(card_with(aes(1)), 2, lambda answer: b"\x02" + answer[1:])
    assert refusal(kinds_of(profile), wrong_version).reason is DenyReason.AUTHENTICATION_FAILED


def test_without_a_version_on_the_card_any_will_do_and_the_card_is_asked_once(tmp_path: Path) -> None:
    profile = with_example(tmp_path, "staff-aes128")
    lines = [line for line in profile.read_text().splitlines() if not line.startswith("version")]
    profile.write_text("\n".join(lines))
    for version in KEYS:
        channel = FakeCardChannel(card_with(aes(version)))
        assert kinds_of(profile).identify(channel, ATR_CONTACTLESS).assurance is Assurance.CHALLENGE
        assert len(channel.sent) == 3
    error = refusal(kinds_of(profile, keys=ring({2: KEYS[2]})), card_with(aes(1)))
    assert error.reason is DenyReason.AUTHENTICATION_FAILED


def test_a_key_that_is_missing_or_of_another_length_stops_the_start(tmp_path: Path) -> None:
    profile = with_example(tmp_path, "staff-aes128")
    with pytest.raises(KeyMaterialError, match=r"cards\.toml: no card key is called 'staff'; there are: door"):
        kind_of(profile, keys=ring(KEYS, "door"))
    with pytest.raises(KeyMaterialError, match="card key 'staff', version 1: has 24 bytes where 16 are needed"):
        kind_of(profile, keys=ring({1: bytes(24)}))


def test_a_profile_or_ca_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.toml: cannot be read: No such file"):
        kind_of(tmp_path / "absent.toml")
    profile = with_example(tmp_path, "staff-rsa")
    (tmp_path / "staff-ca.pem").unlink()
    with pytest.raises(ConfigurationError, match=r"staff-ca\.pem: the CA certificate cannot be read"):
        kind_of(profile)


@pytest.mark.rule(7)
@EACH
def test_no_error_names_the_number(tmp_path: Path, case: Case) -> None:
    kinds = kinds_of(with_example(tmp_path, case.profile), keys=ring({1: bytes(16), 2: bytes(16)}))
    for at in range(1, case.apdus + 1):
        for change in (
            lambda answer: answer[:-2] + b"\x69\x82",
            lambda answer: answer[: len(answer) // 2] + b"\x90\x00",
        ):
            try:
                tap(kinds, altered(card_with(case.application()), at, change))
            except CardError as error:
                words = repr(error) + repr(error.__cause__)
                assert STAFF_NUMBER not in words
                assert STAFF_NUMBER.encode().hex() not in words


@pytest.mark.parametrize("application", [aes, rsa, number_only])
def test_a_select_with_a_part_of_the_aid_never_leaves(
    application: Callable[[], StaffApplication], tmp_path: Path
) -> None:
    sent = FakeCardChannel(card_with(application(), on_my_number_card=True))
    profiles = [with_example(tmp_path, case.profile) for case in CASES]
    kinds_of(*profiles).identify(sent, ATR_CONTACTLESS)
    selects = {apdu for apdu in sent.sent if apdu[:3] == b"\x00\xa4\x04"}
    assert selects <= {select_application(case.aid) for case in CASES}


def test_the_staff_authority_is_not_the_my_number_cards() -> None:
    """So no certificate of one is taken for the other's in these tests."""
    assert ISSUER.ca_certificate != JpkiIssuer().ca_certificate
