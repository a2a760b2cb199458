"""A profile that cannot be used is refused at the start, with file, line, key and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazasu.cards.staff_profile import Profile, mistakes
from kazasu.config import load_table
from kazasu.errors import ConfigurationError

EXAMPLES = Path(__file__).parents[3] / "config" / "cards.d"

# Each key on a line of its own, so that a test can name the line it expects.
SOUND = """\
aid = "F04B415A5553550101"
authentication = "internal"

[[steps]]
name = "file"
apdu = "00A4020C020001"

[[steps]]
name = "holder"
apdu = "00B0000010"
answers = ["9000", "6282"]

[number]
from = "holder"
offset = 8
length = 8
encoding = "ascii"

[internal_authentication]
algorithm = "aes-128"
key = "staff"
derivation = "sp800-108-cmac"
input = [{ from = "holder", offset = 1, length = 15 }]
version = { from = "holder", offset = 0 }
command = "00880081"
"""
SIGNED = """\
aid = "F04B415A5553550103"
authentication = "signature"

[number]
from = "certificate"
subject = "serial_number"

[signature]
ca = ["ca.pem"]
certificate_file = "0003"
command = "002A9E9A"
"""


def loaded(tmp_path: Path, text: str) -> Profile:
    file = tmp_path / "staff.toml"
    file.write_text(text)
    return load_table(file, Profile, mistakes)


def said(tmp_path: Path, text: str) -> list[str]:
    """What is said about a profile, a line each, without the file's name."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, text)
    lines = str(caught.value).splitlines()
    file = str(tmp_path / "staff.toml")
    assert all(line.startswith(file) for line in lines)
    return [line.removeprefix(file) for line in lines]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
def test_the_examples_load(file: Path) -> None:
    profile = load_table(file, Profile, mistakes)
    assert profile.application.hex().startswith("f0")
    assert len(file.read_text().splitlines()) > 10


def test_the_examples_show_each_authentication() -> None:
    profiles = [load_table(file, Profile, mistakes) for file in EXAMPLES.glob("*.toml")]
    assert {profile.authentication for profile in profiles} == {"none", "internal", "signature"}


def test_a_sound_profile_is_taken_over(tmp_path: Path) -> None:
    profile = loaded(tmp_path, SOUND)
    assert [step.answers for step in profile.steps] == [("9000",), ("9000", "6282")]
    signed = loaded(tmp_path, SIGNED)
    assert signed.signature is not None
    assert signed.signature.ca == (tmp_path / "ca.pem",)


@pytest.mark.rule(6)
@pytest.mark.parametrize(
    ("aid", "words"),
    [
        ("D3921000310001010401", "may select an application that holds the My Number (rule 6)"),
        ("D3921000310001010402", "may select an application that holds the My Number (rule 6)"),
        ("D3921000310001010408", "may select an application that holds the My Number (rule 6)"),
        ("D392100031", "may select an application that holds the My Number (rule 6)"),
        ("D392100031000101040800", "may select an application that holds the My Number (rule 6)"),
        (
            "D392F000260100000001",
            'selects JPKI\'s, with the keys and certificates for signatures; it is read by the kind "jpki"',
        ),
        ("D392F00026", "selects JPKI's"),
        ("D3921000310001010100", 'the common card application; it is read by the kind "common"'),
        ("F04B41", "an AID has 5 to 16 bytes"),
        ("AA" * 17, "an AID has 5 to 16 bytes"),
    ],
)
def test_a_forbidden_application_is_refused_at_the_start(tmp_path: Path, aid: str, words: str) -> None:
    (line,) = said(tmp_path, SOUND.replace("F04B415A5553550101", aid))
    assert line.startswith(":1: aid: ")
    assert words in line
    assert line.endswith("write the AID of the staff application, all of it")


