"""DESFire's cryptography against published examples, byte for byte."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from fakes.card_channel import FakeCardChannel, ScriptedCard, scripted
from kazasu.cards.cmac import cmac, encrypt
from kazasu.cards.desfire_session import Ev1Session, Ev2Session, authenticate
from kazasu.errors import CardRefused, UnexpectedStatus
from kazasu.model.access import DenyReason

ZERO_KEY = bytes(16)


def random(ours: str) -> bytes:
    return bytes.fromhex(ours)


# AN12196: NXP on NTAG 424 DNA, rev. 1.5, 6.6, p. 28, table 14 (key 0), and 6.10, p. 34, table 20 (key 3). AN12343: NXP
# on DESFire Light, rev. 1.1, p. 33, table 16. All keys are zero. Key number, the terminal's challenge, the card's
# answers, the terminal's proof, session keys, transaction.
TABLE_14 = (
    "A04C124213C186F22399D33AC2A3021591AF",
    "3FA64DB5446D1F34CD6EA311167F5E4985B89690C04A05F17FA7AB2F081206639100",
)
OURS_14 = "13C5DB8A5930439FC3DEF9A4C675360F"
EV2_AUTHENTICATIONS = {
    "an12196_table_14": (
        0,
        OURS_14,
        TABLE_14,
        "35C3E05A752E0144BAC0DE51C1F22C56B34408A23D8AEA266CAB947EA8E0118D",
        "1309C877509E5A215007FF0ED19CA564",
        "4C6626F5E72EA694202139295C7A7FC7",
        "9D00C4DF",
    ),
    "an12196_table_20": (
        3,
        "B98F4C50CF1C2E084FD150E33992B048",
        (
            "B875CEB0E66A6C5CD00898DC371F92D191AF",
            "0CC9A8094A8EEA683ECAAC5C7BF20584206D0608D477110FC6B3D5D3F65C3A6A9100",
        ),
        "FF0306E47DFBC50087C4D8A78E88E62DE1E8BE457AA477C707E2F0874916A8B1",
        "7A93D6571E4B180FCA6AC90C9A7488D4",
        "FC4AF159B62E549B5812394CAB1918CC",
        "7614281A",
    ),
    "an12343_table_16": (
        0,
        "B04D0787C93EE0CC8CACC8E86F16C6FE",
        (
            "24677DDBD46349E623798FD729006E7991AF",
            "04C6DBD67417ED0D31DDDE4D2E3FFAC2B4B074F638EEF7FFF9254963B65C77599100",
        ),
        "3B50445F21D21D77D500794DEB245E5A754F5F901844259F4C9B31A5C7335ACD",
        "63DC07286289A7A6C0334CA31C314A04",
        "774F26743ECE6AF5033B6AE8522946F6",
        "8CF141F3",
    ),
}


@pytest.mark.parametrize("name", EV2_AUTHENTICATIONS)
def test_ev2_first_as_published(name: str) -> None:
    key_number, ours, answers, proof, encryption_key, mac_key, transaction = EV2_AUTHENTICATIONS[name]
    channel = FakeCardChannel(scripted(*answers))

    session = authenticate(channel, key_number, ZERO_KEY, lambda _: random(ours))

    assert [apdu.hex().upper() for apdu in channel.sent] == [f"9071000002{key_number:02X}0000", f"90AF000020{proof}00"]
    assert isinstance(session, Ev2Session)
    assert bytes(session._cipher.key).hex().upper() == encryption_key
    assert bytes(session._mac_cipher.key).hex().upper() == mac_key
    assert session._transaction.hex().upper() == transaction


def ev2(encryption_key: str, mac_key: str, transaction: str) -> Ev2Session:
    return Ev2Session(bytes.fromhex(encryption_key), bytes.fromhex(mac_key), bytes.fromhex(transaction))


def test_an12343_p54_writing_and_reading_under_mac() -> None:
    session = ev2("00" * 16, "9366FA195EB566F5BD2BAD4020B83002", "E2D3AF69")
    content = b"\x22" * 25 + bytes(23)
    channel = FakeCardChannel(scripted("0820F68898C2A7F19100", f"{content.hex()}A49A44222D9266669100"))

    # Writing is the example's, and not what the kind may do.
    session.request(channel, 0x8D, bytes.fromhex("00000000190000") + content[:25], full=False, length=0)
    read = session.request(channel, 0xAD, bytes.fromhex("00000000300000"), full=False, length=48)

    assert channel.sent[0][-9:] == bytes.fromhex("68F2C28C575A162800")
    assert channel.sent[1] == bytes.fromhex("90AD00000F000000003000000D9BE191D596083400")
    assert read == content


def test_an12343_p57_reading_in_full_mode() -> None:
    session = ev2("FFBCFE1F41840A09C9A88D0A4B10DF05", "37E7234B11BEBEFDE41A8F290090EF80", "CD73D8E5")
    session._counter = 1  # the example's second command; of the first one's answer the note shows no MAC
    channel = FakeCardChannel(
        scripted(
            "8848D0F9B9FD4495770C89925B2A85C7274D350FA9029C484D43804886662DC42D7F40A6D7A415E4A71EFF79EB8E5721"
            "AC3BF1CAAFE8EB2CAA2DC162E67A97A38ED7888F22B3A5879100"
        )
    )

    read = session.request(channel, 0xAD, bytes.fromhex("00000000300000"), full=True, length=48)

    assert channel.sent == [bytes.fromhex("90AD00000F000000003000007CF94F122B3DB05F00")]
    assert read == b"\x22" * 25 + bytes(23)


def test_an12343_p15_get_card_uid_in_full_mode() -> None:
    session = ev2("C1D7BD9F60034D8432F9AF3403D573D0", "FD9E26C9766F07C1D07106C0F8F3671F", "569D4B24")
    channel = FakeCardChannel(scripted("CDFFBF6D34231DA2789DA9D3AB15D560CE75E39EDBE94C2F9100"))

    uid = session.request(channel, 0x51, b"", full=True, length=7)

    assert channel.sent == [bytes.fromhex("90510000085CA9EF7C912A391B00")]
    assert uid.hex().upper() == "04DE5F1EACC040"


def test_an12196_p43_table_28_get_card_uid_in_full_mode() -> None:
    session = Ev2Session(
        bytes.fromhex("2B4D963C014DC36F24F69A50A394F875"),
        bytes.fromhex("379D32130CE61705DD5FD8C36B95D764"),
        bytes.fromhex("DF055522"),
    )
    channel = FakeCardChannel(scripted("70756055688505B52A5E26E59E329CD6595F672298EA41B79100"))

    uid = session.request(channel, 0x51, b"", full=True, length=7)

    assert channel.sent == [bytes.fromhex("90510000088E2C155ADDA99BE300")]
    assert uid.hex().upper() == "04958CAA5C5E80"


def test_an12196_p21_a_command_in_mac_mode() -> None:
    session = Ev2Session(bytes(16), bytes.fromhex("8248134A386E86EB7FAF54A52E536CB6"), bytes.fromhex("7A21085E"))
    channel = FakeCardChannel(scripted("0040EEEE000100D1FE001F00004400004400002000006A00002A474282E7A479869100"))

    settings = session.request(channel, 0xF5, b"\x02", full=False, length=25)

    assert channel.sent == [bytes.fromhex("90F5000009026597A457C8CD442C00")]
    assert settings.hex().upper() == "0040EEEE000100D1FE001F00004400004400002000006A0000"


# A DESFire EV1, recorded by the author of "Desfire EV1 Communication Examples.htm" (github.com/sotechcllc/RFDoorLock),
# part "AES": key number, key, the terminal's challenge, the card's answers, the terminal's proof, session key.
EV1_AUTHENTICATIONS = (
    (
        0,
        "00000000000000000000000000000000",
        "F44B26F5686F3A391CD38EBD10772281",
        ("B969FDFE56FD91FC9DE6F6F213B8FD1E91AF", "800DB680BC146BD121D6578F2D2E20599100"),
        "36AAD7DF6E436BA08D18613830A70D5AD43E3D3F4A8D47541EEE623A934E4774",
        "F44B26F5C05DDD7110772281C4D066E8",
    ),
    (
        1,
        "10182028303840485058606870788088",
        "40E7D27174CBA675E8EFBAB99C530E3D",
        ("B351CB2465D4F33AC627FD6E87A168F291AF", "A2EE144B1012FBEB7B2F11132D95A4549100"),
        "044B6CAC343A0865895149649CA8DDE1F5AC4EC67BD208900AF02F049E05F0B0",
        "40E7D271626FFBD49C530E3D304F5B17",
    ),
)

# The same record, all that followed the second of them: commands with their parameters, answers with their MAC.
EV1_REQUESTS = (
    ("CD05001100500000", "A75316AD1596B953"),
    ("6F", "052D5FF67FFEC9D2D3"),
    ("F505", "000011005000002AAC7517024E09DC"),
    ("3D05000000340000" + bytes(range(52)).hex(), "765C9DAA50ECB62F"),
    ("3D053400001C0000" + bytes(range(52, 80)).hex(), "3E0AED986B8B0F37"),
    ("BD05000000300000", bytes(range(48)).hex() + "4C65F1F842262BAC"),
    ("BD05300000200000", bytes(range(48, 80)).hex() + "F02205CF913C03C9"),
    ("DF05", "1BEF0D32B6D1D7F9"),
    ("6F", "FC194EA93E3EF8E7"),
)


def recorded_ev1(which: int) -> Ev1Session:
    """What that recorded authentication opens."""
    key_number, key, ours, answers, proof, session_key = EV1_AUTHENTICATIONS[which]
    channel = FakeCardChannel(scripted("911C", *answers))

    session = authenticate(channel, key_number, bytes.fromhex(key), lambda _: random(ours))

    assert [apdu.hex().upper() for apdu in channel.sent[1:]] == [
        f"90AA000001{key_number:02X}00",
        f"90AF000020{proof}00",
    ]
    assert isinstance(session, Ev1Session)
    assert bytes(session._cipher.key).hex().upper() == session_key
    return session


@pytest.mark.parametrize("which", [0, 1])
def test_aes_of_ev1_as_recorded(which: int) -> None:
    recorded_ev1(which)


def test_a_recorded_ev1_session_holds_from_its_first_command_to_its_last() -> None:
    session = recorded_ev1(1)
    for sent, answered in EV1_REQUESTS:
        whole, answer = bytes.fromhex(sent), bytes.fromhex(answered)
        channel = FakeCardChannel(scripted(f"{answered}9100"))

        data = session.request(channel, whole[0], whole[1:], full=False, length=len(answer) - 8)

        assert data == answer[:-8]


def test_an_answer_out_of_its_order_is_refused() -> None:
    session = recorded_ev1(1)
    (sent, _), (_, next_answer) = EV1_REQUESTS[:2]
    with pytest.raises(CardRefused) as caught:
        session.request(
            FakeCardChannel(scripted(f"{next_answer}9100")), 0xCD, bytes.fromhex(sent)[1:], full=False, length=1
        )
    assert caught.value.reason is DenyReason.AUTHENTICATION_FAILED


def test_an_enciphered_answer_of_ev1_ends_with_the_crc_of_a_recorded_one() -> None:
    # RfidResearchGroup/proxmark3, client/src/mifare/desfiretest.c, TestCRC32: what GetCardUID deciphers to.
    plain = bytes.fromhex("04440F3276318099CE1AD40000000000")
    key = AES(bytes(range(16)))
    session = Ev1Session(bytes(range(16)))
    enciphered = encrypt(key, cmac(key, b"\x51"), plain)

    uid = session.request(FakeCardChannel(scripted(f"{enciphered.hex()}9100")), 0x51, b"", full=True, length=7)

    assert uid == plain[:7]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("of", ["ev1", "ev2"])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 32, 256])
def test_an_answer_that_is_cut_or_too_long_is_refused(of: str, length: int, *, full: bool) -> None:
    session = Ev1Session(ZERO_KEY) if of == "ev1" else Ev2Session(ZERO_KEY, ZERO_KEY, bytes(4))
    with pytest.raises(CardRefused):
        session.request(FakeCardChannel(scripted("00" * length + "9100")), 0xBD, bytes(7), full=full, length=8)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (["91AE"], DenyReason.AUTHENTICATION_FAILED),
        (["9140"], DenyReason.AUTHENTICATION_FAILED),
        ([TABLE_14[0], "91AE"], DenyReason.AUTHENTICATION_FAILED),
        ([TABLE_14[0], "00" * 32 + "9100"], DenyReason.AUTHENTICATION_FAILED),
        ([TABLE_14[0], TABLE_14[1][2:]], DenyReason.CARD_UNREADABLE),
        ([TABLE_14[0], "00" + TABLE_14[1]], DenyReason.CARD_UNREADABLE),
        ([TABLE_14[0][2:]], DenyReason.CARD_UNREADABLE),
        (["00" + TABLE_14[0]], DenyReason.CARD_UNREADABLE),
    ],
)
def test_a_card_that_does_not_prove_the_key_is_refused(answers: list[str], reason: DenyReason) -> None:
    with pytest.raises(CardRefused) as caught:
        authenticate(FakeCardChannel(scripted(*answers)), 0, ZERO_KEY, lambda _: random(OURS_14))
    assert caught.value.reason is reason


def test_an_answer_to_another_challenge_is_refused() -> None:
    with pytest.raises(CardRefused) as caught:
        authenticate(FakeCardChannel(scripted(*TABLE_14)), 0, ZERO_KEY, lambda _: bytes(16))
    assert caught.value.reason is DenyReason.AUTHENTICATION_FAILED


def test_frames_without_end_are_no_answer() -> None:
    session = Ev2Session(bytes(16), bytes(16), bytes(4))
    with pytest.raises(UnexpectedStatus, match="91AF"):
        session.request(
            FakeCardChannel(ScriptedCard(lambda _: bytes(59) + b"\x91\xaf")), 0xBD, b"", full=False, length=1
        )


def test_an_ev1_that_does_not_prove_the_key_is_asked_nothing_more() -> None:
    channel = FakeCardChannel(scripted("911C", "B969FDFE56FD91FC9DE6F6F213B8FD1E91AF", "00" * 16 + "9100"))
    with pytest.raises(CardRefused) as caught:
        authenticate(channel, 0, ZERO_KEY, lambda _: random("F44B26F5686F3A391CD38EBD10772281"))
    assert caught.value.reason is DenyReason.AUTHENTICATION_FAILED


@pytest.mark.parametrize("plain", [bytes(16), b"\x80" + bytes(14) + b"\x01", b"1001\x80\x00\x00\x01" + bytes(8)])
def test_authentic_data_with_wrong_padding_is_not_guessed_at(plain: bytes) -> None:
    keys, transaction = (bytes(16), bytes(range(16))), b"abcd"
    encryption_key, mac_key = map(AES, keys)
    vector = encrypt(encryption_key, bytes(16), b"\x5a\xa5" + transaction + b"\x01\x00" + bytes(8))
    enciphered = encrypt(encryption_key, vector, plain)
    mac = cmac(mac_key, b"\x00\x01\x00" + transaction + enciphered)[1::2]
    session = Ev2Session(*keys, transaction)

    with pytest.raises(CardRefused, match="padding"):
        session.request(
            FakeCardChannel(ScriptedCard(lambda _: enciphered + mac + b"\x91\x00")), 0xBD, b"", full=True, length=4
        )
