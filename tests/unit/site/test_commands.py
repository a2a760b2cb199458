"""What the desk signs, terminals read; what terminals sign, the desk reads; and nothing else."""

from __future__ import annotations

import pytest

from fakes.clock import START
from fakes.commands import FORGER, KEYS, SITE, SITE_KEY, TERMINAL
from fakes.journal import SIGNER
from kazasu.errors import OrderRefused, SignatureInvalid
from kazasu.model.command import Verdict
from kazasu.model.document import signed
from kazasu.model.order import Unlock
from kazasu.model.signature import Ed25519Verifier
from kazasu.publishers.command_trust import CommandReader
from kazasu.site.commands import CommandWriter, check, read_answer

pytestmark = pytest.mark.rule(8)

WRITER = CommandWriter(SITE, SITE_KEY, "suzuki", lambda: START)
TERMINAL_KEYS = [Ed25519Verifier(SIGNER.public)]
ANSWER: dict[str, int | str] = {
    "v": 1,
    "type": "answer",
    "site": SITE,
    "terminal": TERMINAL,
    "transaction": "5a" * 16,
    "ok": 1,
    "said": "gate: unlocked",
    "seq": 7,
}


def test_what_the_desk_writes_the_terminal_reads() -> None:
    written = WRITER.write(TERMINAL, "unlock", {"door": "gate", "for_s": 60})
    command = CommandReader(SITE, TERMINAL, KEYS, None).read(written.payload)
    assert command.asked == Unlock(by="site:suzuki", door="gate", for_s=60)
    assert (command.transaction, command.issued) == (written.transaction, START)


def test_no_two_commands_are_one_transaction() -> None:
    written = {WRITER.write(TERMINAL, "restart", {}).transaction for _ in range(100)}
    assert len(written) == 100


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("open", {}, "no command 'open'; there are: release"),
        ("release", {}, "door"),
        ("restart", {"door": "x"}, "door"),
    ],
)
def test_a_mistake_is_told_before_anything_is_sent(command: str, arguments: dict[str, int | str], words: str) -> None:
    with pytest.raises(OrderRefused, match=words):
        check(command, arguments, "suzuki")


def test_an_answer_is_read() -> None:
    body = signed(ANSWER, SIGNER).body
    assert read_answer(body, SITE, TERMINAL, TERMINAL_KEYS) == (
        "5a" * 16,
        Verdict(ok=True, said="gate: unlocked", seq=7),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        signed(ANSWER, FORGER).body,
        signed(ANSWER | {"terminal": "back"}, SIGNER).body,
        signed(ANSWER | {"site": "elsewhere"}, SIGNER).body,
        signed(ANSWER | {"type": "command"}, SIGNER).body,
        signed(ANSWER | {"v": 2}, SIGNER).body,
        signed(ANSWER | {"more": 1}, SIGNER).body,
        signed(ANSWER | {"ok": "1"}, SIGNER).body,
        signed({name: value for name, value in ANSWER.items() if name != "seq"}, SIGNER).body,
    ],
)
def test_what_the_terminal_did_not_sign_as_an_answer_is_none(body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        read_answer(body, SITE, TERMINAL, TERMINAL_KEYS)