@pytest.mark.rule(6)
@pytest.mark.parametrize(
    ("apdu", "words"),
    [
        ("00D6000001FF", "UPDATE BINARY changes the card"),
        ("00D0000001FF", "WRITE BINARY changes the card"),
        ("002400800831323334", "CHANGE REFERENCE DATA changes the card"),
        ("002C0080", "RESET RETRY COUNTER changes the card"),
        ("002000800431323334", "VERIFY tries a PIN"),
        ("00DA010000", "PUT DATA changes the card"),
        ("00A4040C0AD3921000310001010408", "this SELECT may lead to another application"),
        ("0088008110" + "00" * 17, "belongs in [internal_authentication]"),
    ],
)
def test_a_forbidden_command_is_refused_at_the_start(tmp_path: Path, apdu: str, words: str) -> None:
    (line,) = said(tmp_path, SOUND.replace('"00A4020C020001"', f'"{apdu}"'))
    assert line.startswith(":4: steps: apdu: ")
    assert words in line
    assert "a step may SELECT an EF" in line


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('"F04B415A5553550101"', '"F04"', ":1: aid: 'F04' is not hexadecimal digits, two for each byte"),
        ('aid = "F04B415A5553550101"\n', "", ": the key aid is missing"),
        ("aid =", "ait =", ":1: ait: unknown; did you mean aid?"),
        ('"internal"', '"intern"', ":2: authentication: Invalid enum value 'intern'; there are: none, internal, sign"),
        (
            '"internal"',
            '"none"',
            ':2: authentication: [internal_authentication] belongs to authentication = "internal"',
        ),
        ('"internal"', '"signature"', ':2: authentication: [signature] belongs to authentication = "signature"'),
        ('name = "file"', 'name = "File"', ":5: steps.name: 'File' is not 1 to 32 of a-z, 0-9, _, - and space"),
        ('name = "file"', 'name = "holder"', ":9: steps.name: two steps are called 'holder'"),
        ('name = "file"', 'name = "certificate"', ':4: steps: name: "certificate" is the name for what [signature]'),
        ('"00A4020C020001"', '"00A4 020C"', ":6: steps.apdu: '00A4 020C' is not hexadecimal digits"),
        ('["9000", "6282"]', '["900"]', ":11: steps.answers: ['900'] is not a list of status words"),
        ('["9000", "6282"]', '["6110"]', ":11: steps.answers: ['6110'] is not a list of status words"),
        ('["9000", "6282"]', "[]", ":11: steps.answers: [] is not a list of status words"),
        (
            'from = "holder"\noffset = 8',
            'from = "Holder"\noffset = 8',
            ":14: number.from: no step is called 'Holder'; there are: file, holder",
        ),
        ("offset = 8", "offset = -1", ":15: number.offset: -1 is not a number of bytes, 0 to 65535"),
        ("length = 8", "length = 0", ":16: number.length: 0 is not a number of bytes, 1 to 255"),
        ("length = 8", 'tlv = ["5F"]', ":13: number: 5F is no tag of BER-TLV, 1 to 3 bytes"),
        ("length = 8", 'tlv = ["5"]', ':16: number.tlv: [\'5\'] is not a list of tags, such as ["70", "5F20"]'),
        ('encoding = "ascii"\n', "", ":13: number: `encoding` is missing: ascii, bcd, shift_jis, hex, integer"),
        ('"ascii"', '"utf-8"', ":17: number.encoding: Invalid enum value 'utf-8'; there are: ascii, bcd, shift_jis"),
        (
            'length = 8\nencoding = "ascii"',
            'encoding = "integer"',
            ":13: number: an integer needs its `length`, 1 to 8",
        ),
        (
            'encoding = "ascii"',
            'encoding = "ascii"\nsubject = "common_name"',
            ':13: number: `subject` belongs to from = "cert',
        ),
        (
            '"aes-128"',
            '"des"',
            ":20: internal_authentication.algorithm: Invalid enum value 'des'; there are: aes-128, aes-256",
        ),
        ('"sp800-108-cmac"', '"none"', ":22: internal_authentication.derivation: Invalid enum value 'none'"),
        ('[{ from = "holder", offset = 1, length = 15 }]', "[]", ":23: internal_authentication.input"),
        (
            '[{ from = "holder", offset = 1, length = 15 }]',
            '[{ fixed = "00" }]',
            ":19: internal_authentication: input: needs a cut",
        ),
        (
            "offset = 1, length = 15",
            "offset = 1",
            ":23: internal_authentication.input: a cut in `input` needs its `length`",
        ),
        ("offset = 1, length = 15", 'tlv = ["5F"], length = 15', ":23: internal_authentication.input: 5F is no tag"),
        (
            "offset = 1, length = 15",
            'fixed = "00", length = 15',
            ":23: internal_authentication.input: a part of `input` is either",
        ),
        (
            'from = "holder", offset = 1, length = 15',
            'fixed = "00", length = 15',
            ":23: internal_authentication.input: `fixed` bytes are not cut",
        ),
        (
            'from = "holder", offset = 1, length = 15',
            'fixed = "0"',
            ":23: internal_authentication.input.fixed: '0' is not hexadecimal",
        ),
        (
            'from = "holder", offset = 1',
            'from = "other", offset = 1',
            ":23: internal_authentication.input: no step is called 'other'",
        ),
        (
            '"sp800-108-cmac"\ninput = [{',
            '"an10922"\ninput = [{ fixed = "00112233445566778899AABBCCDDEEFF00" }, {',
            ":19: internal_authentication: input: has 32 bytes; AN10922 takes 31 at most with aes-128",
        ),
        (
            '"aes-128"\nkey = "staff"\nderivation = "sp800-108-cmac"\ninput = [{',
            '"3des"\nkey = "staff"\nderivation = "an10922"\ninput = [{ fixed = "00" }, {',
            ":19: internal_authentication: input: has 16 bytes; AN10922 takes 15 at most with 3des",
        ),
        (
            '{ from = "holder", offset = 0 }',
            '{ from = "other" }',
            ":24: internal_authentication.version: no step is called 'other'",
        ),
        (
            "offset = 0 }",
            "offset = 0, length = 2 }",
            ":19: internal_authentication: version: a key version is one byte",
        ),
        (
            '"00880081"',
            '"002A9E9A"',
            ":19: internal_authentication: command: COMPUTE DIGITAL SIGNATURE belongs to [signature]",
        ),
        ('"00880081"', '"00D60000"', ":19: internal_authentication: command: only INTERNAL AUTHENTICATE"),
        (
            '"00880081"',
            '"00880081"\nchallenge_bytes = 8',
            ":19: internal_authentication: challenge_bytes: with aes-128 one block",
        ),
        (
            '"00880081"',
            '"00880081"\nchallenge_bytes = 9',
            ":26: internal_authentication.challenge_bytes: Invalid enum value 9; there are: 8, 16",
        ),
        (
            '"00880081"',
            '"00880081"\nanswer_bytes = 8',
            ":19: internal_authentication: answer_bytes: only a CMAC is cut",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_is_right(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    text = SOUND.replace(before, after, 1)
    assert text != SOUND
    lines = said(tmp_path, text)
    assert any(line.startswith(words) for line in lines), lines


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('subject = "serial_number"', 'encoding = "ascii"', ':4: number: `subject` belongs to from = "certificate"'),
        (
            'subject = "serial_number"',
            'subject = "name"',
            ":6: number.subject: Invalid enum value 'name'; there are: common",
        ),
        ('"serial_number"', '"serial_number"\noffset = 1', ':4: number: from = "certificate" takes `subject` alone'),
        (
            '"serial_number"',
            '"serial_number"\nencoding = "hex"',
            ':4: number: from = "certificate" takes `subject` alone',
        ),
        (
            'authentication = "signature"',
            'authentication = "none"',
            ':5: number.from: only with authentication = "signature"',
        ),
        (
            'from = "certificate"\nsubject = "serial_number"',
            'from = "a"\nencoding = "hex"',
            ":5: number.from: no step is called 'a'; there are no [[steps]]",
        ),
        ('["ca.pem"]', "[]", ":9: signature.ca: [] is not a list of one PEM file or more"),
        ('"0003"', '"03"', ":10: signature.certificate_file: '03' is not 4 hexadecimal digits"),
        ('"0003"', '"3F00"', ":8: signature: certificate_file: this SELECT may lead to another application"),
        (
            '"002A9E9A"',
            '"002A8680"',
            ":8: signature: command: only INTERNAL AUTHENTICATE (0088 and P1, P2) and COMPUTE",
        ),
        (
            '"002A9E9A"',
            '"002A9E9A"\nchallenge_bytes = 8',
            ":12: signature.challenge_bytes: 8 is not a number of bytes, 16 to 128",
        ),
        (
            '"002A9E9A"',
            '"002A9E9A"\nhash = "sha1"',
            ":12: signature.hash: Invalid enum value 'sha1'; there are: sha256",
        ),
    ],
)
def test_a_mistake_about_a_signature_likewise(tmp_path: Path, before: str, after: str, words: str) -> None:
    text = SIGNED.replace(before, after, 1)
    assert text != SIGNED
    lines = said(tmp_path, text)
    assert any(line.startswith(words) for line in lines), lines


@pytest.mark.rule(7)
@pytest.mark.parametrize("key", ["00112233445566778899aabbccddeeff", "00112233445566778899AABBCCDDEEFF", "0011 2233"])
def test_a_key_that_was_written_into_a_profile_is_not_shown(tmp_path: Path, key: str) -> None:
    (line,) = said(tmp_path, SOUND.replace('"staff"', f'"{key}"'))
    assert line.startswith(":19: internal_authentication: key: write the name that the key has in the key file")
    assert key not in line


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    text = SOUND.replace("00A4020C020001", "00D60000").replace("offset = 8", "offset = -8").replace("sp800", "none")
    assert [line.partition(": ")[0] for line in said(tmp_path, text)] == [":15", ":4", ":22"]
    text = SOUND.replace("F04B415A5553550101", "D392F00026").replace('from = "holder"', 'from = "x"')
    assert [line.partition(": ")[0] for line in said(tmp_path, text)] == [":1", ":14", ":23", ":24"]
